/** The small calls of the `Log` service: ListOffsets, EpochEnd, InitProducer. */
import {
  type EpochEndRequestOutput,
  type EpochEndResponseMessage,
  type InitProducerRequestOutput,
  type InitProducerResponseMessage,
  type LeaderHint,
  type ListOffsetsRequestOutput,
  type ListOffsetsResponseMessage,
  type ListOffsetsResponseOutput,
  PositionError,
  type Position,
  type PartitionEpochEndMessage,
  type PartitionEpochOutput,
  type PartitionOffsetsMessage,
  type PartitionOffsetsOutput,
  positionFromMessage,
  positionToMessage,
} from "@varve/api";
import { int16Max, isReason } from "@varve/format";
import type { Forwarding } from "../drivers/forwarding/forwarding.ts";
import type { LocalPartition } from "../drivers/partition.ts";
import { resolvePosition } from "../drivers/positions.ts";
import { unknownTopic } from "../drivers/unknown.ts";
import { leadRefusal } from "../drivers/read-refusal.ts";
import type { LocalTopic } from "../drivers/topics.ts";
import type { BrokerNode } from "../node.ts";
import { type Refusal, errorFieldsOf, isRefusal, refuse } from "../refusal.ts";
import { answersByLeader, forwardMs } from "./by-leader.ts";

export async function listOffsets(
  node: BrokerNode,
  request: ListOffsetsRequestOutput,
): Promise<ListOffsetsResponseMessage | Refusal> {
  const topic = node.topics.get(request.topic);
  if (topic === undefined) return unknownTopic(request.topic);
  const tooMany = tooManyPartitions(node, request.partitions.length);
  if (tooMany !== undefined) return tooMany;
  let position: Position;
  try {
    position = positionFromMessage(request.position, { kind: "latest" });
  } catch (error) {
    if (error instanceof PositionError) return refuse("INVALID_REQUEST", error.message);
    throw error;
  }
  return offsetsByLeader(node, topic, request.partitions, position);
}

/** The same by whoever leads each of these partitions; none: all of them. */
export async function offsetsByLeader(
  node: BrokerNode,
  topic: LocalTopic,
  partitions: readonly number[],
  position: Position,
  timeoutMs = forwardMs,
): Promise<ListOffsetsResponseMessage> {
  const wanted = partitions.length > 0 ? partitions : topic.placements.map(({ partition }) => partition);
  const nowMs = node.clock.nowMs();
  const answers = await answersByLeader<{ readonly partition: number }, PartitionOffsetsMessage>(
    node,
    topic,
    wanted.map((partition) => ({ partition })),
    {
      call: "ListOffsets",
      request: (there) => ({
        topic: topic.name,
        partitions: there.map(({ partition }) => partition),
        position: positionToMessage(position),
      }),
      here: ({ partition }) => offsetsOf(node, topic, partition, position, nowMs),
      failed: ({ partition }, refusal) => failed(node, topic, partition, refusal),
      timeoutMs,
    },
  );
  return { partitions: answers };
}

/** Where a position lies in a partition that another node leads. */
export async function offsetElsewhere(
  forwarding: Forwarding,
  topic: LocalTopic,
  partition: number,
  position: Position,
): Promise<PartitionOffsetsOutput | Refusal> {
  const leader = topic.leaderElsewhere(partition);
  const request = { topic: topic.name, partitions: [partition], position: positionToMessage(position) };
  const timeoutMs = forwardMs;
  const answer =
    leader === undefined
      ? refuse("LEADER_NOT_AVAILABLE", `Cannot read "${topic.name}" ${partition}: its leader changes; try again`)
      : await forwarding.unary<ListOffsetsResponseOutput>(leader, "ListOffsets", request, { timeoutMs });
  if (isRefusal(answer)) return answer;
  const [found] = answer.partitions;
  if (found === undefined) return refuse("INTERNAL", `Broker ${leader} did not answer for the partition`);
  if (found.error === null) return found;
  const { reason, message, metadata } = found.error;
  return isReason(reason) ? { reason, message, metadata } : refuse("INTERNAL", message);
}

async function offsetsOf(
  node: BrokerNode,
  topic: LocalTopic,
  partition: number,
  position: Position,
  nowMs: number,
): Promise<PartitionOffsetsMessage> {
  const leader = topic.led(partition);
  if (isRefusal(leader)) return failed(node, topic, partition, leader);
  const { log } = leader;
  const found = await resolvePosition(leader, position, nowMs);
  if (isRefusal(found)) return failed(node, topic, partition, found);
  return {
    partition,
    offset: found.offset,
    timestampMs: found.timestampMs,
    leaderEpoch: found.leaderEpoch >= 0 ? found.leaderEpoch : epochAt(leader, found.offset),
    logStartOffset: log.logStartOffset,
    highWatermark: log.highWatermark,
    logEndOffset: log.logEndOffset,
    leader: hintOf(node, topic, partition),
  };
}

/** Where the partition is led, as far as this node knows; null of one that there is not. */
export function hintOf(node: BrokerNode, topic: LocalTopic, partition: number): LeaderHint | null {
  const placement = topic.placements[partition];
  return placement === undefined ? null : node.leaderOf(placement);
}

/** Epoch of the record at `offset`; -1 when there is none that a reader may see. */
function epochAt(leader: LocalPartition, offset: number): number {
  const { log } = leader;
  if (offset < log.logStartOffset || offset >= log.highWatermark) return -1;
  let epoch = log.leaderEpoch;
  for (;;) {
    const before = log.epochEnd(epoch - 1);
    if (before.end <= offset || before.epoch >= epoch) return epoch;
    epoch = before.epoch;
  }
}

function failed(node: BrokerNode, topic: LocalTopic, partition: number, refusal: Refusal): PartitionOffsetsMessage {
  return {
    partition,
    offset: -1,
    timestampMs: -1,
    leaderEpoch: -1,
    logStartOffset: -1,
    highWatermark: -1,
    logEndOffset: -1,
    error: errorFieldsOf(refusal),
    leader: hintOf(node, topic, partition),
  };
}

/** KIP-320: where an epoch ended, so that a reader finds out whether what it read was cut off. */
export async function epochEnd(
  node: BrokerNode,
  request: EpochEndRequestOutput,
): Promise<EpochEndResponseMessage | Refusal> {
  const topic = node.topics.get(request.topic);
  if (topic === undefined) return unknownTopic(request.topic);
  const tooMany = tooManyPartitions(node, request.partitions.length);
  if (tooMany !== undefined) return tooMany;
  const failed = ({ partition }: PartitionEpochOutput, refusal: Refusal): PartitionEpochEndMessage => ({
    partition,
    leaderEpoch: -1,
    endOffset: -1,
    error: errorFieldsOf(refusal),
    leader: hintOf(node, topic, partition),
  });
  const partitions = await answersByLeader<PartitionEpochOutput, PartitionEpochEndMessage>(
    node,
    topic,
    request.partitions,
    {
      call: "EpochEnd",
      request: (there) => ({ topic: topic.name, partitions: there }),
      here: (asked) => {
        const { partition } = asked;
        const leader = topic.led(partition);
        if (isRefusal(leader)) return failed(asked, leader);
        const refusal = leadRefusal(leader, asked.currentLeaderEpoch);
        if (refusal !== undefined) return failed(asked, refusal);
        const { epoch, end } = leader.log.epochEnd(asked.leaderEpoch);
        return { partition, leaderEpoch: epoch, endOffset: end, leader: hintOf(node, topic, partition) };
      },
      failed,
    },
  );
  return { partitions };
}

/** A fresh id, or the next epoch of one that the caller has. */
export async function initProducer(
  node: BrokerNode,
  request: InitProducerRequestOutput,
): Promise<InitProducerResponseMessage | Refusal> {
  const { producerId, producerEpoch } = request;
  if (producerId === undefined && producerEpoch === undefined) return fresh(node);
  if (
    producerId === undefined ||
    producerEpoch === undefined ||
    !Number.isSafeInteger(producerId) ||
    producerId < 0 ||
    producerEpoch < 0 ||
    producerEpoch > int16Max
  ) {
    return refuse(
      "INVALID_REQUEST",
      `Cannot go on with producer id ${producerId} and epoch ${producerEpoch}: send both as they were given, or neither`,
    );
  }
  // An epoch is used up: batches of the next one could not be told from those of the first.
  if (producerEpoch >= int16Max - 1) return fresh(node);
  return { producerId, producerEpoch: producerEpoch + 1 };
}

async function fresh(node: BrokerNode): Promise<InitProducerResponseMessage | Refusal> {
  const given = await node.producerIds.next();
  if (typeof given !== "number") return given;
  node.counters.producerIdsGiven++;
  return { producerId: given, producerEpoch: 0 };
}

export function tooManyPartitions(node: BrokerNode, count: number): Refusal | undefined {
  const max = node.limits.partitionsPerRequestMax;
  if (count <= max) return undefined;
  return refuse("INVALID_REQUEST", `Cannot answer for ${count} partitions in one request; the limit is ${max}`);
}
