/**
 * Which records of a batch stay, and the batch with only those.
 *
 *   not the latest of its key, below `to`       goes
 *   tombstone whose time is over                goes
 *   anything else                               stays: the latest of each key, records without a key, what is above `to`
 *
 * A batch of a transaction, a marker, and one whose records cannot be read are left as they are, and stand for nothing: whether a
 * transaction's records count is said elsewhere, and what nobody can read must not take anything's place. They may hold any key: a
 * tombstone behind one of them is never over, else what it deleted would be back.
 *
 * The time of a tombstone begins when nothing older of its key is left in *this* replica (KIP-534): then its batch gets a delete
 * horizon. One that came from a leader with a horizon gets a new one, since older records of its keys may have been here until now.
 */
import {
  CompressionError,
  RecordCursor,
  RetainedRecords,
  codecOf,
  compressBytes,
  decompressRecords,
  emptiedBatch,
  hasDeleteHorizon,
  isControl,
  isTransactional,
  plainBytesMaxDefault,
} from "@varve/format";
import type { BatchHeader } from "@varve/format";
import type { KeyMap } from "./key-map.ts";
import type { Pace } from "./pace.ts";

/** Of one run, which goes through batches in the order of the log. */
export interface CleanContext {
  /** Latest offset of every key with a record in [from, to). */
  readonly latest: KeyMap;
  /** Below, no key had two records before this run. */
  readonly from: number;
  readonly to: number;
  nowMs: number;
  readonly deleteRetentionMs: number;
  readonly pace: Pace;
  /** A batch was met that stays as it is, whatever keys it holds. */
  hasUnopened: boolean;
}

/**
 * The records section of a batch that compaction may open, in plain form; undefined for any other batch, and when it cannot be had. It
 * may be malformed still. Borrowed where the batch is not compressed.
 */
export async function plainRecords(batch: Uint8Array, header: BatchHeader): Promise<Uint8Array | undefined> {
  const { attributes, recordCount } = header;
  if (recordCount === 0 || isControl(attributes) || isTransactional(attributes)) return undefined;
  try {
    return await decompressRecords(batch, header, plainBytesMaxDefault);
  } catch (error) {
    if (error instanceof CompressionError) return undefined;
    throw error;
  }
}

/** `batch` itself when nothing of it goes; otherwise one in its place, owned, perhaps without records. */
export async function cleanBatch(batch: Uint8Array, header: BatchHeader, context: CleanContext): Promise<Uint8Array> {
  const plain = await plainRecords(batch, header);
  if (plain === undefined) {
    context.hasUnopened ||= header.recordCount > 0 && !isControl(header.attributes);
    return batch;
  }
  const { from, to, nowMs, pace } = context;
  const end = header.baseOffset + header.lastOffsetDelta + 1;
  const hasHorizon = hasDeleteHorizon(header.attributes);
  const isTimeOver = hasHorizon && end <= from && nowMs >= header.baseTimestampMs && !context.hasUnopened;
  const goes = new Uint8Array(header.recordCount);
  const retained = new RetainedRecords(plain, header, undefined);
  let kept = 0;
  let tombstones = 0;
  const judging = new RecordCursor(plain, header);
  while (judging.tryNext()) {
    const wait = pace.record(judging.recordEnd - judging.recordStart);
    if (wait !== undefined) await wait;
    const isTombstone = judging.keyLength >= 0 && judging.valueLength < 0;
    if (isSuperseded(judging, plain, context) || (isTombstone && isTimeOver)) {
      goes[judging.index] = 1;
      continue;
    }
    kept += 1;
    if (isTombstone) tombstones += 1;
    retained.keep(judging);
  }
  if (judging.fault !== undefined) {
    context.hasUnopened = true;
    return batch;
  }
  if (kept === 0) return emptiedBatch(batch);
  const getsHorizon = tombstones > 0 && end <= to && (!hasHorizon || end > from);
  if (kept === header.recordCount && !getsHorizon) return batch;
  if (!getsHorizon) return whole(batch, header, retained);
  // Every record's timestamp is to count from there.
  const stamped = new RetainedRecords(plain, header, nowMs + context.deleteRetentionMs);
  const keeping = new RecordCursor(plain, header);
  while (keeping.tryNext()) {
    const wait = pace.record(keeping.recordEnd - keeping.recordStart);
    if (wait !== undefined) await wait;
    if (goes[keeping.index] !== 1) stamped.keep(keeping);
  }
  return whole(batch, header, stamped);
}

async function whole(batch: Uint8Array, header: BatchHeader, retained: RetainedRecords): Promise<Uint8Array> {
  return retained.batch(batch, await compressBytes(retained.finish(), codecOf(header.attributes)));
}

function isSuperseded(cursor: RecordCursor, plain: Uint8Array, { latest, to }: CleanContext): boolean {
  if (cursor.keyLength < 0 || cursor.offset >= to) return false;
  return latest.latest(plain, cursor.keyStart, cursor.keyLength) > cursor.offset;
}
