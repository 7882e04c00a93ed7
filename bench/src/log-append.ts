// SPDX-License-Identifier: Apache-2.0
// What does the log cost on top of the disk? Estimate: per batch of 64 KiB a header, a cache entry and an index entry, together
// a few µs, beside 30 µs and more of writev: 90 % of the bare disk; with fdatasync the disk is nearly everything.
// Targets: 70 % of bare writev (flush=os), 70 % of bare group-committed fdatasync (flush=sync, 16 writers).

import { rm } from "node:fs/promises";
import { join } from "node:path";

import { withDirectory } from "./broker/server.ts";
import { BareFile, warmUpDisk } from "./log/disk.ts";
import { BatchPool, driveBare, driveLog, inTurn, megabytesPerSecond, outcomeRow, type Outcome } from "./log/load.ts";
import { createLogs, openBenchStore, poolBytes } from "./log/store.ts";
import type { Row } from "./table.ts";

export const name = "log-append";
export const description = "batches of 64 KiB to one partition, against the bare disk (VARVE_BENCH_APPEND_MIB, 1024)";

const mebibytes = Number(process.env["VARVE_BENCH_APPEND_MIB"] ?? "1024");
const batchBytes = 64 * 1024;

export async function run(): Promise<readonly Row[]> {
  const pool = new BatchPool(batchBytes, poolBytes);
  return withDirectory(async (directory) => {
    await warmUpDisk(directory);
    return [
      ...(await compare(directory, pool, { flush: "os", inFlight: 64, batches: mebibytes * 16 })),
      ...(await compare(directory, pool, { flush: "sync", inFlight: 16, batches: mebibytes * 8 })),
    ];
  });
}

async function compare(
  directory: string,
  pool: BatchPool,
  load: { readonly flush: "sync" | "os"; readonly inFlight: number; readonly batches: number },
): Promise<Row[]> {
  const bare = async (): Promise<Outcome> => {
    const file = new BareFile(directory, "bare");
    const outcome = await driveBare(file, pool, load, { isSynced: load.flush === "sync" });
    file.remove();
    return outcome;
  };
  const log = async (): Promise<Outcome> => {
    const storeDirectory = join(directory, "store");
    const store = await openBenchStore(storeDirectory);
    const logs = await createLogs(store, 1, load.flush);
    const outcome = await driveLog(store, logs, pool, load);
    await store.close();
    await rm(storeDirectory, { recursive: true });
    return outcome;
  };
  const [bareOutcome, logOutcome] = await inTurn([bare, log], 5);
  const share = megabytesPerSecond(logOutcome!) / megabytesPerSecond(bareOutcome!);
  const what = load.flush === "os" ? "writev" : "writev + fdatasync";
  return [
    outcomeRow(`bare ${what}, ${load.inFlight} in flight`, bareOutcome!),
    outcomeRow(`log, flush=${load.flush}, ${load.inFlight} in flight`, logOutcome!, {
      "of bare": `${Math.round(share * 100)} %`,
    }),
  ];
}
