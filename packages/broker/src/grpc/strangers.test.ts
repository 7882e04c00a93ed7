/** What strangers on the listener may cost: connections, half-sent messages, watches. By counters and answers, not by time. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import { type Socket, connect as connectTcp } from "node:net";
import { once } from "node:events";
import { type ServiceError, credentials, makeClientConstructor, status } from "@grpc/grpc-js";
import { service } from "grpc-health-check";
import { afterEach, expect, test } from "vitest";
import { silentLogger } from "../logger.ts";
import { TestBroker, bytes, until } from "../testing/test-broker.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const portOf = (server: TestBroker): number => Number(server.broker.addresses.grpc.split(":").at(-1));

function session(server: TestBroker): ClientHttp2Session {
  const opened = connectHttp2(`http://${server.broker.addresses.grpc}`);
  opened.on("error", () => undefined);
  closers.push(() => opened.destroy());
  return opened;
}

/** A Produce call whose message is announced with `length` bytes, of which `sent` come. */
function halfSent(over: ClientHttp2Session, length: number, sent: number): ClientHttp2Stream {
  const call = over.request({
    ":method": "POST",
    ":path": "/varve.v1.Log/Produce",
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  call.on("error", () => undefined);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(length, 1);
  call.write(Buffer.concat([prefix, Buffer.alloc(sent)]));
  return call;
}

const alive = async (server: TestBroker, value = "alive"): Promise<void> => {
  const { results } = await server.produce({ topic: "t", partition: 0, records: [{ value: bytes(value) }] });
  expect(results).toHaveLength(1);
};

test("Messages that are not sent to their end cost no more than incompleteBytesMax: the oldest are cut, others pass", async () => {
  const warnings: string[] = [];
  const logger = { ...silentLogger(), warn: (_: object, event: string) => void warnings.push(event) };
  await using server = await TestBroker.start({ limits: { incompleteBytesMax: 256 * 1024 }, logger });
  await server.createTopic("t");
  const over = session(server);
  const calls = Array.from({ length: 10 }, () => halfSent(over, 1_000_000, 60_000));
  // Four of them fit; a call that is cut is told so.
  await until("six are cut", () => calls.filter((call) => call.closed).length === 6);
  expect(calls.map((call) => call.closed)).toEqual([...Array<boolean>(6).fill(true), ...Array<boolean>(4).fill(false)]);
  expect(calls[0]?.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  expect(warnings).toContain("stream cut: too many bytes of messages that were not sent to their end");
  // Whole messages, in many frames, beside those that stay: the stalled ones are older.
  for (let n = 0; n < 5; n++) await alive(server, "x".repeat(200_000));
  // What is closed is counted no more: there is room for four again.
  over.destroy();
  const again = session(server);
  const fresh = Array.from({ length: 4 }, () => halfSent(again, 1_000_000, 60_000));
  await alive(server);
  expect(fresh.every((call) => !call.closed)).toBe(true);
});

test("A stream of whole messages is not cut, however their frames fall", async () => {
  await using server = await TestBroker.start({ limits: { incompleteBytesMax: 64 * 1024 } });
  const over = session(server);
  const call = over.request({
    ":method": "POST",
    ":path": "/varve.v1.Log/ProduceStream",
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  call.on("error", () => undefined);
  call.resume();
  // Empty requests: a prefix of zeros each, in frames that cut them anywhere. Each is answered, none is kept.
  for (let n = 0; n < 2_000; n++) call.write(Buffer.alloc(7));
  call.end(Buffer.alloc(5 - ((2_000 * 7) % 5)));
  await once(call, "close");
  expect(call.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
});

test("Connections beyond connectionsMax are closed at once; when others leave there is room", async () => {
  const warnings: object[] = [];
  const logger = { ...silentLogger(), warn: (fields: object) => void warnings.push(fields) };
  await using server = await TestBroker.start({ limits: { connectionsMax: 4 }, logger });
  // Two connections: one of each service's client.
  await server.createTopic("t");
  await alive(server);
  const open = (): Socket => {
    const socket = connectTcp(portOf(server), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    closers.push(() => socket.destroy());
    return socket;
  };
  const kept = [open(), open()];
  await Promise.all(kept.map((socket) => once(socket, "connect")));
  await until("one is dropped", () => {
    const last = open();
    kept.push(last);
    return warnings.length > 0;
  });
  expect(warnings[0]).toMatchObject({ connectionsMax: 4 });
  await alive(server);
  for (const socket of kept) socket.destroy();
  const other = server.connect();
  closers.push(() => other.close());
  await new Promise<void>((resolve, reject) => {
    other.waitForReady(Date.now() + 30_000, (error) => (error === undefined ? resolve() : reject(error)));
  });
});

test("Readers that do not read hold little together, slow nobody, and what they held is free when they are gone", async () => {
  const limits = { consumeBytesMax: 512 * 1024, consumeBufferBytesMax: 256 * 1024, readBytes: 128 * 1024 };
  await using server = await TestBroker.start({ limits });
  await server.createTopic("t");
  for (let n = 0; n < 80; n++) await alive(server, String(n).padEnd(16 * 1024, "x"));
  const held = (): number => server.broker.stats().fetch.heldBytes;
  const over = session(server);
  // topic = "t"
  const request = Buffer.from([0x0a, 1, 0x74]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(request.length, 1);
  for (let n = 0; n < 30; n++) {
    const call = over.request({
      ":method": "POST",
      ":path": "/varve.v1.Log/Consume",
      "content-type": "application/grpc+proto",
      te: "trailers",
    });
    call.on("error", () => undefined);
    call.pause();
    call.end(Buffer.concat([prefix, request]));
  }
  await until("all are served", () => server.broker.stats().streams.consume === 30 && held() >= 512 * 1024);
  const messages = await server.consumeAll({ topic: "t", end: { kind: "latest-at-start" } });
  expect(messages.flatMap(({ records }) => records)).toHaveLength(80);
  // Each alone might hold 256 KiB and a message of 128; beyond the budget it is one message of 32 KiB.
  expect(held()).toBeLessThan(512 * 1024 + 384 * 1024 + 30 * 48 * 1024);
  over.destroy();
  await until("nothing is held", () => held() === 0);
});

test("Health.Watch tells changes, ends when the broker stops, and is bounded; a huge name stalls nothing", async () => {
  await using server = await TestBroker.start({ limits: { healthWatchesMax: 2 }, shutdownTimeoutMs: 60_000 });
  const Health = makeClientConstructor(service, "grpc.health.v1.Health");
  const client = new Health(server.broker.addresses.grpc, credentials.createInsecure());
  closers.push(() => client.close());
  const told: string[] = [];
  const ends: Promise<string>[] = [];
  const watch = (name: string): void => {
    const call = client["watch"]?.({ service: name }) as NodeJS.EventEmitter;
    call.on("data", (message: { status: string }) => told.push(`${name} ${message.status}`));
    ends.push(
      new Promise((resolve) => {
        call.on("end", () => resolve("end"));
        call.on("error", (error: ServiceError) => resolve(status[error.code] ?? ""));
      }),
    );
  };
  watch("varve.v1.Log");
  await until("the first is told", () => told.length === 1);
  watch("unknown");
  await until("the second is told", () => told.length === 2);
  watch("");
  expect(await ends[2]).toBe("RESOURCE_EXHAUSTED");
  const check = (name: string): Promise<unknown> =>
    new Promise((resolve) => {
      const ask = client["check"]?.bind(client) as (
        request: object,
        callback: (error: ServiceError | null) => void,
      ) => void;
      ask({ service: name }, (error) => resolve(error?.code ?? "fine"));
    });
  expect(await check("x".repeat(1_000_000))).toBe(status.NOT_FOUND);
  expect(await check("varve.v1.Log")).toBe("fine");
  // Not after 60 s: a watch does not hold the shutdown.
  await server.broker.close();
  expect(await Promise.all(ends.slice(0, 2))).toEqual(["end", "end"]);
  expect(told).toEqual(["varve.v1.Log SERVING", "unknown SERVICE_UNKNOWN", "varve.v1.Log NOT_SERVING"]);
});

test("Requests that carry no records and are too long are refused before they are decoded", async () => {
  await using server = await TestBroker.start();
  await server.createTopic("t");
  const partitions = Array<number>(600_000).fill(0);
  const bytesAndLimit = /^Cannot take a request of 600\d\d\d bytes: .* at most 524288;/;
  for (const refused of [
    server.call("DescribePartitions", { topic: "t", partitions }),
    server.listOffsets({ topic: "t", partitions }),
    server.fetch({ topic: "t".repeat(600_000), partition: 0 }),
    server.consumeAll({ topic: "t".repeat(600_000), end: { kind: "latest-at-start" } }),
  ]) {
    const error = await refused.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ reason: "INVALID_REQUEST", message: expect.stringMatching(bytesAndLimit) as string });
  }
  // As many as may be named are within the limit, and are what is said to be too many beyond.
  const many = await server
    .call("DescribePartitions", { topic: "t", partitions: partitions.slice(0, 20_000) })
    .catch((reason: unknown) => reason);
  expect(many).toMatchObject({ message: expect.stringContaining("20000 partitions") as string });
  await alive(server);
});
