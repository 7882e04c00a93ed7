// Every replica of a partition is damaged: nobody leads it by himself, whoever is asked says what to do, and doing that brings the
// partition back with all that was before the damage (6.11, F-9, J-12). Three processes, and the commands that they name.

import { readdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { Client, type Client as Connected } from "@varve/client";
import { expect, it } from "vitest";
import { afterThisTest, newDirectory } from "./clean-up.ts";
import { ProcessCluster } from "./cluster-process.ts";
import { until } from "./until.ts";
import { varve, varveOk } from "./varve-command.ts";

const records = 60;

/** One batch each. */
async function send(client: Connected, values: readonly string[]): Promise<number[]> {
  const producer = client.producer({ acks: "all", lingerMs: 0 });
  const offsets: number[] = [];
  for (const value of values) offsets.push((await producer.send({ topic: "orders", partition: 0, value })).offset);
  await producer.close();
  return offsets;
}

async function read(client: Connected): Promise<[number, string][]> {
  const found: [number, string][] = [];
  for await (const record of client.reader({ topic: "orders", partitions: [0], to: { kind: "latest-at-start" } })) {
    found.push([record.offset, Buffer.from(record.value ?? []).toString()]);
  }
  return found;
}

/** Cuts off the end of the only segment. */
async function damage(dataDir: string, share: number): Promise<void> {
  const directory = join(dataDir, "topics", "orders-0");
  const segment = join(directory, (await readdir(directory)).find((name) => name.endsWith(".log")) ?? "");
  const { size } = await stat(segment);
  await truncate(segment, Math.floor(size * share));
}

/** The command that was named, as words, with another last one. */
function commandIn(text: string, command: RegExp, last: string): string[] {
  const named = command.exec(text)?.[0] ?? `nothing like ${command} in: ${text}`;
  return [...named.split(" ").slice(1, -1), last];
}

it("says what to do when every replica is damaged, and that brings the partition back", async () => {
  const directory = await newDirectory();
  const cluster = await ProcessCluster.start({ directory });
  afterThisTest(() => cluster.close());
  const [one] = cluster.nodes;
  const address = one?.address ?? "";
  const run = async (args: readonly string[]): Promise<string> => (await varveOk(args, { address })).toString();
  await run(["topic", "create", "orders", "--partitions", "1", "--replication-factor", "3"]);
  const client = new Client({ addresses: cluster.nodes.map((node) => node.address) });
  afterThisTest(() => client.close());
  const values = Array.from({ length: records }, (_, number) => `record ${number} ${"x".repeat(100)}`);
  expect(await send(client, values)).toHaveLength(records);

  for (const node of cluster.nodes) expect(await node.stop(), node.output).toBe(0);
  // The first one keeps most.
  for (const [at, node] of cluster.nodes.entries()) await damage(node.dataDir, 0.6 - at * 0.2);
  for (const node of cluster.nodes) node.spawn();
  for (const node of cluster.nodes) await node.ready();

  await until("whoever decides says that it waits for an operator", () =>
    cluster.nodes.some(({ output }) => output.includes("an operator")),
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${cluster.nodes.map(({ output }) => output).join("\n--\n")}`);
  });
  const elect = /varve cluster elect orders --partition 0 --unclean --dry-run/;
  expect(cluster.nodes.some(({ output }) => elect.test(output))).toBe(true);
  const described = await run(["topic", "describe", "orders"]);
  expect(described).toMatch(elect);
  // Nobody can accept a loss for a partition that nobody leads: it says where to begin.
  const tooEarly = await varve(["partition", "accept-loss", "orders", "0", "--yes"], { address });
  expect(tooEarly.code).not.toBe(0);
  expect(tooEarly.stderr).toMatch(elect);

  expect(await run(commandIn(described, elect, "--dry-run"))).toMatch(/0\s+1\s+would lead, records may be missing/);
  expect(await run(commandIn(described, elect, "--accept-loss"))).toMatch(/0\s+1\s+leads, records may be missing/);

  const acceptLoss = /varve partition accept-loss orders 0 --dry-run/;
  await until("it says what to do next", async () => acceptLoss.test(await run(["topic", "describe", "orders"])));
  const refused = await varve(["produce", "orders", "--partition", "0"], { address, input: Buffer.from("more\n") });
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(acceptLoss);
  const kept = Number(/offsets (\d+) to/.exec(await run(commandIn(refused.stderr, acceptLoss, "--dry-run")))?.[1]);
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(records);
  const accepted = await run(commandIn(refused.stderr, acceptLoss, "--yes"));
  expect(accepted).toContain(`Gave up offsets ${kept} to ${records - 1}.`);

  expect(await send(client, ["after"])).toEqual([records]);
  await until("all replicas are in sync again", async () => {
    const { partitions } = await client.admin.describeTopic({ topic: "orders" });
    return partitions[0]?.inSyncReplicas.length === 3;
  });
  const expected = [...values.slice(0, kept).map((value, offset) => [offset, value]), [records, "after"]];
  expect(await read(client)).toEqual(expected);
  // The refilled replicas have it all: without the one that was elected nothing more is missing.
  await one?.kill();
  expect(await read(client)).toEqual(expected);
  expect(await send(client, ["last"])).toEqual([records + 1]);
});
