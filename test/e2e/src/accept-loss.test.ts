// A segment that lost its end while the node was down: the node says so, serves what lies before, and goes on behind all that
// was acknowledged once somebody says `varve partition accept-loss` (J-12). On real files, through the real binary.

import { readdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "@varve/client";
import { expect, it } from "vitest";
import { afterThisTest, newDirectory } from "./clean-up.ts";
import { VarveNode, varve, varveOk } from "./varve-process.ts";

const records = 50;

async function send(address: string, values: readonly string[]): Promise<number[]> {
  const client = await connect({ address });
  const producer = client.producer({ acks: "all" });
  const acks = await Promise.all(values.map((value) => producer.send({ topic: "orders", partition: 0, value })));
  await producer.close();
  await client.close();
  return acks.map(({ offset }) => offset);
}

async function read(address: string): Promise<{ offset: number; value: string }[]> {
  const client = await connect({ address });
  afterThisTest(() => client.close());
  const found: { offset: number; value: string }[] = [];
  for await (const record of client.reader({ topic: "orders", partitions: [0], to: { kind: "latest-at-start" } })) {
    found.push({ offset: record.offset, value: Buffer.from(record.value ?? []).toString() });
  }
  return found;
}

it("varve partition accept-loss names all that was acknowledged, and no offset is given out twice", async () => {
  const dataDir = await newDirectory();
  let node = await VarveNode.start({ dataDir });
  const { address } = node;
  await varveOk(["topic", "create", "orders", "--partitions", "1"], { address });
  const values = Array.from({ length: records }, (_, number) => `record ${number} ${"x".repeat(100)}`);
  for (const value of values) await send(address, [value]);
  expect(await node.stop()).toBe(0);

  const directory = join(dataDir, "topics", "orders-0");
  const segment = join(directory, (await readdir(directory)).find((name) => name.endsWith(".log")) ?? "");
  const { size } = await stat(segment);
  await truncate(segment, Math.floor(size / 2));

  node = await VarveNode.start({ dataDir, address });
  await node.printed("partition is quarantined");
  const refused = await varve(["produce", "orders", "--partition", "0"], { address, input: Buffer.from("more\n") });
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("varve partition accept-loss orders 0 --dry-run");

  const dryRun = (await varveOk(["partition", "accept-loss", "orders", "0", "--dry-run"], { address })).toString();
  const kept = Number(/offsets (\d+) to/.exec(dryRun)?.[1]);
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(records);
  expect(dryRun).toContain(`at most ${records - kept} records`);
  expect(dryRun).toContain(`(offsets ${kept} to ${records - 1})`);
  const accepted = (await varveOk(["partition", "accept-loss", "orders", "0", "--yes"], { address })).toString();
  expect(accepted).toContain(`Gave up offsets ${kept} to ${records - 1}.`);

  expect(await send(address, ["after"])).toEqual([records]);
  await node.kill();
  node = await VarveNode.start({ dataDir, address });
  expect(await send(address, ["last"])).toEqual([records + 1]);
  expect(await read(address)).toEqual([
    ...values.slice(0, kept).map((value, offset) => ({ offset, value })),
    { offset: records, value: "after" },
    { offset: records + 1, value: "last" },
  ]);
  expect(await node.stop()).toBe(0);
  expect(node.output).not.toContain("quarantined");
  const inspected = (await varveOk(["inspect", "log", directory])).toString();
  expect(inspected).not.toContain("damage");
});
