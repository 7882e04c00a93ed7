// SPDX-License-Identifier: Apache-2.0
// varve partition accept-loss TOPIC PARTITION: gives up the damaged records of a quarantined partition (J-12), so that it
// serves again. The only way out of a quarantine that loses something, so it says first what.

import { Command } from "commander";
import { parsedInteger, withAddress, withClient, type ConnectionOptions } from "../connection.ts";
import { printNumberOf } from "../input/duration.ts";
import { confirmDestruction, type DestructiveOptions } from "../terminal/confirm.ts";
import type { Terminal } from "../terminal/terminal.ts";

export function partitionCommand(terminal: Terminal): Command {
  const partition = new Command("partition");
  partition.addCommand(acceptLossCommand(terminal));
  return partition;
}

function acceptLossCommand(terminal: Terminal): Command {
  return withAddress(new Command("accept-loss"))
    .description("give up the damaged records of a quarantined partition, for good")
    .argument("<topic>", "its name")
    .argument("<partition>", "its number", parsedInteger(0))
    .option("--dry-run", "say what would be lost, change nothing")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      `
A node that finds acknowledged records damaged sets the partition aside: it serves what lies before them and takes no
writes, and its files stay as they are. Copy them before you go on; "varve inspect log" shows what can still be read.
The offsets that are given up stay empty: the partition goes on behind all that may have been given out.

Examples:
  $ varve partition accept-loss orders 0 --dry-run
  $ varve partition accept-loss orders 0 --yes`,
    )
    .action(async (topic: string, partition: number, options: ConnectionOptions & DestructiveOptions) => {
      await withClient(options, async (client) => {
        const loss = await client.admin.acceptLoss({ topic, partition, validateOnly: true });
        const count = loss.toOffset - loss.fromOffset;
        const offsets = count === 0 ? "no offset is known" : `offsets ${loss.fromOffset} to ${loss.toOffset - 1}`;
        const what = `at most ${printNumberOf(count, "record")} of partition ${partition} of topic "${topic}" (${offsets})`;
        if (options.dryRun === true) return terminal.out(`Would give up ${what}.\n`);
        await confirmDestruction(terminal, options, {
          sentence: `This gives up ${what}, for good.`,
          typeToConfirm: `${topic} ${partition}`,
        });
        const lost = await client.admin.acceptLoss({ topic, partition, validateOnly: false });
        const gone =
          lost.toOffset > lost.fromOffset ? `offsets ${lost.fromOffset} to ${lost.toOffset - 1}` : "nothing more";
        return terminal.out(`Gave up ${gone}. The partition serves again, and goes on at offset ${lost.toOffset}.\n`);
      });
    });
}
