// SPDX-License-Identifier: Apache-2.0
// Reads protobuf's wire format from bytes that a stranger may have written.
//
// Every read stays inside [at, end); what does not fit throws MalformedMessageError, and nothing is allocated by
// a length before that length has been compared with what is there. Integers of 64 bits become numbers; a value beyond
// 2^53 comes back inexact, so a caller who cares tests Number.isSafeInteger.

/** The bytes are not a message of the expected type: cut off, or with lengths that lead out of it. */
export class MalformedMessageError extends Error {
  override readonly name = "MalformedMessageError";
}

/** Wire types of protobuf that are still in use. */
export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A Buffer over the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export class WireReader {
  /** The message, borrowed. */
  readonly bytes: Buffer;
  /** Where the next read begins. */
  at: number;
  /** Where the message ends. */
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = asBuffer(bytes);
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  /** A varint's low 32 bits, unsigned: tags, lengths, uint32, enums, bools. */
  uint32(): number {
    const { bytes, end } = this;
    let at = this.at;
    let value = 0;
    for (let shift = 0; at < end && shift < 70; shift += 7) {
      const byte = bytes[at++]!;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        return value >>> 0;
      }
    }
    throw new MalformedMessageError("Cannot read a varint: the message ends inside it, or it is longer than 10 bytes");
  }

  /** A varint's low 32 bits, signed. */
  int32(): number {
    return this.uint32() | 0;
  }

  /** A signed 64-bit varint. Inexact beyond 2^53. */
  int64(): number {
    const { bytes, end } = this;
    let at = this.at;
    let low = 0;
    let high = 0;
    for (let index = 0; at < end && index < 10; index++) {
      const byte = bytes[at++]!;
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (7 * index);
      else if (index === 4) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (7 * index - 32);
      if (byte < 0x80) {
        this.at = at;
        return high * 4294967296 + (low >>> 0);
      }
    }
    throw new MalformedMessageError("Cannot read a varint: the message ends inside it, or it is longer than 10 bytes");
  }

  /** The length of a length-delimited field, known to lie inside the message. */
  length(): number {
    const length = this.uint32();
    if (length > this.end - this.at) {
      throw new MalformedMessageError(`Cannot read ${length} bytes: ${this.end - this.at} are left in the message`);
    }
    return length;
  }

  /** A view of a bytes field. Borrowed from the message. */
  view(): Buffer {
    const length = this.length();
    const start = this.at;
    this.at = start + length;
    return this.bytes.subarray(start, start + length);
  }

  /** A string field. Bytes that are not UTF-8 become U+FFFD. */
  string(): string {
    const length = this.length();
    const start = this.at;
    this.at = start + length;
    return this.bytes.toString("utf8", start, start + length);
  }

  /** A reader of a nested message. This one goes on behind it. */
  nested(): WireReader {
    const length = this.length();
    const start = this.at;
    this.at = start + length;
    return new WireReader(this.bytes, start, start + length);
  }

  /** Skips the value of a field that is not known here. */
  skip(tag: number): void {
    switch (tag & 7) {
      case wireTypes.varint:
        this.int64();
        return;
      case wireTypes.fixed64:
        this.#advance(8);
        return;
      case wireTypes.bytes:
        this.#advance(this.length());
        return;
      case wireTypes.fixed32:
        this.#advance(4);
        return;
      default:
        throw new MalformedMessageError(`Cannot skip a field of wire type ${tag & 7}: there is no such type`);
    }
  }

  #advance(count: number): void {
    if (count > this.end - this.at) throw new MalformedMessageError("Cannot skip a field: the message ends inside it");
    this.at += count;
  }
}
