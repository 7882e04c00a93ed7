/** J-12, J-15: what a write that found no room left behind the end of a segment is gone before another segment begins. */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import { testConfig } from "./testing/log-config.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };

test.each([
  ["the next is due", false],
  ["less fits a segment now", true],
])(
  "PartitionLog J-15: a segment that no room was left for ends where its batches end, when %s",
  async (_, isSmaller) => {
    let ragged = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const disk = await newDisk(seed);
      const store = await openStore(disk);
      const log = await disk.time.result(store.create(id, testConfig()), "a partition");
      log.startEpoch(1);
      const append = async (): Promise<void> => {
        const batch = buildBatch([{ value: new Uint8Array(5000).fill(7), timestampMs: 1 }]);
        expect(log.appendAsLeader(batch, { now: 1 }).kind).toBe("appended");
        await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
      };
      await append();
      await disk.time.result(store.checkpoint(), "a checkpoint");
      for (let count = 0; count < 3; count++) await append();
      disk.inject({ operation: "write", path: "0.log", effect: "fail", code: "NO_SPACE" });
      await expect(disk.time.result(store.checkpoint(), "a checkpoint")).rejects.toMatchObject({ code: "NO_SPACE" });
      const [first] = log.segments;
      const left = disk.files().find(({ path }) => path === first?.path);
      if ((left?.sizeBytes ?? 0) > (first?.sizeBytes ?? 0)) ragged += 1;
      if (isSmaller) await disk.time.result(log.setConfig(testConfig({ segmentBytes: 11_000 })), "a config");
      else log.compaction.rollNext();
      await disk.time.result(store.checkpoint(), "a checkpoint");
      expect(log.segments.length).toBe(2);
      expect(disk.files().find(({ path }) => path === first?.path)?.sizeBytes).toBe(first?.sizeBytes);
      disk.powerCut(seed);
      const again = (await openStore(disk)).get(id.topicId, 0);
      expect(again?.state.kind).toBe("needs-epoch");
      for (const [index, segment] of again?.segments.entries() ?? []) {
        expect(segment.sizeBytes).toBe(log.segments[index]?.sizeBytes);
        expect(segment.endOffset).toBe(log.segments[index]?.endOffset);
      }
    }
    expect(ragged).toBeGreaterThan(2);
  },
);
