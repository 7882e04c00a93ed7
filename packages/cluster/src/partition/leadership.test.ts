import { EpochRuns, InvariantError } from "@varve/format";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Partition } from "../controller/state.ts";
import { samplePartition } from "../testing/sample-partition.ts";
import { maximalIsr, pendingProposal } from "./isr.ts";
import {
  adoptAnswer,
  advanceHighWatermark,
  beginLeadership,
  creditStall,
  creditWaiting,
  hearFetch,
  hearSync,
  isAcknowledged,
  isLeadershipProven,
  knowsLatest,
  mayConfirmFlush,
  proposeIsr,
  refreshLeadership,
  refuseFetch,
} from "./leadership.ts";
import type { BrokerFacts, Leadership, LeaderNow } from "./leadership.ts";
import { behindLogStart } from "./log-start.ts";

const partition = samplePartition({ isr: [1, 2] });
const me = { brokerId: 1, brokerEpoch: 10 };
const lagMaxMs = 10_000;

/** A leader that can be talked to; its log is of one epoch. */
class Desk {
  state: Leadership;
  logEnd: number;
  logStart = 0;
  nowMs = 100_000;
  facts = new Map<number, BrokerFacts>([2, 3].map((id) => [id, { brokerEpoch: id * 10, isActive: true }]));

  constructor(over: Partial<Partition> = {}, log = { logEnd: 10, highWatermark: 8 }) {
    this.logEnd = log.logEnd;
    this.state = beginLeadership({ ...partition, ...over }, me, { ...log, nowMs: this.nowMs });
  }
  get now(): LeaderNow {
    return { logEnd: this.logEnd, durableEnd: this.logEnd, logStart: this.logStart, nowMs: this.nowMs, lagMaxMs };
  }
  get factsOf(): (id: number) => BrokerFacts | undefined {
    return (id) => this.facts.get(id);
  }
  fetch(
    brokerId: number,
    fetchOffset: number,
    over: { durable?: number; brokerEpoch?: number; lastEpoch?: number; logStart?: number } = {},
  ): string {
    const { durable = fetchOffset, brokerEpoch = brokerId * 10, lastEpoch: lastFetchedEpoch = 5, logStart = 0 } = over;
    const runs = new EpochRuns([{ epoch: 5, start: 0 }]);
    const { leadership, check } = hearFetch(
      this.state,
      { brokerId, brokerEpoch, leaderEpoch: 5, fetchOffset, durableOffset: durable, lastFetchedEpoch, logStart },
      { logStart: this.logStart, logEnd: this.logEnd, runs, leaderEpoch: 5, startOffset: this.state.startOffset },
      this.nowMs,
    );
    this.state = leadership;
    return check.kind;
  }
  highWatermark(): number {
    this.state = advanceHighWatermark(this.state, this.now, this.factsOf);
    return this.state.highWatermark;
  }
  propose(): number[] | undefined {
    this.state = proposeIsr(this.state, this.now, this.factsOf);
    return pendingProposal(this.state.isr)?.newIsr.map(({ brokerId }) => brokerId);
  }
}

describe("high watermark of a leader (H-2)", () => {
  it("waits for a fetch of every member in this epoch, and counts what is durable with flush=sync (W13)", () => {
    const desk = new Desk();
    expect(desk.highWatermark()).toBe(8);
    desk.fetch(2, 10, { durable: 9 });
    expect(desk.highWatermark()).toBe(9);
    desk.state = hearSync(desk.state, { brokerId: 2, brokerEpoch: 20, leaderEpoch: 5, durableOffset: 10, logStart: 0 });
    expect(desk.highWatermark()).toBe(10);
    expect(knowsLatest(desk.state)).toBe(true);
  });

  it("counts the log end with flush=os", () => {
    const desk = new Desk({ flush: "os" });
    desk.fetch(2, 10, { durable: 0 });
    expect(desk.highWatermark()).toBe(10);
  });

  it("takes no word of a sync from whoever has not fetched in this epoch, nor from another incarnation", () => {
    const desk = new Desk();
    const sync = { brokerId: 2, brokerEpoch: 20, leaderEpoch: 5, durableOffset: 10, logStart: 0 };
    expect(hearSync(desk.state, sync)).toBe(desk.state);
    desk.fetch(2, 10, { durable: 0 });
    expect(hearSync(desk.state, { ...sync, brokerEpoch: 19 })).toBe(desk.state);
    expect(hearSync(desk.state, { ...sync, leaderEpoch: 4 })).toBe(desk.state);
    expect(hearSync(desk.state, { ...sync, brokerId: 9 })).toBe(desk.state);
  });

  it("waits for a replica that is about to join, but not for one that may not", () => {
    const desk = new Desk();
    desk.fetch(2, 10);
    desk.fetch(3, 9);
    desk.logEnd = 12;
    desk.fetch(2, 12);
    desk.fetch(3, 11);
    expect(desk.highWatermark()).toBe(11);
    desk.facts.set(3, { brokerEpoch: 30, isActive: false });
    expect(desk.highWatermark()).toBe(12);
  });
});

describe("the pending ISR (A-1 to A-6)", () => {
  it("counts whom it asks for from the moment of asking (W2)", () => {
    const desk = new Desk({}, { logEnd: 0, highWatermark: 0 });
    desk.fetch(2, 0);
    desk.fetch(3, 0, { lastEpoch: -1 });
    expect(desk.propose()).toEqual([1, 2, 3]);
    desk.logEnd = 10;
    desk.fetch(2, 10);
    desk.nowMs += lagMaxMs + 1;
    expect(desk.highWatermark()).toBe(0);
    desk.fetch(3, 10);
    expect(desk.highWatermark()).toBe(10);
  });

  it("counts whom it drops until that is committed, and then tries again to advance (A-4)", () => {
    const desk = new Desk({ isr: [1, 2, 3] }, { logEnd: 10, highWatermark: 8 });
    desk.fetch(2, 10);
    desk.nowMs += lagMaxMs + 1;
    desk.fetch(2, 10);
    expect(desk.propose()).toEqual([1, 2]);
    expect(maximalIsr(desk.state.isr)).toEqual([1, 2, 3]);
    expect(desk.highWatermark()).toBe(8);
    const altered = { leader: 1, leaderEpoch: 5, partitionEpoch: 8, isr: [1, 2], minIsr: 2, recovering: false };
    desk.state = adoptAnswer(desk.state, altered);
    expect(desk.highWatermark()).toBe(10);
  });

  it("ends only on a committed state above the epoch of the request (A-2, A-3, W8)", () => {
    const desk = new Desk();
    desk.fetch(3, 10);
    desk.propose();
    const { state } = desk;
    expect(state.isr.kind).toBe("pendingExpand");
    expect(refreshLeadership(state, partition, 10).isr).toBe(state.isr);
    expect(refreshLeadership(state, { ...partition, partitionEpoch: 6 }, 10)).toBe(state);
    expect(refreshLeadership(state, { ...partition, leaderEpoch: 6, partitionEpoch: 9 }, 10)).toBe(state);
    const elsewhere = { leader: 2, leaderEpoch: 6, partitionEpoch: 8, isr: [2], minIsr: 2, recovering: false };
    expect(adoptAnswer(state, elsewhere).isr).toBe(state.isr);
    // A refusal that moved the epoch is a committed state like any other.
    const refused = { leader: 1, leaderEpoch: 5, partitionEpoch: 8, isr: [1, 2], minIsr: 2, recovering: false };
    expect(adoptAnswer(state, refused).isr).toEqual({
      kind: "committed",
      committed: { leaderEpoch: 5, partitionEpoch: 8, isr: [1, 2], minIsr: 2, recovering: false },
    });
  });

  it("takes from the metadata what an answer of the same partition epoch did not say (A-3)", () => {
    const desk = new Desk({ flush: "os", isr: [1, 2, 3] });
    // `flush` has changed at 7; 8, the answer to a proposal, comes before the metadata do.
    const altered = { leader: 1, leaderEpoch: 5, partitionEpoch: 8, isr: [1, 2], minIsr: 2, recovering: false };
    desk.state = adoptAnswer(desk.state, altered);
    expect(desk.state.flush).toBe("os");
    desk.state = refreshLeadership(desk.state, { ...partition, flush: "syncing", partitionEpoch: 8 }, 10);
    expect(desk.state.flush).toBe("syncing");
    expect(desk.state.syncingTo).toBe(10);
    expect(desk.state.isr.committed).toMatchObject({ partitionEpoch: 8, isr: [1, 2] });
  });

  it("asks for one thing at a time, and with the same words (A-6)", () => {
    const desk = new Desk();
    desk.fetch(3, 10);
    desk.propose();
    const { isr } = desk.state;
    desk.nowMs += lagMaxMs + 1;
    desk.propose();
    expect(desk.state.isr).toBe(isr);
  });

  it("uses minIsr and ISR of one partition epoch (C-7, W4)", () => {
    const desk = new Desk({ minIsr: 1, isr: [1] });
    desk.state = refreshLeadership(desk.state, { ...partition, isr: [1], minIsr: 2, partitionEpoch: 8 }, 10);
    expect(desk.highWatermark()).toBe(8);
  });
});

describe("a log start that is to stay (H-14)", () => {
  it("is waited for at everybody who may be elected, in this epoch", () => {
    const desk = new Desk({ isr: [1, 2, 3] });
    desk.logStart = 6;
    expect(behindLogStart(desk.state, 6)).toEqual([2, 3]);
    desk.fetch(2, 10, { logStart: 6 });
    desk.fetch(3, 10, { logStart: 5 });
    expect(behindLogStart(desk.state, 6)).toEqual([3]);
    // An older word changes nothing, another incarnation's neither.
    desk.state = hearSync(desk.state, { brokerId: 2, brokerEpoch: 20, leaderEpoch: 5, durableOffset: 10, logStart: 3 });
    desk.state = hearSync(desk.state, { brokerId: 3, brokerEpoch: 29, leaderEpoch: 5, durableOffset: 10, logStart: 6 });
    expect(behindLogStart(desk.state, 6)).toEqual([3]);
    desk.state = hearSync(desk.state, { brokerId: 3, brokerEpoch: 30, leaderEpoch: 5, durableOffset: 10, logStart: 6 });
    expect(behindLogStart(desk.state, 6)).toEqual([]);
  });

  it("is waited for at all replicas below minIsr: who has left may be one of the ELR", () => {
    const desk = new Desk({ isr: [1], minIsr: 2 });
    expect(behindLogStart(desk.state, 6)).toEqual([2, 3]);
    desk.fetch(2, 10, { logStart: 6 });
    desk.fetch(3, 10, { logStart: 6 });
    expect(behindLogStart(desk.state, 6)).toEqual([]);
    expect(behindLogStart(new Desk({ isr: [1], minIsr: 1 }).state, 6)).toEqual([]);
  });

  it("is waited for at whom the leader has asked for, too (A-1)", () => {
    const desk = new Desk();
    desk.fetch(2, 10, { logStart: 6 });
    desk.fetch(3, 10, { logStart: 0 });
    expect(behindLogStart(desk.state, 6)).toEqual([]);
    expect(desk.propose()).toEqual([1, 2, 3]);
    expect(behindLogStart(desk.state, 6)).toEqual([3]);
  });
});

describe("who may join (H-4)", () => {
  it("needs the start of the epoch, not only the local high watermark (W1, KAFKA-7128)", () => {
    const desk = new Desk({}, { logEnd: 10, highWatermark: 8 });
    desk.fetch(3, 8);
    expect(desk.propose()).toBeUndefined();
    desk.fetch(3, 10);
    expect(desk.propose()).toEqual([1, 2, 3]);
  });

  it("needs both as it counts: with flush=sync what it has fetched must be on its disk", () => {
    const atStart = new Desk({}, { logEnd: 10, highWatermark: 8 });
    atStart.fetch(3, 10, { durable: 9 });
    expect(atStart.propose()).toBeUndefined();
    const later = new Desk({}, { logEnd: 10, highWatermark: 8 });
    later.logEnd = 12;
    later.fetch(2, 12);
    expect(later.highWatermark()).toBe(12);
    later.fetch(3, 12, { durable: 11 });
    expect(later.propose()).toBeUndefined();
    for (const desk of [atStart, later]) {
      desk.state = hearSync(desk.state, {
        brokerId: 3,
        brokerEpoch: 30,
        leaderEpoch: 5,
        durableOffset: desk.logEnd,
        logStart: 0,
      });
      expect(desk.propose()).toEqual([1, 2, 3]);
    }
  });

  it("needs a log that begins where the leader's does, or above (H-14)", () => {
    const desk = new Desk();
    desk.logStart = 6;
    desk.fetch(3, 10, { logStart: 5 });
    expect(desk.propose()).toBeUndefined();
    expect(behindLogStart(desk.state, 6)).toEqual([2]);
    const sync = { brokerId: 3, brokerEpoch: 30, leaderEpoch: 5, durableOffset: 10, logStart: 6 };
    desk.state = hearSync(desk.state, sync);
    expect(desk.propose()).toEqual([1, 2, 3]);
  });

  it("needs the same incarnation in the fetch and in the metadata, and names that one (A-5, W5)", () => {
    const desk = new Desk();
    desk.fetch(3, 10);
    desk.facts.set(3, { brokerEpoch: 55, isActive: true });
    expect(desk.propose()).toBeUndefined();
    desk.fetch(3, 0, { brokerEpoch: 55, lastEpoch: -1 });
    expect(desk.propose()).toBeUndefined();
    // What is left of the former life comes late.
    desk.fetch(3, 10);
    expect(desk.propose()).toBeUndefined();
    desk.fetch(3, 10, { brokerEpoch: 55 });
    desk.propose();
    expect(pendingProposal(desk.state.isr)?.newIsr.at(-1)).toEqual({ brokerId: 3, brokerEpoch: 55 });
  });

  it("needs an active broker that keeps up and whose log does not diverge (KAFKA-13141)", () => {
    const desk = new Desk();
    expect(desk.fetch(3, 10, { lastEpoch: 6 })).toBe("diverged");
    expect(desk.propose()).toBeUndefined();
    desk.fetch(3, 10);
    desk.facts.set(3, { brokerEpoch: 30, isActive: false });
    expect(desk.propose()).toBeUndefined();
  });

  it("needs a replica that has not been away: one that was removed starts anew (W6)", () => {
    const desk = new Desk();
    desk.fetch(3, 10);
    desk.state = refreshLeadership(desk.state, { ...partition, replicas: [1, 2], partitionEpoch: 8 }, 10);
    desk.state = refreshLeadership(desk.state, { ...partition, partitionEpoch: 9 }, 10);
    expect(desk.propose()).toBeUndefined();
  });

  it("comes after the recovery of an unclean leader", () => {
    const desk = new Desk({ isr: [1], recovering: true });
    desk.fetch(3, 10);
    expect(desk.propose()).toEqual([1]);
    expect(desk.state.isr.kind).toBe("pendingRecovery");
  });
});

describe("who lags behind (H-5)", () => {
  it("is whoever has not had everything for so long, by its last two fetches", () => {
    const desk = new Desk();
    desk.nowMs += lagMaxMs;
    desk.fetch(2, 10);
    desk.logEnd = 20;
    desk.nowMs += lagMaxMs;
    desk.fetch(2, 15);
    desk.logEnd = 30;
    desk.nowMs += 1;
    // At 15 it had what there was at the fetch before: caught up as of that fetch.
    desk.fetch(2, 25);
    desk.nowMs += lagMaxMs - 1;
    expect(desk.propose()).toBeUndefined();
    desk.nowMs += 1;
    expect(desk.propose()).toEqual([1]);
  });

  it("does not count a stall of the leader", () => {
    const desk = new Desk();
    desk.fetch(2, 9);
    desk.nowMs += 60_000;
    desk.state = creditStall(desk.state, 60_000);
    expect(desk.propose()).toBeUndefined();
  });

  it("is nobody whose fetch waited at the log end until something came, as long as its stream was alive", () => {
    const desk = new Desk();
    desk.fetch(2, 10);
    desk.nowMs += 10 * lagMaxMs;
    desk.logEnd = 11;
    expect(creditWaiting(desk.state, 3, desk.nowMs)).toBe(desk.state);
    desk.state = creditWaiting(desk.state, 2, desk.nowMs - lagMaxMs);
    expect(desk.propose()).toBeUndefined();
    desk.nowMs += 1;
    expect(desk.propose()).toEqual([1]);
  });

  it("is nobody who has everything", () => {
    const desk = new Desk();
    desk.fetch(2, 10);
    desk.nowMs += 10 * lagMaxMs;
    expect(desk.propose()).toBeUndefined();
  });
});

describe("what may be said", () => {
  it("acknowledges only in the epoch of the append (H-6)", () => {
    const desk = new Desk();
    desk.fetch(2, 10);
    desk.highWatermark();
    expect(isAcknowledged(desk.state, { leaderEpoch: 5, end: 10 })).toBe(true);
    expect(isAcknowledged(desk.state, { leaderEpoch: 5, end: 11 })).toBe(false);
    expect(isAcknowledged(desk.state, { leaderEpoch: 4, end: 10 })).toBe(false);
  });

  it("knows a leader from a zombie by the controller, or by enough of its ISR (H-11)", () => {
    const desk = new Desk();
    const heard = { nowMs: desk.nowMs, sessionMs: 3000, controllerHeardMs: desk.nowMs - 4000 };
    expect(isLeadershipProven(desk.state, { ...heard, controllerHeardMs: desk.nowMs })).toBe(true);
    expect(isLeadershipProven(desk.state, heard)).toBe(false);
    desk.fetch(2, 3);
    expect(isLeadershipProven(desk.state, heard)).toBe(true);
    const alone = new Desk({ replicas: [1], isr: [1], minIsr: 1 });
    expect(isLeadershipProven(alone.state, heard)).toBe(true);
  });

  it("confirms flush=sync once all of the ISR has on disk what there was at the change", () => {
    const desk = new Desk({ flush: "os" });
    desk.fetch(2, 10, { durable: 4 });
    expect(mayConfirmFlush(desk.state, 10)).toBe(false);
    desk.state = refreshLeadership(desk.state, { ...partition, flush: "syncing", partitionEpoch: 8 }, 10);
    expect(mayConfirmFlush(desk.state, 10)).toBe(false);
    desk.fetch(2, 10, { durable: 10 });
    expect(mayConfirmFlush(desk.state, 9)).toBe(false);
    expect(mayConfirmFlush(desk.state, 10)).toBe(true);
    desk.fetch(3, 10);
    desk.propose();
    expect(mayConfirmFlush(desk.state, 10)).toBe(false);
  });

  it("begins to lead only what it leads", () => {
    expect(() => new Desk({ leader: 2 })).toThrow(InvariantError);
  });
});

describe("refuseFetch (H-3)", () => {
  const fetch = {
    brokerId: 2,
    brokerEpoch: 20,
    leaderEpoch: 5,
    fetchOffset: 0,
    durableOffset: 0,
    lastFetchedEpoch: -1,
    logStart: 0,
  };
  const facts = () => ({ brokerEpoch: 20, isActive: true });
  it.each([
    ["nothing", {}, {}, undefined],
    ["an older epoch", { leaderEpoch: 4 }, {}, "FENCED_LEADER_EPOCH"],
    ["a newer epoch", { leaderEpoch: 6 }, {}, "UNKNOWN_LEADER_EPOCH"],
    ["an older epoch, at another broker (epoch first)", { leaderEpoch: 4 }, { leader: 2 }, "FENCED_LEADER_EPOCH"],
    ["another broker", {}, { leader: 2 }, "NOT_LEADER"],
    ["a stranger, at another broker (leadership second)", { brokerId: 9 }, { leader: 2 }, "NOT_LEADER"],
    ["a stranger (KAFKA-13837)", { brokerId: 9 }, {}, "UNKNOWN_REPLICA"],
    ["itself", { brokerId: 1 }, {}, "UNKNOWN_REPLICA"],
    ["a former life", { brokerEpoch: 19 }, {}, "STALE_BROKER_EPOCH"],
  ])("refuses %s", (_, asked, view, expected) => {
    expect(refuseFetch({ ...partition, ...view }, 1, { ...fetch, ...asked }, facts)).toBe(expected);
  });
});

describe("any order of events", () => {
  it("never lets the maximal ISR miss a member that the controller may count, nor the high watermark fall (ID5, ID6, ID23)", () => {
    const events = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant("fetch" as const), id: fc.constantFrom(2, 3), offset: fc.nat(20) }),
        fc.record({ kind: fc.constant("append" as const), count: fc.nat(3) }),
        fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(20_000) }),
        fc.record({ kind: fc.constant("propose" as const) }),
        /** The controller applies what is pending; the answer may come now, later or never. */
        fc.record({ kind: fc.constant("apply" as const), heard: fc.boolean() }),
        fc.record({ kind: fc.constant("hear" as const) }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(events, (sequence) => {
        const desk = new Desk({ minIsr: 1 }, { logEnd: 0, highWatermark: 0 });
        let controller = { leader: 1, leaderEpoch: 5, partitionEpoch: 7, isr: [1, 2], minIsr: 1, recovering: false };
        for (const event of sequence) {
          const before = desk.state;
          if (event.kind === "append") desk.logEnd += event.count;
          else if (event.kind === "pass") desk.nowMs += event.ms;
          else if (event.kind === "propose") desk.propose();
          else if (event.kind === "hear") desk.state = adoptAnswer(desk.state, controller);
          else if (event.kind === "fetch") desk.fetch(event.id, Math.min(event.offset, desk.logEnd));
          else {
            const proposal = pendingProposal(desk.state.isr);
            if (proposal?.partitionEpoch === controller.partitionEpoch) {
              const isr = proposal.newIsr.map(({ brokerId }) => brokerId);
              controller = { ...controller, isr, partitionEpoch: controller.partitionEpoch + 1 };
            }
            if (event.heard) desk.state = adoptAnswer(desk.state, controller);
          }
          desk.highWatermark();
          expect(desk.state.highWatermark).toBeGreaterThanOrEqual(before.highWatermark);
          for (const id of controller.isr) expect(maximalIsr(desk.state.isr)).toContain(id);
          if (before.isr.kind !== "committed" && desk.state.isr.kind === "committed") {
            expect(desk.state.isr.committed.partitionEpoch).toBeGreaterThan(before.isr.proposal.partitionEpoch);
          }
        }
      }),
    );
  });
});
