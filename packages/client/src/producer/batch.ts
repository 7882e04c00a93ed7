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

/** Callbacks of one record's promise. */
export interface Waiter {
  readonly resolve: (ack: RecordAck) => void;
  readonly reject: (error: VarveError) => void;
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
  readonly #waiters: Waiter[] = [];
  readonly #timestamps: number[] = [];
  #builder: RecordBatchBuilder | undefined;
  #bytes: Uint8Array | undefined;
  #whenSettled: (() => void)[] = [];

  constructor(sinceMs: number, initialBytes: number) {
    this.sinceMs = sinceMs;
    this.#builder = new RecordBatchBuilder({ initialBytes });
  }

  get recordCount(): number {
    return this.#waiters.length;
  }

  /** Size by now, before compression. */
  get sizeBytes(): number {
    return this.#builder?.sizeBytes ?? this.#bytes?.length ?? 0;
  }

  /** Encoded and, where wanted, compressed. */
  get ready(): boolean {
    return this.#bytes !== undefined;
  }

  append(record: RecordInput, waiter: Waiter): void {
    this.#builder!.append(record);
    this.#waiters.push(waiter);
    this.#timestamps.push(record.timestampMs);
  }

  /** Takes no more records. Calls `onReady` when the batch can be sent: at once, or when it is compressed. */
  close(codec: Codec, onReady: () => void): void {
    const plain = this.#builder!.finish();
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
    const count = this.#waiters.length;
    for (let index = 0; index < count; index++) {
      const offset = baseOffset < 0 ? -1 : baseOffset + index;
      this.#waiters[index]!.resolve({ partition, offset, timestampMs: timestampMs ?? this.#timestamps[index]!, ack });
    }
    this.#settle();
  }

  reject(error: VarveError): void {
    for (const waiter of this.#waiters) waiter.reject(error);
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
