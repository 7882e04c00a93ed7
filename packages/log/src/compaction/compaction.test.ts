/** What is read after compaction, at any moment, through restarts: random keyed records in all codecs, against a list. */
import { codecs } from "@varve/format";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { CompactedPartition } from "../testing/compacted-partition.ts";
import type { KeyedBatch } from "../testing/compacted-partition.ts";

const keys = [
  null,
  "a",
  "b",
  "c",
  "a key that is too long to be its own identity",
  "another one that is as long as it",
];

const batch: fc.Arbitrary<KeyedBatch> = fc.record({
  records: fc.array(
    fc.record({
      key: fc.constantFrom(...keys),
      value: fc.option(
        fc.nat(1000).map((number) => `value ${number}`),
        { freq: 4 },
      ),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  codec: fc.constantFrom(...codecs),
  withProducer: fc.boolean(),
});

const step = fc.oneof(
  { weight: 12, arbitrary: batch },
  { weight: 3, arbitrary: fc.constant("compact" as const) },
  { weight: 1, arbitrary: fc.constantFrom("kill" as const, "power cut" as const) },
);

test("LogStore.runCompaction() J-17, J-21: the latest of every key stays, in order, through restarts and in all codecs", async () => {
  let removed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.array(step, { minLength: 5, maxLength: 60, size: "max" }),
      async (seed, steps) => {
        // A table so small that most runs take several.
        const partition = await CompactedPartition.begin(
          seed,
          {},
          { compactionKeyBytes: seed % 2 === 0 ? 400 : 1 << 20 },
        );
        for (const one of steps) {
          if (one === "kill" || one === "power cut") await partition.restart(one);
          else if (one === "compact") {
            await partition.compact();
            await partition.check();
          } else await partition.append(one);
        }
        await partition.compact();
        await partition.restart("power cut");
        await partition.check();
        removed += partition.appended.length - (await partition.read()).length;
        // J-21: the last five batches are recognised, whatever became of their records.
        for (const { bytes, base, last } of partition.sent.slice(-5)) {
          const outcome = partition.log.appendAsLeader(bytes.slice(), { now: 0 });
          expect(outcome).toMatchObject({ kind: "duplicate", baseOffset: base, lastOffset: last });
        }
      },
    ),
    { numRuns: 25, seed: 1, endOnFailure: true },
  );
  expect(removed).toBeGreaterThan(100);
});
