// SPDX-License-Identifier: Apache-2.0
// Numbers that are none: gRPC would send them as 0, and what was meant for somewhere else would begin at the first record.

import { afterEach, beforeEach, expect, it } from "vitest";
import { Client } from "./client.ts";
import { batchOf, MemoryBroker } from "./testing/memory-broker.ts";

let broker: MemoryBroker;
let client: Client;

beforeEach(async () => {
  broker = await MemoryBroker.start();
  broker.createTopic("t", 1);
  client = new Client({ address: broker.address });
  await broker.append("t", 0, batchOf(["a", "b", "c"]));
});

afterEach(() => {
  client.destroy();
  broker.stop();
});

const place = { topic: "t", partition: 0 };
const refused = { reason: "INVALID_REQUEST", message: expect.stringMatching(/^Cannot .*(NaN|-1|1\.5|undefined)/) };

it.each([Number.NaN, -1, 1.5, undefined as unknown as number])(
  "%s is no offset, and nothing is done",
  async (offset) => {
    const position = { kind: "offset", offset } as const;
    const consumer = client.consumer({ group: "g", topics: ["t"], start: { kind: "offset", offset: 1 } });
    const iterator = consumer[Symbol.asyncIterator]();
    const batch = (await iterator.next()).value!;
    await consumer.commit(batch);
    await expect(consumer.commit([{ ...place, offset }])).rejects.toMatchObject(refused);
    await expect(consumer.seek(place, position)).rejects.toMatchObject(refused);
    expect([broker.cluster.groups.group("g").committed.get("t/0"), consumer.position(place)]).toEqual([3, 3]);
    await consumer.close();
    expect(() => client.consumer({ group: "h", topics: ["t"], start: position })).toThrow(/NaN|-1|1\.5|undefined/);

    for (const options of [
      { from: position },
      { to: position },
      { to: { kind: "count", count: offset } },
      { partitions: [{ partition: 0, from: position }] },
      { partitions: [{ partition: 0, to: position }] },
    ] as const) {
      expect(() => client.reader({ topic: "t", ...options })).toThrow(/^Cannot read "t": .*(NaN|-1|1\.5|undefined)/);
    }
    const reader = client.reader({ topic: "t" });
    await reader.next();
    await expect(reader.seek(0, position)).rejects.toMatchObject(refused);
    expect((await reader.next())?.offset).toBe(1);

    const { admin, groups } = client;
    await expect(admin.listOffsets({ topic: "t", position })).rejects.toMatchObject(refused);
    await expect(
      admin.deleteRecords({ topic: "t", partitions: [{ partition: 0, before: position }] }),
    ).rejects.toMatchObject(refused);
    await expect(groups.reset({ group: "g", position })).rejects.toMatchObject(refused);
    await expect(groups.fork({ group: "g", newGroup: "f", position })).rejects.toMatchObject(refused);
    await expect(groups.fork({ group: "g", newGroup: "f", end: position })).rejects.toMatchObject(refused);
    await expect(groups.commitOffsets({ group: "g", offsets: [{ ...place, offset }] })).rejects.toMatchObject(refused);
  },
);

it("what Date.parse() could not read is no time", async () => {
  const position = { kind: "time", timeMs: Date.parse("yesterday") } as const;
  await expect(client.groups.reset({ group: "g", position })).rejects.toMatchObject(refused);
  for (const options of [{ from: position }, { to: position }, { fromTimeMs: Number.NaN }, { toTimeMs: Number.NaN }]) {
    expect(() => client.reader({ topic: "t", ...options })).toThrow(/NaN/);
  }
  // Part of a millisecond is a time all the same.
  expect((await client.reader({ topic: "t", from: { kind: "time", timeMs: 0.5 } }).next())?.offset).toBe(0);
});
