// Three nodes in containers: records go in through one of them, the node that leads is killed, records go on, and everything
// is replayed from an offset and from a time, byte for byte. With VARVE_TEST_DATA: the access log, else the sample.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "@varve/test-e2e/clean-up";
import {
  accessTimeMs,
  earthquakeTimeMs,
  expectedPartitions,
  printedLines,
  type ExpectedLine,
} from "@varve/test-e2e/expected-partitions";
import { varveOk } from "@varve/test-e2e/varve-process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ComposeCluster, whyNoEngine } from "./compose.ts";

const partitionCount = 4;
const dataDirectory = process.env["VARVE_TEST_DATA"];

/** What is sent, how the CLI is told its keys and times, and what must come back. */
interface Input {
  readonly path: string;
  readonly flags: readonly string[];
  readonly expected: readonly (readonly ExpectedLine[])[];
}

async function accessLog(directory: string): Promise<Input> {
  const path = join(directory, "access.log");
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  const read = (line: string): { key: string; timestampMs: number } => ({
    key: line.slice(0, line.indexOf(" ")),
    timestampMs: accessTimeMs(line),
  });
  const time = ["--time-pattern", "\\[([^\\]]+)\\]", "--time-format", "apache"];
  return {
    path,
    flags: ["--delimiter", " ", "--key-field", "1", ...time],
    expected: expectedPartitions(lines, partitionCount, read),
  };
}

async function sample(): Promise<Input> {
  const path = fileURLToPath(new URL("../../../packages/cli/sample/earthquakes.csv", import.meta.url));
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n").slice(1);
  const read = (line: string): { key: string; timestampMs: number } => ({
    key: line.split(",")[10] ?? "",
    timestampMs: earthquakeTimeMs(line),
  });
  const time = ["--time-field", "DateTime", "--time-format", "%Y/%m/%d %H:%M:%S.%f"];
  return {
    path,
    flags: ["--skip-header", "--key-field", "Source", ...time],
    expected: expectedPartitions(lines, partitionCount, read),
  };
}

const noEngine = await whyNoEngine();
let cluster: ComposeCluster | undefined;
let input: Input;

beforeAll(async () => {
  if (noEngine !== undefined) return;
  input = dataDirectory === undefined ? await sample() : await accessLog(dataDirectory);
  cluster = await ComposeCluster.start();
});

afterAll(async () => {
  await cluster?.remove();
});

it.runIf(noEngine !== undefined)("has a Docker engine, where CI=true says that it must", () => {
  console.warn(`The compose test was not run. ${noEngine}`);
  expect(process.env["CI"], noEngine).toBeUndefined();
});

it.skipIf(noEngine !== undefined)(
  "the node that leads is killed between two loads; any node takes both, and replays every byte",
  async () => {
    const nodes = cluster as ComposeCluster;
    const [first = "", second = "", third = ""] = nodes.addresses;
    const say = async (error: unknown): Promise<never> => {
      throw new Error(`${String(error)}\n${(await nodes.logs()).slice(-20_000)}`, { cause: error });
    };
    await until("all nodes are healthy", () => allHealthy(nodes, [1, 2, 3]), 120_000).catch(say);
    await varveOk(["topic", "create", "visits", "--partitions", String(partitionCount)], { address: first });
    const produce = ["produce", "visits", input.path, ...input.flags, "--idempotent"];
    await varveOk(produce, { address: second }).catch(say);

    const leader = await leaderOf(first, 1);
    await nodes.kill(leader);
    const [alive = "", other = ""] = [first, second, third].filter((_, at) => at + 1 !== leader);
    await varveOk(produce, { address: alive }).catch(say);

    // By offset and by time, through a node that is not the one that took them.
    const since = "2015-05-18T12:00:00Z";
    for (const [partition, lines] of input.expected.entries()) {
      const consume = async (...args: string[]): Promise<string> =>
        (
          await varveOk(["consume", "visits", "--partition", String(partition), ...args], { address: other })
        ).toString();
      expect(await consume("--from", "earliest")).toBe(printedLines([...lines, ...lines]));
      expect(await consume("--from", String(lines.length))).toBe(printedLines(lines));
      const later = lines.filter(({ timestampMs }) => timestampMs >= Date.parse(since));
      expect(await consume("--filter-from", since)).toBe(printedLines([...later, ...later]));
      const from = lines.findIndex(({ timestampMs }) => timestampMs >= Date.parse(since));
      expect(await consume("--from", `time:${since}`)).toBe(
        printedLines(from < 0 ? [] : [...lines.slice(from), ...lines]),
      );
    }

    await nodes.startAgain(leader);
    await until("the node that was killed is back", () => nodes.isHealthy(leader), 120_000).catch(say);
    await until("it is in sync again", async () => (await inSync(alive)).every((count) => count === 3), 60_000).catch(
      say,
    );
  },
);

async function allHealthy(nodes: ComposeCluster, which: readonly number[]): Promise<boolean> {
  return (await Promise.all(which.map((node) => nodes.isHealthy(node)))).every(Boolean);
}

interface Described {
  readonly partitions: readonly {
    readonly leader: { readonly nodeId: number };
    readonly inSyncReplicas: readonly number[];
  }[];
}

async function describe(address: string): Promise<Described> {
  return JSON.parse(
    (await varveOk(["topic", "describe", "visits", "-o", "json"], { address })).toString(),
  ) as Described;
}

async function leaderOf(address: string, partition: number): Promise<number> {
  return (await describe(address)).partitions[partition]?.leader.nodeId ?? -1;
}

async function inSync(address: string): Promise<number[]> {
  return (await describe(address)).partitions.map(({ inSyncReplicas }) => inSyncReplicas.length);
}
