// SPDX-License-Identifier: Apache-2.0
// What a node can be told, its defaults, and which values make sense.

import type { CoreConfig, SoftState } from "../core/types.ts";
import type { Identity } from "./ports.ts";

const mebibyte = 1 << 20;

/** When a node takes snapshots of its own, and how much of the log it keeps behind them (S3). */
export interface SnapshotOptions {
  /** Entries applied since the last one. @default 50000 */
  readonly everyEntries: number;
  /** Bytes applied since the last one. @default 64 MiB */
  readonly everyBytes: number;
  /** Never more often than this. @default 5000 */
  readonly minIntervalMs: number;
  /** What stays of the log behind a snapshot for followers that lag: so many entries … @default 20000 */
  readonly trailingEntries: number;
  /** … or so many bytes, whichever is less. @default 64 MiB */
  readonly trailingBytes: number;
}

/** For logs and tests: what happened, as data. */
export type NodeEvent =
  | ({ readonly type: "state" } & SoftState)
  | { readonly type: "snapshot-saved"; readonly index: number; readonly sizeBytes: number }
  /** Tried again later; the log grows until then. */
  | { readonly type: "snapshot-failed"; readonly index: number; readonly error: Error }
  | { readonly type: "snapshot-received"; readonly index: number; readonly from: string }
  | { readonly type: "space"; readonly low: boolean; readonly freeBytes: number }
  | { readonly type: "suspect"; readonly reason: string };

export interface NodeOptions {
  /** Raft's own numbers, in ticks and bytes. */
  readonly core: Partial<Omit<CoreConfig, "self" | "seed" | "trace">>;
  /** Must differ between nodes and between starts (E5). @default 64 random bits */
  readonly seed: bigint;
  /** @default 100 */
  readonly tickMs: number;
  /** Messages of peers that wait for their turn, before the transport is asked to hold back. @default 4096 */
  readonly inboxMessages: number;
  /** @default 64 MiB */
  readonly inboxBytes: number;
  /** Proposals, and as many reads, that wait for their outcome, before `busy` is answered. @default 10000 */
  readonly maxPending: number;
  /** @default 64 MiB */
  readonly maxPendingBytes: number;
  /** Longest wait for an outcome when the caller says nothing. @default 60000 */
  readonly deadlineMs: number;
  readonly snapshots: SnapshotOptions;
  /** Free bytes below which this node proposes nothing and does not lead (D-9). @default 512 MiB */
  readonly reserveBytes: number;
  /** @default 5000 */
  readonly spaceCheckMs: number;
  /** How long `stop` waits at each step: for the next leader, for proposals, for the state machine. @default 2 T ticks */
  readonly stopStepMs: number;
  /** Sees what happens. What it throws is ignored: who looks on changes nothing. */
  readonly onEvent: (event: NodeEvent) => void;
  /** The node has failed and stops; `closed` resolves when everything is closed. Called once at most; what it throws is ignored. */
  readonly onFatal: (error: Error) => void;
}

export type NodeOptionsInput = Partial<Omit<NodeOptions, "snapshots">> & {
  readonly snapshots?: Partial<SnapshotOptions>;
};

const snapshotDefaults: SnapshotOptions = {
  everyEntries: 50_000,
  everyBytes: 64 * mebibyte,
  minIntervalMs: 5_000,
  trailingEntries: 20_000,
  trailingBytes: 64 * mebibyte,
};

/** Fills in the defaults. Throws `RangeError` when a number makes no sense. */
export function nodeOptions(input: NodeOptionsInput): NodeOptions {
  const tickMs = input.tickMs ?? 100;
  const options: NodeOptions = {
    core: {},
    seed: randomSeed(),
    inboxMessages: 4096,
    inboxBytes: 64 * mebibyte,
    maxPending: 10_000,
    maxPendingBytes: 64 * mebibyte,
    deadlineMs: 60_000,
    reserveBytes: 512 * mebibyte,
    spaceCheckMs: 5_000,
    stopStepMs: 2 * (input.core?.electionTicks ?? 10) * tickMs,
    ...input,
    onEvent: quietly(input.onEvent),
    onFatal: quietly(input.onFatal),
    tickMs,
    snapshots: { ...snapshotDefaults, ...input.snapshots },
  };
  checkNumbers(options, new Set(["reserveBytes", "stopStepMs"]));
  checkNumbers(options.snapshots, new Set(["minIntervalMs", "trailingEntries", "trailingBytes"]));
  return options;
}

function checkNumbers(values: object, mayBeZero: ReadonlySet<string>): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== "number") continue;
    const least = mayBeZero.has(name) ? 0 : 1;
    if (!(value >= least)) {
      throw new RangeError(`Cannot start a Raft node: ${name} is ${value}, it must be at least ${least}`);
    }
  }
}

function quietly<T>(observer: ((seen: T) => void) | undefined): (seen: T) => void {
  return (seen) => {
    try {
      observer?.(seen);
    } catch {
      // An observer's mistake must not end a member, nor keep a failed one from closing.
    }
  };
}

function randomSeed(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0]!;
}

/** `<nodeId>@<dirId>`: a wiped directory is another peer (M11). */
export function peerIdOf({ nodeId, dirId }: Pick<Identity, "nodeId" | "dirId">): string {
  return `${nodeId}@${dirId}`;
}
