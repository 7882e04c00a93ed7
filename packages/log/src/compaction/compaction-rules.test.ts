/** J-17 to J-21, one scenario each. */
import {
  assignOffsets,
  batchHeaderBytes,
  buildBatch,
  compressBatch,
  hasDeleteHorizon,
  readBatchHeader,
  sealBatch,
} from "@varve/format";
import { expect, test } from "vitest";
import { CompactedPartition } from "../testing/compacted-partition.ts";

/** Fills about a segment with values of one key. */
async function fill(partition: CompactedPartition, key: string, count = 4): Promise<void> {
  for (let index = 0; index < count; index++) {
    await partition.append({ records: [{ key, value: `${key} ${index} ${"x".repeat(120)}` }] });
  }
}

async function offsetsOf(partition: CompactedPartition, key: string): Promise<number[]> {
  return (await partition.read()).filter((record) => record.key === key).map(({ offset }) => offset);
}

test("LogStore.runCompaction() J-17: nothing above the high watermark takes anything's place, or is touched", async () => {
  const partition = await CompactedPartition.begin(1);
  await fill(partition, "a", 20);
  await partition.result(partition.store.checkpoint());
  expect(await partition.result(partition.store.runCompaction())).toEqual([]);
  partition.log.advanceHighWatermark(10);
  await partition.result(partition.store.runCompaction());
  const left = await offsetsOf(partition, "a");
  const { cleanedTo } = partition.log.compaction;
  expect(cleanedTo).toBeGreaterThan(4);
  expect(cleanedTo).toBeLessThanOrEqual(10);
  // The latest below, and everything from there on.
  expect(left).toEqual(Array.from({ length: 20 - cleanedTo + 1 }, (_, index) => cleanedTo - 1 + index));
});

test("LogStore.runCompaction() J-17: what a power cut may take takes nothing's place", async () => {
  const partition = await CompactedPartition.begin(1, {}, { flush: "os", checkpointIntervalMs: 3_600_000 });
  await fill(partition, "a", 12);
  partition.log.advanceHighWatermark(partition.log.countedOffset);
  expect(await partition.result(partition.store.runCompaction())).toEqual([]);
  const [report] = await partition.compact();
  expect(report?.outcome.kind).toBe("done");
  await partition.restart("power cut");
  await partition.check();
});

test("LogStore.runCompaction() J-20: a tombstone stays for its time and then goes, and the key with it", async () => {
  const partition = await CompactedPartition.begin(1, { deleteRetentionMs: 10_000 });
  await fill(partition, "a");
  await partition.append({ records: [{ key: "a", value: null }] });
  await fill(partition, "b", 8);
  await partition.compact();
  expect(await offsetsOf(partition, "a")).toEqual([4]);
  // Its time is not over; another run leaves it alone.
  await later(partition, 5_000);
  await fill(partition, "b", 8);
  await partition.compact();
  expect(await offsetsOf(partition, "a")).toEqual([4]);
  await later(partition, 11_000);
  await fill(partition, "b", 8);
  await partition.compact();
  expect(await offsetsOf(partition, "a")).toEqual([]);
  await partition.restart("power cut");
  expect(await offsetsOf(partition, "a")).toEqual([]);
});

test("LogStore.runCompaction() J-20: the time of a tombstone begins when nothing older is left in this replica", async () => {
  const partition = await CompactedPartition.begin(1, { deleteRetentionMs: 10_000 });
  const source = await CompactedPartition.begin(2, { deleteRetentionMs: 10_000 });
  await fill(source, "a");
  await source.append({ records: [{ key: "a", value: null }] });
  await fill(source, "b", 8);
  await source.compact();
  await later(source, 20_000);
  // A follower copies what its leader has cleaned long ago, and has older records of the key itself.
  await fill(partition, "a");
  const { bytes } = await batchAt(source, 4);
  expect(hasDeleteHorizon(readBatchHeader(bytes).attributes)).toBe(true);
  await later(partition, 20_000);
  expect(partition.log.appendAsFollower(bytes).kind).toBe("appended");
  await partition.disk.time.until(() => partition.log.countedOffset === 5, "it to count");
  await fill(partition, "b", 8);
  await partition.compact();
  expect(await offsetsOf(partition, "a")).toEqual([4]);
  await later(partition, 11_000);
  await fill(partition, "b", 8);
  await partition.compact();
  expect(await offsetsOf(partition, "a")).toEqual([]);
});

test.each(["goes on", "is killed"])(
  "LogStore.runCompaction() J-20: what was compacted and cut off is new again, in a process that %s",
  async (how) => {
    const partition = await CompactedPartition.begin(1);
    await fill(partition, "a", 16);
    await partition.compact();
    const { cleanedTo: before } = partition.log.compaction;
    expect(before).toBeGreaterThan(8);
    await partition.result(partition.store.checkpoint());
    await partition.restart("kill");
    expect(partition.log.compaction.cleanedTo).toBe(before);
    // Below the high watermark: as after an election of a leader that lacks what was acknowledged.
    expect(await partition.result(partition.log.truncate(2))).toBeLessThanOrEqual(2);
    partition.lead();
    await fill(partition, "b", 16);
    // The checkpoint that it finds is older than the cut.
    if (how === "is killed") await partition.restart("kill");
    expect(partition.log.compaction.cleanedTo).toBeLessThanOrEqual(2);
    await fill(partition, "b", 16);
    await partition.compact();
    const { cleanedTo } = partition.log.compaction;
    expect((await offsetsOf(partition, "b")).filter((offset) => offset < cleanedTo)).toHaveLength(1);
  },
);

test("LogStore.runCompaction() J-15: no more is begun than there is room for", async () => {
  const partition = await CompactedPartition.begin(1, {}, { freeBytesMin: 4096 });
  await fill(partition, "a", 12);
  partition.log.advanceHighWatermark(partition.log.countedOffset);
  await partition.result(partition.store.checkpoint());
  const [first] = partition.log.segments;
  const { journalBytes } = partition.store.stats();
  partition.disk.limitFreeBytes(journalBytes + 4096 + (first?.sizeBytes ?? 0) - 1);
  await later(partition, 5_000);
  await fill(partition, "a", 1);
  await later(partition, 5_000);
  const [report] = await partition.result(partition.store.runCompaction());
  expect(report?.outcome).toMatchObject({ kind: "no-room", bytesWritten: 0 });
});

test("LogStore.runCompaction() J-15: a full disk stops it and harms nothing, and the next run does it", async () => {
  const partition = await CompactedPartition.begin(1);
  await fill(partition, "a", 12);
  partition.disk.inject({ operation: "write", path: ".log.new", effect: "fail", code: "NO_SPACE", skip: 1 });
  const [failed] = await partition.compact();
  expect(failed?.outcome.kind).toBe("no-room");
  expect(partition.log.state.kind).toBe("open");
  await partition.check();
  const names = partition.disk.files().map(({ path }) => path);
  expect(names.filter((name) => name.endsWith(".new"))).toEqual([]);
  const [done] = await partition.compact();
  expect(done?.outcome.kind).toBe("done");
  expect((await offsetsOf(partition, "a")).length).toBeLessThan(8);
});

test("LogStore.runCompaction() J-14: an error of the file that it writes harms nothing either", async () => {
  const partition = await CompactedPartition.begin(1);
  await fill(partition, "a", 12);
  partition.disk.inject({ operation: "write", path: ".log.new", effect: "fail", code: "IO" });
  const [failed] = await partition.compact();
  expect(failed?.outcome.kind).toBe("failed");
  await partition.check();
  await fill(partition, "a", 1);
});

test("LogStore.runCompaction() J-12: damage that it meets quarantines the partition, and nothing is replaced", async () => {
  const partition = await CompactedPartition.begin(1);
  await fill(partition, "a", 12);
  await partition.result(partition.store.checkpoint());
  const [, second] = partition.log.segments;
  if (second === undefined) throw new Error("There is one segment only");
  partition.disk.flipBit(second.path, batchHeaderBytes + 10, 3);
  const [report] = await partition.compact();
  expect(report?.outcome.kind).toBe("damaged");
  expect(partition.log.state).toMatchObject({ kind: "quarantined", file: second.path, offset: second.baseOffset });
  expect(await partition.compact()).toEqual([]);
});

test("LogStore.runCompaction() J-18: a batch that nobody can read stays, and takes nothing's place", async () => {
  const partition = await CompactedPartition.begin(1);
  await fill(partition, "a", 2);
  const batch = await compressBatch(
    buildBatch([{ key: new TextEncoder().encode("a"), value: null, timestampMs: 1 }]),
    "lz4",
  );
  // Another codec than it says: its records are not what they claim to be.
  const header = new DataView(batch.buffer, batch.byteOffset);
  header.setInt16(21, 2);
  sealBatch(batch, 0);
  expect(partition.log.appendAsLeader(batch, { now: 1 }).kind).toBe("appended");
  await fill(partition, "b", 12);
  await partition.compact();
  const bytes = await batchAt(partition, 2);
  expect(readBatchHeader(bytes.bytes)).toMatchObject({ baseOffset: 2, recordCount: 1 });
  const read = await partition.result(partition.log.writer.files.read(options(partition, 0)));
  if (read.kind !== "batches") throw new Error(read.kind);
  // Of two values of the key one is left, since the second supersedes the first, and the tombstone stands for nothing.
  expect(
    readBatchHeader(read.bytes).recordCount + readBatchHeader((await batchAt(partition, 1)).bytes).recordCount,
  ).toBe(1);
});

test("LogStore.runCompaction() J-18, J-20: a tombstone stays as long as an older batch that may hold its key", async () => {
  const partition = await CompactedPartition.begin(1, { deleteRetentionMs: 10_000 });
  // Of a transaction, and its marker: both stay whole, and readers get the record.
  for (const [attributes, key] of [
    [0x10, "a"],
    [0x30, "marker"],
  ] as const) {
    const record = { key: new TextEncoder().encode(key), value: new Uint8Array(9), timestampMs: 1 };
    const batch = buildBatch([record], { producerId: 9, producerEpoch: 0, baseSequence: 0 });
    assignOffsets(batch, 0, partition.log.logEndOffset, partition.log.leaderEpoch);
    new DataView(batch.buffer, batch.byteOffset).setInt16(21, attributes);
    sealBatch(batch, 0);
    expect(partition.log.appendAsFollower(batch).kind).toBe("appended");
  }
  await partition.append({ records: [{ key: "a", value: null }] });
  for (let run = 0; run < 3; run++) {
    await fill(partition, "b", 8);
    await partition.compact();
    expect(await offsetsOf(partition, "a")).toEqual([0, 2]);
    await later(partition, 11_000);
  }
});

test("LogStore.runCompaction() J-19: a reader of the old file goes on reading, and a start removes what was not put in place", async () => {
  const partition = await CompactedPartition.begin(1);
  await fill(partition, "a", 12);
  partition.disk.inject({ operation: "rename", path: ".log.new", effect: "hang" });
  const compaction = partition.compact();
  compaction.catch(() => undefined);
  await partition.disk.time.until(() => names(partition).some((name) => name.endsWith(".log.new")), "a new file");
  await partition.check();
  await partition.restart("kill");
  expect(names(partition).filter((name) => name.endsWith(".log.new"))).toEqual([]);
  await partition.check();
});

test("LogStore.runCompaction() J-19: no index of the old file comes to lie beside the new one", async () => {
  const partition = await CompactedPartition.begin(1);
  await fill(partition, "a", 12);
  // Into segments, which close; then their indexes are saved.
  await partition.result(partition.store.checkpoint());
  await fill(partition, "a", 1);
  await partition.result(partition.store.checkpoint());
  const isIndex = (name: string): boolean => /\.(index|timeindex)$/.test(name);
  expect(names(partition).filter(isIndex)).not.toEqual([]);
  const [report] = await partition.compact();
  expect(report?.outcome.kind).toBe("done");
  expect(names(partition).filter(isIndex)).toEqual([]);
  partition.disk.powerCut(5);
  expect(names(partition).filter(isIndex)).toEqual([]);
});

test("LogStore.runCompaction() J-21: the clean part of the log is read once in a run, producers or not", async () => {
  const partition = await CompactedPartition.begin(1);
  // Nothing is merged, so that what is read is what is cleaned.
  await partition.result(partition.log.setConfig({ ...partition.log.config, retentionMs: 1 << 30 }));
  const append = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      await partition.append({ records: [{ key: `${index}`, value: "x".repeat(120) }], withProducer: true });
    }
  };
  await append(24);
  const [first] = await partition.compact();
  const clean = first?.outcome.bytesAfter ?? 0;
  expect(first?.outcome.bytesRead).toBe((first?.outcome.bytesBefore ?? 0) * 2);
  await append(12);
  const [second] = await partition.compact();
  const dirty = (second?.outcome.bytesBefore ?? 0) - clean;
  expect(dirty).toBeGreaterThan(0);
  expect(second?.outcome.bytesRead).toBe(clean + dirty * 2);
});

test("LogStore.runCompaction() J-21: after a cut the last batches of a producer are other ones", async () => {
  const partition = await CompactedPartition.begin(1);
  // Of the producer every record is the latest of its key: nothing of it goes.
  for (let index = 0; index < 12; index++) {
    await partition.append({ records: [{ key: `${index}`, value: "x".repeat(120) }], withProducer: true });
  }
  await partition.compact();
  const end = await partition.result(partition.log.truncate(5));
  partition.lead();
  for (let index = 0; index < 24; index++) {
    const batch = buildBatch([
      { key: new TextEncoder().encode(`${index % 12}`), value: new Uint8Array(120), timestampMs: 1 },
    ]);
    expect(partition.log.appendAsLeader(batch, { now: 1 }).kind).toBe("appended");
  }
  await partition.disk.time.until(() => partition.log.countedOffset === partition.log.logEndOffset, "it to count");
  await partition.compact();
  await partition.restart("power cut");
  for (const { bytes, base, last } of partition.sent.slice(end - 5, end)) {
    const outcome = partition.log.appendAsLeader(bytes.slice(), { now: 0 });
    expect(outcome).toMatchObject({ kind: "duplicate", baseOffset: base, lastOffset: last });
  }
});

function names(partition: CompactedPartition): string[] {
  return partition.disk.files().map(({ path }) => path);
}

async function later(partition: CompactedPartition, durationMs: number): Promise<void> {
  const endMs = partition.disk.time.nowMs + durationMs;
  while (await partition.disk.time.stepBefore(endMs));
}

function options(partition: CompactedPartition, offset: number): Parameters<typeof partition.log.writer.files.read>[0] {
  return {
    offset,
    limit: partition.log.writer.files.endOffset,
    maxBytes: 1,
    atLeastOneBatch: true,
    epochAt: (at) => partition.log.epochAt(at),
  };
}

/** The batch in the files that holds `offset`. */
async function batchAt(partition: CompactedPartition, offset: number): Promise<{ bytes: Uint8Array }> {
  const read = await partition.result(partition.log.writer.files.read(options(partition, offset)));
  if (read.kind !== "batches") throw new Error(read.kind);
  return { bytes: read.bytes.slice() };
}
