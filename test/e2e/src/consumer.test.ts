// SPDX-License-Identifier: Apache-2.0
// Consumers in groups against the real broker, in one process: shared, handed over, moved, limited, at their end, and after restarts.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Broker } from "@varve/broker";
import { connect, type Client, type Consumer, type ConsumerOptions } from "@varve/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "./free-port.ts";
import { until } from "./until.ts";

let dataDir: string;
let port: number;
let broker: Broker;
let client: Client;

async function startBroker(): Promise<Broker> {
  return Broker.start({ dataDir, allowTmpfs: true, listeners: { grpc: { port }, http: false } });
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "varve-consumer-"));
  port = await freePort();
  broker = await startBroker();
  client = await connect({ address: broker.addresses.grpc });
});

afterEach(async () => {
  await client.close();
  await broker.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function produce(topic: string, count: number, from = 0): Promise<void> {
  const producer = client.producer();
  const sends = Array.from({ length: count }, (_, index) =>
    producer.send({ topic, key: `k${(from + index) % 50}`, value: String(from + index) }),
  );
  await Promise.all(sends);
  await producer.close();
}

function consumerOf(options: Partial<ConsumerOptions> = {}, by: Client = client): Consumer {
  return by.consumer({ group: "g", topics: ["t"], start: { kind: "earliest" }, commitIntervalMs: 50, ...options });
}

/** Total lag of the group; 0 only when it is there and every partition has a committed offset at its end. */
async function lagOf(group: string, partitions: number): Promise<number> {
  const { groups } = await client.groups.list({ prefix: group });
  if (groups.length === 0) return Infinity;
  const { lags } = await client.groups.describe({ group });
  if (lags.length < partitions || lags.some(({ lag }) => lag < 0)) return Infinity;
  return lags.reduce((sum, { lag }) => sum + lag, 0);
}

async function caughtUp(group: string, partitions: number): Promise<void> {
  await until(`group ${group} has caught up`, async () => (await lagOf(group, partitions)) === 0);
}

describe("a consumer", () => {
  it("joins, reads, commits, and goes on there, also after a restart of the broker", async () => {
    await client.admin.createTopic({ topic: "t", partitions: 3 });
    await produce("t", 500);
    const seen: string[] = [];
    const first = consumerOf();
    const run = first.run(({ value }) => void seen.push(Buffer.from(value!).toString()), { concurrency: 10 });
    await caughtUp("g", 3);
    await first.close();
    await run;
    expect(seen).toHaveLength(500);
    await broker.close();
    broker = await startBroker();
    await produce("t", 100, 500);
    const second = consumerOf();
    for await (const batch of second) {
      seen.push(...batch.records.map(({ value }) => Buffer.from(value!).toString()));
      await second.commit(batch);
      if (seen.length >= 600) break;
    }
    expect(new Set(seen).size).toBe(600);
    expect(seen).toHaveLength(600);
  });

  it("shares with others, hands over without doing anything twice, and keeps the order of each key", async () => {
    await client.admin.createTopic({ topic: "t", partitions: 6 });
    await produce("t", 1000);
    const byKey = new Map<string, number[]>();
    const handler = async ({ key, value }: { key: Uint8Array | null; value: Uint8Array | null }): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      const name = Buffer.from(key!).toString();
      byKey.set(name, [...(byKey.get(name) ?? []), Number(Buffer.from(value!).toString())]);
    };
    const consumers: Consumer[] = [];
    const runs: Promise<void>[] = [];
    for (let count = 0; count < 3; count++) {
      const consumer = consumerOf();
      consumers.push(consumer);
      runs.push(consumer.run(handler, { concurrency: 8 }));
      await until("it has partitions", () => consumer.assignment.length > 0);
      await produce("t", 500, 1000 + 500 * count);
    }
    await until("each has its share", () => consumers.every(({ assignment }) => assignment.length === 2));
    await caughtUp("g", 6);
    await consumers[0]!.close();
    await produce("t", 500, 2500);
    await until("each has its share", () => consumers.slice(1).every(({ assignment }) => assignment.length === 3));
    await caughtUp("g", 6);
    await Promise.all(consumers.map((consumer) => consumer.close()));
    await Promise.all(runs);
    const all = [...byKey.values()];
    expect(all.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 3000 }, (_, index) => index));
    for (const order of all) expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it("goes on when its broker is restarted under it, and finds nothing missing", async () => {
    await client.admin.createTopic({ topic: "t", partitions: 2 });
    await produce("t", 200);
    const seen = new Set<string>();
    const consumer = consumerOf({ reconnectTimeoutMs: 600_000 });
    const run = consumer.run(({ value }) => void seen.add(Buffer.from(value!).toString()), { concurrency: 4 });
    await until("all is handled", () => seen.size === 200);
    await broker.close();
    broker = await startBroker();
    await produce("t", 200, 200);
    await until("all is handled", () => seen.size === 400);
    await caughtUp("g", 2);
    await consumer.close();
    await run;
  });

  it("is found by its group from outside: members, lag, offsets; and the group can be deleted when it is gone", async () => {
    await client.admin.createTopic({ topic: "t", partitions: 2 });
    await produce("t", 100);
    const consumer = consumerOf({ clientId: "tester" });
    const run = consumer.run(() => undefined);
    await caughtUp("g", 2);
    const described = await client.groups.describe({ group: "g" });
    expect(described).toMatchObject({ group: "g", state: "stable", assignor: "cooperative-sticky" });
    expect(described.members).toMatchObject([{ memberId: consumer.memberId, clientId: "tester" }]);
    expect((await client.groups.list()).groups).toEqual([{ group: "g", state: "stable", memberCount: 1 }]);
    const offsets = await client.groups.committedOffsets({ group: "g" });
    expect(offsets.reduce((sum, { offset }) => sum + offset, 0)).toBe(100);
    await expect(client.groups.delete({ group: "g" })).rejects.toMatchObject({ reason: "NON_EMPTY_GROUP" });
    await consumer.close();
    await run;
    await client.groups.commitOffsets({
      group: "g",
      offsets: [{ topic: "t", partition: 0, offset: 1, metadata: "note" }],
    });
    const [committed] = await client.groups.committedOffsets({
      group: "g",
      partitions: [{ topic: "t", partition: 0 }],
    });
    expect(committed).toMatchObject({ offset: 1, metadata: "note" });
    await client.groups.delete({ group: "g" });
    expect((await client.groups.list()).groups).toEqual([]);
  });

  it("goes on where a reset puts it, while it runs, and what it did before is not committed", async () => {
    await client.admin.createTopic({ topic: "t", partitions: 1 });
    await produce("t", 300);
    const seen: number[] = [];
    const moved: number[] = [];
    const consumer = consumerOf({ onMoved: (partitions) => moved.push(...partitions.map(({ offset }) => offset)) });
    const run = consumer.run(({ offset }) => void seen.push(offset));
    await until("all is handled", () => seen.length === 300);
    for (const offset of [100, 250, 7]) {
      const [dry] = await client.groups.reset({ group: "g", position: { kind: "offset", offset }, validateOnly: true });
      expect(dry).toMatchObject({ topic: "t", partition: 0, toOffset: offset, error: null });
      const before = seen.length;
      await client.groups.reset({ group: "g", topic: "t", position: { kind: "offset", offset } });
      await until("all is handled", () => seen.length >= before + 300 - offset);
      expect(seen.slice(before)).toEqual(Array.from({ length: 300 - offset }, (_, index) => offset + index));
    }
    expect(moved).toEqual([100, 250, 7]);
    await caughtUp("g", 1);
    await consumer.close();
    await run;
  });
});
