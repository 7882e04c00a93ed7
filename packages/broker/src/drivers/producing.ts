/**
 * What producers send to one partition: refused, or appended and waited for.
 *
 *     produce ─ validate ─ appendAsLeader ──> ProduceQueue ── reached ──> answers
 *                 │             │
 *                 └─ refusal    └─ refusal (sequence, H-12)
 *
 * Invariant: order of checks as H-12: state, bytes, sequence, expected offset. What was refused before the append appended nothing.
 */
import { type Partition, refuseProduce } from "@varve/cluster";
import type { AppendOutcome } from "@varve/log";
import { type Refusal, refuse } from "../refusal.ts";
import { appendRefusal, checkBatchForTopic, stateRefusal } from "./batch-admission.ts";
import type { KeyCheck } from "./key-check.ts";
import type { LocalPartition, PartitionDependencies } from "./partition.ts";
import type { PendingProduce } from "./pending-produce.ts";
import { ProduceQueue } from "./produce-queue.ts";
import type { Leading } from "./replication/leading.ts";

type Target = Pick<
  LocalPartition,
  "topic" | "partition" | "log" | "metrics" | "rules" | "placement" | "leading" | "closedBy" | "givingWay"
>;

export interface ProduceOptions {
  readonly expectedOffset: number | undefined;
  readonly timeoutMs: number;
}

export class Producing {
  readonly #target: Target;
  readonly #keyCheck: KeyCheck;
  readonly #dependencies: PartitionDependencies;
  readonly #queue: ProduceQueue;

  constructor(target: Target, keyCheck: KeyCheck, dependencies: PartitionDependencies) {
    this.#target = target;
    this.#keyCheck = keyCheck;
    this.#dependencies = dependencies;
    this.#queue = new ProduceQueue({
      log: target.log,
      metrics: target.metrics,
      wheel: dependencies.wheel,
      monotonicMs: dependencies.monotonicMs,
      countRefusal: dependencies.countRefusal,
      durableReplicas: (end) => target.leading?.durableReplicas(end) ?? 1,
    });
  }

  /** Producers waiting for their answer. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** As `LocalPartition.produce`. */
  offer(pending: PendingProduce, batch: Uint8Array, options: ProduceOptions): void {
    const target = this.#target;
    const refusal = this.#whyNot(pending) ?? checkBatchForTopic(target, batch, this.#dependencies.nowMs());
    if (refusal !== undefined) this.#queue.refuse(pending, refusal);
    else if (!target.rules.keysNeeded) this.#append(pending, batch, options);
    else {
      this.#keyCheck.check(target, batch, (keyless) => {
        // It may have waited for others: this node may lead no more.
        const late = keyless ?? this.#whyNot(pending);
        if (late === undefined) this.#append(pending, batch, options);
        else this.#queue.refuse(pending, late);
      });
    }
  }

  /** More counts, or more is committed. */
  reached(counted: number, committed: number): void {
    this.#queue.reached(counted, committed);
  }

  /** Everybody gets `refusal`: what became of the appends is not known here. */
  refuseAll(refusal: Refusal): void {
    this.#queue.refuseAll(refusal);
  }

  #append(pending: PendingProduce, batch: Uint8Array, { expectedOffset, timeoutMs }: ProduceOptions): void {
    const { log } = this.#target;
    const now = this.#dependencies.nowMs();
    pending.leaderEpoch = log.leaderEpoch;
    pending.sizeBytes = batch.byteLength;
    const outcome = log.appendAsLeader(batch, expectedOffset === undefined ? { now } : { now, expectedOffset });
    if (outcome.kind === "refused") this.#appendRefused(pending, outcome, timeoutMs);
    else this.#appended(pending, outcome, timeoutMs);
  }

  #whyNot(pending: PendingProduce): Refusal | undefined {
    const target = this.#target;
    const closed = target.closedBy;
    if (closed !== undefined) return closed;
    const space = this.#dependencies.whySpaceRefused();
    if (space !== undefined) {
      this.#dependencies.replicas.lacksRoom();
      return refuse(
        "STORAGE_FULL",
        `Cannot append to "${target.topic}" ${target.partition}: the disk has ${space.freeBytes} bytes free and ${space.neededBytes} are needed; ` +
          `free some (retention and deletes go on working), appends resume by themselves`,
        { freeBytes: space.freeBytes, neededBytes: space.neededBytes },
      );
    }
    const state = target.givingWay ?? stateRefusal(target.log);
    if (state !== undefined) return state;
    const { leading } = target;
    if (leading === undefined) {
      return refuse(
        "NOT_LEADER",
        `Cannot append to "${target.topic}" ${target.partition}: the leader epoch has not begun here; try again`,
      );
    }
    return leading.isSole && leading.hasEnoughInSync ? undefined : this.#whyNotReplicated(leading, pending);
  }

  /** H-1, H-11. */
  #whyNotReplicated(leading: Leading, { acks }: PendingProduce): Refusal | undefined {
    if (acks === "all" ? leading.hasEnoughInSync : leading.isProven()) return undefined;
    const { isr, minIsr } = leading.state.isr.committed;
    const { topic, placement } = this.#target;
    const { nodeId: brokerId } = this.#dependencies.replicas;
    return refuseProduce(
      { ...(placement as Partition), isr, minIsr },
      { topic, brokerId, acks, leadershipProven: false },
    );
  }

  #appended(
    pending: PendingProduce,
    outcome: Extract<AppendOutcome, { kind: "appended" | "duplicate" }>,
    timeoutMs: number,
  ): void {
    const { rules, metrics, leading } = this.#target;
    pending.baseOffset = outcome.baseOffset;
    pending.lastOffset = outcome.lastOffset;
    pending.duplicate = outcome.kind === "duplicate";
    pending.recordCount = outcome.lastOffset - outcome.baseOffset + 1;
    if (rules.logAppendTime) pending.appendTimeMs = outcome.timestampMs;
    if (outcome.kind === "appended") {
      metrics.produceBytes += pending.sizeBytes;
      metrics.produceRecords += pending.recordCount;
      // Followers copy while this node syncs.
      leading?.wakeWaiting();
    }
    if (pending.acks === "none") {
      this.#queue.settle(pending);
      return;
    }
    pending.waitOffset = outcome.lastOffset + 1;
    this.#queue.wait(pending, timeoutMs);
  }

  #appendRefused(
    pending: PendingProduce,
    outcome: Extract<AppendOutcome, { kind: "refused" }>,
    timeoutMs: number,
  ): void {
    const refusal = appendRefusal(this.#target, outcome);
    if (refusal.reason !== "WRONG_EXPECTED_OFFSET") {
      this.#queue.refuse(pending, refusal);
      return;
    }
    // H-12: a conflict is true only once the end of log that it was compared with is committed.
    pending.refusal = refusal;
    pending.waitOffset = this.#target.log.logEndOffset;
    this.#queue.wait(pending, timeoutMs);
  }
}
