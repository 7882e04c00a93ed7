// SPDX-License-Identifier: Apache-2.0
/**
 * The state machine's turn: batches and restored snapshots, one after the other, in the order in which the core gave them out.
 *
 *   apply, apply, restore, apply ──▶ state machine ──▶ done, in order
 *                                         └── between two batches: a cut for a snapshot, when the policy says so
 *
 * Bounded by the core, which gives out no more than `maxApplyBytes` before it hears that something was applied (F7).
 */

import { totalBytes } from "../core/entries.ts";
import type { ApplyBatch, Entry, SnapMeta } from "../core/types.ts";
import type { AppliedEntry, SnapshotStore, StateMachine } from "./ports.ts";
import { SnapshotCut } from "./snapshot-cut.ts";
import type { SnapshotPolicy } from "./snapshot-policy.ts";

export type ApplyJob =
  | { readonly kind: "apply"; readonly batch: ApplyBatch }
  | { readonly kind: "restore"; readonly meta: SnapMeta };

export interface ApplyHost<Result> {
  nowMs(): number;
  applied(batch: ApplyBatch, results: readonly Result[]): void;
  restored(meta: SnapMeta): void;
  /** False: a snapshot is under way already. */
  wantsCut(): boolean;
  cut(index: number, cut: SnapshotCut): void;
  /** The state machine failed, or a snapshot could not be loaded: the end of the node. */
  failed(error: Error): void;
}

export class ApplyLoop<Result> {
  readonly #machine: StateMachine<Result>;
  readonly #snapshots: SnapshotStore;
  readonly #policy: SnapshotPolicy;
  readonly #host: ApplyHost<Result>;
  readonly #jobs: ApplyJob[] = [];
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(
    machine: StateMachine<Result>,
    snapshots: SnapshotStore,
    policy: SnapshotPolicy,
    host: ApplyHost<Result>,
  ) {
    this.#machine = machine;
    this.#snapshots = snapshots;
    this.#policy = policy;
    this.#host = host;
  }

  push(job: ApplyJob): void {
    if (this.#isStopped) return;
    this.#jobs.push(job);
    this.#running ??= this.#run();
  }

  /** Begins nothing more. Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#jobs.length = 0;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      for (let job = this.#jobs.shift(); job !== undefined && !this.#isStopped; job = this.#jobs.shift()) {
        if (job.kind === "apply") await this.#apply(job.batch);
        else await this.#restore(job.meta);
      }
    } catch (error) {
      this.#isStopped = true;
      this.#host.failed(new Error("The state machine failed; this node cannot go on", { cause: error }));
    }
    this.#running = undefined;
  }

  async #apply(batch: ApplyBatch): Promise<void> {
    const commands = batch.entries.filter(isCommand);
    const results = commands.length === 0 ? [] : await this.#machine.apply(commands);
    if (results.length !== commands.length) {
      throw new Error(
        `apply() gave ${results.length} results for ${commands.length} entries; it must give one for each`,
      );
    }
    if (this.#isStopped) return;
    this.#host.applied(batch, results);
    this.#policy.applied(batch.lastIndex, batch.entries.length, totalBytes(batch.entries));
    if (!this.#policy.isDue(this.#host.nowMs()) || !this.#host.wantsCut()) return;
    this.#policy.taken(this.#host.nowMs());
    this.#host.cut(batch.lastIndex, new SnapshotCut(() => this.#machine.snapshot()));
  }

  async #restore(meta: SnapMeta): Promise<void> {
    await restoreNewest(this.#machine, this.#snapshots, meta.index);
    this.#policy.taken(this.#host.nowMs());
    if (!this.#isStopped) this.#host.restored(meta);
  }
}

/** Loads the newest durable snapshot, which must be the one at `index`. */
export async function restoreNewest(
  machine: StateMachine<unknown>,
  snapshots: SnapshotStore,
  index: number,
): Promise<void> {
  const reader = await snapshots.open();
  if (reader === null) throw new Error(`Cannot load the snapshot at index ${index}: storage has none`);
  try {
    const found = reader.description.meta.index;
    if (found !== index) throw new Error(`Cannot load the snapshot at index ${index}: storage has one at ${found}`);
    await machine.restore(reader.chunks(0));
  } finally {
    await reader.close();
  }
}

function isCommand(entry: Entry): entry is Entry & AppliedEntry {
  return entry.type === "normal";
}
