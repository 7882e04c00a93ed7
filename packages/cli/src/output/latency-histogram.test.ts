// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "./latency-histogram.ts";

describe("LatencyHistogram", () => {
  it("is empty at first", () => {
    const histogram = new LatencyHistogram();
    expect([histogram.count, histogram.maxMs, histogram.percentileMs(0.5)]).toEqual([0, 0, 0]);
  });

  it("percentileMs() is at most 1/32 above the true value and never below it by more than a microsecond", () => {
    const micros = fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(micros, fc.constantFrom(0, 0.5, 0.9, 0.99, 1), (values, share) => {
        const histogram = new LatencyHistogram();
        for (const value of values) histogram.add(value / 1000);
        const sorted = values.toSorted((a, b) => a - b);
        const truth = (sorted[Math.max(0, Math.ceil(values.length * share) - 1)] ?? 0) / 1000;
        const answer = histogram.percentileMs(share);
        expect(answer).toBeGreaterThanOrEqual(truth - 0.0011);
        expect(answer).toBeLessThanOrEqual(truth * (1 + 1 / 32) + 0.001);
        expect(histogram.count).toBe(values.length);
      }),
    );
  });

  it("takes a latency beyond its range", () => {
    const histogram = new LatencyHistogram();
    histogram.add(1e12);
    expect(histogram.percentileMs(1)).toBeLessThanOrEqual(1e12);
    expect(histogram.maxMs).toBe(1e12);
  });
});
