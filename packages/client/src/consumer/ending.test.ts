// SPDX-License-Identifier: Apache-2.0
// A consumer that is ended in the middle of something, by its owner or by itself: nothing of it stays at the broker, and no timer here.

import { VarveError } from "@varve/api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../client.ts";
import { HurriedClock } from "../testing/hurried-clock.ts";
import { batchOf, MemoryBroker } from "../testing/memory-broker.ts";
import type { MemoryGroups } from "../testing/memory-groups.ts";
import { until } from "../testing/until.ts";
import type { ConsumerOptions } from "./consumer-options.ts";
import type { Consumer } from "./consumer.ts";

const clock = new HurriedClock();
let broker: MemoryBroker;
let client: Client;
const groups = (): MemoryGroups => broker.cluster.groups;
const sessionTimeoutMs = 600_000;

beforeEach(async () => {
  broker = await MemoryBroker.start();
  broker.createTopic("t", 2);
  groups().sessionTimeoutMs = sessionTimeoutMs;
  client = new Client({ address: broker.address, clock, requestTimeoutMs: sessionTimeoutMs });
  await broker.append("t", 0, batchOf(["a", "b", "c"]));
});

afterEach(async () => {
  client.destroy();
  await until(() => groups().sessions === 0 && clock.timers === 0);
  broker.stop();
});

function consumerOf(options: Partial<ConsumerOptions> = {}): Consumer {
  const rest = { start: { kind: "earliest" }, lagIntervalMs: 0, reconnectTimeoutMs: 2 ** 30 } as const;
  return client.consumer({ group: "g", topics: ["t"], sessionTimeoutMs, ...rest, ...options });
}

describe("a consumer that is ended", () => {
  it("by onLost, as it finds out that its session is over when it would join again, joins no more", async () => {
    const ending = new AbortController();
    const consumer = consumerOf({ onLost: () => ending.abort(), signal: ending.signal });
    const iterator = consumer[Symbol.asyncIterator]();
    await iterator.next();
    const next = iterator.next();
    const { joins } = groups().faults;
    for (let count = 0; count < 1000; count++) joins.push(new VarveError("COORDINATOR_LOADING", "Not yet"));
    groups().breakAll("g");
    await until(() => joins.length < 1000);
    // As after a sleep of the machine: time is up, and no timer has said so.
    clock.advance(2 * sessionTimeoutMs);
    joins.length = 0;
    await expect(next).rejects.toMatchObject({ reason: "CANCELLED" });
    await until(() => groups().sessions === 0 && clock.timers === 0);
    expect(groups().joins).toBe(1);
  });

  it("by onLost, with something assigned in the same breath, reads nothing of that", async () => {
    const ending = new AbortController();
    const seen: string[] = [];
    const consumer = consumerOf({
      onAssigned: (partitions) => seen.push(...partitions.map(({ partition }) => `+${partition}`)),
      onLost: () => ending.abort(),
      signal: ending.signal,
    });
    const iterator = consumer[Symbol.asyncIterator]();
    await iterator.next();
    const next = iterator.next();
    const before = broker.consumeStreams;
    groups().recreate("g", ["t/0", "t/1"]);
    await expect(next).rejects.toMatchObject({ reason: "CANCELLED" });
    await until(() => groups().sessions === 0 && clock.timers === 0);
    expect(broker.consumeStreams).toBe(before);
    expect(seen).toEqual(["+0", "+1"]);
  });

  it("while it joins, takes leave all the same: its group does not wait for it", async () => {
    const consumer = consumerOf();
    let closing: Promise<void> | undefined;
    groups().onJoin = () => {
      closing = consumer.close();
    };
    expect((await consumer[Symbol.asyncIterator]().next()).done).toBe(true);
    await closing;
    expect([groups().joins, groups().leaves, groups().group("g").members.size]).toEqual([1, [false], 0]);
  });
});
