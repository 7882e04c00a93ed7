// SPDX-License-Identifier: Apache-2.0
// A consumer whose sessions break, are refused, moved and ended, at every moment: nothing is lost, nothing is committed that was not
// finished, and nothing of another's is touched.

import { VarveError } from "@varve/api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../client.ts";
import { HurriedClock } from "../testing/hurried-clock.ts";
import { batchOf, MemoryBroker, MemoryCluster } from "../testing/memory-broker.ts";
import type { MemoryGroups } from "../testing/memory-groups.ts";
import { until } from "../testing/until.ts";
import type { ConsumedBatch } from "./consumed-batch.ts";
import type { ConsumerOptions } from "./consumer-options.ts";
import type { Consumer } from "./consumer.ts";

const clock = new HurriedClock();
let cluster: MemoryCluster;
let broker: MemoryBroker;
const brokers: MemoryBroker[] = [];
const clients: Client[] = [];
const groups = (): MemoryGroups => cluster.groups;
const committed = (partition: number): number => groups().group("g").committed.get(`t/${partition}`) ?? -1;

async function start(nodeId: number): Promise<MemoryBroker> {
  const started = await MemoryBroker.start({ nodeId, cluster });
  brokers.push(started);
  return started;
}

beforeEach(async () => {
  cluster = new MemoryCluster();
  broker = await start(1);
  broker.createTopic("t", 2);
  // No verdict by the clock, where a test does not ask for one.
  groups().sessionTimeoutMs = 600_000;
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await until(() => groups().sessions === 0 && clock.timers === 0);
  for (const each of brokers.splice(0)) each.stop();
});

function consumerOf(options: Partial<ConsumerOptions> = {}): Consumer {
  const client = new Client({ address: broker.address, clock, requestTimeoutMs: 600_000 });
  clients.push(client);
  const rest = {
    start: { kind: "earliest" },
    commitIntervalMs: 20,
    lagIntervalMs: 0,
    revokeTimeoutMs: 600_000,
  } as const;
  return client.consumer({ group: "g", topics: ["t"], sessionTimeoutMs: 600_000, ...rest, ...options });
}

async function fill(partition: number, count: number, from = 0): Promise<void> {
  for (let at = 0; at < count; at += 5) {
    const values = Array.from({ length: Math.min(5, count - at) }, (_, index) => String(from + at + index));
    await broker.append("t", partition, batchOf(values));
  }
}

/** Reads until `isEnough`, and checks at every batch that nothing was committed that was not finished before. */
async function read(
  consumer: Consumer,
  isEnough: () => boolean,
  onBatch: (batch: ConsumedBatch) => void = () => undefined,
): Promise<Map<number, number[]>> {
  const seen = new Map<number, number[]>();
  const finished = new Set<string>();
  const { history } = groups().group("g");
  let checked = 0;
  const iterator = consumer[Symbol.asyncIterator]();
  void until(isEnough).then(() => consumer.close({ timeoutMs: 600_000 }));
  for (;;) {
    const { value: batch } = await iterator.next();
    if (batch === undefined) break;
    for (const { key, offset } of history.slice(checked)) {
      const early = range(offset).filter((each) => !finished.has(`${key}@${each}`));
      expect(early, `${key} is committed up to ${offset}`).toEqual([]);
    }
    checked = history.length;
    onBatch(batch);
    for (const { offset } of batch) {
      finished.add(`t/${batch.partition}@${offset}`);
      seen.set(batch.partition, [...(seen.get(batch.partition) ?? []), offset]);
    }
  }
  return seen;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("a consumer's session", () => {
  it("breaks after each message in turn: everything is read at least once, and in order as far as it was not moved", async () => {
    for (const breakAt of range(9).slice(1)) {
      groups().groups.clear();
      cluster.topics.get("t")!.splice(0, 2);
      broker.createTopic("t", 2);
      await fill(0, 40);
      await fill(1, 40);
      groups().faults.breaks.push(breakAt, breakAt, breakAt);
      broker.consumeMessageBytes = 16;
      const seen = await read(consumerOf(), () => committed(0) === 40 && committed(1) === 40);
      for (const partition of [0, 1]) {
        // Its own commits move nothing: a session that only breaks repeats nothing.
        expect(seen.get(partition)).toEqual(range(40));
      }
      groups().faults.breaks.length = 0;
    }
  });

  it("loses a commit, or its answer: what was finished is committed in the next one, and nothing is read again", async () => {
    await fill(0, 60);
    broker.consumeMessageBytes = 16;
    const busy = new VarveError("BUSY", "Later");
    groups().faults.commits.push("lost", "none", "break", "lost", "none", "break", "lost", busy, busy);
    const consumer = consumerOf({ autoCommit: false });
    const seen: number[] = [];
    for await (const batch of consumer) {
      seen.push(...batch.records.map(({ offset }) => offset));
      await consumer.commit(batch);
      expect(committed(0)).toBe(batch.nextOffset);
      if (batch.nextOffset === 60) break;
    }
    expect(seen).toEqual(range(60));
    expect(groups().faults.commits).toEqual([]);
  });

  it("takes a stale generation for a reason to wait for the newest one, and commits again what is its own still", async () => {
    await fill(0, 30);
    const stale = new VarveError("STALE_MEMBER_EPOCH", "There is a newer one");
    groups().faults.commits.push(stale);
    const consumer = consumerOf();
    const iterator = consumer[Symbol.asyncIterator]();
    const first = await iterator.next();
    const commit = consumer.commit(first.value);
    await until(() => groups().faults.commits.length === 0);
    const { history } = groups().group("g");
    expect(history).toEqual([]);
    // A reset of the other partition: a new generation, in which this one was not moved.
    groups().reset("g", "t/1", 0);
    await commit;
    expect(history.map(({ key, offset }) => [key, offset])).toEqual([["t/0", first.value!.nextOffset]]);
    await consumer.close();
  });

  it("is moved by a reset while it runs: the next batch is of there, and what was read before is not committed", async () => {
    await fill(0, 100);
    broker.consumeMessageBytes = 16;
    const moved: number[] = [];
    const consumer = consumerOf({ onMoved: (partitions) => moved.push(...partitions.map(({ offset }) => offset)) });
    const iterator = consumer[Symbol.asyncIterator]();
    const next = async (): Promise<ConsumedBatch> => (await iterator.next()).value!;
    for (const offset of [0, 5, 10]) expect((await next()).records[0]!.offset).toBe(offset);
    const before = await next();
    groups().reset("g", "t/0", 70);
    await until(() => moved.length > 0);
    expect(before.signal.aborted).toBe(true);
    await expect(consumer.commit(before)).rejects.toMatchObject({ reason: "NOT_ASSIGNED" });
    expect((await next()).records[0]!.offset).toBe(70);
    groups().reset("g", "t/0", 3);
    await until(() => moved.length > 1);
    const back = await next();
    expect(back.records[0]!.offset).toBe(3);
    await consumer.commit(back);
    expect(committed(0)).toBe(back.nextOffset);
    expect(moved).toEqual([70, 3]);
    const { history } = groups().group("g");
    const afterReset = history.findIndex(({ offset }) => offset > 20);
    expect(afterReset).toBe(-1);
    await consumer.close();
  });

  it("was moved while it was away: it goes on where the group is", async () => {
    await fill(0, 50);
    broker.consumeMessageBytes = 16;
    const consumer = consumerOf({ autoCommit: false });
    const iterator = consumer[Symbol.asyncIterator]();
    const next = async (): Promise<ConsumedBatch> => (await iterator.next()).value!;
    for (const offset of [0, 5]) expect((await next()).records[0]!.offset).toBe(offset);
    groups().breakAll("g");
    const group = groups().group("g");
    group.committed.set("t/0", 40);
    group.generation += 1;
    group.moved.set("t/0", group.generation);
    for (const member of group.members.values()) member.generation = group.generation;
    await until(() => consumer.position({ topic: "t", partition: 0 }) === 40);
    const batch = await next();
    expect(batch.records[0]!.offset).toBe(40);
    await consumer.commit(batch);
    expect(committed(0)).toBe(45);
    await consumer.close();
  });

  it("breaks after a seek back: the member goes on with what it repeats, wherever the group is, and the group goes back with it", async () => {
    await fill(0, 50);
    broker.consumeMessageBytes = 16;
    const place = { topic: "t", partition: 0 };
    const consumer = consumerOf({ autoCommit: false });
    const iterator = consumer[Symbol.asyncIterator]();
    const next = async (): Promise<ConsumedBatch> => (await iterator.next()).value!;
    for (let at = 0; at < 50; at += 5) await consumer.commit(await next());
    expect(committed(0)).toBe(50);
    await consumer.seek(place, { kind: "earliest" });
    for (const offset of [0, 5]) {
      const { joins } = groups();
      groups().breakAll("g");
      await until(() => groups().joins > joins && groups().group("g").members.get(consumer.memberId)!.told.size === 2);
      // Its commit waits for the assignment: it has taken that in.
      await consumer.commit([{ topic: "t", partition: 1, offset: 0 }]);
      expect(consumer.position(place)).toBe(offset);
      expect((await next()).records[0]!.offset).toBe(offset);
    }
    await consumer.commit();
    expect(committed(0)).toBe(5);
    await consumer.close({ timeoutMs: 1 });
  });

  it("breaks after a commit by hand that is ahead of what was read: nothing of that is skipped", async () => {
    await fill(0, 20);
    broker.consumeMessageBytes = 16;
    const consumer = consumerOf({ autoCommit: false });
    const iterator = consumer[Symbol.asyncIterator]();
    await iterator.next();
    await consumer.commit([{ topic: "t", partition: 0, offset: 15 }]);
    groups().breakAll("g");
    await consumer.commit([{ topic: "t", partition: 1, offset: 0 }]);
    expect((await iterator.next()).value!.records[0]!.offset).toBe(5);
    await consumer.close({ timeoutMs: 1 });
  });

  it("is not known to the group any more: what it had is lost, nothing of it is committed, and it joins anew", async () => {
    await fill(0, 20);
    broker.consumeMessageBytes = 16;
    const lost: string[] = [];
    const consumer = consumerOf({
      autoCommit: false,
      onLost: (partitions) => lost.push(...partitions.map(({ topic, partition }) => `${topic}/${partition}`)),
    });
    const iterator = consumer[Symbol.asyncIterator]();
    await iterator.next();
    const batch = (await iterator.next()).value!;
    const before = consumer.memberId;
    groups().expelAll("g");
    await until(() => lost.length === 2);
    await expect(consumer.commit(batch)).rejects.toMatchObject({ reason: "NOT_ASSIGNED" });
    expect((await iterator.next()).value!.records[0]!.offset).toBe(0);
    expect(consumer.memberId).not.toBe(before);
    const elsewhere = [{ topic: "t", partition: 99, offset: 1 }];
    await expect(consumer.commit(elsewhere)).rejects.toMatchObject({ reason: "NOT_ASSIGNED" });
    expect(lost.sort()).toEqual(["t/0", "t/1"]);
    await consumer.close();
  });

  it("hears of a commit that it is no member: it joins anew", async () => {
    await fill(0, 20);
    groups().faults.commits.push(new VarveError("UNKNOWN_MEMBER_ID", "Who are you?"));
    await read(consumerOf(), () => committed(0) === 20);
    expect(groups().joins).toBe(2);
  });

  it("is silent for a session timeout: it hands out nothing more before it is back, since somebody else may have it all", async () => {
    await fill(0, 50);
    broker.consumeMessageBytes = 16;
    groups().sessionTimeoutMs = 10_000;
    const lost: number[] = [];
    const consumer = consumerOf({ onLost: (partitions) => lost.push(partitions.length), autoCommit: false });
    const iterator = consumer[Symbol.asyncIterator]();
    await iterator.next();
    groups().silent = true;
    await until(() => lost.length > 0);
    expect(consumer.assignment).toEqual([]);
    let isDone = false;
    const next = iterator.next().then((result) => {
      isDone = true;
      return result;
    });
    await until(() => groups().sessions > 1 || groups().joins === 1);
    expect(isDone).toBe(false);
    groups().silent = false;
    groups().expelAll("g");
    expect((await next).value!.records[0]!.offset).toBe(0);
    await consumer.close();
  });

  it("sends heartbeats though nobody asks for the next batch", async () => {
    await fill(0, 10);
    groups().sessionTimeoutMs = 10_000;
    const consumer = consumerOf();
    const iterator = consumer[Symbol.asyncIterator]();
    await iterator.next();
    await until(() => groups().heartbeats > 3);
    await consumer.close();
  });

  it("gives back only what is drained and committed, and then reads nothing of it", async () => {
    await fill(0, 200);
    await fill(1, 200);
    broker.consumeMessageBytes = 16;
    const asked: number[] = [];
    const first = consumerOf({
      onRevoke: (partitions) => void asked.push(...partitions.map(({ partition }) => partition)),
    });
    const iterator = first[Symbol.asyncIterator]();
    const inHand = new Map<number, ConsumedBatch>();
    for (let count = 0; count < 6; count++) {
      const batch = (await iterator.next()).value!;
      inHand.set(batch.partition, batch);
    }
    const second = consumerOf();
    const its = second[Symbol.asyncIterator]().next();
    await until(() => asked.length > 0);
    // It is drained once the batch in hand is finished, which the next poll says.
    const after: number[] = [];
    for (let count = 0; count < 10; count++) after.push((await iterator.next()).value!.partition);
    const start = (await its).value!;
    expect(asked).toEqual([start.partition]);
    expect(after).not.toContain(start.partition);
    expect(start.records[0]!.offset).toBe(inHand.get(start.partition)!.nextOffset);
    await Promise.all([first.close({ timeoutMs: 1 }), second.close({ timeoutMs: 1 })]);
  });

  it("gives back after revokeTimeoutMs what is not drained, and what is finished of it later counts for nothing", async () => {
    await fill(0, 20);
    await fill(1, 20);
    broker.consumeMessageBytes = 16;
    const first = consumerOf({ revokeTimeoutMs: 1_000 });
    const hung = first.run(() => new Promise(() => undefined), { concurrency: 4 });
    await until(() => first.assignment.length === 2);
    const second = consumerOf();
    const seen = await read(second, () => [0, 1].some((partition) => committed(partition) === 20));
    expect([...seen.values()]).toEqual([range(20)]);
    await first.close({ timeoutMs: 1 });
    await hung;
    expect(new Set([committed(0), committed(1)])).toEqual(new Set([0, 20]));
  });

  it.each(["STORAGE_FULL", "INVALID_REQUEST"] as const)(
    "is unhealthy when commits are refused with %s, until they are not",
    async (reason) => {
      await fill(0, 10);
      broker.consumeMessageBytes = 16;
      const consumer = consumerOf({ stuckAfterMs: 2_000 });
      groups().faults.commits.push(...range(1000).map(() => new VarveError(reason, "There is no room")));
      const iterator = consumer[Symbol.asyncIterator]();
      for (const offset of [0, 5]) expect((await iterator.next()).value!.records[0]!.offset).toBe(offset);
      const next = iterator.next();
      // On a slow machine that is so before the first answer, and has no reason yet.
      await until(() => /Nothing was committed.*no room/.test(consumer.health().why ?? ""));
      expect(consumer.health()).toMatchObject({ isHealthy: false, lag: 0 });
      groups().faults.commits.length = 0;
      await fill(0, 5, 10);
      await next;
      void iterator.next();
      await until(() => consumer.health().isHealthy);
      await consumer.close({ timeoutMs: 1 });
      expect(committed(0)).toBe(15);
    },
  );

  it("is not unhealthy for what it could not commit while it was out of its group, once it is back", async () => {
    await fill(0, 10);
    broker.consumeMessageBytes = 16;
    const consumer = consumerOf({ stuckAfterMs: 500_000, commitIntervalMs: 1, reconnectTimeoutMs: 3_600_000 });
    const iterator = consumer[Symbol.asyncIterator]();
    await iterator.next();
    groups().faults.commits.push("break", new VarveError("BUSY", "Later"), new VarveError("BUSY", "Later"));
    groups().faults.joins.push(new VarveError("COORDINATOR_LOADING", "Not yet"));
    await iterator.next();
    await until(() => groups().faults.joins.length === 0);
    clock.advance(499_999);
    await until(() => groups().faults.commits.length < 2);
    expect(consumer.health().isHealthy).toBe(true);
    await consumer.close({ timeoutMs: 1 });
  });

  it("goes on at another node when its own is gone, and comes back", async () => {
    await start(2);
    cluster.elect("t", 0, 2);
    await fill(0, 50);
    broker.consumeMessageBytes = 16;
    const consumer = consumerOf({ reconnectTimeoutMs: 60_000_000 });
    let isStopped = false;
    const seen = await read(
      consumer,
      () => committed(0) === 100,
      ({ nextOffset, partition }) => {
        if (nextOffset < 25 || isStopped || partition !== 0) return;
        isStopped = true;
        broker.stop();
        void fill(0, 50, 50);
      },
    );
    expect(seen.get(0)).toEqual(range(100));
    expect(groups().joins).toBeGreaterThan(1);
  });

  it("waits for a broker that is gone and comes back, and says so by its health meanwhile", async () => {
    const consumer = consumerOf({ stuckAfterMs: 2_000, reconnectTimeoutMs: 60_000_000 });
    const iterator = consumer[Symbol.asyncIterator]();
    const next = iterator.next();
    await until(() => consumer.assignment.length === 2);
    expect(consumer.health()).toMatchObject({ isHealthy: true });
    broker.stop();
    await until(() => !consumer.health().isHealthy);
    expect(consumer.health().why).toMatch(/out of its group for \d+/);
    await broker.restart();
    await fill(1, 5);
    expect((await next).done).toBe(false);
    await consumer.commit((await next).value);
    await until(() => consumer.health().isHealthy);
    await consumer.close();
    expect(consumer.health()).toMatchObject({ isHealthy: false, why: "It has ended: it was closed" });
  });

  it("gives up after reconnectTimeoutMs, with the reason", async () => {
    const consumer = consumerOf({ reconnectTimeoutMs: 5_000 });
    groups().faults.joins.push(...range(1000).map(() => new VarveError("COORDINATOR_LOADING", "Not yet")));
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({ reason: "COORDINATOR_LOADING" });
    expect(groups().faults.joins.length).toBeLessThan(995);
  });

  it("breaks while it is closed: the last commit is sent in the next session, without waiting for time to be up", async () => {
    await fill(0, 5);
    const consumer = consumerOf({ commitIntervalMs: 2 ** 30 });
    const iterator = consumer[Symbol.asyncIterator]();
    await iterator.next();
    void iterator.next();
    groups().faults.commits.push("break");
    // In an hour of this clock, which are three minutes, the test is over.
    await consumer.close({ timeoutMs: 3_600_000 });
    expect(committed(0)).toBe(5);
  });

  it("counts reconnectTimeoutMs from the first failure: one that was not used for long does not end with it", async () => {
    await fill(0, 5);
    const consumer = consumerOf({ reconnectTimeoutMs: 3_600_000, stuckAfterMs: 3_600_000 });
    // As if it had been made hours ago.
    clock.advance(7_200_000);
    expect(consumer.health()).toMatchObject({ isHealthy: true, outMs: undefined });
    groups().faults.joins.push(new VarveError("COORDINATOR_LOADING", "Not yet"));
    const iterator = consumer[Symbol.asyncIterator]();
    expect((await iterator.next()).value!.records).toHaveLength(5);
    // And as if it had been in its group for hours: the next failure is the first again.
    clock.advance(7_200_000);
    groups().faults.joins.push(new VarveError("COORDINATOR_LOADING", "Not yet"));
    groups().breakAll("g");
    await until(() => groups().faults.joins.length === 0 && groups().sessions === 1);
    await consumer.close({ timeoutMs: 1 });
    expect(consumer.health().why).toBe("It has ended: it was closed");
  });

  it("is let in by nobody, though its node answers: it looks for another one, and gives up in the end", async () => {
    groups().silent = true;
    const client = new Client({ address: broker.address, clock, requestTimeoutMs: 5_000 });
    clients.push(client);
    const consumer = client.consumer({ group: "g", topics: ["t"], reconnectTimeoutMs: 20_000 });
    const startMs = clock.monotonicMs();
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({ reason: "REQUEST_TIMED_OUT" });
    // It did not end with the first try.
    expect(clock.monotonicMs() - startMs).toBeGreaterThan(20_000);
  });

  it("reads a topic that was made again under its name from the beginning, and does not end for the former one", async () => {
    await fill(0, 10);
    const lost: number[] = [];
    const onLost = (partitions: readonly { partition: number }[]) =>
      void lost.push(...partitions.map(({ partition }) => partition));
    const consumer = consumerOf({ sessionTimeoutMs: 1_000, onLost });
    const iterator = consumer[Symbol.asyncIterator]();
    expect((await iterator.next()).value!.nextOffset).toBe(10);
    const gone = new VarveError("UNKNOWN_TOPIC", "There is no such topic");
    broker.consumeRefusals.push(gone, gone, gone, gone, gone, gone);
    const place = [{ topic: "t", partition: 0 }];
    consumer.pause(place);
    consumer.resume(place);
    await until(() => broker.consumeRefusals.length === 0);
    const failedMs = clock.monotonicMs();
    broker.createTopic("t", 2);
    groups().recreate("g", ["t/0", "t/1"]);
    const next = iterator.next();
    await until(() => lost.length === 2 && clock.monotonicMs() - failedMs > 2_000);
    await fill(0, 5);
    expect((await next).value!.records.map(({ offset }) => offset)).toEqual(range(5));
    await consumer.close({ timeoutMs: 1 });
  });

  it("was away while its topic was made again, and somebody committed there: it begins there, not where the former one was", async () => {
    await fill(0, 10);
    const lost: number[] = [];
    const onLost = (partitions: readonly { partition: number }[]) =>
      void lost.push(...partitions.map(({ partition }) => partition));
    const consumer = consumerOf({ autoCommit: false, onLost });
    const iterator = consumer[Symbol.asyncIterator]();
    expect((await iterator.next()).value!.nextOffset).toBe(10);
    const next = iterator.next();
    groups().breakAll("g");
    cluster.topics.delete("t");
    broker.createTopic("t", 2);
    groups().recreate("g", ["t/0", "t/1"], 3);
    await until(() => lost.length === 2);
    await fill(0, 15);
    expect((await next).value!.records[0]!.offset).toBe(3);
    await consumer.commit();
    expect(committed(0)).toBe(3);
    await consumer.close({ timeoutMs: 1 });
  });

  it("is told what it has in several messages: it commits nothing before the last one, and keeps its places", async () => {
    await fill(0, 40);
    await fill(1, 40);
    broker.consumeMessageBytes = 16;
    groups().splitAssignments = true;
    groups().faults.breaks.push(4, 4, 5);
    const seen = await read(consumerOf(), () => committed(0) === 40 && committed(1) === 40);
    for (const partition of [0, 1]) expect(seen.get(partition)).toEqual(range(40));
  });

  it("leaves no second member behind when the answer to its join is lost, and has another name after it was forgotten", async () => {
    await fill(0, 10);
    groups().faults.breaks.push(0, 0);
    const consumer = consumerOf({ clientId: "billing" });
    const iterator = consumer[Symbol.asyncIterator]();
    await iterator.next();
    const before = consumer.memberId;
    expect(before).toMatch(/^billing-[0-9a-f-]{36}$/);
    expect([groups().joins, [...groups().group("g").members.keys()]]).toEqual([3, [before]]);
    groups().expelAll("g");
    await iterator.next();
    expect(consumer.memberId).not.toBe(before);
    await consumer.close({ timeoutMs: 1 });
  });

  it("seeks in nothing that it is giving back: another one waits for that", async () => {
    await fill(0, 10);
    await fill(1, 10);
    const seeks: Promise<unknown>[] = [];
    const first = consumerOf({
      onRevoke: ([place]) => {
        seeks.push(first.seek(place!, { kind: "offset", offset: 0 }).catch((error: unknown) => error));
      },
    });
    await first[Symbol.asyncIterator]().next();
    await until(() => first.assignment.length === 2);
    const second = consumerOf();
    const its = second[Symbol.asyncIterator]().next();
    await until(() => seeks.length > 0);
    expect(await seeks[0]).toMatchObject({ reason: "INVALID_REQUEST" });
    await Promise.all([first.close({ timeoutMs: 1 }), second.close({ timeoutMs: 1 })]);
    await its;
  });

  it("stays where it is in a partition whose new leader knows the high watermark late, when another one is out of range", async () => {
    await fill(0, 10);
    const consumer = consumerOf();
    const iterator = consumer[Symbol.asyncIterator]();
    expect((await iterator.next()).value!.nextOffset).toBe(10);
    const next = iterator.next();
    broker.watermarksBehind = 2;
    broker.consumeRefusals.push(new VarveError("OFFSET_OUT_OF_RANGE", "Not kept"));
    const other = [{ topic: "t", partition: 1 }];
    const asked = broker.listOffsetsCalls;
    consumer.pause(other);
    await until(() => broker.listOffsetsCalls > asked);
    await fill(0, 5, 10);
    expect((await next).value!.records[0]!.offset).toBe(10);
    await consumer.close({ timeoutMs: 1 });
  });

  it("is told that a topic is gone: it goes on with the others", async () => {
    await fill(1, 10);
    const lost: number[] = [];
    const consumer = consumerOf({ onLost: (partitions) => lost.push(...partitions.map(({ partition }) => partition)) });
    const iterator = consumer[Symbol.asyncIterator]();
    await iterator.next();
    groups().lose("g", ["t/0"]);
    await until(() => lost.length > 0);
    expect(lost).toEqual([0]);
    expect(consumer.assignment.map(({ partition }) => partition)).toEqual([1]);
    const last = iterator.next();
    await consumer.close({ timeoutMs: 600_000 });
    expect((await last).done).toBe(true);
    expect(committed(1)).toBe(10);
  });
});
