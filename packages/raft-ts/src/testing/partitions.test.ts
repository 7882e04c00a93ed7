// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { partitionKinds, planPartition, type DirectedLink, type PartitionKind } from "./partitions.ts";
import { RandomStream } from "./random-stream.ts";

const nodes = ["a", "b", "c", "d", "e"];

/** For each node, whom it still hears. */
function hearing(cuts: readonly DirectedLink[]): number[] {
  return nodes
    .map((to) => nodes.filter((from) => from !== to && !cuts.some(([f, t]) => f === from && t === to)).length)
    .sort((a, b) => a - b);
}

const plan = (kind: PartitionKind, seed = 1): DirectedLink[] =>
  planPartition(kind, nodes, new RandomStream(seed, "nemesis"));

test("planPartition() cuts the links of its shape", () => {
  expect(hearing(plan("isolate"))).toEqual([0, 3, 3, 3, 3]);
  expect(hearing(plan("ring"))).toEqual([2, 2, 2, 2, 2]);
  expect(hearing(plan("bridge"))).toEqual([2, 2, 2, 2, 4]);
  expect(hearing(plan("mute"))).toEqual([3, 3, 3, 3, 4]);
  expect(hearing(plan("deaf"))).toEqual([0, 4, 4, 4, 4]);
  expect(hearing(plan("link"))).toEqual([3, 4, 4, 4, 4]);
});

test("planPartition() of halves leaves two groups that see nothing of each other", () => {
  for (let seed = 0; seed < 20; seed++) {
    const cuts = plan("halves", seed);
    for (const [from, to] of cuts) expect(cuts).toContainEqual([to, from]);
    expect([8, 12]).toContain(cuts.length);
  }
});

test("planPartition() of one node cuts nothing", () => {
  for (const kind of partitionKinds) expect(planPartition(kind, ["a"], new RandomStream(1, "nemesis"))).toEqual([]);
});
