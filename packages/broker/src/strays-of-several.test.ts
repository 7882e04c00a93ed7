import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TestBroker, bytes, text, until } from "./testing/test-broker.ts";
import { TestCluster } from "./testing/test-cluster.ts";

test("topics that were deleted, or made again, while a node was away leave it nothing of before (F-7, ID20)", async () => {
  await using cluster = await TestCluster.start(3);
  const [one, , third] = cluster.nodes as [TestBroker, TestBroker, TestBroker];
  const fill = async (topic: string, value: string): Promise<void> => {
    await one.call("CreateTopic", { topic, partitions: 1, replicationFactor: 3 });
    for (let at = 0; at < 3; at++) await one.produce({ topic, partition: 0, records: [{ value: bytes(value) }] });
  };
  for (const topic of ["gone", "again", "kept"]) await fill(topic, `old ${topic}`);
  await third.broker.close();
  expect((await readdir(join(third.dataDir, "topics"))).sort()).toEqual(["again-0", "gone-0", "kept-0"]);
  await one.call("DeleteTopic", { topic: "gone" });
  await one.call("DeleteTopic", { topic: "again" });
  await one.call("CreateTopic", { topic: "again", partitions: 1, replicationFactor: 2 });
  await one.produce({ topic: "again", partition: 0, records: [{ value: bytes("new") }] });
  await third.restart();
  await until("the topic that stayed is in sync", async () => {
    const [kept] = await one.placements("kept");
    return kept?.inSyncReplicas.length === 3;
  });
  expect(await readdir(join(third.dataDir, "topics"))).toEqual(["kept-0"]);
  const read = async (topic: string): Promise<(string | null)[]> => {
    const messages = await third.consumeAll({ topic, start: { kind: "earliest" }, end: { kind: "latest-at-start" } });
    return messages.flatMap(({ records }) => records.map(({ value }) => text(value)));
  };
  expect(await read("kept")).toEqual(["old kept", "old kept", "old kept"]);
  expect(await read("again")).toEqual(["new"]);
}, 60_000);
