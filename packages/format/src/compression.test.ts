// SPDX-License-Identifier: Apache-2.0
// Foreign bytes: written by lz4 1.9.4, zstd 1.5.4 and Python's gzip on the command line.
import * as fc from "fast-check";
import * as lz4 from "lz4-napi";
import * as zlib from "node:zlib";
import { describe, expect, it } from "vitest";

import { CompressionError } from "./compression/compression-error.ts";
import { snappyRaw } from "./compression/snappy.ts";
import { nodeZstd, unzstd, wasmZstd, zstd } from "./compression/zstd.ts";
import { zstdFrames } from "./compression/zstd-frame.ts";
import { compressBatch, compressBytes, decompressBatch, decompressBytes, decompressRecords } from "./compression.ts";
import type { FormatErrorCode } from "./format-error.ts";
import { buildBatch } from "./record-batch/builder.ts";
import { batchHeaderBytes, codecOf, codecs, readBatchHeader, type Codec } from "./record-batch/layout.ts";
import { readRecords } from "./record-batch/read-records.ts";
import { readPlainRecords } from "./record-batch/reader.ts";
import { checkProducedBatch } from "./record-batch/validate.ts";

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

const small = Array.from({ length: 12 }, (_, index) => `varve ${index} `).join("");
const pattern = Array.from({ length: 4000 }, (_, index) => `line ${index % 30} of the pattern;`).join("");

/** Linked blocks (they look back into each other), block checksums, two blocks. */
const lz4Linked =
  "04224d185440aed9010000f1076c696e652030206f6620746865207061747465726e3b16001f311600021f321600021f331600021f341600021f351600021f361600021f371600021f381600021f391600021f31dd00040fde00031f31df00031f31e000031f31e100031f31e200031f31e300031f31e400031f31e500031f31e600031f32e600031f32e600031f32e600031f32e600031f32e600031f32e600031f32e600031f32e600031f32e600031f32e600030fe500030fe400040f0e02020fe200030fe100030fe000030fdf00030fde00030fdd00030fdc00030fa802ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff5c506f662074680c1874ba730000000cf4ff0f1afe030f00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff48507465726e3bbe1af70400000000bdb2b2a0";
/** From a pipe: no content size. */
const zstdPattern =
  "28b52ffd0458f5040012040d1590558d0168487a9c86f8ff5b9465494b78ea6e1002aaaafaffffaaaa2287511083b065775072014b49019431a996a682b23b283220304389ee06b25dabe6a01c8551847215a648e5288c2229576c258c51e0d80a20a340b215504681652bc08c02cd14a840e5145611ca51584594a3308aa85cba0a43afc819e5cc52581945c8556ebcc2c42812960260f57dcc27bef3b19f7cf763f013e4e79d8c4a7751";
const lz4WithSize =
  "04224d186c406200000000000000d23c0000008276617276652030200800133108001332080013330800133408001335080013360800133708001338080013390800c0313020766172766520313120000000004eaa9a96";
const zstdWithSize =
  "28b52ffd24626d0100a076617276652030203132333435363738393131200b00542802f281cc4016900f6406b2807c203390c586c2058755d0d4";
const zstdWithoutSize =
  "28b52ffd04586d0100a076617276652030203132333435363738393131200b00542802f281cc4016900f6406b2807c203390c586c2058755d0d4";
const gzipVarve = "1f8b08000000000002032b4b2c2a4b05008d85e22005000000";

const compressing = codecs.filter((codec) => codec !== "none");

async function codeOf(work: Promise<unknown>): Promise<FormatErrorCode | "none"> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (error instanceof CompressionError) return error.code;
    throw error;
  }
}

/** xerial framing around raw snappy blocks, by the specification and apart from our writer. */
async function xerial(...plains: Uint8Array[]): Promise<Uint8Array> {
  const parts = [Buffer.from("82534e41505059000000000100000001", "hex")];
  for (const plain of plains) {
    const block = await snappyRaw(plain);
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    parts.push(length, Buffer.from(block));
  }
  return Buffer.concat(parts);
}

describe("decompressBytes()", () => {
  it.each([
    ["gzip", gzipVarve, "varve"],
    ["gzip", gzipVarve + gzipVarve, "varvevarve"],
    ["lz4", lz4WithSize, small],
    ["lz4", lz4Linked, pattern],
    ["lz4", lz4Linked + lz4WithSize, pattern + small],
    ["zstd", zstdWithSize, small],
    ["zstd", zstdWithoutSize, small],
    ["zstd", zstdPattern, pattern],
    ["zstd", `${zstdPattern}502a4d1803000000aabbcc${zstdWithSize}`, pattern + small],
    // By the format description: a literal, and a copy that overlaps itself.
    ["snappy", "0c087661721503", "varvarvarvar"],
  ] as const)("reads %s as others write it (%#)", async (codec, hex, expected) => {
    expect(textOf(await decompressBytes(bytesOf(hex), codec, 1 << 20))).toBe(expected);
    // Exactly enough room is enough, one byte less is not.
    expect(textOf(await decompressBytes(bytesOf(hex), codec, expected.length))).toBe(expected);
    expect(await codeOf(decompressBytes(bytesOf(hex), codec, expected.length - 1))).toBe("TOO_LARGE");
  });

  it("reads both forms of snappy, and several xerial blocks", async () => {
    const plain = Buffer.from(pattern);
    expect(textOf(await decompressBytes(await snappyRaw(plain), "snappy", 1 << 20))).toBe(pattern);
    const blocks = await xerial(plain, Buffer.from(small), plain);
    expect(textOf(await decompressBytes(blocks, "snappy", 1 << 20))).toBe(pattern + small + pattern);
    const bound = 2 * pattern.length + small.length;
    expect(await codeOf(decompressBytes(blocks, "snappy", bound - 1))).toBe("TOO_LARGE");
  });

  it("gives none back as it is", async () => {
    const bytes = new Uint8Array(3);
    expect(await decompressBytes(bytes, "none", 0)).toBe(bytes);
  });

  it.each(compressing)("%s: a limit of nothing allows nothing, not one byte", async (codec) => {
    expect(await codeOf(decompressBytes(await compressBytes(new Uint8Array(1), codec), codec, 0))).toBe("TOO_LARGE");
    expect(await decompressBytes(await compressBytes(new Uint8Array(0), codec), codec, 0)).toHaveLength(0);
  });

  it("refuses a bomb at the limit, in memory that does not follow its size", async () => {
    const zeros = new Uint8Array(96 << 20);
    const limit = 1 << 20;
    for (const codec of compressing) {
      const bomb = await compressBytes(zeros, codec, 1);
      const before = process.memoryUsage();
      expect(await codeOf(decompressBytes(bomb, codec, limit)), codec).toBe("TOO_LARGE");
      const after = process.memoryUsage();
      const grown = after.arrayBuffers + after.external - before.arrayBuffers - before.external;
      expect(grown, codec).toBeLessThan(32 << 20);
    }
  });

  it("allocates nothing for a claim that the bytes cannot keep", async () => {
    const limit = 2 ** 31;
    const before = process.memoryUsage().rss;
    // A snappy block of 6 bytes that claims 1 GiB; a zstd frame of one empty block that claims 1 GiB.
    const block = decompressBytes(bytesOf("808080800400"), "snappy", limit);
    await expect(block).rejects.toThrow(/a block of 6 bytes claims 1073741824/);
    const frame = decompressBytes(bytesOf("28b52ffda000000040010000"), "zstd", limit);
    await expect(frame).rejects.toThrow(/a frame claims 1073741824 bytes and holds 0 at most/);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  });

  it.each([
    ["gzip", "1f8b0800"],
    ["gzip", "00"],
    ["gzip", ""],
    ["snappy", "ffffffffff"],
    ["snappy", "0c08766172180403"],
    ["snappy", "82534e4150505900000000010000000100000009ff"],
    ["snappy", "82534e41505059000000000100000001ffffffff"],
    ["snappy", "82534e415050590000000001000000010000"],
    ["snappy", ""],
    ["lz4", "04224d18"],
    ["lz4", "04224d18604073"],
    ["lz4", "04224d186040730500000001"],
    ["lz4", "04224d18e0407300000000"],
    ["lz4", "04224d1860007300000000"],
    ["lz4", "aabbccdd60407300000000"],
    // A content checksum of four bytes is announced, three are there.
    ["lz4", "04224d1864407300000000aabbcc"],
    ["lz4", ""],
    ["zstd", "28b52ffd"],
    ["zstd", `${zstdWithSize}00`],
    ["zstd", zstdWithSize.slice(0, -2)],
    ["zstd", `28b52ffd2463${zstdWithSize.slice(12)}`],
  ] as const)("refuses malformed %s %s", async (codec, hex) => {
    expect(await codeOf(decompressBytes(bytesOf(hex), codec, 1 << 20))).toBe("MALFORMED");
  });

  it("refuses what needs a dictionary", async () => {
    expect(await codeOf(decompressBytes(bytesOf("04224d1861407300000000"), "lz4", 99))).toBe("UNSUPPORTED");
    expect(await codeOf(decompressBytes(bytesOf("28b52ffd2107010000"), "zstd", 99))).toBe("UNSUPPORTED");
  });
});

describe("compressBytes()", () => {
  it.each(compressing)("%s gives back any bytes", async (codec) => {
    for (const plain of [new Uint8Array(0), Buffer.from("v"), Buffer.from(pattern.repeat(3)), noise(200_000)]) {
      const compressed = await compressBytes(plain, codec);
      expect(Buffer.compare(await decompressBytes(compressed, codec, plain.length), plain)).toBe(0);
    }
  });

  it("writes lz4 frames of independent blocks, as Java's reader demands", async () => {
    const frame = await compressBytes(noise(500_000), "lz4");
    expect(frame[4]! & 0x20).toBe(0x20);
    expect((frame[5]! >> 4) & 7).toBeLessThanOrEqual(7);
    expect(Buffer.compare(await lz4.decompressFrame(frame), noise(500_000))).toBe(0);
  });

  it("writes gzip that zlib reads, and the xerial header of snappy", async () => {
    expect(zlib.gunzipSync(await compressBytes(Buffer.from(small), "gzip", 9)).toString()).toBe(small);
    expect(hexOf((await compressBytes(Buffer.from(small), "snappy")).subarray(0, 16))).toBe(
      "82534e41505059000000000100000001",
    );
  });
});

describe("the two zstd engines", () => {
  const engines = [["wasm", wasmZstd] as const, ...(nodeZstd === undefined ? [] : [["node", nodeZstd] as const])];

  it.each(engines)("%s reads foreign frames and what any engine writes", async (_, engine) => {
    expect(textOf(await unzstd(bytesOf(zstdPattern + zstdWithSize), 1 << 20, engine))).toBe(pattern + small);
    for (const [, writer] of engines) {
      const frame = await zstd(Buffer.from(pattern), 5, writer);
      expect(zstdFrames(frame)).toEqual([
        { start: 0, end: frame.length, plainBytesMax: pattern.length, sizeKnown: true },
      ]);
      expect(textOf(await unzstd(frame, pattern.length, engine))).toBe(pattern);
      expect(await codeOf(unzstd(frame, pattern.length - 1, engine))).toBe("TOO_LARGE");
    }
    expect(await codeOf(unzstd(bytesOf(zstdPattern), pattern.length - 1, engine))).toBe("TOO_LARGE");
  });

  it("the WebAssembly one is not asked for more memory than it has", async () => {
    await expect(wasmZstd.decompress(bytesOf(zstdPattern), 2 ** 31)).rejects.toMatchObject({ code: "TOO_LARGE" });
  });

  it("node's own is used where Node has it", () => {
    expect(nodeZstd !== undefined).toBe("zstdCompress" in zlib);
  });
});

describe("compressBatch()", () => {
  const records = Array.from({ length: 50 }, (_, index) => ({
    key: Buffer.from(`key ${index}`),
    value: Buffer.from(small),
    headers: [{ key: "n", value: null }],
    timestampMs: 1_700_000_000_000 + index,
  }));
  const plain = buildBatch(records, { producerId: 7, producerEpoch: 1, baseSequence: 9 });

  it.each(compressing)("%s keeps header and records, under a checksum of its own", async (codec) => {
    const batch = await compressBatch(plain, codec);
    expect(checkProducedBatch(batch, { maxBatchBytes: plain.length })).toBeUndefined();
    const { sizeBytes, crc, attributes, ...rest } = readBatchHeader(batch);
    expect(readBatchHeader(plain)).toMatchObject(rest);
    expect([sizeBytes, codecOf(attributes)]).toEqual([batch.length, codec]);
    expect(crc).not.toBe(readBatchHeader(plain).crc);
    expect(await readRecords(batch)).toEqual(readPlainRecords(plain));
    expect(hexOf(await decompressBatch(batch, 1 << 20))).toBe(hexOf(plain));
    expect(await codeOf(readRecords(batch, { plainBytesMax: 100 }))).toBe("TOO_LARGE");
    expect(await codeOf(compressBatch(batch, "gzip"))).toBe("UNSUPPORTED");
  });

  it("none gives the batch itself; plain records are a view of it", async () => {
    expect(await compressBatch(plain, "none")).toBe(plain);
    expect(await decompressBatch(plain, 0)).toBe(plain);
    const section = await decompressRecords(plain, readBatchHeader(plain), 0);
    expect(section.buffer).toBe(plain.buffer);
    expect(section.byteOffset).toBe(plain.byteOffset + batchHeaderBytes);
  });
});

describe("damaged compressed batches", () => {
  const runs = Number(process.env["VARVE_FUZZ"] ?? 40);

  it.each(compressing)(
    "%s: any damage is an error or other bytes, within the limit, never anything else",
    async (codec) => {
      const good = await compressBytes(Buffer.from(pattern.slice(0, 5000)), codec);
      const damage = fc.array(fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255) }), {
        minLength: 1,
        maxLength: 4,
      });
      await fc.assert(
        fc.asyncProperty(damage, fc.nat(good.length), async (changes, keep) => {
          const bad = good.slice(0, keep % 3 === 0 ? keep : good.length);
          for (const { at, byte } of changes) bad[Math.min(at, bad.length - 1)] = byte;
          await expectBounded(bad, codec);
        }),
        { numRuns: runs },
      );
    },
  );

  it.each(compressing)("%s: noise is refused", async (codec) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => expectBounded(bytes, codec)),
      { numRuns: runs },
    );
  });
});

async function expectBounded(bytes: Uint8Array, codec: Codec): Promise<void> {
  const limit = 8192;
  try {
    expect((await decompressBytes(bytes, codec, limit)).length).toBeLessThanOrEqual(limit);
  } catch (error) {
    expect(error).toBeInstanceOf(CompressionError);
  }
}

/** Bytes that no codec shortens, the same in every run. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 1;
  for (let index = 0; index < length; index++) {
    state = Math.imul(state, 1664525) + 1013904223;
    bytes[index] = state >>> 24;
  }
  return bytes;
}
