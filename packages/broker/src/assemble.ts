/** Puts the parts of one node together, each given what it consumes. No decisions, no I/O. */
import { type Services, loadServices } from "@varve/api";
import { type BrokerFacts, type ControllerImage, type Partition, brokerOf, isActive } from "@varve/cluster";
import type { Clock, LogStore } from "@varve/log";
import type { NodeCounters } from "./counters.ts";
import type { Controller } from "./drivers/controller.ts";
import { ProduceIntake } from "./drivers/produce-intake.ts";
import { ProducerIds } from "./drivers/producer-ids.ts";
import { ReplicaReports } from "./drivers/replication/replica-reports.ts";
import { Replication, type ReplicationOptions } from "./drivers/replication/replication.ts";
import { Forwarding, adminCalls } from "./drivers/forwarding/forwarding.ts";
import { type GroupSettings, NodeGroups } from "./drivers/groups/node-groups.ts";
import { recordTimeAt } from "./drivers/groups/record-times.ts";
import { ReplicationService } from "./drivers/replication/replication-service.ts";
import { TimingWheel } from "./drivers/timing-wheel.ts";
import { topicCreation } from "./drivers/topic-creation.ts";
import { Topics } from "./drivers/topics.ts";
import { createAdminService, hostPort } from "./grpc/admin-service.ts";
import { createGroupsService, fetchOffsets } from "./grpc/groups-service.ts";
import { offsetsByLeader } from "./grpc/log-questions.ts";
import { createLogService } from "./grpc/log-service.ts";
import { ProduceAnswers } from "./grpc/produce-answer.ts";
import { ProduceGate } from "./grpc/produce-gate.ts";
import type { BrokerLimits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { BrokerNode } from "./node.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { ControllerClient, ControllerMembership, PeerClients, PeerService } from "./ports/peers.ts";
import type { Registration } from "./registration.ts";

export interface NodeParts {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: BrokerLimits;
  readonly counters: NodeCounters;
  readonly controller: Controller;
  /** Commands, to whoever decides. */
  readonly control: ControllerClient;
  readonly membership: ControllerMembership;
  readonly store: LogStore;
  readonly producerExpiryMs: number;
  readonly autoCreateTopics: boolean;
  readonly groups: Pick<GroupSettings, "partitions" | "offsetsRetentionMs">;
  /** Undefined until this node is registered. */
  registration(): Registration | undefined;
  /** `host:port` of the gRPC listener as clients should use it; empty before it is bound. */
  readonly address: () => string;
  readonly stoppedBy: () => Refusal | undefined;
  readonly replication?: ReplicationOptions;
  /** Connections to the other nodes; absent in a cluster of one. */
  readonly peers?: PeerClients;
  /** H-13: a write has just failed for want of room, whatever the disk says that it has; absent: never. */
  readonly hasFailedForRoom?: () => boolean;
  /** H-11; absent: always. */
  readonly hearsController?: () => boolean;
}

export function assembleNode(parts: NodeParts): BrokerNode {
  const { nodeId, clock, logger, limits, counters, controller, control, store } = parts;
  const wheel = new TimingWheel(clock);
  const confirmFlush = (placement: Partition): void => {
    parts
      .registration()
      ?.confirmFlush(placement)
      .catch((error: unknown) => logger.warn({ error: String(error) }, "flush=sync could not be confirmed"));
  };
  const countRefusal = (refusal: Refusal): void => counters.countRefusal(refusal);
  const services = loadServices();
  const replicationService = new ReplicationService(services);
  const topicsHere = (): Topics => topics;
  const replication = new Replication(parts.replication ?? {}, {
    nodeId,
    clock,
    wheel,
    random: Math.random,
    brokerEpoch: () => parts.registration()?.brokerEpoch ?? -1,
    hearsController: () => parts.hearsController?.() ?? true,
    factsOf: (brokerId) => brokerFacts(controller.image, brokerId),
    addressOf: (brokerId) => clientAddressOf(controller.image, brokerId),
    submit: (command) => control.submit(command),
    openStream: (leader) => {
      const client = parts.peers?.client(leader, "bulk");
      return client === undefined ? undefined : replicationService.open(client);
    },
    partition: (topicId, partition) => topicsHere().partition(topicId, partition),
    partitions: () => topicsHere().partitions(),
    admit: (bytes) => store.admit(bytes),
    isWithoutRoom: () => store.whySpaceRefused() !== undefined || parts.hasFailedForRoom?.() === true,
    confirmFlush,
    tell: (fields, event) => logger.warn(fields, event),
  });
  const topics = new Topics({
    store,
    replicas: replication,
    nodeId,
    wheel,
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    producerExpiryMs: parts.producerExpiryMs,
    countRefusal,
    whySpaceRefused: () => store.whySpaceRefused(),
    log: (fields, event) => logger.warn(fields, event),
    requestEpoch: ({ log }, begun) =>
      parts.registration()?.newLeaderEpoch(log.id.topicId, log.id.partition, begun) ??
      Promise.reject(new Error("this node is not registered yet")),
    confirmFlush,
  });
  const { peers } = parts;
  const replicaReports = new ReplicaReports({
    nodeId,
    brokerEpoch: () => parts.registration()?.brokerEpoch ?? -1,
    partition: (topicId, partition) => topics.partition(topicId, partition),
    client: (other) => peers?.client(other, "control"),
    method: replicationService.describeReplicas,
    clock,
  });
  const forwarding = peers && new Forwarding({ peers, services, wheel, clock, countRefusal });
  const intakeOf = (forward: Forwarding["produce"] | undefined): ProduceIntake =>
    new ProduceIntake({
      topic: (name) => topics.get(name),
      nowMs: () => clock.nowMs(),
      countRefusal,
      createTopic: parts.autoCreateTopics ? topicCreation({ view: controller, control }, topics) : undefined,
      forward,
      defaultTimeoutMs: limits.produceTimeoutMs,
      timeoutMsMax: limits.produceTimeoutMsMax,
    });
  const gateOf = (): ProduceGate =>
    new ProduceGate({ bytesMax: limits.produceBytesMax, requestsMax: limits.produceRequestsMax }, (bytes) =>
      store.admit(bytes),
    );
  const whole = (): BrokerNode => ({ ...node, peerServices: [] });
  const groups = new NodeGroups({
    nodeId,
    clock,
    wheel,
    view: controller,
    control,
    topics,
    settings: groupSettings(parts),
    commitLatency: counters.offsetCommits,
    listOffsets: (topic, partitions, position, timeoutMs) =>
      offsetsByLeader(whole(), topic, partitions, position, timeoutMs),
    recordTimeAt: (topic, partition, offset) => recordTimeAt(topic, partition, offset, forwarding),
    fetchOffsets: (group) => fetchOffsets(whole(), { group, partitions: [], withoutNotes: true }),
    leaderOf: (placement) => leaderOf(placement),
    log: (fields, event) => logger.info(fields, event),
  });
  const leaderHint = hints(nodeId, parts.address);
  const leaderOf: BrokerNode["leaderOf"] = ({ leader, leaderEpoch }) => {
    if (leader === nodeId) return leaderHint(leaderEpoch);
    return { nodeId: leader, address: clientAddressOf(controller.image, leader), leaderEpoch };
  };
  const node: Omit<BrokerNode, "peerServices"> = {
    nodeId,
    clusterId: parts.clusterId,
    version: parts.version,
    clock,
    logger,
    limits,
    counters,
    wheel,
    store,
    controller,
    control,
    membership: parts.membership,
    topics,
    intake: intakeOf(forwarding && ((...batch) => forwarding.produce(...batch))),
    forwarding,
    groups,
    gate: gateOf(),
    answers: new ProduceAnswers(leaderHint),
    producerIds: new ProducerIds(
      () =>
        parts.registration()?.nextProducerIds() ??
        Promise.resolve(refuse("LEADER_NOT_AVAILABLE", "Not registered yet")),
    ),
    leaderHint,
    leaderOf,
    replication,
    replicaReports,
    stoppedBy: parts.stoppedBy,
  };
  // What comes from another node goes no further, and has a gate of its own: two nodes that are full of each other's requests would
  // wait for each other for ever.
  const last = { ...node, intake: intakeOf(undefined), forwarding: undefined, gate: gateOf(), peerServices: [] };
  const forLeaders = createLogService(last, services);
  const forwarded: PeerService = { definition: forLeaders.definition, implementation: () => forLeaders.implementation };
  const groupsForOthers = createGroupsService(last, services);
  const forwardedGroups: PeerService = {
    definition: groupsForOthers.definition,
    implementation: () => groupsForOthers.implementation,
  };
  return {
    ...node,
    peerServices: [
      replicationService.served(replication, replicaReports),
      forwarded,
      forwardedAdmin(last, services),
      forwardedGroups,
    ],
  };
}

function groupSettings({ groups, limits }: NodeParts): GroupSettings {
  return {
    ...groups,
    groupsMax: limits.groupsMax,
    membersMax: limits.groupMembersMax,
    waitingMax: limits.groupCommandsMax,
    // Kafka's defaults, and its bounds but for the lower one.
    sessionTimeoutMs: 45_000,
    sessionTimeoutMsMin: 500,
    sessionTimeoutMsMax: 1_800_000,
    rebalanceTimeoutMs: 60_000,
    metadataBytesMax: 4_096,
    topicsPerMemberMax: 1_000,
    partitionsPerRequestMax: limits.partitionsPerRequestMax,
    appendTimeoutMs: limits.produceTimeoutMs,
  };
}

/** Of the Admin service, what the leader of a partition answers for other nodes. */
function forwardedAdmin(node: BrokerNode, { admin }: Services): PeerService {
  const pick = <T>(from: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(adminCalls.map((call) => [call, from[call] as T]));
  return { definition: pick(admin), implementation: () => pick(createAdminService(node)) };
}

function brokerFacts(image: ControllerImage, brokerId: number): BrokerFacts | undefined {
  const broker = brokerOf(image, brokerId);
  return broker === undefined ? undefined : { brokerEpoch: broker.brokerEpoch, isActive: isActive(broker) };
}

/** `host:port` for clients; empty when the node is not registered. */
function clientAddressOf(image: ControllerImage, brokerId: number): string {
  const endpoint = brokerOf(image, brokerId)?.endpoints.find(({ name }) => name === "grpc");
  return endpoint === undefined ? "" : hostPort(endpoint.host, endpoint.port);
}

/** One object per epoch: every answer carries a hint, and they are all the same. */
function hints(nodeId: number, address: () => string): BrokerNode["leaderHint"] {
  let last = { nodeId, address: "", leaderEpoch: -1 };
  return (leaderEpoch) => {
    if (last.leaderEpoch !== leaderEpoch || last.address === "") last = { nodeId, address: address(), leaderEpoch };
    return last;
  };
}
