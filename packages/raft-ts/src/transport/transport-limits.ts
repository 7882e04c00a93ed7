// SPDX-License-Identifier: Apache-2.0
// Every bound of the transport, with its unit. What is not in here is not bounded by the transport.

const kibibyte = 1 << 10;
const mebibyte = 1 << 20;

export interface TransportLimits {
  /** What the core's `maxAppendBytes` is; also the most that one write merges. @default 1 MiB */
  readonly appendBytesMax: number;
  /** What the core's `maxEntryBytes` is: an Append of one such entry passes. @default 8 MiB */
  readonly entryBytesMax: number;
  /** Messages waiting for one peer's control stream. Above it the oldest goes, votes last (F9). @default 1024 */
  readonly controlQueueMessages: number;
  /** Appends waiting for one peer's bulk stream. Above it a new one is dropped (F9). @default 256 */
  readonly bulkQueueMessages: number;
  /** Bytes of the same; a single Append always fits into an empty queue. @default 16 MiB */
  readonly bulkQueueBytes: number;
  /** Bytes handed to the network and not taken by it yet, for each stream; a single write always fits. @default 1 MiB */
  readonly unsentBytesMax: number;
  /** Senders outside of `setPeers` whose streams are taken at the same time (X2). @default 4 */
  readonly unknownSendersMax: number;
  /** The wait before the second attempt to connect. It doubles from there. @default 50 */
  readonly reconnectMinMs: number;
  /** @default 2000 */
  readonly reconnectMaxMs: number;
  /** How long a peer may take to accept a stream. @default 3000 */
  readonly connectMs: number;
  /** A connection without a sign of life for so long is asked for one. @default 1000 */
  readonly keepaliveMs: number;
  /** How long the sign may take. @default 2000 */
  readonly keepaliveTimeoutMs: number;
  /** How long a snapshot's next part, or the receiver's readiness for it, may take. @default 10000 */
  readonly snapshotIdleMs: number;
  /** How long a receiver may take to verify a whole snapshot and make it durable. @default 60000 */
  readonly snapshotFinishMs: number;
  /** Rate of one snapshot on its way out, in bytes a second (S4). @default 64 MiB */
  readonly snapshotBytesPerSecond: number;
  /** How long `stop` waits for stages of snapshots to close. @default 2000 */
  readonly stopMs: number;
}

export const transportDefaults: TransportLimits = {
  appendBytesMax: mebibyte,
  entryBytesMax: 8 * mebibyte,
  controlQueueMessages: 1024,
  bulkQueueMessages: 256,
  bulkQueueBytes: 16 * mebibyte,
  unsentBytesMax: mebibyte,
  unknownSendersMax: 4,
  reconnectMinMs: 50,
  reconnectMaxMs: 2000,
  connectMs: 3000,
  keepaliveMs: 1000,
  keepaliveTimeoutMs: 2000,
  snapshotIdleMs: 10_000,
  snapshotFinishMs: 60_000,
  snapshotBytesPerSecond: 64 * mebibyte,
  stopMs: 2000,
};

/** Fills in the defaults. Throws `RangeError` when a number makes no sense. */
export function transportLimits(options: Partial<TransportLimits> = {}): TransportLimits {
  const limits = { ...transportDefaults, ...options };
  for (const [name, value] of Object.entries(limits)) {
    if (!(Number.isSafeInteger(value) && value > 0)) {
      throw new RangeError(`Cannot make a Raft transport: ${name} is ${value}, it must be a positive integer`);
    }
  }
  return limits;
}

/** Largest message on a stream: what entries take beside their payload, and the envelope, fit into the rest. */
export function envelopeBytesMax(limits: Pick<TransportLimits, "appendBytesMax" | "entryBytesMax">): number {
  return Math.max(limits.appendBytesMax, limits.entryBytesMax) + 64 * kibibyte;
}

/** Longest text of each kind, in bytes of UTF-8, and longest lists. A configuration at all limits is below 64 KiB. */
export const fieldLimits = {
  peerIdBytes: 256,
  clusterIdBytes: 128,
  addressBytes: 300,
  nodeIdBytes: 64,
  dirIdBytes: 64,
  snapshotIdBytes: 64,
  /** Members in each list of a configuration. */
  members: 32,
  /** Voters that a group may begin with. */
  initialPeers: 7,
  /** Messages in one envelope. */
  messages: 2048,
  /** Entries in one Append: the core reckons 32 bytes for each at least. */
  entries: 1 << 18,
  chunkBytes: 256 * kibibyte,
} as const;

/** The version that this code speaks (X1). */
export const protocolVersion = 1;
