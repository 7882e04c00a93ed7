// A digest of the image that changes with it: the sum of hashes of all key/value pairs (C-9). Adding a pair adds its hash and
// removing one subtracts it, in any order, so two nodes with the same image agree whatever way they came there. It finds
// nodes that drifted apart; it is no defence against somebody who wants a collision.

import type { Partition } from "./state.ts";

/** Two sums modulo 2^32. */
export interface Digest {
  readonly high: number;
  readonly low: number;
}

export const emptyDigest: Digest = { high: 0, low: 0 };

/** What the image holds under a key: text, or a plain object of numbers, text, booleans and lists. */
export type PairValue = string | object;

/** The digest with the pair `key` → `before` replaced by `key` → `after`; `undefined` stands for "is not there". */
export function replacePair(
  digest: Digest,
  key: string,
  before: PairValue | undefined,
  after: PairValue | undefined,
): Digest {
  const removed = before === undefined ? emptyDigest : hashText(`${key}=${canonicalText(before)}`);
  const added = after === undefined ? emptyDigest : hashText(`${key}=${canonicalText(after)}`);
  return exchange(digest, removed, added);
}

/** The digest with the hash of one pair replaced by that of another; `emptyDigest` stands for "is not there". */
export function exchange(digest: Digest, removed: Digest, added: Digest): Digest {
  return { high: (digest.high - removed.high + added.high) >>> 0, low: (digest.low - removed.low + added.low) >>> 0 };
}

/** Of partitions that were in an image: each one's hash is asked for twice, when it comes and when it goes. */
const partitionHashes = new WeakMap<Partition, Digest>();

/**
 * What a partition adds to the digest: the hash of `partition/<topic id>/<number>` and its fields in the order of their names, as
 * `replacePair` would have it. Nearly all of what the controller decides is about partitions, thousands at a time.
 */
export function hashOfPartition(partition: Partition): Digest {
  const known = partitionHashes.get(partition);
  if (known !== undefined) return known;
  const { topicId, partition: number, lastKnownElr, lastKnownLeader, uncleanEpoch } = partition;
  const text =
    `partition/${topicId}/${number}={adding:[${partition.adding.join()}],dirs:${JSON.stringify(partition.dirs)},` +
    `elr:[${partition.elr.join()}],flush:"${partition.flush}",isr:[${partition.isr.join()}],` +
    `lastKnownElr:[${lastKnownElr.join()}],lastKnownLeader:${lastKnownLeader},leader:${partition.leader},` +
    `leaderEpoch:${partition.leaderEpoch},minIsr:${partition.minIsr},partition:${number},` +
    `partitionEpoch:${partition.partitionEpoch},recovering:${partition.recovering},` +
    `removing:[${partition.removing.join()}],replicas:[${partition.replicas.join()}],` +
    `topicId:${JSON.stringify(topicId)},uncleanEpoch:${uncleanEpoch}}`;
  const hash = hashText(text);
  partitionHashes.set(partition, hash);
  return hash;
}

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.high === b.high && a.low === b.low;
}

/** 16 hex digits. */
export function printDigest(digest: Digest): string {
  return digest.high.toString(16).padStart(8, "0") + digest.low.toString(16).padStart(8, "0");
}

/** Names of fields in order, by the order in which they were set. As many as there are kinds of values here. */
const orders = new Map<string, readonly string[]>();

function orderedNames(value: object): readonly string[] {
  const names = Object.keys(value);
  const as = names.join();
  let ordered = orders.get(as);
  if (ordered === undefined) orders.set(as, (ordered = names.sort()));
  return ordered;
}

/** The same text for equal values, whatever the order in which the fields of an object were set. */
function canonicalText(value: unknown): string {
  if (Number.isSafeInteger(value)) return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  let text = "";
  for (const name of orderedNames(value)) {
    const field = canonicalText(value[name as keyof typeof value]);
    text += text === "" ? `${name}:${field}` : `,${name}:${field}`;
  }
  return `{${text}}`;
}

/** Two multiplicative hashes with different constants, mixed into each other. */
function hashText(text: string): Digest {
  let a = 0xdeadbeef ^ text.length;
  let b = 0x41c6ce57 ^ text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    a = Math.imul(a ^ unit, 0x9e3779b1);
    b = Math.imul(b ^ unit, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return { high: b >>> 0, low: a >>> 0 };
}
