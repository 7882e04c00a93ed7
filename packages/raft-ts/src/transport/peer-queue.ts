// SPDX-License-Identifier: Apache-2.0
// What waits for one stream to one peer, bounded in messages and bytes (F9).
//
// Full, a control queue lets the oldest go that is no vote, since the newest heartbeat says all that the older ones said. A bulk
// queue refuses the new one instead: what is queued continues the peer's log, and what comes behind a gap would be no use.

import { entryBytes } from "../core/entries.ts";
import type { PeerMessage } from "../core/types.ts";

/** What a message counts beside its entries, in bytes. */
const messageBytes = 64;

export interface QueueLimits {
  readonly messages: number;
  readonly bytes: number;
  /** What goes when there is no room. */
  readonly full: "oldest" | "new";
}

/** What was taken from a queue for one write. */
export interface QueuedBatch {
  readonly messages: readonly PeerMessage[];
  /** About what they take when they are encoded. */
  readonly bytes: number;
}

export class PeerQueue {
  readonly #limits: QueueLimits;
  #messages: PeerMessage[] = [];
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#messages.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a message in. @returns whether one was dropped for want of room: this one or another */
  push(message: PeerMessage): boolean {
    const weight = weightOf(message);
    const fits =
      this.#messages.length < this.#limits.messages &&
      (this.#messages.length === 0 || this.#bytes + weight <= this.#limits.bytes);
    if (!fits) {
      if (this.#limits.full === "new") return true;
      this.#dropOldest();
    }
    this.#messages.push(message);
    this.#bytes += weight;
    return !fits;
  }

  /** The oldest messages, at least one and then up to both bounds. The queue must not be empty. */
  take(bytesMax: number, messagesMax: number): QueuedBatch {
    let count = 0;
    let bytes = 0;
    for (const message of this.#messages) {
      const weight = weightOf(message);
      if (count > 0 && (count === messagesMax || bytes + weight > bytesMax)) break;
      count += 1;
      bytes += weight;
    }
    this.#bytes -= bytes;
    return { messages: this.#messages.splice(0, count), bytes };
  }

  /** @returns how many messages went */
  clear(): number {
    const count = this.#messages.length;
    this.#messages = [];
    this.#bytes = 0;
    return count;
  }

  #dropOldest(): void {
    const lesser = this.#messages.findIndex((message) => !isVote(message));
    const [dropped] = this.#messages.splice(Math.max(lesser, 0), 1);
    if (dropped !== undefined) this.#bytes -= weightOf(dropped);
  }
}

function isVote({ type }: PeerMessage): boolean {
  return type === "PreVote" || type === "PreVoteResp" || type === "Vote" || type === "VoteResp";
}

function weightOf(message: PeerMessage): number {
  if (message.type !== "Append") return messageBytes;
  let bytes = messageBytes;
  for (const entry of message.entries) bytes += entryBytes(entry);
  return bytes;
}
