// A disk that fills up under a running broker (J-15, J-3): produce is refused before the disk is full, what was acknowledged is
// read on, deletes work, and produce resumes by itself once there is room. On a disk that lies about its room the same holds
// after a failed write; then in a new leader epoch.
//
// With VARVE_SMALL_DISK naming a directory on a small file system (192 MiB), the first story is told there too.

import { Broker } from "@varve/broker";
import type { BrokerOptions } from "@varve/broker";
import { connect } from "@varve/client";
import type { Client } from "@varve/client";
import type { FileSystem } from "@varve/log";
import { describe, expect, it } from "vitest";
import { afterThisTest, newDirectory, until } from "./clean-up.ts";
import { loggerShownOnFailure } from "./failure-log.ts";
import { LimitedDisk } from "./limited-disk.ts";

const mebibyte = 1024 * 1024;
const kept = 200;
const smallDisk = process.env["VARVE_SMALL_DISK"];

interface World {
  readonly client: Client;
  readonly restart: () => Promise<World>;
}

async function start(dataDir: string, fs?: FileSystem): Promise<World> {
  const options: BrokerOptions = {
    dataDir,
    allowTmpfs: true,
    logger: loggerShownOnFailure(),
    listeners: { grpc: { port: 0 }, http: false },
    storage: {
      journalFileBytes: 2 * mebibyte,
      journalBytesMax: 16 * mebibyte,
      freeBytesMin: 48 * mebibyte,
      checkpointIntervalMs: 200,
    },
    ...(fs === undefined ? {} : { fs }),
  };
  const broker = await Broker.start(options);
  afterThisTest(() => broker.close());
  const client = await connect({ address: broker.addresses.grpc });
  afterThisTest(() => client.close());
  return {
    client,
    restart: async () => {
      await client.close();
      await broker.close();
      return start(dataDir, fs);
    },
  };
}

/** The reason of a refusal; undefined when the append was acknowledged. */
async function appendFiller(client: Client): Promise<string | undefined> {
  const value = Buffer.alloc(512 * 1024, "x");
  const records = [{ key: null, value, headers: [] }];
  try {
    await client.append({ topic: "filler", partition: 0, acks: "all", records, timeoutMs: 5_000 });
    return undefined;
  } catch (error) {
    return (error as { reason?: string }).reason ?? String(error);
  }
}

/** Appends until it is refused; how many were acknowledged, and why the last one was not. */
async function fill(client: Client, most: number): Promise<{ acknowledged: number; reason: string | undefined }> {
  for (let acknowledged = 0; acknowledged < most; acknowledged += 1) {
    const reason = await appendFiller(client);
    if (reason !== undefined) return { acknowledged, reason };
  }
  return { acknowledged: most, reason: undefined };
}

async function createKept(client: Client): Promise<void> {
  await client.admin.createTopic({ topic: "kept" });
  await client.admin.createTopic({ topic: "filler" });
  const producer = client.producer();
  await Promise.all(
    Array.from({ length: kept }, (_, index) => producer.send({ topic: "kept", value: `record ${index}` })),
  );
  await producer.close();
}

async function valuesOf(client: Client, topic: string): Promise<string[]> {
  const values: string[] = [];
  for await (const record of client.reader({ topic, to: { kind: "latest-at-start" } })) {
    values.push(
      Buffer.from(record.value ?? [])
        .toString("latin1")
        .slice(0, 20),
    );
  }
  return values;
}

async function leaderEpochOf(client: Client, topic: string): Promise<number> {
  const [partition] = await client.admin.describePartitions({ topic });
  return partition?.leader?.leaderEpoch ?? -1;
}

const expectedKept = Array.from({ length: kept }, (_, index) => `record ${index}`);

async function fillsAndRecovers(world: World, most: number): Promise<void> {
  const { client } = world;
  await createKept(client);
  const { acknowledged, reason } = await fill(client, most);
  expect(reason).toBe("STORAGE_FULL");
  expect(acknowledged).toBeGreaterThan(10);
  expect(await valuesOf(client, "kept")).toEqual(expectedKept);
  expect(await valuesOf(client, "filler")).toHaveLength(acknowledged);

  // A restart on the full disk: what was acknowledged is there, and there still is no room.
  const again = await world.restart();
  expect(await valuesOf(again.client, "kept")).toEqual(expectedKept);
  expect(await valuesOf(again.client, "filler")).toHaveLength(acknowledged);

  await again.client.admin.deleteTopic({ topic: "filler" });
  await again.client.admin.createTopic({ topic: "filler" });
  await until("there is room again", async () => (await appendFiller(again.client)) === undefined);
  expect(await valuesOf(again.client, "kept")).toEqual(expectedKept);
}

describe("a full disk", () => {
  it("refuses produce, reads on, deletes, and resumes by itself (J-15)", async () => {
    const dataDir = await newDirectory();
    const disk = new LimitedDisk(112 * mebibyte);
    await fillsAndRecovers(await start(dataDir, disk), 400);
    // Free space is looked at once a second; the reserve is more than a second's writes: no write ever failed.
    expect(disk.refusals).toBe(0);
  });

  it("that says it has room: refuses what it could not write, loses nothing, goes on in a new epoch (J-3)", async () => {
    const dataDir = await newDirectory();
    const disk = new LimitedDisk(512 * mebibyte);
    disk.lies = true;
    const { client, restart } = await start(dataDir, disk);
    await createKept(client);
    const epoch = await leaderEpochOf(client, "filler");
    // Much data at once goes straight into the segment, so the next write that needs room is one of records.
    expect(await fill(client, 8)).toEqual({ acknowledged: 8, reason: undefined });
    disk.capacityBytes = disk.usedBytes + 100_000;
    const { acknowledged, reason } = await fill(client, 8);
    expect(reason).toBe("NOT_LEADER");
    expect(acknowledged).toBe(0);
    expect(disk.refusals).toBeGreaterThan(0);
    expect(await valuesOf(client, "kept")).toEqual(expectedKept);
    expect(await valuesOf(client, "filler")).toHaveLength(8);

    disk.capacityBytes = 512 * mebibyte;
    await until("it goes on", async () => (await appendFiller(client)) === undefined);
    expect(await leaderEpochOf(client, "filler")).toBeGreaterThan(epoch);
    const after = await restart();
    expect(await valuesOf(after.client, "kept")).toEqual(expectedKept);
    expect((await valuesOf(after.client, "filler")).length).toBeGreaterThanOrEqual(8 + 1);
  });

  it.skipIf(smallDisk === undefined)(
    `refuses produce, reads on, deletes, and resumes by itself on ${smallDisk ?? "a small disk (VARVE_SMALL_DISK is not set)"}`,
    async () => {
      await fillsAndRecovers(await start(await newDirectory(smallDisk)), 1_000);
    },
  );
});
