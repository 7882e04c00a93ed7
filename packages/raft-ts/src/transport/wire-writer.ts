// SPDX-License-Identifier: Apache-2.0
// Writes protobuf's wire format into one growing buffer. Fields with their default value are left out, as proto3 wants it;
// nested messages are written in place, and their length is put in front when it is known.

/** Bytes that are kept free for a nested message's length: enough for 2^28 - 1. */
const lengthBytes = 4;

export class WireWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(expectedBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(expectedBytes);
  }

  /** What was written, owned by the caller. The writer is done with. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  get sizeBytes(): number {
    return this.#at;
  }

  /** An unsigned number up to 2^53 - 1. Left out when it is 0. */
  number(field: number, value: number): void {
    if (value !== 0) this.presentNumber(field, value);
  }

  /** Written even when it is 0: in a oneof, its presence says what the message is. */
  presentNumber(field: number, value: number): void {
    this.#ensure(15);
    this.#varint(field << 3);
    this.#varint(value);
  }

  /** Left out when false. */
  flag(field: number, value: boolean): void {
    if (value) this.number(field, 1);
  }

  /** 32 bits, little endian. Left out when 0. */
  fixed32(field: number, value: number): void {
    if (value === 0) return;
    this.#ensure(9);
    this.#varint((field << 3) | 5);
    this.#at = this.#buffer.writeUInt32LE(value >>> 0, this.#at);
  }

  /** Left out when empty. */
  text(field: number, value: string): void {
    if (value !== "") this.listedText(field, value);
  }

  /** One element of a list of texts: written even when it is empty. */
  listedText(field: number, value: string): void {
    const size = Buffer.byteLength(value);
    this.#ensure(10 + size);
    this.#varint((field << 3) | 2);
    this.#varint(size);
    this.#at += this.#buffer.write(value, this.#at);
  }

  /** Copied. Written even when it is empty: in a oneof, its presence says what the message is. */
  bytes(field: number, value: Uint8Array): void {
    this.#ensure(10 + value.byteLength);
    this.#varint((field << 3) | 2);
    this.#varint(value.byteLength);
    this.#buffer.set(value, this.#at);
    this.#at += value.byteLength;
  }

  /** A nested message, which `write` writes. Written even when it is empty. */
  message(field: number, write: () => void): void {
    this.#ensure(5 + lengthBytes);
    this.#varint((field << 3) | 2);
    const start = this.#at + lengthBytes;
    this.#at = start;
    write();
    const size = this.#at - start;
    // A varint may be longer than it needs to be: 4 bytes, whatever the length, so that nothing has to be moved.
    let rest = size;
    for (let index = 0; index < lengthBytes; index++) {
      this.#buffer[start - lengthBytes + index] = (rest & 0x7f) | (index < lengthBytes - 1 ? 0x80 : 0);
      rest >>>= 7;
    }
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7f_ff_ff_ff) {
      this.#buffer[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.#buffer[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#at++] = rest;
  }

  #ensure(count: number): void {
    const wanted = this.#at + count;
    if (wanted <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(wanted, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}
