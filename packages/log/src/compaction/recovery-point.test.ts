/** A crash after a segment was replaced, and before a checkpoint says that it was in synced files. */
import { expect, test } from "vitest";
import { CompactedPartition } from "../testing/compacted-partition.ts";

test.each(["kill", "power cut"] as const)(
  "LogStore J-19: a start that knows an older recovery point, in the middle of a replaced segment, takes it as it is (%s)",
  async (ending) => {
    // Direct: the recovery point moves with every write, and checkpoints are far between.
    const partition = await CompactedPartition.begin(
      1,
      {},
      { directModeBytes: 100, checkpointIntervalMs: 3_600_000, journalBytesMax: 1 << 30 },
    );
    for (let index = 0; index < 7; index++) {
      await partition.append({ records: [{ key: "a", value: `${index} ${"x".repeat(120)}` }] });
    }
    await partition.result(partition.store.checkpoint());
    for (let index = 0; index < 12; index++) {
      await partition.append({ records: [{ key: "a", value: `${index} ${"x".repeat(120)}` }] });
    }
    const within = partition.log.segments.find(({ endOffset }) => endOffset > 7);
    expect([partition.log.writer.mode, within?.baseOffset, within?.endOffset]).toEqual(["direct", 6, 9]);
    partition.log.advanceHighWatermark(partition.log.countedOffset);
    partition.untouchedFrom = partition.log.segments.at(-1)?.baseOffset ?? 0;
    const [report] = await partition.result(partition.store.runCompaction());
    expect(report?.outcome.kind).toBe("done");
    await partition.restart(ending);
    await partition.check();
  },
);
