/**
 * One process per data directory: `lock/` is a small LevelDB that stays open.
 *
 * Node has no flock. LevelDB takes an fcntl lock on `lock/LOCK`, which `kill -9` frees and which a second process (or a
 * second broker in this one) gets as LEVEL_LOCKED. Inside is the boot id of the kernel under which the directory was last
 * opened, so that a start can tell "the process died" (page cache intact) from "the machine went down" (J-13, B-4).
 */
import { readFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { Level } from "level";
import { BrokerError } from "../errors.ts";

export interface DirectoryLock {
  /** The boot id of the running kernel; a fresh random one where the platform has none (then no two are equal). */
  readonly bootId: string;
  /** The boot id found in the lock, of the kernel that ran when the directory was last opened. */
  readonly previousBootId: string | undefined;
  /** Gives the directory free. */
  release(): Promise<void>;
}

const bootIdKey = "boot-id";

/** @throws BrokerError DATA_DIRECTORY_LOCKED when another broker holds the directory. */
export async function lockDirectory(dataDir: string, path: string): Promise<DirectoryLock> {
  const database = new Level(path);
  try {
    await database.open();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (codeOf(error) === "LEVEL_LOCKED" || codeOf(cause) === "LEVEL_LOCKED") {
      throw new BrokerError(
        "DATA_DIRECTORY_LOCKED",
        `Cannot start: the data directory "${dataDir}" is in use by another broker; stop that one or give this one a directory of its own`,
        { cause: error },
      );
    }
    const why = cause instanceof Error ? cause.message : String(error);
    throw new BrokerError(
      "DATA_DIRECTORY",
      `Cannot open the lock of the data directory "${dataDir}": ${why}; when the disk is well and no broker runs there, remove "${path}": it keeps nothing that is not made again`,
      { cause: error },
    );
  }
  const bootId = await readBootId();
  const previousBootId = await database.get(bootIdKey);
  await database.put(bootIdKey, bootId);
  return { bootId, previousBootId, release: () => database.close() };
}

async function readBootId(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  } catch {
    // Not Linux: without a boot id every start is taken for one after a power cut, which is the safe side.
    return randomUUID();
  }
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
