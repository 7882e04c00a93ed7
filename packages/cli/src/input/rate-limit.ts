// SPDX-License-Identifier: Apache-2.0
// How long to wait so that records go out at a steady rate. Pure: the n-th record is due at n / rate, counted from the
// start, so a late one is caught up with and the rate holds over the whole run, not from one record to the next.

/** Milliseconds to wait before sending record number `sent` (from 0); 0 when it is due. */
export function delayBeforeMs(sent: number, elapsedMs: number, ratePerSecond: number): number {
  return Math.max(0, (sent * 1000) / ratePerSecond - elapsedMs);
}

/** "1000", "2.5k" or "0.5" records per second. */
export function parseRate(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(k?)$/i.exec(text.trim());
  if (match === null) return undefined;
  const rate = Number(match[1]) * (match[2] === "" ? 1 : 1000);
  return rate > 0 && rate <= 1e9 ? rate : undefined;
}
