// SPDX-License-Identifier: Apache-2.0
import { VarveError, type ConsumedRecord } from "@varve/api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../client.ts";
import { batchOf, MemoryBroker } from "../testing/memory-broker.ts";
import { until } from "../testing/until.ts";
import type { Reader } from "./reader.ts";

let broker: MemoryBroker;
let client: Client;

beforeEach(async () => {
  broker = await MemoryBroker.start();
  broker.createTopic("t", 2);
  client = new Client({ address: broker.address });
});

afterEach(async () => {
  await client.close();
  broker.stop();
});

const textOf = (record: ConsumedRecord): string => Buffer.from(record.value ?? []).toString();
const numbers = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => String(from + index));

async function fill(partition: number, count: number, from = 0): Promise<void> {
  for (let at = 0; at < count; at += 10) {
    await broker.append("t", partition, batchOf(numbers(Math.min(10, count - at), from + at), 1000 + from + at));
  }
}

async function all(reader: Reader): Promise<string[]> {
  const values: string[] = [];
  for await (const record of reader) values.push(textOf(record));
  return values;
}

describe("Reader", () => {
  it("hands out every record of every partition, in order, and ends by itself", async () => {
    await fill(0, 25);
    await fill(1, 5, 100);
    const reader = client.reader({ topic: "t", to: { kind: "latest-at-start" } });
    const seen: Record<number, string[]> = { 0: [], 1: [] };
    for await (const record of reader) seen[record.partition]!.push(textOf(record));
    expect(seen).toEqual({ 0: numbers(25), 1: numbers(5, 100) });
    expect([reader.position(0), reader.position(1)]).toEqual([25, 5]);
    expect(reader.highWatermark(0)).toBe(25);
  });

  it("ends at once where there is nothing", async () => {
    expect(await all(client.reader({ topic: "t", to: { kind: "latest-at-start" } }))).toEqual([]);
  });

  it("starts and ends where it is told", async () => {
    await fill(0, 40);
    const read = (from: Parameters<typeof client.reader>[0]["from"], to: Parameters<typeof client.reader>[0]["to"]) =>
      all(client.reader({ topic: "t", partitions: [0], from, to }));
    expect(await read({ kind: "offset", offset: 7 }, { kind: "offset", offset: 13 })).toEqual(numbers(6, 7));
    expect(await read({ kind: "last", count: 3 }, { kind: "latest-at-start" })).toEqual(numbers(3, 37));
    expect(await read({ kind: "time", timeMs: 1005 }, { kind: "time", timeMs: 1008 })).toEqual(numbers(3, 5));
    expect(await read({ kind: "earliest" }, { kind: "count", count: 12 })).toEqual(numbers(12));
  });

  it("takes bounds for each partition", async () => {
    await fill(0, 20);
    await fill(1, 20, 100);
    const partitions = [{ partition: 0, from: { kind: "offset", offset: 18 } as const }, 1];
    const values = await all(
      client.reader({ topic: "t", partitions, from: { kind: "last", count: 1 }, to: { kind: "latest-at-start" } }),
    );
    expect(values.sort()).toEqual(["119", "18", "19"]);
  });

  it("leaves out what the filter does not want, and counts it", async () => {
    await fill(0, 30);
    const options = {
      topic: "t",
      partitions: [0],
      fromTimeMs: 1010,
      toTimeMs: 1015,
      to: { kind: "latest-at-start" } as const,
    };
    const reader = client.reader(options);
    expect(await all(reader)).toEqual(numbers(5, 10));
    expect(reader.skipped).toBe(25);
  });

  it("waits for new records", async () => {
    const reader = client.reader({ topic: "t", from: { kind: "latest" } });
    const first = reader.next();
    await until(() => broker.consumeStreams === 1);
    await fill(1, 1);
    expect(textOf((await first)!)).toBe("0");
  });

  it("reads partitions that are added later, from their first record; nothing of the others is lost or repeated", async () => {
    await fill(0, 30);
    await fill(1, 30, 1000);
    const reader = client.reader({ topic: "t", from: { kind: "earliest" }, partitionsRefreshMs: 5 });
    const late = client.reader({ topic: "t", from: { kind: "latest" }, partitionsRefreshMs: 5 });
    const values = [textOf((await reader.next())!)];
    const first = late.next();
    await until(() => broker.consumeStreams === 2);
    broker.addPartition("t");
    await fill(2, 3, 5000);
    expect(textOf((await first)!)).toBe("5000");
    await fill(0, 10, 30);
    while (values.length < 73) values.push(textOf((await reader.next())!));
    expect(values.filter((value) => Number(value) < 1000)).toEqual(numbers(40));
    expect(values.filter((value) => Number(value) >= 1000 && Number(value) < 5000)).toEqual(numbers(30, 1000));
    expect(values.filter((value) => Number(value) >= 5000)).toEqual(numbers(3, 5000));
    expect([reader.position(2), late.position(2)]).toEqual([3, 1]);
  });

  it.each([
    ["partitions are named", { partitions: [0, 1] }],
    ["there is an end", { to: { kind: "count", count: 2 } as const }],
    ["it is told not to", { partitionsRefreshMs: 0 }],
  ])("does not look for added partitions when %s", async (_why, options) => {
    await fill(0, 2);
    const reader = client.reader({ topic: "t", partitionsRefreshMs: 1, ...options });
    expect(textOf((await reader.next())!)).toBe("0");
    const asked = broker.listOffsetsCalls;
    broker.addPartition("t");
    await fill(2, 1, 5000);
    await fill(1, 1, 1000);
    expect([textOf((await reader.next())!), textOf((await reader.next())!)]).toEqual(["1", "1000"]);
    expect(broker.listOffsetsCalls).toBe(asked);
    expect(reader.position(2)).toBeUndefined();
  });

  it("goes on at the next offset when the stream breaks, with nothing lost and nothing twice", async () => {
    await fill(0, 100);
    await fill(1, 100, 1000);
    broker.consumeMessageBytes = 400;
    broker.consumeBreaks.push(0, 1, 3, 2, 0, 5);
    const values = await all(client.reader({ topic: "t", to: { kind: "latest-at-start" } }));
    expect(values.filter((value) => value.length < 4)).toEqual(numbers(100));
    expect(values.filter((value) => value.length === 4)).toEqual(numbers(100, 1000));
    expect(broker.consumeStreams).toBeGreaterThan(3);
  });

  it("ends where the end was at the start, also when a stream breaks and more has come since", async () => {
    await fill(0, 30);
    broker.consumeMessageBytes = 100;
    broker.consumeBreaks.push(1, 0, 1);
    const reader = client.reader({ topic: "t", partitions: [0], to: { kind: "latest-at-start" } });
    const values = [textOf((await reader.next())!)];
    await fill(0, 20, 30);
    values.push(...(await all(reader)));
    expect(values).toEqual(numbers(30));
  });

  it("counts to an end by count across broken streams", async () => {
    await fill(0, 100);
    broker.consumeMessageBytes = 400;
    broker.consumeBreaks.push(1, 1, 1);
    const reader = client.reader({ topic: "t", partitions: [0], to: { kind: "count", count: 61 } });
    expect(await all(reader)).toEqual(numbers(61));
  });

  it("goes on when the broker comes back", async () => {
    await fill(0, 10);
    const reader = client.reader({ topic: "t", partitions: [0] });
    expect(textOf((await reader.next())!)).toBe("0");
    broker.stop();
    await broker.restart();
    await fill(0, 10, 10);
    const values = ["0"];
    while (values.length < 20) values.push(textOf((await reader.next())!));
    expect(values).toEqual(numbers(20));
  });

  it("holds the broker back beyond prefetchBytes", async () => {
    await fill(0, 20_000);
    broker.consumeMessageBytes = 64 * 1024;
    const reader = client.reader({
      topic: "t",
      partitions: [0],
      prefetchBytes: 10_000,
      to: { kind: "latest-at-start" },
    });
    expect(await all(reader)).toHaveLength(20_000);
  });

  it("pauses, resumes and seeks by partition", async () => {
    await fill(0, 10);
    await fill(1, 10, 100);
    const reader = client.reader({ topic: "t", to: { kind: "latest-at-start" } });
    await reader.next();
    reader.pause([1]);
    const values: string[] = [];
    while (reader.position(0)! < 10) values.push(textOf((await reader.next())!));
    expect(values.filter((value) => value.length === 3).length).toBe(0);
    await reader.seek(0, { kind: "offset", offset: 8 });
    expect([textOf((await reader.next())!), textOf((await reader.next())!)]).toEqual(["8", "9"]);
    reader.resume([1]);
    expect(await all(reader)).toEqual(numbers(10, 100));
  });

  it("hands out nothing while all is paused", async () => {
    await fill(0, 3);
    const reader = client.reader({ topic: "t", partitions: [0] });
    await reader.next();
    reader.pause();
    let handedOut = false;
    const next = reader.next().then((record) => {
      handedOut = true;
      return record;
    });
    // What it waits for has been there for long when a reader that came later is through with it.
    expect(await all(client.reader({ topic: "t", partitions: [0], to: { kind: "latest-at-start" } }))).toEqual(
      numbers(3),
    );
    expect(handedOut).toBe(false);
    reader.resume();
    expect(textOf((await next)!)).toBe("1");
  });

  it("fails with OFFSET_OUT_OF_RANGE, or goes on where it is told", async () => {
    await fill(0, 20);
    broker.topics.get("t")![0]!.logStart = 10;
    const from = { kind: "offset", offset: 3 } as const;
    const options = { topic: "t", partitions: [0], from, to: { kind: "latest-at-start" } as const };
    await expect(client.reader(options).next()).rejects.toMatchObject({
      reason: "OFFSET_OUT_OF_RANGE",
      metadata: { logStartOffset: "10", highWatermark: "20" },
    });
    expect(await all(client.reader({ ...options, onOutOfRange: "earliest" }))).toEqual(numbers(10, 10));
  });

  it("stays where it is in a partition whose new leader knows the high watermark late, when another one is out of range", async () => {
    await fill(0, 10);
    await fill(1, 10);
    const reader = client.reader({ topic: "t", onOutOfRange: "earliest" });
    for (let count = 0; count < 20; count++) await reader.next();
    broker.watermarksBehind = 2;
    broker.consumeRefusals.push(new VarveError("OFFSET_OUT_OF_RANGE", "Not kept"));
    const asked = broker.listOffsetsCalls;
    reader.pause([1]);
    await until(() => broker.listOffsetsCalls > asked);
    await fill(0, 1, 10);
    expect((await reader.next())!.offset).toBe(10);
    await reader.close();
  });

  it("rejects when there is no such topic", async () => {
    await expect(client.reader({ topic: "none" }).next()).rejects.toMatchObject({ reason: "UNKNOWN_TOPIC" });
  });

  it("ends with CANCELLED by its signal, and quietly by close() and break", async () => {
    await fill(0, 10);
    const abort = new AbortController();
    const waiting = client.reader({ topic: "t", from: { kind: "latest" }, signal: abort.signal }).next();
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ reason: "CANCELLED" });
    const reader = client.reader({ topic: "t", from: { kind: "latest" } });
    const next = reader.next();
    await until(() => broker.consumeStreams > 0);
    await reader.close();
    expect(await next).toBeUndefined();
    const broken = client.reader({ topic: "t" });
    for await (const record of broken) {
      expect(record.partition).toBe(0);
      break;
    }
    expect(await broken.next()).toBeUndefined();
  });

  it("hands out whole messages by batches()", async () => {
    await fill(0, 50);
    const reader = client.reader({ topic: "t", partitions: [0], to: { kind: "latest-at-start" } });
    const values: string[] = [];
    for await (const records of reader.batches()) values.push(...records.map(textOf));
    expect(values).toEqual(numbers(50));
  });
});
