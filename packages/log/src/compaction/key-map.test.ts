import * as fc from "fast-check";
import { expect, test } from "vitest";
import { KeyMap } from "./key-map.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

test("KeyMap answers as a Map does, for keys of all lengths, until it is full", () => {
  const key = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.nat(5)), { maxLength: 200 }), (puts) => {
      const map = new KeyMap({ keys: 1000, bytesMax: 24 * 128 });
      const expected = new Map<string, number>();
      for (const [offset, [bytes, before]] of puts.entries()) {
        // In the middle of something else.
        const whole = new Uint8Array(before + bytes.length + 3);
        whole.set(bytes, before);
        const name = Buffer.from(bytes).toString("hex");
        const isPut = map.put(whole, before, bytes.length, offset);
        expect(isPut).toBe(expected.has(name) || expected.size < 96);
        if (isPut) expected.set(name, offset);
      }
      for (const [name, offset] of expected) {
        const bytes = Buffer.from(name, "hex");
        expect(map.latest(bytes, 0, bytes.length)).toBe(offset);
      }
      expect(map.count).toBe(expected.size);
    }),
  );
});

test("KeyMap tells keys apart that differ in zeros at the end, or in their length around its own bytes", () => {
  const map = new KeyMap({ keys: 100, bytesMax: 1 << 16 });
  const keys = ["", "\0", "\0\0", "a", "a\0", "a".repeat(15), "a".repeat(16), "a".repeat(17), "a".repeat(5000)];
  for (const [offset, key] of keys.entries()) map.put(encode(key), 0, encode(key).length, offset);
  expect(map.count).toBe(keys.length);
  for (const [offset, key] of keys.entries()) expect(map.latest(encode(key), 0, encode(key).length)).toBe(offset);
  expect(map.latest(encode("b"), 0, 1)).toBe(-1);
});

test("KeyMap takes no more memory than it is given, and no more than its keys need", () => {
  const fill = (options: { keys: number; bytesMax: number }): number => {
    const map = new KeyMap(options);
    let count = 0;
    while (count < 10_000 && map.put(encode(`${count}`), 0, `${count}`.length, count)) count += 1;
    return count;
  };
  expect(fill({ keys: 1e9, bytesMax: 24 * 1024 })).toBe(768);
  expect(fill({ keys: 100, bytesMax: 1 << 30 })).toBeGreaterThanOrEqual(100);
  expect(fill({ keys: 100, bytesMax: 1 << 30 })).toBeLessThan(400);
});

/** Keys of 15 bytes that a mixer without a secret, which the table once had, sends to one place. */
function collidingKeys(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const words = new Uint32Array(4);
    const bytes = new Uint8Array(words.buffer);
    words[0] = 15 | (index << 8);
    words[1] = Math.imul(index, 0x1234_5677);
    words[2] = index;
    let h = Math.imul((words[0] ?? 0) ^ 0x9e37_79b9, 0x85eb_ca6b);
    h = Math.imul(h ^ (h >>> 15) ^ (words[1] ?? 0), 0xc2b2_ae35);
    h = Math.imul(h ^ (h >>> 13) ^ index, 0x27d4_eb2f);
    words[3] = h ^ (h >>> 16);
    return bytes.slice(1);
  });
}

test("KeyMap: keys that were made to meet in one place are put and found in a few steps each", () => {
  const keys = collidingKeys(4_000);
  const map = new KeyMap({ keys: keys.length, bytesMax: 1 << 20 });
  for (const [offset, key] of keys.entries()) expect(map.put(key, 0, key.length, offset)).toBe(true);
  for (const [offset, key] of keys.entries()) expect(map.latest(key, 0, key.length)).toBe(offset);
  expect(map.count).toBe(keys.length);
  // Half full, a search takes two or three steps; all in one chain it would be 2,000.
  expect(map.probes).toBeLessThan(keys.length * 2 * 10);
});
