// SPDX-License-Identifier: Apache-2.0
// Where Kafka's clients put a key: murmur2 of its bytes, the sign bit cleared, modulo the number of partitions. Written a
// second time on purpose, straight from the algorithm's definition in arbitrary precision: the first run compares what the
// cluster did with this, and a check that shared code with what it checks would share its mistakes.

const mask = 0xffffffffn;
const multiplier = 0x5bd1e995n;
const seed = 0x9747b28cn;

export function kafkaPartition(key: Uint8Array, partitionCount: number): number {
  const length = key.length;
  let hash = (seed ^ BigInt(length)) & mask;
  const wholeWords = length - (length % 4);
  for (let at = 0; at < wholeWords; at += 4) {
    let word = 0n;
    for (let byte = 3; byte >= 0; byte -= 1) word = (word << 8n) | BigInt(key[at + byte] ?? 0);
    word = (word * multiplier) & mask;
    word ^= word >> 24n;
    word = (word * multiplier) & mask;
    hash = ((hash * multiplier) & mask) ^ word;
  }
  for (let left = length - 1; left >= wholeWords; left -= 1) hash ^= BigInt(key[left] ?? 0) << BigInt(8 * (left % 4));
  if (length > wholeWords) hash = (hash * multiplier) & mask;
  hash ^= hash >> 13n;
  hash = (hash * multiplier) & mask;
  hash ^= hash >> 15n;
  return Number((hash & 0x7fffffffn) % BigInt(partitionCount));
}
