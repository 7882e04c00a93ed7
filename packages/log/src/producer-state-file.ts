/**
 * The files `producer-state-<offset>` of a partition: what was known of its producers when everything below that offset
 * had been taken in. Recovery takes the newest one at or below the log's end and replays batch headers from there.
 *
 *   payload  0 offset u64 · 8 count u32 · then per producer, the one that was silent longest first:
 *            0 producer id u64 · 8 epoch u16 · 10 batches u8 · 11 zero u8 · 12 next sequence i32 · 16 coordinator epoch i32
 *            20 last written ms i64 · 28 transaction start i64 · then per batch:
 *            0 first sequence u32 · 4 last sequence u32 · 8 first offset u64 · 16 last offset u64 · 24 timestamp ms i64
 *                                                                                      (envelope: checked-file.ts)
 */
import { producerBatchesRemembered } from "@varve/format";
import { decodeCheckedFile, encodeCheckedFile } from "./checked-file.ts";
import type { FileFault } from "./checked-file.ts";
import type { ProducerEntry, RememberedBatch } from "./producer-state.ts";

const magic = 0x31_53_50_56; // "VPS1"
const version = 1;
const headBytes = 12;
const producerBytes = 36;
const batchBytes = 32;
const namePattern = /^producer-state-(\d{20})$/;

/** The name of the snapshot that covers everything below `offset`. */
export function producerStateFileName(offset: number): string {
  return `producer-state-${String(offset).padStart(20, "0")}`;
}

/** The offset in such a name, or undefined for any other file. */
export function producerStateOffset(name: string): number | undefined {
  const digits = namePattern.exec(name)?.[1];
  const offset = digits === undefined ? Number.NaN : Number(digits);
  return Number.isSafeInteger(offset) ? offset : undefined;
}

/** The file's bytes, owned. */
export function encodeProducerState(offset: number, entries: readonly ProducerEntry[]): Uint8Array {
  const batches = entries.reduce((sum, entry) => sum + entry.batches.length, 0);
  const payload = new Uint8Array(headBytes + entries.length * producerBytes + batches * batchBytes);
  const view = new DataView(payload.buffer);
  view.setBigUint64(0, BigInt(offset), true);
  view.setUint32(8, entries.length, true);
  let at = headBytes;
  for (const entry of entries) {
    view.setBigUint64(at, BigInt(entry.producerId), true);
    view.setUint16(at + 8, entry.producerEpoch, true);
    view.setUint8(at + 10, entry.batches.length);
    view.setInt32(at + 12, entry.nextSequence, true);
    view.setInt32(at + 16, entry.coordinatorEpoch, true);
    view.setBigInt64(at + 20, BigInt(Math.trunc(entry.lastWrittenMs)), true);
    view.setBigInt64(at + 28, BigInt(entry.transactionStart), true);
    at += producerBytes;
    for (const batch of entry.batches) {
      view.setUint32(at, batch.firstSequence, true);
      view.setUint32(at + 4, batch.lastSequence, true);
      view.setBigUint64(at + 8, BigInt(batch.firstOffset), true);
      view.setBigUint64(at + 16, BigInt(batch.lastOffset), true);
      view.setBigInt64(at + 24, BigInt(batch.timestampMs), true);
      at += batchBytes;
    }
  }
  return encodeCheckedFile(magic, version, payload);
}

/** What the file holds, owned; or what is wrong with it. Never throws. */
export function decodeProducerState(
  bytes: Uint8Array,
): { kind: "ok"; offset: number; entries: ProducerEntry[] } | FileFault {
  const file = decodeCheckedFile(magic, version, bytes);
  if (file.kind !== "ok") return file;
  const { payload } = file;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const bad = (why: string): FileFault => ({ kind: "bad", why });
  if (payload.length < headBytes) return bad("the file ends inside its head");
  const offset = Number(view.getBigUint64(0, true));
  const count = view.getUint32(8, true);
  if (!Number.isSafeInteger(offset)) return bad("the offset is out of range");
  const entries: ProducerEntry[] = [];
  let at = headBytes;
  for (let index = 0; index < count; index++) {
    if (payload.length - at < producerBytes) return bad("the file ends inside a producer");
    const batchCount = view.getUint8(at + 10);
    const end = at + producerBytes + batchCount * batchBytes;
    if (batchCount > producerBatchesRemembered || end > payload.length) return bad("more batches than can be");
    const batches: RememberedBatch[] = [];
    for (let from = at + producerBytes; from < end; from += batchBytes) batches.push(readBatch(view, from));
    const entry: ProducerEntry = {
      producerId: Number(view.getBigUint64(at, true)),
      producerEpoch: view.getUint16(at + 8, true),
      coordinatorEpoch: view.getInt32(at + 16, true),
      nextSequence: view.getInt32(at + 12, true),
      batches,
      lastWrittenMs: Number(view.getBigInt64(at + 20, true)),
      transactionStart: Number(view.getBigInt64(at + 28, true)),
    };
    if (!isPlausible(entry)) return bad(`producer ${entry.producerId} is out of range`);
    entries.push(entry);
    at = end;
  }
  if (at !== payload.length) return bad("there is more after the last producer");
  return { kind: "ok", offset, entries };
}

function readBatch(view: DataView, at: number): RememberedBatch {
  return {
    firstSequence: view.getUint32(at, true),
    lastSequence: view.getUint32(at + 4, true),
    firstOffset: Number(view.getBigUint64(at + 8, true)),
    lastOffset: Number(view.getBigUint64(at + 16, true)),
    timestampMs: Number(view.getBigInt64(at + 24, true)),
  };
}

function isPlausible(entry: ProducerEntry): boolean {
  const numbers = [entry.producerId, entry.lastWrittenMs, entry.transactionStart];
  for (const batch of entry.batches) numbers.push(batch.firstOffset, batch.lastOffset, batch.timestampMs);
  return entry.nextSequence >= -1 && numbers.every((number) => Number.isSafeInteger(number));
}

/** What to do with the snapshots of a partition. */
export interface SnapshotPlan {
  /** Start from this one; undefined: from the start of the log, with nothing known. */
  readonly use: number | undefined;
  /** These go: they cover what is not in the log any more, or are older than needed. */
  readonly discard: readonly number[];
}

/**
 * Plans by the offsets of the snapshots that exist, in any order. One above `logEndOffset` (what recovery found, or the
 * target of a truncation) is of another history and goes. Of the rest stay the two newest, the second for the case that
 * the first turns out bad, and the newest at or below the high watermark: no truncation goes below that (F-10, G-4).
 */
export function planProducerSnapshots(
  offsets: readonly number[],
  bounds: { logEndOffset: number; highWatermark: number },
): SnapshotPlan {
  const usable = offsets.filter((offset) => offset <= bounds.logEndOffset).sort((a, b) => b - a);
  const anchor = usable.find((offset) => offset <= bounds.highWatermark);
  const keep = new Set([...usable.slice(0, 2), ...(anchor === undefined ? [] : [anchor])]);
  return { use: usable[0], discard: offsets.filter((offset) => !keep.has(offset)).sort((a, b) => a - b) };
}
