// SPDX-License-Identifier: Apache-2.0
// Every decision and every report, one by one. That together they are safe is the matter of decide.exhaustive.test.ts.

import { expect, test } from "vitest";
import type { BootstrapAnswer, InitialPeer } from "../runtime/ports.ts";
import { answerProblem } from "./answer.ts";
import { decide, whomToAsk, type BootstrapDecision, type BootstrapSelf, type BootstrapView } from "./decide.ts";
import { makeDocument } from "./document.ts";

const disk = (digit: string): string => digit.repeat(32);
const peers: InitialPeer[] = ["a", "b", "c"].map((nodeId) => ({ nodeId, address: `${nodeId}:1` }));
const ids = ["a", "b", "c"];

function blank(nodeId: string, changes: Partial<BootstrapAnswer> = {}): BootstrapAnswer {
  return {
    nodeId,
    dirId: disk("0"),
    state: "blank",
    clusterId: null,
    peers: ids,
    document: null,
    begun: false,
    members: [],
    ...changes,
  };
}

const document = makeDocument(peers.map(({ nodeId, address }) => ({ id: `${nodeId}@${disk("0")}`, address })));

function formed(nodeId: string, changes: Partial<BootstrapAnswer> = {}): BootstrapAnswer {
  const members = document.voters.map(({ id }) => id);
  return blank(nodeId, { state: "member", clusterId: document.clusterId, document, members, ...changes });
}

const other = makeDocument([
  { id: `a@${disk("9")}`, address: "a:1" },
  { id: `b@${disk("0")}`, address: "b:1" },
  { id: `c@${disk("0")}`, address: "c:1" },
]);
const formedOther = { clusterId: other.clusterId, document: other, members: other.voters.map(({ id }) => id) };

const blankSelf = (nodeId: string, intent: "form" | "join" = "form"): BootstrapSelf => {
  return { nodeId, dirId: disk("0"), state: "blank", intent };
};
const memberSelf = (nodeId: string): BootstrapSelf => {
  return { nodeId, dirId: disk("0"), state: "member", clusterId: document.clusterId, document, mayRun: false };
};

function decided(self: BootstrapSelf, answers: readonly BootstrapAnswer[], told = peers): BootstrapDecision {
  for (const answer of answers) expect(answerProblem(answer)).toBeNull();
  const view: BootstrapView = { self, peers: told, answers: new Map(answers.map((each) => [each.nodeId, each])) };
  return decide(view);
}

function kindOf(decision: BootstrapDecision): string {
  return decision.act === "wait" ? decision.report.kind : decision.act;
}

test("decide() lets the lowest id make the document once all are blank, and nobody else", () => {
  expect(decided(blankSelf("a"), [blank("b"), blank("c")])).toEqual({ act: "make", document });
  expect(kindOf(decided(blankSelf("b"), [blank("a"), blank("c")]))).toBe("waiting-for-maker");
});

test("decide() makes no document before everybody answered", () => {
  const decision = decided(blankSelf("a"), [blank("b")]);
  expect(decision).toMatchObject({ act: "wait", report: { kind: "waiting-for-peers", needsOperator: false } });
  expect(JSON.stringify(decision)).toContain('\\"c\\" at \\"c:1\\"');
});

test("decide() makes no document while somebody is formed: the wiped lowest id stays passive (M9)", () => {
  const decision = decided({ ...blankSelf("a"), dirId: disk("1") }, [formed("b"), blank("c")]);
  expect(decision).toMatchObject({ act: "wait", report: { kind: "lost-disk", needsOperator: true } });
  expect(JSON.stringify(decision)).toContain(`replace \\"a@${disk("0")}\\" by \\"a@${disk("1")}\\"`);
});

test("decide() forms from a document that names this very disk, whoever has it", () => {
  expect(decided(blankSelf("b"), [formed("c")])).toEqual({ act: "form", document });
});

test("decide() does not form from a document that names another disk of this node (M11)", () => {
  expect(kindOf(decided({ ...blankSelf("b"), dirId: disk("1") }, [formed("a"), blank("c")]))).toBe("lost-disk");
});

test("decide() stays passive in front of a cluster that does not know the node", () => {
  const told = [...peers, { nodeId: "d", address: "d:1" }];
  expect(kindOf(decided(blankSelf("d"), [formed("a"), formed("b"), formed("c")], told))).toBe("new-node");
});

test("decide() joins a begun cluster that took this very disk in, and no other", () => {
  const members = ["a", "b", "d"].map((nodeId) => `${nodeId}@${disk("0")}`);
  const begun = formed("a", { begun: true, document: null, members });
  expect(decided(blankSelf("d"), [begun])).toEqual({ act: "join", clusterId: document.clusterId });
  expect(kindOf(decided({ ...blankSelf("d"), dirId: disk("1") }, [begun]))).toBe("lost-disk");
  expect(kindOf(decided(blankSelf("d"), [{ ...begun, begun: false }]))).toBe("new-node");
});

test("decide() of a node that was put there to join joins the one cluster it sees, and never forms one", () => {
  expect(decided(blankSelf("a", "join"), [formed("b")])).toEqual({ act: "join", clusterId: document.clusterId });
  expect(kindOf(decided(blankSelf("a", "join"), [blank("b"), blank("c")]))).toBe("nothing-to-join");
  expect(kindOf(decided(blankSelf("a", "join"), [formed("b"), formed("c", formedOther)]))).toBe("nothing-to-join");
});

test("decide() takes part in neither of two clusters", () => {
  expect(kindOf(decided(blankSelf("b"), [formed("a", formedOther), formed("c")]))).toBe("two-clusters");
  expect(kindOf(decided(memberSelf("b"), [formed("a", formedOther), formed("c")]))).toBe("two-clusters");
});

test("decide() makes and takes no document while peers were told other peers", () => {
  expect(kindOf(decided(blankSelf("a"), [blank("b"), blank("c", { peers: ["b", "c"] })]))).toBe("peers-differ");
  expect(kindOf(decided(blankSelf("b"), [formed("a")], peers.slice(0, 2)))).toBe("peers-differ");
});

test("decide() tells of an address that leads to another node, also to oneself", () => {
  for (const nodeId of ["c", "a"]) {
    const answers = new Map([
      ["b", blank(nodeId)],
      ["c", blank("c")],
    ]);
    expect(kindOf(decide({ self: blankSelf("a"), peers, answers }))).toBe("wrong-node");
  }
});

test("decide() makes no document beside a suspect disk (D-4), and starts only if that is of its cluster", () => {
  const suspect = { state: "suspect", clusterId: null } as const;
  expect(kindOf(decided(blankSelf("a"), [blank("b"), blank("c", suspect)]))).toBe("peer-suspect");
  expect(kindOf(decided(blankSelf("a"), [blank("b"), blank("c", { ...suspect, clusterId: "x" })]))).toBe(
    "peer-suspect",
  );
  expect(kindOf(decided(memberSelf("a"), [formed("b"), blank("c", suspect)]))).toBe("peer-suspect");
  const { clusterId } = document;
  expect(kindOf(decided(memberSelf("a"), [formed("b"), blank("c", { ...suspect, clusterId })]))).toBe("start");
  expect(kindOf(decided(memberSelf("a"), [formed("b"), blank("c", { ...suspect, clusterId: "x" })]))).toBe(
    "two-clusters",
  );
});

test("decide() starts a formed node once it heard everybody, blank or formed", () => {
  expect(kindOf(decided(memberSelf("a"), [formed("b"), blank("c")]))).toBe("start");
  expect(kindOf(decided(memberSelf("a"), [formed("b")]))).toBe("waiting-for-peers");
  expect(kindOf(decided(memberSelf("a"), [formed("b"), blank("c", { dirId: disk("1") })]))).toBe("start");
});

test("decide() starts without hearing everybody when the cluster has begun, and only then", () => {
  expect(kindOf(decided(memberSelf("a"), [formed("b", { begun: true })]))).toBe("start");
  expect(kindOf(decided(memberSelf("a"), [formed("b", { ...formedOther, begun: true })]))).toBe("two-clusters");
});

test("decide() does not begin a cluster of which a majority is lost before it began", () => {
  const lost = { dirId: disk("1") };
  const decision = decided(memberSelf("a"), [blank("b", lost), blank("c", lost)]);
  expect(decision).toMatchObject({ act: "wait", report: { kind: "lost-majority", needsOperator: true } });
});

test("decide() forms and starts a single node by itself", () => {
  const alone = peers.slice(0, 1);
  const made = decided(blankSelf("a"), [], alone);
  expect(made.act).toBe("make");
  const single = makeDocument([{ id: `a@${disk("0")}`, address: "a:1" }]);
  expect(made).toEqual({ act: "make", document: single });
  const self: BootstrapSelf = {
    ...memberSelf("a"),
    state: "member",
    clusterId: single.clusterId,
    document: single,
    mayRun: false,
  };
  expect(decided(self, [], alone)).toEqual({ act: "start" });
});

test("decide() asks nobody on a node that ran before, and starts it", () => {
  const self: BootstrapSelf = { ...memberSelf("a"), state: "member", clusterId: "x", document: null, mayRun: true };
  expect(whomToAsk(self, peers)).toEqual([]);
  expect(decided(self, [])).toEqual({ act: "start" });
});

test("whomToAsk() names the voters of the document, at the addresses that are configured now, and nobody else", () => {
  const moved = [
    { nodeId: "b", address: "elsewhere:1" },
    { nodeId: "z", address: "z:1" },
  ];
  expect(whomToAsk(memberSelf("a"), moved)).toEqual([
    { nodeId: "b", address: "elsewhere:1" },
    { nodeId: "c", address: "c:1" },
  ]);
});

const liars: readonly (readonly [string, BootstrapAnswer])[] = [
  ["without an identity", blank("a b")],
  ["with a short disk", blank("a", { dirId: "00" })],
  ["blank in a cluster", blank("a", { clusterId: "x" })],
  ["blank with members", blank("a", { members: ["a"] })],
  ["a member of nothing", formed("a", { clusterId: null, document: null })],
  ["with another cluster's document", formed("a", { clusterId: "x" })],
  ["with a document that names nobody", formed("a", { document: { ...document, voters: [] } })],
  ["with peers that are no ids", blank("a", { peers: [""] })],
  ["with too many peers", blank("a", { peers: "abcdefgh".split("") })],
  ["with too many members", formed("a", { members: Array.from({ length: 65 }, (_, at) => `${at}`) })],
];

test.each(liars)("answerProblem() refuses an answer %s (X3)", (_, answer) => {
  expect(answerProblem(answer)).not.toBeNull();
});
