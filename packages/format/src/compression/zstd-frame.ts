// SPDX-License-Identifier: Apache-2.0
// The outline of zstd frames (RFC 8878, 3.1), read without decompressing: where each frame ends and how much it can hold
// at most. That decides how much to allocate, whatever a frame claims and also when it claims nothing.
//
//   magic 4 | descriptor 1 | [window 1] | [dictionary id 0-4] | [content size 0-8] | blocks | [checksum 4]
//   block: 3 bytes little-endian: last 1 bit, type 2 bits (raw, run, compressed), size 21 bits

import { CompressionError, malformed } from "./compression-error.ts";

const frameMagic = 0xfd2fb528;
/** 0x184D2A50 to 0x184D2A5F: bytes of somebody else's, to be skipped. */
const skippableMagic = 0x184d2a5;
const blockBytesMax = 128 * 1024;

export interface ZstdFrame {
  readonly start: number;
  readonly end: number;
  /** No more plain bytes than this come out of the frame. */
  readonly plainBytesMax: number;
  /** It tells its content size, and `plainBytesMax` is that. */
  readonly sizeKnown: boolean;
}

/** The frames in `bytes`, without skippable ones. CompressionError MALFORMED when the bytes are not frames from end to end. */
export function zstdFrames(bytes: Uint8Array): ZstdFrame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: ZstdFrame[] = [];
  let at = 0;
  while (at < bytes.length) {
    need(bytes, at, 8);
    const magic = view.getUint32(at, true);
    if (magic >>> 4 === skippableMagic) {
      const length = view.getUint32(at + 4, true);
      need(bytes, at + 8, length);
      at += 8 + length;
    } else if (magic === frameMagic) {
      const frame = readFrame(bytes, view, at);
      frames.push(frame);
      at = frame.end;
    } else throw malformed("zstd", "a frame does not begin with its magic");
  }
  return frames;
}

function readFrame(bytes: Uint8Array, view: DataView, start: number): ZstdFrame {
  const descriptor = bytes[start + 4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  if ((descriptor & 0x08) !== 0) throw malformed("zstd", "a frame has a reserved bit set");
  let at = start + 5 + (singleSegment ? 0 : 1);
  need(bytes, at, dictionaryBytes + sizeBytes);
  for (let index = 0; index < dictionaryBytes; index++) {
    if (bytes[at + index] !== 0) {
      throw new CompressionError("zstd", "UNSUPPORTED", "Cannot decompress the zstd bytes: they need a dictionary.");
    }
  }
  at += dictionaryBytes;
  const claimed = contentSize(view, at, sizeBytes);
  at += sizeBytes;
  let possible = 0;
  for (let last = false; !last;) {
    need(bytes, at, 3);
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    const type = (word >> 1) & 3;
    const size = word >> 3;
    last = (word & 1) === 1;
    if (type === 3 || size > blockBytesMax) throw malformed("zstd", `a block has type ${type} and ${size} bytes`);
    possible += type === 2 ? blockBytesMax : size;
    at += 3;
    need(bytes, at, type === 1 ? 1 : size);
    at += type === 1 ? 1 : size;
  }
  if ((descriptor & 0x04) !== 0) {
    need(bytes, at, 4);
    at += 4;
  }
  if (claimed !== undefined && claimed > possible) {
    throw malformed("zstd", `a frame claims ${claimed} bytes and holds ${possible} at most`);
  }
  return { start, end: at, plainBytesMax: claimed ?? possible, sizeKnown: claimed !== undefined };
}

function contentSize(view: DataView, at: number, bytes: number): number | undefined {
  if (bytes === 0) return undefined;
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at, true) + 256;
  // Beyond 2^53 it is rounded, and refused all the same.
  return view.getUint32(at, true) + (bytes === 8 ? view.getUint32(at + 4, true) * 0x1_0000_0000 : 0);
}

function need(bytes: Uint8Array, at: number, count: number): void {
  if (count > bytes.length - at) throw malformed("zstd", "a frame is cut off");
}
