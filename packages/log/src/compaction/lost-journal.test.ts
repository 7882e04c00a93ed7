/** J-6, J-12, J-19: what is lost of a partition that was compacted since the checkpoint, when something else fails as well. */
import { expect, test } from "vitest";
import { CompactedPartition } from "../testing/compacted-partition.ts";
import { openStore } from "../testing/disk-store.ts";

const end = 27;
/** The recovery point moves with every write, and checkpoints are far between. */
const direct = { directModeBytes: 100, checkpointIntervalMs: 3_600_000, journalBytesMax: 1 << 30 };

/** Nine segments, everything in synced segments and below the high watermark, as both slots know. */
async function begin(seed: number, mode: "journal" | "direct" = "journal"): Promise<CompactedPartition> {
  const partition = await CompactedPartition.begin(seed, {}, mode === "direct" ? direct : {});
  for (let index = 0; index < end; index++) {
    await partition.append({ records: [{ key: index % 9 === 4 ? `${index}` : "a", value: "x".repeat(120) }] });
    if (index !== (mode === "direct" ? 7 : end - 1)) continue;
    for (let slot = 0; slot < 2; slot++) await partition.result(partition.store.checkpoint());
  }
  partition.log.advanceHighWatermark(end);
  partition.untouchedFrom = partition.log.segments.at(-1)?.baseOffset ?? 0;
  return partition;
}

/** Ends the process and loses the journal; opens the store again. */
async function loseJournal(partition: CompactedPartition, ending: "kill" | "power cut", seed: number): Promise<void> {
  const { disk } = partition;
  if (ending === "kill") disk.kill(seed);
  else disk.powerCut(seed);
  for (const { path } of disk.files()) if (path.endsWith(".wal")) disk.loseFile(path);
  await reopen(partition);
}

async function reopen(partition: CompactedPartition): Promise<void> {
  partition.store = await openStore(partition.disk, { compactionBytesPerSecond: 0 });
  partition.log = partition.store.partitions()[0]!;
}

async function checkFiles(partition: CompactedPartition): Promise<void> {
  const files = partition.disk.files().flatMap(({ path }) => (/\.log(\.new)?$/.test(path) ? [path] : []));
  expect(files).toEqual(partition.log.segments.map(({ path }) => path));
  await partition.check();
}

/** Everything below the lost rounds is there, before the loss is accepted, after, and ever after. */
async function checkLoss(partition: CompactedPartition): Promise<void> {
  expect(partition.log.state).toMatchObject({ kind: "quarantined", offset: end });
  await partition.check();
  expect(await partition.result(partition.log.acceptLoss(7))).toMatchObject({ from: end });
  await checkFiles(partition);
  partition.disk.powerCut(1);
  await reopen(partition);
  expect(partition.log.state.kind).toBe("needs-epoch");
  await checkFiles(partition);
  partition.log.startEpoch(8);
  await partition.append({ records: [{ key: "after", value: "after" }] });
  await partition.result(partition.log.setConfig({ ...partition.log.config, compaction: compactNow }));
  const [report] = await partition.compact();
  expect(report?.outcome.kind).toBe("done");
  await checkFiles(partition);
}

const compactNow = { minDirtyRatio: 0, minLagMs: 0, maxLagMs: Number.MAX_SAFE_INTEGER, deleteRetentionMs: 60_000 };

test.each([
  ["kill", "journal", 1],
  ["power cut", "journal", 3],
  ["kill", "direct", 5],
  ["power cut", "direct", 7],
] as const)(
  "PartitionLog.acceptLoss() J-19: after a %s in a compaction in mode %s, and without the journal, nothing that was in segments is lost",
  async (ending, mode, from) => {
    let crashes = 0;
    // Every effect is another step; those left out here are another one's.
    for (let effects = from; ; effects += 8) {
      const partition = await begin(effects, mode);
      const isDone = await partition.compactUntil(effects);
      crashes += 1;
      await loseJournal(partition, ending, effects);
      await checkLoss(partition);
      if (isDone) break;
    }
    expect(crashes).toBeGreaterThan(8);
  },
);

test.each([0, 1, 2, 3])(
  "PartitionLog.acceptLoss() J-12, J-19: of a merged segment with a bad batch what is below stays, and nothing comes back (%i)",
  async (batch) => {
    const partition = await begin(1);
    await partition.result(partition.store.runCompaction());
    const merged = partition.log.segments.find(({ baseOffset, endOffset }) => endOffset - baseOffset > 3);
    if (merged === undefined) throw new Error("Nothing was merged");
    partition.disk.kill(1);
    const { path, sizeBytes } = merged;
    partition.disk.flipBit(path, Math.floor((sizeBytes * (2 * batch + 1)) / 8), 3);
    await reopen(partition);
    if (partition.log.state.kind !== "quarantined") await partition.read().catch(() => undefined);
    const { state } = partition.log;
    if (state.kind !== "quarantined") throw new Error(state.kind);
    const { from } = await partition.result(partition.log.acceptLoss(7));
    expect(from).toBeLessThanOrEqual(state.offset);
    for (let start = 0; start < 3; start++) {
      expect((await partition.read()).filter(({ offset }) => offset >= from)).toEqual([]);
      expect(partition.log.logEndOffset).toBe(end);
      partition.disk.powerCut(1);
      await reopen(partition);
      expect(partition.log.state.kind).toBe("needs-epoch");
    }
  },
);
