// SPDX-License-Identifier: Apache-2.0
/**
 * What operators ask of a leader. A change is one log entry (M4); a workflow is several of them, with a wait in between.
 *
 *   addVoter:  add as learner ──▶ catch up (M7) ──▶ promote
 *   replace:   add as learner ──▶ catch up ──▶ promote, then remove the old one            when the old one answers
 *                                         └──▶ remove the old one, then promote            when it does not
 *
 * The order of `replace` keeps the most failures tolerable at every step: a fourth voter costs nothing as long as all four
 * answer, and everything while one of them is known to be gone. A wiped disk is another identity (M11), so it is replaced and
 * never repaired.
 *
 * Invariant: a workflow looks at the configuration before every step and skips what is done, so calling it again, on
 * whoever leads now, goes on where it ended. It says what is committed, and never more.
 */

import type { Config, ConfigChange, PeerId, PeerStatus, RequestOutcome } from "../core/types.ts";
import type { Driver } from "./driver.ts";
import type { ChangeOutcome, LeaderHint, Lost, Refused, RequestOptions, Unknown } from "./outcomes.ts";
import type { Clock } from "./ports.ts";

/** How far a workflow is. */
export interface WorkflowProgress {
  readonly step: WorkflowStep;
  readonly id: PeerId;
  /** While catching up: what `id` has, and what there is. */
  readonly match: number;
  readonly lastIndex: number;
}

export type WorkflowStep = "add-learner" | "set-address" | "catch-up" | "promote" | "remove";

export interface WorkflowOptions {
  /** Ends the waiting; what is in the log stays there. */
  readonly signal?: AbortSignal;
  /** For the whole workflow. @default ten minutes */
  readonly deadlineMs?: number;
  /** Also when fewer active voters than the new majority would be left (M12). @default false */
  readonly force?: boolean;
  /** Called at every step, and at every tick of a wait. Must not throw. */
  readonly onProgress?: (progress: WorkflowProgress) => void;
}

export type WorkflowOutcome =
  | { readonly kind: "done"; readonly config: Config; readonly warnings: readonly string[] }
  /** `completed` is committed; `step` is not known to be, and `outcome` says why. Call it again on the leader to go on. */
  | {
      readonly kind: "incomplete";
      readonly completed: readonly WorkflowStep[];
      readonly step: WorkflowStep;
      readonly outcome: Lost | Unknown | Refused;
    };

export type TransferOutcome =
  /** This node leads no more. `leader` is null when nobody was heard of in time. */
  | { readonly kind: "done"; readonly leader: LeaderHint | null }
  /** It leads on: the other did not catch up, or did not win (T3). */
  | { readonly kind: "aborted" }
  | Refused;

const workflowDeadlineMs = 600_000;

/** Refusals that go away by themselves. */
const passing: ReadonlySet<string> = new Set(["change-pending", "not-ready", "transferring", "not-caught-up"]);

export class Admin<Result> {
  readonly #driver: Driver<Result>;
  readonly #clock: Clock;
  readonly #patienceMs: number;

  /** `patienceMs`: how long a transfer waits to hear of the next leader. */
  constructor(driver: Driver<Result>, clock: Clock, patienceMs: number) {
    this.#driver = driver;
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** One entry, as it is: refused at once when it cannot be now. */
  async change(change: ConfigChange, options: RequestOptions = {}): Promise<ChangeOutcome> {
    const driver = this.#driver;
    const asked = await this.#ask(() => {
      const refused = driver.core.proposeConfig(change);
      return refused.ok
        ? { tracked: driver.proposals.track(refused.firstIndex, refused.term, options) }
        : { tracked: undefined, refused };
    });
    if (asked === undefined) return this.#ended();
    if (asked.tracked === undefined) return this.#refused(asked.refused.reason, asked.refused.detail);
    const known = await asked.tracked;
    return known.kind === "success" ? this.#done() : known;
  }

  /** A member that gets everything and counts for nothing. */
  addLearner(id: PeerId, address: string, options: WorkflowOptions = {}): Promise<WorkflowOutcome> {
    return this.#workflow(options, (run) => run.learner(id, address));
  }

  /** Learner, then voter as soon as it has caught up (M7). */
  addVoter(id: PeerId, address: string, options: WorkflowOptions = {}): Promise<WorkflowOutcome> {
    return this.#workflow(options, async (run) => (await run.learner(id, address)) && (await run.promoted(id)));
  }

  /** A learner becomes a voter as soon as it has caught up. */
  promote(id: PeerId, options: WorkflowOptions = {}): Promise<WorkflowOutcome> {
    return this.#workflow(options, (run) => run.promoted(id));
  }

  demote(id: PeerId, options: RequestOptions & { readonly force?: boolean } = {}): Promise<ChangeOutcome> {
    return this.change({ type: "demote", id, force: options.force === true }, options);
  }

  /** A leader that removes itself leads until that is committed, then hands over (M8). */
  remove(id: PeerId, options: WorkflowOptions = {}): Promise<WorkflowOutcome> {
    return this.#workflow(options, (run) => run.removed(id));
  }

  setAddress(id: PeerId, address: string, options: RequestOptions = {}): Promise<ChangeOutcome> {
    return this.change({ type: "setAddress", id, address }, options);
  }

  /** M11: `next` takes the place of `old`, whose disk is lost or will be. Both name the same node, or not. */
  replace(
    old: PeerId,
    next: { readonly id: PeerId; readonly address: string },
    options: WorkflowOptions = {},
  ): Promise<WorkflowOutcome> {
    return this.#workflow(options, async (run) => {
      if (!(await run.learner(next.id, next.address)) || !(await run.caughtUp(next.id))) return false;
      return this.#answers(old)
        ? (await run.promoted(next.id)) && (await run.removed(old))
        : (await run.removed(old)) && (await run.promoted(next.id));
    });
  }

  /** To `to`, or to the voter that has most of the log. */
  async transferLeader(to: PeerId | null, options: RequestOptions = {}): Promise<TransferOutcome> {
    const driver = this.#driver;
    const outcome = await this.#ask<RequestOutcome>(() => driver.core.transferLeader(to));
    if (outcome === undefined) return this.#ended();
    if (!outcome.ok) return this.#refused(outcome.reason, outcome.detail);
    const patience = new Patience(this.#clock, options, this.#patienceMs);
    const isAborted = await driver.watch(() => {
      if (driver.soft.role !== "leader") return driver.soft.leader === null ? undefined : false;
      return driver.status().transferTarget === null ? true : undefined;
    }, patience.signal);
    patience.end();
    if (isAborted === true) return { kind: "aborted" };
    if (driver.soft.role === "leader") return this.#refused(patience.why, "leadership is still being handed over");
    return { kind: "done", leader: driver.leader() };
  }

  async #workflow(
    options: WorkflowOptions,
    run: (run: Workflow<Result>) => Promise<boolean>,
  ): Promise<WorkflowOutcome> {
    const patience = new Patience(this.#clock, options, workflowDeadlineMs);
    const workflow = new Workflow(this, this.#driver, patience, options);
    const isDone = await run(workflow);
    patience.end();
    if (isDone || workflow.failure === undefined) return this.#done();
    return { kind: "incomplete", completed: workflow.completed, ...workflow.failure };
  }

  /** Whether `id` answered this leader lately. */
  #answers(id: PeerId): boolean {
    const { self, peers } = this.#driver.status();
    return id === self || peers.some((peer) => peer.id === id && peer.recentActive);
  }

  /** Asks in a turn; undefined when no turn comes any more. */
  #ask<T>(question: () => T): Promise<T | undefined> {
    let answer: { readonly value: T } | undefined;
    this.#driver.post(() => (answer = { value: question() }));
    return this.#driver.watch(() => answer).then((found) => found?.value);
  }

  #done(): { readonly kind: "done"; readonly config: Config; readonly warnings: readonly string[] } {
    const { config } = this.#driver;
    const { length } = config.voters;
    const warnings =
      length % 2 === 0
        ? [`${length} voters tolerate no more failures than ${length - 1}: an odd number is better (M12)`]
        : [];
    return { kind: "done", config, warnings };
  }

  /** No turn came for it: nothing happened. */
  #ended(): Refused {
    return this.#refused(this.#driver.ended ?? "stopped", "this node takes part no more");
  }

  #refused(reason: Refused["reason"], detail: string): Refused {
    return { kind: "refused", reason, leader: this.#driver.leader(), detail };
  }
}

/** The caller's signal and a deadline, as one signal. */
class Patience {
  why: "aborted" | "deadline" = "aborted";
  readonly #controller = new AbortController();
  readonly #end: () => void;

  constructor(clock: Clock, options: RequestOptions, defaultMs: number) {
    const abort = (): void => this.#controller.abort();
    const timer = clock.after(options.deadlineMs ?? defaultMs, () => {
      this.why = "deadline";
      abort();
    });
    options.signal?.addEventListener("abort", abort, { once: true });
    if (options.signal?.aborted === true) abort();
    this.#end = () => {
      timer.cancel();
      options.signal?.removeEventListener("abort", abort);
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#end();
  }
}

/** One run: the steps that are committed, and the one that failed. Every step says whether the next may begin. */
class Workflow<Result> {
  readonly completed: WorkflowStep[] = [];
  failure: { readonly step: WorkflowStep; readonly outcome: Lost | Unknown | Refused } | undefined;
  readonly #admin: Admin<Result>;
  readonly #driver: Driver<Result>;
  readonly #patience: Patience;
  readonly #options: WorkflowOptions;

  constructor(admin: Admin<Result>, driver: Driver<Result>, patience: Patience, options: WorkflowOptions) {
    this.#admin = admin;
    this.#driver = driver;
    this.#patience = patience;
    this.#options = options;
  }

  async learner(id: PeerId, address: string): Promise<boolean> {
    const { voters, learners, addresses } = this.#driver.config;
    if (!voters.includes(id) && !learners.includes(id)) {
      return this.#step("add-learner", { type: "addLearner", id, address });
    }
    if (addresses.some((each) => each.id === id && each.address === address)) return true;
    return this.#step("set-address", { type: "setAddress", id, address });
  }

  /** M7, as far as the leader can see. */
  async caughtUp(id: PeerId): Promise<boolean> {
    for (;;) {
      if (this.#driver.config.voters.includes(id)) return true;
      const peer = this.#peer(id);
      if (peer?.caughtUp === true && peer.match > 0) return true;
      if (this.#driver.soft.role !== "leader") {
        return this.#fail("catch-up", this.#refused("not-leader", "leadership ended while the learner caught up"));
      }
      this.#tell("catch-up", id);
      if (!(await this.#tick())) return this.#fail("catch-up", this.#gaveUp());
    }
  }

  async promoted(id: PeerId): Promise<boolean> {
    if (this.#driver.config.voters.includes(id)) return true;
    return (await this.caughtUp(id)) && (await this.#step("promote", { type: "promote", id }));
  }

  async removed(id: PeerId): Promise<boolean> {
    const { voters, learners } = this.#driver.config;
    if (!voters.includes(id) && !learners.includes(id)) return true;
    return this.#step("remove", { type: "remove", id, force: this.#options.force === true });
  }

  /** One change, again as long as it is refused for a reason that passes. */
  async #step(step: WorkflowStep, change: ConfigChange): Promise<boolean> {
    for (;;) {
      this.#tell(step, change.id);
      const outcome = await this.#admin.change(change, { ...this.#rest(), signal: this.#patience.signal });
      if (outcome.kind === "done") {
        this.completed.push(step);
        return true;
      }
      if (outcome.kind !== "refused" || !passing.has(outcome.reason)) return this.#fail(step, outcome);
      if (!(await this.#tick())) return this.#fail(step, outcome);
    }
  }

  /** The workflow's own deadline ends a step, not the node's for single requests. */
  #rest(): RequestOptions {
    return { deadlineMs: this.#options.deadlineMs ?? workflowDeadlineMs };
  }

  #fail(step: WorkflowStep, outcome: Lost | Unknown | Refused): false {
    this.failure = { step, outcome };
    return false;
  }

  #gaveUp(): Refused {
    return this.#refused(this.#driver.ended ?? this.#patience.why, "the learner had not caught up");
  }

  #refused(reason: Refused["reason"], detail: string): Refused {
    return { kind: "refused", reason, leader: this.#driver.leader(), detail };
  }

  #peer(id: PeerId): PeerStatus | undefined {
    return this.#driver.status().peers.find((peer) => peer.id === id);
  }

  #tell(step: WorkflowStep, id: PeerId): void {
    const { lastIndex } = this.#driver.status();
    this.#options.onProgress?.({ step, id, match: this.#peer(id)?.match ?? 0, lastIndex });
  }

  /** The next tick; false when nobody waits any more. */
  async #tick(): Promise<boolean> {
    const { counts } = this.#driver;
    const before = counts.ticks;
    return (await this.#driver.watch(() => (counts.ticks > before ? true : undefined), this.#patience.signal)) === true;
  }
}
