// SPDX-License-Identifier: Apache-2.0
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { collector, lookEveryMs, lookForIdleness, patienceOf, restless, type IdleSample } from "./idle-collection.ts";

const mebibyte = 1024 * 1024;
const busy = (mebibytes: number): IdleSample => ({ ...quiet(mebibytes), busyShare: 0.8 });
const quiet = (mebibytes: number, calmMs = 60_000): IdleSample => ({
  busyShare: 0.04,
  heldBytes: mebibytes * mebibyte,
  calmMs,
});

it.each([
  ["not under load", [busy(200), busy(300), busy(300), busy(300)], []],
  ["at the third quiet look, once", [busy(200), quiet(200), quiet(200), quiet(200), quiet(120), quiet(121)], [3]],
  ["not for little", [quiet(200), quiet(200), quiet(200), quiet(120), quiet(167)], [2]],
  ["not while nobody minds what is held", [quiet(140), quiet(141), quiet(142), quiet(143)], []],
  [
    "again when memory has grown again",
    [quiet(200), quiet(200), quiet(200), quiet(120), busy(300), quiet(300), quiet(300), quiet(300)],
    [2, 7],
  ],
  [
    "not while leaders change, replicas catch up, or shortly after",
    [
      quiet(200, 0),
      quiet(200, 0),
      quiet(200, 0),
      quiet(200, 0),
      quiet(200, 2_000),
      quiet(200, 4_999),
      quiet(200, 5_000),
    ],
    [6],
  ],
  ["not between two bursts", [busy(200), quiet(200), quiet(200), busy(200), quiet(200), quiet(200), busy(200)], []],
] as const)("lookForIdleness() collects %s", (_, samples, expected) => {
  let state = restless;
  const collected: number[] = [];
  for (const [index, sample] of samples.entries()) {
    const looked = lookForIdleness(state, sample);
    ({ state } = looked);
    if (looked.collects) collected.push(index);
  }
  expect(collected).toEqual(expected);
});

it("lookForIdleness() waits for as many quiet looks, and as much calm, as it is told", () => {
  let state = restless;
  const collects = [1, 2, 3, 4, 5, 6, 7].map((look) => {
    const looked = lookForIdleness(state, quiet(200, 2_000 * look), { quietLooks: 5, calmMs: 12_000 });
    ({ state } = looked);
    return looked.collects;
  });
  expect(collects).toEqual([false, false, false, false, false, true, false]);
});

it.each(["idle", "calm", "idle and calm"])(
  "nodes that become %s together collect a second apart, at the least",
  (what) => {
    /** When the node collects that looks `phaseMs` after that moment for the first time. */
    const collectsAt = (nodeId: number, phaseMs: number): number => {
      let state = restless;
      for (let atMs = phaseMs - 20 * lookEveryMs; atMs < 60_000; atMs += lookEveryMs) {
        const isBefore = atMs < 0;
        const sample = {
          busyShare: isBefore && what !== "calm" ? 0.8 : 0.04,
          heldBytes: 200 * mebibyte,
          calmMs: what === "idle" ? 60_000 : Math.max(0, atMs),
        };
        const looked = lookForIdleness(state, sample, patienceOf(nodeId));
        ({ state } = looked);
        if (looked.collects) return atMs;
      }
      return Infinity;
    };
    const phases = Array.from({ length: 20 }, (_, at) => (at * lookEveryMs) / 20);
    const times = [3, 1, 2].map((nodeId) => phases.map((phaseMs) => collectsAt(nodeId, phaseMs)));
    const [first, second, third] = times.map((all) => ({ from: Math.min(...all), to: Math.max(...all) }));
    expect(first!.from).toBeGreaterThan(0);
    expect(second!.from - first!.to).toBeGreaterThan(1_000);
    expect(third!.from - second!.to).toBeGreaterThan(1_000);
    expect(third!.to).toBeLessThan(30_000);
  },
);

it("collector() is V8's, and is shown to nobody else", () => {
  expect(collector()).toBeTypeOf("function");
  expect(runInNewContext("typeof gc")).toBe("undefined");
  const held = new WeakRef(new Uint8Array(1024));
  return new Promise<void>((resolve) => {
    // What was looked at in a turn lives through that turn.
    setImmediate(() => {
      collector()?.();
      expect(held.deref()).toBeUndefined();
      resolve();
    });
  });
});
