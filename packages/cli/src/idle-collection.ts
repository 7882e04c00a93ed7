// SPDX-License-Identifier: Apache-2.0
// Gives memory back when the node falls idle. V8 is told to let garbage grow to twice of what lives (bin/varve.cjs), which is right under
// load; afterwards it sees no reason to collect for hours, and the system has tens of MiB less.
//
//   busy ──little processor time in some looks──> idle, and more is held than after the last collection ──> collect, once
//     ^                                                                                                     │
//     └────────────────────────── busy, or held memory grows by `worthBytes` again <────────────────────────┘
//
// Nobody is served meanwhile, for 0.1 to 0.33 s. That is below the second of silence after which somebody wants to be elected, and the three
// after which a broker is fenced, also if all nodes did it at once; they do not, each waits for a time of its own. And nobody does it while
// leaders change, or replicas load or catch up, nor for some seconds after: one pause more is not what such a moment needs.

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
/** Of looks each node takes one more, two, or none, and of calm up to three times as much. */
export const leastPatience: IdlePatience = { quietLooks: 3, calmMs: 5_000 };
const worthBytes = 48 * mebibyte;
const lookEveryMs = 2_000;

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

/**
 * Looks every two seconds or so until the returned function is called; keeps no process alive. `calmMs`: as in the sample. `random`: from 0
 * up to 1.
 */
export function collectWhenIdle(calmMs: () => number, random: () => number = Math.random): () => void {
  const collect = collector();
  if (collect === undefined) return () => undefined;
  const patience = {
    quietLooks: leastPatience.quietLooks + Math.floor(3 * random()),
    calmMs: leastPatience.calmMs * (1 + 2 * random()),
  };
  let state = restless;
  let before = { cpuMs: cpuMs(), atMs: performance.now() };
  const timer = setInterval(
    () => {
      const now = { cpuMs: cpuMs(), atMs: performance.now() };
      const { heapTotal, external } = memoryUsage();
      const busyShare = (now.cpuMs - before.cpuMs) / Math.max(1, now.atMs - before.atMs);
      before = now;
      const sample = { busyShare, heldBytes: heapTotal + external, calmMs: calmMs() };
      const looked = lookForIdleness(state, sample, patience);
      ({ state } = looked);
      if (looked.collects) collect();
    },
    lookEveryMs * (0.75 + random() / 2),
  );
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
