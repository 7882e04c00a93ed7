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
/** More than a contender leaves in the page cache. */
const contenderMib = 4096;
const partitions = 256;
/** 1 GiB: by then all files of the journal have been used. */
const journalBatches = (1024 * 1024 * 1024) / batchBytes;
const load = { batches: mebibytes * 256, inFlight: 512 };

export async function run(): Promise<readonly Row[]> {
  const pool = new BatchPool(batchBytes, poolBytes);
  return withDirectory(async (directory) => {
    await warmUpDisk(directory);
    const bareFile = async (): Promise<Outcome> => {
      await warmUpDisk(directory, contenderMib);
      const file = new BareFile(directory, "bare");
      const outcome = await driveBare(file, pool, load, { isSynced: true });
      file.remove();
      return outcome;
    };
    const bareFiles = (threads: number) => async (): Promise<Outcome> => {
      await warmUpDisk(directory, contenderMib);
      const files = Array.from({ length: partitions }, (_, index) => new BareFile(directory, `bare-${index}`));
      const outcome = await driveBareFiles(files, pool, { ...load, batches: Math.ceil(load.batches / 8) }, threads);
      for (const file of files) file.remove();
      return outcome;
    };
    /** A new store fills its journal with zeros as it grows, once (J-15); `isUsed`: as a store is after that. */
    const log = (count: number, isUsed: boolean) => async (): Promise<Outcome> => {
      const storeDirectory = join(directory, "store");
      const store = await openBenchStore(storeDirectory);
      const logs = await createLogs(store, count, "sync");
      if (isUsed) await driveLog(store, logs, pool, { ...load, batches: journalBatches });
      await warmUpDisk(directory, contenderMib);
      const outcome = await driveLog(store, logs, pool, load);
      await store.close();
      await rm(storeDirectory, { recursive: true });
      return outcome;
    };
    const contenders = [
      bareFile,
      bareFiles(4),
      bareFiles(16),
      log(1, true),
      log(partitions, true),
      log(1, false),
      log(partitions, false),
    ];
    const [inOne, inMany, inManyMore, onePartition, manyPartitions, oneInNew, manyInNew] = (await inTurn(
      contenders,
      3,
    )) as [Outcome, Outcome, Outcome, Outcome, Outcome, Outcome, Outcome];
    const rate = megabytesPerSecond(manyPartitions);
    const than = (other: Outcome): Row => ({ "256 partitions are": ratio(rate, megabytesPerSecond(other)) });
    return [
      outcomeRow("bare, one file, one fdatasync a round", inOne, than(inOne)),
      outcomeRow("bare, 256 files, one fdatasync each, 4 threads", inMany, than(inMany)),
      outcomeRow("bare, 256 files, one fdatasync each, 16 threads", inManyMore, than(inManyMore)),
      outcomeRow("log, 1 partition", onePartition, than(onePartition)),
      outcomeRow("log, 256 partitions", manyPartitions),
      outcomeRow("new log, 1 partition", oneInNew, than(oneInNew)),
      outcomeRow("new log, 256 partitions", manyInNew, than(manyInNew)),
    ];
  });
}
