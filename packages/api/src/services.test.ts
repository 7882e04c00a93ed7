// SPDX-License-Identifier: Apache-2.0
import { credentials, Metadata, Server, ServerCredentials, status, type ServiceError } from "@grpc/grpc-js";
import { buildBatch, readBatchHeader, batchHeaderBytes } from "@varve/format";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConsumeEncoder } from "./consume/consume-encoder.ts";
import type { ConsumeResponse } from "./consume/consume-response.ts";
import { VarveError } from "./errors.ts";
import { channelOptions, serverOptions, tuneServer } from "./grpc-tuning.ts";
import type { GroupsHandlers } from "./gen/varve/v1/Groups.ts";
import type { JoinRequest__Output } from "./gen/varve/v1/JoinRequest.ts";
import type { JoinResponse__Output } from "./gen/varve/v1/JoinResponse.ts";
import type { ProduceOutcome, ProduceResponse } from "./produce/produce-response.ts";
import { loadServices, type LogClient, type LogHandlers } from "./services.ts";
import { errorFromStatus, statusFromError } from "./status-details.ts";

const services = loadServices();
let server: Server;
let client: LogClient;
let address: string;

function responseFor(topic: string, count: number): ProduceResponse {
  const ack = { level: "all", leaderEpoch: topic.length, durableReplicas: 1 } as const;
  const result = { partition: 3, baseOffset: 0, lastOffset: count - 1, ack, duplicate: false, recordIndexes: [] };
  return { results: [{ ...result, logStartOffset: 0 }] };
}

const handlers: LogHandlers = {
  Produce: (call, callback) => {
    const { topic, fault, records } = call.request;
    if (fault !== undefined) callback(statusFromError(new VarveError(fault.reason, fault.message)));
    else if (topic === "half") {
      const produceResponse = responseFor(topic, 1);
      callback(
        statusFromError(new VarveError("NOT_LEADER", "Not here", { metadata: { leader: "2" }, produceResponse })),
      );
    } else callback(null, responseFor(topic, records?.count ?? 0));
  },
  ProduceStream: (call) => {
    call.on("data", (request) => {
      const { fault, topic, records } = request;
      const outcome: ProduceOutcome =
        fault === undefined
          ? { kind: "response", response: responseFor(topic, records?.count ?? 0) }
          : { kind: "error", error: { ...fault, retriable: false, metadata: {} } };
      call.write([outcome, outcome]);
    });
    call.on("end", () => call.end());
  },
  Fetch: (call, callback) => callback(null, consumeMessage(call.request.partition, true)),
  Consume: (call) => {
    for (const range of call.request.partitions) call.write(consumeMessage(range.partition, false));
    call.end();
  },
  ListOffsets: (call, callback) => {
    const { position } = call.request;
    callback(null, { partitions: [{ partition: 1, offset: position?.timeMs ?? -1, timestampMs: -1, leaderEpoch: 4 }] });
  },
  InitProducer: (_call, callback) => callback(null, { producerId: 2 ** 53 - 1, producerEpoch: 7 }),
  EpochEnd: (_call, callback) => callback(null, { partitions: [] }),
};

function consumeMessage(partition: number, endReached: boolean): Buffer {
  const batch = buildBatch([{ value: Buffer.from("hello"), timestampMs: 5 }]);
  const encoder = new ConsumeEncoder({ partition, fromOffset: 0 });
  encoder.add(readBatchHeader(batch), batch.subarray(batchHeaderBytes));
  return encoder.finish({ highWatermark: 9, logStartOffset: 0, endReached });
}

beforeAll(async () => {
  server = new Server(serverOptions);
  tuneServer(server, (message) => expect.fail(message));
  server.addService(services.log, handlers);
  server.addService(services.groups, { Join: answerJoin });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  address = `127.0.0.1:${port}`;
  client = services.openLogClient(address, credentials.createInsecure(), channelOptions);
});

afterAll(() => {
  client.close();
  server.forceShutdown();
});

/** Answers join with an assignment of what the member says to own, commit with its number. */
const answerJoin: GroupsHandlers["Join"] = (call) => {
  call.on("data", ({ join, commit }: JoinRequest__Output) => {
    const assign = join?.owned.map((owned) => ({ ...owned, offset: 2 ** 45 }));
    if (assign !== undefined) call.write({ assignment: { memberId: join!.group, assign } });
    if (commit?.requestId !== undefined) call.write({ commit: { requestId: commit.requestId } });
  });
  call.on("end", () => call.end());
};

function produce(topic: string, values: readonly string[]): Promise<ProduceResponse> {
  return new Promise((resolve, reject) => {
    const records = values.map((value) => ({ value: Buffer.from(value) }));
    client.Produce({ topic, records }, new Metadata(), {}, (error, response) =>
      error === null ? resolve(response!) : reject(error),
    );
  });
}

function failureOf(call: Promise<unknown>): Promise<VarveError> {
  return call.then(
    () => expect.fail("the call succeeded"),
    (error: ServiceError) => errorFromStatus(error),
  );
}

describe("loadServices()", () => {
  it("carries a unary Produce by the fast codecs", async () => {
    expect(await produce("t", ["a", "b"])).toEqual(responseFor("t", 2));
  });

  it("gives a refused Produce its reason, metadata and partial response", async () => {
    const failure = await failureOf(produce("half", ["a"]));
    expect(failure).toMatchObject({ reason: "NOT_LEADER", retriable: true, metadata: { leader: "2" } });
    expect(failure.produceResponse).toEqual(responseFor("half", 1));
  });

  it("refuses a request without topic as INVALID_REQUEST, not as a broken stream", async () => {
    const failure = await failureOf(produce("", ["a"]));
    expect(failure).toMatchObject({ reason: "INVALID_REQUEST", grpcCode: status.INVALID_ARGUMENT, retriable: false });
  });

  it("carries ProduceStream both ways, several outcomes a message", async () => {
    const call = client.ProduceStream(new Metadata(), {});
    const outcomes: ProduceOutcome[] = [];
    call.on("data", (message: readonly ProduceOutcome[]) => outcomes.push(...message));
    call.write({ topic: "s", records: [{ key: Buffer.from("k"), value: null }] });
    call.write({ topic: "s", partition: -4, records: [{}] });
    call.end();
    await new Promise((resolve) => call.on("end", resolve));
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(["response", "response", "error", "error"]);
    expect(outcomes[0]).toEqual({ kind: "response", response: responseFor("s", 1) });
  });

  it("carries Consume and Fetch with records", async () => {
    const call = client.Consume({ topic: "t", partitions: [{ partition: 2 }, { partition: 5 }] }, new Metadata(), {});
    const messages: ConsumeResponse[] = [];
    for await (const message of call as AsyncIterable<ConsumeResponse>) messages.push(message);
    expect(messages.map((message) => message.partition)).toEqual([2, 5]);
    expect(Buffer.from(messages[0]!.records[0]!.value!).toString()).toBe("hello");
    const fetched = await new Promise<ConsumeResponse>((resolve, reject) => {
      client.Fetch({ topic: "t", partition: 7 }, new Metadata(), {}, (error, response) =>
        error === null ? resolve(response!) : reject(error),
      );
    });
    expect(fetched).toMatchObject({ partition: 7, endReached: true, highWatermark: 9, nextOffset: 1 });
  });

  it("carries a member's session, and the group that records are read for", async () => {
    const groups = services.openGroupsClient(address, credentials.createInsecure(), channelOptions);
    const call = groups.Join(new Metadata(), {});
    const answers: JoinResponse__Output[] = [];
    call.on("data", (message: JoinResponse__Output) => answers.push(message));
    call.write({ join: { group: "g", topics: ["t"], owned: [{ topic: "t", partition: 3 }] } });
    call.write({ commit: { requestId: 2 ** 40, generation: 7 } });
    call.end();
    await new Promise((resolve) => call.on("end", resolve));
    expect(answers.map(({ message }) => message)).toEqual(["assignment", "commit"]);
    expect(answers[0]!.assignment).toMatchObject({
      memberId: "g",
      assign: [{ topic: "t", partition: 3, offset: 2 ** 45 }],
      revoke: [],
    });
    expect(answers[0]!.assignment!.assign[0]!.endOffset).toBeUndefined();
    expect(answers[1]!.commit).toMatchObject({ requestId: 2 ** 40, error: null });
    groups.close();
    const encoded = services.log["Consume"]!.requestSerialize({ topic: "t", group: "g" });
    expect(services.log["Consume"]!.requestDeserialize(encoded)).toMatchObject({ topic: "t", group: "g" });
    const fetch = services.log["Fetch"]!.requestSerialize({ topic: "t", partition: 0, group: "g" });
    expect(services.log["Fetch"]!.requestDeserialize(fetch)).toMatchObject({ topic: "t", group: "g" });
  });

  it("carries the other calls by proto-loader, with numbers for 64 bits", async () => {
    const listed = await new Promise((resolve, reject) => {
      client.ListOffsets({ topic: "t", position: { timeMs: 2 ** 41 } }, new Metadata(), {}, (error, response) =>
        error === null ? resolve(response!) : reject(error),
      );
    });
    expect(listed).toMatchObject({ partitions: [{ partition: 1, offset: 2 ** 41, timestampMs: -1, error: null }] });
    const id = await new Promise((resolve, reject) => {
      client.InitProducer({}, new Metadata(), {}, (error, response) =>
        error === null ? resolve(response!) : reject(error),
      );
    });
    expect(id).toMatchObject({ producerId: Number.MAX_SAFE_INTEGER, producerEpoch: 7 });
  });
});
