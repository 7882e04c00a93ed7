/** J-1: a change of `flush` that a full disk does not let through is asked for again by whoever compares the configuration. */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import { newDisk, openStore } from "./testing/disk-store.ts";
import { testConfig } from "./testing/log-config.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };

test.each([
  { from: "os", to: "sync", was: "os", is: "journal" },
  { from: "sync", to: "os", was: "journal", is: "os" },
] as const)(
  "setConfig() from $from to $to on a full disk leaves what was, and is made later (J-1, J-15)",
  async (one) => {
    const disk = await newDisk(7);
    const store = await openStore(disk);
    const log = await disk.time.result(store.create(id, testConfig({ flush: one.from })), "a partition");
    log.startEpoch(1);
    const value = Buffer.from("x".repeat(3_000));
    for (let count = 0; count < 5; count++) {
      expect(log.appendAsLeader(buildBatch([{ value, timestampMs: 1 }]), { now: 1 }).kind).toBe("appended");
      if (count === 2) await disk.time.until(() => log.countedOffset === log.logEndOffset, "it to count");
    }
    disk.quotaBytes = 0;
    const wanted = { ...log.config, flush: one.to, retentionMs: 5 };
    await expect(disk.time.result(log.setConfig(wanted), "the change")).rejects.toMatchObject({ code: "NO_SPACE" });
    expect(log.mode).toBe(one.was);
    expect(log.config).toEqual({ ...wanted, flush: one.from });
    disk.quotaBytes = Infinity;
    await disk.time.result(log.setConfig(wanted), "the change");
    expect(log.mode).toBe(one.is);
    expect(log.config).toEqual(wanted);
  },
);
