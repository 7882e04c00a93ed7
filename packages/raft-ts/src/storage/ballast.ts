// SPDX-License-Identifier: Apache-2.0
/**
 * D-9: a file that is only there to take up room. Whoever has filled the disk, an operator deletes it, and the node has space
 * again to start, to hand over leadership and to compact. Nothing here deletes it: what filled the disk would take that
 * room as well, before anybody has looked.
 *
 * Invariant: under its name the file is whole, with blocks of its own. It is laid out beside the node's work, when there is plenty
 * of room, and is no promise: where that fails there is none, and the next open tries again.
 */

import { randomBytes } from "node:crypto";
import { open, rm, stat } from "node:fs/promises";
import { moveDurably } from "./files.ts";
import { systemCode } from "./storage-error.ts";

/** Bytes to a write, each of which is synced: others who sync wait for no more than that. */
const stepBytes = 1024 * 1024;
/** As much as this, counted in ballasts, must stay free beside a new one. */
const roomFactor = 8;

export class Ballast {
  readonly #path: string;
  readonly #bytes: number;
  #isStopped = false;
  #work: Promise<void> = Promise.resolve();

  /** `bytes`: 0 for none. */
  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Lays it out unless it is there, or `freeBytes` has no room for it. Resolves when that is done; never rejects. */
  start(freeBytes: () => Promise<number>): Promise<void> {
    // A ballast that cannot be had harms nobody, and a disk in trouble will tell at the next write.
    if (this.#bytes > 0) this.#work = this.#layOut(freeBytes).catch(() => undefined);
    return this.#work;
  }

  /** Lays out no more. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#work;
  }

  async #layOut(freeBytes: () => Promise<number>): Promise<void> {
    const unfinished = `${this.#path}.new`;
    await rm(unfinished, { force: true });
    if ((await sizeOf(this.#path)) >= this.#bytes) return;
    if ((await freeBytes()) < this.#bytes * (1 + roomFactor)) return;
    try {
      if (await this.#write(unfinished)) await moveDurably(unfinished, this.#path);
    } finally {
      await rm(unfinished, { force: true });
    }
  }

  /** False when it was stopped. */
  async #write(path: string): Promise<boolean> {
    // Nothing that a file system could make smaller.
    const step = randomBytes(Math.min(stepBytes, this.#bytes));
    const file = await open(path, "w");
    try {
      for (let left = this.#bytes; left > 0; left -= step.length) {
        if (this.#isStopped) return false;
        await file.write(step, 0, Math.min(left, step.length));
        await file.datasync();
      }
      return true;
    } finally {
      await file.close();
    }
  }
}

/** Whether an error, or what caused it, says that the disk is full. */
export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") return true;
  if (!(error instanceof Error)) return false;
  // LevelDB hands on only the system's words.
  return /no space left on device|disk quota exceeded/i.test(error.message) || isDiskFull(error.cause);
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return 0;
    throw error;
  }
}
