import { Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestBroker, bytes, text, until } from "../testing/test-broker.ts";

let server: TestBroker;
beforeAll(async () => {
  server = await TestBroker.start({ limits: { parkedFetchesMax: 3 } });
  await server.createTopic("t");
  await server.createTopic("empty");
  for (let n = 0; n < 5; n++) await put("t", `r${n}`);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function put(topic: string, value: string): Promise<void> {
  await server.produce({ topic, partition: 0, records: [{ value: bytes(value), timestampMs: 1_000 }] });
}

test("Fetch returns what is there, at least one batch, and where to go on", async () => {
  const all = await server.fetch({ topic: "t", partition: 0 });
  expect(all.records.map((record) => text(record.value))).toEqual(["r0", "r1", "r2", "r3", "r4"]);
  expect(all).toMatchObject({ nextOffset: 5, highWatermark: 5, logStartOffset: 0 });
  const one = await server.fetch({ topic: "t", partition: 0, start: { kind: "offset", offset: 2 }, maxBytes: 1 });
  expect(one.records.map((record) => record.offset)).toEqual([2]);
});

test("Fetch by id reads the topic that is meant, and no other that has its name by now", async () => {
  const { topicId } = (await server.call("DescribeTopic", { topic: "t" }))["topic"] as { topicId: string };
  expect((await server.fetch({ topic: "t", topicId, partition: 0 })).records).toHaveLength(5);
  const other = server.fetch({ topic: "t", topicId: "f".repeat(32), partition: 0 });
  await expect(other).rejects.toMatchObject({
    reason: "UNKNOWN_TOPIC",
    message: expect.stringContaining("created again"),
  });
});

test("Fetch waits for the high watermark, answers empty when time is up, and at once when it may not wait", async () => {
  const started = performance.now();
  expect((await server.fetch({ topic: "empty", partition: 0 })).records).toHaveLength(0);
  expect((await server.fetch({ topic: "empty", partition: 0, maxWaitMs: 60 })).records).toHaveLength(0);
  expect(performance.now() - started).toBeGreaterThanOrEqual(60);
  const waiting = server.fetch({ topic: "empty", partition: 0, maxWaitMs: 30_000 });
  await until("parked", () => server.broker.stats().fetch.waitingReaders === 1);
  await put("empty", "now");
  expect((await waiting).records.map((record) => text(record.value))).toEqual(["now"]);
});

test("Fetch gathers min_bytes over several commits", async () => {
  await server.createTopic("gather");
  const waiting = server.fetch({ topic: "gather", partition: 0, minBytes: 250, maxWaitMs: 30_000 });
  for (let n = 0; n < 8; n++) {
    await until("parked or done", () => server.broker.stats().fetch.parked <= 1);
    await put("gather", `value-${n}`);
  }
  const { records } = await waiting;
  // 75 bytes a batch: four of them.
  expect(records.length).toBeGreaterThanOrEqual(3);
  expect(records.map((record) => record.offset)).toEqual(records.map((_, index) => index));
});

test("Fetch calls that wait are bounded, and leave nothing when they are cancelled", async () => {
  await server.createTopic("parked");
  const calls = [1, 2, 3].map(() => {
    const call = server.log.Fetch(
      { topic: "parked", partition: 0, maxWaitMs: 30_000 },
      new Metadata(),
      {},
      () => undefined,
    );
    return call;
  });
  await until("all wait", () => server.broker.stats().fetch.parked === 3);
  const refused = await server
    .fetch({ topic: "parked", partition: 0, maxWaitMs: 1_000 })
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ reason: "BUSY" });
  for (const call of calls) call.cancel();
  await until("all are gone", () => {
    const { fetch, unaryCalls, deadlines } = server.broker.stats();
    return fetch.parked + fetch.waitingReaders + unaryCalls + deadlines === 0;
  });
});

test("Fetch filters by time and says what it skipped", async () => {
  const { records, skipped, nextOffset } = await server.fetch({ topic: "t", partition: 0, fromTimeMs: 2_000 });
  expect([records.length, skipped, nextOffset]).toEqual([0, 5, 5]);
});
