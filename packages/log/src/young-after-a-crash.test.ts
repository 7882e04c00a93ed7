// SPDX-License-Identifier: Apache-2.0
// J-16: a checkpoint knows when a segment was written last; what came behind it is as young as the start that finds it.

import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { LogConfig } from "./partition-types.ts";
import { LogStore } from "./store.ts";
import { SimulatedClock, SimulatedTime } from "./testing/simulated-clock.ts";
import { SimulatedDisk } from "./testing/simulated-disk.ts";

const hourMs = 3_600_000;
const config: LogConfig = {
  flush: "os",
  segmentBytes: 400,
  segmentMs: 1_000 * hourMs,
  indexIntervalBytes: 100,
  retentionMs: 24 * hourMs,
  retentionBytes: -1,
  retentionClock: "append",
  maxBatchBytes: 100_000,
  producerExpiryMs: 24 * hourMs,
};
const id = { topicId: "00112233445566778899aabbccddeeff", topic: "orders", partition: 0 };

function open(time: SimulatedTime, clock: SimulatedClock, disk: SimulatedDisk): Promise<LogStore> {
  const bootId = "7d1c0a52-6d0e-4a59-8d4d-000000000001";
  const opening = LogStore.open(
    // Nothing but what the test asks for is checkpointed or removed.
    { directory: "/data", bootId, defaults: config, checkpointIntervalMs: 1_000 * hourMs },
    { fs: disk.fileSystem(), clock, onFatal: (error) => expect(error).toBeUndefined() },
  );
  return time.result(opening, "the store to open");
}

test("LogStore J-16: after a kill retention takes no segment for older than what was written into it", async () => {
  const time = new SimulatedTime();
  const disk = new SimulatedDisk({ time, seed: 1, pageBytes: 512 });
  const clock = new SimulatedClock(time);
  const store = await open(time, clock, disk);
  const log = await time.result(store.create(id, config), "a partition");
  const append = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const end = log.logEndOffset + 1;
      log.appendAsLeader(buildBatch([{ value: Buffer.alloc(20), timestampMs: 1 }]), { now: clock.nowMs() });
      await time.until(() => log.countedOffset === end, "a record to count");
    }
  };
  log.startEpoch(1);
  await append(1);
  await time.result(store.checkpoint(), "a checkpoint");
  await time.pass(23 * hourMs);
  // Into the same segment, which then is full, and is followed by another.
  await append(9);
  log.advanceHighWatermark(10);
  clock.stop();
  disk.kill(5);

  const later = new SimulatedClock(time);
  const again = await open(time, later, disk);
  const found = again.get(id.topicId, 0);
  found?.startEpoch(2);
  found?.advanceHighWatermark(10);
  await time.pass(2 * hourMs);
  await time.result(again.runRetention(), "retention");

  expect(found?.logEndOffset).toBe(10);
  expect(found?.highWatermark).toBe(10);
  expect(found?.logStartOffset).toBe(0);
  await time.result(again.close(), "the store to close");
});
