// SPDX-License-Identifier: Apache-2.0
/**
 * One node's disk, with the promises of storage and not one more.
 *
 *   write, save, compact ──▶ cache (in order) ──sync takes time──▶ durable image ──a moment later──▶ done()
 *                              │                                        │
 *                 crash: a random prefix survives, each       what the next incarnation boots from
 *                 batch whole or not at all (P3)
 *
 * A crash may fall between "durable" and `done()`: then the batch is there, and nobody was told.
 *
 * Faults that a plan may ask for: slow and hanging syncs, a failing write (which may or may not be there afterwards), a
 * lost disk (blank, under a new `dirId`, M11), damage that the next open reports as suspect (D-4), and, only to prove that
 * somebody notices, a disk that lies about its syncs.
 *
 * Invariant: at most one batch is outstanding (P4), and the image is always one that a sequence of whole batches made.
 */
import type { BootState, Entry, PersistBatch } from "../core/types.ts";
import { DiskImage, type StoredSnapshot } from "./disk-image.ts";
import type { RandomStream } from "./random-stream.ts";
import type { Scheduled, Scheduler } from "./scheduler.ts";
import { holds } from "./violation.ts";

/** How long things take, in µs. */
export interface DiskSpeed {
  readonly syncBase: number;
  /** Mean of the exponential part of a sync. */
  readonly syncTail: number;
  /** Longest time between durable and told. */
  readonly tellMax: number;
}

export interface DiskCounts {
  batches: number;
  snapshots: number;
  /** Crashes that lost, and that kept, what nobody had been told of. */
  lostInCrash: number;
  keptInCrash: number;
  failedWrites: number;
  hangs: number;
  wipes: number;
}

export interface DiskOptions<State> {
  readonly scheduler: Scheduler;
  readonly random: RandomStream;
  readonly speed: DiskSpeed;
  /** Sees every image just after it changed, by a batch or otherwise: for invariants about durable state. */
  readonly onDurable: (image: DiskImage<State>, batch: PersistBatch | undefined) => void;
}

/** Longest sync that is only slow, in µs. */
export const syncTimeMax = 2_000_000;

interface Pending {
  /** Undefined for a snapshot or a compaction. */
  readonly batch: PersistBatch | undefined;
  /** Takes it into the image. */
  readonly apply: () => void;
  readonly done: (error?: Error) => void;
  isDurable: boolean;
}

export class SimulatedDisk<State> {
  readonly counts: DiskCounts = {
    batches: 0,
    snapshots: 0,
    lostInCrash: 0,
    keptInCrash: 0,
    failedWrites: 0,
    hangs: 0,
    wipes: 0,
  };
  image: DiskImage<State>;
  /** The next open finds damage (D-4). */
  isSuspect = false;
  /** Syncs take this many times as long. */
  slowness = 1;
  /** May be changed at any time; holds for what is started from then on. */
  speed: DiskSpeed;
  /** Acknowledges what is not durable yet: for tests that must fail. */
  lies = false;
  readonly #options: DiskOptions<State>;
  #pending: Pending[] = [];
  #timers: Scheduled[] = [];
  #staged = new Map<string, StoredSnapshot<State>>();
  #stageNumber = 0;
  #isBatchOutstanding = false;
  #hangsUntil = 0;
  #failsNext = false;

  constructor(image: DiskImage<State>, options: DiskOptions<State>) {
    this.image = image;
    this.speed = options.speed;
    this.#options = options;
  }

  /** Makes the batch durable as a whole (P3), then calls `done`; with an error when the write failed (P5). */
  write(batch: PersistBatch, done: (error?: Error) => void): void {
    holds(!this.#isBatchOutstanding, "P4", () => `batch ${batch.seq} was handed out while another one is outstanding`);
    holds(
      batch.install === null || batch.entries.length === 0,
      "S9",
      () => `batch ${batch.seq} installs a snapshot and appends entries`,
    );
    const staged = batch.install === null ? undefined : this.#staged.get(batch.install.stagedId);
    holds(
      batch.install === null || staged !== undefined,
      "S10",
      () => `batch ${batch.seq} installs stage "${batch.install?.stagedId}", which does not exist`,
    );
    this.#isBatchOutstanding = true;
    this.#start({
      batch,
      apply: () => {
        this.image.applyBatch(batch, staged);
        if (batch.install !== null) this.#staged.delete(batch.install.stagedId);
        this.counts.batches++;
      },
      done: (error) => {
        this.#isBatchOutstanding = false;
        done(error);
      },
      isDurable: false,
    });
  }

  /** Publishes a snapshot of the node's own (S2), then calls `done`. One that is older than the newest changes nothing. */
  saveSnapshot(snapshot: StoredSnapshot<State>, done: () => void): void {
    this.#start({
      batch: undefined,
      apply: () => {
        this.image.saveSnapshot(snapshot);
        this.counts.snapshots++;
      },
      done,
      isDurable: false,
    });
  }

  /** Makes the disk that of a member (M9) as a whole, then calls `done`. Only on a blank one. */
  format(image: DiskImage<State>, done: () => void): void {
    holds(this.image.clusterId === null, "M11", () => `a disk of cluster ${this.image.clusterId} is formed again`);
    this.#start({ batch: undefined, apply: () => (this.image = image), done, isDurable: false });
  }

  /** Deletes entries up to `upTo`, which a durable snapshot must cover (S3). */
  compact(upTo: number): void {
    this.#start({ batch: undefined, apply: () => this.image.compact(upTo), done: () => {}, isDurable: false });
  }

  /** Keeps a received snapshot beside the image, durably, until a batch installs it or `discard` deletes it (S5). */
  stage(snapshot: StoredSnapshot<State>): string {
    const stagedId = `stage-${this.#stageNumber++}`;
    this.#staged.set(stagedId, snapshot);
    return stagedId;
  }

  discard(stagedId: string): void {
    this.#staged.delete(stagedId);
  }

  get stagedCount(): number {
    return this.#staged.size;
  }

  /** Durable entries of [lo, hi), at least one if the first is there, then no more than `maxBytes`; empty when it is not. */
  entries(lo: number, hi: number, maxBytes: number): Entry[] {
    return this.image.slice(lo, hi, maxBytes);
  }

  /** What storage recovers at open. Stages that nobody installed are gone. */
  boot(tailBytes: number): BootState {
    this.#staged.clear();
    return { ...this.image.bootState(tailBytes), suspect: this.isSuspect };
  }

  /** The newest durable snapshot. */
  get snapshot(): StoredSnapshot<State> | null {
    return this.image.snapshot;
  }

  /** The process or its machine dies: of what nobody was told, a random prefix survives. */
  crash(): void {
    this.#timers.forEach((timer) => timer.cancel());
    this.#timers = [];
    const unsure = this.#pending.filter(({ isDurable }) => !isDurable);
    const kept = this.#options.random.between(0, unsure.length);
    unsure.slice(0, kept).forEach((pending) => this.#makeDurable(pending));
    this.counts.keptInCrash += kept;
    this.counts.lostInCrash += unsure.length - kept;
    this.#pending = [];
    this.#isBatchOutstanding = false;
    this.#hangsUntil = 0;
    this.#failsNext = false;
  }

  /** No sync ends for `duration` µs. */
  hang(duration: number): void {
    this.#hangsUntil = Math.max(this.#hangsUntil, this.#options.scheduler.now + duration);
    this.counts.hangs++;
  }

  /** No slowness, no hanging, no failing from now on. */
  heal(): void {
    this.slowness = 1;
    this.#hangsUntil = 0;
    this.#failsNext = false;
  }

  /** The next write fails, as on a full disk. */
  failNextWrite(): void {
    this.#failsNext = true;
  }

  /** The disk is lost and replaced: blank, under a new identity (M11). Only while no process runs on it. */
  wipe(image: DiskImage<State>): void {
    this.image = image;
    this.#staged.clear();
    this.isSuspect = false;
    this.counts.wipes++;
  }

  #start(pending: Pending): void {
    const { random, scheduler } = this.#options;
    const { speed } = this;
    this.#pending.push(pending);
    if (this.lies) scheduler.after(1, () => pending.done());
    const syncTime = (speed.syncBase + random.exponential(speed.syncTail)) * this.slowness;
    this.#later(Math.min(syncTime, syncTimeMax), () => this.#sync(pending));
  }

  #sync(pending: Pending): void {
    const { scheduler, random } = this.#options;
    if (scheduler.now < this.#hangsUntil) {
      // In steps, so that healing ends a hang early.
      this.#later(Math.min(this.#hangsUntil - scheduler.now, 10_000), () => this.#sync(pending));
      return;
    }
    if (pending.batch !== undefined && this.#failsNext) {
      this.#failsNext = false;
      this.counts.failedWrites++;
      // P5: an error says nothing about what is on the disk.
      if (random.chance(0.5)) this.#throughTo(pending);
      pending.done(new Error("ENOSPC: no space left on device"));
      return;
    }
    this.#throughTo(pending);
    if (this.lies) return;
    this.#later(random.below(this.speed.tellMax + 1), () => {
      this.#pending = this.#pending.filter((other) => other !== pending);
      pending.done();
    });
  }

  /** One log for all: what was started before becomes durable with it. */
  #throughTo(pending: Pending): void {
    for (const other of this.#pending) {
      if (!other.isDurable) this.#makeDurable(other);
      if (other === pending) break;
    }
    if (this.lies) this.#pending = this.#pending.filter(({ isDurable }) => !isDurable);
  }

  #makeDurable(pending: Pending): void {
    pending.isDurable = true;
    pending.apply();
    this.#options.onDurable(this.image, pending.batch);
  }

  #later(delay: number, run: () => void): void {
    if (this.#timers.length > 64) this.#timers = this.#timers.filter((timer) => timer.run !== undefined);
    this.#timers.push(this.#options.scheduler.after(delay, run));
  }
}
