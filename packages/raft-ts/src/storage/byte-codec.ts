// SPDX-License-Identifier: Apache-2.0
// Numbers and strings as bytes, big endian, and back. Everything that is read was written by us; what looks otherwise is
// damage, said so before anything is allocated for it.

import { crc32c } from "./crc32c.ts";
import { damaged } from "./storage-error.ts";

const text = new TextDecoder("utf-8", { fatal: true });

/** Fills a growing buffer. */
export class ByteWriter {
  #bytes = Buffer.alloc(256);
  #at = 0;

  u8(value: number): this {
    const at = this.#take(1);
    this.#bytes[at] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.#take(4);
    this.#bytes.writeUInt32BE(value, at);
    return this;
  }

  /** A safe integer. */
  u64(value: number): this {
    const at = this.#take(8);
    writeU64(this.#bytes, at, value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  string(value: string): this {
    const bytes = Buffer.from(value, "utf8");
    return this.u32(bytes.length).raw(bytes);
  }

  strings(values: readonly string[]): this {
    this.u32(values.length);
    for (const value of values) this.string(value);
    return this;
  }

  /** All that was written. Borrowed: not valid after the next call. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** All that was written, followed by its CRC. Owned by the caller. */
  sealed(): Uint8Array {
    this.u32(crc32c(this.bytes));
    // A slice of a `Buffer` would be a view.
    return new Uint8Array(this.bytes);
  }

  /** Room for so many bytes. May replace `#bytes`: call it before looking at them. */
  #take(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    if (this.#at > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#at, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return at;
  }
}

/** Takes apart what `ByteWriter` made. Throws `StorageError` "damaged". */
export class ByteReader {
  readonly #what: string;
  readonly #bytes: Buffer;
  #at = 0;
  readonly #end: number;

  /** `what` is being read, for messages. */
  constructor(what: string, bytes: Uint8Array) {
    this.#what = what;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#end = bytes.length;
  }

  /** Of bytes that end with their CRC, and fit it. */
  static sealed(what: string, bytes: Uint8Array): ByteReader {
    if (bytes.length < 4) throw damaged(`${what} is cut short`);
    const end = bytes.length - 4;
    const reader = new ByteReader(what, bytes.subarray(0, end));
    const sum = new ByteReader(what, bytes.subarray(end)).u32();
    if (crc32c(bytes, 0, end) !== sum) throw damaged(`${what} does not fit its checksum`);
    return reader;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  u64(): number {
    const value = readU64(this.#bytes, this.#take(8));
    if (!Number.isSafeInteger(value)) throw damaged(`${this.#what} holds the number ${value}`);
    return value;
  }

  /** Borrowed from what is read. */
  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  string(): string {
    try {
      return text.decode(this.raw(this.u32()));
    } catch (error) {
      throw damaged(`${this.#what} holds text that is none`, { cause: error });
    }
  }

  strings(): string[] {
    const count = this.u32();
    const values: string[] = [];
    // Grows with what is there: a count that was changed allocates nothing.
    while (values.length < count) values.push(this.string());
    return values;
  }

  version(known: number): void {
    const version = this.u8();
    if (version !== known) throw damaged(`${this.#what} has version ${version}; this program knows ${known}`);
  }

  end(): void {
    if (this.#at !== this.#end) throw damaged(`${this.#what} has ${this.#end - this.#at} bytes too many`);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) throw damaged(`${this.#what} is cut short`);
    this.#at = at + length;
    return at;
  }
}

/** Without a `bigint`: entries are written and read by the thousand. */
export function writeU64(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
  bytes.writeUInt32BE(value % 0x1_0000_0000, at + 4);
}

/** Above 2^53 the value is not exact, and no safe integer. */
export function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
}
