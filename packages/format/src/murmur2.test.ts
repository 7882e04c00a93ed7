// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { InvariantError } from "./invariant.ts";
import { murmur2, partitionForKey } from "./murmur2.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("murmur2()", () => {
  // The cases of Kafka's own UtilsTest.
  it.each([
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ])("hashes %s as Kafka does", (text, hash) => {
    expect(murmur2(utf8(text))).toBe(hash);
  });
});

describe("partitionForKey()", () => {
  it("clears the sign bit, as Kafka's toPositive", () => {
    expect(partitionForKey(utf8("21"), 100)).toBe((-973932308 & 0x7fffffff) % 100);
    expect(partitionForKey(utf8("foobar"), 3)).toBe((-790332482 & 0x7fffffff) % 3);
    expect(partitionForKey(utf8("abc"), 1)).toBe(0);
  });

  it("stays inside the topic for any key", () => {
    for (let index = 0; index < 500; index++) {
      const partition = partitionForKey(utf8(`key-${index}`), 7);
      expect(partition).toBeGreaterThanOrEqual(0);
      expect(partition).toBeLessThan(7);
    }
    expect(() => partitionForKey(utf8("k"), 0)).toThrow(InvariantError);
  });
});
