// SPDX-License-Identifier: Apache-2.0
// Messages from peers that wait for their turn. Bounded in messages and in bytes: above the bound whoever brings one is given
// a promise to wait for, and above twice the bound messages are dropped, which Raft survives.

import { entryBytes } from "../core/entries.ts";
import type { PeerMessage } from "../core/types.ts";

/** What a message costs beside its entries. */
const messageBytes = 128;

export interface InboxOptions {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

export class Inbox {
  dropped = 0;
  readonly #options: InboxOptions;
  #messages: PeerMessage[] = [];
  /** Those before it were taken. */
  #head = 0;
  #bytes = 0;
  #room: Promise<void> | undefined;
  #tellRoom: (() => void) | undefined;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#messages.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes `message` in. A promise: bring no more until it resolves; it never rejects. */
  push(message: PeerMessage): Promise<void> | undefined {
    if (this.#isAbove(2)) this.dropped += 1;
    else {
      this.#messages.push(message);
      this.#bytes += bytesOf(message);
    }
    if (!this.#isAbove(1)) return undefined;
    this.#room ??= new Promise((resolve) => (this.#tellRoom = resolve));
    return this.#room;
  }

  shift(): PeerMessage | undefined {
    const message = this.#messages[this.#head];
    if (message === undefined) return undefined;
    this.#head += 1;
    this.#bytes -= bytesOf(message);
    if (this.#head === this.#messages.length || this.#head >= this.#options.maxMessages) {
      this.#messages = this.#messages.slice(this.#head);
      this.#head = 0;
    }
    if (this.#tellRoom !== undefined && !this.#isAbove(0.5)) this.#open();
    return message;
  }

  /** Drops everything and holds nobody up any more. */
  close(): void {
    this.#messages = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#open();
  }

  #open(): void {
    this.#tellRoom?.();
    this.#tellRoom = undefined;
    this.#room = undefined;
  }

  #isAbove(share: number): boolean {
    return this.size >= share * this.#options.maxMessages || this.#bytes >= share * this.#options.maxBytes;
  }
}

function bytesOf(message: PeerMessage): number {
  let bytes = messageBytes;
  if (message.type === "Append") for (const entry of message.entries) bytes += entryBytes(entry);
  return bytes;
}
