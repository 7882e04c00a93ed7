/** From a finished produce job to what the client reads. Pure, except for asking where the leader is. */
import type { LeaderHint, ProduceOutcome, ProduceResponse, ProduceResult } from "@varve/api";
import type { PendingProduce } from "../drivers/pending-produce.ts";
import type { ProduceJob } from "../drivers/produce-intake.ts";
import { type Refusal, errorFieldsOf } from "../refusal.ts";

const all: readonly number[] = [];

export class ProduceAnswers {
  readonly #leaderHint: (leaderEpoch: number) => LeaderHint;

  constructor(leaderHint: (leaderEpoch: number) => LeaderHint) {
    this.#leaderHint = leaderHint;
  }

  outcomeOf(job: ProduceJob): ProduceOutcome {
    if (job.refusal !== undefined) return { kind: "error", error: errorFieldsOf(job.refusal) };
    return { kind: "response", response: this.responseOf(job) };
  }

  responseOf(job: ProduceJob): ProduceResponse {
    return { results: job.results.map((pending) => this.#resultOf(pending)) };
  }

  #resultOf(pending: PendingProduce): ProduceResult {
    const { refusal } = pending;
    const failed = refusal !== undefined;
    return {
      partition: pending.partition,
      baseOffset: failed ? -1 : pending.baseOffset,
      lastOffset: failed ? -1 : pending.lastOffset,
      timestampMs: failed ? undefined : pending.appendTimeMs,
      ack: failed
        ? undefined
        : { level: pending.acks, leaderEpoch: pending.leaderEpoch, durableReplicas: pending.durableReplicas },
      duplicate: pending.duplicate,
      recordIndexes: pending.recordIndexes ?? all,
      error: failed ? errorFieldsOf(refusal) : undefined,
      leader: pending.leader ?? hintIn(refusal) ?? this.#leaderHint(pending.leaderEpoch),
      logStartOffset: failed ? -1 : pending.logStartOffset,
    };
  }
}

/** Somebody else leads, as the refusal says. */
function hintIn(refusal: Refusal | undefined): LeaderHint | undefined {
  if (refusal?.reason !== "NOT_LEADER") return undefined;
  const { leader, leaderEpoch, address } = refusal.metadata;
  if (leader === undefined || address === undefined) return undefined;
  return { nodeId: Number(leader), address, leaderEpoch: Number(leaderEpoch ?? -1) };
}

/** The first failure of a job, for calls that can only succeed or fail as a whole. */
export function firstRefusal(job: ProduceJob): Refusal | undefined {
  if (job.refusal !== undefined) return job.refusal;
  return job.results.find((pending) => pending.refusal !== undefined)?.refusal;
}
