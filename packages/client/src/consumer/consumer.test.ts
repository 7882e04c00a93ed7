// SPDX-License-Identifier: Apache-2.0
import { VarveError } from "@varve/api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../client.ts";
import { batchOf, MemoryBroker } from "../testing/memory-broker.ts";
import { until } from "../testing/until.ts";
import type { ConsumedBatch } from "./consumed-batch.ts";
import type { ConsumerOptions } from "./consumer-options.ts";
import type { Consumer } from "./consumer.ts";

let broker: MemoryBroker;
let client: Client;

beforeEach(async () => {
  broker = await MemoryBroker.start();
  broker.createTopic("t", 2);
  client = new Client({ address: broker.address });
});

afterEach(async () => {
  client.destroy();
  await until(() => groups().sessions === 0);
  broker.stop();
});

const groups = (): MemoryBroker["cluster"]["groups"] => broker.cluster.groups;
const committed = (key: string): number | undefined => groups().group("g").committed.get(key);
const numbers = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => String(from + index));

async function fill(partition: number, count: number, from = 0): Promise<void> {
  for (let at = 0; at < count; at += 10) {
    await broker.append("t", partition, batchOf(numbers(Math.min(10, count - at), from + at)));
  }
}

function consumerOf(options: Partial<ConsumerOptions> = {}): Consumer {
  return client.consumer({ group: "g", topics: ["t"], start: { kind: "earliest" }, commitIntervalMs: 5, ...options });
}

const valuesOf = (batch: ConsumedBatch): string[] => batch.records.map(({ value }) => Buffer.from(value!).toString());

/** Reads until so many records have come, then breaks off. */
async function read(consumer: Consumer, count: number): Promise<Map<number, string[]>> {
  const values = new Map<number, string[]>();
  let left = count;
  for await (const batch of consumer) {
    values.set(batch.partition, [...(values.get(batch.partition) ?? []), ...valuesOf(batch)]);
    left -= batch.records.length;
    if (left <= 0) {
      await consumer.commit(batch);
      break;
    }
  }
  return values;
}

describe("Consumer, by for await", () => {
  it("joins, reads its partitions, commits, and goes on there after a restart", async () => {
    await fill(0, 30);
    await fill(1, 20, 100);
    const values = await read(consumerOf(), 50);
    expect([values.get(0), values.get(1)]).toEqual([numbers(30), numbers(20, 100)]);
    expect([committed("t/0"), committed("t/1")]).toEqual([30, 20]);
    expect(groups().leaves).toEqual([false]);
    await fill(0, 5, 30);
    expect(await read(consumerOf(), 5)).toEqual(new Map([[0, numbers(5, 30)]]));
  });

  it("commits by itself what was handed out before the last poll, and not the batch in hand", async () => {
    await fill(0, 10);
    const consumer = consumerOf();
    const seen: string[] = [];
    for await (const batch of consumer) {
      seen.push(...valuesOf(batch));
      if (seen.length < 20) {
        expect(committed("t/0")).toBe(0);
        void fill(0, 10, 10);
      } else {
        await until(() => committed("t/0") === 10);
        break;
      }
    }
    expect(seen).toEqual(numbers(20));
    expect(committed("t/0")).toBe(10);
  });

  it("lets a commit by hand stand, also of a part of the batch in hand, and commits by itself what is behind it", async () => {
    await fill(0, 10);
    await fill(0, 10, 10);
    const consumer = consumerOf();
    for await (const batch of consumer) {
      await consumer.commit([
        { topic: "t", partition: batch.partition, offset: batch.nextOffset - 5, metadata: "half" },
      ]);
      break;
    }
    expect(committed("t/0")).toBe(15);
    const again = consumerOf();
    const iterator = again[Symbol.asyncIterator]();
    expect((await iterator.next()).value!.records[0]!.offset).toBe(15);
    await fill(0, 10, 20);
    expect((await iterator.next()).value!.records[0]!.offset).toBe(20);
    await until(() => committed("t/0") === 20);
    await iterator.return!();
    expect(committed("t/0")).toBe(20);
  });

  it("is sought and paused, and knows where it is and how far behind", async () => {
    await fill(0, 30);
    const place = { topic: "t", partition: 0 };
    const consumer = consumerOf({ autoCommit: false });
    const iterator = consumer[Symbol.asyncIterator]();
    const next = async (): Promise<ConsumedBatch> => (await iterator.next()).value!;
    await next();
    expect([consumer.position(place), consumer.lag(place), consumer.lag()]).toEqual([30, 30, 30]);
    expect(consumer.position({ topic: "other", partition: 0 })).toBeUndefined();
    await consumer.seek(place, { kind: "offset", offset: 25 });
    expect((await next()).records.map(({ offset }) => offset)).toEqual([25, 26, 27, 28, 29]);
    await consumer.seek(place, { kind: "last", count: 2 });
    expect((await next()).records.map(({ offset }) => offset)).toEqual([28, 29]);
    expect(consumer.lag()).toBe(2);
    consumer.pause([place]);
    await fill(0, 5, 30);
    await fill(1, 5);
    expect((await next()).partition).toBe(1);
    consumer.resume([place]);
    expect((await next()).records[0]!.offset).toBe(30);
    consumer.pause();
    const waiting = next();
    await fill(1, 5, 5);
    await consumer.commit();
    expect([committed("t/0"), committed("t/1")]).toEqual([35, 5]);
    consumer.resume();
    expect((await waiting).records[0]!.offset).toBe(5);
    await expect(consumer.seek({ topic: "other", partition: 0 }, { kind: "latest" })).rejects.toThrow(
      /does not have it/,
    );
    await consumer.close({ timeoutMs: 50 });
  });

  describe("seek", () => {
    const place = { topic: "t", partition: 0 };

    /** A group that has committed 10 of 30 records in batches of 10: its member is sought to `offset`, and handles so many batches there. */
    async function soughtTo(offset: number, batches: number): Promise<number | undefined> {
      broker.consumeMessageBytes = 16;
      await fill(0, 30);
      groups().group("g").committed.set("t/0", 10);
      // Commits by itself only when it is closed.
      const consumer = consumerOf({ commitIntervalMs: 2 ** 30 });
      const iterator = consumer[Symbol.asyncIterator]();
      const first = iterator.next();
      await until(() => consumer.position(place) !== undefined);
      expect((await first).value!.records[0]!.offset).toBe(10);
      await consumer.seek(place, { kind: "offset", offset });
      for (let count = 0; count < batches; count++) {
        expect((await iterator.next()).value!.records[0]!.offset).toBe(offset + 10 * count);
      }
      // The batch in hand is not finished by leaving.
      await iterator.return!();
      return committed("t/0");
    }

    it("forward, and closed: the sought place is not committed, as nothing before it was handled", async () => {
      expect(await soughtTo(20, 0)).toBe(10);
    });

    it("back, and closed: the group stays where it was", async () => {
      expect(await soughtTo(0, 0)).toBe(10);
    });

    it("forward, and a batch handled: the group is behind that", async () => {
      await fill(0, 10, 30);
      expect(await soughtTo(20, 2)).toBe(30);
    });

    it("back, and a batch handled: the group goes back with its member, who would begin behind that batch again", async () => {
      expect(await soughtTo(0, 2)).toBe(10);
      groups().groups.clear();
      broker.cluster.topics.delete("t");
      broker.createTopic("t", 2);
      groups().group("g").committed.set("t/0", 30);
      await fill(0, 40);
      const consumer = consumerOf({ commitIntervalMs: 2 ** 30 });
      const iterator = consumer[Symbol.asyncIterator]();
      await iterator.next();
      await consumer.seek(place, { kind: "offset", offset: 0 });
      for (const offset of [0, 10]) expect((await iterator.next()).value!.records[0]!.offset).toBe(offset);
      await iterator.return!();
      expect(committed("t/0")).toBe(10);
    });

    it("what was finished before it is committed, wherever it goes", async () => {
      broker.consumeMessageBytes = 16;
      await fill(0, 30);
      const consumer = consumerOf({ commitIntervalMs: 2 ** 30 });
      const iterator = consumer[Symbol.asyncIterator]();
      for (const offset of [0, 10]) expect((await iterator.next()).value!.records[0]!.offset).toBe(offset);
      await consumer.seek(place, { kind: "earliest" });
      await iterator.return!();
      expect(committed("t/0")).toBe(10);
    });

    it.each([
      ["is not sent yet", [], "wanted"],
      ["is refused for now", [new VarveError("BUSY", "Later")], "asked"],
      ["is lost with its session", ["break"], "asked"],
    ] as const)("a commit that was asked for before it, and %s, is made", async (_, faults, state) => {
      broker.consumeMessageBytes = 16;
      await fill(0, 30);
      const consumer = consumerOf({ autoCommit: false });
      const iterator = consumer[Symbol.asyncIterator]();
      const batch = (await iterator.next()).value!;
      groups().faults.commits.push(...faults);
      // One request at a time: the next one waits for its answer.
      const before = state === "wanted" ? consumer.commit([{ topic: "t", partition: 1, offset: 0 }]) : undefined;
      const commit = consumer.commit(batch);
      await consumer.seek(place, { kind: "offset", offset: 20 });
      await Promise.all([before, commit]);
      expect(committed("t/0")).toBe(10);
      expect((await iterator.next()).value!.records[0]!.offset).toBe(20);
      await iterator.return!();
      expect(committed("t/0")).toBe(10);
    });

    it("what was finished before it, and is on its way to be committed, is committed", async () => {
      broker.consumeMessageBytes = 16;
      await fill(0, 30);
      const consumer = consumerOf();
      const iterator = consumer[Symbol.asyncIterator]();
      groups().faults.commits.push(new VarveError("BUSY", "Later"), new VarveError("BUSY", "Later"));
      for (const offset of [0, 10]) expect((await iterator.next()).value!.records[0]!.offset).toBe(offset);
      await until(() => groups().faults.commits.length < 2);
      await consumer.seek(place, { kind: "earliest" });
      await iterator.return!();
      expect(committed("t/0")).toBe(10);
    });

    it("a commit that was asked for before it does not overtake what is committed behind it", async () => {
      broker.consumeMessageBytes = 16;
      await fill(0, 30);
      const consumer = consumerOf({ autoCommit: false });
      const iterator = consumer[Symbol.asyncIterator]();
      const ahead = [await iterator.next(), await iterator.next()].map(({ value }) => value!);
      groups().faults.commits.push("break");
      const commit = consumer.commit(ahead[1]);
      await consumer.seek(place, { kind: "earliest" });
      const again = (await iterator.next()).value!;
      expect(again.records[0]!.offset).toBe(0);
      await Promise.all([commit, consumer.commit(again)]);
      expect(committed("t/0")).toBe(10);
      await iterator.return!();
    });

    it("a commit by hand says it all the same", async () => {
      await fill(0, 30);
      const consumer = consumerOf({ autoCommit: false });
      const iterator = consumer[Symbol.asyncIterator]();
      await iterator.next();
      await consumer.seek(place, { kind: "offset", offset: 25 });
      await consumer.commit();
      expect(committed("t/0")).toBe(0);
      await consumer.commit([{ ...place, offset: 25 }]);
      await iterator.return!();
      expect(committed("t/0")).toBe(25);
    });
  });

  it("ends with a goodbye and the reason when a partition cannot be read", async () => {
    await fill(0, 10);
    broker.consumeRefusals.push(new VarveError("PARTITION_QUARANTINED", "Damaged"));
    const failure = consumerOf().run(() => undefined);
    await expect(failure).rejects.toMatchObject({ reason: "PARTITION_QUARANTINED" });
    expect(groups().leaves).toEqual([false]);
  });

  it("knows by health that it stands still, and that it was told to", async () => {
    await fill(0, 10);
    const consumer = consumerOf({ stuckAfterMs: 20, lagIntervalMs: 5 });
    const iterator = consumer[Symbol.asyncIterator]();
    await iterator.next();
    await until(() => !consumer.health().isHealthy);
    expect(consumer.health()).toMatchObject({ why: expect.stringContaining("t/0") as string, lag: 10 });
    consumer.pause();
    expect(consumer.health().isHealthy).toBe(true);
    consumer.resume();
    const next = iterator.next();
    await until(() => consumer.lag() === 0);
    expect(consumer.health().isHealthy).toBe(true);
    await consumer.close();
    expect((await next).done).toBe(true);
  });

  it("receives no more than prefetchBytes ahead, and goes on when that is read", async () => {
    broker.consumeMessageBytes = 16;
    for (let batch = 0; batch < 200; batch++) await fill(batch % 2, 10, batch * 10);
    const consumer = consumerOf({ prefetchBytes: 2000 });
    let count = 0;
    const iterator = consumer[Symbol.asyncIterator]();
    while (count < 2000) count += (await iterator.next()).value!.records.length;
    expect(count).toBe(2000);
    await consumer.close({ timeoutMs: 50 });
  });

  it("ends without error when it is closed, with what is under way committed, and rejects when it cannot go on", async () => {
    await fill(0, 10);
    const consumer = consumerOf();
    const iterator = consumer[Symbol.asyncIterator]();
    const first = await iterator.next();
    expect(first.done).toBe(false);
    const second = iterator.next();
    await consumer.close();
    expect(await second).toEqual({ done: true, value: undefined });
    expect(committed("t/0")).toBe(10);
    const refused = consumerOf();
    groups().faults.joins.push(new VarveError("FENCED_INSTANCE_ID", "Another one"));
    await expect(refused[Symbol.asyncIterator]().next()).rejects.toMatchObject({ reason: "FENCED_INSTANCE_ID" });
  });
});
