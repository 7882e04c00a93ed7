/** A store on a simulated disk, for tests of one scenario. */
import { LogStore } from "../store.ts";
import type { StoreOptions } from "../store-options.ts";
import { testConfig } from "./log-config.ts";
import { SimulatedClock, SimulatedTime } from "./simulated-clock.ts";
import { SimulatedDisk } from "./simulated-disk.ts";

/** An empty disk with the durable directory `/data`, and a time of its own. */
export async function newDisk(seed: number): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ time: new SimulatedTime(), seed });
  await disk.time.result(disk.fileSystem().mkdir("/data"), "the directory");
  await disk.time.result(disk.fileSystem().syncDirectory("/"), "its name to be durable");
  return disk;
}

/** Opens the store in `/data`, as a process of its own. A failed disk is a failed test, unless `onFatal` takes it. */
export function openStore(
  disk: SimulatedDisk,
  options: Partial<StoreOptions> = {},
  onFatal = (error: Error): void => {
    throw error;
  },
): Promise<LogStore> {
  const opening = LogStore.open(
    {
      directory: "/data",
      bootId: "one",
      defaults: testConfig(),
      journalFileBytes: 65_536,
      scrubBytesPerSecond: 0,
      ...options,
    },
    { fs: disk.fileSystem(), clock: new SimulatedClock(disk.time), onFatal },
  );
  return disk.time.result(opening, "the store to open");
}
