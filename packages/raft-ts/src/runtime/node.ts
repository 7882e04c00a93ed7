// SPDX-License-Identifier: Apache-2.0
/**
 * A member of a Raft group, from its first tick to its last.
 *
 *   start ──▶ running ──stop──▶ hands leadership over, lets proposals be decided ──▶ closed "stopped"
 *                └── a failed write, a broken rule, damage (P5) ─────────────────▶ closed "failed", `onFatal`
 *
 * Invariants: nothing is rejected that nobody waits for; what is unknown is never called failed; a node that has ended sends
 * nothing and claims nothing.
 */

import type { BootState, CoreStatus, PeerId, SoftState } from "../core/types.ts";
import { Admin } from "./admin.ts";
import { restoreNewest } from "./apply-loop.ts";
import { systemClock } from "./clock.ts";
import { Driver } from "./driver.ts";
import { nodeMetrics, type NodeMetrics } from "./metrics.ts";
import { nodeOptions, peerIdOf, type NodeOptions, type NodeOptionsInput } from "./node-options.ts";
import type { LeaderHint, ProposalOutcome, ProposeOptions, ReadOutcome, RequestOptions } from "./outcomes.ts";
import type { Clock, OpenedStorage, StateMachine, Storage, Transport } from "./ports.ts";
import { SpaceWatch } from "./space-watch.ts";

export interface NodeParts<Result> {
  /** Opened; the node owns it from now on and closes it. */
  readonly storage: Storage;
  /** What `open`, `form` or `join` resolved with last. */
  readonly opened: OpenedStorage;
  /** Not started; the node starts and stops it. */
  readonly transport: Transport;
  /** As it was before the first entry: the node loads the newest snapshot into it. */
  readonly stateMachine: StateMachine<Result>;
  /** @default the process's */
  readonly clock?: Clock;
  readonly options?: NodeOptionsInput;
}

/** How it ended. */
export interface Closed {
  readonly reason: "stopped" | "failed";
  /** Why it failed. */
  readonly error: Error | undefined;
  /** What did not end in time and was left behind; empty after a clean end. */
  readonly unfinished: readonly string[];
}

export class RaftNode<Result> {
  readonly id: PeerId;
  /** Resolves when the node has ended, for whatever reason, and storage and transport are closed. Never rejects. */
  readonly closed: Promise<Closed>;
  /** Changes of the members, and of who leads: for operators, on the leader. */
  readonly admin: Admin<Result>;
  readonly #driver: Driver<Result>;
  readonly #space: SpaceWatch;
  readonly #parts: NodeParts<Result>;
  readonly #clock: Clock;
  readonly #options: NodeOptions;
  #stopping: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #resolveClosed: (closed: Closed) => void = () => {};

  /**
   * Loads the newest snapshot, then takes part in the group. Suspect storage: the node runs mute, refuses everything and says
   * so in `metrics` (D-4). Rejects when the snapshot cannot be loaded, when the boot state breaks a rule (`RaftFatal`) or when
   * the transport does not start; storage and transport are closed then.
   */
  static async start<Result>(parts: NodeParts<Result>): Promise<RaftNode<Result>> {
    const { storage, transport, stateMachine, opened } = parts;
    try {
      const { health } = opened;
      const isSuspect = health.state === "suspect" || opened.boot.suspect;
      const { snapshot } = opened.boot;
      const boot: BootState = isSuspect ? muteBoot : { ...opened.boot, applied: snapshot?.index ?? 0 };
      if (!isSuspect && snapshot !== null) await restoreNewest(stateMachine, storage.snapshots, snapshot.index);
      const node = new RaftNode(parts, boot);
      await node.#begin(isSuspect ? suspicion(opened) : undefined);
      return node;
    } catch (error) {
      await Promise.allSettled([transport.stop()]);
      await Promise.allSettled([storage.close()]);
      throw error;
    }
  }

  private constructor(parts: NodeParts<Result>, boot: BootState) {
    this.#parts = parts;
    this.id = peerIdOf(parts.opened.identity);
    this.#clock = parts.clock ?? systemClock;
    this.#options = nodeOptions(parts.options ?? {});
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    const { storage, transport, stateMachine } = parts;
    this.#driver = new Driver({
      self: this.id,
      boot,
      storage,
      transport,
      stateMachine,
      clock: this.#clock,
      options: this.#options,
      onFailed: (error) => this.#failed(error),
    });
    this.admin = new Admin(this.#driver, this.#clock, this.#options.stopStepMs);
    this.#space = new SpaceWatch(storage, this.#clock, this.#options, (low) => {
      this.#driver.post(() => this.#driver.core.advance({ type: "space", low }));
    });
  }

  /** The leader as far as this node knows; null when it knows none, or has ended. */
  get leader(): LeaderHint | null {
    return this.#driver.leader();
  }

  /** Role, leader and term; `active`: this node leads and may read, and its application may act as the one in charge (C3). */
  get state(): SoftState {
    return this.#driver.soft;
  }

  /**
   * Asks the group to take `data` into its log, in order with other calls on this node. `data` is copied. Resolves with what
   * became of it; never rejects. Only a leader takes proposals: others refuse, with a hint.
   */
  propose(data: Uint8Array, options: ProposeOptions = {}): Promise<ProposalOutcome<Result>> {
    return this.#driver.proposals.propose(data, options);
  }

  /**
   * `ready`: whatever this node's state machine answers from now on reflects everything acknowledged before this call (R1).
   * Costs one round of heartbeats, shared with the other reads of the moment, and no log entry. Never rejects.
   */
  read(options: RequestOptions = {}): Promise<ReadOutcome> {
    return this.#driver.reads.read(options);
  }

  status(): CoreStatus {
    return this.#driver.status();
  }

  metrics(): NodeMetrics {
    return nodeMetrics(this.#driver, this.#space);
  }

  /**
   * Hands leadership over, lets proposals be decided, closes everything in order; each step takes `stopStepMs` at most (T4).
   * What is not decided by then is `unknown`. Every call returns the same promise; it never rejects.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #begin(suspicion: string | undefined): Promise<void> {
    const driver = this.#driver;
    if (suspicion !== undefined) {
      // D-4: nothing is heard and nothing is said, so the transport stays closed.
      this.#options.onEvent({ type: "suspect", reason: suspicion });
      driver.proposals.refuseFromNow("suspect");
      driver.reads.close("suspect");
      driver.start();
      return;
    }
    await this.#parts.transport.start({
      onMessage: (message) => driver.receive(message),
      onUnreachable: (peer) => driver.unreachable(peer),
      // A stage that cannot be opened is an offer that is not wanted.
      onSnapshot: (offer) => driver.snapshots.receive(offer).catch(() => null),
    });
    driver.start();
    void this.#space.start();
  }

  async #stop(): Promise<void> {
    const driver = this.#driver;
    driver.proposals.refuseFromNow("stopped");
    if (driver.ended === undefined && driver.soft.role === "leader") {
      let isOver = false;
      driver.post(() => (isOver = !driver.core.transferLeader(null).ok));
      await this.#within(() => isOver || driver.soft.role !== "leader");
    }
    await this.#within(() => driver.proposals.count === 0);
    driver.close("stopped");
    await this.#close("stopped", undefined);
  }

  /** Waits until `check` holds, for `stopStepMs` at most. */
  async #within(check: () => boolean): Promise<void> {
    const patience = new AbortController();
    const timer = this.#clock.after(this.#options.stopStepMs, () => patience.abort());
    await this.#driver.watch(() => (check() ? true : undefined), patience.signal);
    timer.cancel();
  }

  #failed(error: Error): void {
    void this.#close("failed", error);
    this.#options.onFatal(error);
  }

  /** First nothing comes in, then what is under way ends, then storage closes. */
  #close(reason: Closed["reason"], error: Error | undefined): Promise<void> {
    this.#closing ??= this.#closeAll(reason, error);
    return this.#closing;
  }

  async #closeAll(reason: Closed["reason"], error: Error | undefined): Promise<void> {
    this.#space.stop();
    const unfinished: string[] = [];
    const steps: [string, () => Promise<void>][] = [
      ["transport", () => this.#parts.transport.stop()],
      ["work under way", () => this.#driver.settled()],
      ["storage", () => this.#parts.storage.close()],
    ];
    for (const [name, step] of steps) {
      if (!(await this.#patiently(step))) unfinished.push(name);
    }
    this.#resolveClosed({ reason, error, unfinished });
  }

  /** Whether `step` ended well within `stopStepMs`. */
  async #patiently(step: () => Promise<void>): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(this.#options.stopStepMs, () => resolve(false));
      const end = (ok: boolean): void => {
        timer.cancel();
        resolve(ok);
      };
      Promise.resolve()
        .then(step)
        .then(
          () => end(true),
          () => end(false),
        );
    });
  }
}

/** What a core is booted with that takes no part in anything. */
const muteBoot: BootState = {
  hard: { term: 0, vote: null, commit: 0 },
  snapshot: null,
  firstIndex: 1,
  lastIndex: 0,
  termRuns: [],
  configs: [],
  tail: [],
  applied: 0,
  suspect: true,
};

function suspicion({ health }: OpenedStorage): string {
  return health.state === "suspect" ? health.reason : "storage says that it may have lost something";
}
