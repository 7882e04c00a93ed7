// The controller's one entrance: a command is looked at together with the image and turned into records, or refused (C-2).
// Reading order: state.ts, records.ts, replay.ts, then the commands by subject.

import { batchBytesMax, batchRecordsMax } from "../limits.ts";
import { recordsSizeBytes } from "./batch.ts";
import { decideAlterPartition } from "./alter-partition.ts";
import type { AlterPartition, AlterPartitionReply } from "./alter-partition.ts";
import {
  decideAllocateProducerIds,
  decideRegisterBroker,
  decideStartEpochs,
  decideUnfenceBroker,
} from "./broker-commands.ts";
import type {
  AllocateProducerIds,
  ProducerIdsReply,
  RegisterBroker,
  RegisterBrokerReply,
  StartEpochs,
  StartEpochsReply,
  UnfenceBroker,
} from "./broker-commands.ts";
import {
  decideElectLeaders,
  decideFenceBroker,
  decideRecoverPartition,
  decideReportLossy,
  decideShutDownBroker,
} from "./broker-partitions.ts";
import type {
  ElectLeaders,
  FenceBroker,
  PartitionsReply,
  RecoverPartition,
  ReportLossy,
  ShutDownBroker,
} from "./broker-partitions.ts";
import { decideAlterClusterConfig, decideAlterTopicConfig } from "./config-commands.ts";
import type { AlterClusterConfig, AlterConfigReply, AlterTopicConfig } from "./config-commands.ts";
import { refuse } from "./decision.ts";
import type { Decision, DecisionContext } from "./decision.ts";
import { decideConfigureGroup } from "./group-config.ts";
import type { ConfigureGroup, GroupRate } from "./group-config.ts";
import { decideConfirmFlush, decideHandOver, decideNewLeaderEpoch } from "./partition-commands.ts";
import type { ConfirmFlush, HandOver, NewLeaderEpoch, PartitionReply } from "./partition-commands.ts";
import { decideRepairPartitions } from "./repair.ts";
import type { RepairPartitions } from "./repair.ts";
import type { ControllerImage } from "./state.ts";
import { decideAddPartitions, decideCreateTopic, decideDeleteTopic } from "./topic-commands.ts";
import type { AddPartitions, CreateTopic, DeleteTopic, DeleteTopicReply, TopicReply } from "./topic-commands.ts";

/** Every command with its answer. */
export interface CommandReplies {
  readonly registerBroker: { readonly command: RegisterBroker; readonly reply: RegisterBrokerReply };
  readonly unfenceBroker: { readonly command: UnfenceBroker; readonly reply: { readonly fenced: boolean } };
  readonly fenceBroker: { readonly command: FenceBroker; readonly reply: PartitionsReply };
  readonly shutDownBroker: { readonly command: ShutDownBroker; readonly reply: PartitionsReply };
  readonly reportLossy: { readonly command: ReportLossy; readonly reply: PartitionsReply };
  readonly startEpochs: { readonly command: StartEpochs; readonly reply: StartEpochsReply };
  readonly allocateProducerIds: { readonly command: AllocateProducerIds; readonly reply: ProducerIdsReply };
  readonly createTopic: { readonly command: CreateTopic; readonly reply: TopicReply };
  readonly addPartitions: { readonly command: AddPartitions; readonly reply: TopicReply };
  readonly deleteTopic: { readonly command: DeleteTopic; readonly reply: DeleteTopicReply };
  readonly alterTopicConfig: { readonly command: AlterTopicConfig; readonly reply: AlterConfigReply };
  readonly alterClusterConfig: { readonly command: AlterClusterConfig; readonly reply: AlterConfigReply };
  readonly newLeaderEpoch: { readonly command: NewLeaderEpoch; readonly reply: PartitionReply };
  readonly alterPartition: { readonly command: AlterPartition; readonly reply: AlterPartitionReply };
  readonly electLeaders: { readonly command: ElectLeaders; readonly reply: PartitionsReply };
  readonly recoverPartition: { readonly command: RecoverPartition; readonly reply: PartitionsReply };
  readonly repairPartitions: { readonly command: RepairPartitions; readonly reply: PartitionsReply };
  readonly confirmFlush: { readonly command: ConfirmFlush; readonly reply: PartitionReply };
  readonly configureGroup: { readonly command: ConfigureGroup; readonly reply: GroupRate };
  readonly handOver: { readonly command: HandOver; readonly reply: PartitionsReply };
}

export type CommandKind = keyof CommandReplies;
export type Command = CommandReplies[CommandKind]["command"];
export type ReplyOf<C extends Command> = CommandReplies[C["kind"]]["reply"];

/** What `command` comes to, on top of `image`. Changes nothing, and never throws because of what a caller sent. */
export function decide<C extends Command>(
  image: ControllerImage,
  command: C,
  context: DecisionContext,
): Decision<ReplyOf<C>> {
  const decision = route(image, command, context) as Decision<ReplyOf<C>>;
  if ("refusal" in decision || !decision.atomic || fitsOneBatch(decision.records)) return decision;
  return refuse(
    "POLICY_VIOLATION",
    `Cannot do this at once: it needs ${decision.records.length} metadata records, more than one batch holds ` +
      `(${batchRecordsMax} records, ${batchBytesMax} bytes). Do it in smaller steps.`,
    { records: String(decision.records.length) },
  );
}

function route(
  image: ControllerImage,
  command: Command,
  context: DecisionContext,
): Decision<CommandReplies[CommandKind]["reply"]> {
  switch (command.kind) {
    case "registerBroker":
      return decideRegisterBroker(image, command);
    case "unfenceBroker":
      return decideUnfenceBroker(image, command);
    case "fenceBroker":
      return decideFenceBroker(image, command);
    case "shutDownBroker":
      return decideShutDownBroker(image, command);
    case "reportLossy":
      return decideReportLossy(image, command);
    case "startEpochs":
      return decideStartEpochs(image, command);
    case "allocateProducerIds":
      return decideAllocateProducerIds(image, command);
    case "createTopic":
      return decideCreateTopic(image, command, context);
    case "addPartitions":
      return decideAddPartitions(image, command);
    case "deleteTopic":
      return decideDeleteTopic(image, command, context);
    case "alterTopicConfig":
      return decideAlterTopicConfig(image, command);
    case "alterClusterConfig":
      return decideAlterClusterConfig(image, command);
    case "newLeaderEpoch":
      return decideNewLeaderEpoch(image, command);
    case "alterPartition":
      return decideAlterPartition(image, command);
    case "electLeaders":
      return decideElectLeaders(image, command);
    case "recoverPartition":
      return decideRecoverPartition(image, command);
    case "repairPartitions":
      return decideRepairPartitions(image);
    case "confirmFlush":
      return decideConfirmFlush(image, command);
    case "configureGroup":
      return decideConfigureGroup(image, command);
    case "handOver":
      return decideHandOver(image, command);
  }
}

function fitsOneBatch(records: Parameters<typeof recordsSizeBytes>[0]): boolean {
  return records.length <= batchRecordsMax && (records.length < 100 || recordsSizeBytes(records) <= batchBytesMax);
}
