// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { printRates, printTotal, Throughput } from "./throughput.ts";

describe("Throughput", () => {
  it("total() counts from the start, recent() only the last seconds", () => {
    const meter = new Throughput(0);
    for (let atMs = 100; atMs <= 10_000; atMs += 100) meter.add(100, 1000, atMs);
    for (let atMs = 10_100; atMs <= 20_000; atMs += 100) meter.add(1, 10, atMs);
    expect(meter.total(20_000)).toMatchObject({ records: 10_100, bytes: 101_000, recordsPerSecond: 505 });
    expect(meter.recent(20_000).recordsPerSecond).toBeCloseTo(10, 0);
  });

  it("does not divide by zero at the start", () => {
    const meter = new Throughput(5);
    expect(meter.total(5)).toMatchObject({ recordsPerSecond: 0 });
    meter.add(1, 1, 5);
    expect(Number.isFinite(meter.recent(5).recordsPerSecond)).toBe(true);
  });

  it("prints for people", () => {
    const meter = new Throughput(0);
    meter.add(12_345, 1_230_000, 1000);
    expect(printRates(meter.total(1000))).toBe("12,345 records/s, 1.23 MB/s");
    expect(printTotal(meter.total(1000))).toBe("12,345 records, 1.23 MB in 1.0 s (12,345 records/s, 1.23 MB/s)");
  });
});
