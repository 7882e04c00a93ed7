// SPDX-License-Identifier: Apache-2.0
// Writes protobuf's wire format into one growing buffer.
//
// A nested message is written behind a length of one byte that is corrected afterwards; the rare message of 128 bytes and
// more is moved by the bytes that its length needs.

export class WireWriter {
  bytes: Buffer;
  at = 0;

  constructor(initialBytes = 256) {
    this.bytes = Buffer.allocUnsafe(initialBytes);
  }

  /** Makes room for `count` more bytes, each of which the caller writes. */
  reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.at + count));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }

  /** What was written: a view, owned by the caller if nothing is written afterwards. */
  finish(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  uint32Field(tag: number, value: number): void {
    this.reserve(10);
    this.at = writeUint32(this.bytes, writeUint32(this.bytes, this.at, tag), value);
  }

  /** A signed integer of 32 or 64 bits. */
  intField(tag: number, value: number): void {
    this.reserve(15);
    this.at = writeInt64(this.bytes, writeUint32(this.bytes, this.at, tag), value);
  }

  boolField(tag: number, value: boolean): void {
    this.uint32Field(tag, value ? 1 : 0);
  }

  bytesField(tag: number, value: Uint8Array): void {
    this.reserve(10 + value.length);
    const at = writeUint32(this.bytes, writeUint32(this.bytes, this.at, tag), value.length);
    this.bytes.set(value, at);
    this.at = at + value.length;
  }

  stringField(tag: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.reserve(10 + length);
    const at = writeUint32(this.bytes, writeUint32(this.bytes, this.at, tag), length);
    this.bytes.write(value, at, "utf8");
    this.at = at + length;
  }

  /** Opens a nested message; close it with end(). Returns where its content starts. */
  begin(tag: number): number {
    this.reserve(6);
    this.at = writeUint32(this.bytes, this.at, tag) + 1;
    return this.at;
  }

  /** Writes a bytes field and closes the nested message that it ends, which starts at `start`: the bytes are moved once. */
  endWithBytes(start: number, tag: number, value: Uint8Array): void {
    const head = this.at - start;
    const length = head + sizeOfUint32(tag) + sizeOfUint32(value.length) + value.length;
    const shift = sizeOfUint32(length) - 1;
    this.reserve(shift);
    if (shift > 0) this.bytes.copyWithin(start + shift, start, this.at);
    writeUint32(this.bytes, start - 1, length);
    this.at += shift;
    this.bytesField(tag, value);
  }

  /** Closes the nested message whose content starts at `start`. */
  end(start: number): void {
    const length = this.at - start;
    if (length < 0x80) {
      this.bytes[start - 1] = length;
      return;
    }
    const shift = sizeOfUint32(length) - 1;
    this.reserve(shift);
    this.bytes.copyWithin(start + shift, start, this.at);
    writeUint32(this.bytes, start - 1, length);
    this.at += shift;
  }
}

/** Bytes of an unsigned 32-bit varint. */
export function sizeOfUint32(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

/** Bytes of a signed 64-bit varint, for a safe integer. */
export function sizeOfInt64(value: number): number {
  if (value < 0) return 10;
  if (value < 0x10000000) return sizeOfUint32(value);
  if (value < 0x800000000) return 5;
  if (value < 0x40000000000) return 6;
  return value < 0x2000000000000 ? 7 : 8;
}

/** Writes an unsigned 32-bit varint; there are 5 bytes of room. Returns where it ends. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): number {
  while (value > 0x7f) {
    bytes[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  bytes[at] = value;
  return at + 1;
}

/** Writes a safe integer as signed 64-bit varint; there are 10 bytes of room. Returns where it ends. */
export function writeInt64(bytes: Uint8Array, at: number, value: number): number {
  if (value >= 0 && value <= 0xffffffff) return writeUint32(bytes, at, value);
  let high = Math.floor(value / 4294967296);
  let low = (value - high * 4294967296) >>> 0;
  high >>>= 0;
  while (high > 0 || low > 0x7f) {
    bytes[at++] = (low & 0x7f) | 0x80;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  bytes[at] = low;
  return at + 1;
}
