// SPDX-License-Identifier: Apache-2.0
// The client and several nodes: it goes to leaders, follows them, and needs to know one address only.

import { VarveError, type ConsumedRecord } from "@varve/api";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "./client.ts";
import { systemClock, type Clock } from "./clock.ts";
import type { ProducerOptions } from "./producer/producer.ts";
import { batchOf, MemoryBroker, MemoryCluster } from "./testing/memory-broker.ts";
import { until } from "./testing/until.ts";

let cluster: MemoryCluster;
let brokers: [MemoryBroker, MemoryBroker, MemoryBroker];
const clients: Client[] = [];

/** Time goes 20 times as fast. */
const hurried: Clock = {
  ...systemClock,
  monotonicMs: () => systemClock.monotonicMs() * 20,
  setTimer: (delayMs, run) => systemClock.setTimer(delayMs / 20, run),
};

/** No verdict by the clock. */
const patient: ProducerOptions = { lingerMs: 0, deliveryTimeoutMs: 2_000_000 };
const reconnectTimeoutMs = 6_000_000;

/** Knows the first node alone. */
function clientOf(clock: Clock = hurried): Client {
  const client = new Client({ address: brokers[0].address, clock, requestTimeoutMs: 600_000 });
  clients.push(client);
  return client;
}

beforeEach(async () => {
  cluster = new MemoryCluster();
  const start = (nodeId: number): Promise<MemoryBroker> => MemoryBroker.start({ nodeId, cluster });
  brokers = [await start(1), await start(2), await start(3)];
  brokers[0].createTopic("t", 3);
  for (const partition of [0, 1, 2]) cluster.elect("t", partition, partition + 1);
});

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  for (const broker of brokers) broker.stop();
});

const textOf = (record: Pick<ConsumedRecord, "value">): string => Buffer.from(record.value ?? []).toString();
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));
const stored = (partition: number): string[] => brokers[0].records("t", partition).map(textOf);

async function fill(partition: number, count: number, from = 0): Promise<void> {
  for (let at = 0; at < count; at += 10) {
    const values = Array.from({ length: Math.min(10, count - at) }, (_, index) => String(from + at + index));
    await brokers[0].append("t", partition, batchOf(values));
  }
}

describe("Producer in a cluster", () => {
  /** To partition 1, by a producer that goes to node 2 with it; `before`: so many records are there. */
  async function sendToSecond(): Promise<{ send: (value: string) => Promise<unknown>; before: number }> {
    const producer = clientOf().producer(patient);
    const send = (value: string): Promise<unknown> => producer.send({ topic: "t", partition: 1, value });
    await send("0");
    await until(() => brokers[1].requests > 0 || (void send("more"), false));
    await producer.flush();
    return { send, before: stored(1).length };
  }

  it("goes to the leader of each partition, found through one address", async () => {
    const producer = clientOf().producer(patient);
    const send = (value: string): Promise<unknown> =>
      Promise.all([0, 1, 2].map((partition) => producer.send({ topic: "t", partition, value })));
    await send("first");
    await until(() => brokers.every(({ requests }) => requests > 0) || (void send("more"), false));
    await producer.flush();
    const before = brokers.map(({ forwarded }) => forwarded);
    for (const value of numbers(20)) await send(value);
    expect(brokers.map(({ forwarded }) => forwarded)).toEqual(before);
    expect(stored(2).slice(-20)).toEqual(numbers(20));
  });

  it("goes on when the only address that it was given is gone", async () => {
    const client = clientOf();
    const producer = client.producer(patient);
    await client.admin.describeCluster();
    await producer.send({ topic: "t", partition: 1, value: "0" });
    brokers[0].stop();
    cluster.elect("t", 0, 3);
    const values = numbers(10).slice(1);
    const acks = await Promise.all(
      values.flatMap((value) => [0, 1].map((partition) => producer.send({ topic: "t", partition, value }))),
    );
    expect(acks).toHaveLength(18);
    expect([stored(0), stored(1)]).toEqual([values, numbers(10)]);
    expect(await client.admin.describeTopic({ topic: "t" })).toMatchObject({ topic: "t" });
  });

  it("leaves a leader that says nothing any more for the one that the others name", async () => {
    const { send, before } = await sendToSecond();
    brokers[1].silent = true;
    const sends = numbers(5).map(send);
    cluster.elect("t", 1, 3);
    await Promise.all(sends);
    expect(stored(1).slice(before)).toEqual(numbers(5));
  });

  it("leaves a node that passes on to a leader which says nothing, for the one that it names itself", async () => {
    const { send, before } = await sendToSecond();
    brokers[1].silent = true;
    // Whoever it is passed on by waits for the stopped leader, as long as nobody knows of another.
    const waiting: (() => void)[] = [];
    brokers[0].held = waiting;
    const sends = numbers(5).map(send);
    await until(() => waiting.length > 0);
    cluster.elect("t", 1, 3);
    // It knows now, and what comes to it from here on goes there. On a busy machine the client may take the new leader for silent.
    brokers[0].held = undefined;
    await Promise.all(sends);
    expect(stored(1).slice(before)).toEqual(numbers(5));
  });

  it("sends nothing to an address that leads to another cluster, nor waits for one that leads nowhere", async () => {
    const other = new MemoryCluster();
    other.clusterId = "another";
    const stranger = await MemoryBroker.start({ nodeId: 2, cluster: other });
    stranger.createTopic("t", 3);
    brokers[1].advertisedAs = stranger.address;
    brokers[2].advertisedAs = "127.0.0.1:1";
    const producer = clientOf().producer(patient);
    for (const value of numbers(20)) {
      await Promise.all([0, 1, 2].map((partition) => producer.send({ topic: "t", partition, value })));
    }
    await until(() => stranger.describeClusterCalls > 0);
    for (const value of numbers(20)) await producer.send({ topic: "t", partition: 1, value });
    expect(stranger.requests).toBe(0);
    expect([stored(0), stored(1), stored(2)]).toEqual([numbers(20), [...numbers(20), ...numbers(20)], numbers(20)]);
    stranger.stop();
  });

  it("goes to another node with a partition only when nothing of it is under way", async () => {
    const client = clientOf();
    await client.admin.describeCluster();
    const producer = client.producer(patient);
    const send = (partition: number, value: string): Promise<unknown> =>
      producer.send({ topic: "t", partition, value });
    await send(0, "0");
    await until(() => brokers[1].requests > 0 || (void send(1, "x"), false));
    const held: (() => void)[] = [];
    brokers[0].held = held;
    const first = send(0, "1");
    await until(() => held.length > 0);
    cluster.elect("t", 0, 2);
    await client.admin.describeTopic({ topic: "t" });
    const producerIds = cluster.nextProducerId;
    const second = send(0, "2");
    await send(1, "x");
    await send(1, "x");
    expect(stored(0)).toEqual(["0"]);
    brokers[0].held = undefined;
    for (const release of held) release();
    await Promise.all([first, second]);
    expect(stored(0)).toEqual(["0", "1", "2"]);
    // Nothing was refused as out of order, which would have cost the producer its id.
    expect(cluster.nextProducerId).toBe(producerIds);
  });

  it.each(["another node", "the same node"])(
    "keeps the order when a new leader at %s does not know the producer any more (acks=leader)",
    async (where) => {
      const client = clientOf();
      const producer = client.producer({ ...patient, acks: "leader" });
      await client.admin.describeTopic({ topic: "t" });
      await producer.send({ topic: "t", partition: 0, value: "0" });
      await until(
        () => brokers[1].requests > 0 || (void producer.send({ topic: "t", partition: 1, value: "x" }), false),
      );
      await producer.flush();
      // What the last leader alone had is gone with it.
      cluster.topics.get("t")![0]!.producers.clear();
      const refuse = { kind: "refuse", error: new VarveError("NOT_ENOUGH_REPLICAS", "for now") } as const;
      if (where === "another node") {
        cluster.elect("t", 0, 2);
        await client.admin.describeTopic({ topic: "t" });
        brokers[1].faults.push(refuse);
      } else brokers[0].faults.push({ kind: "break-before" }, refuse);
      const sends: Promise<unknown>[] = [];
      for (const value of numbers(6).slice(1)) {
        sends.push(producer.send({ topic: "t", partition: 0, value }));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(sends);
      expect(stored(0)).toEqual(numbers(6));
    },
  );

  it("finds the others through one address although it never went to them before", async () => {
    const client = clientOf();
    await client.admin.describeCluster();
    brokers[0].stop();
    // What is on its way may still be answered.
    await until(async () => {
      expect(await client.admin.describeTopic({ topic: "t" })).toMatchObject({ topic: "t" });
      return brokers[1].describeClusterCalls + brokers[2].describeClusterCalls > 0;
    });
  });

  it("waits for a leader that has not heard of a topic which another node told of, not for one that nobody knows", async () => {
    const client = clientOf();
    await client.admin.describeCluster();
    await client.admin.describeTopic({ topic: "t" });
    const producer = client.producer(patient);
    const behind = (): void => {
      for (const broker of brokers) {
        broker.faults.push({ kind: "refuse", error: new VarveError("UNKNOWN_TOPIC", "Not yet") });
      }
    };
    behind();
    await Promise.all(numbers(3).map((value) => producer.send({ topic: "t", partition: 1, value })));
    expect(stored(1)).toEqual(numbers(3));
    for (let more = 0; more < 50; more += 1) behind();
    const gone = [producer.send({ topic: "t", partition: 1, value: "v" }), producer.send({ topic: "no", value: "v" })];
    const outcomes = await Promise.allSettled(gone);
    expect(outcomes).toMatchObject(gone.map(() => ({ status: "rejected", reason: { reason: "UNKNOWN_TOPIC" } })));
  });

  it("does not say that a record was not written when a leader that stepped down may have written it", async () => {
    // The test moves time on by itself.
    let skewMs = 0;
    const monotonicMs = (): number => systemClock.monotonicMs() + skewMs;
    const client = clientOf({ ...hurried, monotonicMs });
    const producer = client.producer({ ...patient, deliveryTimeoutMs: 1_000_000 });
    await producer.send({ topic: "t", partition: 0, value: "first" });
    brokers[0].faults.push({ kind: "depose" });
    for (let more = 0; more < 1_000; more += 1) {
      brokers[0].faults.push({ kind: "refuse", error: new VarveError("LEADER_NOT_AVAILABLE", "Nobody leads") });
    }
    const send = producer.send({ topic: "t", partition: 0, value: "v" });
    await until(() => brokers[0].faults.length < 990);
    skewMs = 2_000_000;
    await expect(send).rejects.toMatchObject({ reason: "UNKNOWN_OUTCOME" });
    expect(stored(0)).toEqual(["first", "v"]);
  });

  it("keeps order, loss and duplicates right while leaders change, refuse, break and fall silent", async () => {
    const events = ["none", "none", "elect", "elect", "break-before", "break-after", "depose", "refuse", "time-out"];
    const step = fc.record({ kind: fc.constantFrom(...events), node: fc.integer({ min: 1, max: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), fc.boolean(), async (steps, forwards) => {
        brokers[0].createTopic("t", 3);
        for (const broker of brokers) {
          broker.faults.splice(0);
          broker.forwards = forwards;
        }
        const client = clientOf();
        const producer = client.producer(patient);
        const sends: Promise<number>[] = [];
        const values = numbers(70);
        for (let at = 0; at < values.length; at += 5) {
          for (const value of values.slice(at, at + 5)) {
            sends.push(producer.send({ topic: "t", partition: 0, value }).then((ack) => ack.offset));
          }
          const { kind, node } = steps[at / 5] ?? { kind: "none", node: 1 };
          if (kind === "elect") cluster.elect("t", 0, node);
          else if (kind === "refuse") {
            const error = new VarveError("NOT_ENOUGH_REPLICAS", "for now");
            brokers[node - 1]!.faults.push({ kind, error });
          } else brokers[node - 1]!.faults.push({ kind: kind as "none" });
          await new Promise((resolve) => setImmediate(resolve));
        }
        const offsets = await Promise.all(sends);
        expect(stored(0)).toEqual(values);
        expect(offsets).toEqual(values.map(Number));
        await client.close();
      }),
      { numRuns: Number(process.env["VARVE_PRODUCER_SERIES"] ?? 100) },
    );
  });
});

describe("Reader in a cluster", () => {
  it("reads each partition at its leader, and follows the leaders with nothing lost and nothing twice", async () => {
    for (const broker of brokers) broker.forwards = false;
    for (const partition of [0, 1, 2]) await fill(partition, 50, partition * 1000);
    const client = clientOf();
    await client.admin.describeCluster();
    // Nobody passes anything on: only leaders can be read from.
    brokers[0].forwards = true;
    const reader = client.reader({ topic: "t", reconnectTimeoutMs });
    const seen: string[][] = [[], [], []];
    const read = async (count: number): Promise<void> => {
      for (let at = 0; at < count; at += 1) {
        const record = await reader.next();
        seen[record!.partition]!.push(textOf(record!));
      }
    };
    await read(150);
    await until(() => brokers.every(({ consumeStreams }) => consumeStreams > 0));
    brokers[0].forwards = false;
    cluster.elect("t", 0, 2);
    cluster.elect("t", 1, 3);
    for (const partition of [0, 1, 2]) await fill(partition, 50, partition * 1000 + 50);
    await read(150);
    const expected = [0, 1, 2].map((partition) =>
      numbers(100).map((value) => String(partition * 1000 + Number(value))),
    );
    expect(seen).toEqual(expected);
  });

  it("goes on when the only address that it was given is gone", async () => {
    await fill(1, 10);
    const client = clientOf();
    await client.admin.describeCluster();
    const reader = client.reader({ topic: "t", partitions: [1], reconnectTimeoutMs });
    const values: string[] = [];
    while (values.length < 10) values.push(textOf((await reader.next())!));
    brokers[0].stop();
    await fill(1, 10, 10);
    while (values.length < 20) values.push(textOf((await reader.next())!));
    expect(values).toEqual(numbers(20));
  });

  it("waits at its start for a partition that has no leader just now", async () => {
    await fill(0, 5);
    brokers[0].offsetFaults.push(new VarveError("LEADER_NOT_AVAILABLE", "Nobody leads now"));
    const reader = clientOf().reader({ topic: "t", to: { kind: "latest-at-start" } });
    const values: string[] = [];
    for await (const record of reader) values.push(textOf(record));
    expect(values).toEqual(numbers(5));
    // Whichever is asked: on a slow machine it need not be the first.
    for (const broker of brokers) broker.offsetFaults.push(new VarveError("PARTITION_QUARANTINED", "It is damaged"));
    await expect(clientOf().reader({ topic: "t" }).next()).rejects.toMatchObject({ reason: "PARTITION_QUARANTINED" });
  });

  it("waits for a leader that has not heard of the topic yet, and ends when it is gone", async () => {
    await fill(1, 5);
    const client = clientOf();
    const behind = (): void => {
      for (const broker of brokers) broker.consumeRefusals.push(new VarveError("UNKNOWN_TOPIC", "Not yet"));
    };
    behind();
    const reader = client.reader({ topic: "t", to: { kind: "latest-at-start" }, reconnectTimeoutMs });
    const values: string[] = [];
    for await (const record of reader) values.push(textOf(record));
    expect(values).toEqual(numbers(5));
    for (let more = 0; more < 20; more += 1) behind();
    const gone = client.reader({ topic: "t", reconnectTimeoutMs });
    await expect(gone.next()).rejects.toMatchObject({ reason: "UNKNOWN_TOPIC" });
  });

  it("leaves a leader that says nothing any more", async () => {
    await fill(1, 10);
    const client = clientOf();
    await client.admin.describeCluster();
    const reader = client.reader({ topic: "t", partitions: [1], reconnectTimeoutMs });
    const values: string[] = [];
    while (values.length < 10) values.push(textOf((await reader.next())!));
    await until(() => brokers[1].consumeStreams > 0);
    brokers[1].silent = true;
    cluster.elect("t", 1, 3);
    await fill(1, 10, 10);
    while (values.length < 20) values.push(textOf((await reader.next())!));
    expect(values).toEqual(numbers(20));
  });

  it("gives every record once and in order while leaders change and streams break", async () => {
    const step = fc.record({
      elect: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      breaks: fc.integer({ min: 0, max: 3 }),
      node: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.boolean(), async (steps, forwards) => {
        brokers[0].createTopic("t", 3);
        for (const broker of brokers) {
          broker.consumeBreaks.splice(0);
          broker.consumeMessageBytes = 100;
          broker.forwards = forwards;
        }
        const client = clientOf();
        const to = { kind: "offset", offset: 90 } as const;
        const reader = client.reader({ topic: "t", partitions: [0, 1], to, reconnectTimeoutMs });
        const seen: string[][] = [[], []];
        const reading = (async () => {
          for await (const record of reader) seen[record.partition]!.push(textOf(record));
        })();
        for (let at = 0; at < 9; at += 1) {
          await fill(0, 10, at * 10);
          await fill(1, 10, at * 10);
          const { elect, breaks, node } = steps[at] ?? { elect: undefined, breaks: 0, node: 1 };
          if (elect !== undefined) cluster.elect("t", at % 2, elect);
          if (breaks > 0) brokers[node - 1]!.consumeBreaks.push(breaks);
          await new Promise((resolve) => setImmediate(resolve));
        }
        await reading;
        expect(seen).toEqual([numbers(90), numbers(90)]);
        await client.close();
      }),
      { numRuns: Number(process.env["VARVE_READER_SERIES"] ?? 60) },
    );
  });
});
