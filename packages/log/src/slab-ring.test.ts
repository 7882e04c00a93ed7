import * as fc from "fast-check";
import { expect, test } from "vitest";
import { InvariantError } from "@varve/format";
import { SlabRing } from "./slab-ring.ts";
import type { Piece } from "./slab-ring.ts";

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

test("SlabRing.copy() copies, and fills a slab again once all of its pieces were given back", () => {
  const ring = new SlabRing({ slabBytes: 100, slabsMax: 1 });
  const source = filled(25, 1);
  const first = ring.copy(source)!;
  source.fill(9);
  expect(first.bytes).toEqual(filled(25, 1));
  const others = [2, 3, 4].map((value) => ring.copy(filled(25, value))!);
  expect(ring.copy(filled(25, 5))).toBeUndefined();
  for (const piece of others) ring.giveBack(piece);
  expect(ring.copy(filled(25, 5))).toBeUndefined();
  ring.giveBack(first);
  const again = ring.copy(filled(25, 6))!;
  expect(again.slab).toBe(first.slab);
  expect(ring.allocatedBytes).toBe(100);
});

test("SlabRing.abandon() leaves the slab to whoever still looks at it, and makes room for another", () => {
  const ring = new SlabRing({ slabBytes: 100, slabsMax: 1 });
  const [kept, other] = [ring.copy(filled(25, 1))!, ring.copy(filled(25, 2))!];
  ring.abandon(kept);
  expect(ring.allocatedBytes).toBe(0);
  ring.giveBack(other);
  for (let value = 3; value < 7; value++) expect(ring.copy(filled(25, value))?.slab).not.toBe(kept.slab);
  expect(ring.copy(filled(25, 7))).toBeUndefined();
  expect(kept.bytes).toEqual(filled(25, 1));
});

test("SlabRing.hold() keeps a slab from being filled again until it is given back as often", () => {
  const ring = new SlabRing({ slabBytes: 100, slabsMax: 1 });
  const pieces = [1, 2, 3, 4].map((value) => ring.copy(filled(25, value))!);
  ring.hold(pieces[0]!);
  for (const piece of pieces) ring.giveBack(piece);
  expect(ring.copy(filled(25, 5))).toBeUndefined();
  expect(pieces[0]!.bytes).toEqual(filled(25, 1));
  ring.giveBack(pieces[0]!);
  expect(ring.copy(filled(25, 5))?.slab).toBe(pieces[0]!.slab);
});

test("SlabRing keeps small pieces apart, and has no place for what would fill more than a quarter of a slab", () => {
  const ring = new SlabRing({ slabBytes: 1024, slabsMax: 4 });
  expect(ring.copy(filled(257, 1))).toBeUndefined();
  const large = ring.copy(filled(256, 1))!;
  expect(ring.copy(filled(4, 2))!.slab).toBe(large.slab);
  expect(ring.copy(filled(3, 3))!.slab).not.toBe(large.slab);
});

test("SlabRing says when a piece is given back twice", () => {
  const ring = new SlabRing({ slabBytes: 100, slabsMax: 1 });
  const piece = ring.copy(filled(25, 1))!;
  ring.giveBack(piece);
  expect(() => ring.giveBack(piece)).toThrow(InvariantError);
  expect(() => ring.abandon(piece)).toThrow(InvariantError);
});

test("SlabRing never changes a piece before it is given back, one that was abandoned never, and stays within its slabs", () => {
  const step = fc.record({
    kind: fc.constantFrom("copy", "copy", "copy", "giveBack", "giveBack", "abandon"),
    length: fc.nat(300),
    pick: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 6 }), (steps, slabsMax) => {
      const ring = new SlabRing({ slabBytes: 1024, slabsMax });
      const live: { piece: Piece; value: number }[] = [];
      const abandoned: { piece: Piece; value: number }[] = [];
      let value = 0;
      for (const { kind, length, pick } of steps) {
        if (kind === "copy") {
          value = (value + 1) % 256;
          const piece = ring.copy(filled(length, value));
          if (piece !== undefined) live.push({ piece, value });
        } else if (live.length > 0) {
          const [gone] = live.splice(pick % live.length, 1);
          if (kind === "giveBack") ring.giveBack(gone!.piece);
          else {
            ring.abandon(gone!.piece);
            abandoned.push(gone!);
          }
        }
        expect(ring.allocatedBytes).toBeLessThanOrEqual(slabsMax * 1024);
      }
      for (const each of [...live, ...abandoned]) {
        expect(each.piece.bytes.every((byte) => byte === each.value)).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});
