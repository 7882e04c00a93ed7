// SPDX-License-Identifier: Apache-2.0
// D-11: looks at a directory of `LevelStorage` that nobody has open, and changes nothing in it: LevelDB, which cannot open a
// database without writing to it, is given a copy. Goes on after the first damage, so that the report says what is left.

import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config, HardState } from "../core/types.ts";
import type { Identity, SnapshotDescription } from "../runtime/ports.ts";
import { readFence, type FenceSlot } from "./fence.ts";
import { exists, namesIn } from "./files.ts";
import { LevelDatabase } from "./level-database.ts";
import { checkTables } from "./level-tables.ts";
import { compareWithFence, readLog, readRecords, type StoredRecords } from "./recovery.ts";
import { checkSnapshot } from "./snapshot-file.ts";
import { StorageError } from "./storage-error.ts";
import { storagePaths, type StoragePaths } from "./storage-paths.ts";

/** Entries of one term, next to each other. Two logs with the same chain at an index are equal up to it. */
export interface CheckedRange {
  readonly from: number;
  to: number;
  readonly term: number;
  payloadBytes: number;
  /** At `to`. */
  chain: number;
}

export interface CheckReport {
  readonly directory: string;
  readonly verdict: "ok" | "blank" | "suspect";
  /** What does not fit; empty unless suspect. */
  readonly damage: readonly string[];
  readonly identity: Identity | null;
  readonly hard: HardState | null;
  /** Number of the newest batch. */
  readonly batch: number | null;
  /** The batch that the fence promises. */
  readonly fence: number | null;
  readonly firstIndex: number | null;
  readonly lastIndex: number | null;
  /** As far as the log is whole. */
  readonly ranges: readonly CheckedRange[];
  readonly snapshot: (SnapshotDescription & { readonly file: string; readonly whole: boolean }) | null;
  /** The snapshot's, then those of the log, oldest first. */
  readonly configs: readonly { readonly index: number; readonly config: Config }[];
  /** Snapshot files that the database does not name: the next open deletes them. */
  readonly orphans: readonly string[];
}

/** Rejects with `StorageError` "locked" or "foreign" when there is nothing to be checked. */
export async function checkStorage(directory: string): Promise<CheckReport> {
  const paths = storagePaths(directory);
  const names = await namesIn(directory);
  if (!["db", "fence", "snapshots"].some((name) => names.includes(name))) {
    throw new StorageError("foreign", `Cannot check "${directory}": there is no raft storage in it`);
  }
  await LevelDatabase.assertUnlocked(paths.database);
  const check = new Check(paths);
  await check.run();
  return check.report();
}

class Check {
  readonly #paths: StoragePaths;
  readonly #damage: string[] = [];
  #fence: FenceSlot | "missing" | "unreadable" = "missing";
  #records: StoredRecords | undefined;
  readonly #ranges: CheckedRange[] = [];
  readonly #configs: { index: number; config: Config }[] = [];
  #snapshotIsWhole = false;
  #orphans: string[] = [];

  constructor(paths: StoragePaths) {
    this.#paths = paths;
  }

  async run(): Promise<void> {
    const { database, fence, snapshots } = this.#paths;
    this.#fence = await readFence(fence);
    if (this.#fence === "unreadable") this.#damage.push("neither slot of the fence is readable");
    if (await exists(database)) {
      // A table with a broken checksum could end this process from within LevelDB.
      if (await this.#holds(() => checkTables(database))) await this.#onCopy();
    } else {
      this.#damage.push("the database is gone");
    }
    const record = this.#records?.snapshot ?? null;
    if (record !== null) {
      this.#configs.unshift({ index: record.description.meta.index, config: record.description.meta.config });
      this.#snapshotIsWhole = await this.#holds(() => checkSnapshot(join(snapshots, record.file), record.description));
    }
    this.#orphans = (await namesIn(snapshots)).filter((name) => name !== record?.file);
  }

  report(): CheckReport {
    const { identity, head, snapshot } = this.#records ?? {};
    const blank = identity?.clusterId === null ? "blank" : "ok";
    return {
      directory: this.#paths.directory,
      verdict: this.#damage.length > 0 ? "suspect" : blank,
      damage: this.#damage,
      identity:
        identity === undefined
          ? null
          : { nodeId: identity.nodeId, dirId: identity.dirId, clusterId: identity.clusterId },
      hard: head === undefined ? null : { term: head.term, vote: head.vote, commit: head.commit },
      batch: head?.seq ?? null,
      fence: typeof this.#fence === "string" ? null : this.#fence.seq,
      firstIndex: head?.firstIndex ?? null,
      lastIndex: head?.lastIndex ?? null,
      ranges: this.#ranges,
      snapshot:
        snapshot === undefined || snapshot === null
          ? null
          : { ...snapshot.description, file: snapshot.file, whole: this.#snapshotIsWhole },
      configs: this.#configs,
      orphans: this.#orphans,
    };
  }

  async #onCopy(): Promise<void> {
    const copy = await mkdtemp(join(tmpdir(), "raft-check-"));
    try {
      await cp(this.#paths.database, copy, { recursive: true });
      await this.#holds(async () => {
        const database = await LevelDatabase.open(copy);
        try {
          await this.#read(database);
        } finally {
          await database.close();
        }
      });
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  }

  async #read(database: LevelDatabase): Promise<void> {
    const records = await readRecords(database);
    this.#records = records;
    const fence = this.#fence;
    if (fence !== "unreadable") await this.#holds(() => compareWithFence(records, fence));
    for await (const page of readLog(database, records)) {
      for (const { entry, chain } of page) {
        const { index, term, config, data } = entry;
        if (config !== null) this.#configs.push({ index, config });
        const last = this.#ranges.at(-1);
        if (last === undefined || last.term !== term) {
          this.#ranges.push({ from: index, to: index, term, payloadBytes: data.length, chain });
        } else {
          last.to = index;
          last.payloadBytes += data.length;
          last.chain = chain;
        }
      }
    }
  }

  async #holds(check: () => unknown): Promise<boolean> {
    try {
      await check();
      return true;
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== "damaged") throw error;
      this.#damage.push(error.message);
      return false;
    }
  }
}
