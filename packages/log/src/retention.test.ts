import * as fc from "fast-check";
import { expect, test } from "vitest";
import { planRetention } from "./retention.ts";
import type { RetainedSegment, RetentionInput } from "./retention.ts";

/** Segments of 100 records and 1000 bytes; number i was written at i seconds, its records are of i × 10 seconds. */
function segments(count: number): RetainedSegment[] {
  return Array.from({ length: count }, (_, index) => ({
    baseOffset: index * 100,
    endOffset: index * 100 + 100,
    sizeBytes: 1000,
    maxTimestampMs: index * 10_000,
    lastWrittenMs: index * 1000,
  }));
}

function input(change: Partial<RetentionInput>): RetentionInput {
  return {
    segments: segments(5),
    highWatermark: 500,
    logStartOffset: 0,
    nowMs: 10_000,
    retentionMs: -1,
    retentionBytes: -1,
    retentionClock: "append",
    ...change,
  };
}

test("planRetention() without limits keeps everything", () => {
  const plan = planRetention(input({}));
  expect(plan).toEqual({ count: 0, reasons: [], bytes: 0, logStartOffset: 0, rollActive: false });
});

test("planRetention() by time takes what is older, by when it was written", () => {
  const plan = planRetention(input({ retentionMs: 7500 }));
  expect(plan).toEqual({
    count: 3,
    reasons: ["time", "time", "time"],
    bytes: 3000,
    logStartOffset: 300,
    rollActive: false,
  });
});

test("planRetention() by time keeps a segment that is exactly as old as allowed", () => {
  expect(planRetention(input({ retentionMs: 8000 })).count).toBe(2);
});

test("planRetention() with clock=record goes by the largest timestamp, and by writing where there is none", () => {
  expect(planRetention(input({ retentionMs: 5000, retentionClock: "record" })).count).toBe(1);
  const bare = segments(5).map((segment) => ({ ...segment, maxTimestampMs: -1 }));
  expect(planRetention(input({ segments: bare, retentionMs: 7500, retentionClock: "record" })).count).toBe(3);
});

test("planRetention() with clock=append does not delete replayed old events at once", () => {
  const replayed = segments(5).map((segment) => ({ ...segment, maxTimestampMs: 1, lastWrittenMs: 9999 }));
  expect(planRetention(input({ segments: replayed, retentionMs: 1000 })).count).toBe(0);
  expect(planRetention(input({ segments: replayed, retentionMs: 1000, retentionClock: "record" })).count).toBe(4);
});

test("planRetention() stops at the first segment that stays", () => {
  const odd = segments(5).map((segment, index) => (index === 1 ? { ...segment, lastWrittenMs: 10_000 } : segment));
  expect(planRetention(input({ segments: odd, retentionMs: 0 })).count).toBe(1);
});

test("planRetention() by size keeps at least what was asked for", () => {
  expect(planRetention(input({ retentionBytes: 2000 }))).toMatchObject({ count: 3, bytes: 3000, logStartOffset: 300 });
  expect(planRetention(input({ retentionBytes: 2001 })).count).toBe(2);
  expect(planRetention(input({ retentionBytes: 0 }))).toMatchObject({ count: 4, rollActive: false });
});

test("planRetention() J-16: nothing at or above the high watermark goes", () => {
  expect(planRetention(input({ retentionMs: 0, highWatermark: 299 })).count).toBe(2);
  expect(planRetention(input({ retentionMs: 0, highWatermark: 300 })).count).toBe(3);
  expect(planRetention(input({ retentionBytes: 0, highWatermark: 0 })).count).toBe(0);
  expect(planRetention(input({ retentionMs: 0, highWatermark: 499 })).rollActive).toBe(false);
});

test("planRetention() asks to roll an active segment that has had its time, and takes it only then", () => {
  expect(planRetention(input({ retentionMs: 0 }))).toMatchObject({ count: 4, rollActive: true });
  const empty = { baseOffset: 500, endOffset: 500, sizeBytes: 0, maxTimestampMs: -1, lastWrittenMs: 0 };
  const rolled = planRetention(input({ segments: [...segments(5), empty], retentionMs: 0 }));
  expect(rolled).toMatchObject({ count: 5, logStartOffset: 500, rollActive: false });
});

test("planRetention() takes what lies below the log start, and never lowers it", () => {
  expect(planRetention(input({ logStartOffset: 250 }))).toMatchObject({
    count: 2,
    reasons: ["log-start", "log-start"],
    logStartOffset: 250,
  });
});

test("planRetention() takes a segment that ends where the log starts", () => {
  expect(planRetention(input({ logStartOffset: 200 })).count).toBe(2);
  expect(planRetention(input({ logStartOffset: 199 })).count).toBe(1);
});

test("planRetention() with clock=record takes time 0 for a time", () => {
  const old = segments(2).map((segment) => ({ ...segment, maxTimestampMs: 0, lastWrittenMs: 10_000 }));
  expect(planRetention(input({ segments: old, retentionMs: 5000, retentionClock: "record" })).count).toBe(1);
});

test("planRetention() is not misled by a clock that was set back", () => {
  expect(planRetention(input({ retentionMs: 0, nowMs: -5 })).count).toBe(0);
});

test("planRetention() J-16 for any input: a prefix, below the high watermark, without the active one, and a second run finds nothing", () => {
  const segment = fc.record({
    records: fc.nat(20),
    sizeBytes: fc.nat(100),
    maxTimestampMs: fc.integer({ min: -1, max: 100 }),
    lastWrittenMs: fc.nat(100),
  });
  const all = fc.record({
    list: fc.array(segment, { minLength: 1, maxLength: 8 }),
    highWatermark: fc.nat(160),
    logStartOffset: fc.nat(160),
    nowMs: fc.nat(120),
    retentionMs: fc.integer({ min: -1, max: 120 }),
    retentionBytes: fc.integer({ min: -1, max: 600 }),
    retentionClock: fc.constantFrom("append" as const, "record" as const),
  });
  fc.assert(
    fc.property(all, ({ list, ...rest }) => {
      let base = 0;
      const segments = list.map(({ records, ...segment }, index) => {
        const count = index === list.length - 1 ? records : records + 1;
        const made = { ...segment, baseOffset: base, endOffset: base + count };
        base += count;
        return made;
      });
      const plan = planRetention({ segments, ...rest });
      expect(plan.count).toBeLessThan(segments.length);
      expect(plan.logStartOffset).toBeGreaterThanOrEqual(rest.logStartOffset);
      const gone = segments.slice(0, plan.count);
      for (const segment of gone) {
        expect(segment.endOffset).toBeLessThanOrEqual(rest.highWatermark);
        expect(segment.endOffset).toBeLessThanOrEqual(plan.logStartOffset);
      }
      const again = planRetention({
        segments: segments.slice(plan.count),
        ...rest,
        logStartOffset: plan.logStartOffset,
      });
      expect(again).toMatchObject({ count: 0, rollActive: plan.rollActive });
    }),
  );
});
