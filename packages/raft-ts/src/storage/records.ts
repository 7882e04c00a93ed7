// SPDX-License-Identifier: Apache-2.0
/**
 * The keys of the database and what lies at them; docs/formats.md draws the same. All integers are big endian.
 *
 *   00            identity   who this directory belongs to
 *   01            head       rewritten by every batch (D-2): what the rest must look like
 *   02            snapshot   the newest durable one, and its file
 *   03 index u64  entry      [version u8][type u8][index u64][term u64][chain before u32][length u32][payload][chain u32]
 *
 * chain = CRC-32C of (type, index, term, payload), continuing from the chain before (D-1). It covers what an entry says and
 * not how it is stored, so it is the same number on every node.
 */

import type { Config, Entry, PeerId } from "../core/types.ts";
import type { ClusterDocument, SnapshotDescription } from "../runtime/ports.ts";
import { ByteReader, ByteWriter, readU64, writeU64 } from "./byte-codec.ts";
import { crc32c } from "./crc32c.ts";
import { damaged } from "./storage-error.ts";

export const identityKey = Uint8Array.of(0);
export const headKey = Uint8Array.of(1);
export const snapshotKey = Uint8Array.of(2);
/** Above every entry's. */
export const entriesEndKey = Uint8Array.of(4);

const recordVersion = 1;

// ---- Identity ----

export interface IdentityRecord {
  readonly nodeId: string;
  readonly dirId: string;
  readonly clusterId: string | null;
  /** Of the document it was formed from; 0 when it was not. */
  readonly documentCrc: number;
}

export function encodeIdentity(identity: IdentityRecord): Uint8Array {
  return new ByteWriter()
    .u8(recordVersion)
    .string(identity.nodeId)
    .raw(Buffer.from(identity.dirId, "hex"))
    .u8(identity.clusterId === null ? 0 : 1)
    .string(identity.clusterId ?? "")
    .u32(identity.documentCrc)
    .sealed();
}

export function decodeIdentity(bytes: Uint8Array): IdentityRecord {
  const reader = ByteReader.sealed("the identity", bytes);
  reader.version(recordVersion);
  const nodeId = reader.string();
  const dirId = Buffer.from(reader.raw(16)).toString("hex");
  const hasCluster = reader.u8() === 1;
  const clusterId = reader.string();
  const identity = { nodeId, dirId, clusterId: hasCluster ? clusterId : null, documentCrc: reader.u32() };
  reader.end();
  return identity;
}

/** The same number for the same document, everywhere. */
export function documentCrc({ clusterId, voters }: ClusterDocument): number {
  const writer = new ByteWriter().string(clusterId);
  for (const { id, address } of voters) writer.string(id).string(address);
  return crc32c(writer.bytes);
}

// ---- Head ----

/** What every batch rewrites. With it a lost batch cannot hide behind a later one. */
export interface Head {
  /** Grows by one with every batch. */
  readonly seq: number;
  readonly term: number;
  readonly vote: PeerId | null;
  readonly commit: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly lastChain: number;
  /** Term and chain of the entry before the first one. */
  readonly baseTerm: number;
  readonly baseChain: number;
  /** 0 without a snapshot. */
  readonly snapshotIndex: number;
  /** CRC of the two other records, 0 for one that is not there. */
  readonly identityCrc: number;
  readonly snapshotCrc: number;
}

export function encodeHead(head: Head): Uint8Array {
  return new ByteWriter()
    .u8(recordVersion)
    .u64(head.seq)
    .u64(head.term)
    .u64(head.commit)
    .u64(head.firstIndex)
    .u64(head.lastIndex)
    .u64(head.lastTerm)
    .u32(head.lastChain)
    .u64(head.baseTerm)
    .u32(head.baseChain)
    .u64(head.snapshotIndex)
    .u32(head.identityCrc)
    .u32(head.snapshotCrc)
    .u8(head.vote === null ? 0 : 1)
    .string(head.vote ?? "")
    .sealed();
}

export function decodeHead(bytes: Uint8Array): Head {
  const reader = ByteReader.sealed("the head", bytes);
  reader.version(recordVersion);
  const fields = {
    seq: reader.u64(),
    term: reader.u64(),
    commit: reader.u64(),
    firstIndex: reader.u64(),
    lastIndex: reader.u64(),
    lastTerm: reader.u64(),
    lastChain: reader.u32(),
    baseTerm: reader.u64(),
    baseChain: reader.u32(),
    snapshotIndex: reader.u64(),
    identityCrc: reader.u32(),
    snapshotCrc: reader.u32(),
  };
  const hasVote = reader.u8() === 1;
  const vote = reader.string();
  reader.end();
  return { ...fields, vote: hasVote ? vote : null };
}

// ---- Snapshot ----

export interface SnapshotRecord {
  /** Name in the directory of snapshots. */
  readonly file: string;
  readonly description: SnapshotDescription;
}

export function encodeSnapshot({ file, description }: SnapshotRecord): Uint8Array {
  return writeDescription(new ByteWriter().u8(recordVersion).string(file), description).sealed();
}

export function decodeSnapshot(bytes: Uint8Array): SnapshotRecord {
  const reader = ByteReader.sealed("the snapshot's record", bytes);
  reader.version(recordVersion);
  const record = { file: reader.string(), description: readDescription(reader) };
  reader.end();
  return record;
}

export function writeDescription(writer: ByteWriter, description: SnapshotDescription): ByteWriter {
  const { meta, id, chain, sizeBytes, crc } = description;
  writer.string(id).u64(meta.index).u64(meta.term);
  return writeConfig(writer, meta.config).u32(chain).u64(sizeBytes).u32(crc);
}

export function readDescription(reader: ByteReader): SnapshotDescription {
  const id = reader.string();
  const index = reader.u64();
  const term = reader.u64();
  const config = readConfig(reader);
  return { meta: { index, term, config }, id, chain: reader.u32(), sizeBytes: reader.u64(), crc: reader.u32() };
}

// ---- Configuration ----

function writeConfig(writer: ByteWriter, config: Config): ByteWriter {
  writer.strings(config.voters).strings(config.votersOutgoing).strings(config.learners).strings(config.learnersNext);
  writer.u32(config.addresses.length);
  for (const { id, address } of config.addresses) writer.string(id).string(address);
  return writer;
}

function readConfig(reader: ByteReader): Config {
  const voters = reader.strings();
  const votersOutgoing = reader.strings();
  const learners = reader.strings();
  const learnersNext = reader.strings();
  const count = reader.u32();
  const addresses: { id: PeerId; address: string }[] = [];
  while (addresses.length < count) addresses.push({ id: reader.string(), address: reader.string() });
  return { voters, votersOutgoing, learners, learnersNext, addresses };
}

// ---- Entries ----

const typeCodes = { normal: 1, empty: 2, config: 3 } as const;
const entryVersion = 1;
const payloadAt = 26;
const chainBytes = 4;
const none = new Uint8Array(0);

export function entryKey(index: number): Uint8Array {
  const key = Buffer.allocUnsafe(9);
  key[0] = 3;
  writeU64(key, 1, index);
  return key;
}

/** Undefined when `key` is not an entry's. */
export function entryKeyIndex(key: Uint8Array): number | undefined {
  if (key.length !== 9 || key[0] !== 3) return undefined;
  return readU64(Buffer.from(key.buffer, key.byteOffset, key.length), 1);
}

/** What is stored of `entry` when the chain is `before`. Copies the payload. */
export function encodeEntry(entry: Entry, before: number): { value: Uint8Array; chain: number } {
  const payload = payloadOf(entry);
  const value = Buffer.allocUnsafe(payloadAt + payload.length + chainBytes);
  value[0] = entryVersion;
  value[1] = typeCodes[entry.type];
  writeU64(value, 2, entry.index);
  writeU64(value, 10, entry.term);
  value.writeUInt32BE(before, 18);
  value.writeUInt32BE(payload.length, 22);
  value.set(payload, payloadAt);
  const chain = chainOf(value);
  value.writeUInt32BE(chain, payloadAt + payload.length);
  return { value, chain };
}

/**
 * The entry at `index`, which must follow an entry with the chain `before` (undefined: not known). Its payload is a view of
 * `bytes`. Throws `StorageError` "damaged".
 */
export function decodeEntry(
  bytes: Uint8Array,
  index: number,
  before: number | undefined,
): { entry: Entry; chain: number; before: number } {
  const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = value.length - payloadAt - chainBytes;
  if (length < 0 || value[0] !== entryVersion || value.readUInt32BE(22) !== length) {
    throw damaged(`entry ${index} has another length or version than was written`);
  }
  const chain = value.readUInt32BE(payloadAt + length);
  const storedBefore = value.readUInt32BE(18);
  if (chainOf(value) !== chain) throw damaged(`entry ${index} does not fit its checksum`);
  const storedIndex = readU64(value, 2);
  if (storedIndex !== index) throw damaged(`entry ${index} holds entry ${storedIndex}`);
  if (before !== undefined && storedBefore !== before) {
    throw damaged(`entry ${index} does not follow the entry before it: an older one took its place, or one is missing`);
  }
  return { entry: entryOf(value, index, length), chain, before: storedBefore };
}

function chainOf(value: Buffer): number {
  const before = value.readUInt32BE(18);
  return crc32c(value, payloadAt, value.length - chainBytes, crc32c(value, 1, 18, before));
}

function payloadOf(entry: Entry): Uint8Array {
  return entry.config === null ? entry.data : writeConfig(new ByteWriter(), entry.config).bytes;
}

function entryOf(value: Buffer, index: number, length: number): Entry {
  const term = readU64(value, 10);
  const payload = new Uint8Array(value.buffer, value.byteOffset + payloadAt, length);
  switch (value[1]!) {
    case typeCodes.normal:
      return { type: "normal", index, term, data: payload, config: null };
    case typeCodes.empty:
      return { type: "empty", index, term, data: none, config: null };
    case typeCodes.config: {
      const reader = new ByteReader(`entry ${index}`, payload);
      const config = readConfig(reader);
      reader.end();
      return { type: "config", index, term, data: none, config };
    }
    default:
      throw damaged(`entry ${index} has the unknown type ${value[1]}`);
  }
}
