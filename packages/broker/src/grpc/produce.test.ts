import { Metadata } from "@grpc/grpc-js";
import { type ProduceOutcome, VarveError } from "@varve/api";
import { buildBatch, compressBatch, partitionForKey } from "@varve/format";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestBroker, bytes, text, until } from "../testing/test-broker.ts";

let server: TestBroker;
beforeAll(async () => {
  server = await TestBroker.start({ limits: { produceTimeoutMs: 5_000 } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

let topics = 0;
async function newTopic(options: { partitions?: number; configs?: Record<string, string> } = {}): Promise<string> {
  const topic = `t${topics++}`;
  await server.createTopic(topic, options);
  return topic;
}

async function valuesOf(topic: string): Promise<(string | null)[]> {
  const messages = await server.consumeAll({ topic, end: { kind: "latest-at-start" } });
  return messages.flatMap((message) => message.records.map((record) => text(record.value)));
}

function refusal(promise: Promise<unknown>): Promise<VarveError> {
  return promise.then(
    () => Promise.reject(new Error("was not refused")),
    (error: unknown) => {
      if (error instanceof VarveError) return error;
      throw error;
    },
  );
}

const record = (value: string, key?: string): { value: Uint8Array; key: Uint8Array | null } => ({
  value: bytes(value),
  key: key === undefined ? null : bytes(key),
});

test("Produce says which level was reached, in which epoch, on how many disks", async () => {
  const [sync, os] = [await newTopic(), await newTopic({ configs: { flush: "os" } })];
  for (const [topic, acks, level, disks] of [
    [sync, "all", "all", 1],
    [sync, "leader", "leader", 1],
    [sync, "none", "none", 0],
    [os, "all", "all", 0],
  ] as const) {
    const { results } = await server.produce({ topic, partition: 0, acks, records: [record("x")] });
    expect(results[0]?.ack).toMatchObject({ level, durableReplicas: disks });
    expect(results[0]?.leader).toMatchObject({ nodeId: 0, address: server.broker.addresses.grpc });
  }
});

test("Produce partitions by key as Kafka does and keeps records without a key together", async () => {
  const topic = await newTopic({ partitions: 5 });
  const keys = ["a", "b", "c", "d", "e", "f", "g"];
  const { results } = await server.produce({
    topic,
    records: [...keys.map((key) => record(key, key)), record("n"), record("m")],
  });
  const indexOf = new Map(results.flatMap((result) => result.recordIndexes.map((index) => [index, result.partition])));
  for (const [index, key] of keys.entries()) expect(indexOf.get(index)).toBe(partitionForKey(bytes(key), 5));
  expect(indexOf.get(7)).toBe(indexOf.get(8));
  expect(new Set(await valuesOf(topic))).toEqual(new Set([...keys, "m", "n"]));
});

test("Produce refuses what cannot be right, with numbers and what to do", async () => {
  const topic = await newTopic({ configs: { "max.message.bytes": "2000" } });
  const now = Date.now();
  const batch = buildBatch([{ value: bytes("x"), timestampMs: now }]);
  const flipped = Uint8Array.from(batch);
  flipped[batch.length - 2]! ^= 1;
  const cases: [Parameters<TestBroker["produce"]>[0], string, RegExp][] = [
    [{ topic: "nowhere", partition: 0, records: [record("x")] }, "UNKNOWN_TOPIC", /"nowhere"/],
    [{ topic, partition: 7, records: [record("x")] }, "UNKNOWN_PARTITION", /from 0 to 0/],
    [{ topic, partition: 0 }, "INVALID_REQUEST", /neither/],
    [{ topic, batch }, "INVALID_REQUEST", /partition/],
    [{ topic, partition: 0, batch: flipped }, "CORRUPT_MESSAGE", /checksum/],
    [{ topic, partition: 0, batch: batch.subarray(0, 40) }, "CORRUPT_MESSAGE", /bytes/],
    [{ topic, partition: 0, records: [record("x".repeat(3_000))] }, "MESSAGE_TOO_LARGE", /2000/],
    [
      { topic, partition: 0, batch: buildBatch([{ value: bytes("x".repeat(3_000)), timestampMs: now }]) },
      "MESSAGE_TOO_LARGE",
      /max.message.bytes/,
    ],
    [
      { topic, partition: 0, batch: buildBatch([{ value: bytes("x"), timestampMs: now + 2 * 3_600_000 }]) },
      "INVALID_TIMESTAMP",
      /ahead/,
    ],
    [{ topic, partition: 0, records: [record("x")], producerId: 3 }, "INVALID_REQUEST", /together/],
  ];
  for (const [request, reason, message] of cases) {
    const error = await refusal(server.produce(request));
    expect(error.reason).toBe(reason);
    expect(error.message).toMatch(message);
  }
  expect(await valuesOf(topic)).toEqual([]);
  expect(server.broker.stats().produce.requestsUnderWay).toBe(0);
});

test("Produce stamps batches of a LogAppendTime topic", async () => {
  const topic = await newTopic({ configs: { "message.timestamp.type": "LogAppendTime" } });
  const before = Date.now();
  const { results } = await server.produce({ topic, partition: 0, records: [{ value: bytes("x"), timestampMs: 5 }] });
  const stamped = results[0]?.timestampMs ?? 0;
  expect(stamped).toBeGreaterThanOrEqual(before);
  const [message] = await server.consumeAll({ topic, end: { kind: "latest-at-start" } });
  expect(message?.records[0]?.timestampMs).toBe(stamped);
});

test("Produce recognises retries by producer id and sequence, over a restart too (kafka-wire 4.7)", async () => {
  const topic = await newTopic();
  const { producerId, producerEpoch } = await server.initProducer();
  const send = (baseSequence: number, value: string, epoch = producerEpoch): ReturnType<TestBroker["produce"]> =>
    server.produce({ topic, partition: 0, records: [record(value)], producerId, producerEpoch: epoch, baseSequence });
  const first = await send(0, "a");
  expect(first.results[0]).toMatchObject({ baseOffset: 0, duplicate: false });
  expect((await send(0, "a")).results[0]).toMatchObject({ baseOffset: 0, duplicate: true });
  const gap = await refusal(send(5, "f"));
  expect(gap.reason).toBe("OUT_OF_ORDER_SEQUENCE");
  await server.restart();
  expect((await send(0, "a")).results[0]).toMatchObject({ baseOffset: 0, duplicate: true });
  expect((await send(1, "b")).results[0]).toMatchObject({ baseOffset: 1, duplicate: false });
  const next = await server.initProducer({ producerId, producerEpoch });
  expect(next).toEqual({ producerId, producerEpoch: producerEpoch + 1 });
  expect((await send(0, "c", next.producerEpoch)).results[0]?.baseOffset).toBe(2);
  expect((await refusal(send(2, "late"))).reason).toBe("INVALID_PRODUCER_EPOCH");
  expect(await valuesOf(topic)).toEqual(["a", "b", "c"]);
});

test("Produce appends at the expected offset or not at all (H-12)", async () => {
  const topic = await newTopic();
  const at = (expectedOffset: number): ReturnType<TestBroker["produce"]> =>
    server.produce({ topic, partition: 0, records: [record(String(expectedOffset))], expectedOffset });
  await at(0);
  await at(1);
  const conflict = await refusal(at(1));
  expect(conflict.reason).toBe("WRONG_EXPECTED_OFFSET");
  expect(conflict.metadata).toMatchObject({ logEndOffset: "2" });
  expect(await valuesOf(topic)).toEqual(["0", "1"]);
});

test("Produce takes compressed batches unopened and readers get them plain", async () => {
  const topic = await newTopic();
  for (const codec of ["gzip", "snappy", "lz4", "zstd"] as const) {
    const plain = buildBatch([1, 2, 3].map((n) => ({ value: bytes(`${codec}-${n}`), timestampMs: n })));
    await server.produce({ topic, partition: 0, batch: await compressBatch(plain, codec) });
  }
  expect(await valuesOf(topic)).toEqual(
    ["gzip", "snappy", "lz4", "zstd"].flatMap((codec) => [1, 2, 3].map((n) => `${codec}-${n}`)),
  );
});

test("ProduceStream answers in order, refuses one without ending the rest, and shares messages", async () => {
  const topic = await newTopic();
  const outcomes: ProduceOutcome[] = [];
  let messages = 0;
  const call = server.log.ProduceStream(new Metadata(), {});
  const ended = new Promise<void>((resolve, reject) => {
    call.on("data", (answers: readonly ProduceOutcome[]) => {
      messages++;
      outcomes.push(...answers);
    });
    call.on("end", resolve);
    call.on("error", reject);
  });
  const count = 500;
  for (let n = 0; n < count; n++) {
    call.write({ topic: n === 250 ? "nowhere" : topic, partition: 0, records: [record(String(n))] });
  }
  call.end();
  await ended;
  expect(outcomes).toHaveLength(count);
  expect(messages).toBeLessThan(count);
  let offset = 0;
  for (const [n, outcome] of outcomes.entries()) {
    if (n === 250) expect(outcome).toMatchObject({ kind: "error", error: { reason: "UNKNOWN_TOPIC" } });
    else expect(outcome).toMatchObject({ kind: "response", response: { results: [{ baseOffset: offset++ }] } });
  }
  await until("the stream is gone", () => server.broker.stats().streams.produce === 0);
  expect(server.broker.stats().produce.bytesUnderWay).toBe(0);
});

test("ProduceStream stops reading from a client that does not take its answers, and goes on when it does", async () => {
  await using small = await TestBroker.start({ limits: { streamRequestsMax: 16, streamBytesMax: 1 << 20 } });
  await small.createTopic("t");
  const call = small.log.ProduceStream(new Metadata(), {});
  let answered = 0;
  const count = 3_000;
  const value = bytes("x".repeat(4_000));
  let written = 0;
  const writeMore = (): void => {
    while (written < count) {
      written++;
      if (!call.write({ topic: "t", partition: 0, records: [{ value }] })) break;
    }
    if (written < count) call.once("drain", writeMore);
    else call.end();
  };
  const finished = new Promise<void>((resolve, reject) => {
    call.on("data", (answers: readonly ProduceOutcome[]) => (answered += answers.length));
    call.on("end", resolve);
    call.on("error", reject);
  });
  call.pause();
  writeMore();
  call.resume();
  await finished;
  expect(answered).toBe(count);
  const { produce } = small.broker.stats();
  expect(produce.bytesUnderWayPeak).toBeLessThan(2 << 20);
  expect(produce.records).toBe(count);
});

test("Produce by a client that gives up leaves nothing behind", async () => {
  const topic = await newTopic();
  const late = await refusal(
    server.produce({ topic, partition: 0, records: [record("x")] }, { deadline: Date.now() - 1 }),
  );
  expect(late.reason).toBe("REQUEST_TIMED_OUT");
  const call = server.log.ProduceStream(new Metadata(), {});
  call.on("error", () => undefined);
  for (let n = 0; n < 50; n++) call.write({ topic, partition: 0, records: [record("x")] });
  call.cancel();
  await until("nothing is under way", () => {
    const { produce, streams, deadlines, unaryCalls } = server.broker.stats();
    return produce.requestsUnderWay + produce.waiting + streams.produce + deadlines + unaryCalls === 0;
  });
});

test("autoCreateTopics makes a topic for the first produce, in order, and only when told", async () => {
  await using dev = await TestBroker.start({ autoCreateTopics: true });
  const call = dev.log.ProduceStream(new Metadata(), {});
  const offsets: unknown[] = [];
  const ended = new Promise((resolve) => call.on("end", resolve));
  call.on("data", (answers: readonly ProduceOutcome[]) => {
    for (const answer of answers)
      offsets.push(answer.kind === "response" ? answer.response.results[0]?.baseOffset : answer.error.reason);
  });
  for (let n = 0; n < 20; n++) call.write({ topic: "new", partition: 0, records: [record(String(n))] });
  call.write({ topic: "not a name!", partition: 0, records: [record("x")] });
  call.write({ topic: "__own", partition: 0, records: [record("x")] });
  call.end();
  await ended;
  expect(offsets).toEqual([...Array.from({ length: 20 }, (_, n) => n), "INVALID_TOPIC", "INVALID_TOPIC"]);
});
