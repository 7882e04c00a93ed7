// SPDX-License-Identifier: Apache-2.0
import { VarveError } from "@varve/api";
import { partitionForKey } from "@varve/format";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../client.ts";
import { systemClock, type Clock } from "../clock.ts";
import { MemoryBroker } from "../testing/memory-broker.ts";
import { until } from "../testing/until.ts";
import type { Producer, ProducerOptions } from "./producer.ts";

let broker: MemoryBroker;
let client: Client;

beforeEach(async () => {
  broker = await MemoryBroker.start();
  broker.createTopic("t", 3);
  client = new Client({ address: broker.address });
});

afterEach(() => {
  client.destroy();
  broker.stop();
});

const textOf = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString();
const valuesIn = (partition: number): string[] => broker.records("t", partition).map((record) => textOf(record.value));
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

function sendAll(
  producer: Producer,
  values: readonly string[],
  partition = 0,
): Promise<PromiseSettledResult<number>[]> {
  const sends = values.map((value) => producer.send({ topic: "t", partition, value }).then((ack) => ack.offset));
  return Promise.allSettled(sends);
}

/** Sends in several turns, so that there are several batches in flight. */
async function sendInTurns(
  producer: Producer,
  values: readonly string[],
  perTurn: number,
): Promise<PromiseSettledResult<number>[]> {
  const sends: Promise<number>[] = [];
  for (let at = 0; at < values.length; at += perTurn) {
    for (const value of values.slice(at, at + perTurn)) {
      const send = producer.send({ topic: "t", partition: 0, value }).then((ack) => ack.offset);
      // The outcome is looked at below; a rejection before that is no accident.
      send.catch(() => undefined);
      sends.push(send);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return Promise.allSettled(sends);
}

const quick: ProducerOptions = { lingerMs: 0 };

describe("Producer.send()", () => {
  it("resolves with partition, offset, time and ack", async () => {
    const producer = client.producer();
    const ack = await producer.send({ topic: "t", partition: 2, key: "k", value: "v", timestampMs: 77 });
    expect(ack).toEqual({
      partition: 2,
      offset: 0,
      timestampMs: 77,
      ack: { level: "all", leaderEpoch: 1, durableReplicas: 1 },
    });
    expect((await producer.send({ topic: "t", partition: 2, value: null })).offset).toBe(1);
  });

  it("stores key, value and headers as given, null apart from empty", async () => {
    const headers = [
      { key: "a", value: "1" },
      { key: "a", value: null },
    ];
    await client.producer().send({ topic: "t", partition: 0, key: "", value: null, headers });
    const [record] = broker.records("t", 0);
    expect(record!.key).toHaveLength(0);
    expect(record!.value).toBeNull();
    expect(record!.headers.map((header) => [header.key, header.value === null ? null : textOf(header.value)])).toEqual([
      ["a", "1"],
      ["a", null],
    ]);
  });

  it("puts keys where Kafka's clients put them", async () => {
    const producer = client.producer();
    const acks = await Promise.all(numbers(50).map((key) => producer.send({ topic: "t", key, value: key })));
    for (const [index, ack] of acks.entries())
      expect(ack.partition).toBe(partitionForKey(Buffer.from(String(index)), 3));
  });

  it("keeps records without a key together for a batch, then moves on", async () => {
    const producer = client.producer(quick);
    const first = await Promise.all(numbers(20).map((value) => producer.send({ topic: "t", value })));
    const second = await Promise.all(numbers(20).map((value) => producer.send({ topic: "t", value })));
    expect(new Set(first.map((ack) => ack.partition)).size).toBe(1);
    expect(second[0]!.partition).toBe((first[0]!.partition + 1) % 3);
  });

  it.each(["gzip", "snappy", "lz4", "zstd"] as const)("compresses with %s", async (codec) => {
    const producer = client.producer({ codec });
    const settled = await sendAll(producer, numbers(500));
    expect(settled.every((result) => result.status === "fulfilled")).toBe(true);
    expect(valuesIn(0)).toEqual(numbers(500));
  });

  it("rejects with the broker's reason when the topic is not there", async () => {
    await expect(client.producer().send({ topic: "none", value: "v" })).rejects.toMatchObject({
      reason: "UNKNOWN_TOPIC",
    });
    await expect(client.producer().send({ topic: "t", partition: 9, value: "v" })).rejects.toMatchObject({
      reason: "UNKNOWN_PARTITION",
    });
  });

  it("rejects BUSY beyond bufferBytes, and ready() tells when there is room", async () => {
    const producer = client.producer({ bufferBytes: 8000 });
    broker.held = [];
    const first = producer.send({ topic: "t", partition: 0, value: Buffer.alloc(1499) });
    expect(producer.ready()).toBeUndefined();
    const second = producer.send({ topic: "t", partition: 0, value: Buffer.alloc(1499) });
    const room = producer.ready();
    expect(room).toBeInstanceOf(Promise);
    // A burst beyond that is still taken.
    const third = producer.send({ topic: "t", partition: 0, value: Buffer.alloc(4000) });
    await expect(producer.send({ topic: "t", partition: 0, value: "v" })).rejects.toMatchObject({
      reason: "BUSY",
      retriable: true,
    });
    const held = broker.held;
    await until(() => held.length > 0);
    broker.held = undefined;
    for (const release of held) release();
    await Promise.all([first, second, third, room]);
    expect(producer.ready()).toBeUndefined();
    expect(producer.bufferedBytes).toBe(0);
  });

  it("rejects with CANCELLED by its signal", async () => {
    broker.held = [];
    const abort = new AbortController();
    const send = client.producer().send({ topic: "t", partition: 0, value: "v" }, { signal: abort.signal });
    abort.abort();
    await expect(send).rejects.toMatchObject({ reason: "CANCELLED" });
  });

  it("rejects, and does not throw, when a record is not what its type says", async () => {
    const send = client.producer().send({ topic: "t", partition: 0, key: null, headers: [null] as never });
    await expect(send).rejects.toBeInstanceOf(Error);
  });

  it("refuses a timestamp that no record can have", async () => {
    await expect(client.producer().send({ topic: "t", value: "v", timestampMs: -5 })).rejects.toMatchObject({
      reason: "INVALID_REQUEST",
    });
  });
});

describe("Producer retries", () => {
  it("store nothing twice when an answer is lost with the stream", async () => {
    broker.faults.push({ kind: "none" }, { kind: "break-after" });
    const settled = await sendInTurns(client.producer(quick), numbers(40), 10);
    expect(settled.map((result) => result.status === "fulfilled" && result.value)).toEqual(numbers(40).map(Number));
    expect(valuesIn(0)).toEqual(numbers(40));
  });

  it("keep the order when a batch with others behind it is refused for now", async () => {
    broker.faults.push({ kind: "refuse", error: new VarveError("NOT_ENOUGH_REPLICAS", "for now") });
    const settled = await sendInTurns(client.producer(quick), numbers(50), 10);
    expect(settled.every((result) => result.status === "fulfilled")).toBe(true);
    expect(valuesIn(0)).toEqual(numbers(50));
  });

  it("go on behind a batch that is refused for good", async () => {
    broker.faults.push({ kind: "none" }, { kind: "refuse", error: new VarveError("MESSAGE_TOO_LARGE", "no") });
    const settled = await sendInTurns(client.producer(quick), numbers(50), 10);
    const stored = numbers(50).filter((_, index) => settled[index]!.status === "fulfilled");
    expect(stored.length).toBeGreaterThan(0);
    expect(stored.length).toBeLessThan(50);
    expect(valuesIn(0)).toEqual(stored);
  });

  it.each(["STORAGE_FAILED", "PARTITION_QUARANTINED"] as const)(
    "do not say that nothing was written when the answer is %s: it may have been appended before",
    async (reason) => {
      broker.faults.push({ kind: "refuse", error: new VarveError(reason, "the files failed") });
      const send = client.producer(quick).send({ topic: "t", partition: 0, value: "v" });
      await expect(send).rejects.toMatchObject({ reason: "UNKNOWN_OUTCOME" });
    },
  );

  it("find the broker again after a restart", async () => {
    const producer = client.producer(quick);
    await producer.send({ topic: "t", partition: 0, value: "before" });
    broker.stop();
    const send = producer.send({ topic: "t", partition: 0, value: "after" });
    await broker.restart();
    expect((await send).offset).toBe(1);
    expect(valuesIn(0)).toEqual(["before", "after"]);
  });

  it("give up after deliveryTimeoutMs and say that the outcome is unknown", async () => {
    // The test moves time on by itself: a slow machine changes nothing.
    let skewMs = 0;
    const monotonicMs = (): number => systemClock.monotonicMs() + skewMs;
    const setTimer: Clock["setTimer"] = (delayMs, run) => systemClock.setTimer(delayMs / 20, run);
    const other = new Client({ address: broker.address, clock: { ...systemClock, monotonicMs, setTimer } });
    const producer = other.producer({ deliveryTimeoutMs: 1_000_000 });
    await producer.send({ topic: "t", partition: 0, value: "first" });
    const held: (() => void)[] = [];
    broker.held = held;
    const send = producer.send({ topic: "t", partition: 0, value: "v" });
    await until(() => held.length > 0);
    skewMs = 2_000_000;
    await expect(send).rejects.toMatchObject({ reason: "UNKNOWN_OUTCOME" });
    other.destroy();
  });

  it("give up after deliveryTimeoutMs, without doubt when nothing was sent", async () => {
    broker.stop();
    const producer = client.producer({ deliveryTimeoutMs: 60 });
    await expect(producer.send({ topic: "t", partition: 0, value: "v" })).rejects.toMatchObject({
      reason: expect.stringMatching(/^(UNREACHABLE|REQUEST_TIMED_OUT)$/),
    });
    expect(producer.bufferedBytes).toBe(0);
  });

  it("keep order, loss and duplicates right under any series of faults", async () => {
    const kinds = ["none", "none", "none", "refuse-now", "refuse-ever", "break-before", "break-after", "time-out"];
    const fault = fc.constantFrom(...kinds);
    const setTimer: Clock["setTimer"] = (delayMs, run) => systemClock.setTimer(delayMs / 20, run);
    const hurried = new Client({ address: broker.address, clock: { ...systemClock, setTimer } });
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 12 }), async (kinds) => {
        broker.createTopic("t", 3);
        broker.faults.splice(0);
        for (const kind of kinds) {
          if (kind === "refuse-now") broker.faults.push({ kind: "refuse", error: new VarveError("BUSY", "now") });
          else if (kind === "refuse-ever")
            broker.faults.push({ kind: "refuse", error: new VarveError("INVALID_RECORD", "ever") });
          else broker.faults.push({ kind: kind as "none" });
        }
        const producer = hurried.producer(quick);
        const settled = await sendInTurns(producer, numbers(60), 7);
        const stored = valuesIn(0);
        // In order, and none twice.
        expect(stored).toEqual([...stored].sort((a, b) => Number(a) - Number(b)));
        expect(new Set(stored).size).toBe(stored.length);
        // Only a batch that is refused for good may cost records.
        if (!kinds.includes("refuse-ever")) expect(stored).toEqual(numbers(60));
        for (const [index, result] of settled.entries()) {
          if (!kinds.includes("refuse-ever")) expect(result.status).toBe("fulfilled");
          if (result.status === "fulfilled") expect(stored[result.value]).toBe(String(index));
          else if ((result.reason as VarveError).reason !== "UNKNOWN_OUTCOME")
            expect(stored).not.toContain(String(index));
        }
        await producer.close();
      }),
      {
        numRuns: Number(process.env["VARVE_PRODUCER_SERIES"] ?? 200),
        examples: [
          // What waits behind a batch that is refused for good may not have the new producer id before the round is over.
          [["none", "none", "none", "refuse-ever", "none", "none", "none", "none", "refuse-now"]],
        ],
      },
    );
    hurried.destroy();
  });
});

describe("Producer, while its node has many requests under way", () => {
  it("sends what has come for a partition in one batch, when the one before is answered", async () => {
    broker.createTopic("wide", 32);
    let timers = 0;
    const setTimer: Clock["setTimer"] = (delayMs, run) =>
      systemClock.setTimer(delayMs, () => {
        timers += 1;
        run();
      });
    const patient = new Client({ address: broker.address, clock: { ...systemClock, setTimer } });
    const producer = patient.producer({ lingerMs: 1 });
    const held: (() => void)[] = (broker.held = []);
    const sends = numbers(32).map((value, partition) => producer.send({ topic: "wide", partition, value }));
    await until(() => broker.requests === 32);
    for (const value of numbers(5)) {
      sends.push(producer.send({ topic: "wide", partition: 7, value }));
      const seen = timers;
      await until(() => timers > seen + 2);
    }
    expect(broker.requests).toBe(32);
    broker.held = undefined;
    for (const release of held) release();
    await Promise.all(sends);
    expect(broker.requests).toBe(33);
    expect(broker.records("wide", 7).map(({ value }) => textOf(value))).toEqual(["7", ...numbers(5)]);
    patient.destroy();
  });
});

describe("Producer.flush() and close()", () => {
  it("flush resolves when all that was sent is settled", async () => {
    const producer = client.producer({ lingerMs: 10_000 });
    const acks: number[] = [];
    for (const value of numbers(10)) void producer.send({ topic: "t", value }).then((ack) => acks.push(ack.offset));
    await producer.flush();
    expect(acks).toHaveLength(10);
  });

  it("close flushes, then refuses", async () => {
    const producer = client.producer();
    const sent = producer.send({ topic: "t", partition: 1, value: "v" });
    await producer.close();
    expect((await sent).offset).toBe(0);
    await expect(producer.send({ topic: "t", value: "v" })).rejects.toMatchObject({ reason: "CLIENT_CLOSED" });
  });

  it("destroying the client rejects what is under way", async () => {
    broker.held = [];
    const send = client.producer().send({ topic: "t", partition: 0, value: "v" });
    await until(() => broker.held!.length > 0);
    client.destroy();
    await expect(send).rejects.toMatchObject({ reason: "CLIENT_CLOSED" });
  });
});
