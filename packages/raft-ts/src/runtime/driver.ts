// SPDX-License-Identifier: Apache-2.0
/**
 * The actor: everything that reaches the core passes through here, one turn after the other.
 *
 *   messages, ticks, completions, requests ──▶ queue ──turn──▶ core ──Ready──▶ send · write · apply · answer · fetch · stream
 *                                                ▲                               │
 *                                                └──────── completions ──────────┘
 *
 * Invariants: the core is called in turns only; completions come back as events, never as calls out of a promise; after the
 * first failure nothing is sent, written or answered as if it had worked (P5). It decides nothing about Raft.
 */

import { coreDefaults } from "../core/core-config.ts";
import { RaftCore } from "../core/raft.ts";
import type {
  BootState,
  Config,
  CoreStatus,
  PeerId,
  PeerMessage,
  PersistBatch,
  Ready,
  SoftState,
  TraceEvent,
} from "../core/types.ts";
import { ApplyLoop } from "./apply-loop.ts";
import { Inbox } from "./inbox.ts";
import type { NodeOptions } from "./node-options.ts";
import type { LeaderHint } from "./outcomes.ts";
import type { Clock, StateMachine, Storage, Timer, Transport } from "./ports.ts";
import { Proposals } from "./proposals.ts";
import { Reads } from "./reads.ts";
import { SnapshotPolicy } from "./snapshot-policy.ts";
import { Snapshots } from "./snapshots.ts";

/** Events and messages of one turn; what is beyond waits for the next, so that timers and sockets get theirs. */
const eventsPerTurn = 2048;

export interface DriverParts<Result> {
  readonly self: string;
  readonly boot: BootState;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly stateMachine: StateMachine<Result>;
  readonly clock: Clock;
  readonly options: NodeOptions;
  /** Called once, from within a turn or a completion. */
  readonly onFailed: (error: Error) => void;
}

export class Driver<Result> {
  readonly proposals: Proposals<Result>;
  readonly reads: Reads;
  readonly snapshots: Snapshots;
  readonly inbox: Inbox;
  readonly counts = {
    turns: 0,
    events: 0,
    ticks: 0,
    sent: 0,
    batches: 0,
    entriesWritten: 0,
    entriesApplied: 0,
    fetches: 0,
  };
  readonly #parts: DriverParts<Result>;
  readonly #core: RaftCore;
  readonly #apply: ApplyLoop<Result>;
  #events: (() => void)[] = [];
  #isTurnComing = false;
  #isInTurn = false;
  #tickTimer: Timer | undefined;
  #state: "new" | "running" | "closed" = "new";
  #ended: "stopped" | "failed" | undefined;
  #soft: SoftState;
  #config: Config;
  #configChanged = true;
  /** The batch on its way to disk. */
  #writing: Promise<void> | undefined;
  readonly #unreachable = new Set<PeerId>();
  readonly #waiters = new Set<() => void>();

  /** Throws `RaftFatal` for a boot state that no healthy storage recovers. */
  constructor(parts: DriverParts<Result>) {
    this.#parts = parts;
    const { self, boot, storage, transport, stateMachine, clock, options } = parts;
    const trace = (event: TraceEvent): void => {
      if (event.type === "config") this.#setConfig(event.config);
    };
    this.#core = new RaftCore({ ...options.core, self, seed: options.seed, trace }, boot);
    const { role, leader, term, active, config, applied } = this.#core.status();
    this.#soft = { role, leader, term, active };
    this.#config = config;
    const host = {
      nowMs: () => clock.nowMs(),
      wake: () => this.#wake(),
      leader: () => this.leader(),
    };
    const maxEntryBytes = options.core.maxEntryBytes ?? coreDefaults.maxEntryBytes;
    this.proposals = new Proposals<Result>({ ...options, maxEntryBytes }, host);
    this.reads = new Reads(options, applied, host);
    this.inbox = new Inbox({ maxMessages: options.inboxMessages, maxBytes: options.inboxBytes });
    const policy = new SnapshotPolicy(options.snapshots, clock.nowMs());
    const failed = (error: Error): void => this.fail(error);
    this.snapshots = new Snapshots(storage, transport, policy, {
      post: (event) => this.post(event),
      advance: (ack) => this.#core.advance(ack),
      step: (done) => this.#core.step(done),
      snapshotMeta: (index) => this.#core.snapshotMeta(index),
      position: () => {
        const { term, commit, installing: isInstalling } = this.#core.status();
        return { self, term, commit, isInstalling };
      },
      report: options.onEvent,
      failed,
    });
    this.#apply = new ApplyLoop(stateMachine, storage.snapshots, policy, {
      nowMs: host.nowMs,
      applied: (batch, results) =>
        this.#runNow(() => {
          this.#core.advance({ type: "applied", index: batch.lastIndex });
          this.counts.entriesApplied += batch.entries.length;
          this.proposals.applied(batch.entries, results);
          this.reads.applied(batch.lastIndex);
        }),
      restored: (meta) =>
        this.post(() => {
          this.#core.advance({ type: "restored", index: meta.index });
          this.proposals.restored(meta);
          this.reads.applied(meta.index);
        }),
      wantsCut: () => !this.snapshots.isSaving,
      cut: (index, cut) => this.post(() => this.snapshots.take(index, cut)),
      failed,
    });
  }

  get core(): RaftCore {
    return this.#core;
  }

  /** How it ended, if it did. */
  get ended(): "stopped" | "failed" | undefined {
    return this.#ended;
  }

  get soft(): SoftState {
    return this.#soft;
  }

  /** In force (M1). */
  get config(): Config {
    return this.#config;
  }

  status(): CoreStatus {
    return this.#core.status();
  }

  leader(): LeaderHint | null {
    const { leader } = this.#soft;
    if (leader === null) return null;
    return { id: leader, address: this.#config.addresses.find(({ id }) => id === leader)?.address ?? null };
  }

  /** Begins to tick, and to tell the transport whom to talk to. */
  start(): void {
    this.#state = "running";
    this.#tick();
    this.post(() => this.#core.campaignIfAlone());
  }

  /** A message of a peer; see `TransportHandlers.onMessage`. */
  receive(message: PeerMessage): Promise<void> | undefined {
    if (this.#state !== "running") return undefined;
    this.#wake();
    return this.inbox.push(message);
  }

  /** A stream to `peer` broke. However often it is said until the next turn, the core hears it once. */
  unreachable(peer: PeerId): void {
    if (this.#unreachable.has(peer)) return;
    this.#unreachable.add(peer);
    this.post(() => {
      this.#unreachable.delete(peer);
      this.#core.advance({ type: "unreachable", peer });
    });
  }

  /** Runs `event` in a turn; never if the node has ended. Its callers are bounded: one event for each thing under way. */
  post(event: () => void): void {
    if (this.#state === "closed") return;
    this.#events.push(event);
    this.#wake();
  }

  /**
   * As `post`, in a turn of its own at once unless one is running: whoever waits for what was applied does not wait for another
   * round through the network. Called outside of turns from microtasks, of which each had something to wait for.
   */
  #runNow(event: () => void): void {
    if (this.#isInTurn || this.#state !== "running") return this.post(event);
    this.#events.push(event);
    this.#turn();
  }

  /** Resolves with what `check` finds, looked at after turns; with undefined when the node ends or the signal is aborted. */
  watch<T>(check: () => T | undefined, signal?: AbortSignal): Promise<T | undefined> {
    return new Promise((resolve) => {
      const end = (found: T | undefined): void => {
        this.#waiters.delete(look);
        signal?.removeEventListener("abort", stop);
        resolve(found);
      };
      const stop = (): void => end(undefined);
      const look = (): void => {
        const found = check();
        if (found !== undefined || this.#state === "closed") end(found);
      };
      if (signal?.aborted === true) return stop();
      signal?.addEventListener("abort", stop, { once: true });
      this.#waiters.add(look);
      look();
    });
  }

  /** The first failure ends everything: no turn comes any more, and the owner is told (P5). */
  fail(error: Error): void {
    if (this.#state === "closed") return;
    this.close("failed");
    this.#parts.onFailed(error);
  }

  /** No turn comes any more; whoever waits is told what is known. */
  close(why: "stopped" | "failed"): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#ended = why;
    this.#tickTimer?.cancel();
    this.#events = [];
    // A node that has ended claims nothing: not even that it knows a leader.
    this.#soft = { role: "follower", leader: null, term: this.#soft.term, active: false };
    this.proposals.close(why);
    this.reads.close(why);
    this.inbox.close();
    for (const look of this.#waiters) look();
    this.#parts.options.onEvent({ type: "state", ...this.#soft });
  }

  /** After `close`: resolves when nothing touches storage, transport or state machine any more. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all([this.#writing, this.snapshots.stop(), this.#apply.stop()]);
  }

  #setConfig(config: Config): void {
    this.#config = config;
    this.#configChanged = true;
  }

  #wake(): void {
    if (this.#isTurnComing || this.#state !== "running") return;
    this.#isTurnComing = true;
    this.#parts.clock.nextTurn(() => {
      this.#isTurnComing = false;
      this.#turn();
    });
  }

  #tick(): void {
    this.#tickTimer = this.#parts.clock.after(this.#parts.options.tickMs, () => {
      this.post(() => {
        this.counts.ticks += 1;
        this.#core.tick();
        this.proposals.expire();
        this.reads.expire();
        this.#tick();
      });
    });
  }

  #turn(): void {
    if (this.#state !== "running") return;
    this.counts.turns += 1;
    this.#isInTurn = true;
    try {
      this.#takeEvents();
      this.#takeMessages();
      this.proposals.flush(
        (items) => this.#core.propose(items),
        () => this.#core.status().term,
      );
      this.reads.flush((ctx) => this.#core.readIndex(ctx));
      while (this.#isRunning() && this.#core.hasReady()) this.#perform(this.#core.ready());
      if (this.#configChanged) this.#tellPeers();
      for (const look of this.#waiters) look();
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#isInTurn = false;
    }
    if (this.#events.length > 0 || this.inbox.size > 0) this.#wake();
  }

  /** Whatever was called may have failed and closed this node. */
  #isRunning(): boolean {
    return this.#state === "running";
  }

  #takeEvents(): void {
    const events = this.#events;
    this.#events = [];
    this.counts.events += events.length;
    for (const event of events) if (this.#isRunning()) event();
  }

  #takeMessages(): void {
    for (let taken = 0; taken < eventsPerTurn && this.#isRunning(); taken += 1) {
      const message = this.inbox.shift();
      if (message === undefined) return;
      this.counts.events += 1;
      this.#core.step(message);
    }
  }

  #perform(ready: Ready): void {
    const { transport, options } = this.#parts;
    if (ready.soft !== null) {
      this.#soft = ready.soft;
      this.snapshots.keepStreamsOf(ready.soft.role === "leader" ? ready.soft.term : null);
      options.onEvent({ type: "state", ...ready.soft });
    }
    // Begun before the messages are written: somebody waits for it, and they say to others what is committed.
    if (ready.apply !== null) this.#apply.push({ kind: "apply", batch: ready.apply });
    // Before the messages: a peer that this very change adds must be known to the transport.
    if (this.#configChanged) this.#tellPeers();
    if (ready.send.length > 0) {
      this.counts.sent += ready.send.length;
      transport.send(ready.send);
    }
    if (ready.persist !== null) this.#write(ready.persist);
    if (ready.restore !== null) this.#apply.push({ kind: "restore", meta: ready.restore });
    if (ready.reads.length > 0) this.reads.confirmed(ready.reads);
    for (const { ctx } of ready.failed) this.reads.failed(ctx);
    for (const request of ready.fetch) this.#fetch(request);
    for (const request of ready.sendSnapshot) this.snapshots.send(request);
    for (const stagedId of ready.discard) this.snapshots.discard(stagedId);
  }

  #write(batch: PersistBatch): void {
    this.counts.batches += 1;
    this.counts.entriesWritten += batch.entries.length;
    const written = this.#writeBatch(batch).then(
      () => this.post(() => this.#core.advance({ type: "persisted", seq: batch.seq })),
      (error: unknown) =>
        this.fail(new Error("A write to storage failed; this node is lost to its group (P5)", { cause: error })),
    );
    this.#writing = written;
  }

  async #writeBatch(batch: PersistBatch): Promise<void> {
    if (batch.install !== null) await this.snapshots.whenIdle();
    if (this.#state === "closed") return;
    await this.#parts.storage.write(batch);
  }

  #fetch({ to, lo, hi, maxBytes, token }: Ready["fetch"][number]): void {
    this.counts.fetches += 1;
    this.#parts.storage.entries(lo, hi, maxBytes).then(
      (entries) => this.post(() => this.#core.advance({ type: "entriesRead", to, token, entries })),
      // D-5: what was read is not what was written.
      (error: unknown) => this.fail(new Error(`Cannot read entries ${lo} to ${hi - 1} of the log`, { cause: error })),
    );
  }

  #tellPeers(): void {
    this.#configChanged = false;
    // D-4: who is mute has no peers, and its transport was never started.
    if (this.#parts.boot.suspect) return;
    this.#parts.transport.setPeers(this.#config.addresses.filter(({ id }) => id !== this.#parts.self));
  }
}
