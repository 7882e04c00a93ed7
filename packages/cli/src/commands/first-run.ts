// SPDX-License-Identifier: Apache-2.0
// varve first-run: one command from a fresh clone to a checked replay. Starts a real node on ./varve-data, or uses one that
// runs (--address), and ends with commands that work as printed.

import { Broker } from "@varve/broker";
import { connect } from "@varve/client";
import { Command } from "commander";
import { relative } from "node:path";
import { connectTimeoutMs, defaultAddress } from "../connection.ts";
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
}

export function firstRunCommand(terminal: Terminal): Command {
  return new Command("first-run")
    .option("--data-dir <path>", "where the node keeps its data", "./varve-data")
    .option("-a, --address <host:port>", "use the node that runs there instead of starting one")
    .addHelpText(
      "after",
      `
Run it again and it checks what the first run stored. Exit code 5: something came back different.

Examples:
  $ varve first-run
  $ varve first-run --address ${defaultAddress}`,
    )
    .action(async (options: FirstRunOptions) => {
      const sample = await readSample();
      if (options.address !== undefined) return against(terminal, options, options.address, sample);
      const broker = await startNode(options.dataDir);
      try {
        return await against(terminal, options, broker.addresses.grpc, sample);
      } finally {
        await broker.close();
      }
    });
}

async function startNode(dataDir: string): Promise<Broker> {
  const start = async (port: number): Promise<Broker> =>
    Broker.start({ dataDir, listeners: { grpc: { host: "127.0.0.1", port }, http: false }, logger: quietLogger });
  try {
    return await start(9094);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // Something listens on the usual port: any other will do, nobody else needs to find this node.
    if (code === "LISTEN") return start(0);
    if (code !== "DATA_DIRECTORY_LOCKED") throw error;
    throw new CliError("failed", error instanceof Error ? error.message : String(error), {
      advice: [`Use the node that runs on it: varve first-run --address ${defaultAddress}`],
      cause: error,
    });
  }
}

async function against(
  terminal: Terminal,
  options: FirstRunOptions,
  address: string,
  sample: readonly SampleRecord[],
): Promise<void> {
  const say = async (label: string, text: string): Promise<boolean> => terminal.out(`  ${label.padEnd(8)}${text}\n`);
  await terminal.out("Varve first run\n\n");
  await say(
    "node",
    options.address === undefined ? `${address}, data in ${options.dataDir}` : `${address}, which ran already`,
  );
  const client = await connect({ addresses: [address], connectTimeoutMs });
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
    await terminal.out(withInvocation(whatNext(options, result.topic), invocation(process.env)));
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

function whatNext(options: FirstRunOptions, topic: string): string {
  const serve =
    options.address === undefined
      ? `  npx varve serve${options.dataDir === "./varve-data" ? "" : ` --data-dir ${options.dataDir}`}\n\nand, in another terminal:\n\n`
      : "";
  const at = options.address === undefined || options.address === defaultAddress ? "" : ` --address ${options.address}`;
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
