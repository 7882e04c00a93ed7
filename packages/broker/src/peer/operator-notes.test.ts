import { expect, test } from "vitest";
import { formingMessage, formingName, oncePerText, withAdvice } from "./operator-notes.ts";

test("what two controllers say of the same directory is one thing, told once; what they wait for is told each time", () => {
  const told: string[] = [];
  const tellOnce = oncePerText();
  const report = (kind: "lost-disk" | "waiting-for-peers", message: string): void =>
    tellOnce(formingName({ kind, message, needsOperator: true }), () => told.push(message));
  report("lost-disk", "node 1 knows another disk");
  report("lost-disk", "node 2 knows another disk");
  report("lost-disk", "node 1 knows another disk");
  report("waiting-for-peers", "waiting for 2 and 3");
  report("waiting-for-peers", "waiting for 3");
  expect(told).toEqual(["node 1 knows another disk", "waiting for 2 and 3", "waiting for 3"]);
});

test("a node that stays out is told which command or flag ends that", () => {
  const of = (kind: "lost-disk" | "new-node" | "two-clusters"): string =>
    formingMessage({ kind, message: "Why.", needsOperator: true }, 7);
  expect(of("lost-disk")).toContain("varve cluster replace 7");
  expect(of("new-node")).toContain("--roles broker");
  expect(of("two-clusters")).toBe("Why.");
});

test.each([
  ["Refused (secret): the call does not show the group's secret", "give all nodes the same cluster secret"],
  ["Refused (version): protocol version 2, this node speaks 1", "run releases that belong together"],
  ['Refused (cluster): cluster "a", this node belongs to "b"', "the directory of another cluster"],
  ['Refused (target): target "3@a", this node is "3@b"', "must not come back"],
])("%s: it says what to do", (why, advice) => {
  expect(withAdvice(why)).toContain(advice);
  expect(withAdvice(withAdvice(why))).toBe(withAdvice(why));
});

test("a refusal that nobody can do anything about stays as it is", () => {
  expect(withAdvice("Refused (crowded): too many streams")).toBe("Refused (crowded): too many streams");
});
