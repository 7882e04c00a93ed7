// SPDX-License-Identifier: Apache-2.0
// varve first-run: one command from a fresh clone to a checked replay. Starts a real node on ./varve-data, or uses one that
// runs (--address), and ends with commands that work as printed.

import { Broker } from "@varve/broker";
import { connect } from "@varve/client";
import { Command } from "commander";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { addressOption, connectTimeoutMs, defaultAddress } from "../connection.ts";
import { CliError } from "../exit-code.ts";
import { firstRun, partitionCount, replayOffset, replayTime, type FirstRunResult } from "../first-run/first-run.ts";
import { readSample, sampleOptions, samplePath, type SampleRecord } from "../first-run/sample.ts";
import { printCount } from "../input/duration.ts";
import { invocation, withInvocation } from "../invocation.ts";
import { printTotal, Throughput } from "../output/throughput.ts";
import { startProgress } from "../terminal/progress.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface FirstRunOptions {
  dataDir: string;
  address?: string;
  allowTmpfs?: boolean;
}

/** The node that the run goes to. */
interface RunNode {
  readonly address: string;
  /** How the summary calls it. */
  readonly about: string;
  /** Started for the run: it ends with it. */
  readonly own: Broker | undefined;
}

export function firstRunCommand(terminal: Terminal): Command {
  return new Command("first-run")
    .option("--data-dir <path>", "where the node keeps its data", "./varve-data")
    .option("-a, --address <host:port>", "use the node that runs there instead of starting one", addressOption)
    .option("--allow-tmpfs", "accept a data directory that is in memory")
    .addHelpText(
      "after",
      `
Run it again and it checks what the first run stored. A node that runs on the directory already is used as it is. Exit
code 5: something came back different.

Examples:
  $ varve first-run
  $ varve first-run --address ${defaultAddress}`,
    )
    .action(async (options: FirstRunOptions) => {
      const sample = await readSample();
      const node = await nodeFor(options);
      try {
        await against(terminal, options, node, sample);
      } finally {
        await node.own?.close();
      }
    });
}

async function nodeFor(options: FirstRunOptions): Promise<RunNode> {
  const { address, dataDir } = options;
  if (address !== undefined) return { address, about: "which ran already", own: undefined };
  try {
    const own = await startNode(options);
    return { address: own.addresses.grpc, about: `data in ${dataDir}`, own };
  } catch (error) {
    if (codeOf(error) !== "DATA_DIRECTORY_LOCKED") throw error;
    const usual = process.env["VARVE_ADDRESS"] ?? defaultAddress;
    if (await runsOn(usual, dataDir)) return { address: usual, about: `which runs on ${dataDir}`, own: undefined };
    throw new CliError("failed", `A node runs on "${dataDir}", and not at ${usual}, where one would be looked for`, {
      advice: [
        "Say where it listens:   varve first-run --address HOST:PORT",
        "Or leave it alone:      varve first-run --data-dir ./another-directory",
        "Or stop it (Ctrl-C in its terminal), and run this again.",
      ],
      cause: error,
    });
  }
}

async function startNode({ dataDir, allowTmpfs = false }: FirstRunOptions): Promise<Broker> {
  const start = async (port: number): Promise<Broker> => {
    const listeners = { grpc: { host: "127.0.0.1", port }, http: false } as const;
    return Broker.start({ dataDir, allowTmpfs, listeners, logger: quietLogger });
  };
  try {
    return await start(9094);
  } catch (error) {
    // Something listens on the usual port: any other will do, nobody else needs to find this node.
    if (codeOf(error) === "LISTEN") return start(0);
    throw error;
  }
}

/** Whether the node at `address` is the one that holds the directory. */
async function runsOn(address: string, dataDir: string): Promise<boolean> {
  try {
    const meta = JSON.parse(await readFile(join(dataDir, "meta.json"), "utf8")) as { clusterId?: unknown };
    const client = await connect({ addresses: address.split(","), connectTimeoutMs: 1000 });
    try {
      const { clusterId } = await client.admin.describeCluster();
      return clusterId === meta.clusterId;
    } finally {
      await client.close();
    }
  } catch {
    // Nothing there, or nothing that answers: the caller says so.
    return false;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

async function against(
  terminal: Terminal,
  options: FirstRunOptions,
  node: RunNode,
  sample: readonly SampleRecord[],
): Promise<void> {
  const say = async (label: string, text: string): Promise<boolean> => terminal.out(`  ${label.padEnd(8)}${text}\n`);
  await terminal.out("Varve first run\n\n");
  await say("node", `${node.address}, ${node.about}`);
  const client = await connect({ addresses: node.address.split(","), connectTimeoutMs });
  const topicLines: string[] = [];
  try {
    let meter = new Throughput(performance.now());
    let progress: ReturnType<typeof startProgress> | undefined;
    let done = 0;
    const result = await firstRun(client, sample, {
      onTopic(topic, found) {
        topicLines.push(
          found === "created"
            ? `${topic}, ${partitionCount} partitions, created`
            : `${topic}, found from an earlier run: it holds the sample already`,
        );
        meter = new Throughput(performance.now());
        if (found === "created")
          progress = startProgress(terminal, { label: "  sending", total: sample.length, meter });
      },
      onAcknowledged(record) {
        done += 1;
        meter.add(1, record.key.length + record.value.length, performance.now());
        progress?.at(done);
      },
      onSent() {
        progress?.stop();
        topicLines.push(printTotal(meter.total(performance.now())));
      },
    });
    await summarize(say, result, topicLines);
    await terminal.out(withInvocation(whatNext(options, node, result.topic), invocation(process.env)));
  } finally {
    await client.close();
  }
}

async function summarize(
  say: (label: string, text: string) => Promise<boolean>,
  result: FirstRunResult,
  [topicLine = "", sentLine]: readonly string[],
): Promise<void> {
  const total = result.partitions.reduce((sum, count) => sum + count, 0);
  await say("topic", topicLine);
  if (sentLine !== undefined) await say("sent", sentLine);
  await say(
    "layout",
    `${result.partitions.map((count, partition) => `partition ${partition}: ${count}`).join(", ")} records`,
  );
  if (result.ack !== undefined) {
    await say(
      "check",
      `${result.sent} of ${total} acknowledged (level ${result.ack.level}, on ${result.ack.durableReplicas} disk), each`,
    );
    await say("", "at the partition its key hashes to and the offset its place in the input gives   ok");
  }
  await say("check", `replay from offset ${replayOffset} of each partition: ${printCount(result.fromOffset)} records,`);
  await say("", "offsets, keys, times and every byte as in the input   ok");
  await say("check", `replay from ${replayTime}: ${printCount(result.fromTime)} records,`);
  await say("", "offsets, keys, times and every byte as in the input   ok");
}

function whatNext(options: FirstRunOptions, node: RunNode, topic: string): string {
  const serve =
    node.own !== undefined
      ? `  npx varve serve${options.dataDir === "./varve-data" ? "" : ` --data-dir ${options.dataDir}`}\n\nand, in another terminal:\n\n`
      : "";
  const at = node.own !== undefined || node.address === defaultAddress ? "" : ` --address ${node.address}`;
  const { keyField, timeField, timeFormat } = sampleOptions;
  return `
Everything came back as it went in. The data stays; try next:

${serve}  npx varve topic describe ${topic}${at}
  npx varve consume ${topic} --from last:2${at}
  npx varve consume ${topic} --from time:2016-11-13T00:00:00Z -f '%p/%o  %d  %v\\n'${at}
  npx varve offsets ${topic} --at time:${replayTime}${at}

Your own data goes in like this (it is how the sample went in):

  npx varve topic create mine --partitions 3 --if-not-exists${at}
  npx varve produce mine ${samplePathFromHere()} --skip-header --key-field ${keyField} --time-field ${timeField} --time-format '${timeFormat}'${at}
`;
}

/** Short where the sample lies below the working directory, as in a clone. */
function samplePathFromHere(): string {
  const path = relative(process.cwd(), samplePath);
  return path.startsWith("..") ? samplePath : path;
}

const quietLogger = {
  debug: (): void => undefined,
  info: (): void => undefined,
  warn: (fields: object, event: string): void => console.error(event, fields),
  error: (fields: object, event: string): void => console.error(event, fields),
};
