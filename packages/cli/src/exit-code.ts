// SPDX-License-Identifier: Apache-2.0
// The exit codes, one table; docs/cli.md lists the same and a test compares them. Scripts match on them: they do not change.

export const exitCodes = {
  ok: { code: 0, about: "Done; a node that was asked to stop (SIGTERM, SIGINT) stopped in order." },
  failed: { code: 1, about: "The operation failed: refused by the node, a disk or network error, bad input." },
  usage: { code: 2, about: "The command line or the configuration is wrong; nothing was done." },
  unreachable: { code: 3, about: "No node answers at the address, or none that can serve now; trying again may help." },
  notFound: { code: 4, about: "There is no such topic, partition, offset, file or directory." },
  checkFailed: { code: 5, about: "A check found damage or a difference: `inspect`, `first-run`." },
  declined: { code: 6, about: "A destructive command was not confirmed; nothing was done." },
  interrupted: { code: 130, about: "Interrupted (Ctrl-C) before the work was done." },
} as const satisfies Record<string, { code: number; about: string }>;

export type ExitName = keyof typeof exitCodes;

/** A failure that a command found itself, with what to do next. Commands throw it, `main.ts` prints it. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: ExitName;
  /** What to try, one sentence or command per line. */
  readonly advice: readonly string[];
  constructor(code: ExitName, message: string, options: { advice?: readonly string[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.advice = options.advice ?? [];
  }
}

/** @throws CliError with code `usage` */
export function usageError(message: string, ...advice: string[]): CliError {
  return new CliError("usage", message, { advice });
}
