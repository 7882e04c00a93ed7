import { randomBytes } from "node:crypto";
import { Metadata, type ClientReadableStream } from "@grpc/grpc-js";
import { type ConsumeRequestFields, type ConsumeResponse, type LogClient, errorFromStatus } from "@varve/api";
import { batchesIn, buildBatch, checkBatch, compressBatch } from "@varve/format";
import { PartitionLog, type ReadOptions, type ReadResult } from "@varve/log";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { TestBroker, bytes, text, until } from "../testing/test-broker.ts";

let server: TestBroker;
beforeAll(async () => {
  server = await TestBroker.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** Partition 0 has offsets 0 to 9 in batches of two, at 1000, 1010, … ms. */
async function tenRecords(topic: string, partitions = 1): Promise<void> {
  await server.createTopic(topic, { partitions });
  for (let n = 0; n < 10; n += 2) {
    const records = [n, n + 1].map((offset) => ({ value: bytes(String(offset)), timestampMs: 1_000 + 10 * offset }));
    await server.produce({ topic, partition: 0, records });
  }
}

function valuesIn(messages: readonly ConsumeResponse[]): (string | null)[] {
  return messages.flatMap((message) => message.records.map((record) => text(record.value)));
}

/** An endless read whose messages are collected. */
function follow(
  client: LogClient,
  request: ConsumeRequestFields,
): { call: ClientReadableStream<ConsumeResponse>; messages: ConsumeResponse[] } {
  const messages: ConsumeResponse[] = [];
  const call = client.Consume(request, new Metadata(), {});
  call.on("data", (message: ConsumeResponse) => messages.push(message));
  call.on("error", () => undefined);
  return { call, messages };
}

test("Consume starts and ends where it is told, in the middle of a batch too", async () => {
  await tenRecords("ranges");
  const cases: [Partial<ConsumeRequestFields>, string][] = [
    [{ end: { kind: "latest-at-start" } }, "0123456789"],
    [{ start: { kind: "offset", offset: 3 }, end: { kind: "offset", offset: 6 } }, "345"],
    [{ start: { kind: "offset", offset: 3 }, end: { kind: "count", count: 2 } }, "34"],
    [{ start: { kind: "last", count: 3 }, end: { kind: "latest-at-start" } }, "789"],
    [{ start: { kind: "time", timeMs: 1_041 }, end: { kind: "latest-at-start" } }, "56789"],
    [{ start: { kind: "time", timeMs: 1_020 }, end: { kind: "time", timeMs: 1_050 } }, "234"],
    [{ start: { kind: "latest" }, end: { kind: "latest-at-start" } }, ""],
    [{ start: { kind: "time", timeMs: 99_999 }, end: { kind: "latest-at-start" } }, ""],
    [{ start: { kind: "offset", offset: 8 }, end: { kind: "offset", offset: 4 } }, ""],
    [{ fromTimeMs: 1_030, toTimeMs: 1_060, end: { kind: "latest-at-start" } }, "345"],
  ];
  for (const [request, expected] of cases) {
    const messages = await server.consumeAll({ topic: "ranges", ...request });
    expect(valuesIn(messages).join(""), JSON.stringify(request)).toBe(expected);
    expect(messages.at(-1)?.endReached).toBe(true);
    expect(messages[0]?.leader?.nodeId).toBe(0);
  }
});

test("Consume says how many records the time filter skipped", async () => {
  await tenRecords("skips");
  const messages = await server.consumeAll({
    topic: "skips",
    fromTimeMs: 1_030,
    toTimeMs: 1_060,
    end: { kind: "latest-at-start" },
  });
  expect(messages.reduce((sum, message) => sum + message.skipped, 0)).toBe(7);
});

test("Consume delivers stored batches unopened when asked to", async () => {
  await server.createTopic("batches");
  const batch = await compressBatch(
    buildBatch([1, 2, 3].map((n) => ({ value: bytes("x".repeat(n)), timestampMs: n }))),
    "zstd",
  );
  for (let n = 0; n < 4; n++) await server.produce({ topic: "batches", partition: 0, batch });
  const messages = await server.consumeAll({
    topic: "batches",
    format: "batches",
    start: { kind: "offset", offset: 4 },
    end: { kind: "offset", offset: 8 },
  });
  const found = messages.flatMap((message) => [...batchesIn(message.batches)].map(({ header }) => header.baseOffset));
  expect(found).toEqual([3, 6]);
});

test("Consume reads all partitions and wakes when records are committed", async () => {
  await server.createTopic("live", { partitions: 3 });
  const { call, messages } = follow(server.log, { topic: "live", start: { kind: "latest" } });
  await until("three partitions have said hello", () => messages.length === 3);
  expect(new Set(messages.map((message) => message.partition))).toEqual(new Set([0, 1, 2]));
  await until("parked", () => server.broker.stats().fetch.waitingReaders === 3);
  for (let n = 0; n < 30; n++) {
    await server.produce({ topic: "live", partition: n % 3, records: [{ value: bytes(String(n)) }] });
  }
  await until("all have arrived", () => valuesIn(messages).length === 30);
  call.cancel();
  await until("the stream is gone", () => server.broker.stats().streams.consume === 0);
  expect(server.broker.stats().fetch.waitingReaders).toBe(0);
});

test("Consume holds one bounded buffer for a client that never reads, and others go on (style 10)", async () => {
  await server.createTopic("slow");
  const value = new Uint8Array(256 * 1024).fill(7);
  const total = 60;
  for (let n = 0; n < total; n++) await server.produce({ topic: "slow", partition: 0, records: [{ value }] });
  const stalled = server.connect();
  const sleeping = stalled.Consume({ topic: "slow" }, new Metadata(), {});
  sleeping.on("error", () => undefined);
  sleeping.pause();
  await until("the broker holds bytes for the sleeper", () => server.broker.stats().fetch.heldBytes > 0);
  for (let round = 0; round < 2; round++) {
    const messages = await server.consumeAll({ topic: "slow", end: { kind: "latest-at-start" } });
    expect(valuesIn(messages)).toHaveLength(total);
  }
  // 1 MiB of buffer plus the message that went over it.
  expect(server.broker.stats().fetch.heldBytes).toBeLessThan(2 * 1024 * 1024);
  sleeping.cancel();
  stalled.close();
  await until("the buffer is gone", () => server.broker.stats().fetch.heldBytes === 0);
});

test("Consume splits a batch that is larger than a message", async () => {
  await server.createTopic("large");
  const count = 60_000;
  const plain = buildBatch(
    Array.from({ length: count }, (_, n) => ({ value: bytes(`${n} ${"x".repeat(80)}`), timestampMs: n })),
  );
  await server.produce({ topic: "large", partition: 0, batch: await compressBatch(plain, "zstd") });
  const messages = await server.consumeAll({ topic: "large", end: { kind: "latest-at-start" } });
  const offsets = messages.flatMap((message) => message.records.map((record) => record.offset));
  expect(offsets).toHaveLength(count);
  expect(offsets.every((offset, index) => offset === index)).toBe(true);
  expect(messages.length).toBeGreaterThan(2);
});

test("Consume names the offset behind a batch whose records cannot be decompressed", async () => {
  await server.createTopic("rotten");
  const good = buildBatch([{ value: bytes("good"), timestampMs: 1 }]);
  const rotten = await compressBatch(buildBatch([{ value: bytes("x".repeat(100)), timestampMs: 1 }]), "gzip");
  rotten.fill(0xff, 61);
  const { sealBatch } = await import("@varve/format");
  sealBatch(rotten, 0);
  for (const batch of [good, rotten, Uint8Array.from(good)])
    await server.produce({ topic: "rotten", partition: 0, batch });
  const { messages } = follow(server.log, { topic: "rotten" });
  await until("the first record", () => valuesIn(messages).length === 1);
  const error = await server
    .consumeAll({ topic: "rotten", start: { kind: "offset", offset: 1 } })
    .catch((e: unknown) => e);
  expect(error).toMatchObject({ reason: "INVALID_RECORD", metadata: { nextOffset: "2" } });
  const rest = await server.consumeAll({
    topic: "rotten",
    start: { kind: "offset", offset: 2 },
    end: { kind: "latest-at-start" },
  });
  expect(valuesIn(rest)).toEqual(["good"]);
});

test("Consume releases what the tail cache lends, once, and looks at it no longer", async () => {
  await server.createTopic("lent-from-memory");
  // Large also when compressed, so that all lie one after the other.
  const values = Array.from({ length: 6 }, () => randomBytes(20_000).toString("base64"));
  for (const [n, value] of values.entries()) {
    const plain = buildBatch([{ value: bytes(value), timestampMs: 1_000 + n }]);
    const batch = n < 3 ? plain : await compressBatch(plain, "zstd");
    await server.produce({ topic: "lent-from-memory", partition: 0, batch });
  }
  let lent = 0;
  let released = 0;
  const readCached: PartitionLog["readCached"] = Reflect.get(PartitionLog.prototype, "readCached");
  vi.spyOn(PartitionLog.prototype, "readCached").mockImplementation(function scribble(this: PartitionLog, options) {
    const found = readCached.call(this, options);
    if (found?.kind !== "batches" || found.release === undefined) return found;
    const { release } = found;
    lent += 1;
    const copy = new Uint8Array(found.bytes);
    return {
      ...found,
      bytes: copy,
      release: () => {
        released += 1;
        copy.fill(0xdd);
        release();
      },
    };
  });
  try {
    const read = await server.consumeAll({ topic: "lent-from-memory", end: { kind: "latest-at-start" } });
    expect(valuesIn(read)).toEqual(values);
    expect(lent).toBeGreaterThan(0);
    expect(released).toBe(lent);
  } finally {
    vi.restoreAllMocks();
  }
});

test("Consume looks at bytes that the log lends no longer than until it releases them", async () => {
  await server.createTopic("lent");
  const values = Array.from({ length: 6 }, (_, n) => String(n).repeat(40_000));
  for (const [n, value] of values.entries()) {
    const plain = buildBatch([{ value: bytes(value), timestampMs: 1_000 + n }]);
    await server.produce({ topic: "lent", partition: 0, batch: n < 3 ? plain : await compressBatch(plain, "zstd") });
  }
  // Then nothing of it is in memory.
  await server.restart();
  let released = 0;
  const read: PartitionLog["read"] = Reflect.get(PartitionLog.prototype, "read");
  vi.spyOn(PartitionLog.prototype, "read").mockImplementation(async function scribble(
    this: PartitionLog,
    options: ReadOptions,
  ): Promise<ReadResult> {
    const found = await read.call(this, options);
    if (found.kind !== "batches" || found.release === undefined) return found;
    const { release } = found;
    return {
      ...found,
      release: () => {
        released += 1;
        found.bytes.fill(0xdd);
        release();
      },
    };
  });
  try {
    const asRecords = await server.consumeAll({ topic: "lent", end: { kind: "latest-at-start" } });
    expect(valuesIn(asRecords)).toEqual(values);
    expect(released).toBeGreaterThan(0);
    const before = released;
    const asBatches = await server.consumeAll({ topic: "lent", format: "batches", end: { kind: "latest-at-start" } });
    const offsets = asBatches.flatMap((message) =>
      [...batchesIn(message.batches)].map((each) => each.header.baseOffset),
    );
    expect(offsets).toEqual([0, 1, 2, 3, 4, 5]);
    for (const { batches } of asBatches) {
      for (const { at, header } of batchesIn(batches)) {
        expect(checkBatch(batches, at, at + header.sizeBytes)).toBeUndefined();
      }
    }
    expect(released).toBeGreaterThan(before);
  } finally {
    vi.restoreAllMocks();
  }
});

test("Consume refuses what is not there", async () => {
  await tenRecords("refused");
  const refused = (request: ConsumeRequestFields): Promise<unknown> =>
    server.consumeAll(request).catch((e: unknown) => e);
  expect(await refused({ topic: "nowhere" })).toMatchObject({ reason: "UNKNOWN_TOPIC" });
  expect(await refused({ topic: "refused", partitions: [{ partition: 3 }] })).toMatchObject({
    reason: "UNKNOWN_PARTITION",
  });
  expect(await refused({ topic: "refused", start: { kind: "offset", offset: 11 } })).toMatchObject({
    reason: "OFFSET_OUT_OF_RANGE",
    metadata: { logStartOffset: "0", logEndOffset: "10" },
  });
  expect(await refused({ topic: "refused", partitions: [{ partition: 0, currentLeaderEpoch: 99 }] })).toMatchObject({
    reason: "UNKNOWN_LEADER_EPOCH",
  });
});

test("Consume of a topic that is deleted ends with that reason", async () => {
  await tenRecords("doomed");
  const call = server.log.Consume({ topic: "doomed" }, new Metadata(), {});
  const failed = new Promise((resolve) => call.on("error", (error) => resolve(errorFromStatus(error as never))));
  call.resume();
  await until("parked", () => server.broker.stats().fetch.waitingReaders > 0);
  await server.call("DeleteTopic", { topic: "doomed" });
  expect(await failed).toMatchObject({ reason: "UNKNOWN_TOPIC" });
});

test("Streams beyond the limit get BUSY, and a place again once one is gone", async () => {
  await using small = await TestBroker.start({ limits: { streamsMax: 2 } });
  await small.createTopic("t");
  const open = [follow(small.log, { topic: "t" }), follow(small.log, { topic: "t" })];
  await until("two are open", () => open.every(({ messages }) => messages.length > 0));
  expect(await small.consumeAll({ topic: "t" }).catch((e: unknown) => e)).toMatchObject({
    reason: "BUSY",
    retriable: true,
  });
  open[0]?.call.cancel();
  await until("one is gone", () => small.broker.stats().streams.consume === 1);
  expect(await small.consumeAll({ topic: "t", end: { kind: "latest-at-start" } })).toHaveLength(1);
  open[1]?.call.cancel();
});

test("Consume calls together read so many partitions, and leave room when they end", async () => {
  await using own = await TestBroker.start({ limits: { consumePartitionsMax: 5 } });
  await own.createTopic("wide", { partitions: 3 });
  const open = (): ReturnType<LogClient["Consume"]> => {
    const call = own.log.Consume({ topic: "wide" }, new Metadata(), {});
    call.on("error", () => undefined);
    call.resume();
    return call;
  };
  const first = open();
  await until("it reads", () => own.broker.stats().fetch.waitingReaders === 3);
  const refused = await own.consumeAll({ topic: "wide" }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ reason: "BUSY", metadata: { partitions: "3", max: "5" } });
  first.cancel();
  await until("it is gone", () => own.broker.stats().streams.consume === 0);
  const second = open();
  await until("there is room again", () => own.broker.stats().fetch.waitingReaders === 3);
  second.cancel();
});
