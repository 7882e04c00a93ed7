// SPDX-License-Identifier: Apache-2.0
// One run of a workflow: its steps, each of which looks at what is committed before it does anything, and what is told of it.

import type { Config, ConfigChange, PeerId, PeerStatus } from "../core/types.ts";
import type { Driver } from "./driver.ts";
import type { ChangeOutcome, Lost, Refused, RequestOptions, Unknown } from "./outcomes.ts";
import type { Patience } from "./patience.ts";

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

export const workflowDeadlineMs = 600_000;

/** Refusals that go away by themselves. */
const passing: ReadonlySet<string> = new Set(["change-pending", "not-ready", "transferring", "not-caught-up"]);

type Change = (change: ConfigChange, options: RequestOptions) => Promise<ChangeOutcome>;

/** One run: the steps that are committed, and the one that failed. Every step says whether the next may begin. */
export class Workflow<Result> {
  readonly completed: WorkflowStep[] = [];
  failure: { readonly step: WorkflowStep; readonly outcome: Lost | Unknown | Refused } | undefined;
  readonly #change: Change;
  readonly #driver: Driver<Result>;
  readonly #patience: Patience;
  readonly #options: WorkflowOptions;

  constructor(change: Change, driver: Driver<Result>, patience: Patience, options: WorkflowOptions) {
    this.#change = change;
    this.#driver = driver;
    this.#patience = patience;
    this.#options = options;
  }

  async learner(id: PeerId, address: string): Promise<boolean> {
    const config = await this.#committed("add-learner");
    if (config === undefined) return false;
    if (!isMember(config, id)) return this.#step("add-learner", { type: "addLearner", id, address });
    if (config.addresses.some((each) => each.id === id && each.address === address)) return true;
    return this.#step("set-address", { type: "setAddress", id, address });
  }

  /** M7, as far as the leader can see. */
  async caughtUp(id: PeerId): Promise<boolean> {
    for (;;) {
      const config = await this.#committed("catch-up");
      if (config === undefined) return false;
      if (config.voters.includes(id)) return true;
      const peer = this.#peer(id);
      if (peer?.caughtUp === true && peer.match > 0) return true;
      this.#tell("catch-up", id);
      if (!(await this.#tick())) return this.#fail("catch-up", this.#gaveUp("the learner has not caught up"));
    }
  }

  async promoted(id: PeerId): Promise<boolean> {
    if (!(await this.caughtUp(id))) return false;
    const config = await this.#committed("promote");
    if (config === undefined) return false;
    return config.voters.includes(id) || this.#step("promote", { type: "promote", id });
  }

  async removed(id: PeerId): Promise<boolean> {
    const config = await this.#committed("remove");
    if (config === undefined) return false;
    return !isMember(config, id) || this.#step("remove", { type: "remove", id, force: this.#options.force === true });
  }

  /** The configuration, once it is known to be committed: only the leader knows, and only when it is active (C3). */
  async #committed(step: WorkflowStep): Promise<Config | undefined> {
    for (;;) {
      const { role, active, config, configIndex, commit } = this.#driver.status();
      if (role !== "leader" || this.#driver.ended !== undefined) {
        this.#fail(step, this.#refused(this.#driver.ended ?? "not-leader", "only the leader can change the members"));
        return undefined;
      }
      if (active && configIndex <= commit) return config;
      if (!(await this.#tick())) {
        this.#fail(step, this.#gaveUp("the last change is not committed yet"));
        return undefined;
      }
    }
  }

  /** One change, again as long as it is refused for a reason that passes. */
  async #step(step: WorkflowStep, change: ConfigChange): Promise<boolean> {
    for (;;) {
      this.#tell(step, change.id);
      const outcome = await this.#change(change, { ...this.#rest(), signal: this.#patience.signal });
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

  #gaveUp(detail: string): Refused {
    return this.#refused(this.#driver.ended ?? this.#patience.why, detail);
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

function isMember({ voters, learners }: Config, id: PeerId): boolean {
  return voters.includes(id) || learners.includes(id);
}
