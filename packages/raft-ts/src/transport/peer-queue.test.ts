// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { normalEntry } from "../core/entries.ts";
import type { PeerMessage } from "../core/types.ts";
import { Backoff } from "./backoff.ts";
import { PeerQueue } from "./peer-queue.ts";

const head = { from: "a", to: "b", term: 1 } as const;
const beat = (commit: number): PeerMessage => ({ type: "Heartbeat", ...head, commit, readPos: 0 });
const vote: PeerMessage = { type: "VoteResp", ...head, granted: true };
const append = (prevIndex: number, bytes: number): PeerMessage => ({
  type: "Append",
  ...head,
  prevIndex,
  prevTerm: 1,
  commit: 0,
  entries: [normalEntry(prevIndex + 1, 1, new Uint8Array(bytes))],
});

describe("PeerQueue", () => {
  it("lets the oldest go that is no vote, and a vote only when there is nothing else (F9)", () => {
    const queue = new PeerQueue({ messages: 3, bytes: 1 << 20, full: "oldest" });
    expect([vote, beat(1), beat(2), beat(3)].map((message) => queue.push(message))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(queue.take(1 << 20, 9).messages).toEqual([vote, beat(2), beat(3)]);
    for (const message of [vote, vote, vote]) queue.push(message);
    expect(queue.push(vote)).toBe(true);
    expect([queue.length, queue.clear(), queue.length, queue.bytes]).toEqual([3, 3, 0, 0]);
  });

  it("refuses new Appends beyond its bytes, but takes any one into an empty queue (F9)", () => {
    const queue = new PeerQueue({ messages: 9, bytes: 1000, full: "new" });
    expect([append(1, 5000), append(2, 1)].map((message) => queue.push(message))).toEqual([false, true]);
    expect(queue.take(10, 9).messages).toEqual([append(1, 5000)]);
    expect([append(3, 400), append(4, 400), append(5, 1)].map((m) => queue.push(m))).toEqual([false, false, true]);
    expect(queue.take(500, 9).messages).toEqual([append(3, 400)]);
    expect(queue.push(append(5, 1))).toBe(false);
    expect(queue.take(10_000, 1).messages).toEqual([append(4, 400)]);
    expect(queue.take(10_000, 9).messages).toEqual([append(5, 1)]);
    expect(queue.bytes).toBe(0);
  });
});

describe("Backoff", () => {
  it("doubles up to its limit, takes half to all of it at random, and begins anew", () => {
    let random = 0;
    const backoff = new Backoff({ minMs: 50, maxMs: 300, random: () => random });
    expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([25, 50, 100, 150, 150]);
    random = 0.5;
    expect(backoff.next()).toBe(225);
    backoff.reset();
    expect(backoff.next()).toBe(37.5);
  });
});
