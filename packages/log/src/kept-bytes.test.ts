/** What must not be written too early, and what must be written again though it seems to be there. */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { LogStore } from "./store.ts";
import { testConfig } from "./testing/log-config.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";
import type { SimulatedDisk } from "./testing/simulated-disk.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };

/** A sync that fails is final (J-14): here it is what is asked for. */
function open(disk: SimulatedDisk, directModeBytes: number): Promise<LogStore> {
  return openStore(disk, { journalFileBytes: 1 << 20, directModeBytes }, () => undefined);
}

const batch = (valueBytes: number): Uint8Array =>
  buildBatch([{ value: new Uint8Array(valueBytes).fill(7), timestampMs: 1 }]);

test("PartitionLog J-2: nothing is written to a segment while its round is not durable, however much it is", async () => {
  const disk = await newDisk(1);
  const store = await open(disk, 1 << 20);
  const log = await disk.time.result(store.create(id, testConfig()), "a partition");
  log.startEpoch(1);
  // The end of one round is when segments are written; the next one is on its way by then, and never ends.
  disk.inject({ operation: "sync", path: ".wal", effect: "hang", skip: 2 });
  for (let count = 0; count < 40; count += 1) {
    expect(log.appendAsLeader(batch(10_000), { now: 1 }).kind).toBe("appended");
    await disk.time.pass(1);
  }
  await disk.time.pass(3000);
  expect(log.mode).toBe("journal");
  expect(log.countedOffset).toBeGreaterThan(0);
  expect(log.countedOffset).toBeLessThan(40);
  const written = disk.files().reduce((sum, { path, sizeBytes }) => sum + (path.endsWith(".log") ? sizeBytes : 0), 0);
  expect(written).toBeLessThan((log.countedOffset + 1) * 10_000);
});

test("LogStore.open() J-10 e: what it keeps above the recovery point outlives a power cut, whatever a failed sync left clean", async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const disk = await newDisk(seed);
    const store = await open(disk, 1);
    const log = await disk.time.result(store.create(id, testConfig()), "a partition");
    log.startEpoch(1);
    for (let count = 0; count < 4; count += 1) {
      expect(log.appendAsLeader(batch(500), { now: 1 }).kind).toBe("appended");
      await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
    }
    expect(log.mode).toBe("direct");
    disk.inject({ operation: "sync", path: ".log", effect: "fail" });
    expect(log.appendAsLeader(batch(700), { now: 1 }).kind).toBe("appended");
    await disk.time.pass(100);
    expect(log.state.kind).toBe("failed");
    disk.kill(seed);
    const again = await open(disk, 1);
    const found = again.get(id.topicId, 0);
    expect(found?.state.kind, `seed ${seed}`).toBe("needs-epoch");
    const counted = found?.countedOffset ?? 0;
    disk.powerCut(seed);
    const last = (await open(disk, 1)).get(id.topicId, 0);
    expect(last?.state.kind, `seed ${seed}`).toBe("needs-epoch");
    expect(last?.logEndOffset, `seed ${seed}`).toBeGreaterThanOrEqual(counted);
    for (let offset = 0; offset < counted; offset += 1) {
      const read = await disk.time.result(last!.read({ offset, limit: counted, maxBytes: 1 }), "a read");
      expect(read.kind, `seed ${seed}, offset ${offset}`).toBe("batches");
    }
  }
});
