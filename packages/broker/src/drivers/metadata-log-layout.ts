// How the single voter's log lies in LevelDB, and the checks that LevelDB does not make. LevelDB gives atomic, ordered, synced
// batches while the disk is honest, and no detection at all: a flipped bit makes it drop the rest of a file, or hand out wrong
// bytes, without a word. So
//
// - every entry carries a chain: its checksum covers that of the entry before it, so a hole, a swap or a flip breaks it;
// - every write rewrites the head, which says how far the log goes, with a sequence number that grows by one;
// - the head is written once more into a fence file outside LevelDB (metadata-fence.ts), which finds out lost writes.
//
//   key  00                  identity: which node and cluster this is
//        01                  head, 60 bytes:   [seq u64][snapshotIndex u64][snapshotBytes u64][snapshotCrc u32]
//                                              [snapshotChain u32][lastIndex u64][lastChain u32][reserved, 12][crc u32]
//        02 index u64, n u32 piece n of the snapshot after entry `index`
//        03 index u64        entry: [version u8][type u8][index u64][term u64][prevChain u32][length u32][payload][chain u32]

import { crc32c, crc32cAppend } from "@varve/format";

export const identityKey = Uint8Array.of(0);
export const headKey = Uint8Array.of(1);
/** Every snapshot piece lies in [first, end). */
export const snapshotKeys = { gte: Uint8Array.of(2), lt: Uint8Array.of(3) };
/** Every entry lies in [first, end). */
export const entryKeys = { gte: Uint8Array.of(3), lt: Uint8Array.of(4) };
export const snapshotPieceBytes = 1024 * 1024;

export const headBytes = 60;
const entryHeaderBytes = 26;
const entryTrailerBytes = 4;
const layoutVersion = 1;
const dataEntry = 1;
/** There is one voter, so there is one term; a Raft group counts on from here. */
export const singleVoterTerm = 1;

/** How far the log goes: rewritten with every write. Entries `snapshotIndex + 1` … `lastIndex` exist. */
export interface Head {
  /** 1 for the empty log, one more with every write. */
  readonly seq: number;
  /** 0: there is none. */
  readonly snapshotIndex: number;
  readonly snapshotBytes: number;
  readonly snapshotCrc: number;
  /** The chain at `snapshotIndex`, from which the first entry continues. */
  readonly snapshotChain: number;
  readonly lastIndex: number;
  readonly lastChain: number;
}

export const firstHead: Head = {
  seq: 1,
  snapshotIndex: 0,
  snapshotBytes: 0,
  snapshotCrc: 0,
  snapshotChain: 0,
  lastIndex: 0,
  lastChain: 0,
};

export function encodeHead(head: Head): Uint8Array {
  const bytes = Buffer.alloc(headBytes);
  bytes.writeBigUInt64BE(BigInt(head.seq), 0);
  bytes.writeBigUInt64BE(BigInt(head.snapshotIndex), 8);
  bytes.writeBigUInt64BE(BigInt(head.snapshotBytes), 16);
  bytes.writeUInt32BE(head.snapshotCrc, 24);
  bytes.writeUInt32BE(head.snapshotChain, 28);
  bytes.writeBigUInt64BE(BigInt(head.lastIndex), 32);
  bytes.writeUInt32BE(head.lastChain, 40);
  bytes.writeUInt32BE(crc32c(bytes, 0, headBytes - 4), headBytes - 4);
  return bytes;
}

/** The head in `bytes`; undefined when they are none. */
export function decodeHead(bytes: Uint8Array): Head | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length !== headBytes || crc32c(view, 0, headBytes - 4) !== view.readUInt32BE(headBytes - 4))
    return undefined;
  return {
    seq: Number(view.readBigUInt64BE(0)),
    snapshotIndex: Number(view.readBigUInt64BE(8)),
    snapshotBytes: Number(view.readBigUInt64BE(16)),
    snapshotCrc: view.readUInt32BE(24),
    snapshotChain: view.readUInt32BE(28),
    lastIndex: Number(view.readBigUInt64BE(32)),
    lastChain: view.readUInt32BE(40),
  };
}

export function sameHead(a: Head, b: Head): boolean {
  return Buffer.compare(encodeHead(a), encodeHead(b)) === 0;
}

export function entryKey(index: number): Uint8Array {
  const key = Buffer.alloc(9);
  key[0] = 3;
  key.writeBigUInt64BE(BigInt(index), 1);
  return key;
}

export function snapshotKey(index: number, piece: number): Uint8Array {
  const key = Buffer.alloc(13);
  key[0] = 2;
  key.writeBigUInt64BE(BigInt(index), 1);
  key.writeUInt32BE(piece, 9);
  return key;
}

/** The stored form of entry `index` and the chain after it. `payload` is only borrowed. */
export function encodeEntry(
  index: number,
  payload: Uint8Array,
  prevChain: number,
): { readonly value: Uint8Array; readonly chain: number } {
  const value = Buffer.alloc(entryHeaderBytes + payload.length + entryTrailerBytes);
  value[0] = layoutVersion;
  value[1] = dataEntry;
  value.writeBigUInt64BE(BigInt(index), 2);
  value.writeBigUInt64BE(BigInt(singleVoterTerm), 10);
  value.writeUInt32BE(prevChain, 18);
  value.writeUInt32BE(payload.length, 22);
  value.set(payload, entryHeaderBytes);
  const chain = chainOf(value);
  value.writeUInt32BE(chain, value.length - entryTrailerBytes);
  return { value, chain };
}

/** The payload (a view) and chain of a stored entry; or why it is not entry `index` after `prevChain`. */
export function decodeEntry(
  key: Uint8Array,
  stored: Uint8Array,
  expected: { readonly index: number; readonly prevChain: number },
): { readonly payload: Uint8Array; readonly chain: number } | { readonly fault: string } {
  const { index, prevChain } = expected;
  if (Buffer.compare(key, entryKey(index)) !== 0) return { fault: `entry ${index} is missing` };
  const value = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  if (value.length < entryHeaderBytes + entryTrailerBytes) return { fault: `entry ${index} is too short` };
  if (value[0] !== layoutVersion || value[1] !== dataEntry) return { fault: `entry ${index} has an unknown form` };
  const sound =
    value.readBigUInt64BE(2) === BigInt(index) &&
    value.readUInt32BE(18) === prevChain &&
    value.readUInt32BE(22) === value.length - entryHeaderBytes - entryTrailerBytes &&
    value.readUInt32BE(value.length - entryTrailerBytes) === chainOf(value);
  if (!sound) return { fault: `entry ${index} does not fit its checksum, or not the entry before it` };
  const payload = value.subarray(entryHeaderBytes, value.length - entryTrailerBytes);
  return { payload, chain: value.readUInt32BE(value.length - entryTrailerBytes) };
}

/** Over everything in front of the trailer that is the entry's content: previous chain, type, index, term, payload. */
function chainOf(value: Uint8Array): number {
  const prevChain = crc32c(value, 18, 22);
  const identity = crc32cAppend(prevChain, value, 1, 18);
  return crc32cAppend(identity, value, entryHeaderBytes, value.length - entryTrailerBytes);
}
