// SPDX-License-Identifier: Apache-2.0
// varve offsets TOPIC: the bounds of each partition, and which offset a position means there.

import { parsePosition, printPosition } from "@varve/api";
import { Command } from "commander";
import {
  parsedBy,
  parsedOrRefused,
  parsePartitions,
  withAddress,
  withClient,
  withOutput,
  type ConnectionOptions,
  type OutputOptions,
} from "../connection.ts";
import { isoTime } from "../output/record-format.ts";
import { printJson, printTable } from "../output/table.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface OffsetsOptions extends ConnectionOptions, OutputOptions {
  partition?: number[];
  at?: ReturnType<typeof parsePosition>;
}

export function offsetsCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("offsets")))
    .argument("<topic>", "its name")
    .option(
      "--at <position>",
      "earliest, latest, an offset, time:T, last:N, ago:DURATION",
      parsedOrRefused(parsePosition),
    )
    .option(
      "-p, --partition <list>",
      "such as 0,2-4 (default: all)",
      parsedBy(parsePartitions, "partitions such as 0,2-4"),
    )
    .addHelpText(
      "after",
      `
Examples:
  $ varve offsets orders
  $ varve offsets orders --at time:2016-02-01T00:00:00Z
  $ varve offsets orders --at ago:1h -o json`,
    )
    .action(async (topic: string, options: OffsetsOptions) => {
      await withClient(options, async (client) => {
        const rows = await client.admin.listOffsets({
          topic,
          partitions: options.partition ?? [],
          position: options.at ?? { kind: "latest" },
        });
        if (options.output === "json") return terminal.out(printJson(rows));
        const at = options.at;
        return terminal.out(
          printTable(
            [
              "PARTITION",
              "START",
              "HIGH WATERMARK",
              "END",
              ...(at === undefined ? [] : [printPosition(at).toUpperCase(), "ITS TIME"]),
            ],
            rows.map((row) => [
              row.partition,
              row.logStartOffset,
              row.highWatermark,
              row.logEndOffset,
              ...(at === undefined ? [] : [row.offset, row.timestampMs < 0 ? "-" : isoTime(row.timestampMs)]),
            ]),
          ),
        );
      });
    });
}
