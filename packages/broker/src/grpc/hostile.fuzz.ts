/**
 * Strangers on the listener: bytes that are no message, messages that make no sense, batches with flipped bits. Whatever comes, the call
 * ends with a status or the request is refused, nothing is left under way, and the broker goes on serving.
 */
import { connect } from "node:net";
import { Metadata, type ServiceError, credentials, status } from "@grpc/grpc-js";
import {
  decodeProduceStreamResponse,
  encodeProduceRequest,
  encodeProduceStreamRequest,
  loadServices,
} from "@varve/api";
import { buildBatch, sealBatch } from "@varve/format";
import { afterAll, assert, beforeAll, expect, test } from "vitest";
import { array, asyncProperty, assert as check, integer, nat, record, uint8Array } from "fast-check";
import { TestBroker, bytes, until } from "../testing/test-broker.ts";

/** VARVE_FUZZ says how many mutated requests are sent; a run of the properties below sends ten. */
const numRuns = Math.ceil(Number(process.env["VARVE_FUZZ"] ?? "6000") / 10);
/** Each of these runs makes many calls, of which many are committed. */
const groupRuns = Math.ceil(numRuns / 10);
const timeout = Math.max(60_000, numRuns * 100);
const identity = (value: Buffer): Buffer => value;

let server: TestBroker;
beforeAll(async () => {
  server = await TestBroker.start();
  await server.createTopic("t", { partitions: 2 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const valid = encodeProduceRequest({
  topic: "t",
  partition: 0,
  records: [{ key: bytes("k"), value: bytes("v"), headers: [{ key: "h", value: null }], timestampMs: 1 }],
});
const validBatch = buildBatch([1, 2, 3].map((n) => ({ value: bytes(`value ${n}`), timestampMs: n })));

/** A unary call with these bytes as its request. @returns the status code, 0 when it succeeded. */
function callRaw(method: string, request: Buffer): Promise<number> {
  return new Promise((resolve) => {
    server.log.makeUnaryRequest(
      method,
      identity,
      identity,
      request,
      new Metadata(),
      { deadline: Date.now() + 60_000 },
      (error: ServiceError | null) => resolve(error?.code ?? 0),
    );
  });
}

async function expectServing(): Promise<void> {
  await until("nothing is under way", () => {
    const { produce, unaryCalls, streams } = server.broker.stats();
    return produce.requestsUnderWay + produce.waiting + unaryCalls + streams.produce === 0;
  });
  const { results } = await server.produce({ topic: "t", partition: 1, records: [{ value: bytes("alive") }] });
  expect(results).toHaveLength(1);
}

function flip(source: Uint8Array, flips: readonly { at: number; to: number }[]): Buffer {
  const changed = Buffer.from(source);
  for (const { at, to } of flips) changed[at % changed.length] = to;
  return changed;
}

const flips = array(record({ at: nat(10_000), to: integer({ min: 0, max: 255 }) }), { minLength: 1, maxLength: 4 });

test("Produce and Fetch survive any bytes", { timeout }, async () => {
  await check(
    asyncProperty(uint8Array({ maxLength: 200 }), flips, async (noise, changes) => {
      for (const method of ["Produce", "Fetch", "ListOffsets", "EpochEnd", "InitProducer"]) {
        assert.notEqual(await callRaw(`/varve.v1.Log/${method}`, Buffer.from(noise)), 4);
      }
      assert.notEqual(await callRaw("/varve.v1.Log/Produce", flip(valid, changes)), 4);
    }),
    { numRuns },
  );
  await expectServing();
});

test("Produce stores no batch whose bytes do not fit its checksum or its records", { timeout }, async () => {
  const before = (await server.listOffsets({ topic: "t", partitions: [0] })).partitions[0]?.highWatermark ?? 0;
  let accepted = 0;
  await check(
    asyncProperty(flips, integer({ min: 0, max: 1 }), async (changes, seal) => {
      const batch = flip(validBatch, changes);
      // Bytes under a codec are opaque to the broker; whether they can be read is between producer and reader. Elsewhere, then.
      const partition = (batch[22]! & 7) === 0 ? 0 : 1;
      // A liar computes the checksum anew.
      if (seal === 1 && batch.readInt32BE(8) === batch.length - 12) sealBatch(batch, 0);
      const code = await callRaw("/varve.v1.Log/Produce", encodeProduceRequest({ topic: "t", partition, batch }));
      assert.notEqual(code, 4);
      if (code === 0 && partition === 0) accepted++;
    }),
    { numRuns },
  );
  // What was taken can be read back whole.
  const messages = await server.consumeAll({
    topic: "t",
    partitions: [{ partition: 0, start: { kind: "offset", offset: before } }],
    end: { kind: "latest-at-start" },
  });
  const read = messages.reduce((sum, message) => sum + message.records.length, 0);
  expect(read).toBe(accepted * 3);
  await expectServing();
});

test("A message beyond 8 MiB ends its call with RESOURCE_EXHAUSTED, and nothing else", async () => {
  const roomy = loadServices().openLogClient(server.broker.addresses.grpc, credentials.createInsecure(), {
    "grpc.max_send_message_length": -1,
  });
  const code = await new Promise((resolve) => {
    const request = { topic: "t", partition: 0, records: [{ value: new Uint8Array(9 * 1024 * 1024) }] };
    roomy.Produce(request, new Metadata(), {}, (error) => resolve(error?.code));
  });
  roomy.close();
  expect(code).toBe(status.RESOURCE_EXHAUSTED);
  await expectServing();
});

const groupCalls = [
  "CommitOffsets",
  "FetchOffsets",
  "ListGroups",
  "DescribeGroup",
  "ResetOffsets",
  "ForkGroup",
  "ConfigureGroup",
  "DeleteGroup",
] as const;

/** A request of the Groups service as bytes. */
function groupRequest(name: string, request: object): Buffer {
  return loadServices().groups[name]?.requestSerialize(request) ?? Buffer.alloc(0);
}

const goodCommit = groupRequest("CommitOffsets", {
  group: "g",
  offsets: [{ topic: "t", partition: 1, offset: 1, leaderEpoch: -1, metadata: "m" }],
});
const goodReset = groupRequest("ResetOffsets", { group: "g", topic: "t", partitions: [0], position: { timeMs: 5 } });
const goodFork = groupRequest("ForkGroup", {
  group: "g",
  newGroup: "h",
  position: { last: 1 },
  end: { latestAtStart: true },
  rate: { recordsPerSecond: 1 },
});
const goodJoin = groupRequest("Join", {
  join: { group: "g", topics: ["t"], topicPattern: "t.*", sessionTimeoutMs: 1_000, start: { earliest: true } },
});
const goodRevoked = groupRequest("Join", { revoked: { generation: 1, partitions: [{ topic: "t", partition: 0 }] } });

test("calls about groups survive any bytes", { timeout }, async () => {
  await check(
    asyncProperty(uint8Array({ maxLength: 100 }), flips, async (noise, changes) => {
      for (const call of groupCalls) {
        assert.notEqual(await callRaw(`/varve.v1.Groups/${call}`, Buffer.from(noise)), 4);
      }
      assert.notEqual(await callRaw("/varve.v1.Groups/CommitOffsets", flip(goodCommit, changes)), 4);
      assert.notEqual(await callRaw("/varve.v1.Groups/ResetOffsets", flip(goodReset, changes)), 4);
      assert.notEqual(await callRaw("/varve.v1.Groups/ForkGroup", flip(goodFork, changes)), 4);
    }),
    { numRuns: groupRuns },
  );
  await expectServing();
});

test("sessions of groups survive any bytes, and leave nothing behind", { timeout }, async () => {
  await check(
    asyncProperty(uint8Array({ maxLength: 100 }), flips, async (noise, changes) => {
      const messages = [
        [flip(goodJoin, changes)],
        [goodJoin, flip(goodRevoked, changes)],
        [goodJoin, Buffer.from(noise)],
        [goodJoin, goodJoin],
      ];
      const ended = messages.map(
        (request) =>
          new Promise<number>((resolve) => {
            const call = server.groups.makeBidiStreamRequest(
              "/varve.v1.Groups/Join",
              identity,
              identity,
              new Metadata(),
              {
                deadline: Date.now() + 60_000,
              },
            );
            call.on("error", (error: ServiceError) => resolve(error.code));
            call.on("end", () => resolve(0));
            call.resume();
            for (const message of request) call.write(message);
            call.end();
          }),
      );
      for (const code of await Promise.all(ended)) assert.notEqual(code, 4);
    }),
    { numRuns: groupRuns },
  );
  await expectServing();
  await until("no session is left", async () => {
    return (await server.broker.metrics.metrics()).includes("varve_group_sessions 0\n");
  });
});

test("HTTP answers what is no path", async () => {
  const [host = "", port = ""] = (server.broker.addresses.http ?? "").split(":");
  for (const line of [
    "GET // HTTP/1.1",
    "GET /metrics?x=1 HTTP/1.1",
    "POST /healthz HTTP/1.1",
    "GET http://[::1 HTTP/1.1",
  ]) {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), host, () => socket.write(`${line}\r\nHost: x\r\nConnection: close\r\n\r\n`));
      let received = "";
      socket.on("data", (data) => (received += data.toString()));
      socket.on("close", () => resolve(received));
      socket.on("error", reject);
    });
    expect(answer).toMatch(/^HTTP\/1.1 (200|400|404|405)/);
  }
});

test("ProduceStream survives any bytes, and other streams go on", { timeout }, async () => {
  await check(
    asyncProperty(uint8Array({ maxLength: 100 }), flips, async (noise, changes) => {
      const call = server.log.makeBidiStreamRequest(
        "/varve.v1.Log/ProduceStream",
        identity,
        decodeProduceStreamResponse,
        new Metadata(),
        { deadline: Date.now() + 60_000 },
      );
      const ended = new Promise<number>((resolve) => {
        call.on("error", (error: ServiceError) => resolve(error.code));
        call.on("end", () => resolve(0));
      });
      call.resume();
      const good = encodeProduceStreamRequest({ topic: "t", partition: 0, records: [{ value: bytes("x") }] });
      call.write(good);
      call.write(flip(good, changes));
      call.write(Buffer.from(noise));
      call.end();
      assert.notEqual(await ended, 4);
    }),
    { numRuns },
  );
  await expectServing();
});
