// SPDX-License-Identifier: Apache-2.0
// Are many busy partitions as fast as one? That is what the journal is for. Estimate: a round of 512 batches is one write and
// one sync of 2 MiB, and everything is written once more behind it without waiting: near the bare loop in one file; with a
// sync for each of 256 files the disk makes 10,000 syncs a second, so about 80 MB/s.
// Targets: 70 % of the bare loop in one file; 3.5 times one fdatasync for each partition; at most 30 % slower than one partition.

import { rm } from "node:fs/promises";
import { join } from "node:path";

import { withDirectory } from "./broker/server.ts";
import { BareFile, warmUpDisk } from "./log/disk.ts";
import {
  BatchPool,
  driveBare,
  driveBareFiles,
  driveLog,
  inTurn,
  megabytesPerSecond,
  outcomeRow,
  type Outcome,
} from "./log/load.ts";
import { createLogs, openBenchStore, poolBytes } from "./log/store.ts";
import { ratio, type Row } from "./table.ts";

export const name = "log-partitions";
export const description =
  "batches of 4 KiB, flush=sync, 512 in flight, 256 partitions, against bare files (VARVE_BENCH_PARTITIONS_MIB, 768)";

const mebibytes = Number(process.env["VARVE_BENCH_PARTITIONS_MIB"] ?? "768");
const batchBytes = 4096;
const partitions = 256;
const load = { batches: mebibytes * 256, inFlight: 512 };

export async function run(): Promise<readonly Row[]> {
  const pool = new BatchPool(batchBytes, poolBytes);
  return withDirectory(async (directory) => {
    await warmUpDisk(directory);
    const bareFile = async (): Promise<Outcome> => {
      const file = new BareFile(directory, "bare");
      const outcome = await driveBare(file, pool, load, { isSynced: true });
      file.remove();
      return outcome;
    };
    const bareFiles = async (): Promise<Outcome> => {
      const files = Array.from({ length: partitions }, (_, index) => new BareFile(directory, `bare-${index}`));
      const outcome = await driveBareFiles(files, pool, { ...load, batches: Math.ceil(load.batches / 8) });
      for (const file of files) file.remove();
      return outcome;
    };
    const log = (count: number) => async (): Promise<Outcome> => {
      const storeDirectory = join(directory, "store");
      const store = await openBenchStore(storeDirectory);
      const logs = await createLogs(store, count, "sync");
      const outcome = await driveLog(store, logs, pool, load);
      await store.close();
      await rm(storeDirectory, { recursive: true });
      return outcome;
    };
    const found = await inTurn([bareFile, bareFiles, log(1), log(partitions)], 3);
    const [inOne, inMany, onePartition, manyPartitions] = found as [Outcome, Outcome, Outcome, Outcome];
    const rate = megabytesPerSecond(manyPartitions);
    const than = (other: Outcome): Row => ({ "256 partitions are": ratio(rate, megabytesPerSecond(other)) });
    return [
      outcomeRow("bare, one file, one fdatasync a round", inOne, than(inOne)),
      outcomeRow("bare, 256 files, one fdatasync each", inMany, than(inMany)),
      outcomeRow("log, 1 partition", onePartition, than(onePartition)),
      outcomeRow("log, 256 partitions", manyPartitions),
    ];
  });
}
