/** The small calls of the `Log` service: ListOffsets, EpochEnd, InitProducer. */
import {
  type EpochEndRequestOutput,
  type EpochEndResponseMessage,
  type InitProducerRequestOutput,
  type InitProducerResponseMessage,
  type ListOffsetsRequestOutput,
  type ListOffsetsResponseMessage,
  type ListOffsetsResponseOutput,
  PositionError,
  type Position,
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
import { type Refusal, isRefusal, refuse } from "../refusal.ts";
import { errorFieldsOf } from "./produce-answer.ts";

/** For the leader to find an offset by time, perhaps on a slow disk. */
const forwardMs = 10_000;

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
  const wanted =
    request.partitions.length > 0 ? request.partitions : topic.placements.map(({ partition }) => partition);
  const nowMs = node.clock.nowMs();
  const partitions: PartitionOffsetsMessage[] = [];
  for (const [leader, there] of ledElsewhere(node, topic, wanted)) {
    partitions.push(
      ...(await offsetsElsewhere(node.forwarding as Forwarding, leader, { ...request, partitions: there })),
    );
  }
  const answered = new Set(partitions.map(({ partition }) => partition));
  for (const partition of wanted) {
    if (!answered.has(partition)) partitions.push(await offsetsOf(topic, partition, position, nowMs));
  }
  const places = new Map(wanted.map((partition, place) => [partition, place]));
  return { partitions: partitions.sort((a, b) => placeOf(places, a) - placeOf(places, b)) };
}

function placeOf(places: ReadonlyMap<number, number>, { partition }: PartitionOffsetsMessage): number {
  return places.get(partition ?? 0) ?? 0;
}

/** By their leader, where that is another node that can be asked. */
function ledElsewhere(node: BrokerNode, topic: LocalTopic, partitions: readonly number[]): Map<number, number[]> {
  const byLeader = new Map<number, number[]>();
  for (const partition of node.forwarding === undefined ? [] : partitions) {
    const leader = topic.leaderElsewhere(partition);
    if (leader !== undefined) byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
  }
  return byLeader;
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

async function offsetsElsewhere(
  forwarding: Forwarding,
  leader: number,
  request: ListOffsetsRequestOutput,
): Promise<PartitionOffsetsMessage[]> {
  const answer = await forwarding.unary<ListOffsetsResponseOutput>(leader, "ListOffsets", request, {
    timeoutMs: forwardMs,
  });
  if (isRefusal(answer)) return request.partitions.map((partition) => failed(partition, answer));
  return answer.partitions.map(({ error, ...rest }) => ({ ...rest, ...(error === null ? {} : { error }) }));
}

async function offsetsOf(
  topic: LocalTopic,
  partition: number,
  position: Position,
  nowMs: number,
): Promise<PartitionOffsetsMessage> {
  const leader = topic.led(partition);
  if (isRefusal(leader)) return failed(partition, leader);
  const { log } = leader;
  const found = await resolvePosition(leader, position, nowMs);
  if (isRefusal(found)) return failed(partition, found);
  return {
    partition,
    offset: found.offset,
    timestampMs: found.timestampMs,
    leaderEpoch: found.leaderEpoch >= 0 ? found.leaderEpoch : epochAt(leader, found.offset),
    logStartOffset: log.logStartOffset,
    highWatermark: log.highWatermark,
    logEndOffset: log.logEndOffset,
  };
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

function failed(partition: number, refusal: Refusal): PartitionOffsetsMessage {
  return {
    partition,
    offset: -1,
    timestampMs: -1,
    leaderEpoch: -1,
    logStartOffset: -1,
    highWatermark: -1,
    logEndOffset: -1,
    error: errorFieldsOf(refusal),
  };
}

/** KIP-320: where an epoch ended, so that a reader finds out whether what it read was cut off. */
export function epochEnd(node: BrokerNode, request: EpochEndRequestOutput): Promise<EpochEndResponseMessage | Refusal> {
  const topic = node.topics.get(request.topic);
  if (topic === undefined) return Promise.resolve(unknownTopic(request.topic));
  const tooMany = tooManyPartitions(node, request.partitions.length);
  if (tooMany !== undefined) return Promise.resolve(tooMany);
  const partitions = request.partitions.map((asked) => {
    const { partition } = asked;
    const leader = topic.led(partition);
    const refusal = isRefusal(leader) ? leader : leadRefusal(leader, asked.currentLeaderEpoch);
    if (isRefusal(leader) || refusal !== undefined) {
      return refusal === undefined
        ? { partition, leaderEpoch: -1, endOffset: -1 }
        : { partition, leaderEpoch: -1, endOffset: -1, error: errorFieldsOf(refusal) };
    }
    const { epoch, end } = leader.log.epochEnd(asked.leaderEpoch);
    return { partition, leaderEpoch: epoch, endOffset: end };
  });
  return Promise.resolve({ partitions });
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
