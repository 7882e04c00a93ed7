// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { drawCase, runCase } from "./core-case.ts";
import { Recorder, type NodeColumn } from "./recorder.ts";

const node = (commit: number): NodeColumn => ({ role: "follower", term: 2, last: 9, commit, applied: 1 });

test("Recorder.table() shows what changed, event by event, in a column for each node", () => {
  const recorder = new Recorder(10);
  recorder.after(1, 100, { n1: node(1), n2: null });
  recorder.after(2, 200, { n1: node(1), n2: null });
  recorder.line("n1 hears something");
  recorder.after(3, 300, { n1: node(1), n2: null });
  recorder.after(4, 400, { n1: { role: "pre-candidate", term: 2, last: 9, commit: 1, applied: 1 }, n2: node(5) });
  const lines = recorder.table(10).trimEnd().split("\n");
  expect(lines).toEqual([
    "   event         µs  n1                    n2",
    "       1        100  follower 2/9/1/1      down",
    "       4        400  pre 2/9/1/1           follower 2/9/5/1",
  ]);
  expect(recorder.table(1).trimEnd().split("\n")).toEqual([lines[0], lines[2]]);
});

test("Recorder.ndjson() keeps the newest events that told or changed something, one on a line", () => {
  const recorder = new Recorder(2);
  for (const event of [1, 2, 3, 4, 5]) recorder.after(event, event, { n1: node(event) });
  recorder.line("breaks");
  recorder.breakOff(6, 6);
  const events = recorder.ndjson().trimEnd().split("\n");
  expect(events.map((line) => JSON.parse(line) as unknown)).toEqual([
    { event: 5, time: 5, nodes: { n1: node(5) }, lines: [] },
    { event: 6, time: 6, nodes: { n1: node(5) }, lines: ["breaks"] },
  ]);
});

test("a recorded run is the same run", () => {
  const recorder = new Recorder(1_000);
  const recorded = runCase(drawCase(7), { recorder });
  expect(recorded.hash).toBe(runCase(drawCase(7)).hash);
  const newest = recorder.events().at(-1);
  expect(newest?.event).toBeLessThanOrEqual(recorded.events);
  expect(Object.values(newest?.nodes ?? {}).some((column) => column !== null && column.commit > 1)).toBe(true);
  expect(recorder.events().some(({ lines }) => lines.length > 0)).toBe(true);
});
