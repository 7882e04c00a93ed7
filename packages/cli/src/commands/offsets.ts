// SPDX-License-Identifier: Apache-2.0
// varve offsets TOPIC: the bounds of each partition, and which offset a position means there.

import { printPosition, type Position } from "@varve/api";
import { Command } from "commander";
import { withAddress, withClient, withOutput, type ConnectionOptions, type OutputOptions } from "../connection.ts";
import { isoTime } from "../output/record-format.ts";
import { printJson, printTable } from "../output/table.ts";
import { positionForms, positionOption, withPartitions } from "../range-options.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface OffsetsOptions extends ConnectionOptions, OutputOptions {
  partition?: number[];
  at?: Position;
}

export function offsetsCommand(terminal: Terminal): Command {
  return withPartitions(withOutput(withAddress(new Command("offsets"))))
    .argument("<topic>", "its name")
    .option("--at <position>", positionForms, positionOption)
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
