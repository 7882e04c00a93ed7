// SPDX-License-Identifier: Apache-2.0
// Counts records and bytes and tells rates: of the whole run, and of the last few seconds for the progress line. Time is
// handed in. Memory: one sample per half second of the window.

import { printCount, printDuration, printNumberOf } from "../input/duration.ts";

const sampleEveryMs = 500;
const windowMs = 3000;

export interface Rates {
  records: number;
  bytes: number;
  elapsedMs: number;
  recordsPerSecond: number;
  bytesPerSecond: number;
}

export class Throughput {
  private readonly startMs: number;
  private records = 0;
  private bytes = 0;
  private samples: { atMs: number; records: number; bytes: number }[];

  constructor(nowMs: number) {
    this.startMs = nowMs;
    this.samples = [{ atMs: nowMs, records: 0, bytes: 0 }];
  }

  add(records: number, bytes: number, nowMs: number): void {
    this.records += records;
    this.bytes += bytes;
    const last = this.samples.at(-1);
    if (last !== undefined && nowMs - last.atMs < sampleEveryMs) return;
    this.samples.push({ atMs: nowMs, records: this.records, bytes: this.bytes });
    while (this.samples.length > 2 && (this.samples[1]?.atMs ?? nowMs) <= nowMs - windowMs) this.samples.shift();
  }

  /** Since the start. */
  total(nowMs: number): Rates {
    return ratesOf(this.records, this.bytes, nowMs - this.startMs);
  }

  /** Over the last seconds. */
  recent(nowMs: number): Rates {
    const from = this.samples[0] ?? { atMs: this.startMs, records: 0, bytes: 0 };
    return ratesOf(this.records - from.records, this.bytes - from.bytes, nowMs - from.atMs);
  }
}

/** "12,345 records/s, 1.23 MB/s". MB are 10^6 bytes, as disks and networks are sold. */
export function printRates(rates: Rates): string {
  return `${printCount(rates.recordsPerSecond)} records/s, ${(rates.bytesPerSecond / 1e6).toFixed(2)} MB/s`;
}

/** "465 records, 0.04 MB in 51 ms (9,118 records/s, 0.75 MB/s)". */
export function printTotal(rates: Rates): string {
  const records = printNumberOf(rates.records, "record");
  return `${records}, ${(rates.bytes / 1e6).toFixed(2)} MB in ${printDuration(rates.elapsedMs)} (${printRates(rates)})`;
}

function ratesOf(records: number, bytes: number, elapsedMs: number): Rates {
  const seconds = Math.max(elapsedMs, 1) / 1000;
  return { records, bytes, elapsedMs, recordsPerSecond: records / seconds, bytesPerSecond: bytes / seconds };
}
