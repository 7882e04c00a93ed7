/**
 * The leader of one partition: takes batches, waits until they count, answers; serves readers up to the high watermark.
 *
 *     produce ─ validate ─ appendAsLeader ──> journal round ──> onCounted ──> high watermark ──> producers, readers
 *                 │             │                                   │
 *                 └─ refusal    └─ refusal (sequence, H-12)         └─ needs-epoch: fail what was cut, ask the controller (J-3)
 *
 * No timer and no promise per request: producers wait in two heaps by offset (counted for acks=leader, committed for
 * acks=all), readers in a third, deadlines in the node's timing wheel. One callback of the log per group commit moves all.
 *
 * Invariants
 * - A producer gets success only when the offset that its level asks for was reached in the epoch of its append (H-6).
 * - With one replica committed means counted: the high watermark follows `countedOffset` in `#advance`, and only there.
 */
import type { AppendOutcome, PartitionLog } from "@varve/log";
import { type Refusal, refuse } from "../refusal.ts";
import { type TopicRules, appendRefusal, checkBatchForTopic, stateRefusal } from "./batch-admission.ts";
import { OffsetHeap, type OffsetWaiter } from "./offset-heap.ts";
import type { PendingProduce } from "./pending-produce.ts";
import type { TimingWheel } from "./timing-wheel.ts";
import type { TopicMetrics } from "../metrics/topic-metrics.ts";

/** A reader parked until the high watermark reaches `waitOffset`, or something else happened that it should look at. */
export interface ReadWaiter extends OffsetWaiter {
  wake(): void;
}

export interface PartitionDependencies {
  readonly wheel: TimingWheel;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  /** Free and needed bytes while the disk has too little room to append (J-15). */
  readonly whySpaceRefused: () => { freeBytes: number; neededBytes: number } | undefined;
  /** Asks the controller for a new leader epoch of this partition (J-3). Rejects when there is no controller now. */
  readonly requestEpoch: (leader: PartitionLeader) => Promise<number>;
  /** An answer is no success. For metrics. */
  readonly countRefusal: (refusal: Refusal) => void;
  readonly log: (fields: object, event: string) => void;
}

const epochRetryMs = 500;

export class PartitionLeader {
  readonly topic: string;
  readonly partition: number;
  readonly log: PartitionLog;
  readonly metrics: TopicMetrics;
  rules: TopicRules;
  readonly #dependencies: PartitionDependencies;
  readonly #counted = new OffsetHeap<PendingProduce>();
  readonly #committed = new OffsetHeap<PendingProduce>();
  readonly #readers = new OffsetHeap<ReadWaiter>();
  #askingForEpoch = false;
  /** The newest epoch that the controller gave; the log does not take one while it is being cut. */
  #grantedEpoch = -1;
  readonly #stopListening: () => void;
  #closedBy: Refusal | undefined;
  /** The trouble that the operator was told of; what recovery found is told when the broker starts. */
  #toldOf: PartitionLog["state"]["kind"];

  constructor(
    log: PartitionLog,
    options: { rules: TopicRules; metrics: TopicMetrics },
    dependencies: PartitionDependencies,
  ) {
    this.topic = log.id.topic;
    this.partition = log.id.partition;
    this.log = log;
    this.rules = options.rules;
    this.metrics = options.metrics;
    this.#dependencies = dependencies;
    this.#toldOf = log.state.kind;
    this.#stopListening = log.onCounted(() => this.#advance());
    this.#advance();
  }

  /** Producers waiting for their answer. */
  get waitingProduces(): number {
    return this.#counted.size + this.#committed.size;
  }

  /** Readers waiting for records. */
  get waitingReaders(): number {
    return this.#readers.size;
  }

  /**
   * Offers one encoded batch. `batch` is owned by the log from now on. Answers through `pending.sink`, at once when
   * the batch is refused or nothing is waited for. Order of checks as H-12: state, bytes, sequence, expected offset.
   */
  produce(
    pending: PendingProduce,
    batch: Uint8Array,
    options: { expectedOffset: number | undefined; timeoutMs: number },
  ): void {
    const refusal = this.#whyNot() ?? checkBatchForTopic(this, batch, this.#dependencies.nowMs());
    if (refusal !== undefined) {
      this.#settleRefused(pending, refusal);
      return;
    }
    const now = this.#dependencies.nowMs();
    pending.leaderEpoch = this.log.leaderEpoch;
    pending.sizeBytes = batch.byteLength;
    const outcome = this.log.appendAsLeader(
      batch,
      options.expectedOffset === undefined ? { now } : { now, expectedOffset: options.expectedOffset },
    );
    if (outcome.kind === "refused") this.#appendRefused(pending, outcome, options.timeoutMs);
    else this.#appended(pending, outcome, options.timeoutMs);
  }

  /** The controller made this node leader in `epoch`. Begins it, now or when the log can; nothing if it has begun. */
  startEpoch(epoch: number): void {
    this.#grantedEpoch = Math.max(this.#grantedEpoch, epoch);
    if (this.#grantedEpoch > this.log.leaderEpoch) this.log.startEpoch(this.#grantedEpoch);
  }

  /** J-12: gives up what is damaged; the partition goes on behind it, in an epoch of its own. Rejects when there is no controller. */
  async acceptLoss(): Promise<{ from: number; to: number }> {
    // One that the log has not taken, being damaged, is as good as a new one.
    const isGranted = this.#grantedEpoch > this.log.leaderEpoch;
    const epoch = isGranted ? this.#grantedEpoch : await this.#dependencies.requestEpoch(this);
    this.#grantedEpoch = Math.max(this.#grantedEpoch, epoch);
    return this.log.acceptLoss(epoch);
  }

  /** Parks a reader until the high watermark reaches `waiter.waitOffset`. */
  waitForRecords(waiter: ReadWaiter): void {
    if (this.#closedBy === undefined) this.#readers.add(waiter);
    else waiter.wake();
  }

  stopWaiting(waiter: ReadWaiter): void {
    this.#readers.remove(waiter);
  }

  /** Why this partition can be neither read nor written any more: it was closed or deleted. */
  get closedBy(): Refusal | undefined {
    return this.#closedBy;
  }

  /** Ends the leadership: everyone who waits gets `refusal`. Idempotent. The log itself belongs to the store. */
  close(refusal: Refusal): void {
    this.#closedBy ??= refusal;
    this.#stopListening();
    for (const pending of this.#counted.takeAll()) this.#settleRefused(pending, refusal);
    for (const pending of this.#committed.takeAll()) this.#settleRefused(pending, refusal);
    for (const reader of this.#readers.takeAll()) reader.wake();
  }

  #whyNot(): Refusal | undefined {
    if (this.#closedBy !== undefined) return this.#closedBy;
    const space = this.#dependencies.whySpaceRefused();
    if (space !== undefined) {
      return refuse(
        "STORAGE_FULL",
        `Cannot append to "${this.topic}" ${this.partition}: the disk has ${space.freeBytes} bytes free and ${space.neededBytes} are needed; ` +
          `free some (retention and deletes go on working), appends resume by themselves`,
        { freeBytes: space.freeBytes, neededBytes: space.neededBytes },
      );
    }
    return stateRefusal(this.log);
  }

  #appended(
    pending: PendingProduce,
    outcome: Extract<AppendOutcome, { kind: "appended" | "duplicate" }>,
    timeoutMs: number,
  ): void {
    pending.baseOffset = outcome.baseOffset;
    pending.lastOffset = outcome.lastOffset;
    pending.duplicate = outcome.kind === "duplicate";
    pending.recordCount = outcome.lastOffset - outcome.baseOffset + 1;
    if (this.rules.logAppendTime) pending.appendTimeMs = outcome.timestampMs;
    if (outcome.kind === "appended") {
      this.metrics.produceBytes += pending.sizeBytes;
      this.metrics.produceRecords += pending.recordCount;
    }
    if (pending.acks === "none") {
      this.#settle(pending);
      return;
    }
    pending.waitOffset = outcome.lastOffset + 1;
    this.#wait(pending, timeoutMs);
  }

  #appendRefused(
    pending: PendingProduce,
    outcome: Extract<AppendOutcome, { kind: "refused" }>,
    timeoutMs: number,
  ): void {
    const refusal = appendRefusal(this, outcome);
    if (refusal.reason !== "WRONG_EXPECTED_OFFSET") {
      this.#settleRefused(pending, refusal);
      return;
    }
    // H-12: a conflict is true only once the end of log that it was compared with is committed.
    pending.refusal = refusal;
    pending.waitOffset = this.log.logEndOffset;
    this.#wait(pending, timeoutMs);
  }

  #wait(pending: PendingProduce, timeoutMs: number): void {
    const counted = pending.acks === "leader" && pending.refusal === undefined;
    const reached = counted ? this.log.countedOffset : this.log.highWatermark;
    if (pending.waitOffset <= reached) {
      this.#settle(pending);
      return;
    }
    const heap = counted ? this.#counted : this.#committed;
    heap.add(pending);
    pending.deadline = this.#dependencies.wheel.schedule(timeoutMs, () => {
      heap.remove(pending);
      this.#settleRefused(
        pending,
        refuse(
          "REQUEST_TIMED_OUT",
          `The append to "${this.topic}" ${this.partition} was not acknowledged within ${timeoutMs} ms; it may still be: ` +
            `repeat it with the same producer id and sequence, or look at offset ${pending.baseOffset}`,
          { timeoutMs },
        ),
      );
    });
  }

  /** The log counted more, or its state changed. Once per group commit and partition. */
  #advance(): void {
    const { log } = this;
    const counted = log.countedOffset;
    if (counted > log.highWatermark) log.advanceHighWatermark(counted);
    const committed = log.highWatermark;
    for (let next = this.#counted.takeReached(counted); next !== undefined; next = this.#counted.takeReached(counted)) {
      this.#settle(next);
    }
    for (
      let next = this.#committed.takeReached(committed);
      next !== undefined;
      next = this.#committed.takeReached(committed)
    ) {
      this.#settle(next);
    }
    for (
      let next = this.#readers.takeReached(committed);
      next !== undefined;
      next = this.#readers.takeReached(committed)
    ) {
      next.wake();
    }
    if (log.state.kind !== "open") this.#stateChanged();
  }

  /** Whoever reads only the log learns of damage, and of files that failed, once each. */
  #tellOfTrouble(): void {
    const { state } = this.log;
    if (state.kind === this.#toldOf) return;
    this.#toldOf = state.kind;
    const where = { topic: this.topic, partition: this.partition };
    if (state.kind === "quarantined") {
      const { file, offset, end, why } = state;
      this.#dependencies.log({ ...where, file, offset, end, why }, "partition is quarantined");
    } else if (state.kind === "failed") {
      this.#dependencies.log({ ...where, error: state.error.message }, "the files of a partition failed");
    }
  }

  /** The log stopped appending: what was not counted is cut or in doubt, and nobody may wait for it. */
  #stateChanged(): void {
    this.#tellOfTrouble();
    const refusal = stateRefusal(this.log);
    if (refusal !== undefined) {
      for (const pending of this.#counted.takeAll()) this.#settleRefused(pending, refusal);
      for (const pending of this.#committed.takeAll()) this.#settleRefused(pending, refusal);
    }
    if (this.log.state.kind === "needs-epoch") this.#askForEpoch();
    else for (const reader of this.#readers.takeAll()) reader.wake();
  }

  /**
   * J-3: a leader that failed to write goes on in a new epoch, once the disk has room again. While the log is being cut back it takes no
   * epoch; one that was given meanwhile is begun afterwards (this is called again), not asked for twice.
   */
  #askForEpoch(): void {
    if (this.#askingForEpoch || this.#closedBy !== undefined) return;
    this.startEpoch(this.#grantedEpoch);
    if (this.log.state.kind !== "needs-epoch") return;
    this.#askingForEpoch = true;
    const { wheel, whySpaceRefused, requestEpoch, log } = this.#dependencies;
    const again = (): void => {
      this.#askingForEpoch = false;
      if (this.log.state.kind === "needs-epoch") this.#askForEpoch();
    };
    if (this.#grantedEpoch > this.log.leaderEpoch || whySpaceRefused() !== undefined) {
      wheel.schedule(epochRetryMs, again);
      return;
    }
    const where = { topic: this.topic, partition: this.partition };
    requestEpoch(this).then(
      (epoch) => {
        this.#askingForEpoch = false;
        if (this.#closedBy !== undefined) return;
        log({ ...where, epoch }, "partition has a new leader epoch");
        this.#grantedEpoch = Math.max(this.#grantedEpoch, epoch);
        this.#askForEpoch();
      },
      (error: unknown) => {
        log({ ...where, error: String(error) }, "no new leader epoch yet, asking again");
        wheel.schedule(epochRetryMs, again);
      },
    );
  }

  #settleRefused(pending: PendingProduce, refusal: Refusal): void {
    // A conflict that could not be confirmed is answered by what prevented it.
    pending.refusal = refusal;
    this.#settle(pending);
  }

  #settle(pending: PendingProduce): void {
    if (pending.settled) return;
    pending.settled = true;
    pending.deadline?.cancel();
    pending.deadline = undefined;
    if (pending.refusal === undefined) {
      pending.durableReplicas = pending.acks === "none" || this.log.config.flush !== "sync" ? 0 : 1;
      pending.logStartOffset = this.log.logStartOffset;
      this.metrics.produceLatency.observe((this.#dependencies.monotonicMs() - pending.startedMs) / 1_000);
    } else {
      this.#dependencies.countRefusal(pending.refusal);
    }
    pending.sink.produceSettled(pending);
  }
}
