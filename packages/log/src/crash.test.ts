/**
 * A process that appends is killed on the real disk, again and again: what it said to count is there, once, in order.
 *
 * The page cache survives the process, so this proves no sync (the simulated disk does); it proves recovery on a real
 * file system and with real concurrency. `VARVE_CRASHES` sets how many kills.
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
import { crashOptions, crashPartitions } from "./testing/crash-options.ts";
import { Random } from "./testing/random.ts";

const crashes = Number(process.env["VARVE_CRASHES"] ?? 4);
const seed = Number(process.env["VARVE_CRASH_SEED"] ?? Date.now() % 1_000_000);
const writer = fileURLToPath(new URL("testing/crash-writer.ts", import.meta.url));

/** Per partition: base offset → last offset and CRC of a batch that counted. */
type Acknowledged = Map<number, { last: number; crc: number }>[];

test(
  `LogStore keeps every acknowledged batch through ${crashes} kills of its process (seed ${seed})`,
  { timeout: 3_600_000 },
  async () => {
    const random = new Random(seed);
    const root = await mkdtemp(join(tmpdir(), "varve-crash-"));
    const directory = join(root, "data");
    const acknowledged: Acknowledged = crashPartitions().map(() => new Map());
    try {
      for (let crash = 1; crash <= crashes; crash++) {
        const count = await writeAndKill(directory, { epoch: crash, delayMs: random.between(0, 400), acknowledged });
        if (crash > 1 || count > 0) await verifyCopy(directory, join(root, "copy"), acknowledged);
      }
      const total = acknowledged.reduce((sum, batches) => sum + batches.size, 0);
      console.log(`crash: ${crashes} kills, ${total} acknowledged batches`);
      expect(total).toBeGreaterThan(0);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
);

/** Runs the writer until some time after it is ready, and kills it; returns how many batches it acknowledged. */
async function writeAndKill(
  directory: string,
  o: { epoch: number; delayMs: number; acknowledged: Acknowledged },
): Promise<number> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "--conditions", "source", writer, directory, String(o.epoch)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
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

/** Recovers a copy, so that the next writer recovers the original as the kill left it. */
async function verifyCopy(directory: string, copy: string, acknowledged: Acknowledged): Promise<void> {
  await cp(directory, copy, { recursive: true });
  const store = await LogStore.open(crashOptions(copy), {
    fs: nodeFileSystem(),
    clock: systemClock(),
    onFatal: (error) => {
      throw error;
    },
  });
  try {
    for (const { id } of crashPartitions()) {
      const log = store.get(id.topicId, id.partition);
      const batches = acknowledged[id.partition] as Acknowledged[number];
      if (log === undefined) {
        expect(batches.size, `partition ${id.partition} is gone`).toBe(0);
        continue;
      }
      const found = new Map<number, { last: number; crc: number }>();
      let offset = 0;
      while (offset < log.logEndOffset) {
        const result = await log.read({ offset, maxBytes: 1 << 20, limit: log.logEndOffset });
        if (result.kind !== "batches")
          throw new Error(`Read of ${id.partition} at ${offset}: ${JSON.stringify(result)}`);
        for (let at = 0; at < result.bytes.length; at += batchSizeBytes(result.bytes, at)) {
          expect(checkBatch(result.bytes, at, result.bytes.length)).toBeUndefined();
          const header = readBatchHeader(result.bytes, at);
          expect(header.baseOffset, `partition ${id.partition}: offsets are contiguous`).toBe(offset);
          offset = header.baseOffset + header.lastOffsetDelta + 1;
          found.set(header.baseOffset, { last: offset - 1, crc: header.crc });
        }
      }
      for (const [base, batch] of batches) expect(found.get(base), `partition ${id.partition}, ${base}`).toEqual(batch);
    }
  } finally {
    await store.close();
    await rm(copy, { recursive: true, force: true });
  }
}
