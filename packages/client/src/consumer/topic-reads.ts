// SPDX-License-Identifier: Apache-2.0
// The records of a member's partitions of one topic, as they come: Consume calls for the claims that are to be read, opened anew where
// that changes. What comes of a claim that was removed is not looked at.

import { VarveError, type ConsumeResponse } from "@varve/api";
import type { Admin } from "../admin.ts";
import type { Connection } from "../connection.ts";
import { ConsumeCalls } from "../reader/consume-calls.ts";
import type { Claim } from "./claim.ts";

export interface TopicReadsOptions {
  readonly topic: string;
  readonly group: string;
  readonly maxBufferBytes: number;
  readonly reconnectTimeoutMs: number;
  readonly onOutOfRange: "fail" | "earliest" | "latest";
}

export interface TopicReadsEvents {
  received(claim: Claim, message: ConsumeResponse): void;
  /** Reading cannot go on. */
  failed(topic: string, error: VarveError): void;
}

export class TopicReads {
  readonly #admin: Admin;
  readonly #options: TopicReadsOptions;
  readonly #events: TopicReadsEvents;
  readonly #calls: ConsumeCalls;
  readonly #claims = new Map<number, Claim>();
  readonly #closing = new AbortController();
  #isPaused = false;

  constructor(connection: Connection, admin: Admin, options: TopicReadsOptions, events: TopicReadsEvents) {
    this.#admin = admin;
    this.#options = options;
    this.#events = events;
    const { topic, group, maxBufferBytes, reconnectTimeoutMs } = options;
    this.#calls = new ConsumeCalls(
      connection,
      { topic, request: { group, maxBufferBytes }, reconnectTimeoutMs },
      {
        wanted: () => [...this.#claims.values()].map(({ progress }) => progress).filter(({ wanted }) => wanted),
        received: (message) => {
          const claim = this.#claims.get(message.partition);
          if (claim === undefined) return;
          claim.progress.take(message);
          this.#events.received(claim, message);
        },
        ended: () => undefined,
        outOfRange: () => this.#backInRange(),
        failed: (error) => this.#events.failed(topic, error),
      },
    );
  }

  get isEmpty(): boolean {
    return this.#claims.size === 0;
  }

  /** Reads these from where their claims are, in the place of any earlier claims of the same partitions. */
  add(claims: readonly Claim[]): void {
    for (const claim of claims) this.#claims.set(claim.partition, claim);
    this.#calls.reopen(claims.map(({ partition }) => partition));
    if (this.#isPaused) this.#calls.pause();
  }

  /** Reads these no more. */
  remove(claims: readonly Claim[]): void {
    const present = claims.filter((claim) => this.#claims.get(claim.partition) === claim);
    for (const { partition } of present) this.#claims.delete(partition);
    if (present.length > 0) this.refresh(present);
  }

  /** These are wanted, or not any more: their calls are opened anew. */
  refresh(claims: readonly Claim[]): void {
    this.#calls.reopen(claims.map(({ partition }) => partition));
    if (this.#isPaused) this.#calls.pause();
  }

  pause(): void {
    this.#isPaused = true;
    this.#calls.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#calls.resume();
  }

  close(): void {
    this.#closing.abort();
    this.#claims.clear();
    this.#calls.close();
  }

  /** @returns whether it goes on somewhere else */
  #backInRange(): boolean {
    const { topic, onOutOfRange: where } = this.#options;
    if (where === "fail") return false;
    const partitions = [...this.#claims.keys()];
    this.#admin.listOffsets({ topic, partitions, position: { kind: where } }, { signal: this.#closing.signal }).then(
      (rows) => {
        for (const row of rows) {
          const progress = this.#claims.get(row.partition)?.progress;
          if (progress === undefined) continue;
          const isOutside = progress.received < row.logStartOffset || progress.received > row.logEndOffset;
          if (isOutside) progress.received = row.offset;
        }
        this.#calls.open();
      },
      (error: unknown) => {
        if (this.#closing.signal.aborted) return;
        const reason =
          error instanceof VarveError ? error : new VarveError("INTERNAL", String(error), { cause: error });
        this.#calls.retryLater(reason);
      },
    );
    return true;
  }
}
