import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encodeCheckedFile } from "./checked-file.ts";
import {
  decodeProducerState,
  encodeProducerState,
  planProducerSnapshots,
  producerStateFileName,
  producerStateOffset,
} from "./producer-state-file.ts";
import type { ProducerEntry } from "./producer-state.ts";

const entries: ProducerEntry[] = [
  {
    producerId: Number.MAX_SAFE_INTEGER,
    producerEpoch: 32_767,
    coordinatorEpoch: -1,
    nextSequence: -1,
    batches: [],
    lastWrittenMs: 1_800_000_000_000,
    transactionStart: -1,
  },
  {
    producerId: 7,
    producerEpoch: 2,
    coordinatorEpoch: 9,
    nextSequence: 2_147_483_647,
    batches: [
      { firstSequence: 2_147_483_640, lastSequence: 2_147_483_646, firstOffset: 5, lastOffset: 11, timestampMs: -1 },
      { firstSequence: 0, lastSequence: 0, firstOffset: 2 ** 50, lastOffset: 2 ** 50, timestampMs: 1_454_284_800_000 },
    ],
    lastWrittenMs: 0,
    transactionStart: 5,
  },
];

test("decodeProducerState() reads what encodeProducerState() wrote", () => {
  expect(decodeProducerState(encodeProducerState(123, entries))).toEqual({ kind: "ok", offset: 123, entries });
  expect(decodeProducerState(encodeProducerState(0, []))).toEqual({ kind: "ok", offset: 0, entries: [] });
});

test("decodeProducerState() finds every flipped bit and every cut", () => {
  const file = encodeProducerState(123, entries);
  for (let bit = 0; bit < file.length * 8; bit++) {
    const flipped = Uint8Array.from(file);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(decodeProducerState(flipped).kind, `bit ${bit}`).toBe("bad");
  }
  for (let length = 0; length < file.length; length++) {
    expect(decodeProducerState(file.subarray(0, length)).kind, `length ${length}`).toBe("bad");
  }
});

test("decodeProducerState() survives any payload, and allocates no more than it holds", () => {
  const magic = new DataView(encodeProducerState(0, []).buffer).getUint32(0, true);
  const payload = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(payload, fc.boolean(), (bytes, small) => {
      // Small counts get further into the decoder than random ones.
      if (small && bytes.length >= 12) bytes.fill(0, 0, 12)[8] = bytes.length % 4;
      const read = decodeProducerState(encodeCheckedFile(magic, 1, bytes));
      if (read.kind === "ok") expect(read.entries.length).toBeLessThanOrEqual(bytes.length / 36);
    }),
    { numRuns: 500 },
  );
  const lying = new Uint8Array(12);
  new DataView(lying.buffer).setUint32(8, 0xffff_ffff, true);
  expect(decodeProducerState(encodeCheckedFile(magic, 1, lying))).toMatchObject({
    why: "the file ends inside a producer",
  });
});

test("producerStateFileName() sorts as offsets do, and producerStateOffset() reads it back", () => {
  expect(producerStateFileName(42)).toBe("producer-state-00000000000000000042");
  expect(producerStateOffset(producerStateFileName(42))).toBe(42);
  for (const name of ["producer-state-42", "producer-state-00000000000000000042.tmp", "00000000000000000042.log"]) {
    expect(producerStateOffset(name)).toBeUndefined();
  }
  expect(producerStateOffset("producer-state-99999999999999999999")).toBeUndefined();
});

test("planProducerSnapshots() F-10: discards what lies above the end, keeps one at or below the high watermark", () => {
  const plan = planProducerSnapshots([10, 50, 20, 40, 30], { logEndOffset: 45, highWatermark: 25 });
  expect(plan).toEqual({ use: 40, discard: [10, 50] });
  expect(planProducerSnapshots([50], { logEndOffset: 45, highWatermark: 45 })).toEqual({
    use: undefined,
    discard: [50],
  });
  expect(planProducerSnapshots([], { logEndOffset: 45, highWatermark: 45 })).toEqual({ use: undefined, discard: [] });
});

test("planProducerSnapshots() F-10: after any truncation to the high watermark or above, a snapshot is left", () => {
  const bounds = fc.record({ end: fc.nat(100), behind: fc.nat(100), cut: fc.nat(100) });
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(120), { maxLength: 8 }), bounds, (offsets, { end, behind, cut }) => {
      const highWatermark = Math.max(0, end - behind);
      const plan = planProducerSnapshots(offsets, { logEndOffset: end, highWatermark });
      const left = offsets.filter((offset) => !plan.discard.includes(offset));
      expect(left.length).toBeLessThanOrEqual(3);
      expect(left.every((offset) => offset <= end)).toBe(true);
      const target = Math.min(end, highWatermark + cut);
      const again = planProducerSnapshots(left, { logEndOffset: target, highWatermark });
      if (offsets.some((offset) => offset <= highWatermark)) expect(again.use).toBeDefined();
    }),
  );
});
