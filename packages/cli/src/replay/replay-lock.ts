// SPDX-License-Identifier: Apache-2.0
// One process at a time for a state file: two would each take the other's records for none of theirs.
//
// The lock is that of a data directory, a small database beside the state file that stays open: the system frees it with its process,
// whatever that died of, so that nothing stale has to be told from something that lives.

import { BrokerError, lockDirectory } from "@varve/broker";
import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CliError } from "../exit-code.ts";

export interface ReplayLock {
  /** Gives the state file free, and leaves nothing beside it. */
  release(): Promise<void>;
}

/** @throws CliError when another process goes on from this state file now */
export async function lockReplayState(path: string): Promise<ReplayLock> {
  const directory = `${path}.lock`;
  await mkdir(dirname(path), { recursive: true });
  try {
    const lock = await lockDirectory(path, directory);
    return {
      async release() {
        // While it is held: who comes now makes a new one, and finds the work done.
        await rm(directory, { recursive: true, force: true, maxRetries: 3 });
        await lock.release();
      },
    };
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    const isHeld = error.code === "DATA_DIRECTORY_LOCKED";
    const why = isHeld ? "another replay that runs goes on from it" : `its lock "${directory}" cannot be opened`;
    throw new CliError("failed", `Cannot go on from "${path}": ${why}`, {
      advice: [
        isHeld
          ? "Wait for that one, or stop it; it goes on where it was."
          : "Remove that directory; nothing is kept in it.",
        "Or give this one a state file of its own: --resume FILE",
      ],
      cause: error,
    });
  }
}
