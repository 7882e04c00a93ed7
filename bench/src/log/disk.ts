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

/** Writes and deletes 4 GiB, so that every contender meets the same disk. */
export async function warmUpDisk(directory: string): Promise<void> {
  const file = new BareFile(directory, "warm-up");
  const chunk = new Uint8Array(1 << 20).fill(0x5a);
  const chunks = Array.from({ length: 16 }, () => chunk);
  for (let written = 0; written < warmUpMib; written += chunks.length) await file.write(chunks);
  await file.sync();
  file.remove();
}
