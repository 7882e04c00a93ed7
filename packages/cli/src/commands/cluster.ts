// SPDX-License-Identifier: Apache-2.0
// varve cluster: who is in it, who decides, who is to lead, and the way back of a node whose disk is gone.

import type { ElectionResultOutput } from "@varve/api";
import { type Client, VarveError } from "@varve/client";
import { Command, Option } from "commander";
import {
  parsePartitions,
  parsedBy,
  parsedInteger,
  withAddress,
  withClient,
  withOutput,
  type ConnectionOptions,
  type OutputOptions,
} from "../connection.ts";
import { CliError, usageError } from "../exit-code.ts";
import { printNumberOf } from "../input/duration.ts";
import { printJson, printTable, unknown } from "../output/table.ts";
import { confirmDestruction, type DestructiveOptions } from "../terminal/confirm.ts";
import type { Terminal } from "../terminal/terminal.ts";

export function clusterCommand(terminal: Terminal): Command {
  const cluster = new Command("cluster");
  cluster.addCommand(statusCommand(terminal));
  cluster.addCommand(electCommand(terminal));
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
            broker.rack === "" ? unknown : broker.rack,
            broker.brokerEpoch,
          ]),
        );
        const members = printTable(
          ["CONTROLLER", "ROLE", "PEER", "LACKS", "ANSWERS", "DIRECTORY"],
          controllers.map((controller) => [
            controller.nodeId,
            controller.active ? "active" : controller.voter ? "standby" : "is filled",
            controller.address,
            controller.lag ?? unknown,
            controller.answers === undefined ? unknown : controller.answers ? "yes" : "no",
            controller.directoryId,
          ]),
        );
        return terminal.out(`${head}${nodes}\n${members}`);
      });
    });
}

interface ElectOptions extends ConnectionOptions, OutputOptions {
  partition?: number[];
  unclean?: boolean;
  acceptLoss?: boolean;
  dryRun?: boolean;
}

function electCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("elect")))
    .description("give partitions their preferred leaders back, or, with --unclean, whoever has most of them")
    .argument("<topic>", "its name")
    .addOption(
      new Option("--partition <numbers>", "partitions, such as 0,2-4 (default: all)").argParser(
        parsedBy(parsePartitions, "partitions by number and range, such as 0,2-4"),
      ),
    )
    .option("--unclean", "partitions that nobody leads: whoever has most of those that are there, complete or not")
    .option("--accept-loss", "with --unclean: what the elected ones lack may be lost; do not ask")
    .option("--dry-run", "say who would lead, change nothing")
    .addHelpText(
      "after",
      `
Preferred leaders come back by themselves within a minute of being in sync, and nothing is lost by it. An unclean election may
lose acknowledged records: wait for the nodes that "varve topic describe" names as replicas first, if they can come back.
When all replicas are damaged, the one with most before its damage leads, and takes nothing before "varve partition accept-loss".

Examples:
  $ varve cluster elect orders
  $ varve cluster elect orders --partition 3 --unclean --dry-run
  $ varve cluster elect orders --partition 3 --unclean --accept-loss`,
    )
    .action(async (topic: string, options: ElectOptions) => {
      const { partition: partitions, unclean: acceptLoss = false } = options;
      if (options.acceptLoss === true && !acceptLoss) {
        throw usageError("--accept-loss is of no use without --unclean: preferred leaders lose nothing");
      }
      await withClient(options, async (client) => {
        const plan = await client.admin.electLeaders({ topic, partitions, acceptLoss, validateOnly: true });
        const changing = plan.filter(({ changed }) => changed);
        if (options.dryRun === true || changing.length === 0)
          return terminal.out(elections(plan, options, "would lead", await replicasOf(client, topic)));
        if (acceptLoss) await confirmLoss(terminal, options, topic, changing);
        const done = await client.admin.electLeaders({ topic, partitions, acceptLoss });
        return terminal.out(elections(done, options, "leads", await replicasOf(client, topic)));
      });
    });
}

async function confirmLoss(
  terminal: Terminal,
  options: ElectOptions,
  topic: string,
  changing: readonly ElectionResultOutput[],
): Promise<void> {
  const which = changing.map(({ partition, leader }) => `${partition} (node ${leader?.nodeId ?? -1})`).join(", ");
  const sentence = `This elects leaders of "${topic}" that may lack acknowledged records, which are lost then: ${which}.`;
  if (options.acceptLoss !== true && !terminal.canAsk) {
    throw new CliError("declined", `Did nothing, since it was not confirmed. ${sentence}`, {
      advice: ["Nobody is there to ask. See what would happen with --dry-run, do it with --accept-loss."],
    });
  }
  await confirmDestruction(terminal, { yes: options.acceptLoss }, { sentence, typeToConfirm: topic });
}

/** By partition, the preferred leader first. */
async function replicasOf(client: Client, topic: string): Promise<ReadonlyMap<number, readonly number[]>> {
  const { partitions } = await client.admin.describeTopic({ topic });
  return new Map(partitions.map(({ partition, replicas }) => [partition, replicas]));
}

function elections(
  results: readonly ElectionResultOutput[],
  { output, unclean: acceptsLoss = false }: ElectOptions,
  leads: string,
  replicas: ReadonlyMap<number, readonly number[]>,
): string {
  if (output === "json") return printJson(results);
  return printTable(
    ["PARTITION", "LEADER", "WHAT"],
    results.map(({ partition, leader, changed, unclean }) => {
      const nodeId = leader?.nodeId ?? -1;
      const [preferred = nodeId] = replicas.get(partition) ?? [];
      const what = changed
        ? `${leads}${unclean ? ", records may be missing" : " now"}`
        : unchanged(nodeId, preferred, acceptsLoss);
      return [partition, nodeId < 0 ? unknown : nodeId, what];
    }),
  );
}

/** Why an election changes nothing. */
function unchanged(leader: number, preferred: number, acceptsLoss: boolean): string {
  if (leader < 0) return acceptsLoss ? "nobody is there who has any of it" : "nobody who has all of it is there";
  if (acceptsLoss || leader === preferred) return "as before";
  return `as before: node ${preferred} cannot lead now`;
}

function replaceCommand(terminal: Terminal): Command {
  return withAddress(new Command("replace"))
    .description("take a node whose disk was lost back, with the empty directory that it runs on now")
    .argument("<node>", "its node id", parsedInteger(0, 0x7fff_ffff))
    .option("--dry-run", "look who is there, change nothing")
    .option("-y, --yes", "do not ask")
    .option("--wait", "then wait until all its replicas are in sync again, and say how far they are")
    .addHelpText(
      "after",
      `
Start the node first, with the same configuration and an empty data directory: it waits, and says so. If its disk is not lost
but not mounted, mount it instead: what it holds may be the copy that counts. The old directory must never come back.
The node fills up again by itself: --wait tells how many of its replicas are in sync, and how many records it still lacks.

Examples:
  $ varve cluster replace 3 --dry-run
  $ varve cluster replace 3 --yes --wait`,
    )
    .action(async (nodeId: number, options: ConnectionOptions & DestructiveOptions & { readonly wait?: true }) => {
      await withClient(options, async (client) => {
        const found = await client.admin.replaceController({ nodeId, validateOnly: true });
        if (found.oldDirectoryId === "") {
          // Nothing is exchanged; what was begun before, and ended half-way, is brought to its end.
          if (options.dryRun !== true) await client.admin.replaceController({ nodeId, validateOnly: false }, patience);
          await terminal.out(`Node ${nodeId} is a controller with the directory ${found.newDirectoryId} already.\n`);
          if (options.wait === true) await waitInSync(terminal, client, nodeId);
          return;
        }
        const what = `directory ${found.oldDirectoryId} of node ${nodeId} for ${found.newDirectoryId}, which is empty`;
        if (options.dryRun === true) {
          await terminal.out(`Would exchange ${what}.\n`);
          return;
        }
        await confirmDestruction(terminal, options, {
          sentence: `This exchanges ${what}. What the old one holds counts no more, for good.`,
          typeToConfirm: String(nodeId),
        });
        const done = await client.admin.replaceController({ nodeId, validateOnly: false }, patience);
        await terminal.out(`Node ${nodeId} is a controller with the directory ${done.newDirectoryId} now.\n`);
        if (options.wait === true) await waitInSync(terminal, client, nodeId);
      });
    });
}

/** Longer than the controllers take at most. */
const patience = { timeoutMs: 90_000 };
const lookEveryMs = 500;
/** What only gets less is told no more often than this, in ms. */
const tellEveryMs = 5_000;

/** Until the node is let in, and every partition that it has a replica of has that in sync. A line whenever there is news. */
async function waitInSync(terminal: Terminal, client: Client, nodeId: number): Promise<void> {
  let told = { counts: "", atMs: 0 };
  for (;;) {
    const { brokers } = await client.admin.describeCluster();
    const isActive = brokers.find((broker) => broker.nodeId === nodeId)?.state === "BROKER_STATE_ACTIVE";
    const { replicas, inSync, lacks } = await replicasOn(client, nodeId);
    const counts = `${inSync} of ${replicas} replicas of node ${nodeId} are in sync${isActive ? "" : ", and it is not let in yet"}`;
    if (isActive && inSync === replicas) {
      await terminal.out(`${counts}.\n`);
      return;
    }
    const nowMs = performance.now();
    if (counts !== told.counts || (lacks > 0 && nowMs - told.atMs >= tellEveryMs)) {
      terminal.note(`${counts}${lacks > 0 ? `; it lacks ${printNumberOf(lacks, "record")}` : ""}`);
      told = { counts, atMs: nowMs };
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

interface ReplicasOn {
  readonly replicas: number;
  readonly inSync: number;
  /** Records that those lack which are not in sync, as far as their leaders know. */
  readonly lacks: number;
}

async function replicasOn(client: Client, nodeId: number): Promise<ReplicasOn> {
  let replicas = 0;
  let inSync = 0;
  let lacks = 0;
  for (const { topic } of await client.admin.listTopics({ includeInternal: true })) {
    const { partitions } = (await unlessDeleted(client.admin.describeTopic({ topic }))) ?? { partitions: [] };
    const placed = partitions.filter((partition) => partition.replicas.includes(nodeId));
    const filling = placed.filter((partition) => !partition.inSyncReplicas.includes(nodeId));
    replicas += placed.length;
    inSync += placed.length - filling.length;
    if (filling.length === 0) continue;
    const numbers = filling.map(({ partition }) => partition);
    const statuses = (await unlessDeleted(client.admin.describePartitions({ topic, partitions: numbers }))) ?? [];
    for (const status of statuses) lacks += Math.max(0, status.replicaLags[status.replicas.indexOf(nodeId)] ?? 0);
  }
  return { replicas, inSync, lacks };
}

/** Undefined when the topic was deleted since. */
function unlessDeleted<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (error instanceof VarveError && error.reason === "UNKNOWN_TOPIC") return undefined;
    throw error;
  });
}
