// SPDX-License-Identifier: Apache-2.0
// docs/cli.md says what the program says: the help of every command and the exit codes. `UPDATE=1 npx vitest run
// packages/cli/src/documentation.test.ts` writes them anew.

import type { Command } from "commander";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { exitCodes } from "./exit-code.ts";
import { buildProgram } from "./program.ts";
import { processTerminal } from "./terminal/terminal.ts";

const page = new URL("../../../docs/cli.md", import.meta.url);

function leaves(command: Command, path: readonly string[]): { path: readonly string[]; command: Command }[] {
  const children = command.commands.filter((child) => child.name() !== "help");
  return children.length === 0
    ? [{ path, command }]
    : children.flatMap((child) => leaves(child, [...path, child.name()]));
}

async function helpSection(): Promise<string> {
  const commands = leaves(await buildProgram(processTerminal()), ["varve"]);
  return commands
    .map(({ path, command }) => {
      let text = "";
      command.configureHelp({ helpWidth: 110 }).configureOutput({ writeOut: (part) => (text += part) });
      command.outputHelp();
      return `### ${path.join(" ")}\n\n\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
    })
    .join("\n");
}

function exitCodeSection(): string {
  const rows = Object.values(exitCodes).map(({ code, about }) => [String(code), about] as const);
  const width = Math.max(...rows.map(([, about]) => about.length));
  const line = (code: string, about: string): string => `| ${code.padStart(4)} | ${about.padEnd(width)} |\n`;
  return `${line("code", "meaning")}| ---: | ${"-".repeat(width)} |\n${rows.map(([code, about]) => line(code, about)).join("")}`;
}

function withSection(text: string, name: string, body: string): string {
  const [start, end] = [`<!-- ${name}: written by documentation.test.ts -->\n\n`, `\n<!-- end of ${name} -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/cli.md has no section "${name}"`);
  return text.slice(0, from + start.length) + body + text.slice(to);
}

describe("docs/cli.md", () => {
  it("holds the help of every command and the exit codes as they are", async () => {
    const text = readFileSync(page, "utf8");
    const wanted = withSection(withSection(text, "exit codes", exitCodeSection()), "help", await helpSection());
    if (process.env["UPDATE"] === "1") writeFileSync(page, wanted);
    expect(readFileSync(page, "utf8")).toBe(wanted);
  });
});
