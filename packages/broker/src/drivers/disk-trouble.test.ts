import { readFile, readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { VarveError } from "@varve/api";
import { nodeFileSystem } from "@varve/log";
import { expect, test } from "vitest";
import { silentLogger } from "../logger.ts";
import { TestBroker, bytes, text, until } from "../testing/test-broker.ts";
import { troubledFileSystem } from "../testing/troubled-file-system.ts";

const produce = (server: TestBroker, value: string, timeoutMs = 5_000): ReturnType<TestBroker["produce"]> =>
  server.produce({ topic: "t", partition: 0, records: [{ value: bytes(value) }], timeoutMs });

/** Tries until it is taken. @returns the acknowledgement, and the reasons of the refusals before. */
async function produceUntilTaken(
  server: TestBroker,
  value: string,
): Promise<{ baseOffset: number; leaderEpoch: number; refusals: Set<unknown> }> {
  const refusals = new Set<unknown>();
  let taken = { baseOffset: -1, leaderEpoch: -1 };
  await until("it is taken", async () => {
    try {
      const { results } = await produce(server, value);
      taken = { baseOffset: results[0]?.baseOffset ?? -1, leaderEpoch: results[0]?.ack?.leaderEpoch ?? -1 };
      return true;
    } catch (error) {
      refusals.add((error as { reason?: unknown }).reason);
      return false;
    }
  });
  return { ...taken, refusals };
}

async function values(server: TestBroker): Promise<(string | null)[]> {
  const messages = await server.consumeAll({ topic: "t", end: { kind: "latest-at-start" } });
  return messages.flatMap((message) => message.records.map((record) => text(record.value)));
}

test("Produce is refused with STORAGE_FULL while the disk has too little room, reads go on, and it resumes by itself (J-15)", async () => {
  const { fs, troubles } = troubledFileSystem(nodeFileSystem());
  await using server = await TestBroker.start({ fs });
  await server.createTopic("t");
  await produce(server, "before");
  troubles.freeBytes = 1_000;
  let refused: unknown;
  await until("it is noticed", () => {
    void produce(server, "tried").catch((error: unknown) => (refused = error));
    return refused !== undefined;
  });
  expect(refused).toMatchObject({ reason: "STORAGE_FULL", metadata: { freeBytes: "1000" } });
  expect((await values(server))[0]).toBe("before");
  troubles.freeBytes = undefined;
  const { refusals } = await produceUntilTaken(server, "after");
  expect([...refusals].every((reason) => reason === "STORAGE_FULL" || reason === "NOT_LEADER")).toBe(true);
});

test("Produce goes on in a new leader epoch after a write that found no space (J-3)", async () => {
  const { fs, troubles } = troubledFileSystem(nodeFileSystem());
  await using server = await TestBroker.start({ fs });
  await server.createTopic("t", { configs: { flush: "os" } });
  const first = await produceUntilTaken(server, "a");
  troubles.noSpaceOn = /topics\/.*\.log$/;
  const failed = await Promise.allSettled([produce(server, "lost"), produce(server, "lost too")]);
  for (const outcome of failed) expect(outcome).toMatchObject({ status: "rejected", reason: { retriable: true } });
  expect(await values(server)).toEqual(["a"]);
  troubles.noSpaceOn = undefined;
  const next = await produceUntilTaken(server, "b");
  expect(next.baseOffset).toBe(1);
  expect(next.leaderEpoch).toBeGreaterThan(first.leaderEpoch);
  expect(await values(server)).toEqual(["a", "b"]);
});

test("Produce goes on after a full disk took along an epoch in which nothing had counted (J-3)", async () => {
  const { fs, troubles } = troubledFileSystem(nodeFileSystem());
  await using server = await TestBroker.start({ fs });
  const segments = /topics\/t-0\/.*\.log$/;
  await server.createTopic("other");
  await server.createTopic("t", { configs: { flush: "os" } });
  const before = await produceUntilTaken(server, "a");
  // A start begins an epoch. Its first append is on its way when the disk is noticed to be full, and is cut off, the epoch with it.
  await server.restart();
  let release = (): void => undefined;
  troubles.holdWrite = { on: segments, until: new Promise((resolve) => (release = resolve)) };
  const lost = produce(server, "lost").catch((error: unknown) => error);
  troubles.freeBytes = 1_000;
  troubles.noSpaceOn = segments;
  await until("it is noticed", async () => {
    const other = server.produce({ topic: "other", partition: 0, records: [{ value: bytes("x") }] });
    const refused = await other.then(
      () => undefined,
      (error: unknown) => (error as VarveError).reason,
    );
    return refused === "STORAGE_FULL";
  });
  release();
  expect(await lost).toMatchObject({ retriable: true });
  await until("the log is cut", async () => {
    const { partitions } = await server.call("DescribePartitions", { topic: "t", partitions: [0] });
    return (partitions as { logEndOffset: number | string }[]).every(({ logEndOffset }) => Number(logEndOffset) === 1);
  });
  Object.assign(troubles, { freeBytes: undefined, noSpaceOn: undefined, holdWrite: undefined });
  const next = await produceUntilTaken(server, "b");
  expect(next.baseOffset).toBe(1);
  // Followers may have what was cut: the same epoch is not used for something else.
  expect(next.leaderEpoch).toBeGreaterThan(before.leaderEpoch + 1);
  expect(await values(server)).toEqual(["a", "b"]);
});

test("Without a descriptor reads are refused as BUSY, produce goes on, and nothing is called a failed disk", async () => {
  const { fs, troubles } = troubledFileSystem(nodeFileSystem());
  const fatal: Error[] = [];
  await using server = await TestBroker.start({ fs, onFatal: (error) => fatal.push(error) });
  await server.createTopic("t", { configs: { "segment.bytes": "1048576" } });
  await produce(server, "a");
  for (let n = 0; n < 3; n++) await produce(server, "x".repeat(900_000));
  // A restart forgets what is in memory, and of the segments it opens only the last.
  await server.restart();
  troubles.noDescriptorOn = /topics\/.*0{20}\.log$/;
  const refused = await server.fetch({ topic: "t", partition: 0 }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ reason: "BUSY", retriable: true });
  expect((refused as VarveError).message).toContain("No descriptor left");
  await produce(server, "b");
  troubles.noDescriptorOn = undefined;
  expect((await values(server)).filter((value) => value?.length === 1)).toEqual(["a", "b"]);
  expect(fatal).toEqual([]);
});

test("Produce that is not on the disk in time is answered REQUEST_TIMED_OUT, and may count later", async () => {
  const { fs, troubles } = troubledFileSystem(nodeFileSystem());
  await using server = await TestBroker.start({ fs });
  await server.createTopic("t");
  await produce(server, "a");
  let release = (): void => undefined;
  troubles.holdSync = { on: /./, until: new Promise((resolve) => (release = resolve)) };
  const started = performance.now();
  const late = await produce(server, "b", 150).catch((error: unknown) => error);
  expect(late).toMatchObject({ reason: "REQUEST_TIMED_OUT" });
  expect(performance.now() - started).toBeGreaterThanOrEqual(150);
  // Not counted, so nobody sees it.
  expect(await values(server)).toEqual(["a"]);
  expect(server.broker.stats()).toMatchObject({ produce: { waiting: 0, requestsUnderWay: 0 }, deadlines: 0 });
  troubles.holdSync = undefined;
  release();
  await produce(server, "c");
  expect(await values(server)).toEqual(["a", "b", "c"]);
});

test("A failed sync of the journal ends the node's promises (J-14)", async () => {
  const { fs, troubles } = troubledFileSystem(nodeFileSystem());
  const fatal: Error[] = [];
  await using server = await TestBroker.start({ fs, onFatal: (error) => fatal.push(error) });
  await server.createTopic("t");
  await produce(server, "a");
  troubles.failSyncOn = /journal/;
  const failed = await produce(server, "b").catch((error: unknown) => error);
  expect(failed).toMatchObject({ reason: expect.stringMatching(/STORAGE_FAILED|SHUTTING_DOWN/) as unknown });
  await until("the owner is told", () => fatal.length === 1);
  expect(await produce(server, "c").catch((error: unknown) => error)).toMatchObject({ reason: "SHUTTING_DOWN" });
  const ready = await globalThis.fetch(`http://${server.broker.addresses.http}/readyz`);
  expect(ready.status).toBe(503);
  troubles.failSyncOn = undefined;
});

test("A partition with damaged records serves what is before them until the loss is accepted, then goes on (J-12)", async () => {
  const told: object[] = [];
  const warn = (fields: object, event: string): void => void told.push({ event, ...fields });
  await using server = await TestBroker.start({ logger: { ...silentLogger(), warn } });
  await server.createTopic("t");
  await server.createTopic("other");
  for (let n = 0; n < 20; n++) await produce(server, `value ${n} ${"x".repeat(500)}`);
  await server.restart();
  await server.broker.close();
  // One flipped bit, in the middle of what was acknowledged.
  const directory = join(server.dataDir, "topics", "t-0");
  const segment = (await readdir(directory)).find((name) => name.endsWith(".log")) ?? "";
  const path = join(directory, segment);
  const contents = await readFile(path);
  contents[contents.length >> 1]! ^= 4;
  await writeFile(path, contents);
  await server.restart();
  const damaged = await server.consumeAll({ topic: "t" }).catch((error: unknown) => error);
  expect(damaged).toMatchObject({
    reason: "PARTITION_QUARANTINED",
    metadata: { topic: "t", partition: "0", file: expect.stringContaining(segment) as string },
  });
  const refused = (await produce(server, "more").catch((error: unknown) => error)) as VarveError;
  expect(refused.reason).toBe("PARTITION_QUARANTINED");
  expect(refused.message).toContain("varve partition accept-loss t 0 --dry-run");
  // Whoever reads only the log learns of it, once.
  expect(told).toMatchObject([{ event: "partition is quarantined", topic: "t", partition: 0 }]);
  // Others are not affected.
  await server.produce({ topic: "other", partition: 0, records: [{ value: bytes("fine") }] });
  const described = await server.call("DescribePartitions", { topic: "t" });
  expect(described).toMatchObject({ partitions: [{ state: "PARTITION_STATE_QUARANTINED" }] });
  const tried = await server.call("AcceptLoss", { topic: "t", partition: 0, validateOnly: true });
  expect(tried).toMatchObject({ toOffset: 20 });
  const accepted = await server.call("AcceptLoss", { topic: "t", partition: 0 });
  expect(accepted).toEqual(tried);
  const kept = Number(accepted["fromOffset"]);
  expect((await values(server)).length).toBe(kept);
  expect(kept).toBeGreaterThan(0);
  // The offsets of what is lost are not given out again.
  expect((await produceUntilTaken(server, "after")).baseOffset).toBe(20);
  expect((await values(server)).slice(kept)).toEqual(["after"]);
});

test("A segment cut off below the log start is damage of its partition, and the node starts (J-12)", async () => {
  await using server = await TestBroker.start();
  await server.createTopic("t");
  await server.createTopic("other");
  for (let n = 0; n < 20; n++) await produce(server, `value ${n}`);
  await server.call("DeleteRecords", { topic: "t", partitions: [{ partition: 0, before: { offset: 10 } }] });
  await server.restart();
  await server.broker.close();
  const directory = join(server.dataDir, "topics", "t-0");
  const segment = (await readdir(directory)).find((name) => name.endsWith(".log")) ?? "";
  await truncate(join(directory, segment), 100);
  for (let start = 0; start < 2; start++) {
    await server.restart();
    const described = await server.call("DescribePartitions", { topic: "t" });
    expect(described).toMatchObject({ partitions: [{ state: "PARTITION_STATE_QUARANTINED", logStartOffset: 10 }] });
    await server.produce({ topic: "other", partition: 0, records: [{ value: bytes("fine") }] });
  }
  await server.call("AcceptLoss", { topic: "t", partition: 0 });
  expect((await produceUntilTaken(server, "after")).baseOffset).toBeGreaterThanOrEqual(20);
  expect(await values(server)).toEqual(["after"]);
});

test("CreateTopic without space for its files says so, and the topic comes into being once there is room", async () => {
  const { fs, troubles } = troubledFileSystem(nodeFileSystem());
  await using server = await TestBroker.start({ fs });
  await server.createTopic("t");
  troubles.noSpaceOn = /late-0/;
  const failed = await server.call("CreateTopic", { topic: "late" }).catch((error: unknown) => error);
  expect(failed).toMatchObject({ reason: "LEADER_NOT_AVAILABLE", retriable: true });
  // Others are not affected.
  await produce(server, "fine");
  troubles.noSpaceOn = undefined;
  let there = false;
  await until("the topic is there", () => {
    void server.fetch({ topic: "late", partition: 0 }).then(
      () => (there = true),
      () => undefined,
    );
    return there;
  });
  await server.produce({ topic: "late", partition: 0, records: [{ value: bytes("x") }] });
});
