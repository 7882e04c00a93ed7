// SPDX-License-Identifier: Apache-2.0
// Messages of Apache Kafka as tables, against bytes written by an independent codec (V-numbers as in the wire notes).
import { describe, expect, it } from "vitest";

import { ByteReader } from "../reader.ts";
import { message, type Message, type TypeOf } from "./message.ts";
import { field, struct } from "./struct.ts";
import { array, boolean, bytes, int16, int32, int64, int8, string, uuid } from "./types.ts";

const topicId = "000102030405060708090a0b0c0d0e0f";
const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const batchHex =
  "00000000000000000000004bffffffff028a7f07340000000000010000018bcfe568000000018bcfe56805ffffffffffffffffffffffffffff0000000210000000010476300020000a02026b0476310402680278026e01";

const TopicPartitions = struct({ topicId: field(uuid), partitions: field(array(int32)) });

const Subscription = message(
  "ConsumerProtocolSubscription",
  { versions: "0-3" },
  {
    topics: field(array(string)),
    userData: field(bytes, { nullable: "0+", default: null }),
    ownedPartitions: field(array(struct({ topic: field(string), partitions: field(array(int32)) })), {
      versions: "1+",
      ignorable: true,
    }),
    generationId: field(int32, { versions: "2+", default: -1, ignorable: true }),
    rackId: field(string, { versions: "3+", nullable: "3+", default: null, ignorable: true }),
  },
);

const Assignment = message(
  "ConsumerProtocolAssignment",
  { versions: "0-3" },
  {
    assignedPartitions: field(array(struct({ topic: field(string), partitions: field(array(int32)) }))),
    userData: field(bytes, { nullable: "0+", default: null }),
  },
);

const FetchRequest = message(
  "FetchRequest",
  { apiKey: 1, versions: "0-18", flexible: "12+" },
  {
    clusterId: field(string, { versions: "12+", nullable: "12+", default: null, tag: 0, ignorable: true }),
    replicaId: field(int32, { versions: "0-14", default: -1 }),
    replicaState: field(
      struct({ replicaId: field(int32, { default: -1 }), replicaEpoch: field(int64, { default: -1 }) }),
      { versions: "15+", tag: 1 },
    ),
    maxWaitMs: field(int32),
    minBytes: field(int32),
    maxBytes: field(int32, { versions: "3+", default: 0x7fffffff, ignorable: true }),
    isolationLevel: field(int8, { versions: "4+", default: 0 }),
    sessionId: field(int32, { versions: "7+", default: 0, ignorable: true }),
    sessionEpoch: field(int32, { versions: "7+", default: -1, ignorable: true }),
    topics: field(
      array(
        struct({
          topic: field(string, { versions: "0-12", ignorable: true }),
          topicId: field(uuid, { versions: "13+", ignorable: true }),
          partitions: field(
            array(
              struct({
                partition: field(int32),
                currentLeaderEpoch: field(int32, { versions: "9+", default: -1, ignorable: true }),
                fetchOffset: field(int64),
                lastFetchedEpoch: field(int32, { versions: "12+", default: -1 }),
                logStartOffset: field(int64, { versions: "5+", default: -1, ignorable: true }),
                partitionMaxBytes: field(int32),
              }),
            ),
          ),
        }),
      ),
    ),
    forgottenTopicsData: field(
      array(struct({ topic: field(string, { versions: "0-12" }), partitions: field(array(int32)) })),
      { versions: "7+" },
    ),
    rackId: field(string, { versions: "11+", default: "", ignorable: true }),
  },
);

const EpochEnd = struct({ epoch: field(int32, { default: -1 }), endOffset: field(int64, { default: -1 }) });
const LeaderIdAndEpoch = struct({
  leaderId: field(int32, { default: -1 }),
  leaderEpoch: field(int32, { default: -1 }),
});

const FetchResponse = message(
  "FetchResponse",
  { apiKey: 1, versions: "0-18", flexible: "12+" },
  {
    throttleTimeMs: field(int32, { versions: "1+", ignorable: true }),
    errorCode: field(int16, { versions: "7+", ignorable: true }),
    sessionId: field(int32, { versions: "7+", default: 0 }),
    responses: field(
      array(
        struct({
          topic: field(string, { versions: "0-12" }),
          topicId: field(uuid, { versions: "13+" }),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                errorCode: field(int16),
                highWatermark: field(int64),
                lastStableOffset: field(int64, { versions: "4+", default: -1 }),
                logStartOffset: field(int64, { versions: "5+", default: -1 }),
                divergingEpoch: field(EpochEnd, { versions: "12+", tag: 0 }),
                currentLeader: field(LeaderIdAndEpoch, { versions: "12+", tag: 1 }),
                abortedTransactions: field(array(struct({ producerId: field(int64), firstOffset: field(int64) })), {
                  versions: "4+",
                  nullable: "4+",
                }),
                preferredReadReplica: field(int32, { versions: "11+", default: -1 }),
                records: field(bytes, { nullable: "0+" }),
              }),
            ),
          ),
        }),
      ),
    ),
  },
);

const ProduceRequest = message(
  "ProduceRequest",
  { apiKey: 0, versions: "0-12", flexible: "9+" },
  {
    transactionalId: field(string, { versions: "3+", nullable: "3+", default: null }),
    acks: field(int16),
    timeoutMs: field(int32),
    topicData: field(
      array(
        struct({
          name: field(string),
          partitionData: field(array(struct({ index: field(int32), records: field(bytes, { nullable: "0+" }) }))),
        }),
      ),
    ),
  },
);

const ProduceResponse = message(
  "ProduceResponse",
  { apiKey: 0, versions: "0-12", flexible: "9+" },
  {
    responses: field(
      array(
        struct({
          name: field(string),
          partitionResponses: field(
            array(
              struct({
                index: field(int32),
                errorCode: field(int16),
                baseOffset: field(int64),
                logAppendTimeMs: field(int64, { versions: "2+", default: -1, ignorable: true }),
                logStartOffset: field(int64, { versions: "5+", default: -1, ignorable: true }),
                recordErrors: field(
                  array(
                    struct({
                      batchIndex: field(int32),
                      batchIndexErrorMessage: field(string, { nullable: "8+", default: null }),
                    }),
                  ),
                  { versions: "8+", ignorable: true },
                ),
                errorMessage: field(string, { versions: "8+", nullable: "8+", default: null, ignorable: true }),
              }),
            ),
          ),
        }),
      ),
    ),
    throttleTimeMs: field(int32, { versions: "1+", default: 0, ignorable: true }),
  },
);

const JoinGroupRequest = message(
  "JoinGroupRequest",
  { apiKey: 11, versions: "0-9", flexible: "6+" },
  {
    groupId: field(string),
    sessionTimeoutMs: field(int32),
    rebalanceTimeoutMs: field(int32, { versions: "1+", default: -1, ignorable: true }),
    memberId: field(string),
    groupInstanceId: field(string, { versions: "5+", nullable: "5+", default: null }),
    protocolType: field(string),
    protocols: field(array(struct({ name: field(string), metadata: field(bytes) }))),
    reason: field(string, { versions: "8+", nullable: "8+", default: null, ignorable: true }),
  },
);

const HeartbeatRequest = message(
  "ConsumerGroupHeartbeatRequest",
  { apiKey: 68, versions: "0-1", flexible: "0+" },
  {
    groupId: field(string),
    memberId: field(string),
    memberEpoch: field(int32),
    instanceId: field(string, { nullable: "0+", default: null }),
    rackId: field(string, { nullable: "0+", default: null }),
    rebalanceTimeoutMs: field(int32, { default: -1 }),
    subscribedTopicNames: field(array(string), { nullable: "0+", default: null }),
    subscribedTopicRegex: field(string, { versions: "1+", nullable: "1+", default: null }),
    serverAssignor: field(string, { nullable: "0+", default: null }),
    topicPartitions: field(array(TopicPartitions), { nullable: "0+", default: null }),
  },
);

const HeartbeatResponse = message(
  "ConsumerGroupHeartbeatResponse",
  { apiKey: 68, versions: "0-1", flexible: "0+" },
  {
    throttleTimeMs: field(int32),
    errorCode: field(int16),
    errorMessage: field(string, { nullable: "0+", default: null }),
    memberId: field(string, { nullable: "0+", default: null }),
    memberEpoch: field(int32),
    heartbeatIntervalMs: field(int32),
    assignment: field(struct({ topicPartitions: field(array(TopicPartitions)) }), { nullable: "0+", default: null }),
  },
);

const ShareFetchRequest = message(
  "ShareFetchRequest",
  { apiKey: 78, versions: "0-1", flexible: "0+" },
  {
    groupId: field(string, { nullable: "0+", default: null }),
    memberId: field(string, { nullable: "0+" }),
    shareSessionEpoch: field(int32),
    maxWaitMs: field(int32),
    minBytes: field(int32),
    maxBytes: field(int32, { default: 0x7fffffff }),
    maxRecords: field(int32, { versions: "1+" }),
    batchSize: field(int32, { versions: "1+" }),
    topics: field(
      array(
        struct({
          topicId: field(uuid),
          partitions: field(
            array(
              struct({
                partitionIndex: field(int32),
                partitionMaxBytes: field(int32, { versions: "0" }),
                acknowledgementBatches: field(
                  array(
                    struct({
                      firstOffset: field(int64),
                      lastOffset: field(int64),
                      acknowledgeTypes: field(array(int8)),
                    }),
                  ),
                ),
              }),
            ),
          ),
        }),
      ),
    ),
    forgottenTopicsData: field(array(TopicPartitions)),
  },
);

/** Request header v1 (versions that are not flexible) and v2. */
const RequestHeader = message(
  "RequestHeader",
  { versions: "1-2", flexible: "2+" },
  {
    apiKey: field(int16),
    apiVersion: field(int16),
    correlationId: field(int32),
    clientId: field(string, { nullable: "1+", default: null, compact: false }),
  },
);

const ResponseHeader = message("ResponseHeader", { versions: "0-1", flexible: "1+" }, { correlationId: field(int32) });

const ApiVersionsRequest = message(
  "ApiVersionsRequest",
  { apiKey: 18, versions: "0-4", flexible: "3+" },
  {
    clientSoftwareName: field(string, { versions: "3+", ignorable: true }),
    clientSoftwareVersion: field(string, { versions: "3+", ignorable: true }),
  },
);

const ApiVersionsResponse = message(
  "ApiVersionsResponse",
  { apiKey: 18, versions: "0-4", flexible: "3+" },
  {
    errorCode: field(int16),
    apiKeys: field(array(struct({ apiKey: field(int16), minVersion: field(int16), maxVersion: field(int16) }))),
    throttleTimeMs: field(int32, { versions: "1+", default: 0, ignorable: true }),
    finalizedFeaturesEpoch: field(int64, { versions: "3+", default: -1, tag: 1, ignorable: true }),
  },
);

const MetadataRequest = message(
  "MetadataRequest",
  { apiKey: 3, versions: "0-13", flexible: "9+" },
  {
    topics: field(
      array(struct({ topicId: field(uuid, { versions: "10+" }), name: field(string, { nullable: "10+" }) })),
      { nullable: "1+" },
    ),
    allowAutoTopicCreation: field(boolean, { versions: "4+", default: true }),
    includeClusterAuthorizedOperations: field(boolean, { versions: "8-10" }),
    includeTopicAuthorizedOperations: field(boolean, { versions: "8+" }),
  },
);

const MetadataResponse = message(
  "MetadataResponse",
  { apiKey: 3, versions: "0-13", flexible: "9+" },
  {
    throttleTimeMs: field(int32, { versions: "3+" }),
    brokers: field(
      array(
        struct({
          nodeId: field(int32),
          host: field(string),
          port: field(int32),
          rack: field(string, { versions: "1+", nullable: "1+", default: null }),
        }),
      ),
    ),
    clusterId: field(string, { versions: "2+", nullable: "2+", default: null }),
    controllerId: field(int32, { versions: "1+", default: -1 }),
    topics: field(
      array(
        struct({
          errorCode: field(int16),
          name: field(string, { nullable: "12+" }),
          topicId: field(uuid, { versions: "10+" }),
          isInternal: field(boolean, { versions: "1+", default: false }),
          partitions: field(
            array(
              struct({
                errorCode: field(int16),
                partitionIndex: field(int32),
                leaderId: field(int32),
                leaderEpoch: field(int32, { versions: "7+", default: -1 }),
                replicaNodes: field(array(int32)),
                isrNodes: field(array(int32)),
                offlineReplicas: field(array(int32), { versions: "5+" }),
              }),
            ),
          ),
          topicAuthorizedOperations: field(int32, { versions: "8+", default: -0x80000000 }),
        }),
      ),
    ),
    clusterAuthorizedOperations: field(int32, { versions: "8-10", default: -0x80000000 }),
    errorCode: field(int16, { versions: "13+" }),
  },
);

/** Decodes, compares what matters, and writes the same bytes again from what was read. */
function roundTrip<Out extends In, In>(table: Message<Out, In>, version: number, hex: string, expected: object): void {
  const value = table.decode(bytesOf(hex), version);
  expect(value).toMatchObject(expected);
  expect(hexOf(table.encode(version, value))).toBe(hex);
}

describe("messages of Kafka", () => {
  it("V18: ConsumerProtocolSubscription v1", () => {
    const hex = "000100000001000161ffffffff00000000";
    const reader = new ByteReader(bytesOf(hex));
    const version = reader.int16();
    expect(Subscription.read(reader, version)).toEqual({
      topics: ["a"],
      userData: null,
      ownedPartitions: [],
      generationId: -1,
      rackId: null,
    });
    expect(reader.remaining).toBe(0);
    expect(`0001${hexOf(Subscription.encode(1, { topics: ["a"] }))}`).toBe(hex);
  });

  it("V20: ConsumerProtocolAssignment v1", () => {
    roundTrip(Assignment, 1, "00000001000161000000020000000000000001ffffffff", {
      assignedPartitions: [{ topic: "a", partitions: [0, 1] }],
      userData: null,
    });
  });

  it("V13 and V14: Produce v3 and v9, whose batches are views of the request", () => {
    const records = bytesOf(batchHex);
    const expected = {
      acks: -1,
      timeoutMs: 30000,
      topicData: [{ name: "a", partitionData: [{ index: 0, records }] }],
    };
    const v3 = `ffffffff0000753000000001000161000000010000000000000057${batchHex}`;
    roundTrip(ProduceRequest, 3, v3, expected);
    roundTrip(ProduceRequest, 9, `00ffff00007530020261020000000058${batchHex}000000`, expected);
    const request = bytesOf(v3);
    const decoded: TypeOf<typeof ProduceRequest> = ProduceRequest.decode(request, 3);
    expect(decoded.topicData[0]!.partitionData[0]!.records!.buffer).toBe(request.buffer);
  });

  it("V15: Produce v9 response", () => {
    const hex = "020261020000000000000000000000000029ffffffffffffffff0000000000000000010000000000000000";
    roundTrip(ProduceResponse, 9, hex, {
      responses: [{ name: "a", partitionResponses: [{ baseOffset: 41, logAppendTimeMs: -1, logStartOffset: 0 }] }],
    });
  });

  it("V16: Fetch v12 request, sessionless", () => {
    const hex =
      "ffffffff000001f400000001032000000000000000ffffffff0202610200000000000000000000000000000029ffffffffffffffffffffffff001000000000010100";
    roundTrip(FetchRequest, 12, hex, {
      clusterId: null,
      maxWaitMs: 500,
      maxBytes: 52428800,
      sessionEpoch: -1,
      replicaState: { replicaId: -1, replicaEpoch: -1 },
      topics: [{ topic: "a", partitions: [{ fetchOffset: 41, lastFetchedEpoch: -1, partitionMaxBytes: 1048576 }] }],
    });
  });

  it("V17: Fetch v12 response without data: empty records are not null, null transactions are", () => {
    const hex =
      "0000000000000000000002026102000000000000000000000000002b000000000000002b000000000000000000ffffffff01000000";
    roundTrip(FetchResponse, 12, hex, {
      responses: [
        {
          topic: "a",
          partitions: [
            { highWatermark: 43, records: new Uint8Array(0), abortedTransactions: null, preferredReadReplica: -1 },
          ],
        },
      ],
    });
  });

  it("V19: JoinGroup v5, with a subscription inside", () => {
    const hex =
      "0001670000afc8000493e00000ffff0008636f6e73756d657200000001000572616e676500000011000100000001000161ffffffff00000000";
    roundTrip(JoinGroupRequest, 5, hex, { groupId: "g", sessionTimeoutMs: 45000, groupInstanceId: null });
  });

  it("V21: ConsumerGroupHeartbeat v1, joining", () => {
    roundTrip(HeartbeatRequest, 1, "0267026d000000000000000493e002026100000100", {
      groupId: "g",
      memberId: "m",
      rebalanceTimeoutMs: 300000,
      subscribedTopicNames: ["a"],
      subscribedTopicRegex: null,
      topicPartitions: [],
    });
  });

  it("V22 and V23: a nullable struct, present and null", () => {
    const present = "00000000000000026d00000001000013880102000102030405060708090a0b0c0d0e0f030000000000000001000000";
    roundTrip(HeartbeatResponse, 1, present, {
      memberId: "m",
      heartbeatIntervalMs: 5000,
      assignment: { topicPartitions: [{ topicId, partitions: [0, 1] }] },
    });
    roundTrip(HeartbeatResponse, 1, "00000000000000026d0000000100001388ff00", { assignment: null });
  });

  it("V24: ShareFetch v1", () => {
    const hex =
      "0267026d00000000000001f40000000103200000000001f4000001f402000102030405060708090a0b0c0d0e0f02000000000100000100";
    roundTrip(ShareFetchRequest, 1, hex, {
      maxRecords: 500,
      topics: [{ topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }],
    });
  });

  it("V1 and V2: request headers, whose client id is never compact", () => {
    const v1 = new ByteReader(bytesOf("0012000000000001000174"));
    expect(RequestHeader.read(v1, 1)).toEqual({ apiKey: 18, apiVersion: 0, correlationId: 1, clientId: "t" });
    expect(v1.remaining).toBe(0);
    const hex = "0012000300000002000174000564656d6f04312e3000";
    const v2 = new ByteReader(bytesOf(hex));
    const header = RequestHeader.read(v2, 2);
    const body = ApiVersionsRequest.read(v2, header.apiVersion);
    expect(body).toEqual({ clientSoftwareName: "demo", clientSoftwareVersion: "1.0" });
    expect(hexOf(RequestHeader.encode(2, header)) + hexOf(ApiVersionsRequest.encode(3, body))).toBe(hex);
  });

  it("V3 and V4: ApiVersions responses, the second for a version that nobody has", () => {
    roundTrip(ApiVersionsResponse, 3, "00000300000003000d00001200000004000000000000", {
      apiKeys: [
        { apiKey: 0, minVersion: 3, maxVersion: 13 },
        { apiKey: 18, minVersion: 0, maxVersion: 4 },
      ],
      finalizedFeaturesEpoch: -1,
    });
    const apiKeys = [{ apiKey: 18, minVersion: 0, maxVersion: 4 }];
    expect(hexOf(ApiVersionsResponse.encode(0, { errorCode: 35, apiKeys }))).toBe("002300000001001200000004");
  });

  it("V5, V6 and V7: Metadata, where null means all topics", () => {
    roundTrip(MetadataRequest, 1, "ffffffff", { topics: null, allowAutoTopicCreation: true });
    roundTrip(MetadataRequest, 12, "0200000000000000000000000000000000026100010000", { topics: [{ name: "a" }] });
    const hex =
      "00000005000000000002000000010a3132372e302e302e31000023840000036331000000010200000261000102030405060708090a0b0c0d0e0f00020000000000000000000100000000020000000102000000010100800000000000";
    const reader = new ByteReader(bytesOf(hex));
    const header = ResponseHeader.read(reader, 1);
    const body = MetadataResponse.read(reader, 12);
    expect(reader.remaining).toBe(0);
    expect(header.correlationId).toBe(5);
    expect(body).toMatchObject({
      brokers: [{ nodeId: 1, host: "127.0.0.1", port: 9092, rack: null }],
      clusterId: "c1",
      topics: [{ name: "a", topicId, partitions: [{ leaderId: 1, replicaNodes: [1], offlineReplicas: [] }] }],
    });
    expect(hexOf(ResponseHeader.encode(1, header)) + hexOf(MetadataResponse.encode(12, body))).toBe(hex);
  });
});
