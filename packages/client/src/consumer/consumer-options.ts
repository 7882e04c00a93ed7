// SPDX-License-Identifier: Apache-2.0
// What a consumer may be told, and what it takes for granted.

import { VarveError, type Position } from "@varve/api";
import { checkPlace } from "../places.ts";
import type { TopicPartition } from "./claim.ts";

/** A partition, and a place in it. */
export interface PartitionOffset extends TopicPartition {
  readonly offset: number;
}

export interface ConsumerOptions {
  /** Name of the group: its members share the partitions, and the offsets are its own. */
  readonly group: string;
  /** Topics to read. Either these, `pattern`, or both. */
  readonly topics?: readonly string[] | undefined;
  /** Reads every topic whose whole name matches (RE2 syntax), also those that come later. */
  readonly pattern?: string | undefined;
  /** Name under which a restarted member gets its partitions back without a rebalance. One process at a time may use it. */
  readonly instanceId?: string | undefined;
  /** Where to start partitions of which the group has no offset. @default latest */
  readonly start?: Position | undefined;
  /** @default "cooperative-sticky" */
  readonly assignor?: "cooperative-sticky" | "range" | "round-robin" | undefined;
  /** Name of the program, for people who look at the group. @default "varve-client" */
  readonly clientId?: string | undefined;
  /** Commit by itself what was handed out before the last poll, or handled by run(). @default true */
  readonly autoCommit?: boolean | undefined;
  /** How often to commit, in ms; also when partitions are given back, and at the end. @default 1000 */
  readonly commitIntervalMs?: number | undefined;
  /** Received and not yet handed out, of all partitions, in bytes; beyond it the brokers are held back. @default 16777216 */
  readonly prefetchBytes?: number | undefined;
  /** Longest silence before the group gives the member up, in ms. @default 30000 */
  readonly sessionTimeoutMs?: number | undefined;
  /** How long records that were handed out may hold up giving their partition back, in ms. Then they are abandoned. @default 30000 */
  readonly revokeTimeoutMs?: number | undefined;
  /** How long to look for a broker before giving up, in ms. @default 300000 */
  readonly reconnectTimeoutMs?: number | undefined;
  /** When the next offset is no longer kept: go on elsewhere, or end with OFFSET_OUT_OF_RANGE. @default "earliest" */
  readonly onOutOfRange?: "fail" | "earliest" | "latest" | undefined;
  /** After so long without progress in a partition that has something to read, health() is bad, in ms. @default 60000 */
  readonly stuckAfterMs?: number | undefined;
  /** How often to ask how far the partitions go, for lag and health, in ms; 0: never. @default 10000 */
  readonly lagIntervalMs?: number | undefined;
  /** Partitions came. */
  readonly onAssigned?: ((partitions: readonly PartitionOffset[]) => void) | undefined;
  /** A reset moved these: what was read of them before is not committed any more. */
  readonly onMoved?: ((partitions: readonly PartitionOffset[]) => void) | undefined;
  /** These are given back when the promise is settled, at the latest after revokeTimeoutMs; what is committed before counts. */
  readonly onRevoke?: ((partitions: readonly TopicPartition[]) => void | Promise<void>) | undefined;
  /** These are gone without notice: somebody else may have them already, or their topic was deleted. */
  readonly onLost?: ((partitions: readonly TopicPartition[]) => void) | undefined;
  /** Ends the consumer with CANCELLED, without a commit. */
  readonly signal?: AbortSignal | undefined;
}

export interface CloseOptions {
  /** Longest wait for what is under way, the last commit and the goodbye, in ms. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** With an instance id: comes back before the session timeout, so its partitions wait for it. @default false */
  readonly willReturn?: boolean | undefined;
}

type Defaulted =
  | "topics"
  | "pattern"
  | "instanceId"
  | "start"
  | "assignor"
  | "clientId"
  | "autoCommit"
  | "commitIntervalMs"
  | "prefetchBytes"
  | "sessionTimeoutMs"
  | "revokeTimeoutMs"
  | "reconnectTimeoutMs"
  | "onOutOfRange"
  | "stuckAfterMs"
  | "lagIntervalMs";

/** With every default in its place. */
export type ConsumerSettings = ConsumerOptions & { readonly [Name in Defaulted]: NonNullable<ConsumerOptions[Name]> };

/** Throws INVALID_REQUEST when an option makes no sense. */
export function settingsOf(options: ConsumerOptions): ConsumerSettings {
  const settings: ConsumerSettings = {
    ...options,
    topics: options.topics ?? [],
    pattern: options.pattern ?? "",
    instanceId: options.instanceId ?? "",
    start: options.start ?? { kind: "latest" },
    assignor: options.assignor ?? "cooperative-sticky",
    clientId: options.clientId ?? "varve-client",
    autoCommit: options.autoCommit ?? true,
    commitIntervalMs: options.commitIntervalMs ?? 1000,
    prefetchBytes: options.prefetchBytes ?? 16 << 20,
    sessionTimeoutMs: options.sessionTimeoutMs ?? 30_000,
    revokeTimeoutMs: options.revokeTimeoutMs ?? 30_000,
    reconnectTimeoutMs: options.reconnectTimeoutMs ?? 300_000,
    onOutOfRange: options.onOutOfRange ?? "earliest",
    stuckAfterMs: options.stuckAfterMs ?? 60_000,
    lagIntervalMs: options.lagIntervalMs ?? 10_000,
  };
  const refuse = (why: string): VarveError =>
    new VarveError("INVALID_REQUEST", `Cannot make a consumer of group "${options.group}": ${why}`);
  checkPlace(`make a consumer of group "${options.group}"`, options.start);
  if (settings.group === "") throw refuse("name the group");
  if (settings.topics.length === 0 && settings.pattern === "") throw refuse("name topics, or a pattern");
  const { commitIntervalMs, prefetchBytes, sessionTimeoutMs, revokeTimeoutMs } = settings;
  const { reconnectTimeoutMs, stuckAfterMs, lagIntervalMs } = settings;
  const positive = { commitIntervalMs, prefetchBytes, sessionTimeoutMs, stuckAfterMs };
  const natural = { revokeTimeoutMs, reconnectTimeoutMs, lagIntervalMs };
  for (const [name, value] of Object.entries({ ...positive, ...natural })) {
    const least = Object.hasOwn(positive, name) ? 1 : 0;
    // A longer timer would end at once.
    if (!(value >= least && value < 2 ** 31)) throw refuse(`${name} is ${value}, not between ${least} and 2^31 - 1`);
  }
  return settings;
}
