// SPDX-License-Identifier: Apache-2.0
// The client against the real broker, in one process: what goes in comes out, in order, once, whatever happens in between.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Broker } from "@varve/broker";
import { connect, VarveError, type Client, type ConsumedRecord, type Reader } from "@varve/client";
import { partitionForKey, type Codec } from "@varve/format";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "./free-port.ts";

let dataDir: string;
let broker: Broker;
let client: Client;

async function startBroker(port: number): Promise<Broker> {
  return Broker.start({ dataDir, allowTmpfs: true, listeners: { grpc: { port }, http: false } });
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "varve-client-"));
  broker = await startBroker(await freePort());
  client = await connect({ address: broker.addresses.grpc });
});

afterEach(async () => {
  await client.close();
  await broker.close();
  await rm(dataDir, { recursive: true, force: true });
});

const textOf = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString());

async function all(reader: Reader): Promise<ConsumedRecord[]> {
  const records: ConsumedRecord[] = [];
  for await (const record of reader) records.push(record);
  return records;
}

const toEnd = { kind: "latest-at-start" } as const;

describe("a producer and a reader", () => {
  it("agree on key, value, headers, time, partition and offset of every record", async () => {
    await client.admin.createTopic({ topic: "t", partitions: 4 });
    const producer = client.producer();
    const sent = Array.from({ length: 5000 }, (_, index) => ({
      key: index % 7 === 0 ? null : `k${index % 100}`,
      value: index % 11 === 0 ? null : `value ${index}`,
      headers:
        index % 5 === 0
          ? [
              { key: "n", value: String(index) },
              { key: "none", value: null },
            ]
          : [],
      timestampMs: 1_600_000_000_000 + index,
    }));
    const acks = await Promise.all(sent.map((record) => producer.send({ topic: "t", ...record })));
    const read = await all(client.reader({ topic: "t", to: toEnd }));
    const byPlace = new Map(read.map((record) => [`${record.partition}@${record.offset}`, record]));
    expect(byPlace.size).toBe(5000);
    for (const [index, ack] of acks.entries()) {
      const { key, value, headers, timestampMs } = sent[index]!;
      const record = byPlace.get(`${ack.partition}@${ack.offset}`)!;
      expect(ack.ack).toMatchObject({ level: "all", durableReplicas: 1 });
      if (key !== null) expect(ack.partition).toBe(partitionForKey(Buffer.from(key), 4));
      const back = record.headers.map((header) => ({ key: header.key, value: textOf(header.value) }));
      expect([textOf(record.key), textOf(record.value), record.timestampMs, back]).toEqual([
        key,
        value,
        timestampMs,
        headers,
      ]);
      expect(record.leaderEpoch).toBe(ack.ack.leaderEpoch);
    }
    const offsets = new Map<number, number>();
    for (const record of read) {
      expect(record.offset).toBe(offsets.get(record.partition) ?? 0);
      offsets.set(record.partition, record.offset + 1);
    }
  });

  it.each<Codec>(["gzip", "snappy", "lz4", "zstd"])("agree on records compressed with %s", async (codec) => {
    await client.admin.createTopic({ topic: "t", partitions: 1 });
    const producer = client.producer({ codec });
    const values = Array.from({ length: 2000 }, (_, index) => `a value that repeats itself ${index}`);
    await Promise.all(values.map((value) => producer.send({ topic: "t", value })));
    const read = await all(client.reader({ topic: "t", to: toEnd }));
    expect(read.map((record) => textOf(record.value))).toEqual(values);
  });

  it("go on through a restart of the broker, with nothing lost and nothing twice", async () => {
    await client.admin.createTopic({ topic: "t", partitions: 2 });
    const port = Number(broker.addresses.grpc.split(":").at(-1));
    const producer = client.producer({ lingerMs: 0 });
    const total = 600;
    const reader = client.reader({ topic: "t", to: { kind: "count", count: total / 2 } });
    const reading = all(reader);
    const sends: Promise<unknown>[] = [];
    for (let index = 0; index < total; index++) {
      sends.push(producer.send({ topic: "t", partition: index % 2, value: String(index) }));
      if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (index === 200 || index === 400) {
        await broker.close();
        broker = await startBroker(port);
      }
    }
    await Promise.all(sends);
    const read = await reading;
    for (const partition of [0, 1]) {
      const values = read
        .filter((record) => record.partition === partition)
        .map((record) => Number(textOf(record.value)));
      expect(values).toEqual(Array.from({ length: total / 2 }, (_, index) => index * 2 + partition));
    }
  });

  it("tell the level that acks asked for", async () => {
    await client.admin.createTopic({ topic: "t", partitions: 1 });
    const level = async (acks: "all" | "leader" | "none"): Promise<string> =>
      (await client.producer({ acks }).send({ topic: "t", value: acks })).ack.level;
    expect([await level("all"), await level("leader"), await level("none")]).toEqual(["all", "leader", "none"]);
  });
});

describe("Reader positions", () => {
  beforeEach(async () => {
    await client.admin.createTopic({ topic: "t", partitions: 1, configs: { "segment.bytes": "1048576" } });
    const producer = client.producer();
    const send = (index: number): Promise<unknown> =>
      producer.send({ topic: "t", value: String(index), timestampMs: 1_600_000_000_000 + index * 1000 });
    await Promise.all(Array.from({ length: 1000 }, (_, index) => send(index)));
    await producer.close();
  });

  const values = async (options: Omit<Parameters<Client["reader"]>[0], "topic">): Promise<number[]> =>
    (await all(client.reader({ topic: "t", to: toEnd, ...options }))).map((record) => Number(textOf(record.value)));
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

  it("start and end by offset, time and count", async () => {
    expect(await values({ from: { kind: "offset", offset: 10 }, to: { kind: "offset", offset: 20 } })).toEqual(
      range(10, 20),
    );
    expect(await values({ from: { kind: "last", count: 5 } })).toEqual(range(995, 1000));
    const from = { kind: "time", timeMs: 1_600_000_300_000 } as const;
    expect(await values({ from, to: { kind: "time", timeMs: 1_600_000_310_000 } })).toEqual(range(300, 310));
    expect(await values({ from, to: { kind: "count", count: 3 } })).toEqual(range(300, 303));
  });

  it("filter by time, and count what was left out", async () => {
    const reader = client.reader({ topic: "t", fromTimeMs: 1_600_000_500_000, toTimeMs: 1_600_000_504_000, to: toEnd });
    expect((await all(reader)).map((record) => Number(textOf(record.value)))).toEqual(range(500, 504));
    expect(reader.skipped).toBe(996);
  });

  it("pause, seek and resume", async () => {
    const reader = client.reader({ topic: "t", to: toEnd });
    expect((await reader.next())!.offset).toBe(0);
    await reader.seek(0, { kind: "last", count: 2 });
    expect([(await reader.next())!.offset, (await reader.next())!.offset]).toEqual([998, 999]);
    expect(await reader.next()).toBeUndefined();
  });

  it("out of range fail with the valid range, or go on where they are told", async () => {
    const before = { kind: "offset", offset: 400 } as const;
    await client.admin.deleteRecords({ topic: "t", partitions: [{ partition: 0, before }] });
    const options = { topic: "t", from: { kind: "offset", offset: 3 }, to: toEnd } as const;
    const failure = await client
      .reader(options)
      .next()
      .then(
        () => expect.fail("it was read"),
        (error: VarveError) => error,
      );
    expect(failure).toMatchObject({ reason: "OFFSET_OUT_OF_RANGE", metadata: { logStartOffset: "400" } });
    const [first] = await all(client.reader({ ...options, onOutOfRange: "earliest" }));
    expect(first!.offset).toBe(400);
  });
});

describe("Client.append()", () => {
  it("appends only at the expected offset", async () => {
    await client.admin.createTopic({ topic: "t", partitions: 1 });
    const append = (expectedOffset: number): ReturnType<Client["append"]> =>
      client.append({ topic: "t", partition: 0, expectedOffset, records: [{ value: Buffer.from("v") }] });
    expect((await append(0)).results[0]).toMatchObject({ baseOffset: 0, lastOffset: 0 });
    await expect(append(0)).rejects.toMatchObject({ reason: "WRONG_EXPECTED_OFFSET" });
    expect((await append(1)).results[0]!.baseOffset).toBe(1);
  });
});

describe("Admin", () => {
  it("creates, describes, changes, lists and deletes topics", async () => {
    const created = await client.admin.createTopic({
      topic: "orders",
      partitions: 2,
      configs: { "retention.ms": "1000" },
    });
    expect(created).toMatchObject({ topic: "orders", replicationFactor: 1, internal: false });
    await expect(client.admin.createTopic({ topic: "orders" })).rejects.toMatchObject({
      reason: "TOPIC_ALREADY_EXISTS",
    });
    expect((await client.admin.describeTopic({ topic: "orders" })).topicId).toBe(created.topicId);
    expect((await client.admin.addPartitions({ topic: "orders", totalCount: 5 })).partitions).toHaveLength(5);
    const operations = [
      { name: "retention.ms", delete: true },
      { name: "flush", set: "os" },
    ];
    const entries = await client.admin.alterTopicConfig({ topic: "orders", operations });
    expect(entries.find((entry) => entry.name === "flush")).toMatchObject({
      value: "os",
      source: "CONFIG_SOURCE_TOPIC",
    });
    expect(await client.admin.describeTopicConfig({ topic: "orders" })).toEqual(entries);
    expect((await client.admin.listTopics({ prefix: "ord" })).map((topic) => topic.topic)).toEqual(["orders"]);
    const status = await client.admin.describePartitions({ topic: "orders", partitions: [4] });
    expect(status).toMatchObject([{ partition: 4, state: "PARTITION_STATE_ONLINE", highWatermark: 0 }]);
    expect((await client.admin.describeCluster()).brokers).toHaveLength(1);
    await client.admin.deleteTopic({ topic: "orders", topicId: created.topicId });
    await expect(client.admin.describeTopic({ topic: "orders" })).rejects.toMatchObject({ reason: "UNKNOWN_TOPIC" });
  });
});

describe("connect()", () => {
  it("says which addresses do not answer", async () => {
    const failure = await connect({ addresses: ["127.0.0.1:1", "localhost:1"], connectTimeoutMs: 300 }).then(
      () => expect.fail("it connected"),
      (error: VarveError) => error,
    );
    expect(failure.reason).toBe("UNREACHABLE");
    expect(failure.message).toContain('"127.0.0.1:1", "localhost:1"');
  });

  it("finds the node that answers among several addresses", async () => {
    const other = await connect({ addresses: ["127.0.0.1:1", broker.addresses.grpc] });
    expect(await other.admin.listTopics()).toEqual([]);
    await other.close();
  });
});
