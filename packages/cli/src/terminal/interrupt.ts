// SPDX-License-Identifier: Apache-2.0
// Ctrl-C and SIGTERM for commands that run for a while: the first asks them to stop, the second ends the process now.

import { exitCodes } from "../exit-code.ts";

/** Runs `work` with a signal that aborts at the first SIGINT or SIGTERM; the listeners leave on both outcomes. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted.code);
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}
