/** J-19: segments that compaction has left small become one, whatever happens in between. */
import { expect, test } from "vitest";
import { CompactedPartition } from "../testing/compacted-partition.ts";
import { openStore } from "../testing/disk-store.ts";

/** Nine segments of one key, everything in synced segments and below the high watermark. */
async function begin(seed: number): Promise<CompactedPartition> {
  const partition = await CompactedPartition.begin(seed);
  for (let index = 0; index < 27; index++) {
    await partition.append({ records: [{ key: "a", value: `${index} ${"x".repeat(120)}` }] });
  }
  partition.log.advanceHighWatermark(partition.log.countedOffset);
  await partition.result(partition.store.checkpoint());
  partition.untouchedFrom = partition.log.segments.at(-1)?.baseOffset ?? 0;
  return partition;
}

function segmentFiles(partition: CompactedPartition): string[] {
  return partition.disk.files().flatMap(({ path }) => (/\.log(\.new)?$/.test(path) ? [path] : []));
}

/** What there is on the disk is the log, and nothing else. */
async function checkFiles(partition: CompactedPartition): Promise<void> {
  expect(segmentFiles(partition)).toEqual(partition.log.segments.map(({ path }) => path));
  await partition.check();
}

test("LogStore.runCompaction() J-19: small neighbours become one segment, and what it took the place of is gone", async () => {
  const partition = await begin(1);
  expect(partition.log.segments.length).toBe(9);
  const [report] = await partition.result(partition.store.runCompaction());
  expect(report?.outcome.kind).toBe("done");
  expect(partition.log.segments.map(({ baseOffset, endOffset }) => [baseOffset, endOffset])).toEqual([
    [0, 21],
    // The latest is here: it is not copied for the sake of one gap.
    [21, 24],
    [24, 27],
  ]);
  await checkFiles(partition);
  for (const ending of ["kill", "power cut"] as const) {
    await partition.restart(ending);
    await checkFiles(partition);
  }
  for (let offset = 0; offset < 27; offset += 5) {
    const read = await partition.result(partition.log.readFiles({ offset, maxBytes: 1, limit: 27 }));
    expect(read.kind).toBe("batches");
  }
});

test("LogStore.runCompaction() J-19: where age or size remove whole segments they stay as they are", async () => {
  const partition = await begin(1);
  await partition.result(partition.log.setConfig({ ...partition.log.config, retentionMs: 1 << 30 }));
  await partition.result(partition.store.runCompaction());
  expect(partition.log.segments.length).toBe(9);
  await checkFiles(partition);
});

test("LogStore.runCompaction() J-19: a reader of a segment that was merged goes on reading", async () => {
  const partition = await begin(1);
  const [, second] = partition.log.segments;
  if (second === undefined) throw new Error("There is one segment only");
  const before = new Uint8Array(second.sizeBytes);
  await partition.result(second.read(before, 0));
  const during = new Uint8Array(second.sizeBytes);
  // In the middle of a read of the old file it is replaced, and goes.
  const compaction = partition.store.runCompaction();
  const reading = second.read(during, 0);
  await partition.result(compaction);
  expect(await partition.result(reading)).toBe(before.length);
  expect(during).toEqual(before);
  await expect(partition.result(second.read(during, 0))).rejects.toMatchObject({ code: "NOT_FOUND" });
  const read = await partition.result(partition.log.readFiles({ offset: second.baseOffset, maxBytes: 1, limit: 27 }));
  expect(read.kind).toBe("batches");
});

test.each([
  ["a name that cannot be synced", { operation: "syncDirectory", path: "t-0", code: "TOO_MANY_FILES" }, 14, 19],
  ["a file that cannot be removed", { operation: "unlink", path: /\.log$/, code: "TOO_MANY_FILES" }, 0, 6],
] as const)(
  "LogStore.runCompaction() J-15, J-19: after %s the next checkpoint does the rest",
  async (_, fault, from, to) => {
    let unfinished = 0;
    for (let skip = from; skip < to; skip++) {
      const partition = await begin(1);
      partition.disk.inject({ ...fault, effect: "fail", skip });
      await partition.result(partition.store.runCompaction());
      expect(partition.log.state.kind).toBe("open");
      await partition.check();
      if (segmentFiles(partition).length > partition.log.segments.length) unfinished += 1;
      await partition.result(partition.store.checkpoint());
      expect(partition.log.state.kind).toBe("open");
      await checkFiles(partition);
      await partition.restart("power cut");
      await checkFiles(partition);
    }
    expect(unfinished).toBeGreaterThan(0);
  },
);

test("LogStore.truncate() J-19: what a merge left is gone before the log is cut", async () => {
  const partition = await begin(1);
  partition.disk.inject({ operation: "unlink", path: /\.log$/, code: "TOO_MANY_FILES", effect: "fail", skip: 2 });
  await partition.result(partition.store.runCompaction());
  expect(segmentFiles(partition).length).toBeGreaterThan(partition.log.segments.length);
  expect(await partition.result(partition.log.truncate(10))).toBe(0);
  expect(segmentFiles(partition)).toEqual(partition.log.segments.map(({ path }) => path));
  partition.disk.powerCut(3);
  const store = await openStore(partition.disk);
  const [log] = store.partitions();
  expect(log?.state.kind).toBe("needs-epoch");
  expect(segmentFiles(partition)).toEqual(log?.segments.map(({ path }) => path));
});

test("LogStore.runCompaction() J-14, J-19: after an error of the disk at any step the next start finds one log", async () => {
  for (const [operation, path] of [
    ["rename", /\.log\.new$/],
    ["unlink", /\.log$/],
  ] as const) {
    for (let skip = 0; skip < 10; skip++) {
      const partition = await begin(1);
      partition.disk.inject({ operation, path, effect: "fail", code: "IO", skip });
      await partition.result(partition.store.runCompaction());
      // Over two checkpoints no slot needs the first record any more.
      await partition.result(partition.store.checkpoint());
      await partition.result(partition.store.checkpoint());
      await partition.restart(skip % 2 === 0 ? "kill" : "power cut");
      await checkFiles(partition);
    }
  }
});

test.each(["kill", "power cut"] as const)(
  "LogStore.runCompaction() J-19: after a crash (%s) at any step, and one in the start that follows, there is one log",
  async (ending) => {
    let crashes = 0;
    let crashesInRecovery = 0;
    for (let effects = 1; ; effects++) {
      const partition = await begin(effects);
      const { disk } = partition;
      if (await partition.compactUntil(effects)) break;
      crashes += 1;
      if (ending === "kill") disk.kill(effects);
      else disk.powerCut(effects);
      // Again, in the start: after a few effects more each time.
      disk.haltAfter(disk.effects + 1 + (effects % 12));
      await openStore(disk).catch((error: unknown) => {
        if (!disk.isHalted) throw error;
        crashesInRecovery += 1;
      });
      await partition.restart(effects % 3 === 0 ? "kill" : "power cut", effects);
      await checkFiles(partition);
      await partition.append({ records: [{ key: "b", value: "after" }] });
      await partition.compact();
      await checkFiles(partition);
      expect(partition.log.segments.length).toBeLessThan(5);
    }
    expect(crashes).toBeGreaterThan(50);
    expect(crashesInRecovery).toBeGreaterThan(10);
  },
);

test("LogStore.open() J-19: a power cut in the start after a kill leaves one log, whatever names were durable", async () => {
  let crashes = 0;
  for (let inside = 1; ; inside++) {
    let isOpen = false;
    // The same run, up to the moment after the rename of the merge.
    for (let seed = 1; seed <= 4; seed++) {
      const partition = await begin(1);
      const { disk } = partition;
      let renames = 0;
      disk.onEffect = (effects, operation, path): void => {
        if (operation === "rename" && path.endsWith(".log.new") && ++renames === 9) disk.haltAfter(effects);
      };
      partition.store.runCompaction().catch(() => undefined);
      while (!disk.isHalted) if (!(await disk.time.step())) await new Promise((resolve) => setImmediate(resolve));
      disk.kill(seed);
      disk.haltAfter(disk.effects + inside);
      await openStore(disk).then(
        () => {
          isOpen = true;
        },
        (error: unknown) => {
          if (!disk.isHalted) throw error;
          crashes += 1;
        },
      );
      await partition.restart("power cut", inside * 10 + seed);
      await checkFiles(partition);
    }
    if (isOpen) break;
  }
  expect(crashes).toBeGreaterThan(40);
});
