// SPDX-License-Identifier: Apache-2.0
// A growable buffer of big-endian integers, varints and length-prefixed bytes. What is not known yet (a length, a count)
// is written as zero and patched afterwards.

import { FormatError } from "./format-error.ts";
import { invariant } from "./invariant.ts";
import { int32Max } from "./limits.ts";
import { parseUuid } from "./uuid.ts";

const two32 = 0x1_0000_0000;

export class ByteWriter {
  #bytes: Buffer;
  #view: DataView;
  #length = 0;

  constructor(initialBytes = 256) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(initialBytes, 16));
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** What was written, borrowed: valid until the next write or `reset`. */
  view(): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, 0, this.#length);
  }

  /** What was written, owned by the caller. */
  finish(): Uint8Array {
    return this.view().slice();
  }

  /** Forgets what was written and keeps the memory. */
  reset(): void {
    this.#length = 0;
  }

  int8(value: number): void {
    const at = this.#take(1);
    this.#view.setInt8(at, value);
  }

  boolean(value: boolean): void {
    const at = this.#take(1);
    this.#view.setInt8(at, value ? 1 : 0);
  }

  int16(value: number): void {
    const at = this.#take(2);
    this.#view.setInt16(at, value);
  }

  uint16(value: number): void {
    const at = this.#take(2);
    this.#view.setUint16(at, value);
  }

  int32(value: number): void {
    const at = this.#take(4);
    this.#view.setInt32(at, value);
  }

  uint32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value);
  }

  /** A safe integer as eight bytes. */
  int64(value: number): void {
    invariant(Number.isSafeInteger(value), "an int64 of ours is a safe integer");
    const at = this.#take(8);
    this.#view.setInt32(at, Math.floor(value / two32));
    this.#view.setUint32(at + 4, value >>> 0);
  }

  float64(value: number): void {
    const at = this.#take(8);
    this.#view.setFloat64(at, value);
  }

  /** An integer in [0, 2^53). */
  uvarint(value: number): void {
    invariant(Number.isSafeInteger(value) && value >= 0, "an unsigned varint is a natural number");
    let at = this.#take(8);
    let rest = value;
    while (rest >= two32 / 2) {
      this.#bytes[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    for (; rest >= 128; rest >>>= 7) this.#bytes[at++] = (rest & 127) | 128;
    this.#bytes[at++] = rest;
    this.#length = at;
  }

  /** A 32-bit integer, zigzag. */
  varint(value: number): void {
    this.uvarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** A safe integer, zigzag: up to eight bytes. */
  varlong(value: number): void {
    invariant(Number.isSafeInteger(value), "a varlong of ours is a safe integer");
    // The zigzag form may need 54 bits, one more than a number holds: its lowest seven bits are split off by hand.
    const magnitude = value < 0 ? -value - 1 : value;
    const low = (magnitude % 64) * 2 + (value < 0 ? 1 : 0);
    const rest = Math.floor(magnitude / 64);
    this.int8(rest > 0 ? low | 128 : low);
    if (rest > 0) this.uvarint(rest);
  }

  /** A copy of `bytes`, without a length. */
  raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** UTF-8 of `text`, without a length. Returns the number of bytes. */
  utf8(text: string): number {
    const size = Buffer.byteLength(text);
    const at = this.#take(size);
    this.#bytes.write(text, at, size);
    return size;
  }

  /** 16 bytes of an id (32 hexadecimal digits). */
  uuid(id: string): void {
    this.raw(parseUuid(id));
  }

  /** Leaves `count` zero bytes to be patched later; returns where they are. */
  reserve(count: number): number {
    const at = this.#take(count);
    this.#bytes.fill(0, at, at + count);
    return at;
  }

  patchInt32(at: number, value: number): void {
    invariant(at >= 0 && at + 4 <= this.#length, "only written bytes are patched");
    this.#view.setInt32(at, value);
  }

  patchUint32(at: number, value: number): void {
    invariant(at >= 0 && at + 4 <= this.#length, "only written bytes are patched");
    this.#view.setUint32(at, value);
  }

  /** Room for `count` bytes. Call it before touching `#bytes` or `#view`: it may replace them. */
  #take(count: number): number {
    const at = this.#length;
    const end = at + count;
    if (end > this.#bytes.length) this.#grow(end);
    this.#length = end;
    return at;
  }

  #grow(wanted: number): void {
    if (wanted > int32Max) throw new FormatError("TOO_LARGE", "Cannot write more than 2 GiB into one message.");
    const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(wanted, this.#bytes.length * 2), int32Max));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
