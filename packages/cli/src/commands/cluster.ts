// SPDX-License-Identifier: Apache-2.0
// varve cluster: who is in it, who decides, and the way back of a node whose disk is gone.

import { Command } from "commander";
import {
  parsedInteger,
  withAddress,
  withClient,
  withOutput,
  type ConnectionOptions,
  type OutputOptions,
} from "../connection.ts";
import { printJson, printTable } from "../output/table.ts";
import { confirmDestruction, type DestructiveOptions } from "../terminal/confirm.ts";
import type { Terminal } from "../terminal/terminal.ts";

export function clusterCommand(terminal: Terminal): Command {
  const cluster = new Command("cluster");
  cluster.addCommand(statusCommand(terminal));
  cluster.addCommand(replaceCommand(terminal));
  return cluster;
}

function statusCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("status")))
    .description("show the nodes of the cluster, their state, and who decides")
    .addHelpText(
      "after",
      `
A node that is fenced leads and follows nothing: it was not heard of, or has not caught up. What a controller lacks, and
whether it answers, only the active controller knows: "-" elsewhere.

Examples:
  $ varve cluster status
  $ varve cluster status --address varve-2:9094 -o json`,
    )
    .action(async (options: ConnectionOptions & OutputOptions) => {
      await withClient(options, async (client) => {
        const cluster = await client.admin.describeCluster();
        if (options.output === "json") return terminal.out(printJson(cluster));
        const { clusterId, controllerId, brokers, controllers, metadataOffset, nodeId } = cluster;
        const decides = controllerId < 0 ? "nobody decides now" : `node ${controllerId} decides`;
        const head = `Cluster ${clusterId}: ${decides}; node ${nodeId} answers, at metadata record ${metadataOffset}\n\n`;
        const nodes = printTable(
          ["NODE", "STATE", "GRPC", "RACK", "EPOCH"],
          brokers.map((broker) => [
            broker.nodeId,
            broker.state.replace("BROKER_STATE_", "").toLowerCase().replaceAll("_", " "),
            broker.address,
            broker.rack === "" ? "-" : broker.rack,
            broker.brokerEpoch,
          ]),
        );
        const members = printTable(
          ["CONTROLLER", "ROLE", "PEER", "LACKS", "ANSWERS", "DIRECTORY"],
          controllers.map((controller) => [
            controller.nodeId,
            controller.active ? "active" : controller.voter ? "standby" : "is filled",
            controller.address,
            controller.lag ?? "-",
            controller.answers === undefined ? "-" : controller.answers ? "yes" : "no",
            controller.directoryId,
          ]),
        );
        return terminal.out(`${head}${nodes}\n${members}`);
      });
    });
}

function replaceCommand(terminal: Terminal): Command {
  return withAddress(new Command("replace"))
    .description("take a node whose disk was lost back, with the empty directory that it runs on now")
    .argument("<node>", "its node id", parsedInteger(0, 0x7fff_ffff))
    .option("--dry-run", "look who is there, change nothing")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      `
Start the node first, with the same configuration and an empty data directory: it waits, and says so. If its disk is not lost
but not mounted, mount it instead: what it holds may be the copy that counts. The old directory must never come back.
The node fills up again by itself: watch "varve cluster status" and "varve topic describe".

Examples:
  $ varve cluster replace 3 --dry-run
  $ varve cluster replace 3 --yes`,
    )
    .action(async (nodeId: number, options: ConnectionOptions & DestructiveOptions) => {
      await withClient(options, async (client) => {
        const found = await client.admin.replaceController({ nodeId, validateOnly: true });
        if (found.oldDirectoryId === "") {
          return terminal.out(`Node ${nodeId} is a controller with the directory ${found.newDirectoryId} already.\n`);
        }
        const what = `directory ${found.oldDirectoryId} of node ${nodeId} for ${found.newDirectoryId}, which is empty`;
        if (options.dryRun === true) return terminal.out(`Would exchange ${what}.\n`);
        await confirmDestruction(terminal, options, {
          sentence: `This exchanges ${what}. What the old one holds counts no more, for good.`,
          typeToConfirm: String(nodeId),
        });
        const done = await client.admin.replaceController({ nodeId, validateOnly: false }, { timeoutMs: 90_000 });
        return terminal.out(`Node ${nodeId} is a controller with the directory ${done.newDirectoryId} now.\n`);
      });
    });
}
