// SPDX-License-Identifier: Apache-2.0
/**
 * The fence: what the head said when a batch was last promised, in a small file that LevelDB does not know (D-3). LevelDB may
 * lose its newest batches and open without an error; what it then shows looks whole, and is older than the fence.
 *
 *   0        magic u32 · version u32 · seq u64 · term u64 · commit u64 · firstIndex u64 · lastIndex u64 · lastTerm u64 ·
 *            lastChain u32 · CRC of the head u32 · directory id, 16 bytes · zeros · at 124: CRC u32
 *   4096     the same for the other half of the sequence numbers
 *
 * Two slots, written in turn: a torn write leaves the other one. They are a page apart, so that no device tears both.
 */

import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { ByteReader, ByteWriter } from "./byte-codec.ts";
import { moveDurably } from "./files.ts";
import { StorageError, systemCode } from "./storage-error.ts";

const magic = 0x52464e43;
const version = 1;
const slotBytes = 128;
const slotGap = 4096;

/** What is compared is `seq`, `headCrc` and `dirId`; the rest is for people. */
export interface FenceSlot {
  readonly seq: number;
  readonly term: number;
  readonly commit: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly lastChain: number;
  readonly headCrc: number;
  readonly dirId: string;
}

export class Fence {
  readonly #file: FileHandle;
  readonly #mustSync: boolean;

  private constructor(file: FileHandle, mustSync: boolean) {
    this.#file = file;
    this.#mustSync = mustSync;
  }

  /** For writing. It must exist. */
  static async open(path: string): Promise<Fence> {
    // One trip to the disk instead of two. Elsewhere the flag is missing, or does less than a sync.
    const isLinux = process.platform === "linux";
    return new Fence(await open(path, constants.O_RDWR | (isLinux ? constants.O_DSYNC : 0)), !isLinux);
  }

  /** Appears complete, durably, or not at all. */
  static async create(path: string, slot: FenceSlot): Promise<void> {
    const file = await open(`${path}.new`, "w");
    try {
      await file.truncate(slotGap + slotBytes);
      await file.write(encodeSlot(slot), 0, slotBytes, slotAt(slot.seq));
      await file.sync();
    } finally {
      await file.close();
    }
    await moveDurably(`${path}.new`, path);
  }

  /** Durable when it resolves. One call at a time; after a rejection none at all (P5). */
  async write(slot: FenceSlot): Promise<void> {
    await this.#file.write(encodeSlot(slot), 0, slotBytes, slotAt(slot.seq));
    if (this.#mustSync) await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** The newest readable slot. "missing": no such file. "unreadable": neither slot holds what was written. */
export async function readFence(path: string): Promise<FenceSlot | "missing" | "unreadable"> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "missing";
    throw error;
  }
  try {
    const slots: FenceSlot[] = [];
    for (const at of [0, slotGap]) {
      const bytes = Buffer.alloc(slotBytes);
      await file.read(bytes, 0, slotBytes, at);
      const slot = decodeSlot(bytes);
      if (slot !== undefined && slotAt(slot.seq) === at) slots.push(slot);
    }
    slots.sort((a, b) => b.seq - a.seq);
    return slots[0] ?? "unreadable";
  } finally {
    await file.close();
  }
}

function slotAt(seq: number): number {
  return (seq % 2) * slotGap;
}

function encodeSlot(slot: FenceSlot): Uint8Array {
  const writer = new ByteWriter().u32(magic).u32(version);
  writer.u64(slot.seq).u64(slot.term).u64(slot.commit).u64(slot.firstIndex).u64(slot.lastIndex).u64(slot.lastTerm);
  writer.u32(slot.lastChain).u32(slot.headCrc).raw(Buffer.from(slot.dirId, "hex"));
  return writer.raw(new Uint8Array(slotBytes - 4 - writer.bytes.length)).sealed();
}

function decodeSlot(bytes: Uint8Array): FenceSlot | undefined {
  try {
    const reader = ByteReader.sealed("a fence slot", bytes);
    if (reader.u32() !== magic || reader.u32() !== version) return undefined;
    return {
      seq: reader.u64(),
      term: reader.u64(),
      commit: reader.u64(),
      firstIndex: reader.u64(),
      lastIndex: reader.u64(),
      lastTerm: reader.u64(),
      lastChain: reader.u32(),
      headCrc: reader.u32(),
      dirId: Buffer.from(reader.raw(16)).toString("hex"),
    };
  } catch (error) {
    // Torn by a crash, or damaged: the other slot decides.
    if (error instanceof StorageError) return undefined;
    throw error;
  }
}
