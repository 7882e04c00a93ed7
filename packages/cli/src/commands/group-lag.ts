// SPDX-License-Identifier: Apache-2.0
// varve group lag: how far behind a group is, once, or again and again until it has caught up.

import type { GroupDescription } from "@varve/client";
import { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import {
  parsedBy,
  parsedInteger,
  withAddress,
  withClient,
  withOutput,
  type ConnectionOptions,
  type OutputOptions,
} from "../connection.ts";
import { parseDurationMs } from "../input/duration.ts";
import { printLagChange, printLags, printTotalLag, totalLag, type TotalLag } from "../output/group-tables.ts";
import { isoTime } from "../output/record-format.ts";
import { printJson } from "../output/table.ts";
import { interruptible } from "../terminal/interrupt.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { describeGroup } from "./describe-group.ts";

interface LagOptions extends ConnectionOptions, OutputOptions {
  watch?: boolean;
  every?: number;
  until?: number;
}

export function lagCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("lag")))
    .description("show how far behind a group is in each partition")
    .argument("<group>", "its name")
    .option("-w, --watch", "look again and again, and say how fast it changes, until Ctrl-C")
    .option("--every <duration>", "how often (default: 2s)", parsedBy(parseDurationMs, "a duration such as 2s"))
    .option("--until <records>", "watch until it is no more than so many records behind", parsedInteger(0))
    .addHelpText(
      "after",
      `
With -o json a watch prints one document a line.

Examples:
  $ varve group lag billing
  $ varve group lag billing --watch
  $ varve group lag billing --until 0 && echo 'caught up'`,
    )
    .action(async (name: string, options: LagOptions) => {
      const { until } = options;
      const isWatch = options.watch === true || until !== undefined;
      await interruptible(async (signal) =>
        withClient(options, async (client) => {
          let before: { total: TotalLag; atMs: number } | undefined;
          while (!signal.aborted) {
            const look = await describeGroup(terminal, client, { group: name, signal }).catch((error: unknown) => {
              // Ctrl-C in the middle of a look is how a watch ends.
              if (signal.aborted) return undefined;
              throw error;
            });
            if (look === undefined) return;
            const { lags, members } = look;
            const now = { total: totalLag(lags), atMs: performance.now() };
            // Without members it may be waited for in vain.
            const nobody = isWatch && members.length === 0 && now.total.records > 0 ? "; it has no members" : "";
            const text = printLook(options, { isWatch, lags, change: `${changeOf(before, now)}${nobody}` });
            if (!(await terminal.out(isWatch && terminal.canRedraw ? `${clearScreen}${text}` : text))) return;
            const isThere = until !== undefined && now.total.unknownPartitions === 0 && now.total.records <= until;
            if (!isWatch || isThere) return;
            before = now;
            // An interrupt ends the wait, and the loop looks at the signal.
            await sleep(Math.max(10, options.every ?? 2000), undefined, { signal }).catch(() => undefined);
          }
        }),
      );
    });
}

/** Cursor home, and all behind it empty. */
const clearScreen = "\u001b[H\u001b[2J";

function changeOf(
  before: { total: TotalLag; atMs: number } | undefined,
  now: { total: TotalLag; atMs: number },
): string {
  return before === undefined ? "" : printLagChange(before.total, now.total, now.atMs - before.atMs);
}

function printLook(
  { output }: LagOptions,
  { isWatch, lags, change }: { isWatch: boolean; lags: GroupDescription["lags"]; change: string },
): string {
  const time = isoTime(Date.now());
  if (output === "json") return isWatch ? `${JSON.stringify({ time, lags })}\n` : printJson(lags);
  const total = `${printTotalLag(totalLag(lags))}${change}`;
  return `${isWatch ? `${time}  ` : ""}${total}\n${printLags(lags)}${isWatch ? "\n" : ""}`;
}
