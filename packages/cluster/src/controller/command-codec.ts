// Commands and outcomes to bytes and back (tables: command-tables.ts).
//
// Invariant: what is decoded from an encoded command is decided like the command itself, and what is decoded from anything else throws
// `FormatError` and nothing else.

import { FormatError, isReason } from "@varve/format";
import type { Outcome } from "./batch-plan.ts";
import type { PartitionVerdict } from "./alter-partition.ts";
import { commandTable, outcomeTable, unsetNumber } from "./command-tables.ts";
import type { WireCommand, WireCommandInput, WireOutcome, WireOutcomeInput } from "./command-tables.ts";
import type { Command, CommandKind, CommandReplies, ReplyOf } from "./commands.ts";
import type { Refusal } from "./decision.ts";
import { topicConfigNames } from "./topic-config.ts";

/** Owned bytes. `FormatError` INVALID_VALUE for a value that no valid command has. */
export function encodeCommand(command: Command): Uint8Array {
  return commandTable.encode(wireOf(command));
}

/** The command in `bytes`, which are only borrowed. `FormatError` when they are none. */
export function decodeCommand(bytes: Uint8Array): Command {
  const { type, ...wire } = commandTable.decode(bytes);
  const fields = { type, ...wire } as WireCommand;
  if (fields.type === "registerBroker") {
    const { allLossy, lossy, type: kind, ...rest } = fields;
    return { kind, ...rest, lossy: allLossy ? "all" : lossy };
  }
  if (fields.type === "createTopic") {
    const { type: kind, name, partitions, replicationFactor, configs, validateOnly } = fields;
    return {
      kind,
      name,
      validateOnly,
      ...(partitions === unsetNumber ? {} : { partitions }),
      ...(replicationFactor === unsetNumber ? {} : { replicationFactor }),
      // Of a key that is there twice the last one counts, as when it was an object.
      configs: Object.fromEntries(configs.map(({ key, value }) => [key, value])),
    };
  }
  if (fields.type === "electLeaders") {
    const { type: kind, unclean, partitions, candidates } = fields;
    const named = candidates.length === 0 ? {} : { candidates };
    return { kind, mode: unclean ? "unclean" : "preferred", partitions, ...named };
  }
  // The others have the same fields here and there.
  return { kind: type, ...wire } as Command;
}

function wireOf(command: Command): WireCommandInput {
  if (command.kind === "registerBroker") {
    const { kind: type, lossy = [], rack = "", features = [], ...rest } = command;
    const allLossy = lossy === "all";
    return { type, ...rest, rack, features, allLossy, lossy: allLossy ? [] : lossy };
  }
  if (command.kind === "createTopic") {
    const { kind: type, configs = {}, ...rest } = command;
    return { type, ...rest, configs: Object.entries(configs).map(([key, value]) => ({ key, value })) };
  }
  if (command.kind === "deleteTopic") {
    const { kind: type, topic = "", topicId = "", ...rest } = command;
    return { type, topic, topicId, ...rest };
  }
  if (command.kind === "electLeaders") {
    const { kind: type, mode, partitions, candidates = [] } = command;
    return { type, unclean: mode === "unclean", partitions, candidates };
  }
  const { kind: type, ...rest } = command;
  return { type, ...rest } as WireCommandInput;
}

type WireReplyType = Exclude<WireOutcome["type"], "refused">;

/** Which answer belongs to which command. */
const replyTypes: Record<CommandKind, WireReplyType> = {
  registerBroker: "brokerEpoch",
  unfenceBroker: "fenced",
  fenceBroker: "partitions",
  shutDownBroker: "partitions",
  reportLossy: "partitions",
  startEpochs: "partitions",
  allocateProducerIds: "producerIds",
  createTopic: "topic",
  addPartitions: "topic",
  deleteTopic: "deletedTopic",
  alterTopicConfig: "configs",
  alterClusterConfig: "configs",
  newLeaderEpoch: "epochs",
  alterPartition: "verdicts",
  electLeaders: "partitions",
  recoverPartition: "partitions",
  repairPartitions: "partitions",
  confirmFlush: "epochs",
  handOver: "partitions",
  configureGroup: "groupRate",
};

/** Owned bytes of what a command of this kind came to. */
export function encodeOutcome(kind: CommandKind, outcome: Outcome<CommandReplies[CommandKind]["reply"]>): Uint8Array {
  if (outcome.kind === "refused") return outcomeTable.encode({ type: "refused", ...refusalToWire(outcome.refusal) });
  const type = replyTypes[kind];
  const { reply } = outcome;
  if ("partitions" in reply && Array.isArray(reply.partitions)) {
    return outcomeTable.encode({ type: "verdicts", partitions: reply.partitions.map(verdictToWire) });
  }
  return outcomeTable.encode({ type, ...reply } as WireOutcomeInput);
}

/** What `command` came to. `FormatError` when `bytes`, which are only borrowed, are no answer to it. */
export function decodeOutcome<C extends Command>(command: C, bytes: Uint8Array): Outcome<ReplyOf<C>> {
  const { type, ...wire } = outcomeTable.decode(bytes);
  if (type === "refused") {
    return { kind: "refused", refusal: refusalFromWire(wire as Omit<WireOutcome & { type: "refused" }, "type">) };
  }
  if (type !== replyTypes[command.kind]) throw malformed(`"${type}" is no answer to "${command.kind}"`);
  if (type === "verdicts") {
    const { partitions } = wire as Omit<WireOutcome & { type: "verdicts" }, "type">;
    return { kind: "done", reply: { partitions: partitions.map(verdictFromWire) } };
  }
  if ("configs" in wire) for (const entry of wire.configs) checkConfigEntry(entry);
  return { kind: "done", reply: wire as unknown as ReplyOf<C> };
}

interface WireRefusal {
  readonly reason: string;
  readonly message: string;
  readonly metadata: readonly { readonly key: string; readonly value: string }[];
}
type WireVerdict = Extract<WireOutcome, { type: "verdicts" }>["partitions"][number];

function refusalToWire({ reason, message, metadata }: Refusal): WireRefusal {
  return { reason, message, metadata: Object.entries(metadata).map(([key, value]) => ({ key, value })) };
}

function refusalFromWire({ reason, message, metadata }: WireRefusal): Refusal {
  const pairs = metadata.map(({ key, value }) => [key, value]);
  // A newer controller's word that this release does not know is passed on as what it is: nothing that can be acted on.
  return { reason: isReason(reason) ? reason : "INTERNAL", message, metadata: Object.fromEntries(pairs) };
}

function verdictToWire(verdict: PartitionVerdict): WireVerdict {
  const { topicId, partition, kind } = verdict;
  if (kind === "refused") {
    return { topicId, partition, kind, state: null, refusal: asMutable(refusalToWire(verdict.refusal)) };
  }
  const { leader, leaderEpoch, partitionEpoch, isr, minIsr, recovering } = verdict.state;
  const state = { leader, leaderEpoch, partitionEpoch, isr: [...isr], minIsr, recovering };
  return { topicId, partition, kind, state, refusal: null };
}

function verdictFromWire({ topicId, partition, kind, state, refusal }: WireVerdict): PartitionVerdict {
  if (kind === "refused" && refusal !== null) return { topicId, partition, kind, refusal: refusalFromWire(refusal) };
  if ((kind === "changed" || kind === "ineligible" || kind === "leaderMoved") && state !== null) {
    return { topicId, partition, kind, state };
  }
  throw malformed(`"${kind.slice(0, 40)}" is no verdict`);
}

function asMutable({ reason, message, metadata }: WireRefusal): NonNullable<WireVerdict["refusal"]> {
  return { reason, message, metadata: [...metadata] };
}

const configSources: readonly string[] = ["topic", "cluster", "default"];
const configKinds: readonly string[] = ["int", "long", "double", "string", "list"];

function checkConfigEntry({ name, source, kind }: { name: string; source: string; kind: string }): void {
  const isOne =
    (topicConfigNames as readonly string[]).includes(name) &&
    configSources.includes(source) &&
    configKinds.includes(kind);
  if (!isOne) throw malformed(`"${name.slice(0, 40)}" is no config that this release knows`);
}

function malformed(why: string): FormatError {
  return new FormatError("MALFORMED", `Cannot read the answer of a controller: ${why}.`);
}
