/** The calls of the `Admin` service that deal with single partitions: DescribePartitions, DeleteRecords, AcceptLoss. */
import {
  type AcceptLossRequestOutput,
  type AcceptLossResponseMessage,
  type DeleteRecordsRequestOutput,
  type DeleteRecordsResponseMessage,
  type DescribePartitionsRequestOutput,
  type DescribePartitionsResponseMessage,
  type PartitionDeletionOutput,
  type PartitionDeletionResultMessage,
  type PartitionStatusMessage,
  type PositionOutput,
  PositionError,
  type Position,
  positionFromMessage,
} from "@varve/api";
import type { Partition } from "@varve/cluster";
import { FileSystemError, LogError, type PartitionState } from "@varve/log";
import { internalRefusal, offsetsTopic } from "../drivers/groups/offsets-topic.ts";
import { acceptLossCommand } from "../drivers/damage.ts";
import { whyMayComeBack } from "../drivers/replication/deletion.ts";
import type { LocalPartition } from "../drivers/partition.ts";
import { BrokerError } from "../errors.ts";
import { resolvePosition } from "../drivers/positions.ts";
import { wayOut } from "../drivers/not-leading.ts";
import { unknownTopic } from "../drivers/unknown.ts";
import type { LocalTopic } from "../drivers/topics.ts";
import type { BrokerNode } from "../node.ts";
import { type Refusal, errorFieldsOf, isRefusal, refuse } from "../refusal.ts";
import { answersByLeader, forwardMs } from "./by-leader.ts";
import { hintOf, tooManyPartitions } from "./log-questions.ts";

const stateNames = {
  open: "PARTITION_STATE_ONLINE",
  "needs-epoch": "PARTITION_STATE_NEEDS_EPOCH",
  quarantined: "PARTITION_STATE_QUARANTINED",
  failed: "PARTITION_STATE_FAILED",
  closed: "PARTITION_STATE_OFFLINE",
} as const satisfies Record<PartitionState["kind"], string>;

export async function describePartitions(
  node: BrokerNode,
  request: DescribePartitionsRequestOutput,
): Promise<DescribePartitionsResponseMessage | Refusal> {
  const topic = node.topics.get(request.topic);
  if (topic === undefined) return unknownTopic(request.topic);
  const tooMany = tooManyPartitions(node, request.partitions.length);
  if (tooMany !== undefined) return tooMany;
  const wanted =
    request.partitions.length > 0 ? request.partitions : topic.placements.map(({ partition }) => partition);
  const partitions = await answersByLeader<{ readonly partition: number }, PartitionStatusMessage>(
    node,
    topic,
    wanted.map((partition) => ({ partition })),
    {
      call: "DescribePartitions",
      request: (there) => ({ topic: topic.name, partitions: there.map(({ partition }) => partition) }),
      here: ({ partition }) => statusOfPartition(node, topic, partition),
      failed: ({ partition }, refusal) => unknownStatus(node, topic, partition, refusal),
    },
  );
  return { partitions };
}

/** What the metadata say of it; its offsets nobody could tell. */
function unknownStatus(
  node: BrokerNode,
  topic: LocalTopic,
  partition: number,
  refusal: Refusal,
): PartitionStatusMessage {
  const { replicas = [], isr = [], leader = -1 } = topic.placements[partition] ?? {};
  return {
    partition,
    ...(leader < 0 && replicas.length > 0 ? { state: "PARTITION_STATE_OFFLINE" } : {}),
    leader: hintOf(node, topic, partition),
    logStartOffset: -1,
    highWatermark: -1,
    logEndOffset: -1,
    countedOffset: -1,
    replicas: [...replicas],
    inSyncReplicas: [...isr],
    error: errorFieldsOf(refusal),
  };
}

function statusOfPartition(node: BrokerNode, topic: LocalTopic, partition: number): PartitionStatusMessage {
  // Of what this node has, leader or not.
  const local = topic.partitions[partition];
  const placed = topic.placements[partition];
  if (local === undefined || placed === undefined) {
    const led = topic.led(partition);
    const refusal = isRefusal(led) ? led : refuse("INTERNAL", `Cannot look at "${topic.name}" ${partition}`);
    return unknownStatus(node, topic, partition, refusal);
  }
  const { log, leading } = local;
  const { kind } = log.state;
  // A follower's log takes no writes of clients, so it needs no epoch of its own.
  const follows = placed.leader !== node.nodeId && (kind === "open" || kind === "needs-epoch");
  const followed = placed.leader < 0 ? "PARTITION_STATE_OFFLINE" : "PARTITION_STATE_ONLINE";
  return {
    partition,
    state: follows ? followed : stateNames[kind],
    stateDetail: detailOf(follows ? undefined : log.state, topic.name, placed),
    leader: node.leaderOf(placed),
    logStartOffset: log.logStartOffset,
    highWatermark: log.highWatermark,
    logEndOffset: log.logEndOffset,
    countedOffset: log.countedOffset,
    sizeBytes: log.sizeBytes,
    replicas: [...placed.replicas],
    inSyncReplicas: [...placed.isr],
    replicaLags: leading === undefined ? [] : placed.replicas.map((id) => leading.lagOf(id) ?? -1),
  };
}

/** What is wrong with it, and what ends that; empty when nothing is. `state`: undefined of a log that is not asked. */
function detailOf(state: PartitionState | undefined, topic: string, placed: Partition): string {
  const fault = state === undefined ? "" : faultOf(state);
  if (placed.leader < 0) return [fault, wayOut(topic, placed)].filter((text) => text !== "").join("; ");
  return state?.kind === "quarantined" ? `${fault}; see ${acceptLossCommand(topic, placed.partition)}` : fault;
}

function faultOf(state: PartitionState): string {
  switch (state.kind) {
    case "open":
      return "";
    case "needs-epoch":
      return state.why;
    case "quarantined":
      return `"${state.file}" is damaged at offset ${state.offset}: ${state.why}`;
    case "failed":
      return state.error.message;
    case "closed":
      return "the broker is stopping";
  }
}

/** For followers to do what the leader did; for those of the last of many partitions, the less. */
const followMs = 5_000;
const followMsMin = 1_000;

export async function deleteRecords(
  node: BrokerNode,
  request: DeleteRecordsRequestOutput,
): Promise<DeleteRecordsResponseMessage | Refusal> {
  const topic = node.topics.get(request.topic);
  if (topic === undefined) return unknownTopic(request.topic);
  if (topic.name === offsetsTopic) return internalRefusal("delete records");
  const tooMany = tooManyPartitions(node, request.partitions.length);
  if (tooMany !== undefined) return tooMany;
  if (request.partitions.length === 0) {
    return refuse("INVALID_REQUEST", `Cannot delete records of "${request.topic}": the request names no partition`);
  }
  const failed = ({ partition }: PartitionDeletionOutput, refusal: Refusal): PartitionDeletionResultMessage => ({
    partition,
    logStartOffset: -1,
    error: errorFieldsOf(refusal),
    leader: hintOf(node, topic, partition),
  });
  const moved = new Map<PartitionDeletionResultMessage, LocalPartition>();
  const askedMs = node.clock.monotonicMs();
  const partitions = await answersByLeader<PartitionDeletionOutput, PartitionDeletionResultMessage>(
    node,
    topic,
    request.partitions,
    {
      call: "DeleteRecords",
      request: (there) => ({ ...request, partitions: there }),
      here: async (deletion) => {
        const { partition, before } = deletion;
        const leader = topic.led(partition);
        const result = isRefusal(leader) ? leader : await deleteBefore(node, leader, before, request.validateOnly);
        if (isRefusal(result)) return failed(deletion, result);
        const answer = { partition, logStartOffset: result, leader: hintOf(node, topic, partition) };
        if (!isRefusal(leader) && !request.validateOnly) moved.set(answer, leader);
        return answer;
      },
      failed,
    },
  );
  // H-14: the followers of all of them move at the same time, and so they are waited for.
  const waitMs = Math.max(followMsMin, followMs - (node.clock.monotonicMs() - askedMs));
  const looks = partitions.map(async (answer) => {
    const leader = moved.get(answer);
    const offset = answer.logStartOffset ?? 0;
    const doubt = leader && (await whyMayComeBack(leader, Number(offset), { wheel: node.wheel, waitMs }));
    return doubt === undefined ? answer : { ...answer, error: errorFieldsOf(doubt) };
  });
  return { partitions: await Promise.all(looks) };
}

/** @returns the new log start. */
async function deleteBefore(
  node: BrokerNode,
  leader: LocalPartition,
  before: PositionOutput | null,
  validateOnly: boolean,
): Promise<number | Refusal> {
  const { topic, partition, log } = leader;
  if (before?.position === undefined) {
    return refuse(
      "INVALID_REQUEST",
      `Cannot delete records of "${topic}" ${partition}: the request does not say which`,
    );
  }
  let position: Position;
  try {
    position = positionFromMessage(before, { kind: "earliest" });
  } catch (error) {
    if (error instanceof PositionError) return refuse("INVALID_REQUEST", error.message);
    throw error;
  }
  const resolved = await resolvePosition(leader, position, node.clock.nowMs());
  if (isRefusal(resolved)) return resolved;
  const { offset } = resolved;
  if (offset > log.highWatermark) {
    return refuse(
      "OFFSET_OUT_OF_RANGE",
      `Cannot delete records of "${topic}" ${partition} before offset ${offset}: only ${log.highWatermark} are committed`,
      { offset, logStartOffset: log.logStartOffset, highWatermark: log.highWatermark },
    );
  }
  if (validateOnly) return Math.max(offset, log.logStartOffset);
  return log
    .deleteRecordsBefore(offset)
    .catch((error: unknown) =>
      refusalOf(error, `Cannot delete records of "${topic}" ${partition}`, { topic, partition }),
    );
}

export async function acceptLoss(
  node: BrokerNode,
  request: AcceptLossRequestOutput,
): Promise<AcceptLossResponseMessage | Refusal> {
  const topic = node.topics.get(request.topic);
  if (topic === undefined) return unknownTopic(request.topic);
  const elsewhere = topic.leaderElsewhere(request.partition);
  if (node.forwarding !== undefined && elsewhere !== undefined) {
    const timeoutMs = forwardMs;
    return node.forwarding.unary<AcceptLossResponseMessage>(elsewhere, "AcceptLoss", request, { timeoutMs });
  }
  const leader = topic.led(request.partition);
  if (isRefusal(leader)) return leader;
  // What is damaged here the others have.
  if (leader.givingWay !== undefined) return leader.givingWay;
  const { log } = leader;
  const { state } = log;
  const hint = hintOf(node, topic, request.partition);
  if (state.kind !== "quarantined") {
    return refuse(
      "POLICY_VIOLATION",
      `Nothing to accept in "${topic.name}" ${request.partition}: it is not quarantined`,
      { state: state.kind },
    );
  }
  if (request.validateOnly) {
    return { fromOffset: state.offset, toOffset: Math.max(state.end, log.logEndOffset), leader: hint };
  }
  const about = { topic: topic.name, partition: request.partition };
  const what = `Cannot accept the loss of "${about.topic}" ${about.partition}`;
  const accepted = await leader.acceptLoss().catch((error: unknown) => refusalOf(error, what, about));
  if (isRefusal(accepted)) return accepted;
  const { from, to } = accepted;
  node.logger.warn({ topic: topic.name, partition: request.partition, from, to }, "loss accepted");
  return { fromOffset: from, toOffset: to, leader: hint };
}

/** What could not be done to a log now: nothing is lost that was not, and the same call may succeed later. */
function refusalOf(
  error: unknown,
  what: string,
  about: { readonly topic: string; readonly partition: number },
): Refusal {
  if (error instanceof LogError || error instanceof FileSystemError) {
    return refuse(error.code === "NO_SPACE" ? "STORAGE_FULL" : "STORAGE_FAILED", `${what}: ${error.message}`, about);
  }
  if (error instanceof BrokerError) return refuse("LEADER_NOT_AVAILABLE", `${what}: ${error.message}`, about);
  throw error;
}
