// SPDX-License-Identifier: Apache-2.0
// Reads protobuf's wire format from bytes that a stranger may have written.
//
// Invariant: nothing is allocated by a length or a count before it was compared with its limit and with what is there (X3).
// What does not fit throws `MalformedMessage`, which `decoded` turns into a value; it goes nowhere else.

/** The bytes are not a message of the expected type. */
class MalformedMessage extends Error {
  override readonly name = "MalformedMessage";
}

export type Decoded<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly why: string };

/** What `read` makes of `bytes`; or why they are refused. Anything else that is thrown goes on. */
export function decoded<Value>(bytes: Uint8Array, read: (reader: WireReader) => Value): Decoded<Value> {
  try {
    // Views of it shall be what users expect, not Buffers.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return { ok: true, value: read(new WireReader(plain)) };
  } catch (error) {
    if (error instanceof MalformedMessage) return { ok: false, why: error.message };
    throw error;
  }
}

export function refuse(why: string): never {
  throw new MalformedMessage(why);
}

/** Strict: bytes that are not UTF-8 are refused, and a byte order mark is a character like others. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  /** Of the field that `next` found. */
  field = 0;
  #wireType = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Goes to the next field. False at the end. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#varint();
    if (tag > 0xff_ff_ff_ff) refuse("a field's number is out of range");
    this.field = Math.floor(tag / 8);
    this.#wireType = tag & 7;
    if (this.field === 0) refuse("a field has the number 0");
    return true;
  }

  /** 0 to 2^53 - 1. */
  number(): number {
    this.#expect(0);
    return this.#varint();
  }

  flag(): boolean {
    return this.number() !== 0;
  }

  fixed32(): number {
    this.#expect(5);
    if (this.#end - this.#at < 4) refuse("the message ends inside a number");
    const [a, b, c, d] = [0, 1, 2, 3].map((index) => this.#bytes[this.#at + index]!) as [
      number,
      number,
      number,
      number,
    ];
    this.#at += 4;
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  /** At most `bytesMax` bytes of UTF-8. */
  text(bytesMax: number): string {
    const view = this.view(bytesMax);
    try {
      return utf8.decode(view);
    } catch {
      return refuse("a text is not UTF-8");
    }
  }

  /** A view, borrowed from the message. */
  view(bytesMax: number): Uint8Array {
    const length = this.#length(bytesMax);
    const start = this.#at;
    this.#at = start + length;
    return this.#bytes.subarray(start, start + length);
  }

  /** A reader of a nested message. This one goes on behind it. */
  nested(): WireReader {
    const length = this.#length(Number.MAX_SAFE_INTEGER);
    const start = this.#at;
    this.#at = start + length;
    return new WireReader(this.#bytes, start, start + length);
  }

  /** Steps over the value of a field that is not known here: a later version may have written it (X4). */
  skip(): void {
    switch (this.#wireType) {
      case 0:
        // Any 64 bits are fine here.
        for (let count = 0; count < 10; count++) if (this.#byte() < 0x80) return;
        refuse("a number is longer than 10 bytes");
        return;
      case 1:
        this.#advance(8);
        return;
      case 2:
        this.view(Number.MAX_SAFE_INTEGER);
        return;
      case 5:
        this.#advance(4);
        return;
      default:
        refuse(`there is no wire type ${this.#wireType}`);
    }
  }

  #length(bytesMax: number): number {
    this.#expect(2);
    const length = this.#varint();
    if (length > bytesMax) refuse(`a field has ${length} bytes, at most ${bytesMax} are allowed`);
    if (length > this.#end - this.#at) refuse(`a field has ${length} bytes, ${this.#end - this.#at} are left`);
    return length;
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) refuse("a number is above 2^53 - 1");
      if (byte < 0x80) return value;
      scale *= 128;
    }
    return refuse("a number is longer than 10 bytes");
  }

  #byte(): number {
    if (this.#at >= this.#end) refuse("the message ends inside a number");
    return this.#bytes[this.#at++]!;
  }

  #advance(count: number): void {
    if (count > this.#end - this.#at) refuse("the message ends inside a field");
    this.#at += count;
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) refuse(`field ${this.field} has the wire type ${this.#wireType}, not ${wireType}`);
  }
}
