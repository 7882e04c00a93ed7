// SPDX-License-Identifier: Apache-2.0
// varve consume TOPIC: records from any position to any end, printed by a format string or as JSON lines.
//
// Without --follow it ends by itself at what was committed when it started; with --follow it goes on until Ctrl-C.

import type { End } from "@varve/api";
import { Command, Option } from "commander";
import { parsedInteger, withAddress, withClient, type ConnectionOptions } from "../connection.ts";
import { exitCodes, usageError } from "../exit-code.ts";
import { printNumberOf } from "../input/duration.ts";
import { CoalescedOutput } from "../output/coalesced-output.ts";
import { printRecordAsJson, recordPrinter, type RecordPrinter } from "../output/record-format.ts";
import { printTotal, Throughput } from "../output/throughput.ts";
import { aboutTimes, checkStart, withRange, type RangeOptions } from "../range-options.ts";
import { interruptible } from "../terminal/interrupt.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { consumeAsMember } from "./consume-group.ts";

interface ConsumeOptions extends ConnectionOptions, RangeOptions {
  count?: number;
  format?: string;
  output: "value" | "json";
  follow?: boolean;
  group?: string;
  stats?: boolean;
}

export function consumeCommand(terminal: Terminal): Command {
  return withRange(withAddress(new Command("consume")))
    .argument("<topic>", "its name")
    .option("-n, --count <records>", "stop after this many records in all", parsedInteger(1))
    .option("-f, --format <format>", "how to print a record; the default is '%v\\n'")
    .addOption(
      new Option("-o, --output <format>", "what to print without -f").choices(["value", "json"]).default("value"),
    )
    .option("-F, --follow", "go on with new records until Ctrl-C")
    .option(
      "-g, --group <group>",
      "as a member of this group: it goes on where the group is, commits what it prints, and shares",
    )
    .option("--stats", "say on stderr how many records came, and how fast")
    .addHelpText(
      "after",
      `${aboutTimes}

With --group it goes on until Ctrl-C, or to the end of a group that has one; --from says where to start partitions of which
the group has no offset (default: latest).

Format:
  %t topic   %p partition   %o offset   %T time in ms   %d time as ISO 8601   %k key   %v or %s value   %h headers
  %K %V lengths of key and value, -1 for null   %e leader epoch   %% percent   \\n \\t \\r \\0 \\\\ \\xHH

Examples:
  $ varve consume orders
  $ varve consume orders --from last:10 -f '%p/%o %d %k: %v\\n'
  $ varve consume quakes --from time:2016-02-01T00:00:00Z --to time:2016-03-01T00:00:00Z
  $ varve consume quakes --partition 0 --from 100 -n 20 -o json
  $ varve consume orders --group billing --from earliest
  $ varve consume visits --filter-from 2015-05-18T00:00:00Z --filter-to 2015-05-18T01:00:00Z
  $ varve consume orders --from latest --follow`,
    )
    .action(async (topic: string, options: ConsumeOptions) => consume(terminal, topic, options));
}

async function consume(terminal: Terminal, topic: string, options: ConsumeOptions): Promise<void> {
  const print = printerOf(options);
  if (options.group !== undefined) return consumeOfGroup(terminal, topic, options, options.group);
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
      if (from.kind === "offset") {
        const start = { topic, partitions: options.partition, offset: from.offset };
        await checkStart(client, (line) => terminal.note(line), start);
      }
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

async function consumeOfGroup(
  terminal: Terminal,
  topic: string,
  options: ConsumeOptions,
  group: string,
): Promise<void> {
  const { to, partition, filterFrom, filterTo, from: start = { kind: "latest" } } = options;
  if ([to, partition, filterFrom, filterTo].some((option) => option !== undefined)) {
    throw usageError(
      "Cannot read a part of what a group reads: --to, --partition and --filter-… do not go with --group",
      "A group with an end, beside the first: varve group fork",
    );
  }
  if (topic === "__consumer_offsets") {
    throw usageError(
      `Cannot read topic "${topic}" as a member of a group: each commit would be a record to read and commit again`,
      `Read it without one: varve consume ${topic} -o json`,
    );
  }
  const meter = new Throughput(performance.now());
  const { address, count = Number.POSITIVE_INFINITY } = options;
  await consumeAsMember(terminal, { address, topic, group, start, count, print: printerOf(options), meter });
  if (options.stats === true) terminal.note(`Received ${printTotal(meter.total(performance.now()))}`);
}

function printerOf(options: ConsumeOptions): RecordPrinter {
  if (options.format === undefined) {
    return options.output === "json" ? printRecordAsJson : recordPrinter("%v\\n");
  }
  if (options.output === "json") throw usageError("Cannot print both ways: give -f or -o json");
  return recordPrinter(options.format);
}
