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
