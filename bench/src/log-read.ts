// SPDX-License-Identifier: Apache-2.0
// What does reading cost on top of the disk? Every byte that comes from a file is checked (rule J-11): a CRC of 1 MiB takes
// 0.1 to 0.15 ms beside 0.2 ms of fs.read from the page cache, and two pieces overlap. Estimate: 60 to 70 % with lent bytes; with
// owned ones the pages of new memory cost three times as much as the read, for bare fs.read too.
// Targets: a cold segment (nothing of it in the tail cache) in fetches of 1 MiB at 60 % of bare fs.read; reads that the tail
// cache answers touch no file, which is counted.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

import { nodeFileSystem, type FileHandle, type FileSystem, type PartitionLog } from "@varve/log";

import { withDirectory } from "./broker/server.ts";
import { BareFile, warmUpDisk } from "./log/disk.ts";
import { BatchPool, driveLog, inTurn, megabytesPerSecond, type Outcome } from "./log/load.ts";
import { createLogs, logOf, openBenchStore, poolBytes } from "./log/store.ts";
import type { Row } from "./table.ts";

export const name = "log-read";
export const description = "fetches of 1 MiB from one partition, against fs.read (VARVE_BENCH_READ_MIB, 512)";

const mebibytes = Number(process.env["VARVE_BENCH_READ_MIB"] ?? "512");
const batchBytes = 64 * 1024;
const fetchBytes = 1 << 20;

export async function run(): Promise<readonly Row[]> {
  return withDirectory(async (directory) => {
    await warmUpDisk(directory);
    const storeDirectory = join(directory, "store");
    const pool = new BatchPool(batchBytes, poolBytes);
    const written = await openBenchStore(storeDirectory);
    const [log] = await createLogs(written, 1, "os");
    await driveLog(written, [log!], pool, { batches: mebibytes * 16, inFlight: 64 });
    await written.close();
    const bareFile = new BareFile(directory, "bare");
    for (let mebibyte = 0; mebibyte < mebibytes; mebibyte++) {
      await bareFile.write(Array.from({ length: 16 }, () => pool.next()));
    }

    const calls = { count: 0 };
    const store = await openBenchStore(storeDirectory, countingFileSystem(calls));
    const cold = logOf(store, 0);
    const shared = new Uint8Array(fetchBytes);
    const contenders = [
      () => readBare(bareFile, () => shared),
      () => readBare(bareFile, () => new Uint8Array(fetchBytes)),
      () => readLog(cold, { lend: true }),
      () => readLog(cold, { lend: false }),
    ];
    const outcomes = await inTurn(contenders, 5);
    const [bare, bareNew, lent, owned] = outcomes as [Outcome, Outcome, Outcome, Outcome];
    cold.startEpoch(2);
    const cached = await readCached(() => driveLog(store, [cold], pool, { batches: 512, inFlight: 64 }), cold, calls);
    await store.close();
    bareFile.remove();
    await rm(storeDirectory, { recursive: true });
    return [
      row("fs.read, into one buffer", bare, bare),
      row("fs.read, into a new buffer each", bareNew, bare),
      row("log, cold segment, lent bytes", lent, bare),
      row("log, cold segment, owned bytes", owned, bare),
      { ...row("log, tail cache", cached.outcome, bare), "file calls": cached.fileCalls },
    ];
  });
}

function row(what: string, outcome: Outcome, bare: Outcome): Row {
  const rate = megabytesPerSecond(outcome);
  return {
    what,
    "MB/s": rate,
    "of fs.read": `${Math.round((rate / megabytesPerSecond(bare)) * 100)} %`,
    "CPU s/GiB": outcome.cpuSeconds / (outcome.bytes / 2 ** 30),
  };
}

async function readBare(file: BareFile, buffer: () => Uint8Array): Promise<Outcome> {
  return timed(async () => {
    let at = 0;
    while (at < file.sizeBytes) at += await file.read(buffer(), at);
    return at;
  });
}

async function readLog(log: PartitionLog, { lend }: { readonly lend: boolean }): Promise<Outcome> {
  return timed(async () => {
    let bytes = 0;
    for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
      const found = await log.read({ offset, maxBytes: fetchBytes, limit: log.logEndOffset, lend });
      if (found.kind !== "batches") throw new Error(`The read at ${offset} found ${found.kind}.`);
      bytes += found.bytes.length;
      found.release?.();
      offset = found.nextOffset;
    }
    return bytes;
  });
}

/** Appends what fits the cache, waits for the disk to have it, and reads it again while every call of the file system is counted. */
async function readCached(
  fill: () => Promise<unknown>,
  log: PartitionLog,
  calls: { count: number },
): Promise<{ outcome: Outcome; fileCalls: number }> {
  const from = log.logEndOffset;
  await fill();
  const before = calls.count;
  const outcome = await timed(() => {
    let bytes = 0;
    for (let again = 0; again < 10; again++) {
      for (let offset = from; offset < log.logEndOffset;) {
        const found = log.readCached({ offset, maxBytes: fetchBytes, limit: log.logEndOffset });
        if (found?.kind !== "batches") throw new Error(`The tail cache has no batch for offset ${offset}.`);
        bytes += found.bytes.length;
        offset = found.nextOffset;
      }
    }
    return Promise.resolve(bytes);
  });
  return { outcome, fileCalls: calls.count - before };
}

async function timed(work: () => Promise<number>): Promise<Outcome> {
  const cpu = process.cpuUsage();
  const from = performance.now();
  const bytes = await work();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - from) / 1000;
  return { seconds, cpuSeconds: (user + system) / 1e6, bytes, latencies: new Float64Array(0) };
}

/** The real disk; counts every call that reaches it. */
function countingFileSystem(calls: { count: number }): FileSystem {
  const counting = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (of, key) => {
        const value: unknown = Reflect.get(of, key, of);
        if (typeof value !== "function") return value;
        return (...given: unknown[]): unknown => {
          calls.count++;
          return Reflect.apply(value, of, given);
        };
      },
    });
  const fs = nodeFileSystem();
  const open = async (path: string, mode: Parameters<FileSystem["open"]>[1]): Promise<FileHandle> =>
    counting(await fs.open(path, mode));
  return counting({ ...fs, open });
}
