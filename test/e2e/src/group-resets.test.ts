// A group is moved while four members consume and somebody produces: after each reset every record from the asked position on comes
// again, by the members that were there, and nothing that they committed of before stands in its way.

import { connect } from "@varve/client";
import { expect, it } from "vitest";
import { afterThisTest, newDirectory, until } from "./clean-up.ts";
import { VarveNode } from "./varve-process.ts";

const resets = Number(process.env["VARVE_GROUP_RESETS"] ?? 5);
const partitions = 8;
const topic = "moved";
const group = "movers";

const positions = [
  { kind: "earliest" },
  { kind: "last", count: 50 },
  { kind: "offset", offset: 17 },
  { kind: "ago", durationMs: 3_600_000 },
  { kind: "latest" },
] as const;

it("moves a group under load: members go on at the asked position, without a restart", async () => {
  const node = await VarveNode.start({ dataDir: await newDirectory() });
  const client = await connect({ address: node.address });
  afterThisTest(() => client.close());
  await client.admin.createTopic({ topic, partitions });
  const producer = client.producer();
  const enough = new AbortController();
  const producing = (async () => {
    for (let number = 0; !enough.signal.aborted; number += 1) {
      const partition = number % partitions;
      await producer.send({ topic, partition, value: String(number) });
      if (number > 2_000 && number % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();

  /** Of each partition, what was handled since the last reset was asked for. */
  let handled = Array.from({ length: partitions }, () => new Set<number>());
  const consumers = Array.from({ length: 4 }, () => client.consumer({ group, topics: [topic], commitIntervalMs: 50 }));
  const running = consumers.map((consumer) =>
    consumer.run(({ partition, offset }) => {
      handled[partition]?.add(offset);
    }),
  );
  await until("every partition is consumed", () => handled.every(({ size }) => size > 100));

  const tookMs: number[] = [];
  for (let reset = 0; reset < resets; reset += 1) {
    const position = positions[reset % positions.length] ?? { kind: "earliest" };
    handled = Array.from({ length: partitions }, () => new Set<number>());
    const beganMs = performance.now();
    const moves = await client.groups.reset({ group, topic, position });
    expect(moves.map(({ error }) => error ?? undefined)).toEqual(moves.map(() => undefined));
    const ends = await client.admin.listOffsets({ topic, position: { kind: "latest" } });
    const isFrom = (partition: number, from: number, to: number): boolean => {
      for (let offset = from; offset < to; offset += 1) if (handled[partition]?.has(offset) !== true) return false;
      return true;
    };
    await until("every partition goes on at the asked position", () =>
      moves.every(({ partition, toOffset }) => handled[partition]?.has(toOffset) === true),
    );
    tookMs.push(performance.now() - beganMs);
    // What is committed was handled since: nothing of before has landed on top of the reset.
    const committed = await client.groups.committedOffsets({ group });
    for (const { partition, offset } of committed) {
      const to = moves.find((move) => move.partition === partition)?.toOffset ?? -1;
      expect({ partition, isFrom: isFrom(partition, to, offset) }).toEqual({ partition, isFrom: true });
    }
    await until("everything from there on was handled", () =>
      moves.every(({ partition, toOffset }) => {
        const end = ends.find((one) => one.partition === partition)?.highWatermark ?? 0;
        return isFrom(partition, toOffset, end);
      }),
    );
  }
  console.log(`until consumption went on: ${tookMs.map((ms) => `${ms.toFixed(0)} ms`).join(", ")}`);
  enough.abort();
  await producing;
  await Promise.all(consumers.map((consumer) => consumer.close()));
  await Promise.all(running);
}, 300_000);
