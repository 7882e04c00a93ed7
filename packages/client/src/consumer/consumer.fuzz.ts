// SPDX-License-Identifier: Apache-2.0
// Members of a group in bad weather that nobody planned: whatever comes together, they end up at the end of every partition, with each
// record handled, and nothing committed that was not.

import { buildBatch } from "@varve/format";
import { VarveError, type ConsumedRecord } from "@varve/api";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { Client } from "../client.ts";
import { HurriedClock } from "../testing/hurried-clock.ts";
import { MemoryBroker } from "../testing/memory-broker.ts";
import { until } from "../testing/until.ts";
import type { Consumer } from "./consumer.ts";

/** VARVE_FUZZ sets how many storms there are, a hundredth of it. */
const numRuns = Math.ceil(Number(process.env["VARVE_FUZZ"] ?? 300) / 100);

const partitions = [0, 1, 2, 3];
const event = fc.oneof(
  fc.record({ kind: fc.constant("produce" as const), partition: fc.nat(3), count: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ kind: fc.constant("break sessions" as const) }),
  fc.record({ kind: fc.constant("expel" as const) }),
  fc.record({ kind: fc.constant("reset" as const), partition: fc.nat(3), share: fc.nat(100) }),
  fc.record({ kind: fc.constant("seek" as const), partition: fc.nat(3), share: fc.nat(100) }),
  fc.record({ kind: fc.constant("pause" as const), partition: fc.nat(3), isPaused: fc.boolean() }),
  fc.record({ kind: fc.constant("refuse commits" as const), how: fc.constantFrom("STALE", "BUSY", "break", "lost") }),
  fc.record({ kind: fc.constant("break reads" as const), after: fc.nat(5) }),
  fc.record({ kind: fc.constant("join" as const) }),
  fc.record({ kind: fc.constant("leave" as const) }),
  fc.record({ kind: fc.constant("restart the broker" as const) }),
  fc.record({ kind: fc.constant("wait" as const), turns: fc.nat(30) }),
);

async function storm(
  events: readonly (typeof event extends fc.Arbitrary<infer Event> ? Event : never)[],
): Promise<void> {
  const clock = new HurriedClock();
  const broker = await MemoryBroker.start();
  broker.createTopic("t", 4);
  broker.consumeMessageBytes = 200;
  const { groups } = broker.cluster;
  // As long as a session, on the clock of the client.
  groups.giveUpMs = groups.sessionTimeoutMs / 20;
  const group = groups.group("g");
  const client = new Client({ address: broker.address, clock, requestTimeoutMs: 6_000_000 });
  const ends = [0, 0, 0, 0];
  /** Everything that is committed was handled before. */
  const handled = new Set<string>();
  const failures: unknown[] = [];
  const handler = async (record: ConsumedRecord): Promise<void> => {
    for (let turns = record.offset % 4; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    handled.add(`t/${record.partition}@${record.offset}`);
  };
  groups.onCommit = (key, offset) => {
    for (let each = 0; each < offset; each++) {
      if (!handled.has(`${key}@${each}`))
        failures.push(`${key} is committed up to ${offset}, and ${each} is not handled`);
    }
  };
  const running: { consumer: Consumer; run: Promise<unknown> }[] = [];
  const join = (): void => {
    const consumer = client.consumer({
      group: "g",
      topics: ["t"],
      start: { kind: "earliest" },
      commitIntervalMs: 40,
      lagIntervalMs: 200,
      prefetchBytes: 3000,
      reconnectTimeoutMs: 6_000_000,
    });
    const run = consumer.run(handler, { concurrency: 6 }).catch((error: unknown) => failures.push(error));
    running.push({ consumer, run });
  };
  const produce = async (partition: number, count: number): Promise<void> => {
    const records = Array.from({ length: count }, (_, index) => {
      return { key: Buffer.from(`k${(ends[partition]! + index) % 5}`), value: null, timestampMs: 1 };
    });
    ends[partition]! += count;
    await broker.append("t", partition, buildBatch(records));
  };
  /** What a reset or a seek passes over nobody has to handle. */
  const passOver = (partition: number, to: number): void => {
    for (let offset = 0; offset < to; offset++) handled.add(`t/${partition}@${offset}`);
  };
  const pause = (partition: number, isPaused: boolean): void => {
    const place = { topic: "t", partition };
    const owner = running.find(({ consumer }) => consumer.position(place) !== undefined)?.consumer;
    if (isPaused) owner?.pause([place]);
    else owner?.resume([place]);
  };
  join();
  for (const each of events) {
    switch (each.kind) {
      case "produce":
        await produce(each.partition, each.count);
        break;
      case "break sessions":
        groups.breakAll("g");
        break;
      case "expel":
        groups.expelAll("g");
        break;
      case "reset": {
        const offset = Math.floor((ends[each.partition]! * each.share) / 100);
        groups.reset("g", `t/${each.partition}`, offset);
        passOver(each.partition, offset);
        break;
      }
      case "seek": {
        const offset = Math.floor((ends[each.partition]! * each.share) / 100);
        const place = { topic: "t", partition: each.partition };
        const owner = running.find(({ consumer }) => consumer.position(place) !== undefined);
        // It may be giving it back.
        const isDone = await owner?.consumer.seek(place, { kind: "offset", offset }).then(
          () => true,
          () => false,
        );
        if (isDone === true) passOver(each.partition, offset);
        break;
      }
      case "pause":
        pause(each.partition, each.isPaused);
        break;
      case "refuse commits":
        if (each.how === "STALE") {
          // Stale for a reason: the generation that follows comes by itself.
          groups.faults.commits.push(new VarveError("STALE_MEMBER_EPOCH", "The test"), "break");
        } else groups.faults.commits.push(each.how === "BUSY" ? new VarveError("BUSY", "The test") : each.how);
        break;
      case "break reads":
        broker.consumeBreaks.push(each.after);
        break;
      case "join":
        if (running.length < 4) join();
        break;
      case "leave":
        if (running.length > 1) await running.shift()!.consumer.close({ timeoutMs: 60_000 });
        break;
      case "restart the broker":
        broker.stop();
        await broker.restart();
        break;
      case "wait":
        for (let turns = 0; turns < each.turns; turns++) await new Promise((resolve) => setImmediate(resolve));
        break;
    }
  }
  for (const partition of partitions) pause(partition, false);
  for (const partition of partitions) await produce(partition, 7);
  groups.faults.commits.length = 0;
  // A stale one without a newer generation to come waits for it; the next session has one.
  groups.breakAll("g");
  await until(() => partitions.every((partition) => group.committed.get(`t/${partition}`) === ends[partition]));
  for (const [partition, end] of ends.entries()) {
    for (let offset = 0; offset < end; offset++) expect(handled).toContain(`t/${partition}@${offset}`);
  }
  await Promise.all(running.map(({ consumer }) => consumer.close({ timeoutMs: 60_000 })));
  await Promise.all(running.map(({ run }) => run));
  expect(failures).toEqual([]);
  await client.close();
  await until(() => groups.sessions === 0 && clock.timers === 0);
  broker.stop();
}

it("members of a group in any weather end at the end, with everything handled and nothing committed before that", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 40 }), (events) => storm(events)),
    { numRuns, endOnFailure: true },
  );
});
