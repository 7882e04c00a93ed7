/** J-7: a deletion is the last thing of its partition, whatever else was under way; the same name begins anew. */
import { batchesIn, buildBatch, readPlainRecords } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "./partition-log.ts";
import { testConfig } from "./testing/log-config.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";
import type { SimulatedDisk } from "./testing/simulated-disk.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };
const again = { ...id, topicId: "fedcba9876543210fedcba9876543210" };

async function append(disk: SimulatedDisk, log: PartitionLog, value: string): Promise<void> {
  if (log.state.kind === "needs-epoch") log.startEpoch(log.leaderEpoch + 1);
  const outcome = log.appendAsLeader(buildBatch([{ value: Buffer.from(value), timestampMs: 1 }]), { now: 1 });
  expect(outcome.kind).toBe("appended");
  await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
}

async function valuesOf(disk: SimulatedDisk, log: PartitionLog): Promise<string[]> {
  const values: string[] = [];
  let offset = log.logStartOffset;
  while (offset < log.logEndOffset) {
    const read = await disk.time.result(log.read({ offset, limit: log.logEndOffset, maxBytes: 1 << 20 }), "a read");
    if (read.kind !== "batches") throw new Error(`The read at ${offset} is ${read.kind}`);
    for (const { at, header } of batchesIn(read.bytes)) {
      const batch = read.bytes.subarray(at, at + header.sizeBytes);
      for (const record of readPlainRecords(batch)) values.push(Buffer.from(record.value ?? []).toString());
    }
    offset = read.nextOffset;
  }
  return values;
}

// Also of a log that was emptied: a barrier at offset 0 that followed the deletion would be taken for a creation (J-1).
test.each([
  [["one", "two"], "sync", "os"],
  [["one", "two"], "os", "sync"],
  [[], "sync", "os"],
  [[], "os", "sync"],
] as const)(
  "LogStore.delete() J-7: of %j beside a change from %s to %s, after any effect and a power cut: all is there, or nothing",
  async (values, from, to) => {
    for (let effects = 1; ; effects += 1) {
      const disk = await newDisk(effects);
      const store = await openStore(disk);
      const log = await disk.time.result(store.create(id, testConfig({ flush: from })), "a partition");
      for (const value of ["one", "two"]) {
        await append(disk, log, value);
        await disk.time.result(store.checkpoint(), "a checkpoint");
      }
      if (values.length === 0) await disk.time.result(log.truncate(0), "the truncation");
      disk.haltAfter(disk.effects + effects);
      let isDeleted = false;
      log.setConfig(testConfig({ flush: to })).catch(() => undefined);
      store.delete(id).then(
        () => (isDeleted = true),
        () => undefined,
      );
      await disk.time.until(() => isDeleted || disk.isHalted, "the deletion, or the halt");
      disk.powerCut(effects);
      const found = (await openStore(disk)).get(id.topicId, 0);
      const where = `effect ${effects}`;
      if (isDeleted) expect(found, where).toBeUndefined();
      if (found !== undefined) {
        expect(found.state.kind, where).toBe("needs-epoch");
        // What is not synced yet may go with the power.
        const all = await valuesOf(disk, found);
        expect(values.slice(0, from === "os" ? all.length : 2), where).toEqual(all);
      }
      if (!isDeleted) continue;
      expect(effects).toBeGreaterThan(5);
      return;
    }
  },
);

test("LogStore.create() F-7: a topic of the same name begins with an empty log, also after a kill and a power cut", async () => {
  for (const power of [false, true]) {
    const disk = await newDisk(7);
    const store = await openStore(disk);
    const old = await disk.time.result(store.create(id, testConfig()), "a partition");
    for (const value of ["old 0", "old 1", "old 2"]) await append(disk, old, value);
    await disk.time.result(store.checkpoint(), "a checkpoint");
    await append(disk, old, "old 3");
    await disk.time.result(store.delete(id), "the deletion");
    const log = await disk.time.result(store.create(again, testConfig()), "a partition of the same name");
    expect(log).toMatchObject({ logStartOffset: 0, logEndOffset: 0, highWatermark: 0, leaderEpoch: -1 });
    for (const value of ["new 0", "new 1"]) await append(disk, log, value);
    if (power) disk.powerCut(1);
    else disk.kill(1);
    const reopened = await openStore(disk);
    expect(reopened.partitions().map((partition) => partition.id)).toEqual([again]);
    expect(await valuesOf(disk, reopened.get(again.topicId, 0)!)).toEqual(["new 0", "new 1"]);
  }
});
