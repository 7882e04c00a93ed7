/**
 * The `Admin` service. What changes the cluster goes to the controller as a command, and is answered once it is in effect on
 * this node; what describes is read from the controller's image and the partitions here.
 */
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import type {
  AcceptLossRequestOutput,
  AcceptLossResponseMessage,
  AddPartitionsRequestOutput,
  AddPartitionsResponseMessage,
  AlterTopicConfigRequestOutput,
  AlterTopicConfigResponseMessage,
  ConfigEntryMessage,
  ControllerDescriptionMessage,
  CreateTopicRequestOutput,
  CreateTopicResponseMessage,
  DeleteTopicRequestOutput,
  DeleteTopicResponseMessage,
  DescribeClusterResponseMessage,
  DescribeClusterResponseOutput,
  DescribeTopicConfigRequestOutput,
  DescribeTopicConfigResponseMessage,
  DescribeTopicRequestOutput,
  DescribeTopicResponseMessage,
  ListTopicsRequestOutput,
  ListTopicsResponseMessage,
  ReplaceControllerRequestOutput,
  ReplaceControllerResponseMessage,
  TopicDescriptionMessage,
} from "@varve/api";
import {
  type Command,
  type ConfigChange,
  type ConfigEntry,
  type ControllerImage,
  type ReplyOf,
  type Topic,
  type TopicReply,
  clusterOverrides,
  describeTopicConfig,
  topicNamed,
  topicOverrides,
  topicsByName,
} from "@varve/cluster";
import { internalRefusal, offsetsTopic } from "../drivers/groups/offsets-topic.ts";
import { isReservedTopic, reservedTopicRefusal } from "../drivers/reserved-topics.ts";
import { unknownTopic } from "../drivers/unknown.ts";
import type { BrokerNode } from "../node.ts";
import { type Refusal, isRefusal, refuse } from "../refusal.ts";
import { unary } from "./answer.ts";
import { electLeaders } from "./elections.ts";
import { leadersReady } from "./leaders-ready.ts";
import { acceptLoss, deleteRecords, describePartitions } from "./partition-admin.ts";

/** Most topics of one ListTopics answer. */
const pageSizeMax = 1_000;
/** For the active controller to say who the controllers are. Clients ask this to see whether a node is there: it is not to take long. */
const controllersMs = 1_000;

export function createAdminService(node: BrokerNode): UntypedServiceImplementation {
  const service = {
    CreateTopic: unary(node, "CreateTopic", (request: CreateTopicRequestOutput) => createTopic(node, request)),
    DeleteTopic: unary(node, "DeleteTopic", (request: DeleteTopicRequestOutput) => deleteTopic(node, request)),
    DescribeTopic: unary(node, "DescribeTopic", (request: DescribeTopicRequestOutput) => describeTopic(node, request)),
    ListTopics: unary(node, "ListTopics", (request: ListTopicsRequestOutput) => listTopics(node, request)),
    AddPartitions: unary(node, "AddPartitions", (request: AddPartitionsRequestOutput) => addPartitions(node, request)),
    AlterTopicConfig: unary(node, "AlterTopicConfig", (request: AlterTopicConfigRequestOutput) =>
      alterTopicConfig(node, request),
    ),
    DescribeTopicConfig: unary(node, "DescribeTopicConfig", (request: DescribeTopicConfigRequestOutput) =>
      describeConfig(node, request),
    ),
    DescribeCluster: unary(node, "DescribeCluster", () => describeCluster(node)),
    DescribePartitions: unary(node, "DescribePartitions", (request: Parameters<typeof describePartitions>[1]) =>
      describePartitions(node, request),
    ),
    DeleteRecords: unary(node, "DeleteRecords", (request: Parameters<typeof deleteRecords>[1]) =>
      deleteRecords(node, request),
    ),
    ElectLeaders: unary(node, "ElectLeaders", (request: Parameters<typeof electLeaders>[1]) =>
      electLeaders(node, request),
    ),
    ReplaceController: unary<ReplaceControllerRequestOutput, ReplaceControllerResponseMessage>(
      node,
      "ReplaceController",
      ({ nodeId, validateOnly }) => node.membership.replaceDirectory(nodeId, validateOnly),
    ),
    AcceptLoss: unary<AcceptLossRequestOutput, AcceptLossResponseMessage>(node, "AcceptLoss", (request) =>
      acceptLoss(node, request),
    ),
  };
  return service;
}

/** Runs a command and waits until this node has caught up with what it did. */
async function command<C extends Command>(node: BrokerNode, wanted: C): Promise<ReplyOf<C> | Refusal> {
  const outcome = await node.control.submit(wanted);
  if (outcome.kind === "refused") return outcome.refusal;
  await node.topics.apply(node.controller.image);
  return outcome.reply;
}

async function createTopic(
  node: BrokerNode,
  request: CreateTopicRequestOutput,
): Promise<CreateTopicResponseMessage | Refusal> {
  if (isReservedTopic(request.topic)) return reservedTopicRefusal(request.topic);
  const { partitions, replicationFactor } = request;
  const reply = await command(node, {
    kind: "createTopic",
    name: request.topic,
    ...(partitions === undefined ? {} : { partitions }),
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    configs: request.configs,
    validateOnly: request.validateOnly,
  });
  if (isRefusal(reply)) return reply;
  if (!request.validateOnly && node.topics.get(reply.name) === undefined) {
    return refuse(
      "LEADER_NOT_AVAILABLE",
      `Topic "${reply.name}" was created but cannot be used yet: this node could not make its files, and goes on trying`,
      { topic: reply.name },
    );
  }
  if (!request.validateOnly) await leadersReady(node, reply.name);
  return { topic: topicOfReply(node, reply, request.configs) };
}

async function addPartitions(
  node: BrokerNode,
  request: AddPartitionsRequestOutput,
): Promise<AddPartitionsResponseMessage | Refusal> {
  if (request.topic === offsetsTopic) return internalRefusal("add partitions");
  const reply = await command(node, {
    kind: "addPartitions",
    topic: request.topic,
    partitions: request.totalCount,
    validateOnly: request.validateOnly,
  });
  if (isRefusal(reply)) return reply;
  if (!request.validateOnly) await leadersReady(node, reply.name);
  const { image } = node.controller;
  return { topic: topicOfReply(node, reply, { ...topicOverrides(image, reply.topicId) }) };
}

/** The topic as it is now; when nothing was changed, as it would be. */
function topicOfReply(node: BrokerNode, reply: TopicReply, configs: Record<string, string>): TopicDescriptionMessage {
  const { image } = node.controller;
  const topic = image.topics.get(reply.topicId);
  if (topic !== undefined && topic.partitions.length === reply.partitions) return describe(node, image, topic);
  return {
    topic: reply.name,
    topicId: reply.topicId,
    partitions: Array.from({ length: reply.partitions }, (_, partition) => ({ partition })),
    replicationFactor: reply.replicationFactor,
    internal: false,
    configs,
  };
}

async function deleteTopic(
  node: BrokerNode,
  request: DeleteTopicRequestOutput,
): Promise<DeleteTopicResponseMessage | Refusal> {
  const { image } = node.controller;
  const topic = topicNamed(image, request.topic);
  if (topic === undefined) return unknownTopic(request.topic);
  if (topic.name === offsetsTopic) return internalRefusal("delete the topic");
  if (request.topicId !== "" && request.topicId !== topic.id) {
    return refuse(
      "UNKNOWN_TOPIC",
      `Cannot delete topic "${request.topic}": its id is ${topic.id}, not ${request.topicId}; it was created again`,
      { topic: request.topic, topicId: topic.id },
    );
  }
  const described = describe(node, image, topic);
  // By id: a topic of the same name that is created meanwhile is not meant.
  const reply = await command(node, {
    kind: "deleteTopic",
    topicId: topic.id,
    validateOnly: request.validateOnly,
  });
  return isRefusal(reply) ? reply : { topic: described };
}

function describeTopic(
  node: BrokerNode,
  request: DescribeTopicRequestOutput,
): Promise<DescribeTopicResponseMessage | Refusal> {
  const { image } = node.controller;
  const topic = topicNamed(image, request.topic);
  return Promise.resolve(topic === undefined ? unknownTopic(request.topic) : { topic: describe(node, image, topic) });
}

function listTopics(node: BrokerNode, request: ListTopicsRequestOutput): Promise<ListTopicsResponseMessage | Refusal> {
  const pageSize = request.pageSize === 0 ? pageSizeMax : Math.min(request.pageSize, pageSizeMax);
  const found = topicsByName(node.controller.image).filter(
    (topic) =>
      topic.name.startsWith(request.prefix) &&
      topic.name > request.pageToken &&
      (request.includeInternal || !isReservedTopic(topic.name)),
  );
  const page = found.slice(0, pageSize);
  return Promise.resolve({
    topics: page.map((topic) => ({
      topic: topic.name,
      topicId: topic.id,
      partitionCount: topic.partitions.length,
      replicationFactor: topic.partitions[0]?.replicas.length ?? 0,
      internal: isReservedTopic(topic.name),
    })),
    // The last name is the place to go on: topics that come and go between pages do no harm.
    nextPageToken: found.length > page.length ? (page.at(-1)?.name ?? "") : "",
  });
}

async function alterTopicConfig(
  node: BrokerNode,
  request: AlterTopicConfigRequestOutput,
): Promise<AlterTopicConfigResponseMessage | Refusal> {
  if (request.topic === offsetsTopic) return internalRefusal("change the configs");
  const changes: ConfigChange[] = [];
  for (const operation of request.operations) {
    if (operation.operation === undefined) {
      return refuse("INVALID_REQUEST", `Cannot change "${operation.name}": the operation neither sets nor deletes it`);
    }
    changes.push({ key: operation.name, value: operation.operation === "set" ? (operation.set ?? "") : null });
  }
  const reply = await command(node, {
    kind: "alterTopicConfig",
    topic: request.topic,
    changes,
    validateOnly: request.validateOnly,
  });
  return isRefusal(reply) ? reply : { entries: reply.configs.map(configMessage) };
}

function describeConfig(
  node: BrokerNode,
  request: DescribeTopicConfigRequestOutput,
): Promise<DescribeTopicConfigResponseMessage | Refusal> {
  const { image } = node.controller;
  const shared = clusterOverrides(image);
  if (request.topic === "") return Promise.resolve({ entries: describeTopicConfig({}, shared).map(configMessage) });
  const topic = topicNamed(image, request.topic);
  if (topic === undefined) return Promise.resolve(unknownTopic(request.topic));
  return Promise.resolve({ entries: describeTopicConfig(topicOverrides(image, topic.id), shared).map(configMessage) });
}

async function describeCluster(node: BrokerNode): Promise<DescribeClusterResponseMessage | Refusal> {
  const { image, role } = node.controller;
  const controllerId = role.kind === "leader" ? node.nodeId : (role.leaderId ?? -1);
  return {
    clusterId: node.clusterId,
    controllerId,
    brokers: [...image.brokers.values()]
      .sort((a, b) => a.brokerId - b.brokerId)
      .map((broker) => {
        const endpoint = broker.endpoints.find((candidate) => candidate.name === "grpc");
        return {
          nodeId: broker.brokerId,
          address: endpoint === undefined ? "" : hostPort(endpoint.host, endpoint.port),
          rack: broker.rack,
          brokerEpoch: broker.brokerEpoch,
          state: broker.fenced
            ? ("BROKER_STATE_FENCED" as const)
            : broker.inControlledShutdown
              ? ("BROKER_STATE_SHUTTING_DOWN" as const)
              : ("BROKER_STATE_ACTIVE" as const),
          version: broker.brokerId === node.nodeId ? node.version : "",
        };
      }),
    metadataOffset: image.offset,
    nodeId: node.nodeId,
    controllers: await controllersOf(node, controllerId),
  };
}

/** A node that is no controller asks the active one. */
async function controllersOf(
  { membership, forwarding }: BrokerNode,
  controllerId: number,
): Promise<ControllerDescriptionMessage[]> {
  const members = membership.members();
  if (members.length > 0 || forwarding === undefined || controllerId < 0) return [...members];
  const timeoutMs = controllersMs;
  const answer = await forwarding.unary<DescribeClusterResponseOutput>(
    controllerId,
    "DescribeCluster",
    {},
    { timeoutMs },
  );
  return isRefusal(answer) ? [] : answer.controllers;
}

function describe(node: BrokerNode, image: ControllerImage, topic: Topic): TopicDescriptionMessage {
  return {
    topic: topic.name,
    topicId: topic.id,
    partitions: topic.partitions.map((partition) => ({
      partition: partition.partition,
      leader: node.leaderOf(partition),
      replicas: [...partition.replicas],
      inSyncReplicas: [...partition.isr],
    })),
    replicationFactor: topic.partitions[0]?.replicas.length ?? 0,
    internal: isReservedTopic(topic.name),
    configs: { ...topicOverrides(image, topic.id) },
  };
}

const sources = {
  topic: "CONFIG_SOURCE_TOPIC",
  cluster: "CONFIG_SOURCE_BROKER",
  default: "CONFIG_SOURCE_DEFAULT",
} as const;

function configMessage(entry: ConfigEntry): ConfigEntryMessage {
  return {
    name: entry.name,
    value: entry.value,
    source: sources[entry.source],
    defaultValue: entry.defaultValue,
    doc: entry.about,
  };
}

export function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
