import { type ServiceError, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestBroker, bytes } from "../testing/test-broker.ts";

let server: TestBroker;
beforeAll(async () => {
  server = await TestBroker.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const refusal = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

async function put(topic: string, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await server.produce({ topic, partition: 0, records: [{ value: bytes("x"), timestampMs: 1_000 + n }] });
  }
}

test("Admin creates, describes, lists, enlarges and deletes topics", async () => {
  const created = await server.call("CreateTopic", {
    topic: "a",
    partitions: 2,
    configs: { "retention.ms": "1000000" },
  });
  expect(created).toMatchObject({
    topic: { topic: "a", replicationFactor: 1, configs: { "retention.ms": "1000000" }, internal: false },
  });
  expect(await refusal(server.call("CreateTopic", { topic: "a" }))).toMatchObject({ reason: "TOPIC_ALREADY_EXISTS" });
  expect(await refusal(server.call("CreateTopic", { topic: "b", configs: { "retention.mss": "1" } }))).toMatchObject({
    reason: "INVALID_CONFIG",
    message: expect.stringContaining("retention.ms") as string,
  });
  expect(await refusal(server.call("CreateTopic", { topic: "b", replicationFactor: 3 }))).toMatchObject({
    reason: "INVALID_REPLICATION_FACTOR",
  });
  await server.call("CreateTopic", { topic: "ab", validateOnly: true });
  await server.call("CreateTopic", { topic: "b" });
  expect(await server.call("ListTopics", { pageSize: 1 })).toMatchObject({
    topics: [{ topic: "a", partitionCount: 2 }],
    nextPageToken: "a",
  });
  expect(await server.call("ListTopics", { pageSize: 1, pageToken: "a" })).toMatchObject({
    topics: [{ topic: "b" }],
    nextPageToken: "",
  });
  await server.call("AddPartitions", { topic: "a", totalCount: 4 });
  const described = await server.call("DescribeTopic", { topic: "a" });
  expect((described["topic"] as { partitions: unknown[] }).partitions).toHaveLength(4);
  await server.produce({ topic: "a", partition: 3, records: [{ value: bytes("x") }] });
  await server.call("DeleteTopic", { topic: "a" });
  expect(await refusal(server.call("DescribeTopic", { topic: "a" }))).toMatchObject({ reason: "UNKNOWN_TOPIC" });
  // A new topic of the same name is empty and goes on with higher epochs.
  await server.call("CreateTopic", { topic: "a" });
  const { results } = await server.produce({ topic: "a", partition: 0, records: [{ value: bytes("x") }] });
  expect(results[0]).toMatchObject({ baseOffset: 0 });
  await server.restart();
  expect(await server.call("ListTopics", {})).toMatchObject({ topics: [{ topic: "a" }, { topic: "b" }] });
});

test("A topic that is deleted and made again has nothing of the old one, also after a restart", async () => {
  const read = async (): Promise<unknown[]> => {
    const messages = await server.consumeAll({ topic: "again", end: { kind: "latest-at-start" } });
    return messages.flatMap(({ records }) => records.map(({ offset, value }) => [offset, value?.length]));
  };
  await server.call("CreateTopic", { topic: "again", configs: { flush: "os" } });
  await server.produce({ topic: "again", partition: 0, records: [{ value: bytes("old") }, { value: bytes("old") }] });
  // With part of it in files only, and with the newest in memory only.
  await server.restart();
  await server.produce({ topic: "again", partition: 0, records: [{ value: bytes("old") }] });
  expect(await read()).toHaveLength(3);
  await server.call("DeleteTopic", { topic: "again" });
  await server.call("CreateTopic", { topic: "again" });
  expect(await read()).toEqual([]);
  const { results } = await server.produce({ topic: "again", partition: 0, records: [{ value: bytes("newer") }] });
  expect(results[0]).toMatchObject({ baseOffset: 0 });
  expect(await read()).toEqual([[0, 5]]);
  const listed = await server.listOffsets({ topic: "again", partitions: [0] });
  expect(listed.partitions[0]).toMatchObject({ logStartOffset: 0, highWatermark: 1 });
  // Also its configuration is its own: the old one acknowledged without a sync.
  expect(results[0]?.ack?.durableReplicas).toBe(1);
  await server.restart();
  expect(await read()).toEqual([[0, 5]]);
});

test("AlterTopicConfig takes effect on the log at once", async () => {
  await server.createTopic("configured");
  await server.call("AlterTopicConfig", {
    topic: "configured",
    operations: [
      { name: "flush", set: "os" },
      { name: "max.message.bytes", set: "2000" },
    ],
  });
  const { results } = await server.produce({ topic: "configured", partition: 0, records: [{ value: bytes("x") }] });
  expect(results[0]?.ack?.durableReplicas).toBe(0);
  expect(
    await refusal(server.produce({ topic: "configured", partition: 0, records: [{ value: new Uint8Array(3_000) }] })),
  ).toMatchObject({ reason: "MESSAGE_TOO_LARGE" });
  const altered = await server.call("AlterTopicConfig", {
    topic: "configured",
    operations: [
      { name: "flush", set: "sync" },
      { name: "max.message.bytes", delete: true },
    ],
  });
  expect(altered["entries"]).toContainEqual(expect.objectContaining({ name: "flush", value: "sync" }));
  const again = await server.produce({
    topic: "configured",
    partition: 0,
    records: [{ value: new Uint8Array(3_000) }],
  });
  expect(again.results[0]?.ack?.durableReplicas).toBe(1);
  expect(
    await refusal(
      server.call("AlterTopicConfig", { topic: "configured", operations: [{ name: "nonsense", set: "1" }] }),
    ),
  ).toMatchObject({ reason: "INVALID_CONFIG" });
});

test("DeleteRecords moves the log start, and readers below it are told the range", async () => {
  await server.createTopic("cut");
  await put("cut", 6);
  expect(
    await server.call("DeleteRecords", { topic: "cut", partitions: [{ partition: 0, before: { offset: 4 } }] }),
  ).toMatchObject({ partitions: [{ partition: 0, logStartOffset: 4 }] });
  expect(
    await refusal(server.fetch({ topic: "cut", partition: 0, start: { kind: "offset", offset: 1 } })),
  ).toMatchObject({
    reason: "OFFSET_OUT_OF_RANGE",
    metadata: { logStartOffset: "4" },
  });
  expect(
    await server.call("DeleteRecords", { topic: "cut", partitions: [{ partition: 0, before: { offset: 7 } }] }),
  ).toMatchObject({ partitions: [{ error: { reason: "OFFSET_OUT_OF_RANGE" } }] });
  await server.call("DeleteRecords", { topic: "cut", partitions: [{ partition: 0, before: { latest: true } }] });
  expect(await server.listOffsets({ topic: "cut", position: { earliest: true } })).toMatchObject({
    partitions: [{ offset: 6, logStartOffset: 6, highWatermark: 6 }],
  });
});

test("ListOffsets resolves positions, with the epoch of the record there", async () => {
  await server.createTopic("listed");
  await put("listed", 4);
  const at = async (position: object): Promise<unknown> => {
    const { partitions } = await server.listOffsets({ topic: "listed", position });
    return [partitions[0]?.offset, partitions[0]?.timestampMs];
  };
  expect(await at({ earliest: true })).toEqual([0, -1]);
  expect(await at({ latest: true })).toEqual([4, -1]);
  expect(await at({ last: 1 })).toEqual([3, -1]);
  expect(await at({ timeMs: 1_002 })).toEqual([2, 1_002]);
  expect(await at({ timeMs: 9_999 })).toEqual([4, -1]);
  const before = await server.listOffsets({ topic: "listed", position: { earliest: true } });
  await server.restart();
  await put("listed", 1);
  const first = await server.listOffsets({ topic: "listed", position: { earliest: true } });
  const last = await server.listOffsets({ topic: "listed", position: { offset: 4 } });
  expect(first.partitions[0]?.leaderEpoch).toBe(before.partitions[0]?.leaderEpoch);
  expect(last.partitions[0]?.leaderEpoch).toBeGreaterThan(first.partitions[0]?.leaderEpoch ?? Infinity);
  expect(await server.listOffsets({ topic: "listed", partitions: [0, 9] })).toMatchObject({
    partitions: [{ partition: 0 }, { partition: 9, error: { reason: "UNKNOWN_PARTITION" } }],
  });
});

test("Admin describes the cluster and the state of partitions, and refuses to accept a loss that is none", async () => {
  await server.createTopic("state");
  await put("state", 2);
  expect(await server.call("DescribeCluster", {})).toMatchObject({
    clusterId: server.broker.clusterId,
    controllerId: 0,
    brokers: [{ nodeId: 0, address: server.broker.addresses.grpc, state: "BROKER_STATE_ACTIVE" }],
  });
  expect(await server.call("DescribePartitions", { topic: "state" })).toMatchObject({
    partitions: [
      { state: "PARTITION_STATE_ONLINE", highWatermark: 2, logEndOffset: 2, countedOffset: 2, inSyncReplicas: [0] },
    ],
  });
  expect(await refusal(server.call("AcceptLoss", { topic: "state", partition: 0 }))).toMatchObject({
    reason: "POLICY_VIOLATION",
  });
});

test("DescribePartitions counts what is only journaled: as many bytes before a restart as after", async () => {
  await using server = await TestBroker.start();
  await server.createTopic("sized");
  const sizes: unknown[] = [];
  const look = async (): Promise<void> => {
    const { partitions } = (await server.call("DescribePartitions", { topic: "sized" })) as { partitions: object[] };
    sizes.push(...partitions.map((partition) => (partition as { sizeBytes: number }).sizeBytes));
  };
  await look();
  await server.produce({ topic: "sized", partition: 0, records: [{ value: bytes("v".repeat(1_000)) }] });
  await look();
  await server.restart();
  await look();
  expect(sizes).toEqual([0, sizes[1], sizes[1]]);
  expect(sizes[1]).toBeGreaterThan(1_000);
});

test("Health and reflection answer", async () => {
  const { service } = await import("grpc-health-check");
  const { makeClientConstructor } = await import("@grpc/grpc-js");
  const Health = makeClientConstructor(service, "grpc.health.v1.Health");
  const client = new Health(server.broker.addresses.grpc, credentials.createInsecure());
  const check = client["check"]?.bind(client) as (
    request: object,
    callback: (error: ServiceError | null, answer?: { status: string }) => void,
  ) => void;
  const answer = await new Promise((resolve, reject) => {
    check({ service: "varve.v1.Log" }, (error, value) => (error === null ? resolve(value) : reject(error)));
  });
  client.close();
  expect(answer).toMatchObject({ status: "SERVING" });
});
