// SPDX-License-Identifier: Apache-2.0
// varve bench produce | consume: what this node does on this machine, from one client process. Answers "is it healthy, is it
// configured right"; the numbers that compare versions come from the repository's own benches.

import type { Acks } from "@varve/api";
import type { Client } from "@varve/client";
import type { Codec } from "@varve/format";
import { Command, Option } from "commander";
import {
  parsedBy,
  parsedInteger,
  withAddress,
  withClient,
  withOutput,
  type ConnectionOptions,
  type OutputOptions,
} from "../connection.ts";
import { parseSizeBytes } from "../input/duration.ts";
import { LatencyHistogram } from "../output/latency-histogram.ts";
import { printJson, printTable } from "../output/table.ts";
import { Throughput, type Rates } from "../output/throughput.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { startProgress } from "../terminal/progress.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface BenchProduceOptions extends ConnectionOptions, OutputOptions {
  topic: string;
  partitions: number;
  records: number;
  size: number;
  inFlight: number;
  acks: Acks;
  codec: Codec;
}

interface BenchConsumeOptions extends ConnectionOptions, OutputOptions {
  topic: string;
  records?: number;
}

/** Most bytes that a bench holds unacknowledged. */
const bufferBytes = 128 << 20;

export function benchCommand(terminal: Terminal): Command {
  const bench = new Command("bench");
  bench.addCommand(benchProduceCommand(terminal));
  bench.addCommand(benchConsumeCommand(terminal));
  return bench;
}

function benchProduceCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("produce")))
    .description("send records of one size as fast as they are acknowledged")
    .option("-t, --topic <topic>", "topic to send to; created when it is not there", "bench")
    .option("-p, --partitions <count>", "its partitions when it is created", parsedInteger(1), 4)
    .option("-n, --records <count>", "how many", parsedInteger(1), 200_000)
    .option("-s, --size <size>", "bytes of a value", parsedBy(parseSizeBytes, "a size such as 1KiB"), 100)
    .option(
      "--in-flight <count>",
      "most records on their way; 1 measures latency alone",
      parsedInteger(1, 1_000_000),
      20_000,
    )
    .addOption(new Option("--acks <level>", "what to wait for").choices(["all", "leader", "none"]).default("all"))
    .addOption(
      new Option("--codec <codec>", "compression").choices(["none", "gzip", "snappy", "lz4", "zstd"]).default("none"),
    )
    .addHelpText(
      "after",
      `
Examples:
  $ varve bench produce
  $ varve bench produce --size 1KiB --records 500000 --codec lz4
  $ varve bench produce --in-flight 1 --records 1000      # the latency of one durable append

The records stay: delete the topic when you are done (varve topic delete bench).`,
    )
    .action(async (options: BenchProduceOptions) => benchProduce(terminal, options));
}

async function benchProduce(terminal: Terminal, options: BenchProduceOptions): Promise<void> {
  const value = Buffer.alloc(options.size, "0123456789abcdef");
  const histogram = new LatencyHistogram();
  const meter = await interruptible(async (signal) =>
    withClient(options, async (client) => {
      await createUnlessThere(client, options.topic, options.partitions);
      const producer = client.producer({ acks: options.acks, codec: options.codec, bufferBytes });
      // The producer counts some overhead for each record, and refuses what its buffer cannot hold.
      const inFlightMax = Math.max(1, Math.min(options.inFlight, Math.floor(bufferBytes / 2 / (options.size + 256))));
      const meter = new Throughput(performance.now());
      const progress = startProgress(terminal, { label: options.topic, total: options.records, meter });
      const send = async (sequence: number): Promise<void> => {
        const atMs = performance.now();
        await producer.send({ topic: options.topic, key: `key-${sequence % 1000}`, value });
        const nowMs = performance.now();
        histogram.add(nowMs - atMs);
        meter.add(1, value.length, nowMs);
        progress.at(histogram.count);
      };
      // As many lines as records may be on their way; each sends its next record when the one before is acknowledged.
      let sent = 0;
      const line = async (): Promise<void> => {
        while (sent < options.records && !signal.aborted) {
          sent += 1;
          await send(sent);
        }
      };
      try {
        await Promise.all(Array.from({ length: Math.min(inFlightMax, options.records) }, line));
      } finally {
        progress.stop();
        await producer.close();
      }
      return meter.total(performance.now());
    }),
  );
  await printResult(terminal, options, meter, histogram);
}

function benchConsumeCommand(terminal: Terminal): Command {
  return withOutput(withAddress(new Command("consume")))
    .description("read a topic from its beginning as fast as it comes")
    .option("-t, --topic <topic>", "topic to read", "bench")
    .option("-n, --records <count>", "how many (default: all that are there)", parsedInteger(1))
    .addHelpText(
      "after",
      "\nExamples:\n  $ varve bench consume\n  $ varve bench consume --topic orders --records 100000 -o json",
    )
    .action(async (options: BenchConsumeOptions) => {
      const meter = await interruptible(async (signal) =>
        withClient(options, async (client) => {
          const meter = new Throughput(performance.now());
          const reader = client.reader({
            topic: options.topic,
            from: { kind: "earliest" },
            to: { kind: "latest-at-start" },
          });
          const progress = startProgress(terminal, { label: options.topic, total: options.records, meter });
          let received = 0;
          try {
            for await (const record of reader) {
              received += 1;
              meter.add(1, record.value?.length ?? 0, performance.now());
              progress.at(received);
              if (received === options.records || signal.aborted) break;
            }
          } finally {
            progress.stop();
            await reader.close();
          }
          return meter.total(performance.now());
        }),
      );
      await printResult(terminal, options, meter, undefined);
    });
}

async function createUnlessThere(client: Client, topic: string, partitions: number): Promise<void> {
  try {
    await client.admin.createTopic({ topic, partitions });
  } catch (error) {
    if (!(error instanceof Error && "reason" in error && error.reason === "TOPIC_ALREADY_EXISTS")) throw error;
  }
}

async function printResult(
  terminal: Terminal,
  options: OutputOptions,
  rates: Rates,
  histogram: LatencyHistogram | undefined,
): Promise<void> {
  const latencies =
    histogram === undefined
      ? {}
      : {
          p50Ms: round(histogram.percentileMs(0.5)),
          p99Ms: round(histogram.percentileMs(0.99)),
          p999Ms: round(histogram.percentileMs(0.999)),
          maxMs: round(histogram.maxMs),
        };
  const result = {
    records: rates.records,
    seconds: round(rates.elapsedMs / 1000),
    recordsPerSecond: Math.round(rates.recordsPerSecond),
    megabytesPerSecond: round(rates.bytesPerSecond / 1e6),
    ...latencies,
  };
  if (options.output === "json") await terminal.out(printJson(result));
  else await terminal.out(printTable(headings.slice(0, Object.keys(result).length), [Object.values(result)]));
}

const headings = ["RECORDS", "SECONDS", "RECORDS/S", "MB/S", "P50 MS", "P99 MS", "P99.9 MS", "MAX MS"];

function round(value: number): number {
  return Number(value.toFixed(value < 10 ? 2 : 1));
}
