import * as fc from "fast-check";
import { expect, test } from "vitest";
import { planMerge } from "./plan-merge.ts";

const limits = { segmentBytes: 100, offsetsMax: 1000, countMax: 8 };

/** Segments of so many bytes, of ten offsets each. */
function segmentsOf(...sizes: number[]): { baseOffset: number; endOffset: number; sizeBytes: number }[] {
  return sizes.map((sizeBytes, index) => ({ baseOffset: index * 10, endOffset: index * 10 + 10, sizeBytes }));
}

function planned(sizes: number[], change: Partial<typeof limits> = {}): number[][] {
  return planMerge(segmentsOf(...sizes), { ...limits, ...change }).map((group) =>
    group.map(({ sizeBytes }) => sizeBytes),
  );
}

test("planMerge(): neighbours that fit a segment become one", () => {
  expect(planned([30, 30, 30, 30])).toEqual([[30, 30, 30]]);
  expect(planned([60, 9, 8, 12, 95, 4, 4])).toEqual([
    [9, 8, 12],
    [4, 4],
  ]);
  expect(planned([50, 50])).toEqual([[50, 50]]);
  expect(planned([50, 51])).toEqual([]);
  expect(planned([])).toEqual([]);
  expect(planned([1])).toEqual([]);
});

test("planMerge(): a large segment is not copied for the sake of a few small ones", () => {
  expect(planned([60, 20, 10])).toEqual([]);
  expect(planned([40, 20, 20])).toEqual([[40, 20, 20]]);
});

test("planMerge(): a group spans no more offsets, and no more segments, than it may", () => {
  expect(planned([1, 1, 1, 1], { offsetsMax: 20 })).toEqual([
    [1, 1],
    [1, 1],
  ]);
  expect(planned([1, 1, 1, 1], { countMax: 3 })).toEqual([[1, 1, 1]]);
});

test("planMerge() for any sizes: carried out until nothing is left to do, few small segments are left, and few bytes were copied", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 300 }), (sizes) => {
      let segments = segmentsOf(...sizes);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      let copied = 0;
      for (;;) {
        const groups = planMerge(segments, { ...limits, offsetsMax: 1e9, countMax: 32 });
        if (groups.length === 0) break;
        for (const group of groups) {
          const sizeBytes = group.reduce((sum, segment) => sum + segment.sizeBytes, 0);
          expect(sizeBytes).toBeLessThanOrEqual(100);
          copied += sizeBytes;
          const at = segments.indexOf(group[0]!);
          expect(segments.slice(at, at + group.length)).toEqual(group);
          const one = { baseOffset: group[0]!.baseOffset, endOffset: group.at(-1)!.endOffset, sizeBytes };
          segments = segments.toSpliced(at, group.length, one);
        }
      }
      // Of every two segments' worth of bytes, at most one of each power of two, rising and falling.
      expect(segments.length).toBeLessThanOrEqual((total / 50) * 14 + 14);
      // Each byte once for each doubling up to 100.
      expect(copied).toBeLessThanOrEqual(total * 7);
    }),
  );
});
