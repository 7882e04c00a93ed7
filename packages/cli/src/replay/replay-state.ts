// SPDX-License-Identifier: Apache-2.0
// The state file of a replay: what it is about, and how far it is. One JSON document, replaced as a whole, so that a crash leaves the
// old one or the new one. It never says more than what is safe on the other side.

import { parseEnd, printEnd } from "@varve/api";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CliError } from "../exit-code.ts";
import type { PartitionRange } from "./range.ts";
import type { SinkState } from "./sink.ts";

/** What must be the same when a replay goes on; compared as text, named as options are. */
export type ReplayIdentity = Readonly<Record<string, string>>;

export interface ReplayState {
  readonly identity: ReplayIdentity;
  readonly partitions: readonly PartitionRange[];
  readonly sink: SinkState;
  /** Records and bytes of keys and values so far, in all runs; what the filter left out. */
  readonly records: number;
  readonly bytes: number;
  readonly skipped: number;
  /** Every partition has reached its end. */
  readonly finished: boolean;
}

const kind = "varve replay 1";

export function printReplayState(state: ReplayState): string {
  const { sink, partitions } = state;
  const document = {
    kind,
    ...state,
    partitions: partitions.map((range) => ({ ...range, end: printEnd(range.end) })),
    sink: sink.kind === "topic" ? { kind: sink.kind, ends: Object.fromEntries(sink.ends) } : sink,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** Undefined when it is no state file. */
export function parseReplayState(text: string): ReplayState | undefined {
  try {
    const document = JSON.parse(text) as unknown;
    if (!isObject(document) || document["kind"] !== kind) return undefined;
    const { identity, partitions, sink, finished } = document;
    if (!isObject(identity) || !Array.isArray(partitions) || typeof finished !== "boolean") return undefined;
    return {
      identity: Object.fromEntries(Object.entries(identity).map(([name, value]) => [name, String(value)])),
      partitions: partitions.map((range: unknown) => rangeIn(range)),
      sink: sinkIn(sink),
      records: natural(document["records"]),
      bytes: natural(document["bytes"]),
      skipped: natural(document["skipped"]),
      finished,
    };
  } catch {
    // Not JSON, or not with these fields: the caller says so.
    return undefined;
  }
}

function rangeIn(range: unknown): PartitionRange {
  if (!isObject(range)) throw new TypeError("no range");
  const [partition, from, next] = [natural(range["partition"]), natural(range["from"]), natural(range["next"])];
  return { partition, from, next, end: parseEnd(String(range["end"])), records: natural(range["records"]) };
}

function sinkIn(sink: unknown): SinkState {
  if (!isObject(sink)) throw new TypeError("no sink");
  if (sink["kind"] === "stdout") return { kind: "stdout" };
  if (sink["kind"] === "file") return { kind: "file", sizeBytes: natural(sink["sizeBytes"]) };
  if (sink["kind"] !== "topic" || !isObject(sink["ends"])) throw new TypeError("no sink");
  const ends = Object.entries(sink["ends"]).map(([partition, end]) => [Number(partition), natural(end)] as const);
  return { kind: "topic", ends: new Map(ends) };
}

function natural(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError("no natural number");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Undefined when there is none yet. @throws CliError when it is no state file, or that of another replay */
export async function readReplayState(path: string, identity: ReplayIdentity): Promise<ReplayState | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  const state = parseReplayState(text);
  if (state === undefined) {
    throw new CliError("failed", `Cannot go on from "${path}": it is no state file of a replay`, {
      advice: ["Name another file with --resume; one that is not there yet is made."],
    });
  }
  const names = [...new Set([...Object.keys(identity), ...Object.keys(state.identity)])];
  const different = names.find((name) => identity[name] !== state.identity[name]);
  if (different !== undefined) {
    const [was, is] = [state.identity[different] ?? "absent", identity[different] ?? "absent"];
    throw new CliError("failed", `Cannot go on from "${path}": ${different} was "${was}" then, and is "${is}" now`, {
      advice: [
        "Repeat the command as it was (pace and progress may differ), or begin anew with another --resume file.",
      ],
    });
  }
  return state;
}

/** Replaces the file, durably: content first, then the name. */
export async function writeReplayState(path: string, state: ReplayState): Promise<void> {
  const next = `${path}.next`;
  await mkdir(dirname(path), { recursive: true });
  try {
    const file = await open(next, "w");
    try {
      await file.writeFile(printReplayState(state));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  const directory = await open(dirname(path), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
