import { expect, test } from "vitest";
import { planCompaction } from "./plan-compaction.ts";
import type { CompactionInput } from "./plan-compaction.ts";

const hour = 3_600_000;

/** Six segments of ten records; the last one is active. One is written every hour, the first at hour 1; it is hour 10. */
function input(
  change: Partial<Omit<CompactionInput, "config">> & { config?: Partial<CompactionInput["config"]> } = {},
): CompactionInput {
  const segments = Array.from({ length: 6 }, (_, index) => ({
    baseOffset: index * 10,
    endOffset: index * 10 + 10,
    sizeBytes: 100,
    maxTimestampMs: index,
    lastWrittenMs: (index + 1) * hour,
  }));
  const config = { minDirtyRatio: 0.5, minLagMs: 0, maxLagMs: Number.MAX_SAFE_INTEGER, deleteRetentionMs: 0 };
  return {
    segments,
    highWatermark: 60,
    recoveryPoint: 60,
    cleanedTo: 0,
    openTransaction: undefined,
    nowMs: 10 * hour,
    retentionClock: "append",
    ...change,
    config: { ...config, ...change.config },
  };
}

test("planCompaction() J-17: whole segments, never the active one", () => {
  expect(planCompaction(input())).toMatchObject({ count: 5, from: 0, to: 50, dirtyBytes: 500, isDue: true });
});

test.each([
  ["high watermark", { highWatermark: 39 }, 30],
  ["recovery point", { recoveryPoint: 29 }, 20],
  ["open transaction", { openTransaction: 20 }, 20],
  ["high watermark at an end", { highWatermark: 40 }, 40],
])("planCompaction() J-17: nothing at or above the %s", (_, change, to) => {
  expect(planCompaction(input(change)).to).toBe(to);
});

test("planCompaction(): what is younger than min.compaction.lag.ms, and what follows it, is left alone", () => {
  // Segment 3 was written six hours ago.
  expect(planCompaction(input({ config: { minLagMs: 6 * hour + 1 } })).to).toBe(30);
  // What was cleaned before is gone through however young it is.
  const again = planCompaction(input({ cleanedTo: 20, config: { minLagMs: 6 * hour + 1 } }));
  expect(again).toMatchObject({ count: 3, from: 20, to: 30 });
});

test("planCompaction(): is due from min.cleanable.dirty.ratio on", () => {
  expect(planCompaction(input({ cleanedTo: 20 }))).toMatchObject({ dirtyRatio: 0.6, isDue: true });
  expect(planCompaction(input({ cleanedTo: 30 }))).toMatchObject({ dirtyRatio: 0.4, isDue: false });
  expect(planCompaction(input({ cleanedTo: 50, config: { minDirtyRatio: 0 } }))).toMatchObject({ isDue: false });
});

test("planCompaction(): what is older than max.compaction.lag.ms is due, however little it is", () => {
  // The fifth segment was begun six hours ago, when the one before was written.
  expect(planCompaction(input({ cleanedTo: 40, config: { maxLagMs: 6 * hour } })).isDue).toBe(false);
  expect(planCompaction(input({ cleanedTo: 40, config: { maxLagMs: 6 * hour - 1 } })).isDue).toBe(true);
});

test("planCompaction(): rolls an active segment that holds something older than max.compaction.lag.ms", () => {
  expect(planCompaction(input({ config: { maxLagMs: 5 * hour } })).rollActive).toBe(false);
  expect(planCompaction(input({ config: { maxLagMs: 5 * hour - 1 } })).rollActive).toBe(true);
  const empty = input({ config: { maxLagMs: 1 } });
  expect(planCompaction({ ...empty, segments: [] })).toMatchObject({ rollActive: false, isDue: false, count: 0 });
});
