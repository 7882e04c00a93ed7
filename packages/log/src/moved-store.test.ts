/** A store whose directory was moved while nothing used it: what it remembers of damage names files where they are (J-12). */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import { LogStore } from "./store.ts";
import { testConfig } from "./testing/log-config.ts";
import { SimulatedClock, SimulatedTime } from "./testing/simulated-clock.ts";
import { SimulatedDisk } from "./testing/simulated-disk.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };
const segment = "topics/t-0/00000000000000000000.log";

function open(disk: SimulatedDisk, directory: string): Promise<LogStore> {
  const opening = LogStore.open(
    { directory, bootId: "one", defaults: testConfig(), journalFileBytes: 65_536, scrubBytesPerSecond: 0 },
    {
      fs: disk.fileSystem(),
      clock: new SimulatedClock(disk.time),
      onFatal: (error) => {
        throw error;
      },
    },
  );
  return disk.time.result(opening, "the store to open");
}

test("LogStore.open() J-12: a quarantine of a store that was moved names the file in its new place", async () => {
  const disk = new SimulatedDisk({ time: new SimulatedTime(), seed: 7 });
  await disk.time.result(disk.fileSystem().mkdir("/data"), "the directory");
  const store = await open(disk, "/data");
  const log = await disk.time.result(store.create(id, testConfig()), "a partition");
  log.startEpoch(1);
  log.appendAsLeader(buildBatch([{ value: new Uint8Array(100), timestampMs: 1 }]), { now: 1 });
  await disk.time.until(() => log.countedOffset === 1, "it to count");
  await disk.time.result(store.close(), "the end");
  disk.loseEnd(`/data/${segment}`, 20);
  const damaged = await open(disk, "/data");
  expect(damaged.get(id.topicId, 0)?.state).toMatchObject({ kind: "quarantined", file: `/data/${segment}` });
  await disk.time.result(damaged.close(), "the end");
  for (const slot of ["checkpoint-a", "checkpoint-b"]) {
    const bytes = Buffer.from(disk.peek(`/data/${slot}`)).toString("latin1");
    expect(bytes).toContain(`"${segment}"`);
    expect(bytes).not.toContain("/data");
  }
  await disk.time.result(disk.fileSystem().rename("/data", "/moved"), "the move");
  const moved = await open(disk, "/moved");
  expect(moved.get(id.topicId, 0)?.state).toMatchObject({ kind: "quarantined", file: `/moved/${segment}` });
});
