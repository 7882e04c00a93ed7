/** Compacted topics by the public doors: what is refused, what is left, what the metrics say. */
import { VarveError } from "@varve/api";
import { buildBatch, compressBatch, sealBatch } from "@varve/format";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestBroker, bytes, text, until } from "./testing/test-broker.ts";

let server: TestBroker;
beforeAll(async () => {
  server = await TestBroker.start({ compactionIntervalMs: 50, storage: { checkpointIntervalMs: 50 } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const compacted = { "cleanup.policy": "compact", "segment.bytes": "16384", "min.cleanable.dirty.ratio": "0" };

async function reasonOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof VarveError) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return "taken";
}

test("Produce to a compacted topic refuses records without a key, in whatever form they come", async () => {
  await server.createTopic("keyed", { configs: compacted });
  const now = Date.now();
  const keyless = [
    { key: bytes("k"), value: bytes("v"), timestampMs: now },
    { key: null, value: bytes("v"), timestampMs: now },
  ];
  const produce = (request: object): Promise<string> => {
    return reasonOf(server.produce({ topic: "keyed", partition: 0, ...request }));
  };
  const wanted =
    /^INVALID_RECORD: .*"keyed".*record 1 of the batch has no key.*cleanup\.policy.*give every record a key/;
  expect(await produce({ records: keyless })).toMatch(wanted);
  expect(await produce({ batch: buildBatch(keyless) })).toMatch(wanted);
  for (const codec of ["gzip", "snappy", "lz4", "zstd"] as const) {
    expect(await produce({ batch: await compressBatch(buildBatch(keyless), codec) })).toMatch(wanted);
  }
  const garbage = await compressBatch(buildBatch([{ key: bytes("k"), value: bytes("v"), timestampMs: now }]), "lz4");
  garbage[22] = 4;
  sealBatch(garbage, 0);
  expect(await produce({ batch: garbage })).toMatch(/^INVALID_RECORD: .*cannot be read/);
  const good = [{ key: bytes("k"), value: null, timestampMs: now }];
  expect(await produce({ records: good })).toBe("taken");
  expect(await produce({ batch: await compressBatch(buildBatch(good), "zstd") })).toBe("taken");
  await server.createTopic("deleted");
  expect(await reasonOf(server.produce({ topic: "deleted", partition: 0, records: keyless }))).toBe("taken");
});

test("Produce to a compacted topic keeps the order of batches, compressed or not", async () => {
  await server.createTopic("ordered", { configs: { "cleanup.policy": "compact" } });
  const offsets = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const batch = buildBatch([{ key: bytes(`k${index}`), value: bytes(`${index}`), timestampMs: Date.now() }]);
      const sent = index % 3 === 0 ? await compressBatch(batch, "gzip") : batch;
      return { index, sent };
    }),
  ).then((batches) =>
    Promise.all(
      batches.map(async ({ sent }) => {
        const { results } = await server.produce({ topic: "ordered", partition: 0, batch: sent });
        return results[0]?.baseOffset;
      }),
    ),
  );
  expect(offsets).toEqual(Array.from({ length: 40 }, (_, index) => index));
});

test("A compacted topic keeps the latest value of each key, and says so in its metrics", async () => {
  await server.createTopic("latest", { configs: compacted });
  const long = "x".repeat(1_000);
  for (let count = 0; count < 60; count++) {
    const records = ["a", "b", "c"].map((key) => ({ key: bytes(key), value: bytes(`${key} ${count} ${long}`) }));
    await server.produce({ topic: "latest", partition: 0, records });
  }
  const read = async (): Promise<string[]> => {
    const messages = await server.consumeAll({ topic: "latest", end: { kind: "latest-at-start" } });
    return messages.flatMap(({ records }) =>
      records.map(({ offset, value }) => `${offset} ${text(value)?.slice(0, 4)}`),
    );
  };
  await until("a compaction", () => (server.broker.stats().store?.compaction.bytesRemoved ?? 0) > 100_000);
  const metrics = await (await fetch(`http://${server.broker.addresses.http}/metrics`)).text();
  expect(metrics).toMatch(/^varve_compaction_removed_bytes_total \d{6,}$/m);
  expect(metrics).toMatch(/^varve_compaction_dirty_ratio 0?\.?\d+$/m);
  await server.restart();
  const left = await read();
  expect(left.length).toBeLessThan(100);
  expect(left.slice(-3)).toEqual(["177 a 59", "178 b 59", "179 c 59"]);
});
