/** J-9: what a promise says was synced is not there any more: damage, never a torn end. */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "../partition-log.ts";
import type { LogStore } from "../store.ts";
import { testConfig } from "../testing/log-config.ts";
import { newDisk, openStore } from "../testing/disk-store.ts";
import type { SimulatedDisk } from "../testing/simulated-disk.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };
const segment = "/data/topics/t-0/00000000000000000000.log";

/** From the first byte on every partition is in mode `direct`. */
function open(disk: SimulatedDisk): Promise<LogStore> {
  return openStore(disk, { directModeBytes: 1 });
}

async function append(disk: SimulatedDisk, log: PartitionLog, batches: number): Promise<void> {
  for (let count = 0; count < batches; count += 1) {
    const batch = buildBatch([{ value: new Uint8Array(500), timestampMs: 1 }]);
    expect(log.appendAsLeader(batch, { now: 1 }).kind).toBe("appended");
    await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
  }
}

/** Four batches below the recovery point, four above it that a round of the journal promises; then a kill. */
async function killed(): Promise<{ disk: SimulatedDisk; sizeBytes: number }> {
  const disk = await newDisk(5);
  const store = await open(disk);
  const log = await disk.time.result(store.create(id, testConfig()), "a partition");
  log.startEpoch(1);
  await append(disk, log, 4);
  expect(log.mode).toBe("direct");
  await disk.time.result(store.checkpoint(), "a checkpoint");
  await append(disk, log, 4);
  // The promise has a round of its own when nothing else is journaled.
  await disk.time.pass(200);
  disk.kill(1);
  const sizeBytes = disk.files().find(({ path }) => path === segment)?.sizeBytes ?? 0;
  expect(sizeBytes).toBeGreaterThan(8 * 500);
  return { disk, sizeBytes };
}

test("LogStore.open() J-9: a direct partition whose segment ends below the promise is damaged there", async () => {
  for (const offset of [4, 5, 6, 7]) {
    const { disk, sizeBytes } = await killed();
    disk.loseEnd(segment, (sizeBytes / 8) * offset + 30);
    const found = (await open(disk)).get(id.topicId, 0);
    // Of bytes that are gone nobody knows how many offsets they held.
    const end = expect.toSatisfy((value: number) => value >= 8) as number;
    expect(found?.state, `batch ${offset}`).toMatchObject({ kind: "quarantined", file: segment, offset, end });
    expect(disk.files().find(({ path }) => path === segment)?.sizeBytes).toBe((sizeBytes / 8) * offset + 30);
  }
});

test("LogStore.open() J-9: a flipped bit below the promise is damage, and what is above it stays on the disk", async () => {
  for (const offset of [4, 5, 6, 7]) {
    const { disk, sizeBytes } = await killed();
    disk.flipBit(segment, (sizeBytes / 8) * offset + 100, 3);
    const found = (await open(disk)).get(id.topicId, 0);
    expect(found?.state, `batch ${offset}`).toMatchObject({ kind: "quarantined", file: segment, offset, end: 8 });
    expect(disk.files().find(({ path }) => path === segment)?.sizeBytes).toBe(sizeBytes);
  }
});

test("LogStore.open() J-9: with everything there that was promised, nothing is damaged", async () => {
  const { disk } = await killed();
  const found = (await open(disk)).get(id.topicId, 0);
  expect(found?.state.kind).toBe("needs-epoch");
  expect(found?.logEndOffset).toBe(8);
});
