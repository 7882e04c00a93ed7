// SPDX-License-Identifier: Apache-2.0
// LZ4 frames (magic 0x184D2204). We write independent blocks, which Java's reader demands. Reading goes block by block, so
// that a frame which expands 255-fold is given up at the limit and never allocated; the checksums inside the frame are
// passed over, because the batch's CRC-32C has covered every byte of it.
//
//   magic 4 | FLG 1 | BD 1 | [content size 8] | header checksum 1
//   per block: size 4 (high bit: stored plain) | bytes | [checksum 4]        size 0 ends the frame | [checksum 4]

import * as lz4 from "lz4-napi";

import { malformed, tooLarge, CompressionError } from "./compression-error.ts";

const frameMagic = 0x184d2204;
const flags = { contentChecksum: 0x04, contentSize: 0x08, blockChecksum: 0x10, independent: 0x20 } as const;
const flagReserved = 0x02;
const flagDictionary = 0x01;

/** How far a block may look back into earlier ones when they are linked. */
const windowBytes = 64 * 1024;

interface Frame {
  /** Where its first block begins. */
  at: number;
  blockBytesMax: number;
  linked: boolean;
  blockChecksumBytes: number;
  contentChecksumBytes: number;
}

/** Owned plain bytes of one or more frames, at most `maxBytes`. */
export async function unlz4(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let plainBytes = 0;
  let at = 0;
  do {
    const frame = readFrameHeader(bytes, view, at);
    let window: Uint8Array | undefined;
    at = frame.at;
    for (;;) {
      const word = readWord(view, at);
      at += 4;
      if (word === 0) break;
      const length = word & 0x7fff_ffff;
      if (length > bytes.length - at)
        throw malformed("lz4", `a block claims ${length} bytes, ${bytes.length - at} are left`);
      const block = bytes.subarray(at, at + length);
      const part = word >>> 31 === 1 ? block : await decompressBlock(block, frame.blockBytesMax, window);
      plainBytes += part.length;
      if (plainBytes > maxBytes) throw tooLarge("lz4", maxBytes);
      parts.push(part);
      if (frame.linked) window = nextWindow(window, part);
      at += length + frame.blockChecksumBytes;
    }
    at += frame.contentChecksumBytes;
  } while (at < bytes.length);
  if (at !== bytes.length) throw malformed("lz4", "a checksum is cut off");
  return Buffer.concat(parts, plainBytes);
}

/** One frame of independent blocks, owned. */
export async function lz4Frame(plain: Uint8Array): Promise<Uint8Array> {
  return lz4.compressFrame(plain);
}

function readFrameHeader(bytes: Uint8Array, view: DataView, at: number): Frame {
  if (readWord(view, at) !== frameMagic) throw malformed("lz4", "a frame does not begin with its magic");
  if (bytes.length - at < 7) throw malformed("lz4", "a frame header is cut off");
  const flag = bytes[at + 4]!;
  const sizeCode = (bytes[at + 5]! >> 4) & 7;
  if (flag >> 6 !== 1 || (flag & flagReserved) !== 0) throw malformed("lz4", `a frame has flags ${flag}`);
  if ((flag & flagDictionary) !== 0) {
    throw new CompressionError("lz4", "UNSUPPORTED", "Cannot decompress the lz4 bytes: they need a dictionary.");
  }
  if (sizeCode < 4) throw malformed("lz4", `a frame has block size code ${sizeCode}`);
  return {
    at: at + 7 + ((flag & flags.contentSize) !== 0 ? 8 : 0),
    blockBytesMax: 1 << (8 + 2 * sizeCode),
    linked: (flag & flags.independent) === 0,
    blockChecksumBytes: (flag & flags.blockChecksum) !== 0 ? 4 : 0,
    contentChecksumBytes: (flag & flags.contentChecksum) !== 0 ? 4 : 0,
  };
}

function readWord(view: DataView, at: number): number {
  if (view.byteLength - at < 4) throw malformed("lz4", "the frame is cut off");
  return view.getUint32(at, true);
}

/** The library wants the room for the plain bytes in front of a block; what the frame allows is enough. */
async function decompressBlock(block: Uint8Array, blockBytesMax: number, window?: Uint8Array): Promise<Uint8Array> {
  const input = new Uint8Array(4 + block.length);
  new DataView(input.buffer).setUint32(0, Math.min(blockBytesMax, block.length * 255), true);
  input.set(block, 4);
  try {
    return await lz4.uncompress(input, window);
  } catch (error) {
    throw malformed("lz4", (error as Error).message, error);
  }
}

/** The last 64 KiB of `window` and `part` together. */
function nextWindow(window: Uint8Array | undefined, part: Uint8Array): Uint8Array {
  if (window === undefined || part.length >= windowBytes) return part.subarray(-windowBytes);
  return Buffer.concat([window.subarray(-(windowBytes - part.length)), part]);
}
