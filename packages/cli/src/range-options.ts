// SPDX-License-Identifier: Apache-2.0
// How a command is told what to read: positions, ends, partitions and the time filter, spelt the same wherever they stand.

import { parseEnd, parsePosition, parseTime, type End, type Position } from "@varve/api";
import type { Client } from "@varve/client";
import type { Command } from "commander";
import { parsedBy, parsedOrRefused, parsePartitions } from "./connection.ts";
import { CliError } from "./exit-code.ts";

/** What stands for a position in every command's help. */
export const positionForms = "earliest, latest, an offset, time:T, last:N, ago:DURATION";
export const endForms = "none, an offset, time:T, count:N, latest-at-start (each per partition)";

export const positionOption = parsedOrRefused(parsePosition);
export const endOption = parsedOrRefused(parseEnd);
const timeOption = parsedOrRefused((text) => parseTime(text));

export interface RangeOptions {
  from?: Position;
  to?: End;
  partition?: number[];
  /** In ms, inclusive. */
  filterFrom?: number;
  /** In ms, exclusive. */
  filterTo?: number;
}

/** Adds --from, --to, --partition, --filter-from and --filter-to. */
export function withRange(command: Command): Command {
  return withPartitions(
    command
      .option("--from <position>", `${positionForms} (default: earliest)`, positionOption)
      .option("--to <end>", endForms, endOption),
  )
    .option("--filter-from <time>", "only records whose time is at or after this", timeOption)
    .option("--filter-to <time>", "only records whose time is before this", timeOption);
}

/** Adds --partition. */
export function withPartitions(command: Command): Command {
  return command.option(
    "-p, --partition <list>",
    "such as 0,2-4 (default: all)",
    parsedBy(parsePartitions, "partitions such as 0,2-4"),
  );
}

/** What every help with a range says about times. */
export const aboutTimes = `
A time as position or end means an offset: the first record at or after it. Records that are out of time order are
selected by --filter-from and --filter-to instead, which look at every record in the range.`;

/**
 * An offset beyond every end is a mistake; beyond some of them, `note` is worth a word. Below the start, the node refuses.
 * @throws CliError with code `notFound`
 */
export async function checkStart(
  client: Client,
  note: (line: string) => void,
  { topic, partitions, offset }: { topic: string; partitions: readonly number[] | undefined; offset: number },
): Promise<void> {
  const rows = await client.admin.listOffsets({ topic, partitions });
  const short = rows.filter((row) => row.highWatermark < offset);
  const ends = short.map((row) => `partition ${row.partition} ends at ${row.highWatermark}`).join(", ");
  if (short.length > 0 && short.length === rows.length) {
    throw new CliError("notFound", `Cannot read topic "${topic}" from offset ${offset}: ${ends}`, {
      advice: [`See what is there: varve offsets ${topic}`],
    });
  }
  if (short.length > 0) note(`Nothing from offset ${offset} on yet: ${ends}.`);
}
