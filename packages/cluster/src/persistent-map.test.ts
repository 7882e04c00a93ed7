import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PersistentMap } from "./persistent-map.ts";

const operations = fc.array(
  fc.record({
    key: fc.oneof(fc.string({ maxLength: 3 }), fc.integer({ max: 400, min: 0 }).map(String)),
    value: fc.option(fc.nat()),
  }),
  { maxLength: 300 },
);

describe("PersistentMap", () => {
  it("PersistentMap behaves as Map does, and older versions stay as they were (C-9)", () => {
    fc.assert(
      fc.property(operations, (steps) => {
        const model = new Map<string, number>();
        let map = PersistentMap.empty<number>();
        const versions: { map: PersistentMap<number>; entries: [string, number][] }[] = [];
        for (const { key, value } of steps) {
          if (value === null) {
            model.delete(key);
            map = map.delete(key);
          } else {
            model.set(key, value);
            map = map.set(key, value);
          }
          versions.push({ map, entries: [...model] });
        }
        for (const version of versions) {
          expect(version.map.size).toBe(version.entries.length);
          expect(sorted(version.map)).toEqual(sorted(version.entries));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("PersistentMap.set() and delete() return the receiver when nothing changes", () => {
    const map = PersistentMap.of([["a", 1]]);
    expect(map.set("a", 1)).toBe(map);
    expect(map.delete("b")).toBe(map);
    expect(map.delete("a").size).toBe(0);
    expect([...map.delete("a")]).toEqual([]);
  });

  it("PersistentMap keeps keys apart whose hashes are equal", () => {
    const [first, second] = collidingKeys();
    const both = PersistentMap.empty<number>().set(first, 1).set(second, 2).set("other", 3);
    expect(both.get(first)).toBe(1);
    expect(both.get(second)).toBe(2);
    expect(both.set(first, 9).get(second)).toBe(2);
    const one = both.delete(first);
    expect(one.get(first)).toBeUndefined();
    expect(one.get(second)).toBe(2);
    expect([...one.keys()].sort()).toEqual([second, "other"].sort());
  });
});

/** Two keys of equal hash, by birthday search: the map mixes FNV-1a only in ways that keep its collisions. */
function collidingKeys(): [string, string] {
  const seen = new Map<number, string>();
  for (let number = 0; number < 400_000; number += 1) {
    const key = `${Math.imul(number, 0x9e3779b1) >>> 0}:${Math.imul(number, 0x85ebca6b) >>> 0}`;
    let hash = 0x811c9dc5;
    for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
    const other = seen.get(hash);
    if (other !== undefined) return [other, key];
    seen.set(hash, key);
  }
  throw new Error("No colliding pair found");
}

function sorted(entries: Iterable<readonly [string, number]>): (readonly [string, number])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}
