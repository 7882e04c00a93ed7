// The fence: the head of the metadata log once more, in a small file that LevelDB does not know. LevelDB may lose its last
// writes without an error; what it then shows looks whole, and is older than the fence. Two slots are written in turn, each
// followed by a sync, so that a torn write leaves the other one.
//
//   fence   [head of an even seq, 60 bytes … 4096][head of an odd seq, 60 bytes … 8192]

import { open, rename } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { decodeHead, encodeHead, headBytes } from "./metadata-log-layout.ts";
import type { Head } from "./metadata-log-layout.ts";

/** Apart far enough that no device tears both with one write. */
const slotBytes = 4_096;

export class MetadataFence {
  readonly #file: FileHandle;
  /** What was last promised; undefined when no slot is readable. */
  readonly found: Head | undefined;

  private constructor(file: FileHandle, found: Head | undefined) {
    this.#file = file;
    this.found = found;
  }

  /** The fence at `path`; undefined when there is no such file. */
  static async open(path: string): Promise<MetadataFence | undefined> {
    let file: FileHandle;
    try {
      file = await open(path, "r+");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    try {
      const slots: Head[] = [];
      for (const slot of [0, 1]) {
        const bytes = Buffer.alloc(headBytes);
        await file.read(bytes, 0, headBytes, slot * slotBytes);
        const head = decodeHead(bytes);
        if (head !== undefined) slots.push(head);
      }
      slots.sort((a, b) => b.seq - a.seq);
      return new MetadataFence(file, slots[0]);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** A new fence at `path`; it appears there complete or not at all. The caller syncs the directory. */
  static async create(path: string, head: Head): Promise<MetadataFence> {
    const file = await open(`${path}.new`, "w+");
    try {
      const fence = new MetadataFence(file, head);
      await file.truncate(2 * slotBytes);
      await fence.write(head);
      await file.sync();
      await rename(`${path}.new`, path);
      return fence;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Durable when resolved. One call at a time. */
  async write(head: Head): Promise<void> {
    await this.#file.write(encodeHead(head), 0, headBytes, (head.seq % 2) * slotBytes);
    await this.#file.datasync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
