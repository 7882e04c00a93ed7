// SPDX-License-Identifier: Apache-2.0
// `raft-check DIR`: what `checkStorage` found, as a page for people or as JSON.

import { checkStorage, type CheckReport } from "./check.ts";

export interface Terminal {
  out(text: string): void;
  error(text: string): void;
}

const help = `Usage: raft-check [--json] DIR

Looks at the storage of a Raft node that is not running: that nothing which was promised is missing or changed. Changes nothing.

  --json   print the report as JSON
  --help   print this

Exit code: 0 it is whole, 1 it is suspect, 2 it could not be checked.

Example:
  raft-check /var/lib/my-service/raft && echo "safe to start"
`;

/** @returns the exit code */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    terminal.out(help);
    return 0;
  }
  const unknown = args.find((arg) => arg.startsWith("-") && arg !== "--json");
  const directories = args.filter((arg) => !arg.startsWith("-"));
  const [directory] = directories;
  if (unknown !== undefined || directory === undefined || directories.length > 1) {
    const why = unknown === undefined ? "Give one directory" : `There is no option "${unknown}"`;
    terminal.error(`${why}.\n\n${help}`);
    return 2;
  }
  let report: CheckReport;
  try {
    report = await checkStorage(directory);
  } catch (error) {
    terminal.error(`${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  terminal.out(args.includes("--json") ? `${JSON.stringify(report, null, 2)}\n` : page(report));
  return report.verdict === "suspect" ? 1 : 0;
}

const hash = (value: number): string => value.toString(16).padStart(8, "0");

function page(report: CheckReport): string {
  const { identity, hard, snapshot } = report;
  const lines = [`${report.verdict.toUpperCase()}  ${report.directory}`, ""];
  for (const damage of report.damage) lines.push(`  ! ${damage}`);
  if (report.damage.length > 0) lines.push("");
  const facts: [string, string][] = [];
  if (identity !== null) {
    facts.push(["node", `${identity.nodeId}@${identity.dirId}`], ["cluster", identity.clusterId ?? "none yet"]);
  }
  facts.push(["batch", `${report.batch ?? "unknown"}, promised by the fence: ${report.fence ?? "unknown"}`]);
  if (hard !== null) {
    facts.push(["term", `${hard.term}, vote ${hard.vote ?? "none"}`], ["commit", `${hard.commit} at least`]);
  }
  if (report.firstIndex !== null && report.lastIndex !== null) {
    const isEmpty = report.lastIndex < report.firstIndex;
    facts.push([
      "log",
      isEmpty ? `empty, goes on at ${report.firstIndex}` : `${report.firstIndex} to ${report.lastIndex}`,
    ]);
  }
  if (snapshot !== null) {
    const { index, term } = snapshot.meta;
    const state = snapshot.whole ? "" : ", DAMAGED";
    facts.push(["snapshot", `up to ${index}@${term}, ${snapshot.sizeBytes} bytes, CRC ${hash(snapshot.crc)}${state}`]);
    facts.push(["", `chain ${hash(snapshot.chain)}, file "${snapshot.file}"`]);
  }
  for (const orphan of report.orphans) facts.push(["left over", `"${orphan}"`]);
  lines.push(...table(facts));
  if (report.ranges.length > 0) {
    lines.push("", "Entries that are whole, by term:");
    const rows = report.ranges.map(({ from, to, term, payloadBytes, chain }) => [
      `${from} to ${to}`,
      String(term),
      String(payloadBytes),
      hash(chain),
    ]);
    lines.push(...table([["entries", "term", "bytes", "chain at the end"], ...rows]));
  }
  if (report.configs.length > 0) {
    lines.push("", "Configurations:");
    const rows = report.configs.map(({ index, config }) => [
      String(index),
      config.voters.join(", "),
      config.learners.join(", ") || "-",
    ]);
    lines.push(...table([["from", "voters", "learners"], ...rows]));
  }
  return `${lines.join("\n")}\n`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ")}`.trimEnd());
}
