// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { kafkaPartition } from "./kafka-partition.ts";

/** Hashes of Kafka's own test (org.apache.kafka.common.utils.UtilsTest.testMurmur2), signed as Java prints them. */
const kafkaHashes: readonly [string, number][] = [
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
];

describe("kafkaPartition()", () => {
  it.each(kafkaHashes)("puts %j where Kafka's clients do", (key, hash) => {
    for (const count of [1, 3, 12, 0x7fffffff]) {
      expect(kafkaPartition(Buffer.from(key), count)).toBe((hash & 0x7fffffff) % count);
    }
  });

  it("takes an empty key", () => {
    expect(kafkaPartition(new Uint8Array(), 3)).toBeGreaterThanOrEqual(0);
  });
});
