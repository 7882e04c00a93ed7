// SPDX-License-Identifier: Apache-2.0
// The runtime's small parts, each alone.

import { describe, expect, test } from "vitest";
import { normalEntry } from "../core/entries.ts";
import type { Append, Heartbeat } from "../core/types.ts";
import { Inbox } from "./inbox.ts";
import { nodeOptions, type NodeEvent } from "./node-options.ts";
import type { Timer } from "./ports.ts";
import { Reads } from "./reads.ts";
import { SnapshotCut } from "./snapshot-cut.ts";
import { SnapshotPolicy } from "./snapshot-policy.ts";
import { SpaceWatch } from "./space-watch.ts";

const heartbeat: Heartbeat = { type: "Heartbeat", from: "a", to: "b", term: 1, commit: 0, readPos: 0 };
const append = (bytes: number): Append => ({
  type: "Append",
  from: "a",
  to: "b",
  term: 1,
  prevIndex: 0,
  prevTerm: 0,
  entries: [normalEntry(1, 1, new Uint8Array(bytes))],
  commit: 0,
});

async function settled(promise: Promise<void> | undefined): Promise<boolean> {
  return Promise.race([promise?.then(() => true) ?? true, Promise.resolve(false)]);
}

describe("Inbox", () => {
  test("holds its senders back above the bound, drops above twice the bound, and lets go at half of it", async () => {
    const inbox = new Inbox({ maxMessages: 4, maxBytes: 1 << 20 });
    const promises = Array.from({ length: 12 }, () => inbox.push(heartbeat));
    expect(promises.map((promise) => promise !== undefined)).toEqual([false, false, false, ...Array(9).fill(true)]);
    expect(inbox.size).toBe(8);
    expect(inbox.dropped).toBe(4);
    for (let taken = 0; taken < 6; taken += 1) inbox.shift();
    expect(await settled(promises[3])).toBe(false);
    inbox.shift();
    await promises[3];
    expect(inbox.push(heartbeat)).toBeUndefined();
  });

  test("counts bytes: a few large messages are as good as many small ones", () => {
    const inbox = new Inbox({ maxMessages: 1000, maxBytes: 10_000 });
    expect(inbox.push(append(9_000))).toBeUndefined();
    expect(inbox.push(append(9_000))).toBeInstanceOf(Promise);
    expect(inbox.push(append(9_000))).toBeInstanceOf(Promise);
    void inbox.push(append(9_000));
    expect(inbox.dropped).toBe(1);
    while (inbox.shift() !== undefined);
    expect(inbox.bytes).toBe(0);
  });

  test("keeps the order however long it is never empty, and holds no more than it says", () => {
    const inbox = new Inbox({ maxMessages: 8, maxBytes: 1 << 20 });
    let pushed = 0;
    let taken = 0;
    const next = (): Heartbeat => ({ ...heartbeat, term: ++pushed });
    void inbox.push(next());
    for (let round = 0; round < 100; round += 1) {
      void inbox.push(next());
      expect(inbox.shift()?.term).toBe(++taken);
    }
    expect(inbox.size).toBe(1);
  });

  test("close lets everybody go", async () => {
    const inbox = new Inbox({ maxMessages: 1, maxBytes: 1000 });
    const held = inbox.push(heartbeat);
    inbox.close();
    await held;
    expect(inbox.shift()).toBeUndefined();
  });
});

function readBench(applied = 0) {
  let now = 0;
  const reads = new Reads({ maxPending: 2, deadlineMs: 100 }, applied, {
    nowMs: () => now,
    wake: () => {},
    leader: () => ({ id: "b", address: "there" }),
  });
  const ctxs: number[] = [];
  const ask = (): void => reads.flush((ctx) => (ctxs.push(ctx), { ok: true }));
  return { reads, ctxs, ask, pass: (ms: number) => ((now += ms), reads.expire()) };
}

describe("Reads", () => {
  const bench = readBench;

  test("R1: ready when the round is confirmed and its index applied, not before", async () => {
    const { reads, ctxs, ask } = bench(5);
    const read = reads.read({});
    ask();
    reads.confirmed([{ ctx: ctxs[0]!, index: 7 }]);
    reads.applied(6);
    expect(await Promise.race([read, Promise.resolve("pending")])).toBe("pending");
    reads.applied(7);
    expect(await read).toEqual({ kind: "ready", index: 7 });
    expect(reads.count).toBe(0);
  });

  test("who gives up while nothing is applied leaves nothing behind", async () => {
    const { reads, ctxs, ask, pass } = bench();
    const read = reads.read({ deadlineMs: 10 });
    ask();
    reads.confirmed([{ ctx: ctxs[0]!, index: 7 }]);
    expect(reads.confirmedCount).toBe(1);
    pass(10);
    expect(await read).toMatchObject({ kind: "refused", reason: "deadline" });
    expect(reads.confirmedCount).toBe(0);
  });

  test("R3: dropped on step-down, with a hint; and whatever else ends it", async () => {
    const { reads, ctxs, ask, pass } = bench();
    const dropped = reads.read({});
    ask();
    reads.failed(ctxs[0]!);
    expect(await dropped).toMatchObject({ kind: "refused", reason: "not-leader", leader: { id: "b" } });
    const slow = reads.read({ deadlineMs: 10 });
    ask();
    pass(10);
    expect(await slow).toMatchObject({ kind: "refused", reason: "deadline" });
    reads.confirmed([{ ctx: ctxs[1]!, index: 0 }]);
    const held = [reads.read({}), reads.read({})];
    expect(await reads.read({})).toMatchObject({ kind: "refused", reason: "busy" });
    reads.close("failed");
    for (const outcome of await Promise.all(held)) expect(outcome).toMatchObject({ reason: "failed" });
    expect(await reads.read({})).toMatchObject({ reason: "failed" });
  });
});

test("a core that breaks on the way leaves nobody without an answer", async () => {
  const { reads } = readBench();
  const all = [reads.read({}), reads.read({})];
  const broken = (): never => {
    throw new Error("broken");
  };
  expect(() => reads.flush(broken)).toThrow("broken");
  reads.close("failed");
  for (const outcome of await Promise.all(all)) expect(outcome).toMatchObject({ kind: "refused", reason: "failed" });
});

describe("SnapshotPolicy", () => {
  const options = { everyEntries: 10, everyBytes: 1000, minIntervalMs: 50, trailingEntries: 5, trailingBytes: 640 };

  test("is due after so many entries or bytes, and never twice within the interval", () => {
    const policy = new SnapshotPolicy(options, 0);
    policy.applied(9, 9, 9);
    expect(policy.isDue(0)).toBe(false);
    policy.applied(10, 1, 1);
    expect(policy.isDue(0)).toBe(true);
    policy.taken(0);
    expect(policy.isDue(1000)).toBe(false);
    policy.applied(11, 1, 1000);
    expect(policy.isDue(49)).toBe(false);
    expect(policy.isDue(50)).toBe(true);
    policy.taken(50);
    policy.failed();
    expect(policy.isDue(99)).toBe(false);
    expect(policy.isDue(100)).toBe(true);
  });

  test("S3: keeps the fewer of the trailing entries and bytes, and never goes past the snapshot", () => {
    const byEntries = new SnapshotPolicy(options, 0);
    byEntries.applied(100, 100, 100);
    expect(byEntries.compactUpTo(100)).toBe(95);
    expect(byEntries.compactUpTo(3)).toBe(0);
    const byBytes = new SnapshotPolicy({ ...options, trailingEntries: 1000 }, 0);
    for (let index = 1; index <= 100; index += 1) byBytes.applied(index, 1, 64);
    const upTo = byBytes.compactUpTo(100);
    // 640 bytes are ten entries; the marks know it to within a 64th.
    expect(upTo).toBeGreaterThanOrEqual(89);
    expect(upTo).toBeLessThanOrEqual(90);
    expect(byBytes.compactUpTo(50)).toBeLessThanOrEqual(50);
  });
});

describe("SnapshotCut", () => {
  async function* cutOf(state: { value: number }): AsyncGenerator<Uint8Array> {
    yield new Uint8Array([state.value]);
    yield new Uint8Array([0]);
  }

  test("a generator's cut is made now, not when it is read", async () => {
    const state = { value: 1 };
    const cut = new SnapshotCut(() => cutOf(state));
    state.value = 2;
    const chunks: number[] = [];
    for await (const [byte] of cut) chunks.push(byte!);
    expect(chunks).toEqual([1, 0]);
  });

  test("who reads a cancelled cut is told, and the generator is let go", async () => {
    let isOver = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(1);
      } finally {
        isOver = true;
      }
    }
    const cut = new SnapshotCut(endless);
    const read = (async () => {
      for await (const _ of cut) cut.cancel();
    })();
    await expect(read).rejects.toThrow("given up");
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(true);
    new SnapshotCut(() => cutOf({ value: 1 })).cancel();
  });

  test("a cut that cannot be made is told to who reads it, and to nobody else", async () => {
    const cut = new SnapshotCut(() => {
      throw new Error("no memory for a copy");
    });
    cut.cancel();
    await new Promise((resolve) => setImmediate(resolve));
    await expect(cut[Symbol.asyncIterator]().next()).rejects.toThrow("no memory for a copy");
  });
});

test("D-9: SpaceWatch says low below the reserve, enough only a tenth above it, and survives a disk that cannot tell", async () => {
  let free: number | undefined = 50;
  let run: (() => void) | undefined;
  const events: NodeEvent[] = [];
  const said: boolean[] = [];
  const timer: Timer = { cancel: () => (run = undefined) };
  const watch = new SpaceWatch(
    { freeBytes: async () => free ?? Promise.reject(new Error("no such disk")) },
    { nowMs: () => 0, nextTurn: () => {}, after: (_, next) => ((run = next), timer) },
    { reserveBytes: 100, spaceCheckMs: 1, onEvent: (event) => events.push(event) },
    (low) => said.push(low),
  );
  await watch.start();
  for (const next of [105, undefined, 111, 100, 99]) {
    free = next;
    run?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(said).toEqual([true, false, true]);
  expect(events).toHaveLength(3);
  watch.stop();
  expect(run).toBeUndefined();
});

test("nodeOptions() refuses numbers that make no sense, by their names", () => {
  expect(() => nodeOptions({ tickMs: 0 })).toThrow("Cannot start a Raft node: tickMs is 0, it must be at least 1");
  expect(() => nodeOptions({ snapshots: { everyEntries: Number.NaN } })).toThrow("everyEntries is NaN");
  expect(nodeOptions({ tickMs: 10 }).stopStepMs).toBe(200);
});
