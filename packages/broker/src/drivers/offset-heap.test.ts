import { array, assert, boolean, nat, property, record } from "fast-check";
import { expect, test } from "vitest";
import { OffsetHeap, type OffsetWaiter } from "./offset-heap.ts";

test("OffsetHeap gives every waiter at or below the offset, smallest first, and keeps the rest", () => {
  assert(
    property(array(record({ offset: nat(50), leaves: boolean() }), { maxLength: 60 }), nat(50), (steps, reached) => {
      const heap = new OffsetHeap<OffsetWaiter>();
      const waiting = new Set<OffsetWaiter>();
      for (const step of steps) {
        const waiter = { waitOffset: step.offset, heapIndex: -1 };
        heap.add(waiter);
        waiting.add(waiter);
        if (!step.leaves) continue;
        // Someone in the middle gives up.
        const gone = [...waiting][step.offset % waiting.size];
        if (gone === undefined) continue;
        expect(heap.remove(gone)).toBe(true);
        expect(heap.remove(gone)).toBe(false);
        waiting.delete(gone);
      }
      const expected = [...waiting].map((waiter) => waiter.waitOffset).toSorted((a, b) => a - b);
      expect(heap.nextOffset).toBe(expected[0]);
      const taken: number[] = [];
      for (let waiter = heap.takeReached(reached); waiter !== undefined; waiter = heap.takeReached(reached)) {
        taken.push(waiter.waitOffset);
      }
      expect(taken).toEqual(expected.filter((offset) => offset <= reached));
      expect(heap.size).toBe(expected.length - taken.length);
      expect(heap.takeAll()).toHaveLength(expected.length - taken.length);
      expect(heap.size).toBe(0);
    }),
  );
});
