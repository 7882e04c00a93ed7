import { assignOffsets, buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import { walkBatch } from "./batch-walk.ts";

/** Three records at 10, 11 and 12, written in epoch 4. */
function batchAt10(): Uint8Array {
  const batch = buildBatch([1, 2, 3].map((value) => ({ value: new Uint8Array([value]), timestampMs: 1 })));
  assignOffsets(batch, 0, 10, 4);
  return batch;
}

const inEpoch4 = (): number => 4;

test("walkBatch() steps over a whole batch that belongs where it lies", () => {
  const bytes = batchAt10();
  const step = walkBatch(bytes, 0, bytes.length, 10, inEpoch4);
  expect(step).toMatchObject({ kind: "batch", sizeBytes: bytes.length, endOffset: 13 });
});

test("walkBatch() J-11: a batch of another place is bad, whatever its checksum says", () => {
  const bytes = batchAt10();
  for (const expected of [0, 9, 11, 13, 2 ** 40]) {
    const why = `offset 10 where ${expected} belongs`;
    expect(walkBatch(bytes, 0, bytes.length, expected, inEpoch4)).toMatchObject({ kind: "bad", why });
  }
});

test("walkBatch() J-11: every flipped bit of the base offset, the length and the leader epoch is found", () => {
  const bytes = batchAt10();
  for (let bit = 0; bit < 16 * 8; bit += 1) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(walkBatch(flipped, 0, flipped.length, 10, inEpoch4).kind, `bit ${bit}`).not.toBe("batch");
  }
});

test("walkBatch() J-11: a batch of an epoch that did not write this offset is bad, and of any epoch when the runs are rebuilt", () => {
  const bytes = batchAt10();
  for (const [epoch, name] of [
    [3, "3"],
    [undefined, "none"],
  ] as const) {
    const step = walkBatch(bytes, 0, bytes.length, 10, () => epoch);
    expect(step).toMatchObject({ kind: "bad", why: `leader epoch 4 at offset 10, which was written in ${name}` });
  }
  expect(walkBatch(bytes, 0, bytes.length, 10, undefined).kind).toBe("batch");
});

test("walkBatch() tells a batch that the end cuts off from a bad one, wherever it ends", () => {
  const bytes = batchAt10();
  for (let end = 0; end < bytes.length; end += 1) {
    const step = walkBatch(bytes, 0, end, 10, inEpoch4);
    expect(step, `end ${end}`).toMatchObject({ kind: "cut-off", neededBytes: end < 61 ? 61 : bytes.length });
  }
});
