// SPDX-License-Identifier: Apache-2.0
// When the next record of a replay is due. Pure: time is handed in.
//
//   records/s, bytes/s   the n-th is due at n / rate from the start, so that the rate holds over the whole run
//   speed                as long after the first record as it was then, divided by the factor; one that is older than those before
//                        it is due at once

import { parseSizeBytes } from "../input/duration.ts";
import { delayBeforeMs, parseRate } from "../input/rate-limit.ts";

export type Pace =
  | { readonly kind: "free" }
  | { readonly kind: "records"; readonly perSecond: number }
  | { readonly kind: "bytes"; readonly perSecond: number }
  | { readonly kind: "speed"; readonly factor: number };

export class Pacer {
  private readonly pace: Pace;
  private readonly startMs: number;
  private records = 0;
  private bytes = 0;
  /** Time of the first record, and when it went out. */
  private origin: { timestampMs: number; atMs: number } | undefined;

  constructor(pace: Pace, nowMs: number) {
    this.pace = pace;
    this.startMs = nowMs;
  }

  /** How long to wait before this record, in ms. To be asked once for each; it counts from then on. */
  delayMs(record: { readonly timestampMs: number; readonly bytes: number }, nowMs: number): number {
    const { pace } = this;
    const sent = pace.kind === "bytes" ? this.bytes : this.records;
    this.records += 1;
    this.bytes += record.bytes;
    if (pace.kind === "free") return 0;
    if (pace.kind !== "speed") return delayBeforeMs(sent, nowMs - this.startMs, pace.perSecond);
    this.origin ??= { timestampMs: record.timestampMs, atMs: nowMs };
    const dueMs = this.origin.atMs + (record.timestampMs - this.origin.timestampMs) / pace.factor;
    return Math.max(0, dueMs - nowMs);
  }
}

/** "1000", "2.5k", "1000/s": records in a second; "5MB/s", "512KiB/s": bytes in a second. */
export function parsePace(text: string): Pace | undefined {
  const amount = text.trim().replace(/\/s$/, "");
  const records = parseRate(amount);
  if (records !== undefined) return { kind: "records", perSecond: records };
  const bytes = parseSizeBytes(amount);
  return bytes === undefined || bytes === 0 ? undefined : { kind: "bytes", perSecond: bytes };
}

/** "10x", "0.5x", "10": times as fast as it was. */
export function parseSpeed(text: string): Pace | undefined {
  const match = /^(\d+(?:\.\d+)?)x?$/i.exec(text.trim());
  const factor = Number(match?.[1]);
  return factor > 0 && factor <= 1e9 ? { kind: "speed", factor } : undefined;
}
