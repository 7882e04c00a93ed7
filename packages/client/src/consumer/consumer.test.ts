// SPDX-License-Identifier: Apache-2.0
import { VarveError } from "@varve/api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../client.ts";
import { batchOf, MemoryBroker } from "../testing/memory-broker.ts";
import { until } from "../testing/until.ts";
import type { ConsumedBatch } from "./consumed-batch.ts";
import type { ConsumerOptions } from "./consumer-options.ts";
import type { Consumer } from "./consumer.ts";

let broker: MemoryBroker;
let client: Client;

beforeEach(async () => {
  broker = await MemoryBroker.start();
  broker.createTopic("t", 2);
  client = new Client({ address: broker.address });
});

afterEach(async () => {
  client.destroy();
  await until(() => groups().sessions === 0);
  broker.stop();
});

const groups = (): MemoryBroker["cluster"]["groups"] => broker.cluster.groups;
const committed = (key: string): number | undefined => groups().group("g").committed.get(key);
const numbers = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => String(from + index));

async function fill(partition: number, count: number, from = 0): Promise<void> {
  for (let at = 0; at < count; at += 10) {
    await broker.append("t", partition, batchOf(numbers(Math.min(10, count - at), from + at)));
  }
}

function consumerOf(options: Partial<ConsumerOptions> = {}): Consumer {
  return client.consumer({ group: "g", topics: ["t"], start: { kind: "earliest" }, commitIntervalMs: 5, ...options });
}

const valuesOf = (batch: ConsumedBatch): string[] => batch.records.map(({ value }) => Buffer.from(value!).toString());

/** Reads until so many records have come, then breaks off. */
async function read(consumer: Consumer, count: number): Promise<Map<number, string[]>> {
  const values = new Map<number, string[]>();
  let left = count;
  for await (const batch of consumer) {
    values.set(batch.partition, [...(values.get(batch.partition) ?? []), ...valuesOf(batch)]);
    left -= batch.records.length;
    if (left <= 0) {
      await consumer.commit(batch);
      break;
    }
  }
  return values;
}

describe("Consumer, by for await", () => {
  it("joins, reads its partitions, commits, and goes on there after a restart", async () => {
    await fill(0, 30);
    await fill(1, 20, 100);
    const values = await read(consumerOf(), 50);
    expect([values.get(0), values.get(1)]).toEqual([numbers(30), numbers(20, 100)]);
    expect([committed("t/0"), committed("t/1")]).toEqual([30, 20]);
    expect(groups().leaves).toEqual([false]);
    await fill(0, 5, 30);
    expect(await read(consumerOf(), 5)).toEqual(new Map([[0, numbers(5, 30)]]));
  });

  it("commits by itself what was handed out before the last poll, and not the batch in hand", async () => {
    await fill(0, 10);
    const consumer = consumerOf();
    const seen: string[] = [];
    for await (const batch of consumer) {
      seen.push(...valuesOf(batch));
      if (seen.length < 20) {
        expect(committed("t/0")).toBe(0);
        void fill(0, 10, 10);
      } else {
        await until(() => committed("t/0") === 10);
        break;
      }
    }
    expect(seen).toEqual(numbers(20));
    expect(committed("t/0")).toBe(10);
  });

  it("ends without error when it is closed, with what is under way committed, and rejects when it cannot go on", async () => {
    await fill(0, 10);
    const consumer = consumerOf();
    const iterator = consumer[Symbol.asyncIterator]();
    const first = await iterator.next();
    expect(first.done).toBe(false);
    const second = iterator.next();
    await consumer.close();
    expect(await second).toEqual({ done: true, value: undefined });
    expect(committed("t/0")).toBe(10);
    const refused = consumerOf();
    groups().faults.joins.push(new VarveError("FENCED_INSTANCE_ID", "Another one"));
    await expect(refused[Symbol.asyncIterator]().next()).rejects.toMatchObject({ reason: "FENCED_INSTANCE_ID" });
  });
});
