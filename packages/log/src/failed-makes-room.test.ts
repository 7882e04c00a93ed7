/** J-14: an error on one segment closes that partition only: what it had in memory takes nobody's room. */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import { newDisk, openStore } from "./testing/disk-store.ts";
import { testConfig } from "./testing/log-config.ts";

const topicId = "0123456789abcdef0123456789abcdef";

test.each(["sync", "os"] as const)(
  "LogStore.admit() J-14: what a partition that failed had on its way leaves room for the others (flush=%s)",
  async (flush) => {
    const disk = await newDisk(1);
    const store = await openStore(disk, { queuedBytesMax: 16_384, directModeBytes: 1 });
    const config = testConfig({ flush });
    const [sick, healthy] = await Promise.all(
      [0, 1].map(async (partition) => {
        const log = await disk.time.result(store.create({ topicId, topic: "t", partition }, config), "a partition");
        log.startEpoch(1);
        return log;
      }),
    );
    const batch = (): Uint8Array => buildBatch([{ value: new Uint8Array(1000), timestampMs: 1 }]);
    for (let count = 0; count < 4; count++) {
      expect(sick?.appendAsLeader(batch(), { now: 1 }).kind).toBe("appended");
      await disk.time.until(() => sick?.countedOffset === sick?.logEndOffset, "it to count");
    }
    expect(sick?.mode).toBe(flush === "os" ? "os" : "direct");
    disk.inject({ operation: "write", path: "t-0", effect: "fail", code: "IO" });
    let wait = store.admit(1100);
    for (; wait === undefined; wait = store.admit(1100)) sick?.appendAsLeader(batch(), { now: 1 });
    await disk.time.until(() => sick?.state.kind === "failed", "the failure");
    const progress = { isGranted: false };
    void wait.then(() => {
      progress.isGranted = true;
    });
    await disk.time.pass(30_000);
    expect(progress.isGranted).toBe(true);
    expect(store.admit(1100)).toBeUndefined();
    expect(healthy?.appendAsLeader(batch(), { now: 1 }).kind).toBe("appended");
    await disk.time.until(() => healthy?.countedOffset === 1, "it to count");
    expect(store.stats().queuedBytes).toBeLessThan(16_384);
  },
);
