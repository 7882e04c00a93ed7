/**
 * The ways of produce requests from this node to one leader. A stream is answered in order, so that a batch that waits for its replicas
 * holds up whatever follows it; a partition whose requests are all answered therefore goes where nothing is under way.
 *
 *     partition with requests under way ──> the lane where they are        (their order)
 *     another one ──> a lane with nothing under way ──> a new lane ──> the one with least
 *
 * Invariant: what is under way of one partition is on one lane.
 */
import type { ProduceRequestFields } from "@varve/api";
import { Budget } from "../byte-budget.ts";
import type { PendingProduce } from "../pending-produce.ts";
import { ProduceLane, type ProduceLaneDependencies } from "./produce-lane.ts";

/** A stream each; a leader has a limit of them for all nodes. */
const lanesMax = 8;
/** On their way to one leader; more are refused. */
const bytesMax = 32 * 1024 * 1024;

export class ProduceLanes {
  readonly #leader: number;
  readonly #dependencies: Omit<ProduceLaneDependencies, "budget">;
  readonly #budget = new Budget(bytesMax);
  readonly #lanes: ProduceLane[] = [];

  constructor(leader: number, dependencies: Omit<ProduceLaneDependencies, "budget">) {
    this.#leader = leader;
    this.#dependencies = dependencies;
  }

  /** As `ProduceLane.send`. */
  send(request: ProduceRequestFields, pending: PendingProduce, timeoutMs: number): void {
    this.#laneFor(`${request.topic}/${pending.partition}`).send(request, pending, timeoutMs);
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }

  giveUp(why: string): void {
    for (const lane of this.#lanes) lane.giveUp(why);
  }

  #laneFor(partition: string): ProduceLane {
    let least: ProduceLane | undefined;
    for (const lane of this.#lanes) {
      if (lane.has(partition)) return lane;
      if (least === undefined || lane.underWay < least.underWay) least = lane;
    }
    if (least !== undefined && (least.underWay === 0 || this.#lanes.length >= lanesMax)) return least;
    const lane = new ProduceLane(this.#leader, { ...this.#dependencies, budget: this.#budget });
    this.#lanes.push(lane);
    return lane;
  }
}
