// SPDX-License-Identifier: Apache-2.0
// The two tables of the dispatch, row by row: what a message of a higher, a lower and the same term does to whom.

import { describe, expect, it } from "vitest";
import { abc, bootWith, settle } from "../testing/one-core.ts";
import { printMessage } from "../testing/print-messages.ts";
import { emptyEntry } from "./entries.ts";
import { RaftCore } from "./raft.ts";
import { RaftFatal } from "./raft-fatal.ts";
import type { Message, Role } from "./types.ts";

const meta = { index: 1, term: 1, config: abc };

/** Does everything there is to do; returns what left for others. */
function flush(core: RaftCore): string[] {
  const { sent, discarded } = settle(core);
  return [...sent.map(printMessage), ...discarded.map((id) => `discard ${id}`)];
}

/** Node a at term 5 in `role`; as follower it knows b as leader when `follows` says so. */
function node(role: Role, follows = true): RaftCore {
  const core = new RaftCore({ self: "a", seed: 1n }, bootWith([], role === "candidate" || role === "leader" ? 4 : 5));
  const until = (wanted: Role): void => {
    while (core.status().role !== wanted) core.tick();
    flush(core);
  };
  if (role === "follower" && follows) {
    core.step({ type: "Heartbeat", from: "b", to: "a", term: 5, commit: 1, readPos: 0 });
  }
  if (role !== "follower") until("pre-candidate");
  if (role === "candidate" || role === "leader") {
    core.step({ type: "PreVoteResp", from: "c", to: "a", term: 5, granted: true });
    until("candidate");
  }
  if (role === "leader") core.step({ type: "VoteResp", from: "c", to: "a", term: 5, granted: true });
  flush(core);
  expect(core.status()).toMatchObject({ role, term: 5 });
  return core;
}

/** What `message` does: the state after it, and what left. */
function effect(core: RaftCore, message: Message): string {
  core.step(message);
  const sent = flush(core);
  const { role, term, leader } = core.status();
  const state = `${role} t${term}${leader === null ? "" : ` of ${leader}`}`;
  return [state, ...sent].join(" | ");
}

const from = { from: "b", to: "a" } as const;

function messages(term: number) {
  return {
    preVote: { type: "PreVote", ...from, term, lastIndex: 1, lastTerm: 1 },
    vote: { type: "Vote", ...from, term, lastIndex: 1, lastTerm: 1, transfer: false },
    transferVote: { type: "Vote", ...from, term, lastIndex: 1, lastTerm: 1, transfer: true },
    append: { type: "Append", ...from, term, prevIndex: 1, prevTerm: 1, entries: [emptyEntry(2, term)], commit: 1 },
    heartbeat: { type: "Heartbeat", ...from, term, commit: 1, readPos: 3 },
    snapDone: { type: "SnapDone", ...from, term, meta, stagedId: "s" },
    preVoteGranted: { type: "PreVoteResp", ...from, term, granted: true },
    preVoteRefused: { type: "PreVoteResp", ...from, term, granted: false },
    voteGranted: { type: "VoteResp", ...from, term, granted: true },
    voteRefused: { type: "VoteResp", ...from, term, granted: false },
    appendResp: { type: "AppendResp", ...from, term, ok: true, index: 1 },
    heartbeatResp: { type: "HeartbeatResp", ...from, term, readPos: 0 },
    timeoutNow: { type: "TimeoutNow", ...from, term },
  } as const satisfies Record<string, Message>;
}

type Name = keyof ReturnType<typeof messages>;
type Row = readonly [Name, string];

describe("3.3 a higher term", () => {
  const higher = messages(7);

  const leaderless: readonly Row[] = [
    ["preVote", "follower t5 | a->b PreVoteResp t7 granted"],
    ["vote", "follower t7 | a->b VoteResp t7 granted"],
    ["transferVote", "follower t7 | a->b VoteResp t7 granted"],
    ["append", "follower t7 of b | a->b AppendResp t7 ok 2"],
    ["heartbeat", "follower t7 of b | a->b HeartbeatResp t7 read 3"],
    ["snapDone", "follower t7 of b | a->b AppendResp t7 ok 1 | discard s"],
    ["preVoteGranted", "follower t5"],
    ["preVoteRefused", "follower t7"],
    ["voteGranted", "follower t7"],
    ["voteRefused", "follower t7"],
    ["appendResp", "follower t7"],
    ["heartbeatResp", "follower t7"],
    ["timeoutNow", "follower t7"],
  ];
  it.each(leaderless)("%s reaches a follower without a leader", (name, expected) => {
    expect(effect(node("follower", false), higher[name])).toBe(expected);
  });

  const inLease: readonly Row[] = [
    ["preVote", "follower t5 of b | a->b PreVoteResp t5 refused"],
    ["vote", "follower t5 of b"],
    ["transferVote", "follower t7 | a->b VoteResp t7 granted"],
    ["append", "follower t7 of b | a->b AppendResp t7 ok 2"],
    ["preVoteRefused", "follower t7"],
  ];
  it.each(inLease)("%s reaches a follower that heard from its leader (E7, E9)", (name, expected) => {
    expect(effect(node("follower"), higher[name])).toBe(expected);
  });

  const leading: readonly Row[] = [
    ["preVote", "leader t5 of a | a->b PreVoteResp t5 refused"],
    ["vote", "leader t5 of a"],
    // Its log has one entry more than the candidate's (E3).
    ["transferVote", "follower t7 | a->b VoteResp t7 refused"],
    ["append", "follower t7 of b | a->b AppendResp t7 ok 2"],
    ["heartbeat", "follower t7 of b | a->b HeartbeatResp t7 read 3"],
    ["preVoteGranted", "leader t5 of a"],
    ["appendResp", "follower t7"],
    ["heartbeatResp", "follower t7"],
    ["timeoutNow", "follower t7"],
  ];
  it.each(leading)("%s reaches a leader, which hears itself (E9)", (name, expected) => {
    expect(effect(node("leader"), higher[name])).toBe(expected);
  });

  it("a grant counts only for the term a pre-candidate asked for (E10)", () => {
    expect(effect(node("pre-candidate"), higher.preVoteGranted)).toBe("pre-candidate t5");
    const asked = messages(6).preVoteGranted;
    expect(effect(node("pre-candidate"), asked)).toContain("candidate t6 | a->b Vote t6 last 1@1");
  });
});

describe("3.3 a lower term", () => {
  const lower = messages(4);
  const told = "a->b AppendResp t5 rejected 0, try 0@0";
  const rows: readonly Row[] = [
    ["preVote", "| a->b PreVoteResp t5 refused"],
    ["vote", "| a->b VoteResp t5 refused"],
    ["append", `| ${told}`],
    ["heartbeat", `| ${told}`],
    ["snapDone", `| ${told} | discard s`],
    ["preVoteGranted", ""],
    ["preVoteRefused", ""],
    ["voteGranted", ""],
    ["voteRefused", ""],
    ["appendResp", ""],
    ["heartbeatResp", ""],
    ["timeoutNow", ""],
  ];
  const states: readonly (readonly [Role, string])[] = [
    ["follower", "follower t5 of b"],
    ["pre-candidate", "pre-candidate t5"],
    ["candidate", "candidate t5"],
    ["leader", "leader t5 of a"],
  ];
  for (const [role, state] of states) {
    it.each(rows)(`%s reaches a ${role}: askers are told, answers are late (E8)`, (name, expected) => {
      expect(effect(node(role), lower[name])).toBe([state, expected].join(" ").trim());
    });
  }
});

describe("3.4 the same term", () => {
  const same = messages(5);
  const accepts = "a->b AppendResp t5 ok 2";
  const beats = "a->b HeartbeatResp t5 read 3";
  const installs = "a->b AppendResp t5 ok 1 | discard s";
  const preVotes = "a->b PreVoteResp t5 refused";
  const followed: readonly Row[] = [
    ["append", `follower t5 of b | ${accepts}`],
    ["heartbeat", `follower t5 of b | ${beats}`],
    ["snapDone", `follower t5 of b | ${installs}`],
  ];

  it.each<Row>([
    ...followed,
    // E2: b leads this term and may ask, being the leader known.
    ["vote", "follower t5 of b | a->b VoteResp t5 granted"],
    ["preVote", `follower t5 of b | ${preVotes}`],
    ["preVoteGranted", "follower t5 of b"],
    ["preVoteRefused", "follower t5 of b"],
    ["voteGranted", "follower t5 of b"],
    ["appendResp", "follower t5 of b"],
    ["heartbeatResp", "follower t5 of b"],
    ["timeoutNow", "candidate t6 | a->b Vote t6 last 1@1 transfer | a->c Vote t6 last 1@1 transfer"],
  ])("%s reaches a follower", (name, expected) => {
    expect(effect(node("follower"), same[name])).toBe(expected);
  });

  it.each<Row>([
    ...followed,
    ["vote", "pre-candidate t5 | a->b VoteResp t5 granted"],
    ["preVote", `pre-candidate t5 | ${preVotes}`],
    ["preVoteGranted", "pre-candidate t5"],
    ["preVoteRefused", "pre-candidate t5"],
    ["voteGranted", "pre-candidate t5"],
    ["voteRefused", "pre-candidate t5"],
    ["appendResp", "pre-candidate t5"],
    ["heartbeatResp", "pre-candidate t5"],
    ["timeoutNow", "pre-candidate t5"],
  ])("%s reaches a pre-candidate", (name, expected) => {
    expect(effect(node("pre-candidate"), same[name])).toBe(expected);
  });

  it.each<Row>([
    ...followed,
    ["vote", "candidate t5 | a->b VoteResp t5 refused"],
    ["preVote", `candidate t5 | ${preVotes}`],
    ["preVoteGranted", "candidate t5"],
    ["preVoteRefused", "candidate t5"],
    ["voteRefused", "candidate t5"],
    ["appendResp", "candidate t5"],
    ["heartbeatResp", "candidate t5"],
    ["timeoutNow", "candidate t5"],
  ])("%s reaches a candidate", (name, expected) => {
    expect(effect(node("candidate"), same[name])).toBe(expected);
  });

  it("a majority of votes makes a leader, a majority of refusals a follower", () => {
    expect(effect(node("candidate"), same.voteGranted)).toContain("leader t5 of a | a->b Append t5 after 1@1 [2@5]");
    const loser = node("candidate");
    loser.step(same.voteRefused);
    expect(effect(loser, { ...same.voteRefused, from: "c" })).toBe("follower t5");
    const preLoser = node("pre-candidate");
    preLoser.step(same.preVoteRefused);
    expect(effect(preLoser, { ...same.preVoteRefused, from: "c" })).toBe("follower t5");
  });

  it("a candidate may grant a pre-vote for a later term (E7)", () => {
    expect(effect(node("candidate"), messages(6).preVote)).toBe("candidate t5 | a->b PreVoteResp t6 granted");
  });

  it.each<Row>([
    ["vote", "leader t5 of a | a->b VoteResp t5 refused"],
    ["preVote", `leader t5 of a | ${preVotes}`],
    ["preVoteGranted", "leader t5 of a"],
    ["voteGranted", "leader t5 of a"],
    ["voteRefused", "leader t5 of a"],
    ["timeoutNow", "leader t5 of a"],
  ])("%s reaches a leader", (name, expected) => {
    expect(effect(node("leader"), same[name])).toBe(expected);
  });

  it("answers move a leader's picture of the peer", () => {
    const leader = node("leader");
    expect(effect(leader, { ...same.appendResp, index: 2 })).toContain(
      "leader t5 of a | a->b Append t5 after 2@5 commit 2",
    );
    expect(leader.status()).toMatchObject({ commit: 2, applied: 2, active: true });
    expect(leader.status().peers[0]).toMatchObject({ id: "b", match: 2, state: "replicate" });
  });

  it.each(["append", "heartbeat", "snapDone"] as const)(
    "%s of another leader is fatal for a leader (E2, S8)",
    (name) => {
      expect(() => node("leader").step(same[name])).toThrow(RaftFatal);
    },
  );

  it("a second leader of the term is fatal for a follower too (E2)", () => {
    expect(() => node("follower").step({ ...same.heartbeat, from: "c" })).toThrow(/rule E2/);
  });
});

describe("ticks", () => {
  it("a follower stands after T to 2T ticks, drawn anew each time (E5, E6)", () => {
    const waits = Array.from({ length: 200 }, (_, seed) => {
      const core = new RaftCore({ self: "a", seed: BigInt(seed) }, bootWith([], 5));
      let ticks = 0;
      while (core.status().role === "follower") {
        core.tick();
        ticks += 1;
      }
      return ticks;
    });
    expect(Math.min(...waits)).toBe(10);
    expect(Math.max(...waits)).toBe(19);
  });

  it("a refused vote, old traffic and pre-votes do not reset the timer (E6)", () => {
    const core = new RaftCore({ self: "a", seed: 3n }, bootWith([], 5));
    let ticks = 0;
    while (core.status().role === "follower") {
      core.step(messages(4).append);
      core.step(messages(6).preVote);
      core.step({ ...messages(5).vote, lastIndex: 0, lastTerm: 0 });
      core.tick();
      ticks += 1;
    }
    expect(ticks).toBeLessThan(20);
  });

  it("a pre-candidate asks again, a candidate goes back to asking (E7)", () => {
    for (const role of ["pre-candidate", "candidate"] as const) {
      const core = node(role);
      for (let ticks = 0; ticks < 20; ticks += 1) core.tick();
      expect(flush(core).some((line) => line.startsWith("a->b PreVote t6"))).toBe(true);
      expect(core.status()).toMatchObject({ role: "pre-candidate", term: 5 });
    }
  });
});

describe("what is not for this node", () => {
  const peer = (id: string) => ({ ...messages(7).vote, from: id });

  it("X1: a message to somebody else changes nothing", () => {
    expect(effect(node("follower", false), { ...messages(7).append, to: "z" })).toBe("follower t5");
  });

  it("X2: requests of strangers are answered, answers of strangers are dropped", () => {
    expect(effect(node("follower", false), peer("z"))).toBe("follower t7 | a->z VoteResp t7 granted");
    expect(effect(node("follower", false), { ...messages(7).heartbeatResp, from: "z" })).toBe("follower t5");
  });

  it.each<readonly [string, Message]>([
    ["a term that is no number", { ...messages(7).heartbeat, term: Number.NaN }],
    ["a term above 2^53", { ...messages(7).heartbeat, term: 2 ** 53 }],
    ["a gap between entries", { ...messages(7).append, entries: [emptyEntry(3, 7)] }],
    ["entries of a falling term", { ...messages(7).append, entries: [emptyEntry(2, 7), emptyEntry(3, 6)] }],
    ["entries of a term that is not yet", { ...messages(7).append, entries: [emptyEntry(2, 8)] }],
    ["an index 0 with a term", { ...messages(7).append, prevIndex: 0, entries: [] }],
    ["a negative commit index", { ...messages(7).heartbeat, commit: -1 }],
    ["a hint without a term", { ...messages(7).appendResp, ok: false, rejectedPrev: 1, hintIndex: 1, hintTerm: 0 }],
    ["a message from itself", { ...messages(7).heartbeat, from: "a" }],
  ])("X3: %s is dropped", (_, message) => {
    expect(effect(node("follower", false), message)).toBe("follower t5");
  });
});
