// SPDX-License-Identifier: Apache-2.0
// Handles records side by side, of each key one after the other: takes them from the member as long as there is room, tries what
// fails again, puts what cannot be handled aside.
//
//   member.take() ─> lanes by key ─> handler ─ done ─────────────────────────> finished
//                        ^              │ failed ── backoff ── again, attempts times
//                        └── next of    └── still ──> dead letter, acknowledged ──> finished
//                            the key              └─> without that: run() rejects, nothing of it is committed

import { setMaxListeners } from "node:events";
import { VarveError, type ConsumedRecord } from "@varve/api";
import { backoffMs, type BackoffOptions } from "../backoff.ts";
import { sleep } from "../call.ts";
import type { Clock } from "../clock.ts";
import type { Claim } from "./claim.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { GroupMember } from "./group-member.ts";
import { KeyLanes } from "./key-lanes.ts";

/** What a handler is told beside its record. */
export interface HandlerContext {
  readonly topic: string;
  /** 1: the first try. */
  readonly attempt: number;
  /** Aborted when finishing is of no use any more: the partition is not this member's now, was moved, or time to close is up. */
  readonly signal: AbortSignal;
}

/** Handles one record: it is done when the promise is kept, and has failed when it throws. */
export type RecordHandler = (record: ConsumedRecord, context: HandlerContext) => void | Promise<void>;

export interface RunOptions {
  /** Records handled at a time; of one key, or of a partition where there is none, one. @default 1 */
  readonly concurrency?: number | undefined;
  readonly retry?:
    | {
        /** Tries in all. @default 1 */
        readonly attempts?: number | undefined;
        readonly backoff?: BackoffOptions | undefined;
      }
    | undefined;
  /** Where records go that cannot be handled, with headers that say where they came from and why. @default none: run() rejects */
  readonly deadLetterTopic?: string | undefined;
}

interface Job {
  readonly claim: Claim;
  readonly record: ConsumedRecord;
  readonly entry: number;
}

/** From so many records of a partition that are not in its unbroken row on, no more are taken: one may hang for ever. */
export const aheadMax = 65_536;
/** Waiting records for each hand, before more are taken. */
const waitingPerHand = 16;

export class Runner {
  readonly #member: GroupMember;
  readonly #handler: RecordHandler;
  readonly #clock: Clock;
  readonly #lanes: KeyLanes<Job>;
  readonly #waitingMax: number;
  readonly #attempts: number;
  readonly #backoff: BackoffOptions | undefined;
  readonly #deadLetters: DeadLetters | undefined;
  /** Records that wait in the lanes. */
  readonly #waiting = new Map<Claim, number>();
  #isPumping = false;

  constructor(
    member: GroupMember,
    clock: Clock,
    handler: RecordHandler,
    options: RunOptions,
    deadLetters: DeadLetters | undefined,
  ) {
    const { concurrency = 1, retry } = options;
    const { attempts = 1, backoff } = retry ?? {};
    for (const [name, value] of Object.entries({ concurrency, attempts })) {
      if (Number.isInteger(value) && value >= 1) continue;
      throw new VarveError("INVALID_REQUEST", `Cannot run: ${name} is ${value}, not 1 or more`);
    }
    this.#member = member;
    this.#clock = clock;
    this.#handler = handler;
    this.#waitingMax = Math.max(256, concurrency * waitingPerHand);
    this.#lanes = new KeyLanes({ concurrency, waitingMax: this.#waitingMax });
    this.#attempts = attempts;
    this.#backoff = backoff;
    this.#deadLetters = deadLetters;
  }

  /** Takes and begins what can be. Called whenever something may have changed. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#dropUnwanted();
    for (;;) {
      for (let next = this.#lanes.next(); next !== undefined; next = this.#lanes.next()) {
        this.#leaves(next.item);
        next.item.claim.finished.start(next.item.entry);
        void this.#handle(next.item, next.lane);
      }
      // One key that hangs fills its partition's part; what has nothing waiting is always welcome.
      const handed = this.#member.take((claim) => this.#isWelcome(claim));
      if (handed === undefined) break;
      const { claim, message } = handed;
      setMaxListeners(0, claim.gone);
      const last = message.records.length - 1;
      for (const [index, record] of message.records.entries()) {
        // Behind the last record come offsets that nobody will see: they are done with it.
        const offset = index === last ? message.nextOffset : record.offset + 1;
        const entry = claim.finished.handOut({ offset, leaderEpoch: record.leaderEpoch });
        this.#lanes.add(laneOf(claim, record), { claim, record, entry });
      }
      this.#waiting.set(claim, (this.#waiting.get(claim) ?? 0) + message.records.length);
    }
    this.#isPumping = false;
  }

  /** Of partitions that go, what was not begun is not begun, unless something behind it was: that would come again elsewhere. */
  #dropUnwanted(): void {
    // Looking through all that waits costs more than a quick handler.
    if (![...this.#waiting.keys()].some(({ state }) => state !== "held")) return;
    const dropped = this.#lanes.drop(
      ({ claim, entry }) =>
        claim.state === "gone" || (claim.state === "giving-back" && !claim.finished.isBeforeStarted(entry)),
    );
    for (const job of dropped) this.#leaves(job);
  }

  #isWelcome(claim: Claim): boolean {
    const waiting = this.#waiting.get(claim) ?? 0;
    if (claim.finished.open >= aheadMax) return false;
    return waiting === 0 || (this.#lanes.hasRoom && waiting < this.#waitingMax / 2);
  }

  #leaves({ claim }: Job): void {
    const left = (this.#waiting.get(claim) ?? 0) - 1;
    if (left > 0) this.#waiting.set(claim, left);
    else this.#waiting.delete(claim);
  }

  async #handle(job: Job, lane: string): Promise<void> {
    const { claim } = job;
    const isDone = claim.state === "gone" ? false : await this.#tryAll(job);
    if (isDone) this.#member.finish(claim, job.entry);
    else this.#member.abandon(claim, job.entry);
    this.#lanes.done(lane);
    this.pump();
  }

  /** @returns whether it counts as handled */
  async #tryAll({ claim, record }: Job): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#handler(record, { topic: claim.topic, attempt, signal: claim.gone });
        return true;
      } catch (error) {
        // Whoever has it now tries it himself.
        if (claim.state === "gone") return false;
        if (attempt >= this.#attempts) return this.#putAside(claim, record, attempt, error);
      }
      const delayMs = backoffMs(attempt, this.#clock.random(), this.#backoff);
      const isOver = await sleep(delayMs, this.#clock, [claim.gone]).then(
        () => false,
        () => true,
      );
      if (isOver) return false;
    }
  }

  async #putAside(claim: Claim, record: ConsumedRecord, attempts: number, error: unknown): Promise<boolean> {
    const place = `record ${record.offset} of partition ${record.partition} of "${claim.topic}"`;
    if (this.#deadLetters === undefined) {
      const tries = attempts === 1 ? "" : ` ${attempts} times`;
      const about = { topic: claim.topic, partition: String(record.partition), offset: String(record.offset) };
      const message = `Cannot handle ${place}: the handler failed${tries}: ${textOf(error)}. Mend it, skip the record, or name a deadLetterTopic`;
      void this.#member.close({}, new VarveError("HANDLER_FAILED", message, { cause: error, metadata: about }));
      return false;
    }
    try {
      await this.#deadLetters.send(claim.topic, record, { attempts, error });
      return true;
    } catch (failure) {
      if (claim.state === "gone") return false;
      const message = `Cannot put ${place} aside: ${textOf(failure)}`;
      const reason = failure instanceof VarveError ? failure.reason : "INTERNAL";
      void this.#member.close({}, new VarveError(reason, message, { cause: failure }));
      return false;
    }
  }
}

/** Whose order counts: records of one key, or of one partition where there is none. */
function laneOf({ key: partition }: Claim, { key }: ConsumedRecord): string {
  if (key === null) return partition;
  return `${partition}=${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1")}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
