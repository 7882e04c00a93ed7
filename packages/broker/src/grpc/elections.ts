/**
 * ElectLeaders of the `Admin` service: back to the preferred leaders, or, where nobody who has everything is there, whoever has most of
 * what there is. The latter is asked for by an operator alone: what the elected one lacks is lost.
 */
import type { ElectLeadersRequestOutput, ElectLeadersResponseMessage, ElectionResultMessage } from "@varve/api";
import {
  type Partition,
  type PartitionName,
  brokerOf,
  isActive,
  misplacedLeaders,
  mostComplete,
  noLeader,
} from "@varve/cluster";
import { unknownPartition, unknownTopic } from "../drivers/unknown.ts";
import type { BrokerNode } from "../node.ts";
import type { Refusal } from "../refusal.ts";
import { tooManyPartitions } from "./log-questions.ts";

/** A partition whose leader is to change, and who is to be it. */
interface Planned {
  readonly partition: Partition;
  /** `noLeader`: whoever the controller finds. */
  readonly candidate: number;
}

export async function electLeaders(
  node: BrokerNode,
  request: ElectLeadersRequestOutput,
): Promise<ElectLeadersResponseMessage | Refusal> {
  const topic = node.topics.get(request.topic);
  if (topic === undefined) return unknownTopic(request.topic);
  const tooMany = tooManyPartitions(node, request.partitions.length);
  if (tooMany !== undefined) return tooMany;
  const numbers =
    request.partitions.length > 0 ? request.partitions : topic.placements.map(({ partition }) => partition);
  const asked: Partition[] = [];
  for (const number of numbers) {
    const partition = topic.placements[number];
    if (partition === undefined) return unknownPartition(topic, number);
    asked.push(partition);
  }
  const isUnclean = request.mode === "ELECTION_MODE_UNCLEAN";
  const planned = isUnclean ? await planUnclean(node, asked) : planPreferred(node, asked);
  if (request.validateOnly)
    return { partitions: asked.map((partition) => wouldBe(node, partition, planned, isUnclean)) };
  const refusal = await elect(node, planned, isUnclean);
  if (refusal !== undefined) return refusal;
  return { partitions: asked.map((before) => nowIs(node, before)) };
}

function planPreferred(node: BrokerNode, asked: readonly Partition[]): Planned[] {
  const misplaced = misplacedLeaders(node.controller.image, { max: Infinity });
  return asked
    .filter((partition) => misplaced.some((name) => isSame(name, partition)))
    .map((partition) => ({ partition, candidate: partition.replicas[0] ?? noLeader }));
}

/** Of partitions without leader alone. Every active replica is asked what it has; a damaged one is taken when there is no other. */
async function planUnclean(node: BrokerNode, asked: readonly Partition[]): Promise<Planned[]> {
  const { image } = node.controller;
  const leaderless = asked.filter(({ leader }) => leader === noLeader);
  const brokers = new Set(leaderless.flatMap(({ replicas }) => replicas));
  const active = [...brokers].filter((id) => {
    const broker = brokerOf(image, id);
    return broker !== undefined && isActive(broker);
  });
  const answers = await Promise.all(
    active.map((id) =>
      node.replicaReports.ask(
        id,
        leaderless.filter(({ replicas }) => replicas.includes(id)),
      ),
    ),
  );
  const reports = answers.flat();
  return leaderless.map((partition) => {
    const mine = reports.filter((report) => isSame(report, partition));
    const whole = mine.filter(({ damaged }) => damaged !== true);
    const best = mostComplete(partition, whole) ?? mostComplete(partition, mine);
    return { partition, candidate: best?.brokerId ?? noLeader };
  });
}

async function elect(node: BrokerNode, planned: readonly Planned[], isUnclean: boolean): Promise<Refusal | undefined> {
  if (planned.length === 0) return undefined;
  const outcome = await node.control.submit({
    kind: "electLeaders",
    mode: isUnclean ? "unclean" : "preferred",
    partitions: planned.map(({ partition: { topicId, partition } }) => ({ topicId, partition })),
    ...(isUnclean ? { candidates: planned.map(({ candidate }) => candidate) } : {}),
  });
  if (outcome.kind === "refused") return outcome.refusal;
  await node.topics.apply(node.controller.image);
  return undefined;
}

function wouldBe(
  node: BrokerNode,
  partition: Partition,
  planned: readonly Planned[],
  isUnclean: boolean,
): ElectionResultMessage {
  const plan = planned.find((candidate) => candidate.partition === partition);
  const leader = node.leaderOf({ ...partition, leader: plan?.candidate ?? partition.leader });
  return {
    partition: partition.partition,
    leader,
    changed: plan !== undefined,
    unclean: plan !== undefined && isUnclean,
  };
}

function nowIs(node: BrokerNode, before: Partition): ElectionResultMessage {
  const now = node.controller.image.topics.get(before.topicId)?.partitions[before.partition] ?? before;
  const changed = now.leader !== before.leader;
  return {
    partition: now.partition,
    leader: node.leaderOf(now),
    changed,
    unclean: changed && now.uncleanEpoch === now.leaderEpoch,
  };
}

function isSame(a: PartitionName, b: PartitionName): boolean {
  return a.topicId === b.topicId && a.partition === b.partition;
}
