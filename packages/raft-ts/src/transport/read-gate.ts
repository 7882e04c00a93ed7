// SPDX-License-Identifier: Apache-2.0
// Holds up what a paused stream reads ahead. grpc-js reads up to sixteen messages that nobody has asked for, which is fine for
// small ones and 128 MiB for large ones. By the contract of Node's streams `_read` asks for more and the answer may come later:
// while the gate is closed the question waits.

import type { Readable } from "node:stream";

export class ReadGate {
  readonly #read: (size: number) => void;
  #closed = false;
  #askedFor = -1;

  constructor(stream: Readable) {
    this.#read = stream._read.bind(stream);
    stream._read = (size) => {
      if (this.#closed) this.#askedFor = size;
      else this.#read(size);
    };
  }

  close(): void {
    this.#closed = true;
  }

  open(): void {
    this.#closed = false;
    if (this.#askedFor < 0) return;
    const size = this.#askedFor;
    this.#askedFor = -1;
    this.#read(size);
  }
}
