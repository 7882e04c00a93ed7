// SPDX-License-Identifier: Apache-2.0
// The decisions of a consumer against models of them: which prefix is finished, who is next, what fits, what may be committed.

import type { AssignedPartitionOutput, ConsumeResponse, TopicPartitionOutput } from "@varve/api";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changesOf, type Held } from "./assignment-changes.ts";
import { Claim } from "./claim.ts";
import { CommitQueue } from "./commit-queue.ts";
import { FinishedPrefix } from "./finished-prefix.ts";
import { KeyLanes } from "./key-lanes.ts";
import { Prefetch } from "./prefetch.ts";

/** VARVE_FUZZ sets how many cases are tried. */
const runs = { numRuns: Number(process.env["VARVE_FUZZ"] ?? 300) };

describe("FinishedPrefix", () => {
  it("lets nothing be committed before it and all before it are finished, and everything then", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("hand out" as const), gap: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant("start" as const), which: fc.nat() }),
      fc.record({ kind: fc.constant("finish" as const), which: fc.nat() }),
      fc.record({ kind: fc.constant("abandon" as const), which: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.nat(1000), fc.array(step, { maxLength: 3000, size: "max" }), (start, steps) => {
        const prefix = new FinishedPrefix({ offset: start, leaderEpoch: 1 });
        const entries: { offset: number; isFinished: boolean; isOpen: boolean }[] = [];
        let next = start;
        let started = -1;
        for (const each of steps) {
          if (each.kind === "hand out") {
            next += each.gap;
            entries.push({ offset: next, isFinished: false, isOpen: true });
            expect(prefix.handOut({ offset: next, leaderEpoch: 1 })).toBe(entries.length - 1);
          } else if (entries.length > 0) {
            const which = each.which % entries.length;
            if (each.kind === "start") {
              prefix.start(which);
              started = Math.max(started, which);
            } else if (each.kind === "abandon") {
              prefix.abandon(which);
              entries[which]!.isOpen = false;
            } else {
              const before = prefix.committable.offset;
              Object.assign(entries[which]!, { isFinished: true, isOpen: false });
              expect(prefix.finish(which)).toBe(prefix.committable.offset > before);
            }
          }
        }
        const first = entries.findIndex(({ isFinished }) => !isFinished);
        const done = first === -1 ? entries.length : first;
        expect(prefix.committable.offset).toBe(done === 0 ? start : entries[done - 1]!.offset);
        expect(prefix.open).toBe(entries.length - done);
        expect(prefix.isDrained).toBe(!entries.slice(0, started + 1).some(({ isOpen }) => isOpen));
      }),
      { numRuns: Math.ceil(runs.numRuns / 10) },
    );
  });
});

describe("KeyLanes", () => {
  it("does one of a lane at a time, in order, never more than are allowed, and leaves no hand idle", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("add" as const), lane: fc.constantFrom("a", "b", "c", "d") }),
      fc.record({ kind: fc.constant("next" as const) }),
      fc.record({ kind: fc.constant("done" as const), which: fc.nat() }),
      fc.record({ kind: fc.constant("drop" as const), modulus: fc.integer({ min: 2, max: 4 }) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 200 }), (concurrency, steps) => {
        const lanes = new KeyLanes<number>({ concurrency, waitingMax: 10 });
        const waiting = new Map<string, number[]>();
        const busy: string[] = [];
        let number = 0;
        for (const each of steps) {
          if (each.kind === "add") {
            lanes.add(each.lane, number);
            waiting.set(each.lane, [...(waiting.get(each.lane) ?? []), number]);
            number += 1;
          } else if (each.kind === "next") {
            const next = lanes.next();
            const isPossible = [...waiting].some(([lane, items]) => items.length > 0 && !busy.includes(lane));
            expect(next !== undefined).toBe(isPossible && busy.length < concurrency);
            if (next === undefined) continue;
            expect(busy).not.toContain(next.lane);
            expect(waiting.get(next.lane)!.shift()).toBe(next.item);
            busy.push(next.lane);
          } else if (each.kind === "done") {
            if (busy.length > 0) lanes.done(busy.splice(each.which % busy.length, 1)[0]!);
          } else {
            const dropped = lanes.drop((item) => item % each.modulus === 0);
            const expected = [...waiting.values()].flat().filter((item) => item % each.modulus === 0);
            expect([...dropped].sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
            for (const [lane, items] of waiting)
              waiting.set(
                lane,
                items.filter((item) => item % each.modulus !== 0),
              );
          }
          const left = [...waiting.values()].reduce((sum, items) => sum + items.length, 0);
          expect([lanes.underWay, lanes.waiting, lanes.hasRoom]).toEqual([busy.length, left, left < 10]);
        }
      }),
      runs,
    );
  });
});

function claimOf(partition: number, offset = 0): Claim {
  return new Claim({
    topic: "t",
    topicId: "",
    partition,
    offset,
    endOffset: undefined,
    leaderEpoch: -1,
    movedGeneration: -1,
  });
}

function messageOf(partition: number, nextOffset: number, sizeBytes: number): ConsumeResponse {
  const rest = { records: [], batches: new Uint8Array(0), highWatermark: 0, logStartOffset: 0, endReached: false };
  return { partition, nextOffset, sizeBytes, skipped: 0, leader: undefined, ...rest };
}

describe("Prefetch", () => {
  it("keeps the order of each partition, gives each its turn, and counts what is there", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("put" as const), partition: fc.nat(3), bytes: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constant("take" as const) }),
      fc.record({ kind: fc.constant("drop" as const), partition: fc.nat(3) }),
      fc.record({ kind: fc.constant("trim" as const), partition: fc.nat(3), bytes: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const prefetch = new Prefetch(100);
        const claims = [0, 1, 2, 3].map((partition) => claimOf(partition));
        const rows = claims.map((): ConsumeResponse[] => []);
        const waits = claims.map(() => 0);
        let next = 0;
        let isFull = false;
        for (const each of steps) {
          if (each.kind === "put") {
            const message = messageOf(each.partition, next++, each.bytes);
            rows[each.partition]!.push(message);
            prefetch.put(claims[each.partition]!, message);
          } else if (each.kind === "drop") {
            rows[each.partition] = [];
            prefetch.drop(claims[each.partition]!);
          } else if (each.kind === "trim") {
            const row = rows[each.partition]!;
            while (row.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > each.bytes) row.pop();
            expect(prefetch.trim(claims[each.partition]!, each.bytes)).toBe(row.at(-1)?.nextOffset ?? 0);
          } else {
            const taken = prefetch.take();
            expect(taken === undefined).toBe(rows.every((row) => row.length === 0));
            for (const [partition, row] of rows.entries())
              waits[partition] = row.length === 0 ? 0 : waits[partition]! + 1;
            if (taken !== undefined) {
              expect(rows[taken.claim.partition]!.shift()).toBe(taken.message);
              waits[taken.claim.partition] = 0;
            }
            // Nobody who has something waits for longer than for everybody else once.
            for (const wait of waits) expect(wait).toBeLessThan(4);
          }
          const bytes = rows.flat().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
          if (bytes >= 100) isFull = true;
          else if (bytes <= 50) isFull = false;
          expect([prefetch.bytes, prefetch.isFull, prefetch.isEmpty]).toEqual([
            bytes,
            isFull,
            rows.flat().length === 0,
          ]);
        }
      }),
      runs,
    );
  });
});

describe("changesOf()", () => {
  const state = fc.constantFrom("none", "held", "giving-back");
  const topicId = fc.constantFrom("", "first", "second");
  const place = fc.record({ movedGeneration: fc.nat(2), topicId });
  const how = fc.constantFrom("not named", "assign", "revoke", "lost");

  it("leaves what is not named as it is, and gives what is named what the table says", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(state, place, how, place), { maxLength: 6 }), (partitions) => {
        const held = new Map<string, Held>();
        const named = {
          assign: [] as AssignedPartitionOutput[],
          revoke: [] as TopicPartitionOutput[],
          lost: [] as TopicPartitionOutput[],
        };
        const expected = partitions.flatMap(([has, mine, kind, told], partition) => {
          if (has !== "none") held.set(`t/${partition}`, { state: has, ...mine });
          const rest = {
            leaderEpoch: -1,
            metadata: "",
            leader: null,
            movedGeneration: told.movedGeneration,
            topicId: told.topicId,
          };
          if (kind === "not named") return [];
          const isOther = mine.topicId !== "" && told.topicId !== "" && mine.topicId !== told.topicId;
          const isThere = has !== "none" && !isOther;
          if (kind === "assign") {
            named.assign.push({ topic: "t", partition, offset: 5, ...rest });
            if (has === "none") return [["assigned", partition]];
            if (isOther)
              return [
                ["lost", partition],
                ["assigned", partition],
              ];
            const isSame = has === "held" && mine.movedGeneration === told.movedGeneration;
            return isSame ? [] : [["moved", partition]];
          }
          named[kind].push({ topic: "t", partition, topicId: told.topicId });
          if (kind === "lost") return isThere ? [["lost", partition]] : [];
          if (!isThere) return [["not-held", partition]];
          return has === "giving-back" ? [] : [["revoke", partition]];
        });
        const found = changesOf(held, named).map((change) => [
          change.kind,
          "start" in change ? change.start.partition : change.partition.partition,
        ]);
        expect(new Set(found.map(String))).toEqual(new Set(expected.map(String)));
        expect(found).toHaveLength(expected.length);
      }),
      runs,
    );
  });
});

describe("CommitQueue", () => {
  it("sends nothing of a claim that is gone, nothing under a stale generation, loses no wish, answers each once", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("offer" as const), partition: fc.nat(2) }),
      fc.record({ kind: fc.constant("send" as const) }),
      fc.record({
        kind: fc.constant("answer" as const),
        how: fc.constantFrom("fine", "stale", "not-assigned", "busy", "unknown", "missing"),
      }),
      fc.record({ kind: fc.constant("generation" as const) }),
      fc.record({ kind: fc.constant("lost" as const) }),
      fc.record({ kind: fc.constant("gone" as const), partition: fc.nat(2) }),
      fc.record({ kind: fc.constant("sought" as const), partition: fc.nat(2) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const queue = new CommitQueue();
        const claims = [0, 1, 2].map((partition) => claimOf(partition));
        let generation = -1;
        let stale = -1;
        let next = 1;
        let offered = 0;
        let told = 0;
        let asked:
          | { requestId: number; generation: number; offsets: { partition: number; offset: number }[] }
          | undefined;
        const best = [0, 0, 0];
        for (const each of steps) {
          switch (each.kind) {
            case "offer":
              offered += 1;
              queue.offer(
                { claim: claims[each.partition]!, offset: next++, leaderEpoch: 1, metadata: "" },
                () => (told += 1),
              );
              break;
            case "send": {
              const message = queue.next();
              if (message === undefined) break;
              expect(asked).toBeUndefined();
              expect(message.generation).toBe(generation);
              expect(generation).toBeGreaterThan(stale);
              const offsets = message.offsets as { partition: number; offset: number }[];
              asked = { requestId: message.requestId as number, generation, offsets };
              // Within a claim nothing goes back: what is wanted later is further on.
              for (const { partition, offset } of offsets) {
                expect(offset).toBeGreaterThanOrEqual(best[partition]!);
                best[partition] = offset;
              }
              break;
            }
            case "answer": {
              if (asked === undefined) break;
              const reasons = {
                stale: "STALE_MEMBER_EPOCH",
                "not-assigned": "NOT_ASSIGNED",
                busy: "BUSY",
                unknown: "UNKNOWN_MEMBER_ID",
              };
              const reason = each.how === "fine" || each.how === "missing" ? undefined : reasons[each.how];
              const error =
                reason === undefined ? null : { reason, message: "no", retriable: reason === "BUSY", metadata: {} };
              const place = { topic: "t", leaderEpoch: 1, metadata: "", committedAtMs: 0 };
              const offsets = each.how === "missing" ? [] : asked.offsets.map((one) => ({ ...place, ...one, error }));
              const answer = queue.answered({ requestId: asked.requestId, offsets, error: null });
              expect(answer.expelled?.reason).toBe(
                reason === "UNKNOWN_MEMBER_ID" && asked.offsets.length > 0 ? reason : undefined,
              );
              if (each.how === "stale") stale = Math.max(stale, asked.generation);
              asked = undefined;
              break;
            }
            case "generation":
              generation += 1 + (generation < 0 ? 1 : 0);
              queue.setGeneration(generation);
              break;
            case "lost":
              queue.sessionLost();
              asked = undefined;
              generation = -1;
              stale = -1;
              break;
            case "gone": {
              const before = claims[each.partition]!;
              before.end();
              queue.forget(before);
              claims[each.partition] = claimOf(each.partition);
              break;
            }
            case "sought": {
              const before = claims[each.partition]!;
              const claim = claimOf(each.partition);
              const had = queue.has(before);
              const toldBefore = told;
              queue.pass(before, claim);
              before.end();
              queue.forget(before);
              claims[each.partition] = claim;
              expect([queue.has(claim), told, claim.offeredOffset]).toEqual([had, toldBefore, 0]);
              break;
            }
          }
        }
        queue.fail(new Error("the end") as never);
        expect(told).toBe(offered);
        expect(queue.isIdle).toBe(true);
      }),
      runs,
    );
  });
});
