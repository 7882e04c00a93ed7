// SPDX-License-Identifier: Apache-2.0
// The bare disk that the log is measured against: the same bytes through node:fs and nothing else.

import * as fs from "node:fs";
import { join } from "node:path";

/** Written and deleted first: pages and blocks that were never used before cost several times as much. */
const warmUpMib = Number(process.env["VARVE_BENCH_WARM_MIB"] ?? "4096");

/** One open file; the calls are the fastest that Node has. */
export class BareFile {
  readonly #fd: number;
  readonly #path: string;
  #at = 0;

  constructor(directory: string, name: string) {
    this.#path = join(directory, name);
    this.#fd = fs.openSync(this.#path, "w+");
  }

  get sizeBytes(): number {
    return this.#at;
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.writev(this.#fd, chunks, this.#at, (error, written) => {
        this.#at += written;
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  read(into: Uint8Array, at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#fd, into, 0, into.length, at, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }

  remove(): void {
    fs.closeSync(this.#fd);
    fs.unlinkSync(this.#path);
  }
}

/**
 * Writes and deletes 4 GiB, or less, so that every contender meets the same disk and the same memory: on a virtual machine
 * pages that lie free for seconds go back to the host, and whoever needs them next waits for each of them. Half of it is one
 * file in large pieces and half is many files in small ones, because the kernel keeps large and small free pages apart.
 */
export async function warmUpDisk(directory: string, mib = warmUpMib): Promise<void> {
  const halfMib = Math.min(mib, warmUpMib) / 2;
  await warmUpFiles(directory, { files: 1, mib: halfMib, pieceBytes: 1 << 20 });
  await warmUpFiles(directory, { files: 256, mib: halfMib, pieceBytes: 1 << 16 });
}

async function warmUpFiles(
  directory: string,
  { files: count, mib, pieceBytes }: { readonly files: number; readonly mib: number; readonly pieceBytes: number },
): Promise<void> {
  const files = Array.from({ length: count }, (_, index) => new BareFile(directory, `warm-up-${index}`));
  const piece = new Uint8Array(pieceBytes).fill(0x5a);
  for (let written = 0; written < mib << 20;) {
    for (const file of files) {
      await file.write([piece]);
      written += pieceBytes;
    }
  }
  for (const file of files) await file.sync();
  for (const file of files) file.remove();
}
