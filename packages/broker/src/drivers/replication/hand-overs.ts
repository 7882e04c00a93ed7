/**
 * H-13: what a node without room leads goes to replicas that have some: one HandOver at a time, for as many partitions as it takes.
 *
 *   short of room ──> each tick: partitions with somebody to lead them ──> submit ──> the metadata say who leads
 *
 * Nothing is remembered between two of them: whatever was not done, refused or lost is planned anew with the next tick, from what is
 * known then, and a partition that has moved on is passed over by its leader epoch.
 */
import type { HandedOver } from "@varve/cluster";
import type { LocalPartition } from "../partition.ts";
import type { Submit } from "./isr-requests.ts";

export interface HandOversDependencies {
  readonly submit: Submit;
  readonly me: () => { readonly brokerId: number; readonly brokerEpoch: number };
  readonly tell: (fields: object, event: string) => void;
}

/** In one command. */
const partitionsMax = 500;

export class HandOvers {
  readonly #dependencies: HandOversDependencies;
  #isUnderWay = false;
  /** Why it was refused last, so that it is told once. */
  #toldWhy = "";

  constructor(dependencies: HandOversDependencies) {
    this.#dependencies = dependencies;
  }

  /** Asks the controller for what can go now; does nothing while an answer is awaited. */
  async send(partitions: Iterable<LocalPartition>): Promise<void> {
    const me = this.#dependencies.me();
    if (this.#isUnderWay || me.brokerEpoch < 0) return;
    const going = planAll(partitions);
    if (going.length === 0) return;
    this.#isUnderWay = true;
    const outcome = await this.#dependencies.submit({ kind: "handOver", ...me, partitions: going });
    this.#isUnderWay = false;
    const { tell } = this.#dependencies;
    const why = outcome.kind === "refused" ? outcome.refusal.reason : "";
    if (outcome.kind === "refused" && why !== this.#toldWhy) {
      tell({ why: outcome.refusal.message }, "partitions could not be handed over yet");
    } else if (outcome.kind === "done" && outcome.reply.partitions > 0) {
      tell({ ...outcome.reply }, "partitions were handed over to replicas that have room");
    }
    this.#toldWhy = why;
  }
}

function planAll(partitions: Iterable<LocalPartition>): HandedOver[] {
  const going: HandedOver[] = [];
  for (const { leading, log } of partitions) {
    const to = leading?.handOver();
    if (leading === undefined || to === undefined) continue;
    const { topicId, partition } = log.id;
    going.push({ topicId, partition, leaderEpoch: leading.state.leaderEpoch, to });
    if (going.length === partitionsMax) break;
  }
  return going;
}
