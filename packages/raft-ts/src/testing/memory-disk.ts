// SPDX-License-Identifier: Apache-2.0
/**
 * A disk in memory, with the promises of storage and not one more. It outlives the process that writes to it.
 *
 *   change ──▶ pending, in order ──sync──▶ durable ──told──▶ the writer's promise resolves
 *                     │
 *           crash: what is not durable yet is gone, but for as many of the oldest as the caller keeps
 *
 * Invariant: what is durable is what a sequence of whole changes made (P3); `DiskImage` checks it against the rules.
 */
import type { PeerId } from "../core/types.ts";
import type { Identity } from "../runtime/ports.ts";
import { DiskImage, type StoredSnapshot } from "./disk-image.ts";

/** How the disk spends time. Each hook is given what to do, and does it once, later, in order. */
export interface DiskPace {
  /** Something becomes durable. */
  readonly sync: (run: () => void) => void;
  /** Whoever waits for it is told. */
  readonly tell: (run: () => void) => void;
}

/** As soon as possible, but never before the call returns. */
export const promptPace: DiskPace = { sync: (run) => setImmediate(run), tell: (run) => run() };

export interface MemoryDiskOptions {
  readonly nodeId: string;
  /** 32 hexadecimal digits; another disk of the same node must have another one (M11). */
  readonly dirId: string;
  readonly pace?: DiskPace;
}

interface Change {
  readonly apply: () => void;
  readonly done: (error?: Error) => void;
  isDurable: boolean;
}

export class MemoryDisk {
  identity: Identity;
  image = new DiskImage<Uint8Array>();
  /** Snapshots of others, complete and durable, that no batch has installed yet. */
  readonly staged = new Map<string, StoredSnapshot<Uint8Array>>();
  /** Why the next open finds storage suspect (D-4); undefined when it is well. */
  damage: string | undefined;
  /** What `freeBytes` tells. */
  freeBytes = 2 ** 40;
  /** Of the ids of snapshots and stages: never given twice. */
  nextId = 1;
  pace: DiskPace;
  /** Who has it open. */
  holder: object | undefined;
  #pending: Change[] = [];
  #failsNext = false;
  #life = 0;

  constructor({ nodeId, dirId, pace = promptPace }: MemoryDiskOptions) {
    this.identity = { nodeId, dirId, clusterId: null };
    this.pace = pace;
  }

  get peerId(): PeerId {
    return `${this.identity.nodeId}@${this.identity.dirId}`;
  }

  /** Makes `apply` durable as a whole and in order, then resolves. */
  change(apply: () => void): Promise<void> {
    const life = this.#life;
    return new Promise((resolve, reject) => {
      const change: Change = {
        apply,
        done: (error) => (error === undefined ? resolve() : reject(error)),
        isDurable: false,
      };
      this.#pending.push(change);
      this.pace.sync(() => {
        if (life !== this.#life) return;
        if (this.#failsNext) {
          this.#failsNext = false;
          this.#pending = this.#pending.filter((other) => other !== change);
          change.done(new Error("ENOSPC: no space left on device"));
          return;
        }
        this.#settle(change);
        this.pace.tell(() => {
          if (life !== this.#life) return;
          this.#pending = this.#pending.filter((other) => other !== change);
          change.done();
        });
      });
    });
  }

  /**
   * The process died. Of what it was not told is durable, the oldest `kept` changes survive; by default none. Promises that
   * it waited for never settle.
   */
  crash(kept = 0): void {
    this.#life += 1;
    for (const change of this.#pending.filter(({ isDurable }) => !isDurable).slice(0, kept)) this.#settle(change);
    this.#pending = [];
    this.#failsNext = false;
    this.holder = undefined;
  }

  /** How many changes a crash now may lose. */
  get unsyncedCount(): number {
    return this.#pending.filter(({ isDurable }) => !isDurable).length;
  }

  /** The next change fails, as on a full disk. */
  failNext(): void {
    this.#failsNext = true;
  }

  /** Nothing fails that was to fail. */
  heal(): void {
    this.#failsNext = false;
  }

  #settle(change: Change): void {
    if (change.isDurable) return;
    change.isDurable = true;
    change.apply();
  }
}
