// SPDX-License-Identifier: Apache-2.0
// varve group reset | fork | rate | delete. What makes a group skip or repeat says first how much, and asks.

import { printPosition, type End, type Position } from "@varve/api";
import type { Client, GroupRate } from "@varve/client";
import { Command } from "commander";
import {
  collected,
  parsedBy,
  sayingWhatIsWaitedFor,
  withAddress,
  withClient,
  withOutput,
  type ConnectionOptions,
  type OutputOptions,
} from "../connection.ts";
import { CliError, usageError } from "../exit-code.ts";
import { printNumberOf } from "../input/duration.ts";
import { printRate } from "../output/group-tables.ts";
import { printJson, printTable, unknown } from "../output/table.ts";
import { endOption, positionForms, positionOption, withPartitions } from "../range-options.ts";
import { parsePace, type Pace } from "../replay/pace.ts";
import { confirmDestruction, type DestructiveOptions } from "../terminal/confirm.ts";
import type { Terminal } from "../terminal/terminal.ts";

type Common = ConnectionOptions & OutputOptions;
type Moves = Awaited<ReturnType<Client["groups"]["reset"]>>;

interface ResetOptions extends Common, DestructiveOptions {
  to: Position;
  topic?: string;
  partition?: number[];
}

export function resetCommand(terminal: Terminal): Command {
  return withPartitions(withOutput(withAddress(new Command("reset"))))
    .description("move a group to a position, also while its members run")
    .argument("<group>", "its name")
    .requiredOption("--to <position>", positionForms, positionOption)
    .option("-t, --topic <topic>", "only this topic (default: all of which the group has offsets)")
    .option("--dry-run", "say from where to where, and how many records are skipped or seen again; change nothing")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      `
Members that run go on from there within a heartbeat, without a restart; what they commit of before is refused. All
partitions are moved, or none.

Examples:
  $ varve group reset billing --to ago:2h --dry-run
  $ varve group reset billing --to time:2016-04-14 --topic orders --yes
  $ varve group reset billing --to 1200 --topic orders --partition 0 --yes`,
    )
    .action(async (group: string, options: ResetOptions) => {
      const { topic, partition: partitions, to: position } = options;
      if (partitions !== undefined && topic === undefined) {
        throw usageError("Cannot move partitions of several topics: give --topic with --partition");
      }
      await withClient(options, async (client) => {
        const request = { group, topic, partitions, position };
        const planned = await client.groups.reset({ ...request, validateOnly: true });
        refuseUnmovable(group, planned);
        if (options.dryRun === true) return terminal.out(printMoves(planned, options, "Would move"));
        if (options.yes !== true && options.output === "table")
          await terminal.out(printMoves(planned, options, "Would move"));
        await confirmDestruction(terminal, options, {
          sentence: `This moves group "${group}" to ${printPosition(position)}: ${sumOf(planned)}.`,
          typeToConfirm: group,
        });
        const moved = await client.groups.reset(request);
        refuseUnmovable(group, moved);
        return terminal.out(printMoves(moved, options, "Moved"));
      });
    });
}

function refuseUnmovable(group: string, moves: Moves): void {
  const refused = moves.filter(({ error }) => error !== null && error !== undefined);
  const [first] = refused;
  if (first === undefined) return;
  const others =
    refused.length > 1 ? `; ${printNumberOf(refused.length - 1, "other partition")} cannot be moved either` : "";
  throw new CliError(
    first.error?.reason === "OFFSET_OUT_OF_RANGE" ? "notFound" : "failed",
    `Cannot move group "${group}", and moved nothing. ${first.error?.message ?? ""}${others}`,
    { advice: [`See what there is: varve offsets ${first.topic}`] },
  );
}

function sumOf(moves: Moves): string {
  const skipped = moves.reduce((sum, move) => sum + move.skipped, 0);
  const seenAgain = moves.reduce((sum, move) => sum + move.seenAgain, 0);
  return `${printNumberOf(skipped, "record")} skipped, ${printNumberOf(seenAgain, "record")} seen again`;
}

function printMoves(moves: Moves, { output }: OutputOptions, what: string): string {
  if (output === "json") return printJson(moves);
  const table = printTable(
    ["TOPIC", "PARTITION", "FROM", "TO", "SKIPPED", "SEEN AGAIN"],
    moves.map((move) => [
      move.topic,
      move.partition,
      move.fromOffset < 0 ? unknown : move.fromOffset,
      move.toOffset,
      move.skipped,
      move.seenAgain,
    ]),
  );
  return `${what} ${printNumberOf(moves.length, "partition")}: ${sumOf(moves)}\n${table}`;
}

interface ForkOptions extends Common {
  dryRun?: boolean;
  from?: Position;
  to?: End;
  rate?: Pace[];
  topic?: string[];
}

export function forkCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("fork")))
    .description("make a second group at a position, to replay beside the first; with an end, it stops there")
    .argument("<group>", "the group to copy")
    .argument("<new-group>", "its name; it must not exist")
    .option("--from <position>", `${positionForms} (default: where the group is)`, positionOption)
    .option("--to <end>", "none, an offset, time:T, latest-at-start (default: none)", endOption)
    .option("--rate <n>", rateForms, collected(parsedBy(parsePace, wantedRate)))
    .option("-t, --topic <topic>", "only this topic; may be given several times", collected(String))
    .option("--dry-run", "say where it would begin and end in each partition, make nothing")
    .addHelpText(
      "after",
      `
Its members are started like those of any group; they end by themselves when the group has committed all up to its end.

Examples:
  $ varve group fork billing billing-april --from time:2016-04-01 --to time:2016-05-01 --dry-run
  $ varve group fork billing billing-april --from time:2016-04-01 --to time:2016-05-01 --rate 500
  $ varve consume orders --group billing-april`,
    )
    .action(async (group: string, newGroup: string, options: ForkOptions) => {
      await withClient(options, async (client) => {
        const { from: position, to: end, topic: topics, dryRun: validateOnly = false } = options;
        const rate = options.rate === undefined ? undefined : rateIn(options.rate);
        const fork = { group, newGroup, position, end, topics, rate, validateOnly };
        const partitions = await sayingWhatIsWaitedFor(
          (line) => terminal.note(line),
          `group "${newGroup}"`,
          () => client.groups.fork(fork),
        );
        if (options.output === "json") return terminal.out(printJson(partitions));
        const limit = rate === undefined ? "" : `, ${printRate(rate)}`;
        return terminal.out(
          `${validateOnly ? "Would make" : "Made"} group "${newGroup}"${limit}\n${printTable(
            ["TOPIC", "PARTITION", "FROM", "TO"],
            partitions.map((row) => [row.topic, row.partition, row.offset, row.endOffset ?? unknown]),
          )}`,
        );
      });
    });
}

const rateForms = "at most so many records (1000, 2.5k) or bytes (5MB/s) a second; may be given once for each";
const wantedRate = "records a second, such as 500 or 2.5k, or bytes, such as 5MB/s";

export function rateCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("rate")))
    .description("show or limit how fast a group reads, all its members together, also while they do")
    .argument("<group>", "its name; it need not exist yet")
    .argument(
      "[limits...]",
      "records a second (1000, 2.5k), bytes a second (5MB/s), both, or none; without any: show",
      collected(parsedBy(parseLimit, `${wantedRate}, or none`)),
    )
    .addHelpText(
      "after",
      `
What is not named is not limited. A peak waits in the log meanwhile: "varve group lag --watch" shows how it drains.

Examples:
  $ varve group rate billing
  $ varve group rate billing 500
  $ varve group rate billing 2k 5MB/s
  $ varve group rate billing none`,
    )
    .action(async (group: string, limits: (Pace | "none")[] | undefined, options: Common) => {
      const paces = (limits ?? []).filter((limit) => limit !== "none");
      if (paces.length > 0 && paces.length !== limits?.length) {
        throw usageError("Cannot both limit and not: give none alone");
      }
      if (new Set(paces.map(({ kind }) => kind)).size < paces.length) {
        throw usageError("Cannot limit the same twice: give one number of records, one of bytes, or both");
      }
      const rate = limits === undefined || limits.length === 0 ? undefined : rateIn(paces);
      await withClient(options, async (client) => {
        const holds = await sayingWhatIsWaitedFor(
          (line) => terminal.note(line),
          `the rate of group "${group}"`,
          () => client.groups.configure({ group, rate }),
        );
        if (options.output === "json") return terminal.out(printJson(holds));
        return terminal.out(`Group "${group}" reads ${printRate(holds)}.\n`);
      });
    });
}

function parseLimit(text: string): Pace | "none" | undefined {
  return text === "none" ? "none" : parsePace(text);
}

/** At least one a second: 0 would be no limit. */
function rateIn(paces: readonly Pace[]): GroupRate {
  let [recordsPerSecond, bytesPerSecond] = [0, 0];
  for (const pace of paces) {
    if (pace.kind === "records") recordsPerSecond = Math.max(1, Math.round(pace.perSecond));
    if (pace.kind === "bytes") bytesPerSecond = Math.max(1, Math.round(pace.perSecond));
  }
  return { recordsPerSecond, bytesPerSecond };
}

export function deleteCommand(terminal: Terminal): Command {
  return withAddress(new Command("delete"))
    .description("delete a group that has no members, and its offsets")
    .argument("<group>", "its name")
    .option("--dry-run", "say what would go, delete nothing")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", "\nExamples:\n  $ varve group delete billing --dry-run\n  $ varve group delete billing --yes")
    .action(async (group: string, options: ConnectionOptions & DestructiveOptions) => {
      await withClient(options, async (client) => {
        await client.groups.delete({ group, validateOnly: true });
        const { lags } = await client.groups.describe({ group });
        const what = `group "${group}" with its offsets in ${printNumberOf(lags.length, "partition")}`;
        if (options.dryRun === true) return terminal.out(`Would delete ${what}.\n`);
        await confirmDestruction(terminal, options, {
          sentence: `This deletes ${what}, for good: a group of that name would begin anew.`,
          typeToConfirm: group,
        });
        await client.groups.delete({ group });
        return terminal.out(`Deleted ${what}.\n`);
      });
    });
}
