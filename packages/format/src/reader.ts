// SPDX-License-Identifier: Apache-2.0
// Reads what `ByteWriter` writes, from bytes that nobody vouches for. Every read checks its bounds before it looks or
// allocates; what does not fit is a `FormatError`, never a wrapped value.

import { FormatError } from "./format-error.ts";
import { printUuid } from "./uuid.ts";

const two32 = 0x1_0000_0000;

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #at: number;

  /** Reads `bytes[start, end)`; the bytes are borrowed for the life of the reader. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    if (start < 0 || end > bytes.length || start > end) {
      throw new FormatError("TRUNCATED", `Cannot read bytes ${start} to ${end} of ${bytes.length}.`);
    }
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  /** Where the next read begins, counted from the start of the bytes given. */
  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  int8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  boolean(): boolean {
    return this.#view.getInt8(this.#take(1)) !== 0;
  }

  int16(): number {
    return this.#view.getInt16(this.#take(2));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  /** Eight bytes as a safe integer; UNSAFE_INTEGER when they hold more (ADR 0001). */
  int64(): number {
    const at = this.#take(8);
    const value = this.#view.getInt32(at) * two32 + this.#view.getUint32(at + 4);
    if (!Number.isSafeInteger(value)) throw unsafeInteger(at);
    return value;
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** An unsigned varint of at most five bytes, below 2^32: counts, lengths, tags. */
  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#take(1)]!;
      if (shift === 28 && byte > 15) break;
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    throw new FormatError("MALFORMED", `Cannot read a varint that ends at byte ${this.#at}: it exceeds 32 bits.`);
  }

  /** A zigzag varint of 32 bits. */
  varint(): number {
    const zigzag = this.uvarint();
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  /** A zigzag varlong; UNSAFE_INTEGER when it exceeds 53 bits. */
  varlong(): number {
    const start = this.#at;
    let byte = this.#bytes[this.#take(1)]!;
    const negative = (byte & 1) === 1;
    let magnitude = (byte & 127) >>> 1;
    let weight = 64;
    for (let count = 1; byte >= 128; count++) {
      if (count === 10) throw new FormatError("MALFORMED", `Cannot read the varlong at byte ${start}: over 10 bytes.`);
      byte = this.#bytes[this.#take(1)]!;
      magnitude += (byte & 127) * weight;
      weight *= 128;
    }
    // Beyond 2^53 the sum is rounded, but never down to a safe integer.
    const value = negative ? -magnitude - 1 : magnitude;
    if (!Number.isSafeInteger(value)) throw unsafeInteger(start);
    return value;
  }

  /** The next `count` bytes as a view into the bytes given: borrowed. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** The next `count` bytes as text; malformed UTF-8 becomes U+FFFD, as everywhere in Node. */
  utf8(count: number): string {
    const at = this.#take(count);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, count).toString("utf8");
  }

  /** 16 bytes as 32 hexadecimal digits. */
  uuid(): string {
    return printUuid(this.#bytes, this.#take(16));
  }

  skip(count: number): void {
    this.#take(count);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count < 0 || count > this.#end - at) {
      throw new FormatError("TRUNCATED", `Cannot read ${count} bytes at byte ${at}: ${this.#end - at} are left.`);
    }
    this.#at = at + count;
    return at;
  }
}

function unsafeInteger(at: number): FormatError {
  return new FormatError("UNSAFE_INTEGER", `Cannot read the integer at byte ${at}: it exceeds 53 bits.`);
}
