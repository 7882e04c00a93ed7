/**
 * The victim of the real-disk crash test: opens a store, appends to every partition as fast as it can, and tells on
 * stdout what counts. It is killed at some moment; it never ends by itself.
 *
 *   node --import tsx --conditions source crash-writer.ts <directory> <epoch> <seed> <retentionBytes>
 *
 * Lines: `ready`, then `ack <partition> <base> <last> <crc>`: this batch counts. The lines go through a pipe, written
 * synchronously, so that a line that was said is read even when the process is gone right after.
 */
import { writeSync } from "node:fs";
import { buildBatch, readBatchHeader } from "@varve/format";
import { LogStore, nodeFileSystem, systemClock } from "../index.ts";
import type { PartitionLog } from "../index.ts";
import { crashOptions, crashPartitions } from "./crash-options.ts";
import { Random } from "./random.ts";

const [directory, ...numbers] = process.argv.slice(2);
const [epoch, seed, retentionBytes] = numbers.map(Number);
if (directory === undefined || epoch === undefined || seed === undefined || retentionBytes === undefined) {
  throw new Error("usage: crash-writer.ts <directory> <epoch> <seed> <retentionBytes>");
}
const random = new Random(seed);

const store = await LogStore.open(crashOptions(directory), {
  fs: nodeFileSystem(),
  clock: systemClock(),
  onFatal: (error) => {
    throw error;
  },
});

/** Appended and not yet said to count, per partition, oldest first. */
const waiting = new Map<PartitionLog, { base: number; last: number; crc: number }[]>();
for (const { id, config } of crashPartitions(retentionBytes)) {
  const log = store.get(id.topicId, id.partition) ?? (await store.create(id, config));
  await log.setConfig(config);
  log.startEpoch(epoch);
  waiting.set(log, []);
  log.onCounted(tellCounted);
}
writeSync(1, "ready\n");

function tellCounted(log: PartitionLog): void {
  const batches = waiting.get(log) ?? [];
  let lines = "";
  while (batches[0] !== undefined && batches[0].last < log.countedOffset) {
    const { base, last, crc } = batches.shift() as { base: number; last: number; crc: number };
    lines += `ack ${log.id.partition} ${base} ${last} ${crc}\n`;
  }
  if (lines !== "") writeSync(1, lines);
  log.advanceHighWatermark(log.countedOffset);
}

const logs = [...waiting.keys()];
function appendSome(): void {
  for (let count = random.between(1, 30); count > 0; count--) {
    const log = random.pick(logs);
    const sizeBytes = random.pick([20, 200, 2000, 30_000]);
    const records = Array.from({ length: random.between(1, 5) }, () => {
      const value = new Uint8Array(sizeBytes);
      for (let at = 0; at < sizeBytes; at += 7) value[at] = random.below(256);
      return { value, timestampMs: Date.now() };
    });
    const batch = buildBatch(records);
    if (store.admit(batch.length) !== undefined) break;
    const outcome = log.appendAsLeader(batch, { now: Date.now() });
    if (outcome.kind !== "appended") throw new Error(`Not appended: ${JSON.stringify(outcome)}`);
    waiting.get(log)?.push({ base: outcome.baseOffset, last: outcome.lastOffset, crc: readBatchHeader(batch).crc });
  }
  setImmediate(appendSome);
}

/** J-16: by size, again and again, so that kills meet segments on their way out. */
async function retain(): Promise<never> {
  for (;;) {
    await store.runRetention();
    await new Promise((resolve) => setTimeout(resolve, random.between(1, 40)));
  }
}

appendSome();
if (retentionBytes >= 0) void retain();
