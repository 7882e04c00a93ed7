// SPDX-License-Identifier: Apache-2.0
// What a follower answers to one append or one request for a vote, given its log.

import { describe, expect, it } from "vitest";
import { bootWith, settle } from "../testing/one-core.ts";
import { printMessage } from "../testing/print-messages.ts";
import { normalEntry } from "./entries.ts";
import { RaftCore } from "./raft.ts";
import type { Append, Vote } from "./types.ts";

const data = new Uint8Array(4);

/** A follower of term 9 with one entry of each of `terms` behind the snapshot 1@1. */
function follower(terms: readonly number[], commit = 1): RaftCore {
  return new RaftCore({ self: "b", seed: 1n }, bootWith(terms, 9, commit));
}

/** Its one answer, once everything is durable. */
function answer(core: RaftCore, message: Append | Vote): string {
  core.step(message);
  const { sent } = settle(core);
  expect(sent).toHaveLength(1);
  return printMessage(sent[0]!).slice("b->a ".length);
}

function append(prevIndex: number, prevTerm: number, terms: readonly number[], commit = 0): Append {
  const entries = terms.map((term, at) => normalEntry(prevIndex + 1 + at, term, data));
  return { type: "Append", from: "a", to: "b", term: 9, prevIndex, prevTerm, entries, commit };
}

describe("an append", () => {
  it("is acknowledged up to its own end, not to this log's (L5)", () => {
    const core = follower([2, 2, 3, 3]);
    expect(answer(core, append(2, 2, []))).toBe("AppendResp t9 ok 2");
    expect(answer(core, append(2, 2, [2]))).toBe("AppendResp t9 ok 3");
    expect(core.status().lastIndex).toBe(5);
  });

  it("commits what matched, not what happens to follow (L6)", () => {
    const core = follower([2, 2, 3, 3]);
    expect(answer(core, append(2, 2, [2], 5))).toBe("AppendResp t9 ok 3");
    expect(core.status()).toMatchObject({ commit: 3, lastIndex: 5 });
  });

  it("keeps entries that are there already, and truncates at the first that differs (L2)", () => {
    const core = follower([2, 2, 3, 3]);
    expect(answer(core, append(1, 1, [2, 2, 3]))).toBe("AppendResp t9 ok 4");
    expect(core.status()).toMatchObject({ lastIndex: 5, lastTerm: 3 });
    expect(answer(core, append(1, 1, [2, 2, 4]))).toBe("AppendResp t9 ok 4");
    expect(core.status()).toMatchObject({ lastIndex: 4, lastTerm: 4 });
  });

  it.each<readonly [string, Append, string]>([
    ["of another term in front", append(4, 4, []), "rejected 4, try 4@3"],
    ["of an earlier term in front", append(4, 2, []), "rejected 4, try 3@2"],
    ["behind the end", append(9, 9, []), "rejected 9, try 5@3"],
    ["behind the end, of an early term", append(9, 2, []), "rejected 9, try 3@2"],
  ])("%s is refused with the last place that may fit (L1, L8)", (_, message, expected) => {
    expect(answer(follower([2, 2, 3, 3]), message)).toBe(`AppendResp t9 ${expected}`);
  });

  it("in front of commit is answered with commit (L7)", () => {
    expect(answer(follower([2, 2, 3, 3], 4), append(2, 2, [7, 7]))).toBe("AppendResp t9 ok 4");
  });

  it("cannot replace what is committed (L3, L7)", () => {
    const core = follower([2, 2, 3, 3], 3);
    expect(answer(core, append(2, 2, [4, 4]))).toBe("AppendResp t9 ok 3");
    expect(core.status()).toMatchObject({ lastIndex: 5, lastTerm: 3 });
  });

  it("heartbeats never commit what is not there (L6)", () => {
    const beat = { type: "Heartbeat", from: "a", to: "b", term: 9, commit: 6, readPos: 0 } as const;
    expect(() => follower([2, 2, 3, 3]).step(beat)).toThrow(/L6/);
  });
});

describe("a vote", () => {
  const vote = (lastIndex: number, lastTerm: number): Vote => ({
    type: "Vote",
    from: "a",
    to: "b",
    term: 9,
    lastIndex,
    lastTerm,
    transfer: false,
  });

  it.each<readonly [string, Vote, string]>([
    ["the same log", vote(5, 3), "granted"],
    ["a longer log", vote(6, 3), "granted"],
    ["a shorter log of a later term", vote(2, 4), "granted"],
    ["a shorter log", vote(4, 3), "refused"],
    ["a longer log of an earlier term", vote(50, 2), "refused"],
    ["a shorter log of an earlier term", vote(3, 2), "refused"],
  ])("for %s is a matter of term first, then length (E3)", (_, message, expected) => {
    expect(answer(follower([2, 2, 3, 3]), message)).toBe(`VoteResp t9 ${expected}`);
  });

  it("is given once in a term, to the same node as often as it asks (E2)", () => {
    const core = follower([2]);
    expect(answer(core, vote(2, 2))).toBe("VoteResp t9 granted");
    expect(answer(core, vote(2, 2))).toBe("VoteResp t9 granted");
    core.step({ ...vote(9, 8), from: "c" });
    expect(core.status().vote).toBe("a");
  });
});
