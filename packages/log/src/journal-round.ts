/**
 * Bytes of one journal round (J-5): what made the batches of many partitions durable with one write and one sync.
 *
 *   0          64                                                                    n × 4096
 *   ├──────────┼──────────┬─────────┬───────── … ─────────┬─────┬──────────┬─────────┼──────────┤
 *   │ header F │ promises │ records │ bytes of the batches │ 0 … │ promises │ records │ header B │
 *   └──────────┴──────────┴─────────┴───────── … ─────────┴─────┴──────────┴─────────┴──────────┘
 *
 * Header and table are there twice, in front and at the end, so that no single damaged page hides what a round held:
 * without the table nobody could say whose acknowledged bytes are lost. A round starts and ends on a page of 4096 bytes,
 * so writing one never touches a page with acknowledged bytes of another.
 *
 *   header   0 magic 8 · 8 journal id 8 · 16 version u32 · 20 number u64 · 28 length u32 · 32 promises u32
 *           36 records u32 · 40 previous slot u32 · 44 previous end u32 · 48 previous CRC u32 · 52 table CRC u32
 *           56 zero u32 · 60 CRC of [8, 60) u32
 *   promise  0 topic id 16 · 16 partition u32 · 20 offset u64                                             (28 bytes)
 *   record   0 type u8 · 1 mode u8 · 2 zero u16 · 4 partition u32 · 8 topic id 16 · 24 epoch i32 · 28 base u64
 *           36 end u64 · 44 position u32 · 48 length u32 · 52 CRC u32                                     (56 bytes)
 *
 * All little endian. The CRC of an append covers the first 21 bytes of the batch, which the batch's own CRC leaves out
 * (J-11); together they cover all. The journal id is drawn once per store and known to nobody outside, so bytes inside a
 * record that look like a header are not one.
 */
import { batchSizeBytes, crc32c } from "@varve/format";
import type { PartitionMode } from "./partition-mode.ts";

/** Rounds begin and end at multiples of it. */
export const roundPageBytes = 4096;
export const roundHeaderBytes = 64;
const promiseBytes = 28;
const recordBytes = 56;
/** Part of a batch that lies before what its own CRC covers. */
const batchPrefixBytes = 21;
const version = 1;
const frontMagic = 0x4a_76_72_56;
const backMagic = 0x42_76_72_56;
const magicTail = 0x0a_1a_0a_0d;

export type JournalRecordType =
  | "append"
  | "truncate"
  | "barrier"
  | "epoch-start"
  | "log-start"
  | "restart"
  | "delete-partition"
  | "flush"
  | "loss"
  | "replace";

const recordTypes: readonly JournalRecordType[] = [
  "append",
  "truncate",
  "barrier",
  "epoch-start",
  "log-start",
  "restart",
  "delete-partition",
  "flush",
  "loss",
  "replace",
];
const modes: readonly PartitionMode[] = ["os", "journal", "direct"];

/**
 * - `append`: [base, end) in `epoch`, with bytes.
 * - `truncate`: nothing at or above `base` is left.
 * - `barrier`: the segments hold everything below `base`, which is LEO, and `mode` begins (J-1).
 * - `epoch-start`: `epoch` begins at `base`.
 * - `log-start`: nothing below `base` is readable. - `restart`: the log is empty and starts at `base` (G-8).
 * - `delete-partition`. - `flush`: `mode` is what the partition is about to become.
 * - `loss`: what was at or above `base` is given up; [base, end) stays empty, in `epoch` (J-12).
 * - `replace`: one file may hold [base, end), instead of one segment or several, and say the same (J-19).
 */
export interface JournalRecord {
  readonly type: JournalRecordType;
  /** 32 lower-case hex digits. */
  readonly topicId: string;
  readonly partition: number;
  readonly epoch: number;
  readonly base: number;
  readonly end: number;
  readonly mode: PartitionMode | undefined;
  /** Of an append: the batch. Borrowed until the round is written. */
  readonly bytes: Uint8Array | undefined;
}

/** The offset up to which a direct partition's segment is synced (J-9). */
export interface SyncPromise {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
}

/** Where the previous round ended, and its CRC: rounds form a chain. */
export interface RoundLink {
  readonly slot: number;
  readonly endBytes: number;
  readonly crc: number;
}

export interface RoundHeader {
  readonly number: number;
  /** The whole round, a multiple of the page. */
  readonly lengthBytes: number;
  readonly promiseCount: number;
  readonly recordCount: number;
  readonly previous: RoundLink;
  readonly tableCrc: number;
  readonly crc: number;
}

/** A record as read: where its bytes lie inside the round, and what they must be. */
export interface TableRecord extends Omit<JournalRecord, "bytes"> {
  readonly positionBytes: number;
  readonly lengthBytes: number;
  readonly crc: number;
}

export interface RoundTable {
  readonly promises: readonly SyncPromise[];
  readonly records: readonly TableRecord[];
}

export interface EncodedRound {
  /** To be written one after the other; the batches are the borrowed ones. */
  readonly chunks: Uint8Array[];
  readonly lengthBytes: number;
  readonly crc: number;
}

/** Bytes that a round needs, for the limit of a round. */
export function roundLengthBytes(promiseCount: number, recordCount: number, payloadBytes: number): number {
  const table = roundHeaderBytes + promiseCount * promiseBytes + recordCount * recordBytes;
  return Math.ceil((2 * table + payloadBytes) / roundPageBytes) * roundPageBytes;
}

/** Bytes of the table alone. */
export function tableBytes(promiseCount: number, recordCount: number): number {
  return promiseCount * promiseBytes + recordCount * recordBytes;
}

/** Memory for the tables of one round, used again for the next: fresh pages for each would cost more than filling them. */
export class RoundScratch {
  #bytes = new Uint8Array(roundPageBytes);

  /** Zeros; valid until the next call. */
  take(sizeBytes: number): Uint8Array {
    if (sizeBytes > this.#bytes.length) this.#bytes = new Uint8Array(2 ** Math.ceil(Math.log2(sizeBytes)));
    return this.#bytes.subarray(0, sizeBytes).fill(0);
  }
}

/**
 * The bytes of a round. `records` keep their order: it is the order of replay. The result is valid until `scratch` is used
 * for the next round.
 */
export function encodeRound(
  round: {
    readonly journalId: Uint8Array;
    readonly number: number;
    readonly previous: RoundLink;
    readonly promises: readonly SyncPromise[];
    readonly records: readonly JournalRecord[];
  },
  scratch = new RoundScratch(),
): EncodedRound {
  const { promises, records } = round;
  const tableLength = tableBytes(promises.length, records.length);
  const frontBytes = roundHeaderBytes + tableLength;
  let payloadBytes = 0;
  for (const { bytes } of records) payloadBytes += bytes?.length ?? 0;
  const lengthBytes = roundLengthBytes(promises.length, records.length, payloadBytes);
  const tables = scratch.take(lengthBytes - payloadBytes);
  const front = tables.subarray(0, frontBytes);
  const view = new DataView(front.buffer, front.byteOffset, frontBytes);
  const chunks: Uint8Array[] = [front];
  let at = roundHeaderBytes;
  let payloadAt = frontBytes;
  for (const promise of promises) {
    writeTopicId(front, at, promise.topicId);
    view.setUint32(at + 16, promise.partition, true);
    writeUint64(view, at + 20, promise.offset);
    at += promiseBytes;
  }
  for (const record of records) {
    const { bytes } = record;
    view.setUint8(at, recordTypes.indexOf(record.type) + 1);
    view.setUint8(at + 1, record.mode === undefined ? 0 : modes.indexOf(record.mode) + 1);
    view.setUint32(at + 4, record.partition, true);
    writeTopicId(front, at + 8, record.topicId);
    view.setInt32(at + 24, record.epoch, true);
    writeUint64(view, at + 28, record.base);
    writeUint64(view, at + 36, record.end);
    if (bytes !== undefined) {
      view.setUint32(at + 44, payloadAt, true);
      view.setUint32(at + 48, bytes.length, true);
      view.setUint32(at + 52, crc32c(bytes, 0, batchPrefixBytes), true);
      chunks.push(bytes);
      payloadAt += bytes.length;
    }
    at += recordBytes;
  }
  view.setUint32(0, frontMagic, true);
  view.setUint32(4, magicTail, true);
  front.set(round.journalId, 8);
  view.setUint32(16, version, true);
  writeUint64(view, 20, round.number);
  view.setUint32(28, lengthBytes, true);
  view.setUint32(32, promises.length, true);
  view.setUint32(36, records.length, true);
  view.setUint32(40, round.previous.slot, true);
  view.setUint32(44, round.previous.endBytes, true);
  view.setUint32(48, round.previous.crc, true);
  view.setUint32(52, crc32c(front, roundHeaderBytes), true);
  const crc = crc32c(front, 8, 60);
  view.setUint32(60, crc, true);

  const back = tables.subarray(frontBytes);
  const headerAt = back.length - roundHeaderBytes;
  back.set(front.subarray(roundHeaderBytes), headerAt - tableLength);
  back.set(front.subarray(0, roundHeaderBytes), headerAt);
  new DataView(back.buffer, back.byteOffset).setUint32(headerAt, backMagic, true);
  chunks.push(back);
  return { chunks, lengthBytes, crc };
}

/**
 * The header at `at`, when there is one of this journal; `side` says which of the two copies is looked for. The caller
 * has at least 64 bytes there. Hostile bytes give undefined; the length is within `lengthMax`.
 */
export function readRoundHeader(
  bytes: Uint8Array,
  at: number,
  side: "front" | "back",
  journalId: Uint8Array,
  lengthMax: number,
): RoundHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, roundHeaderBytes);
  if (view.getUint32(0, true) !== (side === "front" ? frontMagic : backMagic)) return undefined;
  if (view.getUint32(4, true) !== magicTail) return undefined;
  for (let index = 0; index < 8; index += 1) if (bytes[at + 8 + index] !== journalId[index]) return undefined;
  const crc = view.getUint32(60, true);
  if (crc32c(bytes, at + 8, at + 60) !== crc) return undefined;
  if (view.getUint32(16, true) !== version) return undefined;
  const lengthBytes = view.getUint32(28, true);
  const promiseCount = view.getUint32(32, true);
  const recordCount = view.getUint32(36, true);
  const tablesBytes = 2 * (roundHeaderBytes + tableBytes(promiseCount, recordCount));
  if (lengthBytes > lengthMax || lengthBytes % roundPageBytes !== 0 || tablesBytes > lengthBytes) return undefined;
  return {
    number: readUint64(view, 20),
    lengthBytes,
    promiseCount,
    recordCount,
    previous: {
      slot: view.getUint32(40, true),
      endBytes: view.getUint32(44, true),
      crc: view.getUint32(48, true),
    },
    tableCrc: view.getUint32(52, true),
    crc,
  };
}

/** The table of a round from whichever of its two copies is whole; undefined when neither is. `round`: all its bytes. */
export function readRoundTable(round: Uint8Array, header: RoundHeader): RoundTable | undefined {
  const length = tableBytes(header.promiseCount, header.recordCount);
  const front = roundHeaderBytes;
  const back = round.length - roundHeaderBytes - length;
  for (const at of [front, back]) {
    if (crc32c(round, at, at + length) === header.tableCrc) return decodeTable(round, at, header);
  }
  return undefined;
}

function decodeTable(round: Uint8Array, start: number, header: RoundHeader): RoundTable | undefined {
  const view = new DataView(round.buffer, round.byteOffset, round.byteLength);
  const promises: SyncPromise[] = [];
  const records: TableRecord[] = [];
  let at = start;
  for (let index = 0; index < header.promiseCount; index += 1, at += promiseBytes) {
    promises.push({
      topicId: readTopicId(round, at),
      partition: view.getUint32(at + 16, true),
      offset: readUint64(view, at + 20),
    });
  }
  for (let index = 0; index < header.recordCount; index += 1, at += recordBytes) {
    const type = recordTypes[view.getUint8(at) - 1];
    if (type === undefined) return undefined;
    const positionBytes = view.getUint32(at + 44, true);
    const lengthBytes = view.getUint32(at + 48, true);
    if (positionBytes + lengthBytes > round.length) return undefined;
    records.push({
      type,
      topicId: readTopicId(round, at + 8),
      partition: view.getUint32(at + 4, true),
      epoch: view.getInt32(at + 24, true),
      base: readUint64(view, at + 28),
      end: readUint64(view, at + 36),
      mode: modes[view.getUint8(at + 1) - 1],
      positionBytes,
      lengthBytes,
      crc: view.getUint32(at + 52, true),
    });
  }
  return { promises, records };
}

/** Whether the bytes of an append are what was written: the record's CRC over the prefix, the batch's own over the rest. */
export function isRecordWhole(round: Uint8Array, record: TableRecord): boolean {
  const { positionBytes: at, lengthBytes } = record;
  if (record.type !== "append") return true;
  if (lengthBytes < 61 || batchSizeBytes(round, at) !== lengthBytes) return false;
  if (crc32c(round, at, at + batchPrefixBytes) !== record.crc) return false;
  const view = new DataView(round.buffer, round.byteOffset + at, lengthBytes);
  return crc32c(round, at + batchPrefixBytes, at + lengthBytes) === view.getUint32(17);
}

/** Offsets and round numbers fit 53 bits; the checks are on the way in. */
function writeUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

function readUint64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
}

function writeTopicId(into: Uint8Array, at: number, topicId: string): void {
  for (let index = 0; index < 16; index += 1) {
    into[at + index] = (hexDigit(topicId.charCodeAt(2 * index)) << 4) | hexDigit(topicId.charCodeAt(2 * index + 1));
  }
}

function hexDigit(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}

const hexOfByte = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

function readTopicId(bytes: Uint8Array, at: number): string {
  let text = "";
  for (let index = 0; index < 16; index += 1) text += hexOfByte[bytes[at + index] ?? 0];
  return text;
}
