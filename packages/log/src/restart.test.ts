/** G-8: a log that starts anew takes no room for it, so a full disk cannot leave it half-way between two logs. */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "./partition-log.ts";
import type { LogStore } from "./store.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";
import { testConfig } from "./testing/log-config.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };

function logOf(store: LogStore): PartitionLog {
  const log = store.get(id.topicId, id.partition);
  if (log === undefined) throw new Error("The partition is gone");
  return log;
}

test.each([
  ["sync", "kill"],
  ["sync", "power cut"],
  ["os", "kill"],
  ["os", "power cut"],
] as const)(
  "PartitionLog.truncateFullyAndStartAt() G-8: on a full disk, flush=%s, then a %s",
  async (flush, ending) => {
    const disk = await newDisk(7);
    const store = await openStore(disk);
    const log = await disk.time.result(store.create(id, testConfig({ flush })), "a partition");
    log.startEpoch(1);
    log.appendAsLeader(buildBatch([{ value: new Uint8Array(500), timestampMs: 1 }]), { now: 1 });
    await disk.time.until(() => log.countedOffset === 1, "it to count");
    disk.inject({ operation: "create", path: ".log", effect: "fail", code: "NO_SPACE", times: 100 });
    await disk.time.result(log.truncateFullyAndStartAt(100), "the start at 100");
    expect([log.logStartOffset, log.logEndOffset, log.state.kind]).toEqual([100, 100, "needs-epoch"]);
    // A leader that this follower lost touch with may ask for a cut that goes below its log: there is nothing to cut.
    expect(await disk.time.result(log.truncate(40), "a cut below the log")).toBe(100);
    await disk.time.result(store.checkpoint(), "a checkpoint");
    disk.clearFaults();
    if (ending === "kill") disk.kill(1);
    else disk.powerCut(1);

    const again = logOf(await openStore(disk));
    expect([again.logStartOffset, again.logEndOffset, again.state.kind]).toEqual([100, 100, "needs-epoch"]);
    again.startEpoch(2);
    again.appendAsLeader(buildBatch([{ value: new Uint8Array(500), timestampMs: 1 }]), { now: 1 });
    await disk.time.until(() => again.countedOffset === 101, "it to count");
    const read = await disk.time.result(again.read({ offset: 100, limit: 101, maxBytes: 1 << 20 }), "a read");
    expect(read).toMatchObject({ kind: "batches", nextOffset: 101 });
  },
);
