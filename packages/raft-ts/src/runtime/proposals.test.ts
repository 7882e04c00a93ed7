// SPDX-License-Identifier: Apache-2.0
// The rules of outcomes (Q1 to Q4), row by row, and what it must never say.

import { describe, expect, test } from "vitest";
import { emptyEntry, normalEntry } from "../core/entries.ts";
import type { Config, Entry } from "../core/types.ts";
import { Proposals, type ProposalLimits } from "./proposals.ts";

const config: Config = { voters: ["a"], votersOutgoing: [], learners: [], learnersNext: [], addresses: [] };
const limits: ProposalLimits = { maxPending: 4, maxPendingBytes: 1000, deadlineMs: 100, maxEntryBytes: 600 };
const data = new Uint8Array([1, 2, 3]);

interface Bench {
  readonly proposals: Proposals<string>;
  /** Everything that waits goes into the log of `term`, from `firstIndex`. */
  readonly log: (term: number, firstIndex: number) => void;
  readonly apply: (...entries: Entry[]) => void;
  readonly pass: (ms: number) => void;
}

function bench(): Bench {
  let now = 0;
  const proposals = new Proposals<string>(limits, { nowMs: () => now, wake: () => {}, leader: () => null });
  return {
    proposals,
    log: (term, firstIndex) =>
      proposals.flush(
        () => ({ ok: true, term, firstIndex }),
        () => term,
      ),
    apply: (...entries) =>
      proposals.applied(
        entries,
        entries.filter(({ type }) => type === "normal").map(({ index }) => `result ${index}`),
      ),
    pass: (ms) => {
      now += ms;
      proposals.expire();
    },
  };
}

const anyTerm = (): number => 1;

/** What has become of it by now. */
async function now<T>(promise: Promise<T>): Promise<T | "pending"> {
  return Promise.race([promise, Promise.resolve("pending" as const)]);
}

describe("Proposals", () => {
  test("Q1: applied at its index in its term is success, with the result that belongs to it", async () => {
    const { proposals, log, apply } = bench();
    const both = [proposals.propose(data, {}), proposals.propose(data, {})];
    log(3, 8);
    expect(await now(both[0]!)).toBe("pending");
    apply(emptyEntry(7, 3), normalEntry(8, 3, data), normalEntry(9, 3, data));
    expect(await Promise.all(both)).toEqual([
      { kind: "success", result: "result 8", index: 8, term: 3 },
      { kind: "success", result: "result 9", index: 9, term: 3 },
    ]);
    expect(proposals.count).toBe(0);
    expect(proposals.bytes).toBe(0);
  });

  test("Q2: applied at its index in another term is lost", async () => {
    const { proposals, log, apply } = bench();
    const outcome = proposals.propose(data, {});
    log(3, 8);
    apply(normalEntry(8, 4, data));
    expect(await outcome).toEqual({ kind: "lost", index: 8, term: 3 });
  });

  test("Q2: a later term committed before its index is lost too, an equal one is not (L4)", async () => {
    const { proposals, log, apply } = bench();
    const outcome = proposals.propose(data, {});
    log(3, 8);
    apply(normalEntry(6, 3, data));
    expect(await now(outcome)).toBe("pending");
    apply(emptyEntry(7, 4));
    expect(await outcome).toEqual({ kind: "lost", index: 8, term: 3 });
  });

  test.each([
    [
      "a snapshot past it tells nothing",
      { index: 9, term: 4 },
      { kind: "unknown", why: "snapshot", index: 8, term: 3 },
    ],
    [
      "a snapshot of its own term past it tells nothing",
      { index: 9, term: 3 },
      { kind: "unknown", why: "snapshot", index: 8, term: 3 },
    ],
    ["a snapshot at it in another term: lost", { index: 8, term: 4 }, { kind: "lost", index: 8, term: 3 }],
    ["a snapshot of an earlier term past it: lost (L4)", { index: 9, term: 2 }, { kind: "lost", index: 8, term: 3 }],
    ["a snapshot of a later term before it: lost (L4)", { index: 7, term: 4 }, { kind: "lost", index: 8, term: 3 }],
  ])("Q2, Q3: %s", async (_, { index, term }, expected) => {
    const { proposals, log } = bench();
    const outcome = proposals.propose(data, {});
    log(3, 8);
    proposals.restored({ index, term, config });
    expect(await outcome).toEqual(expected);
  });

  test("Q3: a snapshot of its own term before it leaves it pending; the deadline makes it unknown", async () => {
    const { proposals, log, pass } = bench();
    const outcome = proposals.propose(data, {});
    log(3, 8);
    proposals.restored({ index: 7, term: 3, config });
    pass(99);
    expect(await now(outcome)).toBe("pending");
    pass(1);
    expect(await outcome).toEqual({ kind: "unknown", why: "deadline", index: 8, term: 3 });
  });

  test("two terms may claim one index: each is told its own", async () => {
    const { proposals, log, apply } = bench();
    const first = proposals.propose(data, {});
    log(3, 8);
    const second = proposals.propose(data, {});
    log(5, 8);
    apply(normalEntry(8, 5, data));
    expect((await first).kind).toBe("lost");
    expect((await second).kind).toBe("success");
  });

  test("Q3, Q4: what is not in the log yet is refused by deadline, signal and stop, and unknown afterwards", async () => {
    const { proposals, log, pass } = bench();
    const abort = new AbortController();
    const early = proposals.propose(data, { signal: abort.signal });
    abort.abort();
    expect(await early).toMatchObject({ kind: "refused", reason: "aborted" });
    expect(await proposals.propose(data, { signal: abort.signal })).toMatchObject({ reason: "aborted" });
    const slow = proposals.propose(data, { deadlineMs: 5 });
    pass(5);
    expect(await slow).toMatchObject({ kind: "refused", reason: "deadline" });

    const late = new AbortController();
    const logged = proposals.propose(data, { signal: late.signal });
    log(3, 8);
    late.abort();
    expect(await logged).toEqual({ kind: "unknown", why: "aborted", index: 8, term: 3 });

    const waiting = proposals.propose(data, {});
    const tracked = proposals.track(9, 3, {});
    proposals.close("stopped");
    expect(await waiting).toMatchObject({ kind: "refused", reason: "stopped" });
    expect(await tracked).toEqual({ kind: "unknown", why: "stopped", index: 9, term: 3 });
    expect(await proposals.propose(data, {})).toMatchObject({ kind: "refused", reason: "stopped" });
    expect(proposals.count).toBe(0);
  });

  test("after refuseFromNow what is in the log is still decided", async () => {
    const { proposals, log, apply } = bench();
    const logged = proposals.propose(data, {});
    log(3, 8);
    proposals.refuseFromNow("stopped");
    expect(await proposals.propose(data, {})).toMatchObject({ kind: "refused", reason: "stopped" });
    apply(normalEntry(8, 3, data));
    expect((await logged).kind).toBe("success");
  });

  test("is bounded in number and in bytes, and refuses what can never fit", async () => {
    const { proposals } = bench();
    expect(await proposals.propose(new Uint8Array(601), {})).toMatchObject({ kind: "refused", reason: "too-large" });
    void proposals.propose(new Uint8Array(600), {});
    expect(await proposals.propose(new Uint8Array(401), {})).toMatchObject({ kind: "refused", reason: "busy" });
    for (let more = 0; more < 3; more += 1) void proposals.propose(data, {});
    expect(await proposals.propose(new Uint8Array(0), {})).toMatchObject({ kind: "refused", reason: "busy" });
    expect(proposals.count).toBe(4);
  });

  // `slice` of a Buffer is a view, that of any other Uint8Array is a copy.
  test.each([
    ["Uint8Array", new Uint8Array([7])],
    ["Buffer", Buffer.from([7])],
  ])("L13: the entry does not change when the caller's %s does", async (_, pooled) => {
    const { proposals } = bench();
    void proposals.propose(pooled, {});
    pooled[0] = 8;
    let handed: Uint8Array | undefined;
    proposals.flush(([item]) => {
      handed = item?.data;
      return { ok: true, term: 1, firstIndex: 1 };
    }, anyTerm);
    expect(handed).toEqual(new Uint8Array([7]));
  });

  test("F8: one turn is one call of the core, in the order of the calls; a refusal is told to each", async () => {
    const { proposals } = bench();
    const all = [1, 2, 3].map((byte) => proposals.propose(new Uint8Array([byte]), {}));
    const handed: number[][] = [];
    proposals.flush((items) => {
      handed.push(items.map((item) => item.data[0]!));
      return { ok: false, reason: "not-leader", leader: "b", detail: "" };
    }, anyTerm);
    expect(handed).toEqual([[1, 2, 3]]);
    for (const outcome of await Promise.all(all))
      expect(outcome).toMatchObject({ kind: "refused", reason: "not-leader" });
  });

  test("what names a term goes into the log of that term or into none", async () => {
    const { proposals, log, apply } = bench();
    const [first, second, any] = [3, 4, undefined].map((term) =>
      proposals.propose(data, term === undefined ? {} : { term }),
    );
    log(4, 8);
    expect(await first).toMatchObject({ kind: "refused", reason: "not-leader" });
    expect(proposals.count).toBe(2);
    apply(normalEntry(8, 4, data), normalEntry(9, 4, data));
    expect(await Promise.all([second, any])).toMatchObject([
      { kind: "success", index: 8 },
      { kind: "success", index: 9 },
    ]);
  });

  test("a core that breaks on the way leaves nobody without an answer", async () => {
    const { proposals } = bench();
    const outcome = proposals.propose(data, {});
    const broken = (): never => {
      throw new Error("broken");
    };
    expect(() => proposals.flush(broken, anyTerm)).toThrow("broken");
    proposals.close("failed");
    expect(await outcome).toMatchObject({ kind: "refused", reason: "failed" });
  });

  test("leaves no listener on a signal that lives on", async () => {
    const { proposals, log, apply } = bench();
    let listeners = 0;
    const { signal } = new AbortController();
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...given: Parameters<typeof add>) => {
      listeners += 1;
      add(...given);
    };
    signal.removeEventListener = (...given: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...given);
    };
    const outcome = proposals.propose(data, { signal });
    expect(listeners).toBe(1);
    log(1, 1);
    apply(normalEntry(1, 1, data));
    await outcome;
    expect(listeners).toBe(0);
  });
});
