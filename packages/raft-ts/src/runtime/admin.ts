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

import type { Config, ConfigChange, PeerId, RequestOutcome } from "../core/types.ts";
import type { Driver } from "./driver.ts";
import type { ChangeOutcome, LeaderHint, Refused, RequestOptions } from "./outcomes.ts";
import { Patience } from "./patience.ts";
import type { Clock } from "./ports.ts";
import { Workflow, workflowDeadlineMs, type WorkflowOptions, type WorkflowOutcome } from "./workflow.ts";

export type TransferOutcome =
  /** This node leads no more. `leader` is null when nobody was heard of in time. */
  | { readonly kind: "done"; readonly leader: LeaderHint | null }
  /** It leads on: the other did not catch up, or did not win (T3). */
  | { readonly kind: "aborted" }
  | Refused;

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
    const workflow = new Workflow((change, request) => this.change(change, request), this.#driver, patience, options);
    const isDone = await run(workflow).finally(() => patience.end());
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
