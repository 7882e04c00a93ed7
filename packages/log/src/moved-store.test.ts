/** A store whose directory was moved while nothing used it: what it remembers of damage names files where they are (J-12). */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import { testConfig } from "./testing/log-config.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };
const segment = "topics/t-0/00000000000000000000.log";

test("LogStore.open() J-12: a quarantine of a store that was moved names the file in its new place", async () => {
  const disk = await newDisk(7);
  const store = await openStore(disk);
  const log = await disk.time.result(store.create(id, testConfig()), "a partition");
  log.startEpoch(1);
  log.appendAsLeader(buildBatch([{ value: new Uint8Array(100), timestampMs: 1 }]), { now: 1 });
  await disk.time.until(() => log.countedOffset === 1, "it to count");
  await disk.time.result(store.close(), "the end");
  disk.loseEnd(`/data/${segment}`, 20);
  const damaged = await openStore(disk);
  expect(damaged.get(id.topicId, 0)?.state).toMatchObject({ kind: "quarantined", file: `/data/${segment}` });
  await disk.time.result(damaged.close(), "the end");
  for (const slot of ["checkpoint-a", "checkpoint-b"]) {
    const bytes = Buffer.from(disk.peek(`/data/${slot}`)).toString("latin1");
    expect(bytes).toContain(`"${segment}"`);
    expect(bytes).not.toContain("/data");
  }
  await disk.time.result(disk.fileSystem().rename("/data", "/moved"), "the move");
  const moved = await openStore(disk, { directory: "/moved" });
  expect(moved.get(id.topicId, 0)?.state).toMatchObject({ kind: "quarantined", file: `/moved/${segment}` });
});
