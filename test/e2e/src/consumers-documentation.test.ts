// SPDX-License-Identifier: Apache-2.0
// The TypeScript of docs/consumers.md does what it says, in its order, against one node.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInThisContext } from "node:vm";
import { Broker } from "@varve/broker";
import * as varve from "@varve/client";
import { afterAll, beforeAll, expect, it } from "vitest";

let dataDir: string;
let broker: Broker;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "varve-consumers-doc-"));
  broker = await Broker.start({ dataDir, allowTmpfs: true, listeners: { grpc: { port: 0 }, http: false } });
  const client = await varve.connect({ address: broker.addresses.grpc });
  await client.admin.createTopic({ topic: "orders", partitions: 3 });
  const producer = client.producer();
  const orders = Array.from({ length: 60 }, (_, index) => ({ key: `customer ${index % 7}`, value: `order ${index}` }));
  await Promise.all(orders.map((order, index) => producer.send({ topic: "orders", partition: index % 3, ...order })));
  await client.close();
});

afterAll(async () => {
  await broker.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** What a snippet prints. */
async function run(snippet: string): Promise<string[]> {
  const body = snippet
    .replace(/^import (\{[^}]+\}) from "@varve\/client";$/m, "const $1 = varve;")
    .replaceAll("127.0.0.1:9094", broker.addresses.grpc);
  const lines: string[] = [];
  const print = { log: (...values: unknown[]) => lines.push(values.map(String).join(" ")) };
  const main = runInThisContext(`(async (varve, console) => { ${body} })`) as (
    library: typeof varve,
    console: typeof print,
  ) => Promise<void>;
  await main(varve, print);
  return lines;
}

it("the snippets of docs/consumers.md run, and print what they should", async () => {
  const page = await readFile(new URL("../../../docs/consumers.md", import.meta.url), "utf8");
  const snippets = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code!);
  const printed: string[][] = [];
  for (const snippet of snippets) printed.push(await run(snippet));
  expect(printed).toEqual([
    ["60 orders"],
    ["Error: no such address orders"],
    [expect.stringMatching(/^(stable|rebalancing) 2$/)],
    ["true undefined 0"],
    [...[0, 1, 2].map((partition) => `${partition} 20 15 0 5`), "60 orders again"],
  ]);
});
