// SPDX-License-Identifier: Apache-2.0
// varve topic create | list | describe | alter | delete | trim: topics by the Admin service. What destroys records has
// --dry-run and asks first.

import type { ConfigEntryOutput, PartitionStatusOutput } from "@varve/api";
import type { Client, Position } from "@varve/client";
import { Command } from "commander";
import {
  collected,
  parsedBy,
  parsedInteger,
  parseKeyValue,
  parsePartitions,
  withAddress,
  withClient,
  withOutput,
  type ConnectionOptions,
  type OutputOptions,
} from "../connection.ts";
import { CliError, usageError } from "../exit-code.ts";
import { printNumberOf, printSize } from "../input/duration.ts";
import { topicConfigValue } from "../input/topic-config-value.ts";
import { printPartitions, printTroubles } from "../output/partition-table.ts";
import { printJson, printTable } from "../output/table.ts";
import { positionForms, positionOption } from "../range-options.ts";
import { confirmDestruction, type DestructiveOptions } from "../terminal/confirm.ts";
import type { Terminal } from "../terminal/terminal.ts";

type Common = ConnectionOptions & OutputOptions;

const configOption = collected(parsedBy(parseKeyValue, "key=value, such as retention.ms=7d"));

export function topicCommand(terminal: Terminal): Command {
  const topic = new Command("topic");
  topic.addCommand(createCommand(terminal));
  topic.addCommand(listCommand(terminal));
  topic.addCommand(describeCommand(terminal));
  topic.addCommand(alterCommand(terminal));
  topic.addCommand(deleteCommand(terminal));
  topic.addCommand(trimCommand(terminal));
  return topic;
}

function createCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("create")))
    .description("create a topic")
    .argument("<topic>", "its name: letters, digits, '.', '_', '-'")
    .option("-p, --partitions <count>", "number of partitions (default: the cluster's)", parsedInteger(1))
    .option("-r, --replication-factor <count>", "copies of each partition (default: the cluster's)", parsedInteger(1))
    .option("-c, --config <key=value>", "configuration; may be given several times", configOption)
    .option("--if-not-exists", "a topic of that name is fine")
    .option("--dry-run", "check, create nothing")
    .addHelpText(
      "after",
      `
Examples:
  $ varve topic create orders --partitions 3
  $ varve topic create events -p 12 -c retention.ms=30d -c retention.bytes=10GiB
  $ varve topic create metrics -p 3 -c flush=os        # faster, not on disk when acknowledged`,
    )
    .action(async (name: string, options: CreateOptions) => createTopic(terminal, name, options));
}

interface CreateOptions extends Common {
  partitions?: number;
  replicationFactor?: number;
  config?: { key: string; value: string }[];
  ifNotExists?: boolean;
  dryRun?: boolean;
}

async function createTopic(terminal: Terminal, name: string, options: CreateOptions): Promise<void> {
  const configs = Object.fromEntries(
    (options.config ?? []).map(({ key, value }) => [key, topicConfigValue(key, value)]),
  );
  await withClient(options, async (client) => {
    try {
      const topic = await client.admin.createTopic({
        topic: name,
        partitions: options.partitions,
        replicationFactor: options.replicationFactor,
        configs,
        validateOnly: options.dryRun === true,
      });
      if (options.output === "json") return await terminal.out(printJson(topic));
      const what = `topic "${name}" with ${printNumberOf(topic.partitions.length, "partition")}`;
      return await terminal.out(options.dryRun === true ? `Would create ${what}.\n` : `Created ${what}.\n`);
    } catch (error) {
      if (options.ifNotExists !== true || reasonOf(error) !== "TOPIC_ALREADY_EXISTS") throw error;
      return terminal.out(
        options.output === "json" ? printJson({ topic: name, existed: true }) : `Topic "${name}" exists.\n`,
      );
    }
  });
}

function listCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("list")))
    .description("list topics")
    .option("--prefix <text>", "only names that begin so")
    .option("--internal", "also topics that the cluster keeps for itself")
    .addHelpText("after", "\nExamples:\n  $ varve topic list\n  $ varve topic list --prefix orders. -o json")
    .action(async (options: Common & { prefix?: string; internal?: boolean }) => {
      await withClient(options, async (client) => {
        const topics = await client.admin.listTopics({
          prefix: options.prefix ?? "",
          includeInternal: options.internal === true,
        });
        if (options.output === "json") return terminal.out(printJson(topics));
        if (topics.length === 0) {
          const { prefix = "" } = options;
          const none = prefix === "" ? "No topics yet." : `No topic begins with "${prefix}".`;
          terminal.note(`${none} Create one: varve topic create ${prefix}orders --partitions 3`);
          return;
        }
        return terminal.out(
          printTable(
            ["TOPIC", "PARTITIONS", "REPLICAS", "ID"],
            topics.map((topic) => [topic.topic, topic.partitionCount, topic.replicationFactor, topic.topicId]),
          ),
        );
      });
    });
}

function describeCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("describe")))
    .description("show a topic's partitions, offsets, sizes and configuration")
    .argument("<topic>", "its name")
    .option("--all-configs", "also configuration that nobody set")
    .addHelpText(
      "after",
      "\nExamples:\n  $ varve topic describe orders\n  $ varve topic describe orders --all-configs -o json",
    )
    .action(async (name: string, options: Common & { allConfigs?: boolean }) => {
      await withClient(options, async (client) => {
        const topic = await client.admin.describeTopic({ topic: name });
        const partitions = await client.admin.describePartitions({ topic: name });
        const configs = await client.admin.describeTopicConfig({ topic: name });
        if (options.output === "json") return terminal.out(printJson({ ...topic, partitions, configs }));
        const shown = configs.filter(
          (entry) => options.allConfigs === true || entry.source !== "CONFIG_SOURCE_DEFAULT",
        );
        // What compaction has left of them nobody counts.
        const isCompacted = configs.some(
          ({ name: key, value }) => key === "cleanup.policy" && value.includes("compact"),
        );
        const what = isCompacted ? "offset" : "record";
        const heading = `Topic "${name}", id ${topic.topicId}, ${printNumberOf(recordCount(partitions), what)}, ${printSize(totalBytes(partitions))}\n\n`;
        const troubles = printTroubles(partitions);
        return terminal.out(
          heading +
            printPartitions(partitions) +
            (troubles === "" ? "" : `\n${troubles}`) +
            (shown.length === 0 ? "" : `\n${configTable(shown)}`),
        );
      });
    });
}

function configTable(entries: readonly ConfigEntryOutput[]): string {
  return printTable(
    ["CONFIG", "VALUE", "FROM", "DEFAULT", "WHAT"],
    entries.map((entry) => [
      entry.name,
      entry.value,
      entry.source.replace("CONFIG_SOURCE_", "").toLowerCase(),
      entry.defaultValue,
      entry.doc,
    ]),
  );
}

function alterCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("alter")))
    .description("set or unset configuration, or add partitions")
    .argument("<topic>", "its name")
    .option("-p, --partitions <count>", "number of partitions that it shall have in all", parsedInteger(1))
    .option("-c, --config <key=value>", "set a key; may be given several times", configOption)
    .option("--unset <key>", "back to the default; may be given several times", collected(String))
    .option("--dry-run", "check, change nothing")
    .addHelpText(
      "after",
      `
Examples:
  $ varve topic alter orders --config retention.ms=30d --unset retention.bytes
  $ varve topic alter orders --partitions 6 --dry-run

More partitions move keys: records of one key may go to another partition from then on.`,
    )
    .action(async (name: string, options: AlterOptions) => alterTopic(terminal, name, options));
}

interface AlterOptions extends Common {
  partitions?: number;
  config?: { key: string; value: string }[];
  unset?: string[];
  dryRun?: boolean;
}

async function alterTopic(terminal: Terminal, name: string, options: AlterOptions): Promise<void> {
  const operations = [
    ...(options.config ?? []).map(({ key, value }) => ({ name: key, set: topicConfigValue(key, value) })),
    ...(options.unset ?? []).map((key) => ({ name: key, delete: true })),
  ];
  if (operations.length === 0 && options.partitions === undefined) {
    throw usageError(
      "Nothing to change: give --config, --unset or --partitions",
      `See what there is: varve topic describe ${name} --all-configs`,
    );
  }
  const validateOnly = options.dryRun === true;
  await withClient(options, async (client) => {
    // Partitions first: they are what can be refused for reasons outside the request; configuration is checked as a whole.
    if (operations.length > 0 && options.partitions !== undefined) {
      await client.admin.alterTopicConfig({ topic: name, operations, validateOnly: true });
    }
    const topic =
      options.partitions === undefined
        ? undefined
        : await client.admin.addPartitions({ topic: name, totalCount: options.partitions, validateOnly });
    const configs =
      operations.length === 0
        ? undefined
        : await client.admin.alterTopicConfig({ topic: name, operations, validateOnly });
    if (options.output === "json") return terminal.out(printJson({ topic, configs, dryRun: validateOnly }));
    const verb = validateOnly ? "Would change" : "Changed";
    const parts = [
      ...(topic === undefined ? [] : [`it has ${printNumberOf(topic.partitions.length, "partition")}`]),
      ...(configs ?? [])
        .filter((entry) => operations.some((operation) => operation.name === entry.name))
        .map((entry) => `${entry.name} = ${entry.value}`),
    ];
    return terminal.out(`${verb} topic "${name}": ${parts.join(", ")}.\n`);
  });
}

function deleteCommand(terminal: Terminal): Command {
  return withAddress(new Command("delete"))
    .description("delete a topic and all its records, for good")
    .argument("<topic>", "its name")
    .option("--dry-run", "say what would go, delete nothing")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", "\nExamples:\n  $ varve topic delete orders --dry-run\n  $ varve topic delete orders --yes")
    .action(async (name: string, options: ConnectionOptions & DestructiveOptions) => {
      await withClient(options, async (client) => {
        const topic = await client.admin.describeTopic({ topic: name });
        const partitions = await client.admin.describePartitions({ topic: name });
        const what = `topic "${name}" with ${printNumberOf(recordCount(partitions), "record")} (${printSize(totalBytes(partitions))}) in ${printNumberOf(partitions.length, "partition")}`;
        const request = { topic: name, topicId: topic.topicId };
        if (options.dryRun === true) {
          await client.admin.deleteTopic({ ...request, validateOnly: true });
          return terminal.out(`Would delete ${what}.\n`);
        }
        await confirmDestruction(terminal, options, {
          sentence: `This deletes ${what}, for good.`,
          typeToConfirm: name,
        });
        await client.admin.deleteTopic({ ...request, validateOnly: false });
        return terminal.out(`Deleted ${what}.\n`);
      });
    });
}

function trimCommand(terminal: Terminal): Command {
  return withAddress(new Command("trim"))
    .description("delete the records before a position, for good")
    .argument("<topic>", "its name")
    .requiredOption("--before <position>", positionForms, positionOption)
    .option(
      "-p, --partition <list>",
      "such as 0,2-4 (default: all)",
      parsedBy(parsePartitions, "partitions such as 0,2-4"),
    )
    .option("--dry-run", "say what would go, delete nothing")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nExamples:\n  $ varve topic trim orders --before ago:30d --dry-run\n  $ varve topic trim orders --before 1000 --partition 0 --yes",
    )
    .action(async (name: string, options: TrimOptions) => trimTopic(terminal, name, options));
}

interface TrimOptions extends ConnectionOptions, DestructiveOptions {
  before: Position;
  partition?: number[];
}

async function trimTopic(terminal: Terminal, name: string, options: TrimOptions): Promise<void> {
  await withClient(options, async (client) => {
    const status = await client.admin.describePartitions({ topic: name, partitions: options.partition ?? [] });
    const partitions = status.map(({ partition }) => ({ partition, before: options.before }));
    const planned = await client.admin.deleteRecords({ topic: name, partitions, validateOnly: true });
    const kept = new Map(status.map((partition) => [partition.partition, partition.logStartOffset]));
    const gone = planned.reduce(
      (sum, result) => sum + Math.max(0, result.logStartOffset - (kept.get(result.partition) ?? 0)),
      0,
    );
    const what = `${printNumberOf(gone, "record")} of topic "${name}"`;
    if (options.dryRun === true) {
      await terminal.out(`Would delete ${what}.\n${trimTable(planned)}`);
      return assertTrimmed(name, planned);
    }
    await confirmDestruction(terminal, options, { sentence: `This deletes ${what}, for good.`, typeToConfirm: name });
    const results = await client.admin.deleteRecords({ topic: name, partitions, validateOnly: false });
    await terminal.out(trimTable(results));
    assertTrimmed(name, results);
  });
}

type Trimmed = Awaited<ReturnType<Client["admin"]["deleteRecords"]>>;

function assertTrimmed(topic: string, results: Trimmed): void {
  const refused = results.filter((result) => result.error != null).length;
  if (refused === 0) return;
  throw new CliError("failed", `Could not trim ${printNumberOf(refused, "partition")} of topic "${topic}"`, {
    advice: [`See what is there: varve offsets ${topic}`],
  });
}

function trimTable(results: Trimmed): string {
  return printTable(
    ["PARTITION", "START", "ERROR"],
    results.map(({ partition, logStartOffset, error }) => [
      partition,
      // With an error, too, where the leader has deleted them and somebody has not followed (H-14).
      logStartOffset < 0 ? "-" : logStartOffset,
      error?.message ?? "",
    ]),
  );
}

function recordCount(partitions: readonly PartitionStatusOutput[]): number {
  return partitions.reduce((sum, partition) => sum + partition.highWatermark - partition.logStartOffset, 0);
}

function totalBytes(partitions: readonly PartitionStatusOutput[]): number {
  return partitions.reduce((sum, partition) => sum + partition.sizeBytes, 0);
}

function reasonOf(error: unknown): string | undefined {
  return error instanceof Error && "reason" in error && typeof error.reason === "string" ? error.reason : undefined;
}
