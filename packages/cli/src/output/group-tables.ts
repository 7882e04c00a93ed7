// SPDX-License-Identifier: Apache-2.0
// How groups are told to people: who has which partitions, how far behind, how fast it changes. Pure.

import type { GroupDescription, GroupRate } from "@varve/client";
import { printCount, printDuration, printNumberOf, printSize } from "../input/duration.ts";
import { printTable, unknown, type Cell } from "./table.ts";

type Lag = GroupDescription["lags"][number];
type Member = GroupDescription["members"][number];

/** Records behind in all, as far as it is known, and how long ago the oldest of them was appended. */
export interface TotalLag {
  readonly records: number;
  /** -1: not known. */
  readonly behindMs: number;
  /** Partitions whose lag nobody knows. */
  readonly unknownPartitions: number;
}

export function totalLag(lags: readonly Lag[]): TotalLag {
  return {
    records: lags.reduce((sum, { lag }) => sum + Math.max(0, lag), 0),
    behindMs: Math.max(-1, ...lags.map(({ lagMs }) => lagMs)),
    unknownPartitions: lags.filter(({ lag }) => lag < 0).length,
  };
}

/** "1,204 records behind, the oldest from 12.3 s ago; of 2 partitions it is not known". */
export function printTotalLag({ records, behindMs, unknownPartitions }: TotalLag): string {
  const age = records > 0 && behindMs > 0 ? `, the oldest from ${printDuration(behindMs)} ago` : "";
  const missing = unknownPartitions > 0 ? `; of ${printNumberOf(unknownPartitions, "partition")} it is not known` : "";
  return `${printNumberOf(records, "record")} behind${age}${missing}`;
}

/** "; 320 records/s fewer, none left in 4.0 s", from one look to the next. */
export function printLagChange(before: TotalLag, now: TotalLag, elapsedMs: number): string {
  const perSecond = ((now.records - before.records) * 1000) / Math.max(1, elapsedMs);
  if (Math.abs(perSecond) < 0.5) return "; unchanged";
  if (perSecond > 0) return `; ${printCount(perSecond)} records/s more`;
  const left = now.records === 0 ? "" : `, none left in ${printDuration((now.records * 1000) / -perSecond)}`;
  return `; ${printCount(-perSecond)} records/s fewer${left}`;
}

export function printLags(lags: readonly Lag[]): string {
  const hasEnd = lags.some(({ endOffset }) => endOffset !== undefined);
  return printTable(
    ["TOPIC", "PARTITION", "START", "COMMITTED", ...(hasEnd ? ["ENDS AT"] : []), "END", "LAG", "BEHIND", "MEMBER"],
    lags.map((row): Cell[] => [
      row.topic,
      row.partition,
      known(row.logStartOffset),
      known(row.committedOffset),
      ...(hasEnd ? [row.endOffset ?? unknown] : []),
      known(row.highWatermark),
      known(row.lag),
      row.lagMs < 0 ? unknown : printDuration(row.lagMs),
      row.memberId === "" ? unknown : row.memberId,
    ]),
  );
}

export function printMembers(members: readonly Member[]): string {
  return printTable(
    ["MEMBER", "INSTANCE", "CLIENT", "ADDRESS", "GENERATION", "PARTITIONS", "GIVES BACK"],
    members.map((member) => [
      member.memberId,
      member.instanceId === "" ? unknown : member.instanceId,
      member.clientId === "" ? unknown : member.clientId,
      member.clientAddress === "" ? unknown : member.clientAddress,
      member.generation,
      printTopicPartitions(member.partitions),
      printTopicPartitions(member.revoking),
    ]),
  );
}

/** "orders 0-2,5  visits 1". */
export function printTopicPartitions(some: readonly { readonly topic: string; readonly partition: number }[]): string {
  const byTopic = new Map<string, number[]>();
  for (const { topic, partition } of some) {
    const numbers = byTopic.get(topic);
    if (numbers === undefined) byTopic.set(topic, [partition]);
    else numbers.push(partition);
  }
  const topics = [...byTopic].map(([topic, numbers]) => `${topic} ${printNumbers(numbers)}`);
  return topics.length === 0 ? unknown : topics.join("  ");
}

/** "0-2,5", as --partition takes it. */
function printNumbers(numbers: readonly number[]): string {
  const runs: { first: number; last: number }[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && number === run.last + 1) run.last = number;
    else runs.push({ first: number, last: number });
  }
  return runs.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(",");
}

/** "at most 500 records/s and 4.8 MiB/s", "as fast as it can". */
export function printRate({ recordsPerSecond, bytesPerSecond }: GroupRate): string {
  const limits = [
    ...(recordsPerSecond > 0 ? [`${printCount(recordsPerSecond)} records/s`] : []),
    ...(bytesPerSecond > 0 ? [`${printSize(bytesPerSecond)}/s`] : []),
  ];
  return limits.length === 0 ? "as fast as it can" : `at most ${limits.join(" and ")}`;
}

function known(offset: number): Cell {
  return offset < 0 ? unknown : offset;
}
