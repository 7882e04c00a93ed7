// SPDX-License-Identifier: Apache-2.0
// varve group: groups from outside. This file: those that only look, list, describe and members.

import { Command } from "commander";
import {
  withAddress,
  withClient,
  withOutput,
  withPatience,
  type ConnectionOptions,
  type OutputOptions,
} from "../connection.ts";
import { exitCodes } from "../exit-code.ts";
import { printLags, printMembers, printRate, printTotalLag, totalLag } from "../output/group-tables.ts";
import { printJson, printTable } from "../output/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { describeGroup } from "./describe-group.ts";
import { deleteCommand, forkCommand, rateCommand, resetCommand } from "./group-changes.ts";
import { lagCommand } from "./group-lag.ts";

type Common = ConnectionOptions & OutputOptions;

export function groupCommand(terminal: Terminal): Command {
  const group = new Command("group");
  group.addCommand(listCommand(terminal));
  group.addCommand(describeCommand(terminal));
  group.addCommand(membersCommand(terminal));
  group.addCommand(lagCommand(terminal));
  group.addCommand(resetCommand(terminal));
  group.addCommand(forkCommand(terminal));
  group.addCommand(rateCommand(terminal));
  group.addCommand(deleteCommand(terminal));
  return group;
}

function listCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("list")))
    .description("list groups, their states and how many members they have")
    .option("--prefix <text>", "only names that begin so")
    .addHelpText("after", "\nExamples:\n  $ varve group list\n  $ varve group list --prefix billing- -o json")
    .action(async (options: Common & { prefix?: string }) => {
      const { prefix = "" } = options;
      await withClient(options, async (client) => {
        const { groups, errors } = await withPatience(
          (line) => terminal.note(line),
          "groups",
          (control) => client.groups.list({ prefix }, control),
        );
        for (const message of new Set(errors.map((error) => error.message))) {
          terminal.note(`Some groups are missing here: ${message}`);
        }
        // A script shall not take a part of them for all.
        if (errors.length > 0) process.exitCode = exitCodes.unreachable.code;
        if (options.output === "json") return terminal.out(printJson(groups));
        if (groups.length === 0) {
          if (errors.length > 0) return;
          terminal.note(prefix === "" ? "There are no groups." : `No group begins with "${prefix}".`);
          return;
        }
        return terminal.out(
          printTable(
            ["GROUP", "STATE", "MEMBERS"],
            groups.map(({ group, state, memberCount }) => [group, state, memberCount]),
          ),
        );
      });
    });
}

function describeCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("describe")))
    .description("show the state of a group, its members, and how far it is in each partition")
    .argument("<group>", "its name")
    .addHelpText(
      "after",
      `
LAG counts offsets up to END, the first one that cannot be read yet; BEHIND says how long ago the next record was appended, by
its own time. What nobody knows is "-".

Examples:
  $ varve group describe billing
  $ varve group describe billing -o json`,
    )
    .action(async (name: string, options: Common) => {
      await withClient(options, async (client) => {
        const group = await describeGroup(terminal, client, { group: name });
        if (options.output === "json") return terminal.out(printJson(group));
        const { state, generation, assignor, members, lags, rate, coordinator } = group;
        const keeper = coordinator === null ? "" : `, kept by node ${coordinator.nodeId}`;
        const how = assignor === "" ? "" : `, ${assignor}`;
        const head = `Group "${name}": ${state}, generation ${generation}${how}${keeper}; it reads ${printRate(rate)}\n`;
        const total = lags.length === 0 ? "Nothing is committed.\n" : `${printTotalLag(totalLag(lags))}\n`;
        const tables = [
          ...(members.length === 0 ? [] : [printMembers(members)]),
          ...(lags.length === 0 ? [] : [printLags(lags)]),
        ];
        return terminal.out([`${head}${total}`, ...tables].join("\n"));
      });
    });
}

function membersCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("members")))
    .description("show the members of a group, and which partitions each has")
    .argument("<group>", "its name")
    .addHelpText("after", "\nExamples:\n  $ varve group members billing")
    .action(async (name: string, options: Common) => {
      await withClient(options, async (client) => {
        const { members } = await describeGroup(terminal, client, { group: name });
        if (options.output === "json") return terminal.out(printJson(members));
        if (members.length === 0) {
          terminal.note(`Group "${name}" has no members.`);
          return;
        }
        return terminal.out(printMembers(members));
      });
    });
}
