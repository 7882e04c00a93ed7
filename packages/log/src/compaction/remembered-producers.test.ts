/** J-21: what runs remember of producers for the next ones has the limit that a node has for producers. */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "../partition-log.ts";
import { newDisk, openStore } from "../testing/disk-store.ts";
import { testConfig } from "../testing/log-config.ts";

const topicId = "0123456789abcdef0123456789abcdef";
const compaction = { minDirtyRatio: 0, minLagMs: 0, maxLagMs: Number.MAX_SAFE_INTEGER, deleteRetentionMs: 0 };

test("LogStore.runCompaction() J-21: producers that a node has forgotten are not kept between runs either", async () => {
  const disk = await newDisk(1);
  const store = await openStore(disk, { producersMax: 6, compactionBytesPerSecond: 0 });
  const logs: PartitionLog[] = [];
  for (let partition = 0; partition < 4; partition++) {
    const log = await disk.time.result(
      store.create(
        { topicId, topic: "t", partition },
        testConfig({ segmentBytes: 400, compaction, producerExpiryMs: 1000 }),
      ),
      "a partition",
    );
    log.startEpoch(1);
    logs.push(log);
    for (let producerId = 0; producerId < 6; producerId++) {
      const record = { key: Buffer.from("a"), value: new Uint8Array(100), timestampMs: 1 };
      const batch = buildBatch([record], {
        producerId: 10 * partition + producerId,
        producerEpoch: 0,
        baseSequence: 0,
      });
      expect(log.appendAsLeader(batch, { now: 1 }).kind).toBe("appended");
    }
    await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
    log.advanceHighWatermark(log.countedOffset);
    await disk.time.result(store.checkpoint(), "a checkpoint");
    const [report] = await disk.time.result(store.runCompaction(), "a run");
    expect(report).toMatchObject({ partition, outcome: { kind: "done" } });
    expect(log.compaction.producersBelow?.entries.length).toBeGreaterThan(2);
    await disk.time.pass(2000);
    await disk.time.result(store.runRetention(), "producers to be forgotten");
  }
  const remembered = logs.reduce((sum, log) => sum + log.compaction.producersRemembered, 0);
  expect(logs.at(-1)?.compaction.producersRemembered).toBeGreaterThan(2);
  expect(remembered).toBeLessThanOrEqual(6);
});
