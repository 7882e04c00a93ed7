// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import type { ClusterDocument } from "../runtime/ports.ts";
import { documentHash, documentProblem, makeDocument, nodeIdOf } from "./document.ts";

const disk = (digit: string): string => digit.repeat(32);
const voter = (nodeId: string, digit = "0"): { id: string; address: string } => {
  return { id: `${nodeId}@${disk(digit)}`, address: `${nodeId}.example:9093` };
};

test("makeDocument() makes the same document of the same voters, in any order", () => {
  const document = makeDocument([voter("b"), voter("a"), voter("c")]);
  expect(document.voters.map(({ id }) => nodeIdOf(id))).toEqual(["a", "b", "c"]);
  expect(document.clusterId).toMatch(/^[\da-f]{32}$/);
  expect(makeDocument([voter("c"), voter("b"), voter("a")])).toEqual(document);
});

test("makeDocument() calls a cluster by its disks, so another disk makes another cluster (M11)", () => {
  const before = makeDocument([voter("a"), voter("b")]);
  const after = makeDocument([voter("a", "1"), voter("b")]);
  expect(after.clusterId).not.toBe(before.clusterId);
  expect(documentHash(after)).not.toBe(documentHash(before));
});

test("makeDocument() takes a name, and the hash tells two documents of one name apart", () => {
  const one = makeDocument([voter("a")], "orders");
  const other = makeDocument([voter("a"), voter("b")], "orders");
  expect([one.clusterId, other.clusterId]).toEqual(["orders", "orders"]);
  expect(documentHash(one)).not.toBe(documentHash(other));
  expect(documentHash(one)).toBe(documentHash(makeDocument([voter("a")], "orders")));
});

const good = makeDocument([voter("a"), voter("b")]);
const bad: readonly (readonly [string, ClusterDocument, RegExp])[] = [
  ["no voter", { ...good, voters: [] }, /no voter/],
  ["eight voters", { ...good, voters: "abcdefgh".split("").map((id) => voter(id)) }, /8 voters, and at most 7/],
  ["a voter without a disk", { ...good, voters: [{ id: "a", address: "h:1" }] }, /"a" is no voter/],
  ["a voter twice", { ...good, voters: [voter("a"), voter("a")] }, /out of order/],
  ["voters out of order", { ...good, voters: [voter("b"), voter("a")] }, /out of order/],
  ["two disks of one node", { ...good, voters: [voter("a", "0"), voter("a", "1")] }, /node "a" is named twice/],
  [
    "an address twice",
    { ...good, voters: [voter("a"), { ...voter("b"), address: voter("a").address }] },
    /address "a.example:9093" is named twice/,
  ],
  ["an address with a line break", { ...good, voters: [{ ...voter("a"), address: "a:1\nx" }] }, /is no address/],
  ["an empty address", { ...good, voters: [{ ...voter("a"), address: "" }] }, /is no address/],
  ["an empty name", { ...good, clusterId: "" }, /no cluster id/],
  ["a name that is much too long", { ...good, clusterId: "x".repeat(10_000) }, /^"x{80}…" is no cluster id/],
];

test.each(bad)("documentProblem() refuses %s", (_, document, problem) => {
  expect(documentProblem(document)).toMatch(problem);
});

test("documentProblem() finds nothing wrong with a document that was made", () => {
  expect(documentProblem(good)).toBeNull();
});

test("makeDocument() throws what documentProblem() says", () => {
  expect(() => makeDocument([voter("a"), voter("a", "1")])).toThrow(/Cannot form a cluster: node "a" is named twice/);
});
