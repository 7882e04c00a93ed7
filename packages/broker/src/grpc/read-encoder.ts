/**
 * From whole batches of one partition to the bytes of one ConsumeResponse or FetchResponse.
 *
 *     batches as stored ── FORMAT_BATCHES ──> the same bytes, cut at batch boundaries
 *                      └── FORMAT_RECORDS ──> decompress where needed ──> ConsumeEncoder (no object per record)
 *
 * One message stays below `messageBytesSoft` plus one record: a large batch leaves in several messages; its plain records are
 * kept meanwhile, so that each message does not decompress it again.
 *
 * A batch whose records cannot be read (a producer compressed something else) is a refusal that names the offset behind
 * it: the reader decides whether to go on there.
 */
import { ConsumeEncoder, type LeaderHint, encodeConsumeBatches } from "@varve/api";
import {
  type BatchHeader,
  RecordCursor,
  batchHeaderBytes,
  batchSizeBytes,
  codecOf,
  decompressRecords,
  plainBytesMaxDefault,
  readBatchHeader,
} from "@varve/format";
import type { ReadSource } from "../drivers/read-source.ts";
import { type Refusal, refuse } from "../refusal.ts";

export type ReadFormat = "records" | "batches";

export interface ReadToEncode {
  leader: ReadSource;
  /** Whole batches; the first may begin below `fromOffset`. May be empty. */
  batches: Uint8Array;
  fromOffset: number;
  /** Exclusive; Infinity when there is none. */
  endOffset: number;
  /** Most records to deliver. */
  countMax: number;
  /** Say who leads. */
  first: boolean;
}

export interface EncodedRead {
  message: Uint8Array;
  /** Records in the message (FORMAT_BATCHES: from `fromOffset` on). */
  records: number;
  nextOffset: number;
  endReached: boolean;
}

/** A message is closed once it has reached this. */
const messageBytesSoft = 2 * 1024 * 1024;

interface PlainBatch {
  partition: number;
  baseOffset: number;
  plain: Uint8Array;
}

export class ReadEncoder {
  readonly #format: ReadFormat;
  readonly #fromTimeMs: number | undefined;
  readonly #toTimeMs: number | undefined;
  readonly #leaderHint: (leaderEpoch: number) => LeaderHint;
  #partly: PlainBatch | undefined;

  constructor(
    options: { format: ReadFormat; fromTimeMs: number | undefined; toTimeMs: number | undefined },
    leaderHint: (leaderEpoch: number) => LeaderHint,
  ) {
    this.#format = options.format;
    this.#fromTimeMs = options.fromTimeMs;
    this.#toTimeMs = options.toTimeMs;
    this.#leaderHint = leaderHint;
  }

  /** A promise only when something has to be decompressed. `batches` is borrowed until the result is there. */
  encode(read: ReadToEncode): EncodedRead | Refusal | Promise<EncodedRead | Refusal> {
    if (this.#format === "batches") return this.#asBatches(read);
    const encoder = new ConsumeEncoder(
      {
        partition: read.leader.partition,
        fromOffset: read.fromOffset,
        toOffset: read.endOffset === Infinity ? undefined : read.endOffset,
        fromTimeMs: this.#fromTimeMs,
        toTimeMs: this.#toTimeMs,
        maxRecords: read.countMax === Infinity ? undefined : read.countMax,
      },
      read.batches.length + (read.batches.length >> 2) + 256,
    );
    return this.#addFrom(encoder, read, 0);
  }

  /** The last message of a partition, when it has no records. */
  encodeEnd(leader: ReadSource, nextOffset: number, first: boolean): Uint8Array {
    return this.#empty(leader, nextOffset, first, true);
  }

  /** A message without records: where the reader stands. */
  encodeProgress(leader: ReadSource, nextOffset: number): Uint8Array {
    return this.#empty(leader, nextOffset, true, false);
  }

  #empty(leader: ReadSource, nextOffset: number, first: boolean, endReached: boolean): Uint8Array {
    const { partition } = leader;
    return encodeConsumeBatches({
      partition,
      batches: nothing,
      nextOffset,
      ...this.#progress(leader, first, endReached),
    });
  }

  #progress(
    leader: ReadSource,
    first: boolean,
    endReached: boolean,
  ): { highWatermark: number; logStartOffset: number; endReached: boolean; leader: LeaderHint | undefined } {
    const { log } = leader;
    return {
      highWatermark: log.highWatermark,
      logStartOffset: log.logStartOffset,
      endReached,
      leader: first ? (leader.hint ?? this.#leaderHint(log.leaderEpoch)) : undefined,
    };
  }

  #addFrom(
    encoder: ConsumeEncoder,
    read: ReadToEncode,
    start: number,
  ): EncodedRead | Refusal | Promise<EncodedRead | Refusal> {
    const { batches } = read;
    let at = start;
    while (at < batches.length && encoder.sizeBytes < messageBytesSoft) {
      const header = readBatchHeader(batches, at);
      const end = at + header.sizeBytes;
      if (codecOf(header.attributes) !== "none") return this.#addCompressed(encoder, read, at, header);
      const refusal = this.#add(encoder, read, header, batches.subarray(at + batchHeaderBytes, end));
      if (refusal === "stop") break;
      if (refusal !== undefined) return refusal;
      at = end;
    }
    return this.#finish(encoder, read);
  }

  async #addCompressed(
    encoder: ConsumeEncoder,
    read: ReadToEncode,
    at: number,
    header: BatchHeader,
  ): Promise<EncodedRead | Refusal> {
    const end = at + header.sizeBytes;
    const kept = this.#partly;
    let plain: Uint8Array;
    if (kept !== undefined && kept.baseOffset === header.baseOffset && kept.partition === read.leader.partition) {
      ({ plain } = kept);
    } else {
      try {
        plain = await decompressRecords(read.batches.subarray(at, end), header, plainBytesMaxDefault);
      } catch (error) {
        // What came before it is delivered; the next message begins with the refusal.
        if (encoder.recordCount > 0) return this.#finish(encoder, read);
        return unreadable(read.leader, header, error instanceof Error ? error.message : String(error));
      }
    }
    this.#partly = { partition: read.leader.partition, baseOffset: header.baseOffset, plain };
    const refusal = this.#add(encoder, read, header, plain);
    if (refusal === "stop") return this.#finish(encoder, read);
    this.#partly = undefined;
    if (refusal !== undefined) return refusal;
    return this.#addFrom(encoder, read, end);
  }

  #add(
    encoder: ConsumeEncoder,
    read: ReadToEncode,
    header: BatchHeader,
    plain: Uint8Array,
  ): Refusal | "stop" | undefined {
    const share = plain.length > messageBytesSoft ? firstShare(plain, header, encoder.nextOffset) : undefined;
    const outcome = encoder.add(share === undefined ? header : share.header, share === undefined ? plain : share.plain);
    if (outcome.kind === "damaged") {
      return encoder.recordCount > 0 ? "stop" : unreadable(read.leader, header, outcome.why);
    }
    return outcome.kind === "complete" || share !== undefined ? "stop" : undefined;
  }

  #finish(encoder: ConsumeEncoder, read: ReadToEncode): EncodedRead {
    const { nextOffset, recordCount } = encoder;
    const endReached = nextOffset >= read.endOffset || recordCount >= read.countMax;
    return {
      message: encoder.finish(this.#progress(read.leader, read.first, endReached)),
      records: recordCount,
      nextOffset,
      endReached,
    };
  }

  #asBatches(read: ReadToEncode): EncodedRead {
    const { batches } = read;
    let at = 0;
    let records = 0;
    let nextOffset = read.fromOffset;
    while (at < batches.length && nextOffset < read.endOffset && records < read.countMax) {
      const header = readBatchHeader(batches, at);
      records += Math.max(0, header.recordCount - Math.max(0, read.fromOffset - header.baseOffset));
      nextOffset = header.baseOffset + header.lastOffsetDelta + 1;
      at += batchSizeBytes(batches, at);
    }
    const endReached = nextOffset >= read.endOffset || records >= read.countMax;
    return {
      message: encodeConsumeBatches({
        partition: read.leader.partition,
        batches: at === batches.length ? batches : batches.subarray(0, at),
        nextOffset,
        ...this.#progress(read.leader, read.first, endReached),
      }),
      records,
      nextOffset,
      endReached,
    };
  }
}

const nothing = new Uint8Array(0);

/** The records of a large batch that fit one message, as a batch of its own; undefined when the rest fits. */
function firstShare(
  plain: Uint8Array,
  header: BatchHeader,
  fromOffset: number,
): { plain: Uint8Array; header: BatchHeader } | undefined {
  const cursor = new RecordCursor(plain, header);
  let start = -1;
  while (cursor.tryNext()) {
    if (cursor.offset < fromOffset) continue;
    if (start < 0) start = cursor.recordStart;
    if (cursor.recordEnd - start >= messageBytesSoft && cursor.index + 1 < header.recordCount) {
      return {
        plain: plain.subarray(0, cursor.recordEnd),
        header: { ...header, recordCount: cursor.index + 1, lastOffsetDelta: cursor.offsetDelta },
      };
    }
  }
  return undefined;
}

function unreadable(leader: ReadSource, header: BatchHeader, why: string): Refusal {
  const next = header.baseOffset + header.lastOffsetDelta + 1;
  return refuse(
    "INVALID_RECORD",
    `Cannot read the records of "${leader.topic}" ${leader.partition} from ${header.baseOffset} to ${next - 1}: ${why}; ` +
      `they are as the producer sent them; go on at offset ${next}, or read them as batches`,
    { baseOffset: header.baseOffset, nextOffset: next },
  );
}
