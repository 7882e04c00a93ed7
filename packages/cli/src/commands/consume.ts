// SPDX-License-Identifier: Apache-2.0
// varve consume TOPIC: records from any position to any end, printed by a format string or as JSON lines.
//
// Without --follow it ends by itself at what was committed when it started; with --follow it goes on until Ctrl-C.

import { parseEnd, parsePosition, parseTime, type End, type Position } from "@varve/api";
import type { Client } from "@varve/client";
import { Command, Option } from "commander";
import {
  parsedBy,
  parsedInteger,
  parsedOrRefused,
  parsePartitions,
  withAddress,
  withClient,
  type ConnectionOptions,
} from "../connection.ts";
import { CliError, exitCodes, usageError } from "../exit-code.ts";
import { printNumberOf } from "../input/duration.ts";
import { CoalescedOutput } from "../output/coalesced-output.ts";
import { compileRecordFormat, printRecordAsJson, type RecordPrinter } from "../output/record-format.ts";
import { printTotal, Throughput } from "../output/throughput.ts";
import { interruptible } from "../terminal/interrupt.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface ConsumeOptions extends ConnectionOptions {
  from?: Position;
  to?: End;
  partition?: number[];
  count?: number;
  format?: string;
  output: "value" | "json";
  follow?: boolean;
  filterFrom?: number;
  filterTo?: number;
  stats?: boolean;
}

export function consumeCommand(terminal: Terminal): Command {
  return withAddress(new Command("consume"))
    .argument("<topic>", "its name")
    .option(
      "--from <position>",
      "earliest, latest, an offset, time:T, last:N, ago:DURATION (default: earliest)",
      parsedOrRefused(parsePosition),
    )
    .option(
      "--to <end>",
      "none, an offset, time:T, count:N, latest-at-start (each per partition)",
      parsedOrRefused(parseEnd),
    )
    .option(
      "-p, --partition <list>",
      "such as 0,2-4 (default: all)",
      parsedBy(parsePartitions, "partitions such as 0,2-4"),
    )
    .option("-n, --count <records>", "stop after this many records in all", parsedInteger(1))
    .option("-f, --format <format>", "how to print a record; the default is '%v\\n'")
    .addOption(
      new Option("-o, --output <format>", "what to print without -f").choices(["value", "json"]).default("value"),
    )
    .option("-F, --follow", "go on with new records until Ctrl-C")
    .option(
      "--filter-from <time>",
      "only records whose time is at or after this",
      parsedOrRefused((text) => parseTime(text)),
    )
    .option(
      "--filter-to <time>",
      "only records whose time is before this",
      parsedOrRefused((text) => parseTime(text)),
    )
    .option("--stats", "say on stderr how many records came, and how fast")
    .addHelpText(
      "after",
      `
A time as position or end means an offset: the first record at or after it. Records that are out of time order are
selected by --filter-from and --filter-to instead, which look at every record in the range.

Format:
  %t topic   %p partition   %o offset   %T time in ms   %d time as ISO 8601   %k key   %v or %s value   %h headers
  %K %V lengths of key and value, -1 for null   %e leader epoch   %% percent   \\n \\t \\r \\0 \\\\ \\xHH

Examples:
  $ varve consume orders
  $ varve consume orders --from last:10 -f '%p/%o %d %k: %v\\n'
  $ varve consume quakes --from time:2016-02-01T00:00:00Z --to time:2016-03-01T00:00:00Z
  $ varve consume quakes --partition 0 --from 100 -n 20 -o json
  $ varve consume visits --filter-from 2015-05-18T00:00:00Z --filter-to 2015-05-18T01:00:00Z
  $ varve consume orders --from latest --follow`,
    )
    .action(async (topic: string, options: ConsumeOptions) => consume(terminal, topic, options));
}

async function consume(terminal: Terminal, topic: string, options: ConsumeOptions): Promise<void> {
  const print = printerOf(options);
  if (options.follow === true && options.to !== undefined && options.to.kind !== "none") {
    throw usageError("Cannot both follow and stop: give --follow or --to");
  }
  const to: End = options.to ?? (options.follow === true ? { kind: "none" } : { kind: "latest-at-start" });
  const output = new CoalescedOutput(terminal);
  const meter = new Throughput(performance.now());
  let skipped = 0;
  const interrupted = await interruptible(async (signal) =>
    withClient(options, async (client) => {
      const from = options.from ?? { kind: "earliest" };
      if (from.kind === "offset") await checkStart(client, terminal, topic, options.partition, from.offset);
      const reader = client.reader({
        topic,
        ...(options.partition === undefined ? {} : { partitions: options.partition }),
        from,
        to,
        ...(options.filterFrom === undefined ? {} : { fromTimeMs: options.filterFrom }),
        ...(options.filterTo === undefined ? {} : { toTimeMs: options.filterTo }),
      });
      signal.addEventListener("abort", () => void reader.close(), { once: true });
      let left = options.count ?? Number.POSITIVE_INFINITY;
      try {
        for await (const record of reader) {
          const bytes = print({ ...record, topic });
          const written = output.write(bytes);
          meter.add(1, (record.key?.length ?? 0) + (record.value?.length ?? 0), performance.now());
          left -= 1;
          if (!(typeof written === "boolean" ? written : await written)) break;
          if (left === 0 || signal.aborted) break;
        }
      } finally {
        skipped = reader.skipped;
        await reader.close();
        await output.flush();
      }
      return signal.aborted;
    }),
  );
  if (skipped > 0) terminal.note(`Left out ${printNumberOf(skipped, "record")} outside --filter-from and --filter-to.`);
  if (options.stats === true) terminal.note(`Received ${printTotal(meter.total(performance.now()))}`);
  // Ctrl-C is how one ends a read that would not end by itself.
  if (interrupted && to.kind !== "none") process.exitCode = exitCodes.interrupted.code;
}

/** An offset beyond every end is a mistake; beyond some of them, it is worth a word. Below the start, the node refuses. */
async function checkStart(
  client: Client,
  terminal: Terminal,
  topic: string,
  partitions: readonly number[] | undefined,
  offset: number,
): Promise<void> {
  const rows = await client.admin.listOffsets({ topic, partitions });
  const short = rows.filter((row) => row.highWatermark < offset);
  const ends = short.map((row) => `partition ${row.partition} ends at ${row.highWatermark}`).join(", ");
  if (short.length > 0 && short.length === rows.length) {
    throw new CliError("notFound", `Cannot read topic "${topic}" from offset ${offset}: ${ends}`, {
      advice: [`See what is there: varve offsets ${topic}`],
    });
  }
  if (short.length > 0) terminal.note(`Nothing from offset ${offset} on yet: ${ends}.`);
}

function printerOf(options: ConsumeOptions): RecordPrinter {
  if (options.format === undefined) {
    return options.output === "json" ? printRecordAsJson : compiled("%v\\n");
  }
  if (options.output === "json") throw usageError("Cannot print both ways: give -f or -o json");
  return compiled(options.format);
}

function compiled(format: string): RecordPrinter {
  const result = compileRecordFormat(format);
  if (result.kind === "bad-format") throw usageError(result.message, "The letters are in: varve consume --help");
  return result.print;
}
