// SPDX-License-Identifier: Apache-2.0
// A member of a consumer group, as its callers see it: batches by for await, or records by run(handler).
//
//   for await:  a batch is finished when the next one is asked for        run():  a record is finished when its handler is done
//
// One of the two, once: the consumer ends with it.

import { VarveError, type Position } from "@varve/api";
import type { Admin } from "../admin.ts";
import { cancelled, onAbort } from "../call.ts";
import type { Timer } from "../clock.ts";
import type { Connection } from "../connection.ts";
import { checkOffset } from "../places.ts";
import { Producer } from "../producer/producer.ts";
import { keyOf, type Claim, type TopicPartition } from "./claim.ts";
import { HandedBatch, type ConsumedBatch } from "./consumed-batch.ts";
import {
  settingsOf,
  type CloseOptions,
  type ConsumerOptions,
  type ConsumerSettings,
  type PartitionOffset,
} from "./consumer-options.ts";
import { DeadLetters } from "./dead-letters.ts";
import { GroupMember } from "./group-member.ts";
import { healthOf, Paces, type Health, type PartitionPace } from "./health.ts";
import { Runner, type RecordHandler, type RunOptions } from "./runner.ts";

/** What to commit: a batch or several offsets, each the next one to read. */
export type CommitTarget = ConsumedBatch | readonly (PartitionOffset & { readonly metadata?: string | undefined })[];

export class Consumer implements AsyncIterable<ConsumedBatch> {
  readonly group: string;
  readonly #connection: Connection;
  readonly #admin: Admin;
  readonly #settings: ConsumerSettings;
  readonly #member: GroupMember;
  readonly #paces = new Paces();
  readonly #forgetSignal: () => void;
  readonly #onClosed: (consumer: Consumer) => void;
  readonly #asking = new AbortController();
  #use: "none" | "iteration" | "run" = "none";
  /** Handed out last, by for await. */
  #inHand: HandedBatch | undefined;
  #wake: (() => void) | undefined;
  #lagTimer: Timer | undefined;

  /** Made by Client.consumer(). Throws INVALID_REQUEST. */
  constructor(connection: Connection, admin: Admin, options: ConsumerOptions, onClosed: (consumer: Consumer) => void) {
    this.#connection = connection;
    this.#admin = admin;
    this.#settings = settingsOf(options);
    this.group = options.group;
    this.#onClosed = onClosed;
    this.#member = new GroupMember(connection, admin, this.#settings, () => this.#ended());
    const { signal } = options;
    this.#forgetSignal =
      signal === undefined ? () => undefined : onAbort([signal], (by) => this.destroy(cancelled(by)));
    if (signal?.aborted === true) this.destroy(cancelled(signal));
  }

  /** Joins the group with the first call. Ends when the consumer is closed or the group is at its end; rejects with VarveError. */
  [Symbol.asyncIterator](): AsyncIterator<ConsumedBatch, undefined> {
    this.#begin("iteration");
    this.#member.onWake = () => this.#wake?.();
    const ended = { done: true, value: undefined } as const;
    return {
      next: async () => {
        const batch = await this.#next();
        return batch === undefined ? ended : { done: false, value: batch };
      },
      return: async () => {
        // Whether the batch in hand was done nobody says: it comes again, unless it was committed.
        this.#abandonInHand();
        await this.close();
        return ended;
      },
    };
  }

  /**
   * Handles every record of the member's partitions. Resolves when the consumer is closed or the group is at its end; rejects with what
   * ended it: always one of the two.
   */
  async run(handler: RecordHandler, options: RunOptions = {}): Promise<void> {
    this.#refuseSecondUse();
    const { deadLetterTopic } = options;
    const deadLetters =
      deadLetterTopic === undefined
        ? undefined
        : new DeadLetters(new Producer(this.#connection, {}, () => undefined), {
            topic: deadLetterTopic,
            group: this.group,
          });
    try {
      const runner = new Runner(this.#member, this.#connection.clock, handler, options, deadLetters);
      this.#begin("run");
      await new Promise<void>((resolve) => {
        this.#member.onWake = () => {
          runner.pump();
          if (this.#member.ended !== undefined) resolve();
        };
        this.#member.onWake();
      });
    } finally {
      deadLetters?.end();
    }
    const error = this.#member.ended?.error;
    if (error !== undefined) throw error;
  }

  /** Id that the group knows it by; empty before it has joined. */
  get memberId(): string {
    return this.#member.memberId;
  }

  /** The partitions that it has, and where it is in each: the next offset to hand out. */
  get assignment(): PartitionOffset[] {
    return [...this.#member.claims.values()].map(({ topic, partition, progress }) => ({
      topic,
      partition,
      offset: progress.position,
    }));
  }

  /**
   * Commits a batch and all before it in its partition, certain offsets, or, without `target`, everything that is finished. Resolves when
   * the group has it; rejects with NOT_ASSIGNED when the partition is not this member's any more or was moved.
   */
  async commit(target?: CommitTarget): Promise<void> {
    const member = this.#member;
    if (member.ended !== undefined) throw member.ended.error ?? closed("commit");
    if (target !== undefined && !(target instanceof HandedBatch)) {
      for (const wish of target as PartitionOffset[]) checkOffset(`commit ${keyOf(wish)}`, wish.offset);
    }
    if (target instanceof HandedBatch) {
      if (target === this.#inHand) this.#inHand = undefined;
      member.finish(target.claim, target.entry);
    }
    await new Promise<void>((resolve, reject) => {
      let left = 1;
      const listener = (error: VarveError | undefined): void => {
        left -= 1;
        if (error !== undefined) reject(error);
        else if (left === 0) resolve();
      };
      const timer = this.#connection.clock.setTimer(this.#connection.requestTimeoutMs, () =>
        reject(new VarveError("REQUEST_TIMED_OUT", "Cannot commit: the group did not answer in time")),
      );
      const done = (error: VarveError | undefined): void => {
        listener(error);
        if (left === 0 || error !== undefined) timer.cancel();
      };
      if (target === undefined) left += member.commitFinished(done);
      else if (target instanceof HandedBatch) {
        left += 1;
        const leaderEpoch = target.records.at(-1)?.leaderEpoch ?? -1;
        member.offer(target.claim, { offset: target.nextOffset, leaderEpoch }, "", done);
      } else {
        try {
          const wishes = (target as Exclude<CommitTarget, ConsumedBatch>).map((wish) => ({
            wish,
            claim: member.claimOf(wish),
          }));
          left += wishes.length;
          for (const { wish, claim } of wishes) {
            member.offer(claim, { offset: wish.offset, leaderEpoch: -1 }, wish.metadata ?? "", done);
          }
        } catch (error) {
          timer.cancel();
          reject(error);
          return;
        }
      }
      member.pump();
      done(undefined);
    });
  }

  /** Hands out nothing of these partitions, of all when none is named, until resume(). The membership goes on. */
  pause(partitions?: readonly TopicPartition[]): void {
    if (partitions === undefined) this.#member.pauseAll(true);
    else this.#member.pause(partitions, true);
  }

  resume(partitions?: readonly TopicPartition[]): void {
    if (partitions === undefined) this.#member.pauseAll(false);
    else this.#member.pause(partitions, false);
  }

  /**
   * Goes on elsewhere in a partition that it has. Resolves when that is in force. Going there commits nothing, forward or back; what is
   * finished from there on is committed as ever, so that after going back the group goes back with it. What was finished before counts.
   */
  seek(partition: TopicPartition, position: Position): Promise<void> {
    return this.#member.seek(partition, position);
  }

  /** The next offset to hand out; undefined: the partition is not this member's. */
  position(partition: TopicPartition): number | undefined {
    return this.#claim(partition)?.progress.position;
  }

  /** Records (offsets) that are not finished, in one partition or in all that it has, as far as it is known. */
  lag(partition?: TopicPartition): number {
    const paces = this.#look();
    const wanted = partition === undefined ? paces : paces.filter(({ key }) => key === keyOf(partition));
    return wanted.reduce((sum, { finishedOffset, target }) => sum + Math.max(0, target - finishedOffset), 0);
  }

  /** Bad when it has ended, is out of its group for long, or something is to be read or committed and nothing moves for `stuckAfterMs`. */
  health(): Health {
    const nowMs = this.#connection.clock.monotonicMs();
    const partitions = this.#look();
    this.#paces.observe(partitions, nowMs);
    const { stuckAfterMs: limitMs } = this.#settings;
    const { ended, outMs, uncommitted } = this.#member;
    return healthOf({
      ended: ended === undefined ? undefined : (ended.error?.message ?? "it was closed"),
      outMs,
      partitions,
      stuck: this.#paces.stuck(nowMs, limitMs),
      uncommitted,
      limitMs,
    });
  }

  /**
   * Hands out nothing more; waits for handlers, or for the batch in hand of a for await; commits; leaves. What is not done when time is
   * up is abandoned, and comes again. In the body of a for await use `break`: close() would wait for that body. Idempotent.
   */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#member.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends now, without commit or goodbye. Called by the client when it is destroyed. */
  destroy(error: VarveError): void {
    this.#member.end(error);
  }

  async #next(): Promise<ConsumedBatch | undefined> {
    if (this.#inHand !== undefined) {
      const { claim, entry } = this.#inHand;
      this.#inHand = undefined;
      this.#member.finish(claim, entry);
    }
    for (;;) {
      const handed = this.#member.take();
      if (handed !== undefined) {
        this.#inHand = new HandedBatch(handed.claim, handed.message);
        return this.#inHand;
      }
      const { ended } = this.#member;
      if (ended?.error !== undefined) throw ended.error;
      if (ended !== undefined) return undefined;
      if (this.#wake !== undefined) {
        throw new VarveError("INVALID_REQUEST", "Cannot read: another next() is waiting already");
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }

  #abandonInHand(): void {
    const batch = this.#inHand;
    this.#inHand = undefined;
    if (batch !== undefined) this.#member.abandon(batch.claim, batch.entry);
  }

  #refuseSecondUse(): void {
    if (this.#use === "none") return;
    const by = this.#use === "run" ? "run()" : "a for await";
    throw new VarveError("INVALID_REQUEST", `Cannot read: this consumer is used by ${by} already. Make another one`);
  }

  #begin(use: "iteration" | "run"): void {
    this.#refuseSecondUse();
    if (this.#member.isClosing || this.#member.ended !== undefined) throw this.#member.ended?.error ?? closed("read");
    this.#use = use;
    this.#member.open();
    this.#askLater();
  }

  #ended(): void {
    this.#forgetSignal();
    this.#lagTimer?.cancel();
    this.#asking.abort();
    this.#onClosed(this);
  }

  #claim(partition: TopicPartition): Claim | undefined {
    return this.#member.claims.get(keyOf(partition));
  }

  #look(): PartitionPace[] {
    return [...this.#member.claims.values()].map(({ key, progress, finished, endOffset }) => ({
      key,
      finishedOffset: finished.committable.offset,
      target: Math.min(progress.highWatermark, endOffset ?? Infinity),
      isPaused: progress.paused || this.#member.isPausedAll,
    }));
  }

  /** How far the partitions go nobody says where nothing is read: so it is asked. */
  #askLater(): void {
    const { lagIntervalMs } = this.#settings;
    if (lagIntervalMs === 0 || this.#member.ended !== undefined) return;
    this.#lagTimer = this.#connection.clock.setTimer(lagIntervalMs, () => {
      // What fails now is tried again the next time: health looks at the rest.
      void this.#askWatermarks()
        .catch(() => undefined)
        .finally(() => this.#askLater());
    });
    this.#lagTimer.unref?.();
  }

  async #askWatermarks(): Promise<void> {
    this.#paces.observe(this.#look(), this.#connection.clock.monotonicMs());
    const claims = [...this.#member.claims.values()];
    for (const topic of new Set(claims.map((claim) => claim.topic))) {
      const partitions = claims.filter((claim) => claim.topic === topic).map(({ partition }) => partition);
      const rows = await this.#admin.listOffsets({ topic, partitions }, { signal: this.#asking.signal });
      for (const { partition, highWatermark } of rows) {
        const progress = this.#claim({ topic, partition })?.progress;
        if (progress !== undefined && highWatermark > progress.highWatermark) progress.highWatermark = highWatermark;
      }
    }
    // Who was thought to have nothing may be waiting for room.
    this.#member.onWake();
  }
}

function closed(what: string): VarveError {
  return new VarveError("CLIENT_CLOSED", `Cannot ${what}: the consumer is closed`);
}
