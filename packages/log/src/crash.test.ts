/**
 * A process that appends is killed on the real disk, again and again: what it said to count is there, once, in order.
 *
 * The page cache survives the process, so this proves no sync (the simulated disk does); it proves recovery on a real
 * file system and with real concurrency. `VARVE_CRASHES` sets how many kills.
 *
 * Each start is followed by a check of everything, so a store that keeps all would cost the square of its kills. Half of
 * them go to one store with the whole history behind it, which retention keeps small; the rest, beside it, to stores that
 * keep every batch and are left after ten.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { batchSizeBytes, checkBatch, readBatchHeader } from "@varve/format";
import { expect, test } from "vitest";
import { LogStore, nodeFileSystem, systemClock } from "./index.ts";
import type { PartitionLog } from "./index.ts";
import { crashOptions, crashPartitions } from "./testing/crash-options.ts";
import { Random } from "./testing/random.ts";

const crashes = Number(process.env["VARVE_CRASHES"] ?? 4);
const seed = Number(process.env["VARVE_CRASH_SEED"] ?? Date.now() % 1_000_000);
const writer = fileURLToPath(new URL("testing/crash-writer.ts", import.meta.url));

/** A store that keeps everything is left after so many kills. */
const killsPerStore = 10;

/** Per partition: base offset → last offset and CRC of a batch that counted. */
type Acknowledged = Map<number, { last: number; crc: number }>[];

/** One store and what happens to it. */
interface Life {
  readonly kills: number;
  /** Per partition; -1: everything is kept. */
  readonly retentionBytes: number;
  readonly seed: number;
}

test(
  `LogStore keeps every acknowledged batch through ${crashes} kills of its process (seed ${seed})`,
  { timeout: 3_600_000 },
  async () => {
    const random = new Random(seed);
    const long = { kills: Math.ceil(crashes / 2), retentionBytes: 1 << 19, seed: random.seed() };
    const total = { acknowledged: 0, removed: 0 };
    const failed = new AbortController();
    const run = async (life: Life): Promise<void> => {
      const lived = await live(life, failed.signal).catch((error: unknown) => {
        failed.abort();
        throw error;
      });
      total.acknowledged += lived.acknowledged;
      total.removed += lived.removed;
    };
    const short = async (): Promise<void> => {
      for (let left = crashes - long.kills; left > 0 && !failed.signal.aborted; left -= killsPerStore) {
        await run({ kills: Math.min(left, killsPerStore), retentionBytes: -1, seed: random.seed() });
      }
    };
    const results = await Promise.allSettled([run(long), short()]);
    // Both are over, and have left nothing behind.
    for (const result of results) if (result.status === "rejected") throw result.reason;
    const { acknowledged, removed } = total;
    console.log(`crash: ${crashes} kills, ${acknowledged} acknowledged batches, ${removed} went by retention`);
    expect(acknowledged).toBeGreaterThan(0);
    // Without it the long history would not be what it is said to be.
    if (crashes >= 100) expect(removed).toBeGreaterThan(0);
  },
);

/** Kills the writers of one store and checks it after each; how many batches counted, and how many of them went since. */
async function live(life: Life, over: AbortSignal): Promise<{ acknowledged: number; removed: number }> {
  const { kills, retentionBytes } = life;
  const random = new Random(life.seed);
  const acknowledged: Acknowledged = crashPartitions(retentionBytes).map(() => new Map());
  const sum = { acknowledged: 0, removed: 0 };
  const root = await mkdtemp(join(tmpdir(), "varve-crash-"));
  const directory = join(root, "data");
  try {
    for (let epoch = 1; epoch <= kills && !over.aborted; epoch++) {
      const delayMs = random.between(0, 400);
      const writer = { epoch, seed: random.seed(), retentionBytes };
      const count = await writeAndKill(directory, { writer, delayMs, acknowledged });
      sum.acknowledged += count;
      if (epoch > 1 || count > 0)
        sum.removed += await verifyCopy(directory, join(root, "copy"), { life, acknowledged });
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return sum;
}

/** Runs the writer until some time after it is ready, and kills it; returns how many batches it acknowledged. */
async function writeAndKill(
  directory: string,
  o: {
    writer: { epoch: number; seed: number; retentionBytes: number };
    delayMs: number;
    acknowledged: Acknowledged;
  },
): Promise<number> {
  const { epoch, seed: writerSeed, retentionBytes } = o.writer;
  const told = [directory, epoch, writerSeed, retentionBytes].map(String);
  const child = spawn(process.execPath, ["--import", "tsx", "--conditions", "source", writer, ...told], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let rest = "";
  let count = 0;
  const ready = new Promise<void>((resolve) => {
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "ready") resolve();
        const [verb, partition, base, last, crc] = line.split(" ");
        if (verb !== "ack") continue;
        count++;
        o.acknowledged[Number(partition)]?.set(Number(base), { last: Number(last), crc: Number(crc) });
      }
    });
  });
  const ended = once(child, "close");
  const first = await Promise.race([ready.then(() => "ready"), ended.then(([code]) => `exit ${String(code)}`)]);
  expect(first).toBe("ready");
  await new Promise((resolve) => setTimeout(resolve, o.delayMs));
  child.kill("SIGKILL");
  const [code, signal] = await ended;
  expect([code, signal], "the writer ended by itself").toEqual([null, "SIGKILL"]);
  return count;
}

/**
 * Recovers a copy, so that the next writer recovers the original as the kill left it. Returns how many acknowledged batches
 * retention took since the last time; they are forgotten.
 */
async function verifyCopy(
  directory: string,
  copy: string,
  { life, acknowledged }: { life: Life; acknowledged: Acknowledged },
): Promise<number> {
  await cp(directory, copy, { recursive: true });
  const store = await LogStore.open(crashOptions(copy), {
    fs: nodeFileSystem(),
    clock: systemClock(),
    onFatal: (error) => {
      throw error;
    },
  });
  let removed = 0;
  try {
    for (const { id } of crashPartitions(life.retentionBytes)) {
      const log = store.get(id.topicId, id.partition);
      const batches = acknowledged[id.partition] as Acknowledged[number];
      if (log === undefined) {
        expect(batches.size, `partition ${id.partition} is gone`).toBe(0);
        continue;
      }
      removed += forgetRemoved(log, batches, life.retentionBytes);
      const { found, bytes } = await readBatches(log);
      if (log.logStartOffset > 0) {
        expect(bytes, `partition ${id.partition}: retention keeps so much`).toBeGreaterThanOrEqual(life.retentionBytes);
      }
      for (const [base, batch] of batches) expect(found.get(base), `partition ${id.partition}, ${base}`).toEqual(batch);
    }
  } finally {
    await store.close();
    await rm(copy, { recursive: true, force: true });
  }
  return removed;
}

/** What lies below the log start went by retention, if there is any; batches that counted are not cut in two by it. */
function forgetRemoved(log: PartitionLog, batches: Acknowledged[number], retentionBytes: number): number {
  const start = log.logStartOffset;
  if (retentionBytes < 0) expect(start, `partition ${log.id.partition}: nothing is removed`).toBe(0);
  const gone = [...batches].filter(([base]) => base < start);
  for (const [base, { last }] of gone) {
    expect(last, `partition ${log.id.partition}: ${start} is in a batch`).toBeLessThan(start);
    batches.delete(base);
  }
  return gone.length;
}

/** Everything that is there, each batch checked, without a gap. */
async function readBatches(log: PartitionLog): Promise<{ found: Acknowledged[number]; bytes: number }> {
  const found: Acknowledged[number] = new Map();
  let bytes = 0;
  let offset = log.logStartOffset;
  while (offset < log.logEndOffset) {
    const result = await log.read({ offset, maxBytes: 1 << 20, limit: log.logEndOffset });
    if (result.kind !== "batches") {
      throw new Error(`Read of ${log.id.partition} at ${offset}: ${JSON.stringify(result)}`);
    }
    bytes += result.bytes.length;
    for (let at = 0; at < result.bytes.length; at += batchSizeBytes(result.bytes, at)) {
      expect(checkBatch(result.bytes, at, result.bytes.length)).toBeUndefined();
      const header = readBatchHeader(result.bytes, at);
      expect(header.baseOffset, `partition ${log.id.partition}: offsets are contiguous`).toBe(offset);
      offset = header.baseOffset + header.lastOffsetDelta + 1;
      found.set(header.baseOffset, { last: offset - 1, crc: header.crc });
    }
  }
  return { found, bytes };
}
