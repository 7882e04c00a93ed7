// Every config a topic can have: name (Kafka's where Kafka has one), default, meaning, and the parser that guards it. An
// effective value is the topic's own, or else the cluster's default, or else the built-in one.
//
// `min.insync.replicas` and `flush` are special: their effective value is copied into every partition's state and is read
// from there, versioned by the partition epoch (C-7); commands.ts keeps both in step.

import { batchBytesMaxCeiling, batchBytesMaxDefault, timestampAheadMsMax } from "@varve/format";
import { closest, distance } from "fastest-levenshtein";
import { oneOf, printNumber, share, unlimited, wholeNumber } from "./config-value.ts";
import type { ValueParser } from "./config-value.ts";
import { replicationFactorMax } from "../limits.ts";
import type { ConfigOverrides } from "./state.ts";

/** How tools may render a value; the words are those of Kafka's config types. */
export type ConfigKind = "int" | "long" | "double" | "string" | "list";

interface Definition<T> {
  readonly kind: ConfigKind;
  readonly about: string;
  readonly default: T;
  readonly parse: ValueParser<T>;
}

const day = 86_400_000;

/** What becomes of old records. */
type CleanupPolicy = "delete" | "compact" | "delete,compact";

const definitions = {
  "cleanup.policy": define<CleanupPolicy>({
    kind: "list",
    about:
      "What happens to old records: they are deleted by retention.ms and retention.bytes (delete), all but the latest of each key go " +
      "(compact), or both.",
    default: "delete",
    parse: parseCleanupPolicy,
  }),
  "min.cleanable.dirty.ratio": define({
    kind: "double",
    about:
      "Share of a compacted partition that has to be new before it is compacted again; a smaller one costs more writing.",
    default: 0.5,
    parse: share(),
  }),
  "min.compaction.lag.ms": define({
    kind: "long",
    about: "How long records stay as they are before compaction may take them.",
    default: 0,
    parse: wholeNumber({ unit: "ms", min: 0, max: unlimited }),
  }),
  "max.compaction.lag.ms": define({
    kind: "long",
    about: "Age from which records are compacted, however few they are.",
    default: unlimited,
    parse: wholeNumber({ unit: "ms", min: 1, max: unlimited }),
  }),
  "delete.retention.ms": define({
    kind: "long",
    about:
      "How long a record without a value (a tombstone) is kept once everything older of its key is gone: so much time a reader has from " +
      "the start of the log to its end to hear of the deletion.",
    default: day,
    parse: wholeNumber({ unit: "ms", min: 0, max: unlimited }),
  }),
  "retention.ms": define({
    kind: "long",
    about:
      "How long records are kept, in milliseconds; -1: for ever. See retention.clock for where the age comes from.",
    default: 7 * day,
    parse: wholeNumber({ unit: "ms", min: 0, max: unlimited, minusOne: "no limit" }),
  }),
  "retention.bytes": define({
    kind: "long",
    about: "How many bytes a partition keeps before its oldest segments go; -1: no limit.",
    default: -1,
    parse: wholeNumber({ unit: "bytes", min: 0, max: unlimited, minusOne: "no limit" }),
  }),
  "retention.clock": define<"append" | "record">({
    kind: "string",
    about:
      "Where the age of a segment comes from: when it was written (append), or the newest timestamp in it (record, as Kafka " +
      "does: replaying old events into a topic deletes them at once).",
    default: "append",
    parse: oneOf(["append", "record"]),
  }),
  "segment.bytes": define({
    kind: "int",
    about: "Size at which a segment file is closed and the next one begun.",
    default: 1024 ** 3,
    parse: wholeNumber({ unit: "bytes", min: 16 * 1024, max: 2 ** 31 - 1 }),
  }),
  "segment.ms": define({
    kind: "long",
    about: "Age at which a segment file is closed even when it is small, so that retention can take it.",
    default: 7 * day,
    parse: wholeNumber({ unit: "ms", min: 1_000, max: unlimited }),
  }),
  "max.message.bytes": define({
    kind: "int",
    about: "Largest record batch that is taken, as it comes (compressed where it is), header included.",
    default: batchBytesMaxDefault,
    parse: wholeNumber({ unit: "bytes", min: 1_024, max: batchBytesMaxCeiling }),
  }),
  "message.timestamp.type": define<"CreateTime" | "LogAppendTime">({
    kind: "string",
    about: "Whether records keep the producer's timestamps (CreateTime) or get the broker's (LogAppendTime).",
    default: "CreateTime",
    parse: oneOf(["CreateTime", "LogAppendTime"]),
  }),
  "message.timestamp.after.max.ms": define({
    kind: "long",
    about: "How far in the future a record's timestamp may lie.",
    default: timestampAheadMsMax,
    parse: wholeNumber({ unit: "ms", min: 0, max: unlimited }),
  }),
  "message.timestamp.before.max.ms": define({
    kind: "long",
    about: "How far in the past a record's timestamp may lie.",
    default: unlimited,
    parse: wholeNumber({ unit: "ms", min: 0, max: unlimited }),
  }),
  "min.insync.replicas": define({
    kind: "int",
    about: "Replicas that must hold a record before it counts; never more than the partition has.",
    default: 2,
    parse: wholeNumber({ unit: "count", min: 1, max: replicationFactorMax }),
  }),
  flush: define<"sync" | "os">({
    kind: "string",
    about: "When a record counts on a replica: once it is on the disk (sync), or once the kernel has it (os).",
    default: "sync",
    parse: oneOf(["sync", "os"]),
  }),
  "unclean.recovery.strategy": define<"balanced" | "manual" | "aggressive">({
    kind: "string",
    about:
      "Who leads when nobody is known to have everything: who has most, once all that had everything last have answered (balanced); " +
      "who has most of those that answer within ten seconds (aggressive); whom an operator elects (manual).",
    default: "balanced",
    parse: oneOf(["balanced", "manual", "aggressive"]),
  }),
  "compression.type": define<"producer">({
    kind: "string",
    about: "Batches are stored as the producer compressed them.",
    default: "producer",
    parse: oneOf(["producer"]),
  }),
  "index.interval.bytes": define({
    kind: "int",
    about: "Bytes of records between two entries of the sparse indexes.",
    default: 4_096,
    parse: wholeNumber({ unit: "bytes", min: 512, max: 2 ** 31 - 1 }),
  }),
} as const;

export type TopicConfigName = keyof typeof definitions;
type ValueOf<D> = D extends Definition<infer T> ? T : never;

/** The effective configuration of a topic, typed, under its public names. */
export type TopicConfig = { readonly [Name in TopicConfigName]: ValueOf<(typeof definitions)[Name]> };

/** Every name, in the order in which they are listed. */
export const topicConfigNames = Object.keys(definitions) as readonly TopicConfigName[];

/** One effective value with its origin, for describe calls: every known config is listed, not only overrides. */
export interface ConfigEntry {
  readonly name: TopicConfigName;
  readonly value: string;
  readonly source: "topic" | "cluster" | "default";
  readonly defaultValue: string;
  readonly kind: ConfigKind;
  readonly about: string;
}

/** The canonical text of a value, or why key or value is refused: a whole sentence, and the nearest name for a wrong key. */
export type CheckedConfig = { readonly text: string } | { readonly fault: string; readonly nearest?: string };

/** Checks one pair as a user wrote it. */
export function checkTopicConfig(name: string, value: string): CheckedConfig {
  const unknown = unknownNameFault(name);
  if (unknown !== undefined) return unknown;
  if (value.length > 256) return { fault: `Config "${name}" has a value of ${value.length} characters.` };
  const parsed = definitions[name as TopicConfigName].parse(value);
  return "fault" in parsed
    ? { fault: `Config "${name}" cannot be "${value}": ${parsed.fault}.` }
    : { text: parsed.text };
}

/** `undefined` when a config of this name exists. */
export function unknownNameFault(name: string): { readonly fault: string; readonly nearest?: string } | undefined {
  if (Object.hasOwn(definitions, name)) return undefined;
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  const instead = Object.hasOwn(kafkaOnly, name) ? kafkaOnly[name] : undefined;
  if (instead !== undefined) return { fault: `Varve has no topic config "${name}": ${instead}.` };
  const near = name.length > 80 ? undefined : nearestName(name, topicConfigNames);
  if (near === undefined)
    return { fault: `There is no topic config "${shown}". Known: ${topicConfigNames.join(", ")}.` };
  return { fault: `There is no topic config "${shown}". Did you mean "${near}"?`, nearest: near };
}

/** The most similar of `names`, if it is similar at all: a few wrong letters, or other separators. Case does not count. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const letters = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const same = names.find((candidate) => letters(candidate) === letters(name));
  if (same !== undefined || names.length === 0) return same;
  const lowerCase = names.map((candidate) => candidate.toLowerCase());
  const near = closest(name.toLowerCase(), lowerCase);
  const isNear = distance(name.toLowerCase(), near) <= Math.max(2, Math.floor(near.length / 3));
  return isNear ? names[lowerCase.indexOf(near)] : undefined;
}

/** Effective typed values. Overrides were checked when they were set, so what they hold parses. */
export function effectiveTopicConfig(topic: ConfigOverrides, cluster: ConfigOverrides): TopicConfig {
  const values: Record<string, unknown> = {};
  for (const name of topicConfigNames) {
    const text = topic[name] ?? cluster[name];
    const parsed = text === undefined ? undefined : definitions[name].parse(text);
    values[name] = parsed !== undefined && "value" in parsed ? parsed.value : definitions[name].default;
  }
  return values as TopicConfig;
}

/** Every config with its effective value and where that comes from. */
export function describeTopicConfig(topic: ConfigOverrides, cluster: ConfigOverrides): ConfigEntry[] {
  return topicConfigNames.map((name) => {
    const { kind, about, default: fallback } = definitions[name];
    const defaultValue = typeof fallback === "number" ? printNumber(fallback) : fallback;
    const own = topic[name];
    const shared = cluster[name];
    if (own !== undefined) return { name, kind, about, defaultValue, value: own, source: "topic" };
    if (shared !== undefined) return { name, kind, about, defaultValue, value: shared, source: "cluster" };
    return { name, kind, about, defaultValue, value: defaultValue, source: "default" };
  });
}

function define<T extends string | number>(definition: Definition<T>): Definition<T> {
  return definition;
}

/** As Kafka's: a list of words in any order. */
function parseCleanupPolicy(text: string): ReturnType<ValueParser<CleanupPolicy>> {
  const policies = new Set(text.split(",").map((policy) => policy.trim().toLowerCase()));
  const sorted = [...policies].sort().reverse().join(",");
  return oneOf(["delete", "compact", "delete,compact"])(sorted);
}

/** Topic configs that tools for Kafka send and that have another answer here. */
const kafkaOnly: Readonly<Record<string, string>> = {
  "flush.messages": 'use "flush" (sync or os)',
  "flush.ms": 'use "flush" (sync or os)',
  "unclean.leader.election.enable": "unclean elections are always off",
  preallocate: "segments are never preallocated",
  "segment.jitter.ms": "segments are closed by segment.ms and segment.bytes alone",
  "segment.index.bytes": "index files grow as needed",
  "file.delete.delay.ms": "files are deleted when their last reader is done",
  "remote.storage.enable": "there is no remote storage",
  "local.retention.ms": "there is no remote storage",
  "local.retention.bytes": "there is no remote storage",
};
