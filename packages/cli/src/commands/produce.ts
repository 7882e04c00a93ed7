// SPDX-License-Identifier: Apache-2.0
// varve produce TOPIC: lines of stdin or files become records. The value is the line; key and time are read out of it.

import type { Acks } from "@varve/api";
import type { ProducerOptions } from "@varve/client";
import type { Codec } from "@varve/format";
import { Command, Option } from "commander";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import {
  collected,
  parsedBy,
  parsedInteger,
  parseKeyValue,
  withAddress,
  withClient,
  withOutput,
  type ConnectionOptions,
  type OutputOptions,
} from "../connection.ts";
import { CliError, exitCodes, usageError } from "../exit-code.ts";
import { parseDurationMs, parseSizeBytes, printNumberOf } from "../input/duration.ts";
import { parseRate } from "../input/rate-limit.ts";
import { printJson, printTable } from "../output/table.ts";
import { printTotal, Throughput } from "../output/throughput.ts";
import { checkReaderOptions, sendLines, type SendSummary } from "../send-lines.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { startProgress } from "../terminal/progress.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface ProduceOptions extends ConnectionOptions, OutputOptions {
  format: "lines" | "ndjson" | "records";
  partition?: number;
  samePartition?: boolean;
  key?: string;
  keyField?: string;
  keyPattern?: string;
  keyDelimiter?: string;
  timeField?: string;
  timePattern?: string;
  timeFormat?: string;
  delimiter?: string;
  header?: { key: string; value: string }[];
  skipHeader?: boolean;
  emptyIsNull?: boolean;
  badLines: "stop" | "skip";
  maxLineBytes?: number;
  rate?: number;
  acks: Acks;
  codec: Codec;
  batchBytes?: number;
  linger?: number;
  idempotent?: boolean;
  quiet?: boolean;
}

const inFlightBytesMax = 8 << 20;

export function produceCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("produce")))
    .argument("<topic>", "its name")
    .argument("[files...]", "what to send; none or - is stdin")
    .addOption(
      new Option(
        "--format <format>",
        "what a line is; records: a whole one, as 'varve replay --file' and 'consume -o json' print it",
      )
        .choices(["lines", "ndjson", "records"])
        .default("lines"),
    )
    .option("-p, --partition <number>", "send all to this partition (default: by key)", parsedInteger(0))
    .option("--same-partition", "with --format records: each to the partition that it came from (default: by key)")
    .option("--key <text>", "the same key for all")
    .option("--key-field <field>", "key from a field: its number from 1, its name in the header line, or a JSON path")
    .option("--key-pattern <regexp>", "key from a pattern: group 'key', else the first group, else the match")
    .option("-K, --key-delimiter <text>", "key is what stands before this; the value is the rest")
    .option("--time-field <field>", "event time from a field")
    .option("--time-pattern <regexp>", "event time from a pattern: group 'time', else the first group, else the match")
    .option("--time-format <format>", "iso, apache, ms, s, or letters of strptime such as %Y/%m/%d %H:%M:%S.%f")
    .option("-d, --delimiter <text>", "what separates fields; ' ' is any blanks (default: ,)", unescapeDelimiter)
    .option(
      "-H, --header <key=value>",
      "a header for all; may be given several times",
      collected(parsedBy(parseKeyValue, "key=value")),
    )
    .option("--skip-header", "the first line names the fields and is not sent")
    .option("--empty-is-null", "an empty value is null (a tombstone)")
    .addOption(
      new Option("--bad-lines <what>", "what to do with a line that cannot be read, or is too long")
        .choices(["stop", "skip"])
        .default("stop"),
    )
    .option(
      "--max-line-bytes <size>",
      "longest line (default: 1MiB; of records 8MiB)",
      parsedBy(parseSizeBytes, "a size such as 1MiB"),
    )
    .option("--rate <n>", "records per second, at most (1000, 2.5k)", parsedBy(parseRate, "a rate such as 500 or 2.5k"))
    .addOption(new Option("--acks <level>", "what to wait for").choices(["all", "leader", "none"]).default("all"))
    .addOption(
      new Option("--codec <codec>", "compression").choices(["none", "gzip", "snappy", "lz4", "zstd"]).default("none"),
    )
    .option("--batch-bytes <size>", "largest batch", parsedBy(parseSizeBytes, "a size such as 256KiB"))
    .option(
      "--linger <duration>",
      "longest wait for a batch to fill",
      parsedBy(parseDurationMs, "a duration such as 5ms"),
    )
    .option("--idempotent", "with a producer id, so that a retry stores nothing twice (this is the default)")
    .option("--no-idempotent", "without one")
    .option("-q, --quiet", "no progress, no summary")
    .addHelpText(
      "after",
      `
Examples:
  $ echo 'k1:hello' | varve produce orders --key-delimiter :
  $ varve produce quakes earthquakes.csv --skip-header --key-field EventID \\
      --time-field DateTime --time-format '%Y/%m/%d %H:%M:%S.%f'
  $ varve produce visits access.log --delimiter ' ' --key-field 1 \\
      --time-pattern '\\[([^\\]]+)\\]' --time-format apache
  $ varve produce events events.ndjson --format ndjson --key-field user.id --time-field at
  $ varve produce orders-again april.ndjson --format records --same-partition
  $ seq 1000 | varve produce numbers --rate 100 --codec zstd

Without a time a record gets the present one. An empty field is no key.`,
    )
    .action(async (topic: string, files: string[], options: ProduceOptions) =>
      produce(terminal, topic, files, options),
    );
}

async function produce(
  terminal: Terminal,
  topic: string,
  files: readonly string[],
  options: ProduceOptions,
): Promise<void> {
  const { signal: never } = new AbortController();
  if (options.samePartition === true && (options.format !== "records" || options.partition !== undefined)) {
    throw usageError("Cannot use --same-partition without --format records, nor with --partition");
  }
  checkReaderOptions(sendOptions(topic, options, never));
  const inputs = files.length === 0 ? ["-"] : files;
  const totalBytes = await sizeOf(inputs);
  const meter = new Throughput(performance.now());
  const progress = startProgress(terminal, { label: topic, total: totalBytes, meter, quiet: options.quiet === true });
  const summaries: SendSummary[] = [];
  try {
    await interruptible(async (signal) =>
      withClient(options, async (client) => {
        const producer = client.producer(producerOptions(options));
        try {
          let bytesBefore = 0;
          for (const file of inputs) {
            if (signal.aborted) break;
            let inputBytes = 0;
            const summary = await sendLines(open(file), producer, sendOptions(topic, options, signal), {
              onAcknowledged(records, bytes, read) {
                inputBytes = read;
                meter.add(records, bytes, performance.now());
                progress.at(bytesBefore + read);
              },
              onStalled(waiting) {
                if (options.quiet !== true) terminal.note(stalledNote(topic, waiting));
              },
            });
            bytesBefore += inputBytes;
            summaries.push(summary);
          }
        } finally {
          await producer.close();
        }
      }),
    );
  } catch (error) {
    progress.stop();
    const { records } = meter.total(performance.now());
    if (records > 0) terminal.note(`Acknowledged before the failure: ${printNumberOf(records, "record")}.`);
    throw error;
  } finally {
    progress.stop();
  }
  await tell(terminal, options, summaries, meter);
  if (summaries.some((summary) => summary.interrupted)) process.exitCode = exitCodes.interrupted.code;
}

function stalledNote(topic: string, waiting: number): string {
  return (
    `No acknowledgement for 5 s, ${printNumberOf(waiting, "record")} under way; it is tried again for up to 2 minutes. ` +
    `Who is missing: varve topic describe ${topic}`
  );
}

async function tell(
  terminal: Terminal,
  options: ProduceOptions,
  summaries: readonly SendSummary[],
  meter: Throughput,
): Promise<void> {
  const badLines = summaries.reduce((sum, summary) => sum + summary.badLines, 0);
  if (badLines > 0) {
    terminal.note(`Skipped ${printNumberOf(badLines, "line")} that could not be read:`);
    for (const complaint of summaries.flatMap((summary) => summary.complaints).slice(0, 5))
      terminal.note(`  ${complaint}`);
  }
  if (options.quiet === true) return;
  const totals = meter.total(performance.now());
  const partitions = mergePartitions(summaries);
  if (options.output === "json") {
    const { records, bytes, elapsedMs } = totals;
    await terminal.out(printJson({ records, bytes, elapsedMs: Math.round(elapsedMs), badLines, partitions }));
    return;
  }
  terminal.note(`Sent ${printTotal(totals)}`);
  await terminal.out(
    printTable(
      ["PARTITION", "RECORDS", "FIRST OFFSET", "LAST OFFSET"],
      partitions.map((partition) => [
        partition.partition,
        partition.records,
        partition.firstOffset,
        partition.lastOffset,
      ]),
    ),
  );
}

function mergePartitions(summaries: readonly SendSummary[]): SendSummary["partitions"] {
  const merged = new Map<number, SendSummary["partitions"][number]>();
  for (const part of summaries.flatMap((summary) => summary.partitions)) {
    const seen = merged.get(part.partition);
    merged.set(
      part.partition,
      seen === undefined
        ? part
        : {
            partition: part.partition,
            records: seen.records + part.records,
            firstOffset: Math.min(seen.firstOffset, part.firstOffset),
            lastOffset: Math.max(seen.lastOffset, part.lastOffset),
          },
    );
  }
  return [...merged.values()].sort((a, b) => a.partition - b.partition);
}

function sendOptions(topic: string, options: ProduceOptions, signal: AbortSignal): Parameters<typeof sendLines>[2] {
  const headers = (options.header ?? []).map((header) => ({ key: header.key, value: Buffer.from(header.value) }));
  return {
    topic,
    partition: options.partition,
    samePartition: options.samePartition,
    // It takes of them what says how a line becomes a record.
    reader: { ...options, headers },
    skipHeader: options.skipHeader === true,
    skipBadLines: options.badLines === "skip",
    lineBytesMax: options.maxLineBytes ?? (options.format === "records" ? 8 << 20 : 1 << 20),
    inFlightBytesMax,
    ratePerSecond: options.rate,
    signal,
  };
}

/** Undefined when stdin is among them, or something else without an end. Looks at all before anything is sent. */
async function sizeOf(inputs: readonly string[]): Promise<number | undefined> {
  let totalBytes: number | undefined = 0;
  for (const file of inputs) {
    const size = file === "-" ? undefined : await sizeOfFile(file);
    totalBytes = totalBytes === undefined || size === undefined ? undefined : totalBytes + size;
  }
  return totalBytes;
}

async function sizeOfFile(file: string): Promise<number | undefined> {
  try {
    const status = await stat(file);
    if (status.isDirectory()) throw new CliError("failed", `Cannot read "${file}": it is a directory`);
    return status.isFile() ? status.size : undefined;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    throw new CliError("notFound", `Cannot read "${file}": there is no such file`, { cause: error });
  }
}

function open(file: string): AsyncIterable<Uint8Array> {
  return file === "-" ? process.stdin : createReadStream(file, { highWaterMark: 1 << 20 });
}

/** Lets people write a tab as \t. */
function unescapeDelimiter(text: string): string {
  return text.replaceAll("\\t", "\t");
}

function producerOptions(options: ProduceOptions): ProducerOptions {
  const { acks, codec, batchBytes, linger, idempotent } = options;
  return {
    acks,
    codec,
    ...(batchBytes === undefined ? {} : { batchBytes }),
    ...(linger === undefined ? {} : { lingerMs: linger }),
    ...(idempotent === undefined ? {} : { idempotent }),
  };
}
