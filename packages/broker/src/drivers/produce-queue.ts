/**
 * Who waits for an acknowledgement of one partition: two heaps by offset, one for what counts at the leader (acks=leader), one for
 * what is committed (acks=all, and conflicts, H-12). Deadlines lie in the node's timing wheel.
 *
 * Invariant: every produce is settled once, and with success only when the offset that its level asks for was reached in the
 * epoch of its append (H-6): whoever ends an epoch fails the queue.
 */
import type { PartitionLog } from "@varve/log";
import type { TopicMetrics } from "../metrics/topic-metrics.ts";
import { type Refusal, refuse } from "../refusal.ts";
import { OffsetHeap } from "./offset-heap.ts";
import type { PendingProduce } from "./pending-produce.ts";
import type { TimingWheel } from "./timing-wheel.ts";

export interface ProduceQueueDependencies {
  readonly log: PartitionLog;
  readonly metrics: TopicMetrics;
  readonly wheel: TimingWheel;
  readonly monotonicMs: () => number;
  /** An answer is no success. For metrics. */
  readonly countRefusal: (refusal: Refusal) => void;
  /** Replicas that have everything below `end` on disk. */
  readonly durableReplicas: (end: number) => number;
}

export class ProduceQueue {
  readonly #dependencies: ProduceQueueDependencies;
  readonly #counted = new OffsetHeap<PendingProduce>();
  readonly #committed = new OffsetHeap<PendingProduce>();

  constructor(dependencies: ProduceQueueDependencies) {
    this.#dependencies = dependencies;
  }

  get size(): number {
    return this.#counted.size + this.#committed.size;
  }

  /** Settles `pending` once its `waitOffset` is reached, at once when it is, or refuses it after `timeoutMs`. */
  wait(pending: PendingProduce, timeoutMs: number): void {
    const { log, wheel } = this.#dependencies;
    const counted = pending.acks === "leader" && pending.refusal === undefined;
    const reached = counted ? log.countedOffset : log.highWatermark;
    if (pending.waitOffset <= reached) {
      this.settle(pending);
      return;
    }
    const heap = counted ? this.#counted : this.#committed;
    heap.add(pending);
    pending.deadline = wheel.schedule(timeoutMs, () => {
      heap.remove(pending);
      const { topic, partition } = log.id;
      this.refuse(
        pending,
        refuse(
          "REQUEST_TIMED_OUT",
          `The append to "${topic}" ${partition} was not acknowledged within ${timeoutMs} ms; it may still be: ` +
            `repeat it with the same producer id and sequence, or look at offset ${pending.baseOffset}`,
          { timeoutMs },
        ),
      );
    });
  }

  /** More counts, or more is committed. */
  reached(counted: number, committed: number): void {
    for (let next = this.#counted.takeReached(counted); next !== undefined; next = this.#counted.takeReached(counted)) {
      this.settle(next);
    }
    for (
      let next = this.#committed.takeReached(committed);
      next !== undefined;
      next = this.#committed.takeReached(committed)
    ) {
      this.settle(next);
    }
  }

  /** Everybody gets `refusal`: what became of the appends is not known here. */
  refuseAll(refusal: Refusal): void {
    for (const pending of this.#counted.takeAll()) this.refuse(pending, refusal);
    for (const pending of this.#committed.takeAll()) this.refuse(pending, refusal);
  }

  /** A conflict that could not be confirmed is answered by what prevented it. */
  refuse(pending: PendingProduce, refusal: Refusal): void {
    pending.refusal = refusal;
    this.settle(pending);
  }

  settle(pending: PendingProduce): void {
    if (pending.settled) return;
    pending.settled = true;
    pending.deadline?.cancel();
    pending.deadline = undefined;
    const { log, metrics, monotonicMs, countRefusal, durableReplicas } = this.#dependencies;
    if (pending.refusal === undefined) {
      const isSynced = pending.acks !== "none" && log.config.flush === "sync";
      pending.durableReplicas = isSynced ? durableReplicas(pending.lastOffset + 1) : 0;
      pending.logStartOffset = log.logStartOffset;
      metrics.produceLatency.observe((monotonicMs() - pending.startedMs) / 1_000);
    } else {
      countRefusal(pending.refusal);
    }
    pending.sink.produceSettled(pending);
  }
}
