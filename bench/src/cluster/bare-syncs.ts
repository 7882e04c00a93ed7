// SPDX-License-Identifier: Apache-2.0
// The bare disk under a single record: 4 KiB appended and synced, one after the other.

import { open } from "node:fs/promises";
import { join } from "node:path";

export interface BareSyncs {
  readonly "per second": number;
  readonly "p50 ms": number;
  readonly "p99 ms": number;
  /** Of who comes at any moment, waits for the sync under way and then for one of its own: a long one meets more of them. */
  readonly arrivalP99Ms: number;
}

export async function bareSyncs(directory: string, forSeconds: number): Promise<BareSyncs> {
  const file = await open(join(directory, "sync"), "w");
  const block = Buffer.alloc(4_096, 1);
  const takenMs: number[] = [];
  const untilMs = performance.now() + forSeconds * 1_000;
  for (let at = 0; performance.now() < untilMs; at += block.length) {
    const startedMs = performance.now();
    await file.write(block, 0, block.length, at);
    await file.datasync();
    takenMs.push(performance.now() - startedMs);
  }
  await file.close();
  const sorted = Float64Array.from(takenMs).sort();
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return {
    "per second": Math.round(sorted.length / forSeconds),
    "p50 ms": at(0.5),
    "p99 ms": at(0.99),
    arrivalP99Ms: arrivalP99(takenMs),
  };
}

/** `takenMs`: one after the other, without a pause. Looks at it once in 0.1 ms. */
function arrivalP99(takenMs: readonly number[]): number {
  const waited: number[] = [];
  for (const [index, tookMs] of takenMs.slice(0, -1).entries()) {
    const nextMs = takenMs[index + 1] ?? 0;
    for (let leftMs = tookMs; leftMs > 0; leftMs -= 0.1) waited.push(leftMs + nextMs);
  }
  const sorted = Float64Array.from(waited).sort();
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
}
