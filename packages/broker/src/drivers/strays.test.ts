import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../logger.ts";
import { TestBroker, bytes, text } from "../testing/test-broker.ts";

let aside = "";

beforeEach(async () => {
  aside = await mkdtemp(join(tmpdir(), "varve-strays-"));
});
afterEach(async () => {
  await rm(aside, { recursive: true, force: true });
});

const parts = {
  store: ["topics", "journal", "checkpoint-a", "checkpoint-b", "boot-id"],
  metadata: ["raft"],
} as const;

/** Keeps a part of the data directory of a broker that is closed, to be put back later. */
async function keep(server: TestBroker, part: keyof typeof parts): Promise<() => Promise<void>> {
  for (const name of parts[part]) await cp(join(server.dataDir, name), join(aside, name), { recursive: true });
  return async () => {
    for (const name of parts[part]) {
      await rm(join(server.dataDir, name), { recursive: true, force: true });
      await cp(join(aside, name), join(server.dataDir, name), { recursive: true });
    }
  };
}

async function withTopics(server: TestBroker, ...topics: string[]): Promise<void> {
  for (const topic of topics) {
    await server.createTopic(topic);
    await server.produce({ topic, partition: 0, records: [{ value: bytes(`in ${topic}`) }] });
  }
}

test("a topic that was deleted just before the node stopped leaves nothing behind (F-7)", async () => {
  await using server = await TestBroker.start();
  await withTopics(server, "kept", "gone");
  await server.broker.close();
  const putBack = await keep(server, "store");
  await server.restart();
  await server.call("DeleteTopic", { topic: "gone" });
  await server.broker.close();
  // The decision is in the metadata, and nothing of it in the store.
  await putBack();
  await server.restart();
  expect(await readdir(join(server.dataDir, "topics"))).toEqual(["kept-0"]);
  const [message] = await server.consumeAll({ topic: "kept", end: { kind: "latest-at-start" } });
  expect(message?.records.map(({ value }) => text(value))).toEqual(["in kept"]);
});

test("a topic that the metadata never knew is set aside, with its records (F-7)", async () => {
  await using server = await TestBroker.start();
  await withTopics(server, "known");
  await server.broker.close();
  const putBack = await keep(server, "metadata");
  await server.restart();
  await withTopics(server, "unknown");
  await server.broker.close();
  await putBack();
  await server.restart();
  const names = (await readdir(join(server.dataDir, "topics"))).sort();
  expect(names).toEqual(["known-0", expect.stringMatching(/^unknown-0\..*\.stray$/)]);
  expect(await readdir(join(server.dataDir, "topics", names[1] ?? ""))).toContain("00000000000000000000.log");
});

test("a copy of a partition's directory is set aside, and said to be (F-7)", async () => {
  const told: object[] = [];
  const warn = (fields: object, event: string): void => void told.push({ event, ...fields });
  await using server = await TestBroker.start({ logger: { ...silentLogger(), warn } });
  await withTopics(server, "t");
  await server.broker.close();
  const topics = join(server.dataDir, "topics");
  await cp(join(topics, "t-0"), join(topics, "backup"), { recursive: true });
  await server.restart();
  expect(told).toMatchObject([{ event: expect.stringContaining(".stray") as string, directory: "backup" }]);
  expect((await readdir(topics)).sort()).toEqual(["backup.0.stray", "t-0"]);
  const [message] = await server.consumeAll({ topic: "t", end: { kind: "latest-at-start" } });
  expect(message?.records.map(({ value }) => text(value))).toEqual(["in t"]);
});
