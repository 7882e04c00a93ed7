// SPDX-License-Identifier: Apache-2.0
// Records of one partition on their way, and the promises that wait for them.
//
//   open ──close()──> closed ──(compress)──> ready ──> sent ──> settled
//                                               └──lost or refused for now──┘

import { compressBatch, RecordBatchBuilder, sealBatch, type Codec, type RecordInput } from "@varve/format";
import type { Ack, VarveError } from "@varve/api";
import type { RecordAck } from "./record.ts";

/** Where a batch's producer fields are (record batch, magic 2). */
const producerIdAt = 43;
const producerEpochAt = 51;
const baseSequenceAt = 53;

/** A producer id with its epoch. */
export interface ProducerId {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** What the broker answered for the whole batch. */
interface Acknowledgement {
  readonly partition: number;
  /** -1 when unknown. */
  readonly baseOffset: number;
  /** The broker's time; undefined when the records kept their own. */
  readonly timestampMs: number | undefined;
  readonly ack: Ack;
}

export class Batch {
  /** When its first record came, by the monotonic clock. */
  readonly sinceMs: number;
  /** What its records count against the producer's buffer. */
  bufferedBytes = 0;
  /** Sequence of its first record; undefined until it is first sent, and after a new producer id. */
  baseSequence: number | undefined;
  /** The broker may have appended it: a send was not answered, or the answer left it open. */
  uncertain = false;
  /** Failed tries. */
  attempts = 0;
  /** The last failure. */
  lastError: VarveError | undefined;
  settled = false;
  readonly #timestamps: number[] = [];
  /**
   * Every record's promise is derived from this one with the same function: two small objects a record, where a promise with callbacks
   * of its own takes six. Reactions run in the order in which they were made, so a count tells which record is meant.
   */
  readonly #answer: Promise<Acknowledgement>;
  #answered = 0;
  #resolve!: (acknowledgement: Acknowledgement) => void;
  #reject!: (error: VarveError) => void;
  readonly #nextAck = (answer: Acknowledgement): RecordAck => {
    const index = this.#answered++;
    const { partition, baseOffset, ack } = answer;
    const offset = baseOffset < 0 ? -1 : baseOffset + index;
    return { partition, offset, timestampMs: answer.timestampMs ?? this.#timestamps[index]!, ack };
  };
  #builder: RecordBatchBuilder | undefined;
  #bytes: Uint8Array | undefined;
  #whenSettled: (() => void)[] = [];

  constructor(sinceMs: number, initialBytes: number) {
    this.sinceMs = sinceMs;
    this.#builder = new RecordBatchBuilder({ initialBytes });
    this.#answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get recordCount(): number {
    return this.#timestamps.length;
  }

  /** Size by now, before compression. */
  get sizeBytes(): number {
    return this.#builder?.sizeBytes ?? this.#bytes?.length ?? 0;
  }

  /** Encoded and, where wanted, compressed. */
  get ready(): boolean {
    return this.#bytes !== undefined;
  }

  /** Adds a record; its bytes are copied. The promise is kept by acknowledge() or broken by reject(). */
  append(record: RecordInput): Promise<RecordAck> {
    this.#builder!.append(record);
    this.#timestamps.push(record.timestampMs);
    return this.#answer.then(this.#nextAck);
  }

  /** Takes no more records. Calls `onReady` when the batch can be sent: at once, or when it is compressed. */
  close(codec: Codec, onReady: () => void): void {
    const plain = finished(this.#builder!);
    this.#builder = undefined;
    if (codec === "none") {
      this.#bytes = plain;
      onReady();
      return;
    }
    void compressBatch(plain, codec).then(
      (bytes) => {
        this.#bytes = bytes;
        onReady();
      },
      () => {
        // A codec that fails at run time costs room, not records.
        this.#bytes = plain;
        onReady();
      },
    );
  }

  /** The bytes to send, under this producer id and sequence. Borrowed until the next call. */
  bytesFor(producer: ProducerId | undefined): Uint8Array {
    const bytes = this.#bytes!;
    if (producer === undefined) return bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    view.setBigInt64(producerIdAt, BigInt(producer.producerId));
    view.setInt16(producerEpochAt, producer.producerEpoch);
    view.setInt32(baseSequenceAt, this.baseSequence!);
    sealBatch(bytes, 0);
    return bytes;
  }

  acknowledge(partition: number, baseOffset: number, timestampMs: number | undefined, ack: Ack): void {
    this.#resolve({ partition, baseOffset, timestampMs, ack });
    this.#settle();
  }

  reject(error: VarveError): void {
    this.#reject(error);
    this.#settle();
  }

  /** Calls `run` when the batch is settled. */
  onSettled(run: () => void): void {
    if (this.settled) run();
    else this.#whenSettled.push(run);
  }

  #settle(): void {
    this.settled = true;
    const run = this.#whenSettled;
    this.#whenSettled = [];
    for (const each of run) each();
  }
}

/** The builder's batch; its own memory where most of that is used, since a copy costs more than the unused rest. */
function finished(builder: RecordBatchBuilder): Uint8Array {
  const plain = builder.finishInPlace();
  return plain.length >= plain.buffer.byteLength / 2 ? plain : plain.slice();
}
