import * as fc from "fast-check";
import { expect, it } from "vitest";
import { partsOf } from "./telling-parts.ts";
import type { CommittedOffset } from "./state.ts";

const committed: CommittedOffset = { offset: 0, leaderEpoch: -1, metadata: "", committedAtMs: 0, movedEpoch: -1 };
const places = (count: number, topicId: string) =>
  Array.from({ length: count }, (_, partition) => ({ topicId, partition }));
const tellingOf = ([assign, revoke, lost]: readonly [number, number, number]) => ({
  assign: places(assign, "a").map((place) => ({ ...place, committed })),
  revoke: places(revoke, "r"),
  lost: places(lost, "l"),
});
const generations = { before: 3, after: 4 };
const some = fc.nat(7);

it("says everything once, in order, in messages that are not too large", () => {
  fc.assert(
    fc.property(fc.tuple(some, some, some), fc.integer({ min: 1, max: 9 }), (counts, sizeMax) => {
      const telling = tellingOf(counts);
      const parts = partsOf(telling, generations, { sizeOf: () => 1, sizeMax });
      for (const key of ["assign", "revoke", "lost"] as const)
        expect(parts.flatMap((part) => [...part[key]])).toEqual(telling[key]);
      const sizes = parts.map(({ assign, revoke, lost }) => assign.length + revoke.length + lost.length);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(sizeMax);
      expect(parts.length).toBe(Math.max(1, Math.ceil(counts.reduce((sum, count) => sum + count, 0) / sizeMax)));
    }),
  );
});

it("tells the new generation once all that is lost or moved has been told, and not before", () => {
  fc.assert(
    fc.property(fc.tuple(some, some, some), fc.integer({ min: 1, max: 9 }), (counts, sizeMax) => {
      const parts = partsOf(tellingOf(counts), generations, { sizeOf: () => 1, sizeMax });
      const isDue = (at: number): boolean =>
        parts.slice(at + 1).every(({ assign, lost }) => assign.length + lost.length === 0);
      expect(parts.map(({ generation }) => generation)).toEqual(
        parts.map((_, at) => (isDue(at) ? generations.after : generations.before)),
      );
    }),
  );
});

it("gives an entry that is too large by itself a message of its own", () => {
  const sizeOf = ({ partition }: { readonly partition: number }): number => (partition === 1 ? 100 : 1);
  const parts = partsOf(tellingOf([3, 0, 0]), generations, { sizeOf, sizeMax: 10 });
  expect(parts.map(({ assign }) => assign.map(({ partition }) => partition))).toEqual([[0], [1], [2]]);
});
