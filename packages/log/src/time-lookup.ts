/** Which record is the first at or after a time: index, then batch headers, then the records of one batch. */
import { RecordCursor, batchHeaderBytes, codecOf, readBatchHeader } from "@varve/format";
import type { BatchHeader } from "@varve/format";
import { FileSystemError } from "./file-system.ts";
import type { ReadOptions, ReadResult } from "./partition-types.ts";
import type { Segment } from "./segment.ts";
import type { TimeIndex } from "./time-index.ts";

export interface FoundTime {
  readonly offset: number;
  readonly timestampMs: number;
  readonly leaderEpoch: number;
}

const pieceBytes = 256 * 1024;

export interface TimeSource {
  readonly logStartOffset: number;
  readonly segments: readonly Segment[];
  read(options: ReadOptions): Promise<ReadResult>;
}

/** The first record below `limit` whose timestamp is at or after `timeMs`; undefined when there is none. */
export async function findTime(log: TimeSource, timeMs: number, limit: number): Promise<FoundTime | undefined> {
  return walk(log, await startFor(log, timeMs), limit, async (batch, header) => {
    if (header.maxTimestampMs < timeMs) return undefined;
    return firstRecord(batch, header, (timestampMs, offset) => timestampMs >= timeMs && offset >= log.logStartOffset);
  });
}

/** The first of the records with the largest timestamp below `limit`; undefined when no record has one. */
export async function findMaxTimestamp(log: TimeSource, limit: number): Promise<FoundTime | undefined> {
  let largest: Segment | undefined;
  for (const segment of log.segments) {
    if (segment.endOffset > limit || segment.endOffset <= log.logStartOffset) continue;
    if (segment.maxTimestampMs > (largest?.maxTimestampMs ?? -1)) largest = segment;
  }
  // What is not in whole segments below the limit is walked as well: it is at most the active one, and what is in memory.
  const first = largest === undefined ? undefined : (await timesOf(largest))?.largest;
  const from = Math.max(first?.offset ?? log.logStartOffset, log.logStartOffset);
  let best: { bytes: Uint8Array; header: BatchHeader } | undefined;
  await walk(log, from, limit, (batch, header) => {
    if (header.maxTimestampMs > (best?.header.maxTimestampMs ?? -1)) best = { bytes: batch, header };
    return Promise.resolve(undefined);
  });
  if (best === undefined) return undefined;
  const { header } = best;
  return firstRecord(best.bytes, header, (timestampMs) => timestampMs === header.maxTimestampMs);
}

/** Where to begin: no batch before it can hold what is looked for. */
async function startFor(log: TimeSource, timeMs: number): Promise<number> {
  let from = log.logStartOffset;
  for (const segment of log.segments) {
    if (segment.endOffset <= log.logStartOffset) continue;
    if (segment.maxTimestampMs >= timeMs) {
      const times = await timesOf(segment);
      return Math.max(times?.lookup(timeMs) ?? from, from);
    }
    from = Math.max(from, segment.endOffset);
  }
  return from;
}

/** Undefined: the segment was removed, or replaced, meanwhile (J-16, J-19); what was before it is as good a place to begin. */
async function timesOf(segment: Segment): Promise<TimeIndex | undefined> {
  try {
    return (await segment.indexes()).times;
  } catch (error) {
    if (segment.isRemoved && error instanceof FileSystemError) return undefined;
    throw error;
  }
}

async function walk(
  log: TimeSource,
  from: number,
  limit: number,
  visit: (batch: Uint8Array, header: BatchHeader) => Promise<FoundTime | undefined>,
): Promise<FoundTime | undefined> {
  let offset = from;
  while (offset < limit) {
    const read = await log.read({ offset, limit, maxBytes: pieceBytes });
    if (read.kind === "out-of-range" && read.logStartOffset > offset) {
      offset = read.logStartOffset;
      continue;
    }
    if (read.kind !== "batches") return undefined;
    for (let at = 0; at + batchHeaderBytes <= read.bytes.length;) {
      const header = readBatchHeader(read.bytes, at);
      const found = await visit(read.bytes.subarray(at, at + header.sizeBytes), header);
      if (found !== undefined) return found;
      at += header.sizeBytes;
    }
    offset = read.nextOffset;
  }
  return undefined;
}

/** The first record of the batch that passes `test`. */
async function firstRecord(
  batch: Uint8Array,
  header: BatchHeader,
  test: (timestampMs: number, offset: number) => boolean,
): Promise<FoundTime | undefined> {
  const { leaderEpoch } = header;
  if (codecOf(header.attributes) !== "none") {
    return { offset: header.baseOffset, timestampMs: header.maxTimestampMs, leaderEpoch };
  }
  const cursor = new RecordCursor(batch.subarray(batchHeaderBytes), header);
  while (cursor.tryNext()) {
    if (test(cursor.timestampMs, cursor.offset))
      return { offset: cursor.offset, timestampMs: cursor.timestampMs, leaderEpoch };
  }
  return undefined;
}
