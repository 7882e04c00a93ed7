/**
 * A way of produce requests from this node to one leader: one stream, in the order in which they came, so that the batches of a
 * producer stay in order. Nothing is ever sent twice: what was sent and not answered when the stream ends is unknown to the caller.
 *
 * Invariant: answers belong to the entries of `#sent` in order; the batches on their way fit the budget of all lanes to the leader.
 */
import type { ProduceOutcome, ProduceRequestFields, ProduceResult } from "@varve/api";
import { isReason } from "@varve/format";
import { type Refusal, refuse } from "../../refusal.ts";
import { passedOn } from "./passed-on.ts";
import type { Budget } from "../byte-budget.ts";
import type { PendingProduce } from "../pending-produce.ts";
import { type PeerStream, onEnd } from "../replication/peer-stream.ts";
import type { TimingWheel, WheelEntry } from "../timing-wheel.ts";

export type ForwardStream = PeerStream<readonly ProduceOutcome[], ProduceRequestFields> & { cancel(): void };

export interface ProduceLaneDependencies {
  /** Undefined when it is not known where the leader is. */
  readonly open: () => ForwardStream | undefined;
  readonly wheel: TimingWheel;
  readonly countRefusal: (refusal: Refusal) => void;
  /** Of bytes on their way to the leader. */
  readonly budget: Budget;
}

interface Sent {
  /** Of which topic, too. */
  readonly name: string;
  readonly pending: PendingProduce;
  readonly bytes: number;
  readonly deadline: WheelEntry;
}

/** The leader answers in time, if it can; this is for one that cannot. */
const graceMs = 2_000;

export class ProduceLane {
  readonly #leader: number;
  readonly #dependencies: ProduceLaneDependencies;
  #stream: ForwardStream | undefined;
  /** Of the present stream; answered up to the head. */
  #sent: Sent[] = [];
  #head = 0;
  /** How many of them have no answer, by partition. */
  readonly #unanswered = new Map<string, number>();

  constructor(leader: number, dependencies: ProduceLaneDependencies) {
    this.#leader = leader;
    this.#dependencies = dependencies;
  }

  /** Requests without an answer. */
  get underWay(): number {
    return this.#sent.length - this.#head;
  }

  /** Whether some of them are of this partition ("topic/number"). */
  has(name: string): boolean {
    return this.#unanswered.has(name);
  }

  /** Settles `pending` some time. `request` is borrowed until this returns. */
  send(request: ProduceRequestFields, pending: PendingProduce, timeoutMs: number): void {
    const bytes = request.batch?.length ?? 0;
    const what = `Cannot append to "${request.topic}" ${pending.partition} through this broker`;
    const { budget } = this.#dependencies;
    if (budget.used + bytes > budget.max) {
      const message = `${what}: ${budget.used} bytes are on their way to broker ${this.#leader} already; slow down and try again`;
      this.#refuse(pending, refuse("BUSY", message));
      return;
    }
    this.#stream ??= this.#open();
    if (this.#stream === undefined) {
      const message = `${what}: broker ${this.#leader}, which leads it, cannot be reached now; nothing was sent, try again`;
      this.#refuse(pending, refuse("LEADER_NOT_AVAILABLE", message));
      return;
    }
    const deadline = this.#dependencies.wheel.schedule(timeoutMs + graceMs, () => {
      this.#refuse(pending, unknown(request.topic, pending.partition, `no answer came from broker ${this.#leader}`));
    });
    const name = `${request.topic}/${pending.partition}`;
    this.#sent.push({ name, pending, bytes, deadline });
    this.#unanswered.set(name, (this.#unanswered.get(name) ?? 0) + 1);
    budget.take(bytes);
    this.#stream.write(request);
  }

  /** Whoever waits is told that nobody knows. */
  close(): void {
    const stream = this.#stream;
    this.#ended(stream, "this broker is stopping");
    stream?.end();
  }

  /** The leader is not heard of any more, and may never answer. What comes later goes on a new stream. */
  giveUp(why: string): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#ended(stream, why);
    stream.cancel();
  }

  #open(): ForwardStream | undefined {
    const stream = this.#dependencies.open();
    if (stream === undefined) return undefined;
    stream.on("data", (outcomes) => {
      if (this.#stream === stream) for (const outcome of outcomes) this.#answered(outcome);
    });
    onEnd(stream, (why) => this.#ended(stream, why));
    return stream;
  }

  #answered(outcome: ProduceOutcome): void {
    const sent = this.#sent[this.#head];
    if (sent === undefined) return;
    this.#head++;
    if (this.#head > 256 && this.#head * 2 > this.#sent.length) {
      this.#sent = this.#sent.slice(this.#head);
      this.#head = 0;
    }
    this.#dependencies.budget.give(sent.bytes);
    const others = (this.#unanswered.get(sent.name) ?? 1) - 1;
    if (others > 0) this.#unanswered.set(sent.name, others);
    else this.#unanswered.delete(sent.name);
    sent.deadline.cancel();
    const { pending } = sent;
    if (pending.settled) return;
    const result = outcome.kind === "response" ? outcome.response.results[0] : undefined;
    if (result === undefined || result.error !== undefined) {
      const error = outcome.kind === "error" ? outcome.error : result?.error;
      this.#refuse(pending, passedOn(this.#leader, refusalIn(error)));
      return;
    }
    settleAs(pending, result);
  }

  #ended(stream: ForwardStream | undefined, why: string): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    const lost = this.#sent.slice(this.#head);
    this.#sent = [];
    this.#head = 0;
    this.#unanswered.clear();
    for (const { pending, bytes, deadline } of lost) {
      this.#dependencies.budget.give(bytes);
      deadline.cancel();
      this.#refuse(
        pending,
        unknown("", pending.partition, `the connection to broker ${this.#leader} was lost: ${why}`),
      );
    }
  }

  #refuse(pending: PendingProduce, refusal: Refusal): void {
    if (pending.settled) return;
    pending.settled = true;
    pending.refusal = refusal;
    this.#dependencies.countRefusal(refusal);
    pending.sink.produceSettled(pending);
  }
}

function settleAs(pending: PendingProduce, result: ProduceResult): void {
  pending.settled = true;
  pending.baseOffset = result.baseOffset;
  pending.lastOffset = result.lastOffset;
  pending.recordCount = result.lastOffset - result.baseOffset + 1;
  pending.duplicate = result.duplicate;
  pending.appendTimeMs = result.timestampMs;
  pending.logStartOffset = result.logStartOffset;
  pending.leaderEpoch = result.ack?.leaderEpoch ?? -1;
  pending.durableReplicas = result.ack?.durableReplicas ?? 0;
  pending.leader = result.leader;
  pending.sink.produceSettled(pending);
}

function refusalIn(error: ProduceResult["error"]): Refusal {
  if (error !== undefined && isReason(error.reason)) {
    return { reason: error.reason, message: error.message, metadata: error.metadata };
  }
  return refuse("INTERNAL", `The leader gave an answer that is not known here: ${error?.message ?? "none"}`);
}

function unknown(topic: string, partition: number, why: string): Refusal {
  const where = topic === "" ? `partition ${partition}` : `"${topic}" ${partition}`;
  return refuse(
    "REQUEST_TIMED_OUT",
    `Whether the append to ${where} was kept is not known, ${why}: repeat it with the same producer id and sequence`,
  );
}
