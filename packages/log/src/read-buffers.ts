// SPDX-License-Identifier: Apache-2.0
/**
 * Memory that reads of files lend out and take back.
 *
 *     take() ──> read, checked ──> lent to the reader ──give()──> idle ──> take() …
 *                                        └── never given back: the garbage collector has it, nothing is lost
 *
 * A buffer of this size comes from the system as pages that do not exist yet, and each costs a fault when the read fills it:
 * three times as much as the read itself. What has been used before costs nothing.
 *
 * Invariant: a buffer is either idle or lent to one reader; nothing is written into it while it is lent, except by the read
 * that took it.
 */
import { invariant } from "./invariant.ts";

/** Below that the allocator keeps its pages itself. */
const pooledBytesMin = 64 * 1024;

export class ReadBuffers {
  readonly #idleBytesMax: number;
  /** Given back last comes last. */
  readonly #idle: Uint8Array[] = [];
  #idleBytes = 0;

  /** Keeps at most so many bytes that nobody uses. */
  constructor(idleBytesMax: number) {
    this.#idleBytesMax = idleBytesMax;
  }

  /** Bytes that are kept and not lent. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** At least `sizeBytes`, with whatever an earlier read left in them: only what was read may leave the log. */
  take(sizeBytes: number): Uint8Array {
    for (let index = this.#idle.length - 1; index >= 0; index -= 1) {
      const buffer = this.#idle[index]!;
      if (buffer.length < sizeBytes) continue;
      this.#idle.splice(index, 1);
      this.#idleBytes -= buffer.length;
      return buffer;
    }
    // Sizes that are alike share buffers.
    return unfilled(sizeBytes <= pooledBytesMin ? sizeBytes : 2 ** Math.ceil(Math.log2(sizeBytes)));
  }

  /** Back from whoever took it; the oldest idle ones go when there are too many. */
  give(buffer: Uint8Array): void {
    invariant(!this.#idle.includes(buffer), () => "a read buffer is given back twice");
    if (buffer.length <= pooledBytesMin || buffer.length > this.#idleBytesMax) return;
    this.#idle.push(buffer);
    this.#idleBytes += buffer.length;
    while (this.#idleBytes > this.#idleBytesMax) this.#idleBytes -= this.#idle.shift()!.length;
  }
}

/**
 * Memory of its own that is not zeroed first. Only what a read has filled and the walk has checked leaves the log.
 */
export function unfilled(sizeBytes: number): Uint8Array {
  // Not the Buffer itself: its `slice` would be a view.
  return new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
}
