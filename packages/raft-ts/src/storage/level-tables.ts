// SPDX-License-Identifier: Apache-2.0
/**
 * LevelDB writes a checksum with every block of a table, and does not look at it when it reads. A flipped bit gives wrong
 * bytes, hides a key, or ends the process inside native code. So before a database is opened, every table that its MANIFEST
 * names is read here, and every block held against its checksum.
 *
 *   CURRENT ──▶ MANIFEST-n: log records ──▶ version edits ──▶ tables that are live, and their sizes
 *
 *   table:   block · type u8 · CRC u32 │ … │ meta index │ index: key → (offset, size) of a block │ footer, 48 bytes
 *   record:  CRC u32 · length u16 · type u8 · bytes, within blocks of 32768 bytes
 *
 * Little endian, varints; the CRCs are masked CRC-32C (LevelDB's doc/table_format.md and doc/log_format.md). Log files need no
 * look from here: LevelDB drops what does not fit its checksum, and then the head or the chain is broken.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32c } from "./crc32c.ts";
import { StorageError, damaged, systemCode } from "./storage-error.ts";

const recordBlockBytes = 32_768;
const recordHeaderBytes = 7;
const footerBytes = 48;
const trailerBytes = 5;
const tableMagic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
/** Tags of a version edit. */
const tags = { comparator: 1, logNumber: 2, nextFile: 3, sequence: 4, pointer: 5, deleted: 6, added: 7, prevLog: 9 };

/** Rejects with `StorageError` "damaged" when a live table of the database at `path` is not what LevelDB wrote. */
export async function checkTables(path: string): Promise<void> {
  const current = await readOrDamaged(join(path, "CURRENT"));
  const manifest = current.toString("latin1").trimEnd();
  if (!/^MANIFEST-\d+$/.test(manifest)) throw damaged(`"${path}" names no manifest in its file CURRENT`);
  const tables = liveTables(await readOrDamaged(join(path, manifest)), `"${join(path, manifest)}"`);
  for (const [number, sizeBytes] of tables) {
    const name = `${String(number).padStart(6, "0")}.ldb`;
    checkTable(await readOrDamaged(join(path, name)), sizeBytes, `"${join(path, name)}"`);
  }
}

/** Number and size of each table. */
function liveTables(bytes: Buffer, what: string): Map<number, number> {
  const tables = new Map<number, number>();
  for (const record of recordsOf(bytes, what)) {
    const edit = new VarintReader(record, what);
    while (!edit.atEnd) {
      const tag = edit.number();
      if (tag === tags.comparator) edit.skip(edit.number());
      else if (tag === tags.pointer) {
        edit.number();
        edit.skip(edit.number());
      } else if (tag === tags.deleted) {
        edit.number();
        tables.delete(edit.number());
      } else if (tag === tags.added) {
        edit.number();
        tables.set(edit.number(), edit.number());
        edit.skip(edit.number());
        edit.skip(edit.number());
      } else if (tag === tags.logNumber || tag === tags.nextFile || tag === tags.sequence || tag === tags.prevLog) {
        edit.number();
      } else throw damaged(`${what} holds something unknown`);
    }
  }
  return tables;
}

/** The records of a log file. One that is cut short by the file's end was being written: it does not count. */
function* recordsOf(bytes: Buffer, what: string): Generator<Buffer, void, undefined> {
  let fragments: Buffer[] = [];
  let at = 0;
  while (at + recordHeaderBytes <= bytes.length) {
    const leftInBlock = recordBlockBytes - (at % recordBlockBytes);
    if (leftInBlock < recordHeaderBytes) {
      at += leftInBlock;
      continue;
    }
    const length = bytes.readUInt16LE(at + 4);
    const type = bytes[at + 6]!;
    const end = at + recordHeaderBytes + length;
    if (end > bytes.length) return;
    if (type === 0 && length === 0) {
      // Space that was reserved and never used.
      at += leftInBlock;
      continue;
    }
    if (bytes.readUInt32LE(at) !== masked(crc32c(bytes, at + 6, end))) {
      throw damaged(`${what} does not fit its checksum at byte ${at}`);
    }
    // 1: whole, 2: first, 3: middle, 4: last.
    if (type === 1 || type === 2) fragments = [];
    fragments.push(bytes.subarray(at + recordHeaderBytes, end));
    if (type === 1 || type === 4) yield fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments);
    at = end;
  }
}

function checkTable(bytes: Buffer, sizeBytes: number, what: string): void {
  if (bytes.length !== sizeBytes) throw damaged(`${what} has ${bytes.length} bytes instead of ${sizeBytes}`);
  const footerAt = bytes.length - footerBytes;
  if (footerAt < 0 || tableMagic.some((byte, at) => bytes[bytes.length - tableMagic.length + at] !== byte)) {
    throw damaged(`${what} is no table`);
  }
  const footer = new VarintReader(bytes.subarray(footerAt), what);
  const metaIndex = blockAt(bytes, footer, what);
  const index = blockAt(bytes, footer, what);
  for (const block of [metaIndex, index]) {
    for (const handle of valuesOf(block, what)) blockAt(bytes, new VarintReader(handle, what), what);
  }
}

/** The block that a handle names, after a look at its checksum. */
function blockAt(table: Buffer, handle: VarintReader, what: string): Buffer {
  const offset = handle.number();
  const end = offset + handle.number();
  if (end + trailerBytes > table.length - footerBytes) throw damaged(`${what} names a block outside of it`);
  if (table.readUInt32LE(end + 1) !== masked(crc32c(table, offset, end + 1))) {
    throw damaged(`${what} does not fit its checksum in the block at byte ${offset}`);
  }
  if (table[end] !== 0) throw damaged(`${what} has a compressed block, which nobody asked for`);
  return table.subarray(offset, end);
}

/** The values of a block of keys and values. */
function* valuesOf(block: Buffer, what: string): Generator<Buffer, void, undefined> {
  if (block.length < 4) throw damaged(`${what} has an empty index`);
  const restarts = block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - 4 * restarts;
  if (end < 0) throw damaged(`${what} has a broken index`);
  const reader = new VarintReader(block.subarray(0, end), what);
  while (!reader.atEnd) {
    reader.number();
    const keyBytes = reader.number();
    const valueBytes = reader.number();
    reader.skip(keyBytes);
    yield reader.bytes(valueBytes);
  }
}

function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

class VarintReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Buffer, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 56; factor *= 128) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) break;
      this.#at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw damaged(`${this.#what} holds a number that is none`);
  }

  bytes(length: number): Buffer {
    const at = this.#at;
    if (length > this.#bytes.length - at) throw damaged(`${this.#what} names more bytes than it has`);
    this.#at = at + length;
    return this.#bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    this.bytes(length);
  }
}

async function readOrDamaged(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw new StorageError("damaged", `"${path}" is gone`, { cause: error });
    throw error;
  }
}
