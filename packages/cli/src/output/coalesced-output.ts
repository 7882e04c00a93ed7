// SPDX-License-Identifier: Apache-2.0
// Gathers small pieces of output into writes of up to 64 KiB, so that a fast replay is not one system call per record,
// and flushes on the next turn of the event loop, so that a slow one shows each record as it comes. Bounded: `write`
// returns a promise as soon as a full buffer is on its way, and the caller waits for it.

import type { Terminal } from "../terminal/terminal.ts";

const flushBytes = 64 * 1024;

export class CoalescedOutput {
  private readonly terminal: Terminal;
  private pieces: Uint8Array[] = [];
  private pieceBytes = 0;
  private scheduled: NodeJS.Immediate | undefined;
  private readerGone = false;
  /** Everything that the stream was given: false when the reader is gone. */
  private underWay: Promise<boolean> = Promise.resolve(true);

  constructor(terminal: Terminal) {
    this.terminal = terminal;
  }

  /** Takes the bytes (owned from now on). False, or a promise of false: the reader is gone, stop. */
  write(bytes: Uint8Array): boolean | Promise<boolean> {
    this.pieces.push(bytes);
    this.pieceBytes += bytes.length;
    if (this.pieceBytes >= flushBytes) return this.flush();
    this.scheduled ??= setImmediate(() => void this.flush());
    return !this.readerGone;
  }

  /** Resolves when the stream took everything. */
  flush(): Promise<boolean> {
    if (this.scheduled !== undefined) clearImmediate(this.scheduled);
    this.scheduled = undefined;
    if (this.pieceBytes > 0) this.underWay = this.send(Buffer.concat(this.pieces, this.pieceBytes), this.underWay);
    this.pieces = [];
    this.pieceBytes = 0;
    return this.underWay;
  }

  private async send(bytes: Uint8Array, before: Promise<boolean>): Promise<boolean> {
    const [isTaken] = await Promise.all([this.terminal.out(bytes), before]);
    if (!isTaken) this.readerGone = true;
    return !this.readerGone;
  }
}
