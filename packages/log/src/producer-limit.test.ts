/** What a node remembers of idempotent producers ends: after a while, and with their number. */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import type { PartitionLog } from "./partition-log.ts";
import { ProducerLimit } from "./producer-limit.ts";
import { ProducerState } from "./producer-state.ts";
import { newDisk, openStore } from "./testing/disk-store.ts";
import { testConfig } from "./testing/log-config.ts";

const topicId = "0123456789abcdef0123456789abcdef";
const transactional = 0x10;

function batch(producerId: number, attributes = 0) {
  const place = { baseOffset: producerId, lastOffsetDelta: 0, maxTimestampMs: 1 };
  return { ...place, attributes, producerId, producerEpoch: 0, baseSequence: 0 };
}

const idsOf = (state: ProducerState): number[] => state.entries().map(({ producerId }) => producerId);

test("ProducerLimit.added() lets the partition with most producers forget those that were silent longest", () => {
  const states = [1, 2, 3].map(() => new ProducerState({ expiryMs: 1e9 }));
  const [a, b, c] = states as [ProducerState, ProducerState, ProducerState];
  const limit = new ProducerLimit(() => states, 100);
  const add = (state: ProducerState, producerId: number): void => {
    state.append(batch(producerId), producerId);
    limit.added(1);
  };
  for (let id = 0; id < 10; id += 1) add(a, id);
  add(c, 7);
  for (let id = 0; id < 1000; id += 1) add(b, id);
  expect(idsOf(a)).toHaveLength(10);
  expect(idsOf(c)).toEqual([7]);
  const left = idsOf(b);
  expect(left).toEqual(Array.from({ length: left.length }, (_, index) => 1000 - left.length + index));
  expect(left.length).toBeGreaterThan(80);
  expect(left.length).toBeLessThanOrEqual(89);
  // Silent ones elsewhere count for what they are now, not for what they once were.
  b.expire(1e10);
  for (let id = 0; id < 80; id += 1) add(a, 100 + id);
  expect(idsOf(a)).toHaveLength(90);
});

test("ProducerState.forgetOldest() keeps open transactions and the last producer", () => {
  const state = new ProducerState({ expiryMs: 1e9 });
  state.append(batch(1, transactional), 1);
  for (const id of [2, 3, 4]) state.append(batch(id), id);
  expect(state.forgetOldest(2)).toBe(2);
  expect(idsOf(state)).toEqual([1, 4]);
  state.append(batch(5, transactional), 5);
  expect(state.forgetOldest(9)).toBe(1);
  expect(idsOf(state)).toEqual([1, 5]);
  const alone = new ProducerState({ expiryMs: 1e9 });
  alone.append(batch(6), 1);
  expect(alone.forgetOldest(1)).toBe(0);
});

function append(log: PartitionLog, producerId: number, baseSequence = 0): string {
  const options = { producerId, producerEpoch: 0, baseSequence };
  return log.appendAsLeader(buildBatch([{ value: Buffer.from("x"), timestampMs: 1 }], options), { now: 1 }).kind;
}

test("LogStore: a partition that many producers write to takes nothing from another one, also after a restart", async () => {
  const disk = await newDisk(7);
  const options = { producersMax: 50 };
  let store = await openStore(disk, options);
  const open = async (partition: number): Promise<PartitionLog> => {
    const id = { topicId, topic: "t", partition };
    const log =
      store.get(topicId, partition) ?? (await disk.time.result(store.create(id, testConfig()), "a partition"));
    log.startEpoch(log.leaderEpoch + 1);
    return log;
  };
  const few = await open(0);
  const many = await open(1);
  expect(append(few, 1)).toBe("appended");
  for (let id = 0; id < 500; id += 1) append(many, id);
  expect(append(few, 1)).toBe("duplicate");
  expect(many.producerState().length).toBeLessThan(50);
  await disk.time.until(() => many.countedOffset === 500, "it to count");
  disk.kill(1);
  store = await openStore(disk, options);
  const [fewAgain, manyAgain] = [await open(0), await open(1)];
  expect(append(fewAgain, 1)).toBe("duplicate");
  expect(append(manyAgain, 499)).toBe("duplicate");
  expect(manyAgain.producerState().length).toBeLessThan(50);
});

test("LogStore.runRetention() forgets producers that were silent for longer than they are remembered", async () => {
  const disk = await newDisk(7);
  const store = await openStore(disk);
  const id = { topicId, topic: "t", partition: 0 };
  const config = testConfig({ producerExpiryMs: 60_000 });
  const log = await disk.time.result(store.create(id, config), "a partition");
  log.startEpoch(1);
  append(log, 1);
  await disk.time.pass(40_000);
  append(log, 2);
  await disk.time.result(store.runRetention(), "a run");
  expect(log.producerState()).toHaveLength(2);
  await disk.time.pass(30_000);
  await disk.time.result(store.runRetention(), "a run");
  expect(log.producerState().map(({ producerId }) => producerId)).toEqual([2]);
  expect(append(log, 2, 1)).toBe("appended");
});
