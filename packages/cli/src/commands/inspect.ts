// SPDX-License-Identifier: Apache-2.0
// varve inspect segment | log | journal: verifies files of a node, offline, and prints what is in them. Reads only; damage
// makes the exit code 5, what a crash may leave (a torn end, a stale index) does not: the node repairs that when it starts.

import {
  inspectJournal,
  inspectLog,
  inspectSegment,
  nodeFileSystem,
  type BatchRow,
  type InspectionFault,
  type JournalInspection,
  type LogInspection,
} from "@varve/log";
import { Command } from "commander";
import { join } from "node:path";
import { withOutput, type OutputOptions } from "../connection.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { printCount, printNumberOf, printSize } from "../input/duration.ts";
import { CoalescedOutput } from "../output/coalesced-output.ts";
import { isoTime } from "../output/record-format.ts";
import { escapeControls, printJson, printTable } from "../output/table.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface InspectOptions extends OutputOptions {
  batches?: boolean;
}

const fs = nodeFileSystem();

export function inspectCommand(terminal: Terminal): Command {
  const inspect = new Command("inspect");
  inspect.addCommand(inspectSegmentCommand(terminal));
  inspect.addCommand(inspectLogCommand(terminal), { isDefault: true });
  inspect.addCommand(inspectJournalCommand(terminal));
  return inspect.addHelpText("after", "\nWithout a kind it is log: varve inspect varve-data");
}

function inspectSegmentCommand(terminal: Terminal): Command {
  return withOutput(new Command("segment"))
    .description("one segment file and its indexes: every header, every checksum, every index entry")
    .argument("<file>", "a segment, such as varve-data/topics/orders-0/00000000000000000000.log")
    .option("--batches", "print each batch; with -o json one document a line")
    .addHelpText(
      "after",
      "\nExamples:\n  $ varve inspect segment varve-data/topics/orders-0/00000000000000000000.log --batches",
    )
    .action(async (file: string, options: InspectOptions) => {
      const lister = new BatchLister(terminal, options);
      const report = await readable(file, async () =>
        inspectSegment(fs, file, { onBatch: (row) => lister.add(row, file) }),
      );
      await lister.finish();
      if (options.output === "json") await terminal.out(printJson(report));
      else {
        const offsets = report.records === 0 ? "no records" : `offsets ${report.baseOffset} to ${report.endOffset - 1}`;
        await terminal.out(
          `${printNumberOf(report.records, "record")} in ${printNumberOf(report.batches, "batch", "batches")}, ${offsets}, ${printSize(report.sizeBytes)}, ` +
            `newest ${timeOf(report.maxTimestampMs)}, offset index ${report.offsetIndex}, time index ${report.timeIndex}\n`,
        );
      }
      await tellFaults(terminal, options, report.faults, report.faultCount);
    });
}

function inspectLogCommand(terminal: Terminal): Command {
  return withOutput(new Command("log"))
    .description("all files of one partition, or of all partitions of a data directory")
    .argument("<dir>", "a partition, such as varve-data/topics/orders-0, or a data directory")
    .option("--batches", "print each batch; with -o json one document a line")
    .addHelpText(
      "after",
      `
What was acknowledged shortly before a node stopped may be in its journal only; it is not missing here.

Examples:
  $ varve inspect log varve-data
  $ varve inspect log varve-data/topics/orders-0 --batches`,
    )
    .action(async (directory: string, options: InspectOptions) => {
      const partitions = await partitionDirectories(directory);
      const lister = new BatchLister(terminal, options);
      const reports: LogInspection[] = [];
      for (const partition of partitions) {
        reports.push(
          await readable(partition, async () =>
            inspectLog(fs, partition, { onBatch: (row, segment) => lister.add(row, segment) }),
          ),
        );
      }
      await lister.finish();
      await terminal.out(options.output === "json" ? printJson(reports) : logTable(reports));
      await tellFaults(
        terminal,
        options,
        reports.flatMap((report) => report.faults),
        reports.reduce((sum, report) => sum + report.faultCount, 0),
      );
    });
}

function inspectJournalCommand(terminal: Terminal): Command {
  return withOutput(new Command("journal"))
    .description("checkpoint and journal of a node: which rounds a start would replay, and whether they are whole")
    .argument("<dir>", "a data directory, such as varve-data")
    .addHelpText(
      "after",
      `
Rounds that the checkpoint does not need any more are not shown. The last round may be torn: it was not acknowledged.

Examples:
  $ varve inspect journal varve-data
  $ varve inspect journal varve-data -o json`,
    )
    .action(async (directory: string, options: InspectOptions) => {
      if ((await fs.stat(join(directory, "journal"))) === undefined) {
        throw new CliError("notFound", `Cannot inspect "${directory}": there is no journal/ in it`);
      }
      const report = await readable(directory, async () => inspectJournal(fs, directory));
      await terminal.out(options.output === "json" ? printJson(report) : journalTables(report));
      await tellFaults(terminal, options, report.faults, report.faultCount);
    });
}

function journalTables(report: JournalInspection): string {
  const slots = printTable(
    ["CHECKPOINT", "STATE", "USED", "SEQUENCE", "ROUND", "CLEAN", "PARTITIONS"],
    report.checkpoints.map((slot) => [
      slot.file,
      slot.condition,
      slot.isUsed ? "yes" : "no",
      slot.sequence ?? "-",
      slot.round ?? "-",
      slot.isClean === undefined ? "-" : slot.isClean ? "yes" : "no",
      slot.partitions.length,
    ]),
  );
  if (report.rounds.length === 0)
    return `${slots}\nNo rounds above the checkpoint in ${printNumberOf(report.files.length, "file")}.\n`;
  const names = new Map<string, string>();
  for (const { partitions } of report.checkpoints) {
    for (const { topicId, topic, partition } of partitions)
      names.set(`${topicId}-${partition}`, `${topic}-${partition}`);
  }
  const rows = report.rounds.flatMap((round) => {
    const place = [round.number, round.file, round.positionBytes] as const;
    if (round.records === undefined) return [[...place, "?", "?", "-", "-", "-", "no"]];
    if (round.records.length === 0) return [[...place, "seal", "-", "-", "-", "-", "yes"]];
    return round.records.map((record) => {
      const key = `${record.topicId}-${record.partition}`;
      const { type, epoch, base, end, lengthBytes, isWhole } = record;
      const offsets = type === "append" ? `${base}..${end - 1}` : String(base);
      const mode = record.mode ?? (epoch < 0 ? "-" : `epoch ${epoch}`);
      return [...place, type, names.get(key) ?? key, offsets, mode, lengthBytes, isWhole ? "yes" : "no"];
    });
  });
  const header = ["ROUND", "FILE", "AT", "RECORD", "PARTITION", "OFFSETS", "MODE OR EPOCH", "BYTES", "WHOLE"];
  return `${slots}\n${printTable(header, rows)}`;
}

function logTable(reports: readonly LogInspection[]): string {
  return printTable(
    ["PARTITION", "SEGMENTS", "BATCHES", "RECORDS", "START", "END", "BYTES", "EPOCHS", "FAULTS"],
    reports.map((report) => [
      report.id === undefined ? report.directory : `${report.id.topic}-${report.id.partition}`,
      report.segments.length,
      report.batches,
      report.records,
      report.startOffset,
      report.endOffset,
      report.sizeBytes,
      report.epochs === undefined ? "-" : report.epochs.map((run) => `${run.epoch} from ${run.start}`).join(", "),
      report.faultCount,
    ]),
  );
}

/** A directory with topics/ in it is a data directory; anything else is taken for a partition. */
async function partitionDirectories(directory: string): Promise<string[]> {
  const topics = join(directory, "topics");
  const status = await readable(directory, async () => fs.stat(directory));
  if (status === undefined) throw new CliError("notFound", `Cannot inspect "${directory}": there is no such directory`);
  if (!status.isDirectory) {
    const advice = [`For a segment: varve inspect segment ${directory}`];
    throw new CliError("usage", `Cannot inspect "${directory}" as a log: it is a file`, { advice });
  }
  if ((await fs.stat(topics)) === undefined) return [directory];
  const names = await fs.readdir(topics);
  if (names.length === 0) throw new CliError("notFound", `Nothing to inspect: "${topics}" holds no partitions`);
  return names.sort().map((name) => join(topics, name));
}

/** Prints batches as they come, in bounded memory. */
class BatchLister {
  private readonly output: CoalescedOutput;
  private readonly options: InspectOptions;
  private segment: string | undefined;

  constructor(terminal: Terminal, options: InspectOptions) {
    this.output = new CoalescedOutput(terminal);
    this.options = options;
  }

  add(row: BatchRow, segment: string): void {
    if (this.options.batches !== true) return;
    const text = this.options.output === "json" ? `${JSON.stringify({ segment, ...row })}\n` : this.line(row, segment);
    // The inspection does not wait for its listener; its own reads do, so what gathers here is one piece of a segment.
    void this.output.write(Buffer.from(text));
  }

  async finish(): Promise<void> {
    await this.output.flush();
  }

  private line(row: BatchRow, segment: string): string {
    const { header } = row;
    const heading = segment === this.segment ? "" : `${escapeControls(segment)}\n`;
    this.segment = segment;
    const producer =
      header.producerId < 0
        ? ""
        : `  producer ${header.producerId}/${header.producerEpoch} sequence ${header.baseSequence}`;
    const fault = row.fault === undefined ? "" : `  BAD: ${row.fault}`;
    return (
      `${heading}  @${String(row.positionBytes).padEnd(10)} offsets ${header.baseOffset}..${row.lastOffset}  ${printNumberOf(header.recordCount, "record")}  ` +
      `${header.sizeBytes} bytes  epoch ${header.leaderEpoch}  ${row.codec}  ${timeOf(header.maxTimestampMs)}${producer}${fault}\n`
    );
  }
}

async function tellFaults(
  terminal: Terminal,
  options: InspectOptions,
  faults: readonly InspectionFault[],
  faultCount: number,
): Promise<void> {
  if (options.output !== "json") {
    for (const fault of faults) {
      await terminal.out(
        `${fault.kind}: ${escapeControls(fault.file)} at byte ${fault.positionBytes}: ${fault.message}\n`,
      );
    }
    if (faultCount > faults.length) await terminal.out(`… and ${printCount(faultCount - faults.length)} more\n`);
  }
  const damaged = faults.filter((fault) => fault.kind === "damage").length;
  if (damaged > 0) {
    terminal.note(
      `Found damage in ${printNumberOf(damaged, "place")}. Copy the files before anything else writes to them.`,
    );
    process.exitCode = exitCodes.checkFailed.code;
  } else if (options.output !== "json") {
    await terminal.out(
      faultCount === 0 ? "No faults.\n" : "No damage: the node repairs what is listed when it starts.\n",
    );
  }
}

async function readable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "NOT_FOUND") throw error;
    throw new CliError("notFound", `Cannot inspect "${path}": there is no such file or directory`, { cause: error });
  }
}

function timeOf(timestampMs: number): string {
  return timestampMs < 0 ? "-" : isoTime(timestampMs);
}
