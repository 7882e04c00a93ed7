// SPDX-License-Identifier: Apache-2.0
// The hash by which Kafka's clients choose a partition for a key: 32-bit MurmurHash2 with seed 0x9747b28c. A producer that
// hashes otherwise breaks the order per key for everyone who shares the topic.

import { invariant } from "./invariant.ts";

const multiplier = 0x5bd1e995;
const seed = 0x9747b28c;

/** MurmurHash2 of `key`, signed 32 bits, equal to Kafka's `Utils.murmur2`. */
export function murmur2(key: Uint8Array): number {
  const length = key.length;
  let hash = seed ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24);
    word = Math.imul(word, multiplier);
    word ^= word >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier);
  }
  const rest = length - at;
  if (rest > 0) {
    if (rest > 2) hash ^= key[at + 2]! << 16;
    if (rest > 1) hash ^= key[at + 1]! << 8;
    hash = Math.imul(hash ^ key[at]!, multiplier);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}

/** The partition, in [0, partitionCount), of a record with this key, as Kafka's default partitioner. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  invariant(partitionCount > 0, "a topic has at least one partition");
  // Kafka's toPositive: clears the sign bit, which is not the absolute value.
  return (murmur2(key) & 0x7fff_ffff) % partitionCount;
}
