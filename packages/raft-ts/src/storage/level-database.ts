// SPDX-License-Identifier: Apache-2.0
// LevelDB as far as this storage trusts it: batches that are there whole or not at all, in order, and synced when asked for.
// What it does not promise, records.ts, fence.ts and level-tables.ts check.
//
// D-7: LevelDB syncs its directory only around its MANIFEST, so a new log file may be written, synced and nameless. Whoever
// writes durably through here finds the directory synced after a new log file appeared, before anything else is done.

import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { exists, syncDirectory } from "./files.ts";
import { StorageError, damaged, systemCode } from "./storage-error.ts";

export type Operation =
  | { readonly type: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: "del"; readonly key: Uint8Array };

/** Told that a step is done; for tests. */
export type DatabaseTrace = (step: "directory-synced") => Promise<void>;

const writeBufferBytes = 4 * 1024 * 1024;
/**
 * A new log file begins when the write buffer is full. An operation takes its bytes there, at most this much for its place in
 * the index, and a third for blocks that are not full: below half a buffer, counted this way, there is no new one.
 */
const bytesPerOperation = 256;
const bytesBeforeNewLog = writeBufferBytes / 2;

const readAheadBytes = 1024 * 1024;
const readAheadItems = 1000;

const options = {
  keyEncoding: "view",
  valueEncoding: "view",
  // Payloads are the user's to compress; and blocks as they are can be checked (level-tables.ts).
  compression: false,
  writeBufferSize: writeBufferBytes,
} as const;

export class LevelDatabase {
  readonly #path: string;
  readonly #level: Level<Uint8Array, Uint8Array>;
  readonly #trace: DatabaseTrace;
  #logFiles: readonly string[] = [];
  /** Into the newest log file; see `bytesPerOperation`. */
  #bytesLogged = 0;
  /** Calls of `clear` under way: they fill the write buffer too, by a number that is not known here. */
  #clearing = 0;

  private constructor(path: string, level: Level<Uint8Array, Uint8Array>, trace: DatabaseTrace) {
    this.#path = path;
    this.#level = level;
    this.#trace = trace;
  }

  /**
   * Opens and locks what is there. Rejects with `StorageError`: "locked" when somebody else has it, "damaged" when LevelDB
   * finds it broken, "failed" otherwise.
   */
  static async open(path: string, trace: DatabaseTrace = async () => {}): Promise<LevelDatabase> {
    if (!(await exists(join(path, "CURRENT")))) throw damaged(`the database in "${path}" has no file CURRENT`);
    const level = new Level<Uint8Array, Uint8Array>(path, options);
    try {
      await level.open({ createIfMissing: false });
    } catch (error) {
      throw openError(path, error);
    }
    const database = new LevelDatabase(path, level, trace);
    await database.#lookForLogFiles(true);
    return database;
  }

  /** A new database with these contents, closed again; durable as soon as the directory's own name is. */
  static async create(path: string, operations: readonly Operation[]): Promise<void> {
    await LevelDatabase.assertUnlocked(path);
    await rm(path, { recursive: true, force: true });
    const level = new Level<Uint8Array, Uint8Array>(path, options);
    try {
      await level.open({ createIfMissing: true, errorIfExists: true });
      await level.batch([...operations], { sync: true });
      await level.close();
    } catch (error) {
      throw openError(path, error);
    }
    await syncDirectory(path);
  }

  /** Rejects with `StorageError` "locked" when a process has the database open. Changes no byte of it. */
  static async assertUnlocked(path: string): Promise<void> {
    if (!(await exists(join(path, "LOCK")))) return;
    // LevelDB takes the lock first. Then it finds the database there (or missing), which is not what it was asked for.
    const isThere = await exists(join(path, "CURRENT"));
    const level = new Level<Uint8Array, Uint8Array>(path, options);
    try {
      await level.open({ createIfMissing: false, errorIfExists: isThere });
      await level.close();
    } catch (error) {
      if (causeCode(error) === "LEVEL_LOCKED") throw openError(path, error);
    }
  }

  /** Rejects as `open` does. The value is owned. */
  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      return await this.#level.get(key);
    } catch (error) {
      throw this.#readError(error);
    }
  }

  /** Atomic, and durable when it resolves (D-6, D-7). After a rejection nothing may be written any more (P5). */
  async writeDurably(operations: Operation[]): Promise<void> {
    await this.#level.batch(operations, { sync: true });
    for (const operation of operations) {
      this.#bytesLogged += bytesPerOperation + (operation.type === "put" ? operation.value.length : 0);
    }
    if (this.#clearing > 0 || this.#bytesLogged >= bytesBeforeNewLog) await this.#lookForLogFiles(false);
  }

  /** What is at keys in [from, to), in order, some at a time. Keys and values are owned. Rejects as `open` does. */
  async *pages(from: Uint8Array, to: Uint8Array): AsyncGenerator<[Uint8Array, Uint8Array][], void, undefined> {
    const iterator = this.#level.iterator({ gte: from, lt: to, highWaterMarkBytes: readAheadBytes });
    try {
      for (;;) {
        const page = await iterator.nextv(readAheadItems).catch((error: unknown) => {
          throw this.#readError(error);
        });
        if (page.length === 0) return;
        yield page;
      }
    } finally {
      await iterator.close();
    }
  }

  /** Deletes keys in [from, to), some time: a crash may bring them back. */
  async clear(from: Uint8Array, to: Uint8Array): Promise<void> {
    this.#clearing += 1;
    try {
      await this.#level.clear({ gte: from, lt: to });
    } finally {
      this.#clearing -= 1;
      this.#bytesLogged = bytesBeforeNewLog;
    }
  }

  async close(): Promise<void> {
    await this.#level.close();
  }

  #readError(error: unknown): StorageError {
    const why = error instanceof Error ? error.message : String(error);
    const code = causeCode(error) === "LEVEL_CORRUPTION" ? "damaged" : "failed";
    return new StorageError(code, `Cannot read the database in "${this.#path}": ${why}`, { cause: error });
  }

  /** Syncs the directory when there is a new log file, or `always`. */
  async #lookForLogFiles(always: boolean): Promise<void> {
    // Up to every second write comes here. The answer is in memory: ten microseconds, where a trip through the thread pool
    // takes a hundred.
    const names = readdirSync(this.#path);
    const logFiles = names.filter((name) => name.endsWith(".log"));
    const hasNew = logFiles.some((name) => !this.#logFiles.includes(name));
    this.#logFiles = logFiles;
    if (hasNew) this.#bytesLogged = 0;
    if (!hasNew && !always) return;
    await syncDirectory(this.#path);
    await this.#trace("directory-synced");
  }
}

function openError(path: string, error: unknown): StorageError {
  const cause = error instanceof Error ? error.cause : undefined;
  const why = cause instanceof Error ? cause.message : String(error);
  const code = causeCode(error);
  if (code === "LEVEL_LOCKED") {
    return new StorageError(
      "locked",
      `Cannot open the database in "${path}": another process has it open. Stop that one, or use another directory`,
      { cause: error },
    );
  }
  if (code === "LEVEL_CORRUPTION" || why.includes("No such file")) {
    return damaged(`LevelDB cannot open the database in "${path}": ${why}`, { cause: error });
  }
  return new StorageError("failed", `Cannot open the database in "${path}": ${why}`, { cause: error });
}

function causeCode(error: unknown): string | undefined {
  return systemCode(error instanceof Error ? error.cause : undefined) ?? systemCode(error);
}
