// Dialogues: text files in which a command and what it printed follow each other, told as a story.
//
//   # why the next steps matter
//   createTopic name=a partitions=2
//   ----
//   Topic topicId=…1 name=a
//   …
//   (blank line)
//
// With UPDATE=1 the runner writes what was printed into the file; the diff is then the review.

import { readFile, writeFile } from "node:fs/promises";

const separator = "----";

/** One exchange: lines in front (comments and the command), and the lines that followed it. */
interface Exchange {
  readonly prompt: readonly string[];
  readonly expected: readonly string[];
}

export interface DialogueResult {
  readonly expected: string;
  readonly actual: string;
}

/** Runs every exchange of the file through `answer`; rewrites the file when `update` says so. */
export async function runDialogue(
  path: string,
  answer: (command: string) => readonly string[],
  update: boolean,
): Promise<DialogueResult> {
  const expected = await readFile(path, "utf8");
  const told = parseDialogue(expected).map(({ prompt, expected: before }) => {
    const command = prompt.filter((line) => !line.startsWith("#")).join(" ");
    return command === "" ? { prompt, expected: before } : { prompt, expected: answer(command) };
  });
  const actual = printDialogue(told);
  if (update && actual !== expected) await writeFile(path, actual);
  return { expected: update ? actual : expected, actual };
}

function parseDialogue(text: string): Exchange[] {
  return text
    .split(/\n{2,}/)
    .map((block) => block.split("\n").filter((line) => line !== ""))
    .filter((lines) => lines.length > 0)
    .map((lines) => {
      const at = lines.indexOf(separator);
      return at < 0 ? { prompt: lines, expected: [] } : { prompt: lines.slice(0, at), expected: lines.slice(at + 1) };
    });
}

function printDialogue(exchanges: readonly Exchange[]): string {
  const blocks = exchanges.map(({ prompt, expected }) => {
    const silent = prompt.every((line) => line.startsWith("#"));
    return [...prompt, ...(silent ? [] : [separator, ...expected])].join("\n");
  });
  return `${blocks.join("\n\n")}\n`;
}
