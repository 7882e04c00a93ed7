// SPDX-License-Identifier: Apache-2.0
// What stands before a command that destroys something: `--dry-run` tells and stops, `--yes` goes on, a person is asked
// to type the name of what goes, and a script that did neither is refused before anything happened.

import { CliError } from "../exit-code.ts";
import type { Terminal } from "./terminal.ts";

export interface DestructiveOptions {
  dryRun?: boolean | undefined;
  yes?: boolean | undefined;
}

/**
 * Resolves when the command may go on. Not to be called for a dry run, which changes nothing.
 * @throws CliError with code `declined`
 */
export async function confirmDestruction(
  terminal: Terminal,
  options: DestructiveOptions,
  what: { sentence: string; typeToConfirm: string },
): Promise<void> {
  if (options.yes === true) return;
  if (!terminal.canAsk) {
    throw new CliError("declined", `Did nothing, since it was not confirmed. ${what.sentence}`, {
      advice: ["Nobody is there to ask. See what would happen with --dry-run, do it with --yes."],
    });
  }
  terminal.note(what.sentence);
  const answer = await terminal.ask(`Type "${what.typeToConfirm}" to go on: `);
  if (answer?.trim() !== what.typeToConfirm) throw new CliError("declined", "Did nothing: it was not confirmed.");
}
