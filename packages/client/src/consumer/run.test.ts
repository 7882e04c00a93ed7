// SPDX-License-Identifier: Apache-2.0
import { buildBatch } from "@varve/format";
import { VarveError, type ConsumedRecord } from "@varve/api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../client.ts";
import { HurriedClock } from "../testing/hurried-clock.ts";
import { MemoryBroker } from "../testing/memory-broker.ts";
import type { MemoryGroups } from "../testing/memory-groups.ts";
import { until } from "../testing/until.ts";
import type { ConsumerOptions } from "./consumer-options.ts";
import type { Consumer } from "./consumer.ts";
import { aheadMax } from "./runner.ts";

const clock = new HurriedClock();
let broker: MemoryBroker;
let client: Client;
const groups = (): MemoryGroups => broker.cluster.groups;
const committed = (partition: number): number => groups().group("g").committed.get(`t/${partition}`) ?? -1;

beforeEach(async () => {
  broker = await MemoryBroker.start();
  broker.createTopic("t", 3);
  broker.createTopic("dead", 1);
  // No verdict by the clock, where a test does not ask for one.
  groups().sessionTimeoutMs = 600_000;
  client = new Client({ address: broker.address, clock, requestTimeoutMs: 600_000 });
});

afterEach(async () => {
  client.destroy();
  await until(() => groups().sessions === 0);
  broker.stop();
});

interface Sent {
  readonly key: string | null;
  readonly value: string;
}

/** Records of a partition, in batches of 7: value is the place in the partition. */
async function fill(
  partition: number,
  count: number,
  keyOf: (index: number) => string | null,
  from = 0,
): Promise<void> {
  const sent = Array.from({ length: count }, (_, index): Sent => ({
    key: keyOf(from + index),
    value: String(from + index),
  }));
  for (let at = 0; at < count; at += 7) {
    const records = sent.slice(at, at + 7).map(({ key, value }) => ({
      key: key === null ? null : Buffer.from(key),
      value: Buffer.from(value),
      timestampMs: 1000,
      headers: [{ key: "own", value: Buffer.from("header") }],
    }));
    await broker.append("t", partition, buildBatch(records));
  }
}

function consumerOf(options: Partial<ConsumerOptions> = {}): Consumer {
  const rest = {
    start: { kind: "earliest" },
    commitIntervalMs: 100,
    lagIntervalMs: 0,
    revokeTimeoutMs: 600_000,
  } as const;
  return client.consumer({ group: "g", topics: ["t"], ...rest, ...options });
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const patient = { timeoutMs: 600_000 };
const placeOf = ({ partition, offset }: ConsumedRecord): string => `${partition}@${offset}`;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Whatever is committed was finished, with all before it: checked at each commit, in the coordinator. */
function watchCommits(finished: ReadonlySet<string>): () => void {
  const { history } = groups().group("g");
  const seen = { count: 0 };
  return () => {
    for (const { key, offset } of history.slice(seen.count)) {
      for (let each = 0; each < offset; each++) expect(finished).toContain(`${key.slice(2)}@${each}`);
    }
    seen.count = history.length;
  };
}

describe("Consumer.run()", () => {
  it("keeps the order of each key, and of records without one, and handles the others side by side", async () => {
    const keys = ["a", "b", "c", "d", null];
    for (const partition of [0, 1, 2]) await fill(partition, 100, (index) => keys[index % 5]!);
    const consumer = consumerOf();
    const finished = new Set<string>();
    const check = watchCommits(finished);
    const orders = new Map<string, number[]>();
    const busy = new Set<string>();
    let most = 0;
    const run = consumer.run(
      async (record) => {
        const lane = `${record.partition}/${record.key === null ? "" : Buffer.from(record.key).toString()}`;
        expect(busy).not.toContain(lane);
        busy.add(lane);
        most = Math.max(most, busy.size);
        for (let turns = Math.floor(Math.random() * 5); turns >= 0; turns--) await turn();
        orders.set(lane, [...(orders.get(lane) ?? []), record.offset]);
        busy.delete(lane);
        finished.add(placeOf(record));
        check();
      },
      { concurrency: 8 },
    );
    await until(() => [0, 1, 2].every((partition) => committed(partition) === 100));
    check();
    await consumer.close(patient);
    await run;
    expect(orders.size).toBe(15);
    for (const order of orders.values()) expect(order).toEqual([...order].sort((a, b) => a - b));
    expect([...orders.values()].flat()).toHaveLength(300);
    expect(most).toBe(8);
    await until(() => clock.timers === 0);
  });

  it("tries again what fails, with pauses, and goes on with the rest meanwhile", async () => {
    await fill(0, 20, (index) => `k${index % 4}`);
    const consumer = consumerOf();
    const tries = new Map<string, number[]>();
    const run = consumer.run(
      async (record, { attempt, topic }) => {
        await turn();
        expect(topic).toBe("t");
        tries.set(placeOf(record), [...(tries.get(placeOf(record)) ?? []), attempt]);
        if (record.offset === 3 && attempt < 4) throw new Error("not yet");
      },
      { concurrency: 4, retry: { attempts: 5, backoff: { initialMs: 20 } } },
    );
    await until(() => committed(0) === 20);
    await consumer.close(patient);
    await run;
    expect(tries.get("0@3")).toEqual([1, 2, 3, 4]);
    expect(tries.size).toBe(20);
  });

  it("rejects with the record that cannot be handled, commits nothing of it, and begins there again", async () => {
    await fill(0, 10, () => null);
    const run = consumerOf().run(({ offset }) => {
      if (offset === 4) throw new TypeError("poison");
    });
    const failure = await run.then(
      () => expect.fail("it ended well"),
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(VarveError);
    expect(failure).toMatchObject({ reason: "HANDLER_FAILED", metadata: { topic: "t", partition: "0", offset: "4" } });
    expect((failure as VarveError).message).toContain('record 4 of partition 0 of "t"');
    expect((failure as VarveError).cause).toBeInstanceOf(TypeError);
    expect(committed(0)).toBeLessThanOrEqual(4);
    // Where its goodbye was too slow, its place is free a little later.
    groups().giveUpMs = 100;
    const again = consumerOf();
    const seen: number[] = [];
    const rerun = again.run(({ offset }) => void seen.push(offset));
    await until(() => committed(0) === 10);
    await again.close(patient);
    await rerun;
    expect(seen.slice(-6)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  it("puts what cannot be handled aside, acknowledged before it counts as handled, and says where it came from", async () => {
    await fill(0, 10, (index) => `k${index}`);
    const held: (() => void)[] = [];
    broker.held = held;
    const consumer = consumerOf();
    const run = consumer.run(
      ({ offset }) => {
        if (offset === 4) throw new TypeError("poison");
      },
      { deadLetterTopic: "dead", retry: { attempts: 2 }, concurrency: 3 },
    );
    await until(() => held.length > 0 && committed(0) === 4);
    broker.held = undefined;
    for (const release of held) release();
    await until(() => committed(0) === 10);
    await consumer.close(patient);
    await run;
    const [dead, ...others] = broker.records("dead", 0);
    expect(others).toEqual([]);
    const headers = dead!.headers.map(({ key, value }) => [key, Buffer.from(value!).toString()]);
    expect([Buffer.from(dead!.key!).toString(), Buffer.from(dead!.value!).toString()]).toEqual(["k4", "4"]);
    expect(dead!.timestampMs).toBe(1000);
    expect(Object.fromEntries(headers)).toEqual({
      own: "header",
      "varve-dead-letter-topic": "t",
      "varve-dead-letter-partition": "0",
      "varve-dead-letter-offset": "4",
      "varve-dead-letter-timestamp": "1000",
      "varve-dead-letter-group": "g",
      "varve-dead-letter-attempts": "2",
      "varve-dead-letter-error": "TypeError: poison",
    });
  });

  it("goes on with the other partitions when a key hangs, however much there is of its partition", async () => {
    for (let from = 0; from < 3000; from += 300) await fill(0, 300, () => "hangs", from);
    const consumer = consumerOf({ prefetchBytes: 10_000, lagIntervalMs: 500 });
    broker.consumeMessageBytes = 500;
    const release: (() => void)[] = [];
    const seen = [0, 0, 0];
    const run = consumer.run(
      async ({ partition, offset }) => {
        if (partition === 0 && release.length === 0) await new Promise<void>((resolve) => release.push(resolve));
        if (partition === 0) expect(offset).toBe(seen[0]);
        seen[partition]! += 1;
      },
      { concurrency: 4 },
    );
    await until(() => release.length > 0);
    for (let from = 0; from < 3000; from += 300)
      for (const partition of [1, 2]) await fill(partition, 300, (index) => `k${index % 3}`, from);
    await until(() => committed(1) === 3000 && committed(2) === 3000);
    expect([seen[0], committed(0)]).toEqual([0, 0]);
    release[0]!();
    await until(() => committed(0) === 3000);
    await consumer.close(patient);
    await run;
    expect(seen).toEqual([3000, 3000, 3000]);
  });

  it("handles no more than so many records ahead of one that hangs: each is remembered, and would come again", async () => {
    const keyed = (from: number, count: number): Uint8Array =>
      buildBatch(range(count).map((index) => ({ key: Buffer.from(`k${from + index}`), value: null, timestampMs: 1 })));
    for (let from = 0; from < 80_000; from += 4000) await broker.append("t", 0, keyed(from, 4000));
    broker.consumeMessageBytes = 30_000;
    const consumer = consumerOf();
    let release: () => void = () => undefined;
    let handled = 0;
    const run = consumer.run(
      async ({ partition, offset }) => {
        if (partition === 0 && offset === 10) await new Promise<void>((resolve) => (release = resolve));
        handled += 1;
      },
      { concurrency: 4 },
    );
    await until(() => handled > aheadMax);
    await broker.append("t", 1, keyed(0, 4000));
    await until(() => committed(1) === 4000);
    const place = { topic: "t", partition: 0 };
    expect(consumer.position(place)).toBeGreaterThanOrEqual(aheadMax);
    expect(consumer.position(place)).toBeLessThan(aheadMax + 4000);
    expect(committed(0)).toBe(10);
    release();
    await until(() => committed(0) === 80_000);
    await consumer.close(patient);
    await run;
  });

  it("is closed within the bound though a handler hangs, and nothing of that is committed", async () => {
    await fill(0, 10, (index) => `k${index}`);
    const consumer = consumerOf();
    let signal: AbortSignal | undefined;
    const done: number[] = [];
    const run = consumer.run(
      async ({ offset }, context) => {
        if (offset === 5) {
          signal = context.signal;
          await new Promise(() => undefined);
        }
        done.push(offset);
      },
      { concurrency: 20 },
    );
    await until(() => done.length === 9 && committed(0) === 5);
    await consumer.close({ timeoutMs: 2000 });
    await run;
    expect(signal!.aborted).toBe(true);
    expect(committed(0)).toBe(5);
    await until(() => clock.timers === 0);
  });

  it("settles with the close though the dead-letter topic takes nothing: what is not put aside is not committed", async () => {
    await fill(0, 10, (index) => `k${index}`);
    const held: (() => void)[] = [];
    broker.held = held;
    const consumer = consumerOf();
    let isSettled = false;
    const run = consumer
      .run(
        ({ offset }) => {
          if (offset === 4) throw new TypeError("poison");
        },
        { deadLetterTopic: "dead", concurrency: 3 },
      )
      .finally(() => (isSettled = true));
    await until(() => held.length > 0 && committed(0) === 4);
    await consumer.close({ timeoutMs: 1000 });
    for (let turns = 0; turns < 10; turns++) await turn();
    expect(isSettled).toBe(true);
    await run;
    expect(committed(0)).toBe(4);
    await until(() => clock.timers === 0);
  });

  it("is refused the second time, says by what it is used, and makes nothing that nobody would close", async () => {
    const consumer = consumerOf();
    const run = consumer.run(() => undefined, { deadLetterTopic: "dead" });
    const again = consumer.run(() => undefined, { deadLetterTopic: "dead" });
    await expect(again).rejects.toMatchObject({ reason: "INVALID_REQUEST", message: /used by run\(\) already/ });
    expect(() => consumer[Symbol.asyncIterator]()).toThrow(/used by run\(\) already/);
    await consumer.close(patient);
    await run;
    await expect(consumerOf().run(() => undefined, { concurrency: 0 })).rejects.toThrow(/concurrency is 0/);
  });

  it("finishes what is under way when it is closed, begins nothing more, and commits", async () => {
    await fill(0, 200, (index) => `k${index % 10}`);
    const consumer = consumerOf();
    const begun: number[] = [];
    const release: (() => void)[] = [];
    const run = consumer.run(
      async ({ offset }) => {
        begun.push(offset);
        await new Promise<void>((resolve) => release.push(resolve));
      },
      { concurrency: 4 },
    );
    await until(() => begun.length === 4);
    const closed = consumer.close(patient);
    for (const each of release) each();
    await closed;
    await run;
    expect(begun).toEqual([0, 1, 2, 3]);
    expect(committed(0)).toBe(4);
  });

  it("hands partitions over to a new member without doing anything twice, and reads nothing of them after that", async () => {
    for (const partition of [0, 1, 2]) await fill(partition, 100, (index) => `k${index % 10}`);
    const seen: string[] = [];
    const gone = new Set<number>();
    const first = consumerOf({ onRevoke: (partitions) => partitions.forEach(({ partition }) => gone.add(partition)) });
    const arrival = { isSecondUp: false };
    const owners = new Map<string, string>();
    const handle =
      (who: string) =>
      async (record: ConsumedRecord): Promise<void> => {
        // What was begun before goes on; nothing else does.
        if (who === "first") owners.set(placeOf(record), who);
        for (let turns = 0; turns < 3 || (!arrival.isSecondUp && seen.length > 60); turns++) await turn();
        seen.push(placeOf(record));
      };
    const runs = [first.run(handle("first"), { concurrency: 5 })];
    await until(() => seen.length > 30);
    const second = consumerOf({ onAssigned: () => (arrival.isSecondUp = true) });
    runs.push(second.run(handle("second"), { concurrency: 5 }));
    await until(() => [0, 1, 2].every((partition) => committed(partition) === 100));
    const secondHas = second.assignment.map(({ partition }) => partition);
    expect(secondHas.length).toBeGreaterThan(0);
    expect(gone).toEqual(new Set(secondHas));
    await Promise.all([first.close(patient), second.close(patient)]);
    await Promise.all(runs);
    expect(seen).toHaveLength(300);
    expect(new Set(seen).size).toBe(300);
  });

  it("ends by itself when the group is at its end", async () => {
    for (const partition of [0, 1, 2]) await fill(partition, 20, () => null);
    const { ends, committed: offsets } = groups().group("g");
    for (const partition of [0, 1, 2]) {
      ends.set(`t/${partition}`, 15 - partition);
      offsets.set(`t/${partition}`, 5);
    }
    const seen: string[] = [];
    // The commit at the end does not wait for its interval.
    await consumerOf({ commitIntervalMs: 2 ** 30 }).run((record) => void seen.push(placeOf(record)));
    const expected = [0, 1, 2].flatMap((partition) => {
      return Array.from({ length: 10 - partition }, (_, index) => `${partition}@${5 + index}`);
    });
    expect(seen.sort()).toEqual(expected.sort());
    await until(() => clock.timers === 0);
  });

  it("settles when the client is destroyed, and when its signal is aborted", async () => {
    await fill(0, 10, () => null);
    const abort = new AbortController();
    const hang = (): Promise<void> => new Promise(() => undefined);
    const aborted = consumerOf({ signal: abort.signal }).run(hang);
    const destroyed = consumerOf().run(hang);
    await until(() => groups().sessions === 2);
    abort.abort(new Error("enough"));
    await expect(aborted).rejects.toMatchObject({ reason: "CANCELLED" });
    client.destroy();
    await expect(destroyed).rejects.toMatchObject({ reason: "CLIENT_CLOSED" });
    await until(() => clock.timers === 0);
  });
});
