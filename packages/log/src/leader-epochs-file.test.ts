import { crc32c } from "@varve/format";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encodeCheckedFile } from "./checked-file.ts";
import { decodeLeaderEpochs, encodeLeaderEpochs } from "./leader-epochs-file.ts";

const runs = [
  { epoch: 0, start: 0 },
  { epoch: 3, start: 17 },
  { epoch: 0x7fff_ffff, start: Number.MAX_SAFE_INTEGER },
];

test("decodeLeaderEpochs() reads what encodeLeaderEpochs() wrote", () => {
  for (const list of [[], runs.slice(0, 1), runs]) {
    const read = decodeLeaderEpochs(encodeLeaderEpochs(list));
    expect(read.kind === "ok" ? read.runs.toArray() : read).toEqual(list);
  }
});

test("decodeLeaderEpochs() finds every flipped bit and every cut", () => {
  const file = encodeLeaderEpochs(runs);
  for (let bit = 0; bit < file.length * 8; bit++) {
    const flipped = Uint8Array.from(file);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(decodeLeaderEpochs(flipped).kind, `bit ${bit}`).toBe("bad");
  }
  for (let length = 0; length < file.length; length++) {
    expect(decodeLeaderEpochs(file.subarray(0, length)).kind, `length ${length}`).toBe("bad");
  }
  expect(decodeLeaderEpochs(Buffer.concat([file, Buffer.alloc(1)])).kind).toBe("bad");
});

test("decodeLeaderEpochs() refuses the version of a newer Varve instead of calling it damaged", () => {
  const file = encodeLeaderEpochs(runs);
  const view = new DataView(file.buffer);
  view.setUint32(4, 2, true);
  view.setUint32(file.length - 4, crc32c(file, 0, file.length - 4), true);
  expect(decodeLeaderEpochs(file)).toMatchObject({ kind: "unknown-version" });
});

test("decodeLeaderEpochs() takes no epochs that do not rise, no count that lies, and survives any payload", () => {
  const falling = [
    { epoch: 3, start: 0 },
    { epoch: 2, start: 5 },
  ];
  expect(decodeLeaderEpochs(encodeLeaderEpochs(falling))).toEqual({ kind: "bad", why: "epochs that do not rise" });
  const magic = new DataView(encodeLeaderEpochs([]).buffer).getUint32(0, true);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (payload) => {
      const read = decodeLeaderEpochs(encodeCheckedFile(magic, 1, payload));
      if (read.kind === "ok") expect(encodeLeaderEpochs(read.runs.runs)).toEqual(encodeCheckedFile(magic, 1, payload));
    }),
  );
});
