// SPDX-License-Identifier: Apache-2.0
/**
 * One snapshot in a file:
 *
 *   0       magic u32 · version u32 · length of the header u32
 *   12      header: the description, and its CRC u32
 *   …       pieces: 65536 bytes and their CRC u32, continuing from the piece's number; the last one may be shorter
 *
 * A file is written from front to back, its header last, and synced before anybody is told its name. The number in a piece's
 * CRC finds pieces that changed places; the description's CRC covers all of the bytes.
 */

import { open, type FileHandle } from "node:fs/promises";
import type { SnapshotDescription } from "../runtime/ports.ts";
import { ByteReader, ByteWriter } from "./byte-codec.ts";
import { crc32c } from "./crc32c.ts";
import { readDescription, writeDescription } from "./records.ts";
import { StorageError, damaged, systemCode } from "./storage-error.ts";

/** Bytes of a piece, and the most that a reader is given at a time. */
export const pieceBytes = 64 * 1024;

const magic = 0x52534e50;
const version = 1;
const preambleBytes = 12;
const crcBytes = 4;
/** Seven voters, seven learners and their addresses stay far below it. */
const headerBytesMax = 64 * 1024;

/** What is known before the bytes are. */
export type SnapshotDraft = Omit<SnapshotDescription, "sizeBytes" | "crc">;

export class SnapshotWriter {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #draft: SnapshotDraft;
  readonly #headerBytes: number;
  /** Not yet a whole piece. */
  readonly #piece = Buffer.allocUnsafe(pieceBytes + crcBytes);
  #inPiece = 0;
  #pieces = 0;
  #sizeBytes = 0;
  #crc = 0;

  private constructor(path: string, file: FileHandle, draft: SnapshotDraft) {
    this.path = path;
    this.#file = file;
    this.#draft = draft;
    this.#headerBytes = encodeHeader({ ...draft, sizeBytes: 0, crc: 0 }).length;
  }

  static async create(path: string, draft: SnapshotDraft): Promise<SnapshotWriter> {
    return new SnapshotWriter(path, await open(path, "wx"), draft);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** CRC-32C of all that was written. */
  get crc(): number {
    return this.#crc;
  }

  /** `chunk` is borrowed until it resolves. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#crc = crc32c(chunk, 0, chunk.length, this.#crc);
    this.#sizeBytes += chunk.length;
    for (let at = 0; at < chunk.length;) {
      const count = Math.min(chunk.length - at, pieceBytes - this.#inPiece);
      this.#piece.set(chunk.subarray(at, at + count), this.#inPiece);
      this.#inPiece += count;
      at += count;
      if (this.#inPiece === pieceBytes) await this.#writePiece();
    }
  }

  /** The bytes are durable; the file's name is not yet. */
  async finish(): Promise<SnapshotDescription> {
    if (this.#inPiece > 0) await this.#writePiece();
    const description = { ...this.#draft, sizeBytes: this.#sizeBytes, crc: this.#crc };
    await writeFully(this.#file, encodeHeader(description), 0);
    await this.#file.sync();
    await this.#file.close();
    return description;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #writePiece(): Promise<void> {
    const length = this.#inPiece;
    this.#piece.writeUInt32BE(crc32c(this.#piece, 0, length, this.#pieces), length);
    const at = pieceAt(this.#headerBytes, this.#pieces);
    // The next chunk goes into the same buffer: wait.
    await writeFully(this.#file, this.#piece.subarray(0, length + crcBytes), at);
    this.#pieces += 1;
    this.#inPiece = 0;
  }
}

/**
 * The bytes from `fromByte` on, in chunks of at most `pieceBytes`, each checked before it is given out, and all of them
 * together when they are read from the start. Chunks are owned by the receiver. Rejects with `StorageError` "damaged".
 */
export async function* readSnapshot(
  file: FileHandle,
  path: string,
  description: SnapshotDescription,
  fromByte = 0,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { sizeBytes } = description;
  if (!Number.isSafeInteger(fromByte) || fromByte < 0 || fromByte > sizeBytes) {
    throw new RangeError(`Cannot read snapshot "${path}" from byte ${fromByte}: it has ${sizeBytes}`);
  }
  const headerBytes = encodeHeader(description).length;
  let crc = 0;
  for (let piece = Math.floor(fromByte / pieceBytes); piece * pieceBytes < sizeBytes; piece += 1) {
    const length = Math.min(pieceBytes, sizeBytes - piece * pieceBytes);
    const bytes = Buffer.allocUnsafeSlow(length + crcBytes);
    await readFully(file, path, bytes, pieceAt(headerBytes, piece));
    if (crc32c(bytes, 0, length, piece) !== bytes.readUInt32BE(length)) {
      throw damaged(
        `bytes ${piece * pieceBytes} to ${piece * pieceBytes + length} of "${path}" do not fit their checksum`,
      );
    }
    if (fromByte === 0) crc = crc32c(bytes, 0, length, crc);
    const skip = Math.max(0, fromByte - piece * pieceBytes);
    yield new Uint8Array(bytes.buffer, skip, length - skip);
  }
  if (fromByte === 0 && crc !== description.crc) throw damaged(`"${path}" does not fit its checksum`);
}

/** Reads all of it: header, pieces, and that nothing follows. Rejects with `StorageError` "damaged". */
export async function checkSnapshot(path: string, description: SnapshotDescription): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw damaged(`"${path}" is gone`);
    throw error;
  }
  try {
    const header = encodeHeader(description);
    const found = Buffer.alloc(header.length);
    await readFully(file, path, found, 0);
    if (!found.equals(header)) throw damaged(`the header of "${path}" is not what the database says`);
    const { size } = await file.stat();
    const pieces = Math.ceil(description.sizeBytes / pieceBytes);
    const expected = header.length + description.sizeBytes + pieces * crcBytes;
    if (size !== expected) throw damaged(`"${path}" has ${size} bytes instead of ${expected}`);
    for await (const chunk of readSnapshot(file, path, description)) void chunk;
  } finally {
    await file.close();
  }
}

/** What a file says about itself, for people. Rejects with `StorageError` "damaged". */
export async function readHeader(path: string): Promise<SnapshotDescription> {
  const file = await open(path, "r");
  try {
    const preamble = Buffer.alloc(preambleBytes);
    await readFully(file, path, preamble, 0);
    const length = preamble.readUInt32BE(8);
    if (preamble.readUInt32BE(0) !== magic || preamble.readUInt32BE(4) !== version || length > headerBytesMax) {
      throw damaged(`"${path}" is no snapshot`);
    }
    const header = Buffer.alloc(length);
    await readFully(file, path, header, preambleBytes);
    const reader = ByteReader.sealed(`the header of "${path}"`, header);
    const description = readDescription(reader);
    reader.end();
    return description;
  } finally {
    await file.close();
  }
}

function encodeHeader(description: SnapshotDescription): Uint8Array {
  const sealed = writeDescription(new ByteWriter(), description).sealed();
  if (sealed.length > headerBytesMax) {
    throw new StorageError("mismatch", `Cannot write a snapshot: its description takes ${sealed.length} bytes`);
  }
  return new ByteWriter().u32(magic).u32(version).u32(sealed.length).raw(sealed).bytes;
}

function pieceAt(headerBytes: number, piece: number): number {
  return headerBytes + piece * (pieceBytes + crcBytes);
}

/** A write may take less than it was given. */
async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

async function readFully(file: FileHandle, path: string, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, position + at);
    if (bytesRead === 0) throw damaged(`"${path}" is cut short`);
    at += bytesRead;
  }
}
