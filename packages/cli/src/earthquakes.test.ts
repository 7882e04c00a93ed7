// SPDX-License-Identifier: Apache-2.0
// Replay by time over the earthquake catalogue, event times as timestamps: three days come back exactly, from the command line and from
// the SDK; and out of a shuffled copy by the time filter. The excerpt that ships always, the whole catalogue with VARVE_TEST_DATA.

import { connect, type Client, type ReaderOptions } from "@varve/client";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kafkaPartition } from "./first-run/kafka-partition.ts";
import { samplePath } from "./first-run/sample.ts";
import { TestNode } from "./testing/spawn-varve.ts";

const whole = join(process.env["VARVE_TEST_DATA"] ?? "/nonexistent", "earthquakes.txt");
const [fromTime, toTime] = ["2016-04-14", "2016-04-17"];
const [fromTimeMs, toTimeMs] = [Date.parse(fromTime), Date.parse(toTime)];
const partitions = 3;
const byTime = ["--from", `time:${fromTime}`, "--to", `time:${toTime}`];
const byFilter = ["--filter-from", fromTime, "--filter-to", toTime];

let node: TestNode;
let client: Client;

beforeAll(async () => {
  node = await TestNode.start();
  client = await connect({ address: node.address });
});

afterAll(async () => {
  await client?.close();
  await node?.[Symbol.asyncDispose]();
});

const catalogues = [
  { name: "the excerpt", path: samplePath },
  { name: "the whole catalogue", path: whole },
];

describe.each(catalogues.filter(({ path }) => existsSync(path)))("replay by time over $name", ({ name, path }) => {
  const topic = name.replaceAll(" ", "-");
  const shuffledTopic = `${topic}-shuffled`;
  let lines: string[] = [];
  let shuffledLines: string[] = [];

  beforeAll(async () => {
    const [header = "", ...rest] = (await readFile(path, "latin1")).split("\n").filter((line) => line !== "");
    lines = rest;
    shuffledLines = shuffled(lines);
    const shuffledPath = join(node.directory, `${topic}.csv`);
    await writeFile(shuffledPath, [header, ...shuffledLines].map((line) => `${line}\n`).join(""), "latin1");
    await produce(topic, path);
    await produce(shuffledTopic, shuffledPath);
  });

  async function produce(into: string, file: string): Promise<void> {
    await client.admin.createTopic({ topic: into, partitions });
    const time = ["--time-field", "DateTime", "--time-format", "%Y/%m/%d %H:%M:%S.%f"];
    await output("produce", into, file, "--skip-header", "--key-field", "EventID", ...time, "-q");
  }

  const isInRange = (line: string): boolean => timeOf(line) >= fromTimeMs && timeOf(line) < toTimeMs;

  it.each(["consume", "replay"])("varve %s --from time --to time prints exactly them", async (command) => {
    expect(await printed(command, topic, byTime)).toEqual(laidOut(lines.filter(isInRange)));
  });

  it.each(["consume", "replay"])("varve %s finds exactly them in the shuffled copy by the filter", async (command) => {
    expect(await printed(command, shuffledTopic, byFilter)).toEqual(laidOut(shuffledLines.filter(isInRange)));
  });

  it("a copy made by varve replay out of the shuffled one, by the filter, holds exactly them, with their times", async () => {
    await client.admin.createTopic({ topic: `${topic}-copy`, partitions });
    await output("replay", shuffledTopic, ...byFilter, "--into", `${topic}-copy`, "-q");
    await expectRecords({ topic: `${topic}-copy` }, shuffledLines);
  });

  it("the SDK's reader gives exactly them, keys and times included, from a time to a time and by the filter", async () => {
    const range = { from: { kind: "time", timeMs: fromTimeMs }, to: { kind: "time", timeMs: toTimeMs } } as const;
    await expectRecords({ topic, ...range }, lines);
    await expectRecords({ topic: shuffledTopic, fromTimeMs, toTimeMs }, shuffledLines);
  });

  async function expectRecords(options: ReaderOptions, all: readonly string[]): Promise<void> {
    const received: Placed[] = [];
    for await (const record of client.reader({ to: { kind: "latest-at-start" }, ...options })) {
      const line = record.value === null ? "" : latin1(record.value);
      received.push({ partition: record.partition, line });
      expect(record.timestampMs).toBe(timeOf(line));
      expect(record.key === null ? "" : latin1(record.key)).toBe(keyOf(line));
    }
    expect(inOrder(received)).toEqual(laidOut(all.filter(isInRange)));
  }
});

it("the whole catalogue is there", async (context) => {
  if (!existsSync(whole)) return context.skip("VARVE_TEST_DATA does not lead to earthquakes.txt");
  const lines = (await readFile(whole, "latin1")).split("\n");
  expect(lines.filter((line) => /^2016\/04\/1[456]/.test(line))).toHaveLength(390);
});

interface Placed {
  readonly partition: number;
  readonly line: string;
}

/** Lines with a key by partition, in order; those without are where the producer wanted, so they are one set. */
interface LaidOut {
  readonly keyed: readonly (readonly string[])[];
  readonly keyless: readonly string[];
}

function inOrder(placed: readonly Placed[]): LaidOut {
  const keyed = Array.from({ length: partitions }, (_, number) =>
    placed.filter(({ partition, line }) => partition === number && keyOf(line) !== "").map(({ line }) => line),
  );
  return {
    keyed,
    keyless: placed
      .filter(({ line }) => keyOf(line) === "")
      .map(({ line }) => line)
      .sort(),
  };
}

/** Where the lines must be. */
function laidOut(lines: readonly string[]): LaidOut {
  expect(lines.length).toBeGreaterThan(10);
  return inOrder(lines.map((line) => ({ partition: kafkaPartition(Buffer.from(keyOf(line)), partitions), line })));
}

async function printed(command: string, topic: string, range: readonly string[]): Promise<LaidOut> {
  const rows = (await output(command, topic, ...range, "-f", "%p %v\\n")).split("\n").slice(0, -1);
  return inOrder(rows.map((row) => ({ partition: Number(row.slice(0, 1)), line: row.slice(2) })));
}

async function output(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await node.varve(args);
  expect([args.join(" "), exitCode, stderr]).toEqual([args.join(" "), 0, expect.not.stringContaining("varve: ")]);
  return stdout.toString("latin1");
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const keyOf = (line: string): string => line.split(",")[11] ?? "";

function timeOf(line: string): number {
  return Date.parse(`${line.slice(0, 22).replaceAll("/", "-").replace(" ", "T")}Z`);
}

/** The same every time. */
function shuffled(lines: readonly string[]): string[] {
  const result = [...lines];
  let seed = 2016;
  for (let last = result.length - 1; last > 0; last -= 1) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    const other = seed % (last + 1);
    [result[last], result[other]] = [result[other] ?? "", result[last] ?? ""];
  }
  return result;
}
