/** As `store.model.test.ts`, with logs that are compacted again and again. */
import * as fc from "fast-check";
import { test } from "vitest";
import { command, fewerCases, runCases } from "./store-cases.ts";
import type { StoreCase, StoreCommand } from "./store-commands.ts";

/** Much that is compacted, again and again, with everything else in between. */
const compactedCase: fc.Arbitrary<StoreCase> = fc
  .record({
    seed: fc.noShrink(fc.integer()),
    parts: fc.array(fc.oneof(compacted(), compacted(), fc.array(command, { maxLength: 4, size: "max" })), {
      minLength: 2,
      maxLength: 12,
      size: "max",
    }),
  })
  .map(({ seed, parts }) => ({ seed, commands: parts.flat() }));

/** A segment or two of a partition, and a compaction that what follows may run beside. */
function compacted(): fc.Arbitrary<StoreCommand[]> {
  return fc
    .record({
      slot: fc.nat(2),
      batches: fc.integer({ min: 2, max: 8 }),
      records: fc.integer({ min: 1, max: 4 }),
      valueBytes: fc.constantFrom(200, 700, 1000),
      withProducer: fc.boolean(),
      durationMs: fc.constantFrom(5, 20, 1000, 2500),
      patience: fc.constantFrom(0, 3, 20, 60, 100_000, 100_000),
    })
    .map(({ slot: of, durationMs, patience: events, ...amount }): StoreCommand[] => [
      { kind: "append", slot: of, ...amount },
      { kind: "idle", durationMs },
      { kind: "compact", slot: of, patience: events },
    ]);
}

test(
  `LogStore J-17 to J-21: the latest of every key stays, through ${fewerCases} runs of compactions and crashes`,
  { timeout: 14_400_000 },
  async () => {
    await runCases(compactedCase, fewerCases, [
      "compaction removed something",
      "compaction merged segments",
      "power cut",
      "kill",
    ]);
  },
);
