// SPDX-License-Identifier: Apache-2.0
// Dialogues: text files in which a command and what it printed follow each other, told as a story.
//
//   # why the next steps matter
//   timeout a
//   ----
//   a: pre-candidate, term 1
//   …
//   (blank line)
//
// With UPDATE=1 the runner writes what was printed into the file; the diff is then the review.

import { readFile, writeFile } from "node:fs/promises";

const separator = "----";

export interface DialogueResult {
  readonly expected: string;
  readonly actual: string;
}

/** Runs every command of the file through `answer`; rewrites the file when `update` says so. */
export async function runDialogue(
  path: string,
  answer: (command: string) => readonly string[],
  update: boolean,
): Promise<DialogueResult> {
  const expected = await readFile(path, "utf8");
  const blocks = expected
    .split(/\n{2,}/)
    .map((block) => block.split("\n").filter((line) => line !== ""))
    .filter((lines) => lines.length > 0);
  const told = blocks.map((lines) => {
    const at = lines.indexOf(separator);
    const prompt = at < 0 ? lines : lines.slice(0, at);
    const commands = prompt.filter((line) => !line.startsWith("#"));
    if (commands.length === 0) return prompt.join("\n");
    return [...prompt, separator, ...commands.flatMap((command) => answer(command))].join("\n");
  });
  const actual = `${told.join("\n\n")}\n`;
  if (update && actual !== expected) await writeFile(path, actual);
  return { expected: update ? actual : expected, actual };
}
