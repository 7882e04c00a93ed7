// SPDX-License-Identifier: Apache-2.0
// Gives memory back when the node falls idle. V8 is told to let garbage grow to twice of what lives (bin/varve.cjs), which is right under
// load; afterwards it sees no reason to collect for hours, and the system has tens of MiB less.
//
//   busy ──little processor time in some looks──> idle, and more is held than after the last collection ──> collect, once
//     ^                                                                                                     │
//     └────────────────────────── busy, or held memory grows by `worthBytes` again <────────────────────────┘
//
// Nobody is served meanwhile, for 0.1 to 0.33 s; for 0.9 s when three nodes on two cores did it at once, and after a second of silence
// somebody wants to be elected. So the nodes of a cluster take turns, seconds apart. And nobody does it while leaders change, or replicas
// load or catch up, nor for some seconds after: one pause more is not what such a moment needs.

import { memoryUsage, cpuUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What is known at a look. */
export interface IdleSample {
  /** Of the processor, since the look before. */
  readonly busyShare: number;
  /** Heap and buffers outside of it. */
  readonly heldBytes: number;
  /** For how long nothing has been elected, loaded or caught up with; 0 while something is. */
  readonly calmMs: number;
}

/** For what to wait; each node for something else. */
export interface IdlePatience {
  readonly quietLooks: number;
  readonly calmMs: number;
}

/** What there is to remember between looks. */
export interface IdleState {
  /** Looks in a row that found little to do. */
  readonly quietLooks: number;
  /** Held at the look after the last collection, or what nobody minds. */
  readonly restingBytes: number;
  readonly hasJustCollected: boolean;
}

const mebibyte = 1024 * 1024;
export const restless: IdleState = { quietLooks: 0, restingBytes: 96 * mebibyte, hasJustCollected: false };

/** An idle node with 2,000 partitions takes about 0.04, and more on a machine with other things to do. */
const quietShare = 0.2;
const leastPatience: IdlePatience = { quietLooks: 3, calmMs: 5_000 };
/** Turns are so many looks apart: a node looks at any time within the first of them, and collects within the second. */
const looksPerTurn = 2;
const turns = 3;
const worthBytes = 48 * mebibyte;
export const lookEveryMs = 2_000;

/** What the node waits for: whoever became idle, or calm, together with others collects in its turn. */
export function patienceOf(nodeId: number): IdlePatience {
  const looks = looksPerTurn * (nodeId % turns);
  return { quietLooks: leastPatience.quietLooks + looks, calmMs: leastPatience.calmMs + looks * lookEveryMs };
}

/** Whether to collect now, and what to remember. */
export function lookForIdleness(
  { quietLooks, restingBytes, hasJustCollected }: IdleState,
  { busyShare, heldBytes, calmMs }: IdleSample,
  patience = leastPatience,
): { readonly state: IdleState; readonly collects: boolean } {
  // What a collection leaves is known at the look behind it.
  const resting = hasJustCollected ? heldBytes : restingBytes;
  const quiet = busyShare < quietShare ? quietLooks + 1 : 0;
  const isTime = quiet >= patience.quietLooks && calmMs >= patience.calmMs;
  const collects = isTime && heldBytes >= resting + worthBytes;
  return { state: { quietLooks: quiet, restingBytes: resting, hasJustCollected: collects }, collects };
}

/** Looks every two seconds until the returned function is called; keeps no process alive. `calmMs`: as in the sample. */
export function collectWhenIdle(nodeId: number, calmMs: () => number): () => void {
  const collect = collector();
  if (collect === undefined) return () => undefined;
  const patience = patienceOf(nodeId);
  let state = restless;
  let before = { cpuMs: cpuMs(), atMs: performance.now() };
  const timer = setInterval(() => {
    const now = { cpuMs: cpuMs(), atMs: performance.now() };
    const { heapTotal, external } = memoryUsage();
    const busyShare = (now.cpuMs - before.cpuMs) / Math.max(1, now.atMs - before.atMs);
    before = now;
    const sample = { busyShare, heldBytes: heapTotal + external, calmMs: calmMs() };
    const looked = lookForIdleness(state, sample, patience);
    ({ state } = looked);
    if (looked.collects) collect();
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

function cpuMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1_000;
}

/**
 * Collects everything now, and moves what lives together: pages that are half empty would stay with the process otherwise. V8 shows its
 * collector to contexts that are made with a flag; undefined where it does not.
 */
export function collector(): (() => void) | undefined {
  setFlagsFromString("--expose-gc");
  const found: unknown = runInNewContext("typeof gc === 'function' ? gc : undefined");
  setFlagsFromString("--no-expose-gc");
  if (typeof found !== "function") return undefined;
  const collect = found as () => void;
  return () => {
    setFlagsFromString("--compact-on-every-full-gc");
    collect();
    setFlagsFromString("--no-compact-on-every-full-gc");
  };
}
