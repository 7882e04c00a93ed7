/**
 * From one produce request to its answer: finds the partitions, makes batches where records came, offers them, and calls back
 * once when every partition has answered.
 *
 *     request ──> topic ──> batch, or records ─┬─ partition given: one batch
 *                                              └─ none given: by key (murmur2); records without a key together, sticky
 *
 * Invariant: `ProduceJob.done` is called exactly once, perhaps before `start` returns; it never throws.
 */
import type { ProduceRequest, ProduceRequestFields, RawRecords } from "@varve/api";
import { partitionForKey } from "@varve/format";
import { type Refusal, isRefusal, refuse } from "../refusal.ts";
import { internalRefusal, offsetsTopic } from "./groups/offsets-topic.ts";
import { PendingProduce, type ProduceSink } from "./pending-produce.ts";
import { isReservedTopic, reservedTopicRefusal } from "./reserved-topics.ts";
import type { LocalTopic } from "./topics.ts";
import { unknownPartition, unknownTopic } from "./unknown.ts";

export interface IntakeDependencies {
  readonly topic: (name: string) => LocalTopic | undefined;
  readonly nowMs: () => number;
  countRefusal(refusal: Refusal): void;
  /** Makes a topic that does not exist, for development; undefined: it is refused. Resolves with why it was not made. */
  readonly createTopic: ((name: string) => Promise<Refusal | undefined>) | undefined;
  /** For partitions that another node leads; undefined: they are refused. */
  readonly forward:
    | ((leader: number, request: ProduceRequestFields, pending: PendingProduce, timeoutMs: number) => void)
    | undefined;
  readonly defaultTimeoutMs: number;
  readonly timeoutMsMax: number;
}

/** A request with the size of its message. */
export interface ArrivedProduce {
  readonly request: ProduceRequest;
  readonly sizeBytes: number;
}

/** One request under way. `results` has one entry per partition that got records, complete when `done` is called. */
export class ProduceJob implements ProduceSink {
  readonly results: PendingProduce[] = [];
  /** The request was refused as a whole; then there are no results. */
  refusal: Refusal | undefined = undefined;
  finished = false;
  readonly topic: string;
  /** Bytes of the request message, for budgets. */
  readonly sizeBytes: number;
  /** Monotonic. */
  readonly startedMs: number;
  #waitingFor = 1;
  readonly #done: (job: ProduceJob) => void;

  constructor(arrived: ArrivedProduce, startedMs: number, done: (job: ProduceJob) => void) {
    this.topic = arrived.request.topic;
    this.sizeBytes = arrived.sizeBytes;
    this.startedMs = startedMs;
    this.#done = done;
  }

  /** Adds a partition's share. */
  expect(pending: PendingProduce): void {
    this.results.push(pending);
    this.#waitingFor++;
  }

  produceSettled(): void {
    this.#release();
  }

  /** All shares have been offered. */
  offered(): void {
    this.#release();
  }

  refuse(refusal: Refusal): void {
    this.refusal = refusal;
    this.#release();
  }

  #release(): void {
    if (--this.#waitingFor > 0) return;
    this.finished = true;
    this.#done(this);
  }
}

export class ProduceIntake {
  readonly #dependencies: IntakeDependencies;
  /** By topic that is being made; as many as the gate lets in. */
  readonly #withoutTopics = new Map<string, { readonly request: ProduceRequest; readonly job: ProduceJob }[]>();

  constructor(dependencies: IntakeDependencies) {
    this.#dependencies = dependencies;
  }

  /** Offers the request to its partitions. The bytes of the request are owned by the log from now on. */
  start(request: ProduceRequest, job: ProduceJob): void {
    const topic = this.#dependencies.topic(request.topic);
    if (request.fault !== undefined) {
      this.#refuse(job, refuse(request.fault.reason, request.fault.message));
    } else if (request.topic === offsetsTopic) {
      this.#refuse(job, internalRefusal("append"));
    } else if (topic === undefined || this.#isBeingMade(request.topic)) {
      this.#withoutTopic(request, job);
    } else if (request.partition === undefined) {
      this.#byKey(topic, request, job);
    } else {
      this.#toPartition(topic, request, request.partition, job);
    }
  }

  #isBeingMade(topic: string): boolean {
    return this.#withoutTopics.size > 0 && this.#withoutTopics.has(topic);
  }

  /** All that come before the topic is said to be there go on together, in their order: those of one stream stay in order. */
  #withoutTopic(request: ProduceRequest, job: ProduceJob): void {
    const { createTopic, topic } = this.#dependencies;
    if (createTopic === undefined) {
      this.#refuse(job, unknownTopic(request.topic));
      return;
    }
    if (isReservedTopic(request.topic)) {
      this.#refuse(job, reservedTopicRefusal(request.topic));
      return;
    }
    const waiting = this.#withoutTopics.get(request.topic);
    if (waiting !== undefined) {
      waiting.push({ request, job });
      return;
    }
    const together = [{ request, job }];
    this.#withoutTopics.set(request.topic, together);
    void createTopic(request.topic).then((refusal) => {
      this.#withoutTopics.delete(request.topic);
      for (const one of together) {
        if (refusal === undefined && topic(request.topic) !== undefined) this.start(one.request, one.job);
        else this.#refuse(one.job, refusal ?? unknownTopic(request.topic));
      }
    });
  }

  #toPartition(topic: LocalTopic, request: ProduceRequest, partition: number, job: ProduceJob): void {
    if (partition >= topic.partitionCount) {
      this.#refuse(job, unknownPartition(topic, partition));
      return;
    }
    const { records } = request;
    let { batch } = request;
    if (records !== undefined) {
      const tooLarge = recordTooLarge(topic, records);
      if (tooLarge !== undefined) {
        this.#refuse(job, tooLarge);
        return;
      }
      batch = records.toBatch({
        nowMs: this.#dependencies.nowMs(),
        ...(request.producerId === undefined ? {} : { producerId: request.producerId }),
        ...(request.producerEpoch === undefined ? {} : { producerEpoch: request.producerEpoch }),
        ...(request.baseSequence === undefined ? {} : { baseSequence: request.baseSequence }),
      });
    }
    if (batch === undefined) {
      this.#refuse(job, refuse("INVALID_REQUEST", `Cannot append to "${topic.name}": the request has no records`));
      return;
    }
    this.#offer(topic, request, partition, batch, undefined, job);
    job.offered();
  }

  #byKey(topic: LocalTopic, request: ProduceRequest, job: ProduceJob): void {
    const { records } = request;
    if (records === undefined) {
      this.#refuse(
        job,
        refuse("INVALID_REQUEST", `Cannot append to "${topic.name}": an encoded batch needs an explicit partition`),
      );
      return;
    }
    const tooLarge = recordTooLarge(topic, records);
    if (tooLarge !== undefined) {
      this.#refuse(job, tooLarge);
      return;
    }
    const nowMs = this.#dependencies.nowMs();
    for (const [partition, indexes] of sharesOf(topic, records, job.sizeBytes)) {
      const whole = indexes.length === records.count;
      const batch = records.toBatch(whole ? { nowMs } : { nowMs, indexes });
      this.#offer(topic, request, partition, batch, whole ? undefined : indexes, job);
    }
    job.offered();
  }

  #offer(
    topic: LocalTopic,
    request: ProduceRequest,
    partition: number,
    batch: Uint8Array,
    indexes: readonly number[] | undefined,
    job: ProduceJob,
  ): void {
    const pending = new PendingProduce(job, partition, request.acks, job.startedMs, indexes);
    job.expect(pending);
    const { forward } = this.#dependencies;
    const wished = request.timeoutMs === 0 ? this.#dependencies.defaultTimeoutMs : request.timeoutMs;
    const timeoutMs = Math.min(wished, this.#dependencies.timeoutMsMax);
    const { expectedOffset, acks } = request;
    const elsewhere = topic.leaderElsewhere(partition);
    if (elsewhere !== undefined && forward !== undefined) {
      forward(elsewhere, { topic: topic.name, partition, acks, batch, expectedOffset, timeoutMs }, pending, timeoutMs);
      return;
    }
    const local = topic.partitions[partition];
    if (local === undefined) this.#notHere(topic, pending);
    else local.produce(pending, batch, { expectedOffset, timeoutMs });
  }

  /** This node has no replica of the partition. */
  #notHere(topic: LocalTopic, pending: PendingProduce): void {
    const led = topic.led(pending.partition);
    pending.refusal = isRefusal(led) ? led : undefined;
    pending.settled = true;
    if (pending.refusal !== undefined) this.#dependencies.countRefusal(pending.refusal);
    pending.sink.produceSettled(pending);
  }

  #refuse(job: ProduceJob, refusal: Refusal): void {
    this.#dependencies.countRefusal(refusal);
    job.refuse(refusal);
  }
}

/** Which records go where. Records without a key stay together, so that small requests do not become many batches. */
function sharesOf(topic: LocalTopic, records: RawRecords, sizeBytes: number): Map<number, number[]> {
  const shares = new Map<number, number[]>();
  let sticky = -1;
  for (let index = 0; index < records.count; index++) {
    const key = records.keyOf(index);
    let partition: number;
    if (key !== null) partition = partitionForKey(key, topic.partitionCount);
    else partition = sticky = sticky < 0 ? topic.nextSticky(sizeBytes) : sticky;
    const share = shares.get(partition);
    if (share === undefined) shares.set(partition, [index]);
    else share.push(index);
  }
  return shares;
}

function recordTooLarge(topic: LocalTopic, records: RawRecords): Refusal | undefined {
  if (records.maxRecordBytes <= topic.rules.maxBatchBytes) return undefined;
  return refuse(
    "MESSAGE_TOO_LARGE",
    `Cannot append to "${topic.name}": a record has ${records.maxRecordBytes} bytes and max.message.bytes of the topic is ${topic.rules.maxBatchBytes}`,
    { sizeBytes: records.maxRecordBytes, maxBytes: topic.rules.maxBatchBytes },
  );
}
