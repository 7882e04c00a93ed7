// SPDX-License-Identifier: Apache-2.0
// The process as commands see it: bytes out with backpressure, messages to stderr, a question, a stop signal. Commands
// take a `Terminal`, so that a test can hand in one that remembers. Driver: no decisions beyond the streams' own.

import { createInterface } from "node:readline/promises";
import { exitCodes } from "../exit-code.ts";

export interface Terminal {
  /**
   * Results. Resolves when the stream takes more; `false` when nothing can be written any more, so: stop quietly. A reader
   * that is gone (`| head`) is fine; any other failure is told on stderr and makes the exit code 1.
   */
  out(data: Uint8Array | string): Promise<boolean>;
  /** What people should know beside the results: progress, hints, warnings. Adds the line end. */
  note(line: string): void;
  /** Both ends are a terminal: questions can be asked. */
  readonly canAsk: boolean;
  /** stderr is a terminal: a progress bar can be drawn over itself. */
  readonly canDraw: boolean;
  /** stdout is a terminal: a table can be printed over the one before. */
  readonly canRedraw: boolean;
  /** The answer, or undefined when there is none. */
  ask(question: string): Promise<string | undefined>;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  let readerGone = false;
  // Without a listener Node would end the process with a stack trace.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (readerGone) return;
    readerGone = true;
    // A reader that has left is no failure of ours.
    if (error.code === "EPIPE") return;
    stderr.write(`varve: Cannot write the output: ${error.message}\n`);
    process.exitCode = exitCodes.failed.code;
  });
  // Nobody can be told.
  stderr.on("error", () => undefined);
  return {
    async out(data) {
      if (readerGone || data.length === 0) return !readerGone;
      if (!stdout.write(data)) {
        await new Promise<void>((resolve) => {
          const done = (): void => {
            stdout.off("drain", done);
            stdout.off("error", done);
            stdout.off("close", done);
            resolve();
          };
          stdout.once("drain", done);
          stdout.once("error", done);
          stdout.once("close", done);
        });
      }
      return !readerGone;
    },
    note(line) {
      stderr.write(`${line}\n`);
    },
    canAsk: stdin.isTTY && stderr.isTTY,
    canDraw: stderr.isTTY,
    canRedraw: stdout.isTTY,
    async ask(question) {
      const prompt = createInterface({ input: stdin, output: stderr });
      try {
        return await prompt.question(question);
      } catch {
        // Ctrl-D or Ctrl-C at the question: no answer.
        return undefined;
      } finally {
        prompt.close();
      }
    },
  };
}
