import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { durableReplicas, nextHighWatermark } from "./high-watermark.ts";

const progress = (offsets: Readonly<Record<number, number>>) => (id: number) => ({ countedOffset: offsets[id] });

describe("nextHighWatermark", () => {
  it("follows the leader alone when it is the only replica", () => {
    const input = { highWatermark: 3, committedIsr: [1], minIsr: 1 };
    expect(nextHighWatermark(input, progress({ 1: 9 }))).toBe(9);
    expect(nextHighWatermark(input, progress({ 1: 2 }))).toBe(3);
  });

  it("is the lowest counted offset of the whole ISR (H-2)", () => {
    const input = { highWatermark: 0, committedIsr: [1, 2, 3], minIsr: 2 };
    expect(nextHighWatermark(input, progress({ 1: 120, 2: 117, 3: 115, 4: 80 }))).toBe(115);
  });

  it("stands still while the committed ISR has fewer than minIsr members (H-2, W3)", () => {
    expect(nextHighWatermark({ highWatermark: 4, committedIsr: [1], minIsr: 2 }, progress({ 1: 9 }))).toBe(4);
    const proposed = { highWatermark: 4, committedIsr: [1], minIsr: 2, proposed: [2] };
    expect(nextHighWatermark(proposed, progress({ 1: 9, 2: 9 }))).toBe(4);
  });

  it("waits for members that are only proposed, in either direction (A-1, W2)", () => {
    const input = { highWatermark: 0, committedIsr: [1, 2], minIsr: 2, proposed: [3] };
    expect(nextHighWatermark(input, progress({ 1: 10, 2: 10, 3: 0 }))).toBe(0);
    expect(nextHighWatermark({ ...input, proposed: [], joining: [3] }, progress({ 1: 10, 2: 10, 3: 6 }))).toBe(6);
  });

  it("is blocked by a member that has not fetched in this epoch (W13)", () => {
    expect(nextHighWatermark({ highWatermark: 95, committedIsr: [1, 3], minIsr: 2 }, progress({ 1: 100 }))).toBe(95);
  });

  it("never falls, never passes a member of the maximal ISR, and moves only with minIsr members", () => {
    const ids = fc.subarray([1, 2, 3, 4, 5], { minLength: 1 });
    const offsets = fc.dictionary(fc.constantFrom("1", "2", "3", "4", "5"), fc.nat(50));
    fc.assert(
      fc.property(
        ids,
        ids,
        offsets,
        fc.nat(50),
        fc.integer({ min: 1, max: 3 }),
        (isr, proposed, known, before, minIsr) => {
          const counted = (id: number): number | undefined => known[String(id)];
          const after = nextHighWatermark({ highWatermark: before, committedIsr: isr, proposed, minIsr }, (id) => ({
            countedOffset: counted(id),
          }));
          expect(after).toBeGreaterThanOrEqual(before);
          if (after === before) return;
          expect(isr.length).toBeGreaterThanOrEqual(minIsr);
          for (const id of [...isr, ...proposed]) expect(counted(id)).toBeGreaterThanOrEqual(after);
        },
      ),
    );
  });
});

describe("durableReplicas", () => {
  it("counts the replicas that hold everything below the offset", () => {
    const durable = new Map([
      [1, 10],
      [2, 9],
    ]);
    expect(durableReplicas([1, 2, 3], 10, (id) => durable.get(id))).toBe(1);
    expect(durableReplicas([1, 2, 3], 9, (id) => durable.get(id))).toBe(2);
  });
});
