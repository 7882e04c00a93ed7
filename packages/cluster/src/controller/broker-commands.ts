// Commands about brokers: registration, unfencing, new leader epochs at their start, blocks of producer ids.

import { arrivingRecords, leavingRecords } from "./broker-partitions.ts";
import type { PartitionName } from "./broker-partitions.ts";
import { staleBroker } from "./broker-epoch.ts";
import { accept, refuse } from "./decision.ts";
import type { Decision } from "./decision.ts";
import { brokerOf, partitionsOnBroker } from "./image.ts";
import { int16Max, int32Max, isUuid } from "@varve/format";
import { producerIdBlockSize, registrationListMax } from "../limits.ts";
import type { MetadataRecord } from "./records.ts";
import type { BrokerFeature, ControllerImage, Endpoint, Partition } from "./state.ts";

/** A process says who it is. `incarnationId` is new for every process start. */
export interface RegisterBroker {
  readonly kind: "registerBroker";
  readonly brokerId: number;
  readonly incarnationId: string;
  readonly endpoints: readonly Endpoint[];
  readonly rack?: string;
  readonly dirs: readonly string[];
  readonly features?: readonly BrokerFeature[];
  /**
   * B-4: what recovery could not show to be whole. A partition in a directory that is not registered any more is lossy without
   * being named. `all` when it is not known how the former process ended.
   * @default none
   */
  readonly lossy?: "all" | readonly PartitionName[];
}

export interface RegisterBrokerReply {
  readonly brokerEpoch: number;
}

/** "Let me in": accepted once the broker has seen its own registration (B-6). Partitions without leader that it may lead get it. */
export interface UnfenceBroker {
  readonly kind: "unfenceBroker";
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** `offset` of the broker's own image. */
  readonly metadataOffset: number;
}

/** J-3: every process start begins a new leader epoch on each partition this broker leads, before it appends anything. */
export interface StartEpochs {
  readonly kind: "startEpochs";
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

export interface StartEpochsReply {
  /** Partitions that got a new leader epoch. */
  readonly partitions: number;
}

export interface AllocateProducerIds {
  readonly kind: "allocateProducerIds";
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

/** Ids `first` … `first + count - 1` belong to the broker for ever. */
export interface ProducerIdsReply {
  readonly first: number;
  readonly count: number;
}

/**
 * B-1: the same incarnation again keeps its epoch; another one with the same directories proves (by their lock) that the former
 * process is dead, and takes over at once; another one with other directories is refused while the old one is not fenced.
 * Taking over fences the former one: it leaves every ISR, and where it is lossy every ELR too (B-4); the registration comes last.
 */
export function decideRegisterBroker(image: ControllerImage, command: RegisterBroker): Decision<RegisterBrokerReply> {
  const fault = registrationFault(command);
  if (fault !== undefined) return refuse("INVALID_REQUEST", `Cannot register broker ${command.brokerId}: ${fault}.`);
  const before = brokerOf(image, command.brokerId);
  if (before?.incarnationId === command.incarnationId) return accept({ brokerEpoch: before.brokerEpoch });
  if (before !== undefined && !before.fenced && !before.dirs.some((dir) => command.dirs.includes(dir))) {
    return refuse(
      "DUPLICATE_BROKER",
      `Cannot register broker ${command.brokerId}: another process with other data directories holds this id. ` +
        "Give this node an id of its own, or stop the other one.",
      { brokerId: String(command.brokerId), brokerEpoch: String(before.brokerEpoch) },
    );
  }
  const { brokerId, incarnationId, endpoints, rack = "", dirs, features = [] } = command;
  const changes = leavingRecords(image, brokerId, (partition) => isLossy(command, partition));
  const brokerEpoch = image.offset + changes.length + 1;
  const records: MetadataRecord[] = [
    ...changes,
    { type: "RegisterBroker", brokerId, brokerEpoch, incarnationId, endpoints, rack, dirs, features, fenced: true },
  ];
  return { records, reply: { brokerEpoch }, atomic: false };
}

/** A directory that was wiped or replaced keeps nothing, whatever else was reported. */
function isLossy({ brokerId, dirs, lossy = [] }: RegisterBroker, { topicId, partition, ...held }: Partition): boolean {
  const dir = held.dirs[held.replicas.indexOf(brokerId)];
  if (lossy === "all" || dir === undefined || !dirs.includes(dir)) return true;
  return lossy.some((name) => name.topicId === topicId && name.partition === partition);
}

export function decideUnfenceBroker(
  image: ControllerImage,
  command: UnfenceBroker,
): Decision<{ readonly fenced: boolean }> {
  const stale = staleBroker(image, command);
  if (stale !== undefined) return stale;
  const broker = brokerOf(image, command.brokerId);
  if (command.metadataOffset < command.brokerEpoch) return accept({ fenced: broker?.fenced ?? true });
  if (broker?.fenced === false) return accept({ fenced: false });
  const { brokerId, brokerEpoch } = command;
  const unfenced: MetadataRecord = { type: "BrokerChange", brokerId, brokerEpoch, fenced: 0 };
  return { records: [unfenced, ...arrivingRecords(image, brokerId)], reply: { fenced: false }, atomic: false };
}

/** Not atomic: each partition's new epoch stands alone, so a node with more partitions than a batch holds can start (C-5). */
export function decideStartEpochs(image: ControllerImage, command: StartEpochs): Decision<StartEpochsReply> {
  const stale = staleBroker(image, command);
  if (stale !== undefined) return stale;
  const led = partitionsOnBroker(image, command.brokerId).filter((partition) => partition.leader === command.brokerId);
  const records: MetadataRecord[] = led.map(({ topicId, partition, partitionEpoch, leader }) => ({
    type: "PartitionChange",
    topicId,
    partition,
    expectedPartitionEpoch: partitionEpoch,
    leader,
  }));
  return { records, reply: { partitions: records.length }, atomic: false };
}

export function decideAllocateProducerIds(
  image: ControllerImage,
  command: AllocateProducerIds,
): Decision<ProducerIdsReply> {
  const stale = staleBroker(image, command);
  if (stale !== undefined) return stale;
  const first = image.nextProducerId;
  const next = first + producerIdBlockSize;
  if (!Number.isSafeInteger(next))
    return refuse("POLICY_VIOLATION", "Cannot allocate producer ids: all of them are used up.");
  const { brokerId, brokerEpoch } = command;
  return accept({ first, count: producerIdBlockSize }, [{ type: "ProducerIdBlock", brokerId, brokerEpoch, next }]);
}

function registrationFault(command: RegisterBroker): string | undefined {
  const { brokerId, incarnationId, endpoints, dirs, features = [], rack = "" } = command;
  if (!isWithin(brokerId, 0, int32Max)) return `its id is not a number from 0 to ${int32Max}`;
  if (!isUuid(incarnationId)) return "the incarnation id is not 32 hexadecimal digits";
  if (dirs.length === 0 || !dirs.every(isUuid) || new Set(dirs).size !== dirs.length) {
    return "it needs distinct directory ids of 32 hexadecimal digits";
  }
  if (Math.max(endpoints.length, dirs.length, features.length) > registrationListMax) {
    return `at most ${registrationListMax} endpoints, directories and features are allowed`;
  }
  if (!isPlainText(rack, 128)) return "the name of its rack is longer than 128 characters, or not plain text";
  for (const { name, host, port } of endpoints) {
    if (!isPlainText(name, 64) || !isPlainText(host, 255)) return "an endpoint is too long, or not plain text";
    if (!isWithin(port, 0, 65_535)) return `endpoint "${name}" has the port ${port}`;
  }
  for (const { name, minLevel, maxLevel } of features) {
    const levels = isWithin(minLevel, 0, int16Max) && isWithin(maxLevel, minLevel, int16Max);
    if (!isPlainText(name, 64) || !levels) return "a feature is malformed";
  }
  return undefined;
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** Half of a surrogate pair would come back from the log as another character, and the image would differ (C-2). */
function isPlainText(text: string, charactersMax: number): boolean {
  return text.length <= charactersMax && !/[\p{Surrogate}\p{Cc}]/u.test(text);
}
