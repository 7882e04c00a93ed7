// SPDX-License-Identifier: Apache-2.0
// The services of varve.v1 for grpc-js.
//
//   Produce, ProduceStream, Fetch, Consume   bytes ↔ the types of produce/ and consume/, by hand: the hot ones
//   everything else                          bytes ↔ plain objects (src/gen), by proto-loader
//
// On the server an answer to Fetch or Consume is bytes already, made by ConsumeEncoder or encodeConsumeBatches: they go out
// as they are.

import {
  makeClientConstructor,
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type requestCallback,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { fromJSON, type EnumTypeDefinition, type PackageDefinition } from "@grpc/proto-loader";
import {
  consumeRequestFromMessage,
  consumeRequestToMessage,
  fetchRequestFromMessage,
  fetchRequestToMessage,
  type ConsumeRequest,
  type ConsumeRequestFields,
  type FetchRequest,
  type FetchRequestFields,
} from "./consume/consume-request.ts";
import { decodeConsumeResponse, type ConsumeResponse, type FetchResponse } from "./consume/consume-response.ts";
import { fileDescriptors } from "./descriptors.ts";
import type { CreateTopicRequest } from "./gen/varve/v1/CreateTopicRequest.ts";
import type { CreateTopicResponse__Output } from "./gen/varve/v1/CreateTopicResponse.ts";
import type { DeleteTopicRequest } from "./gen/varve/v1/DeleteTopicRequest.ts";
import type { DeleteTopicResponse__Output } from "./gen/varve/v1/DeleteTopicResponse.ts";
import type { DescribeTopicRequest } from "./gen/varve/v1/DescribeTopicRequest.ts";
import type { DescribeTopicResponse__Output } from "./gen/varve/v1/DescribeTopicResponse.ts";
import type { ListTopicsRequest } from "./gen/varve/v1/ListTopicsRequest.ts";
import type { ListTopicsResponse__Output } from "./gen/varve/v1/ListTopicsResponse.ts";
import type { AddPartitionsRequest } from "./gen/varve/v1/AddPartitionsRequest.ts";
import type { AddPartitionsResponse__Output } from "./gen/varve/v1/AddPartitionsResponse.ts";
import type { AlterTopicConfigRequest } from "./gen/varve/v1/AlterTopicConfigRequest.ts";
import type { AlterTopicConfigResponse__Output } from "./gen/varve/v1/AlterTopicConfigResponse.ts";
import type { DescribeTopicConfigRequest } from "./gen/varve/v1/DescribeTopicConfigRequest.ts";
import type { DescribeTopicConfigResponse__Output } from "./gen/varve/v1/DescribeTopicConfigResponse.ts";
import type { DescribeClusterRequest } from "./gen/varve/v1/DescribeClusterRequest.ts";
import type { DescribeClusterResponse__Output } from "./gen/varve/v1/DescribeClusterResponse.ts";
import type { DescribePartitionsRequest } from "./gen/varve/v1/DescribePartitionsRequest.ts";
import type { DescribePartitionsResponse__Output } from "./gen/varve/v1/DescribePartitionsResponse.ts";
import type { DeleteRecordsRequest } from "./gen/varve/v1/DeleteRecordsRequest.ts";
import type { DeleteRecordsResponse__Output } from "./gen/varve/v1/DeleteRecordsResponse.ts";
import type { AcceptLossRequest } from "./gen/varve/v1/AcceptLossRequest.ts";
import type { AcceptLossResponse__Output } from "./gen/varve/v1/AcceptLossResponse.ts";
import type { ElectLeadersRequest } from "./gen/varve/v1/ElectLeadersRequest.ts";
import type { ElectLeadersResponse__Output } from "./gen/varve/v1/ElectLeadersResponse.ts";
import type { EpochEndRequest, EpochEndRequest__Output } from "./gen/varve/v1/EpochEndRequest.ts";
import type { EpochEndResponse, EpochEndResponse__Output } from "./gen/varve/v1/EpochEndResponse.ts";
import type { InitProducerRequest, InitProducerRequest__Output } from "./gen/varve/v1/InitProducerRequest.ts";
import type { InitProducerResponse, InitProducerResponse__Output } from "./gen/varve/v1/InitProducerResponse.ts";
import type { ListOffsetsRequest, ListOffsetsRequest__Output } from "./gen/varve/v1/ListOffsetsRequest.ts";
import type { ListOffsetsResponse, ListOffsetsResponse__Output } from "./gen/varve/v1/ListOffsetsResponse.ts";
import type { ReplaceControllerRequest } from "./gen/varve/v1/ReplaceControllerRequest.ts";
import type { ReplaceControllerResponse__Output } from "./gen/varve/v1/ReplaceControllerResponse.ts";
import type { CommitOffsetsRequest } from "./gen/varve/v1/CommitOffsetsRequest.ts";
import type { CommitOffsetsResponse__Output } from "./gen/varve/v1/CommitOffsetsResponse.ts";
import type { FetchOffsetsRequest } from "./gen/varve/v1/FetchOffsetsRequest.ts";
import type { FetchOffsetsResponse__Output } from "./gen/varve/v1/FetchOffsetsResponse.ts";
import type { ListGroupsRequest } from "./gen/varve/v1/ListGroupsRequest.ts";
import type { ListGroupsResponse__Output } from "./gen/varve/v1/ListGroupsResponse.ts";
import type { DescribeGroupRequest } from "./gen/varve/v1/DescribeGroupRequest.ts";
import type { DescribeGroupResponse__Output } from "./gen/varve/v1/DescribeGroupResponse.ts";
import type { ResetOffsetsRequest } from "./gen/varve/v1/ResetOffsetsRequest.ts";
import type { ResetOffsetsResponse__Output } from "./gen/varve/v1/ResetOffsetsResponse.ts";
import type { ForkGroupRequest } from "./gen/varve/v1/ForkGroupRequest.ts";
import type { ForkGroupResponse__Output } from "./gen/varve/v1/ForkGroupResponse.ts";
import type { ConfigureGroupRequest } from "./gen/varve/v1/ConfigureGroupRequest.ts";
import type { ConfigureGroupResponse__Output } from "./gen/varve/v1/ConfigureGroupResponse.ts";
import type { DeleteGroupRequest } from "./gen/varve/v1/DeleteGroupRequest.ts";
import type { DeleteGroupResponse__Output } from "./gen/varve/v1/DeleteGroupResponse.ts";
import type { JoinRequest } from "./gen/varve/v1/JoinRequest.ts";
import type { JoinResponse__Output } from "./gen/varve/v1/JoinResponse.ts";
import type { LogDefinition } from "./gen/varve/v1/Log.ts";
import { schema } from "./gen/schema.ts";
import {
  decodeProduceRequest,
  decodeProduceStreamRequest,
  encodeProduceRequest,
  encodeProduceStreamRequest,
  type ProduceRequest,
  type ProduceRequestFields,
} from "./produce/produce-request.ts";
import {
  decodeProduceResponse,
  decodeProduceStreamResponse,
  encodeProduceResponse,
  encodeProduceStreamResponse,
  type ProduceOutcome,
  type ProduceResponse,
} from "./produce/produce-response.ts";
import { decodeReplicateRequest, encodeReplicateRequest } from "./replicate/replicate-request.ts";
import { decodeReplicateResponse } from "./replicate/replicate-response.ts";
import { OversizedRequest, plainRequestBytesMax } from "./request-fault.ts";
import { asBuffer } from "./wire/wire-reader.ts";

/** What a server implements for the Log service. Requests with a `fault` are to be refused with it. */
export type LogHandlers = {
  Produce: handleUnaryCall<ProduceRequest, ProduceResponse>;
  /** Answers in request order; several may share a message. */
  ProduceStream: handleBidiStreamingCall<ProduceRequest, readonly ProduceOutcome[]>;
  /** The answer is an encoded FetchResponse (ConsumeEncoder). */
  Fetch: handleUnaryCall<FetchRequest, Uint8Array>;
  /** Each answer is an encoded ConsumeResponse (ConsumeEncoder). */
  Consume: handleServerStreamingCall<ConsumeRequest, Uint8Array>;
  ListOffsets: handleUnaryCall<ListOffsetsRequest__Output, ListOffsetsResponse>;
  InitProducer: handleUnaryCall<InitProducerRequest__Output, InitProducerResponse>;
  EpochEnd: handleUnaryCall<EpochEndRequest__Output, EpochEndResponse>;
};

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: CallOptions,
  callback: requestCallback<Response>,
) => ClientUnaryCall;

/** A client of the Log service. */
export interface LogClient extends Client {
  readonly Produce: Unary<ProduceRequestFields, ProduceResponse>;
  readonly ProduceStream: (
    metadata: Metadata,
    options: CallOptions,
  ) => ClientDuplexStream<ProduceRequestFields, readonly ProduceOutcome[]>;
  readonly Fetch: Unary<FetchRequestFields, FetchResponse>;
  readonly Consume: (
    request: ConsumeRequestFields,
    metadata: Metadata,
    options: CallOptions,
  ) => ClientReadableStream<ConsumeResponse>;
  readonly ListOffsets: Unary<ListOffsetsRequest, ListOffsetsResponse__Output>;
  readonly InitProducer: Unary<InitProducerRequest, InitProducerResponse__Output>;
  readonly EpochEnd: Unary<EpochEndRequest, EpochEndResponse__Output>;
}

/** A client of the Admin service. */
export interface AdminClient extends Client {
  readonly CreateTopic: Unary<CreateTopicRequest, CreateTopicResponse__Output>;
  readonly DeleteTopic: Unary<DeleteTopicRequest, DeleteTopicResponse__Output>;
  readonly DescribeTopic: Unary<DescribeTopicRequest, DescribeTopicResponse__Output>;
  readonly ListTopics: Unary<ListTopicsRequest, ListTopicsResponse__Output>;
  readonly AddPartitions: Unary<AddPartitionsRequest, AddPartitionsResponse__Output>;
  readonly AlterTopicConfig: Unary<AlterTopicConfigRequest, AlterTopicConfigResponse__Output>;
  readonly DescribeTopicConfig: Unary<DescribeTopicConfigRequest, DescribeTopicConfigResponse__Output>;
  readonly DescribeCluster: Unary<DescribeClusterRequest, DescribeClusterResponse__Output>;
  readonly DescribePartitions: Unary<DescribePartitionsRequest, DescribePartitionsResponse__Output>;
  readonly DeleteRecords: Unary<DeleteRecordsRequest, DeleteRecordsResponse__Output>;
  readonly AcceptLoss: Unary<AcceptLossRequest, AcceptLossResponse__Output>;
  readonly ElectLeaders: Unary<ElectLeadersRequest, ElectLeadersResponse__Output>;
  readonly ReplaceController: Unary<ReplaceControllerRequest, ReplaceControllerResponse__Output>;
}

/** A client of the Groups service. */
export interface GroupsClient extends Client {
  readonly Join: (metadata: Metadata, options: CallOptions) => ClientDuplexStream<JoinRequest, JoinResponse__Output>;
  readonly CommitOffsets: Unary<CommitOffsetsRequest, CommitOffsetsResponse__Output>;
  readonly FetchOffsets: Unary<FetchOffsetsRequest, FetchOffsetsResponse__Output>;
  readonly ListGroups: Unary<ListGroupsRequest, ListGroupsResponse__Output>;
  readonly DescribeGroup: Unary<DescribeGroupRequest, DescribeGroupResponse__Output>;
  readonly ResetOffsets: Unary<ResetOffsetsRequest, ResetOffsetsResponse__Output>;
  readonly ForkGroup: Unary<ForkGroupRequest, ForkGroupResponse__Output>;
  readonly ConfigureGroup: Unary<ConfigureGroupRequest, ConfigureGroupResponse__Output>;
  readonly DeleteGroup: Unary<DeleteGroupRequest, DeleteGroupResponse__Output>;
}

export interface Services {
  /** For Server.addService(), with LogHandlers. */
  readonly log: ServiceDefinition;
  /** For Server.addService(), with AdminHandlers. */
  readonly admin: ServiceDefinition;
  /** For Server.addService(), with GroupsHandlers. */
  readonly groups: ServiceDefinition;
  /** Between a broker and the active controller. */
  readonly peer: ServiceDefinition;
  /** Between brokers: Replicate takes ReplicateRequests and gives encoded ReplicateResponses. */
  readonly replication: ServiceDefinition;
  /** Opens a client: lazily, it connects with the first call. Close it with client.close(). */
  openLogClient(address: string, credentials: ChannelCredentials, options?: ChannelOptions): LogClient;
  openAdminClient(address: string, credentials: ChannelCredentials, options?: ChannelOptions): AdminClient;
  openGroupsClient(address: string, credentials: ChannelCredentials, options?: ChannelOptions): GroupsClient;
  /** What server reflection shows (for @grpc/reflection). */
  readonly reflection: PackageDefinition;
}

/** The services. Takes some 20 ms: call it once. */
export function loadServices(): Services {
  const definitions = fromJSON(schema as Parameters<typeof fromJSON>[0], {
    keepCase: false,
    longs: Number,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const log = withFastCodecs(definitions["varve.v1.Log"] as unknown as LogDefinition);
  const admin = withBounds(definitions["varve.v1.Admin"] as ServiceDefinition);
  const groups = withBounds(definitions["varve.v1.Groups"] as ServiceDefinition);
  const replication = withReplicateCodecs(definitions["varve.v1.Replication"] as ServiceDefinition);
  const peer = definitions["varve.v1.Peer"] as ServiceDefinition;
  const LogConstructor = makeClientConstructor(log, "varve.v1.Log");
  const AdminConstructor = makeClientConstructor(admin, "varve.v1.Admin");
  const GroupsConstructor = makeClientConstructor(groups, "varve.v1.Groups");
  return {
    log,
    admin,
    groups,
    peer,
    replication,
    openLogClient: (address, credentials, options) =>
      new LogConstructor(address, credentials, options) as unknown as LogClient,
    openAdminClient: (address, credentials, options) =>
      new AdminConstructor(address, credentials, options) as unknown as AdminClient,
    openGroupsClient: (address, credentials, options) =>
      new GroupsConstructor(address, credentials, options) as unknown as GroupsClient,
    reflection: withRealDescriptors(definitions),
  };
}

function withReplicateCodecs(definition: ServiceDefinition): ServiceDefinition {
  return {
    ...definition,
    Replicate: {
      ...(definition["Replicate"] as ServiceDefinition[string]),
      requestSerialize: encodeReplicateRequest,
      requestDeserialize: decodeReplicateRequest,
      // Encoded already: the batches in it are only lent to the leader.
      responseSerialize: asBuffer,
      responseDeserialize: decodeReplicateResponse,
    },
  };
}

/** Requests that are too long are not decoded: the handler gets an `OversizedRequest`. */
function withBounds(definition: ServiceDefinition): ServiceDefinition {
  const bounded = Object.entries(definition).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown =>
      bytes.length > plainRequestBytesMax ? new OversizedRequest(bytes.length) : method.requestDeserialize(bytes);
    return [name, { ...method, requestDeserialize }];
  });
  return Object.fromEntries(bounded) as ServiceDefinition;
}

/** The same for requests that carry their fault: what is too long is decoded as if it were empty. */
function boundedRequest<T extends object>(bytes: Buffer, decode: (bytes: Buffer) => T): T {
  if (bytes.length <= plainRequestBytesMax) return decode(bytes);
  return { ...decode(Buffer.alloc(0)), fault: new OversizedRequest(bytes.length).fault };
}

function withFastCodecs(definition: LogDefinition): ServiceDefinition {
  const { Consume, Fetch } = definition;
  const log = {
    ...withBounds(definition),
    Produce: {
      ...definition.Produce,
      requestSerialize: encodeProduceRequest,
      requestDeserialize: decodeProduceRequest,
      responseSerialize: encodeProduceResponse,
      responseDeserialize: decodeProduceResponse,
    },
    ProduceStream: {
      ...definition.ProduceStream,
      requestSerialize: encodeProduceStreamRequest,
      requestDeserialize: decodeProduceStreamRequest,
      responseSerialize: encodeProduceStreamResponse,
      responseDeserialize: decodeProduceStreamResponse,
    },
    Fetch: {
      ...Fetch,
      requestSerialize: (request: FetchRequestFields) => Fetch.requestSerialize(fetchRequestToMessage(request)),
      requestDeserialize: (request: Buffer) =>
        boundedRequest(request, (bytes) => fetchRequestFromMessage(Fetch.requestDeserialize(bytes))),
      responseSerialize: asBuffer,
      responseDeserialize: decodeConsumeResponse,
    },
    Consume: {
      ...Consume,
      requestSerialize: (request: ConsumeRequestFields) => Consume.requestSerialize(consumeRequestToMessage(request)),
      requestDeserialize: (request: Buffer) =>
        boundedRequest(request, (bytes) => consumeRequestFromMessage(Consume.requestDeserialize(bytes))),
      responseSerialize: asBuffer,
      responseDeserialize: decodeConsumeResponse,
    },
  };
  return log;
}

/** proto-loader's own descriptors are written anew by protobufjs, which forgets which fields are optional, and the files. */
function withRealDescriptors(definitions: PackageDefinition): PackageDefinition {
  const fileDescriptorProtos = fileDescriptors();
  const result: PackageDefinition = {};
  for (const [name, definition] of Object.entries(definitions)) {
    const describes = (value: typeof definition): value is EnumTypeDefinition => "fileDescriptorProtos" in value;
    result[name] = describes(definition) ? { ...definition, fileDescriptorProtos } : definition;
  }
  return result;
}
