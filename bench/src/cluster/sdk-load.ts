// SPDX-License-Identifier: Apache-2.0
// The SDK as a program uses it: a promise for each record, as many as ready() lets through.

import { setImmediate } from "node:timers/promises";
import { connect } from "@varve/client";
import type { LoadResult, SdkLoad } from "./load-types.ts";

/** So many sends before the event loop has its turn, as in a program that reads its input in pieces. */
const recordsPerTurn = 1_000;

export async function sdkLoad(load: SdkLoad): Promise<LoadResult> {
  const { addresses, topic, recordBytes, keys, bufferBytes, seconds, warmUpSeconds } = load;
  await using client = await connect({ addresses });
  await using producer = client.producer({ bufferBytes });
  const value = Buffer.alloc(recordBytes, 97);
  const names = Array.from({ length: keys }, (_, index) => Buffer.from(`key-${index}`));
  const latencies: number[] = [];
  const fromMs = performance.now() + warmUpSeconds * 1_000;
  const untilMs = fromMs + seconds * 1_000;
  let records = 0;
  const refused: unknown[] = [];
  let cpuFrom = process.cpuUsage();
  let isWarm = false;
  let sent = 0;
  while (performance.now() < untilMs && refused.length === 0) {
    if (!isWarm && performance.now() >= fromMs) {
      isWarm = true;
      cpuFrom = process.cpuUsage();
    }
    const sinceMs = performance.now();
    for (let count = 0; count < recordsPerTurn; count++) {
      const room = producer.ready();
      if (room !== undefined) await room;
      const key = keys === 0 ? null : (names[sent % keys] ?? null);
      const acked = producer.send({ topic, key, value });
      // One of a thousand: the clock is asked for those alone.
      const isTimed = sent % recordsPerTurn === 0;
      sent++;
      void acked.then(
        () => {
          const nowMs = performance.now();
          if (nowMs < fromMs || nowMs >= untilMs) return;
          records++;
          if (isTimed) latencies.push(nowMs - sinceMs);
        },
        (error: unknown) => {
          refused.push(error);
        },
      );
    }
    await setImmediate();
  }
  const cpu = process.cpuUsage(cpuFrom);
  await producer.flush();
  if (refused.length > 0) throw new Error(`A record was refused: ${String(refused[0])}`);
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    requests: records,
    records,
    bytes: records * recordBytes,
    seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    p999Ms: at(0.999),
    maxMs: at(1),
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}
