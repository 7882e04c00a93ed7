/**
 * J-10 b: what the last process wrote to the journal and did not sync is there after a kill and gone after a power cut. A recovery
 * that acts on it makes it durable first.
 */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "./partition-log.ts";
import type { LogStore } from "./store.ts";
import { testConfig } from "./testing/log-config.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";
import type { SimulatedDisk } from "./testing/simulated-disk.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };
const appended = 12;
const kept = 4;

function logOf(store: LogStore): PartitionLog {
  const log = store.get(id.topicId, id.partition);
  if (log === undefined) throw new Error("The partition is gone");
  return log;
}

/** A partition of several segments, killed `effects` after a truncation began. */
async function killedInTruncation(effects: number): Promise<{ disk: SimulatedDisk; isOver: boolean }> {
  const disk = await newDisk(7);
  const store = await openStore(disk);
  const log = await disk.time.result(store.create(id, testConfig({ segmentBytes: 1500 })), "a partition");
  log.startEpoch(1);
  for (let number = 0; number < appended; number += 1) {
    const batch = buildBatch([{ value: Buffer.from(`${number} ${"x".repeat(300)}`), timestampMs: 1 }]);
    expect(log.appendAsLeader(batch, { now: 1 }).kind).toBe("appended");
    await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
  }
  for (let slot = 0; slot < 2; slot += 1) await disk.time.result(store.checkpoint(), "a checkpoint");
  disk.haltAfter(disk.effects + effects);
  let isOver = false;
  log.truncate(kept).then(
    () => (isOver = true),
    () => undefined,
  );
  await disk.time.until(() => isOver || disk.isHalted, "the truncation, or the halt");
  disk.haltAfter(Infinity);
  disk.kill(effects);
  return { disk, isOver };
}

test("LogStore.open() J-10 b: a truncation that only the cache had, and a power cut in the recovery from it", async () => {
  for (let effects = 1; ; effects += 1) {
    for (let recovery = 1; ; recovery += 1) {
      const { disk, isOver } = await killedInTruncation(effects);
      disk.haltAfter(disk.effects + recovery);
      let isOpen = false;
      void openStore(disk).then(
        () => (isOpen = true),
        () => undefined,
      );
      await disk.time.until(() => isOpen || disk.isHalted, "the recovery, or the halt");
      disk.haltAfter(Infinity);
      const isRecovered = isOpen;
      disk.powerCut(recovery);
      const log = logOf(await openStore(disk));
      const where = `${effects} effects of the truncation, ${recovery} of the recovery`;
      expect(log.state.kind, where).toBe("needs-epoch");
      expect(isOver ? [kept] : [kept, appended], where).toContain(log.logEndOffset);
      if (!isRecovered) continue;
      if (isOver) return;
      break;
    }
  }
});
