/** The whole store against a simple model, on the simulated disk: random commands, crashes, faults and flips (`store-cases.ts`). */
import * as fc from "fast-check";
import { test } from "vitest";
import { at, cases, command, crashWith, fewerCases, runCases } from "./store-cases.ts";
import type { StoreCase, StoreCommand } from "./store-commands.ts";

const storeCase: fc.Arbitrary<StoreCase> = fc.record({
  seed: fc.noShrink(fc.integer()),
  commands: fc.array(command, { minLength: 1, maxLength: 60, size: "max" }),
});

/** Before a checkpoint has it, only the journal knows where a log begins and what was cut: it is damaged then. */
const journalCase: fc.Arbitrary<StoreCase> = fc
  .record({
    seed: fc.noShrink(fc.integer()),
    before: fc.array(movedStart(), { minLength: 1, maxLength: 4, size: "max" }),
    damage: crashWith(
      fc.record({
        among: fc.constant(".wal"),
        file: at,
        at,
        bit: fc.nat(7),
        lose: fc.constantFrom("nothing" as const, "end" as const, "file" as const),
      }),
    ),
    after: fc.array(command, { maxLength: 15, size: "max" }),
  })
  .map(({ seed, before, damage, after }) => ({ seed, commands: [...before.flat(), damage, ...after] }));

/** Some batches count, and then something of which the files need not show a trace. */
function movedStart(): fc.Arbitrary<StoreCommand[]> {
  const wait = 100_000;
  return fc
    .record({
      slot: fc.nat(2),
      batches: fc.integer({ min: 1, max: 8 }),
      records: fc.integer({ min: 1, max: 4 }),
      valueBytes: fc.constantFrom(1, 200, 1000, 4000),
      what: fc.constantFrom("delete-records", "delete-records", "retention", "restart", "truncate", "start-epoch"),
      share: at,
    })
    .map(({ slot: of, what, share, ...amount }): StoreCommand[] => {
      const then: Record<typeof what, StoreCommand> = {
        "delete-records": { kind: "delete-records", slot: of, at: share, patience: wait },
        retention: { kind: "retention", slot: of, bytes: 0, patience: wait },
        restart: { kind: "restart", slot: of, gap: share < 0.5 ? 0 : 7, patience: wait },
        truncate: { kind: "truncate", slot: of, at: share, patience: wait },
        "start-epoch": { kind: "start-epoch", slot: of },
      };
      return [
        { kind: "append", slot: of, ...amount, withProducer: share < 0.3 },
        { kind: "idle", durationMs: 12 },
        { kind: "high-watermark", slot: of, at: 0.99 },
        then[what],
      ];
    });
}

test(
  `LogStore keeps what counted, and only that, through ${cases} runs of commands and crashes`,
  { timeout: 14_400_000 },
  async () => {
    await runCases(storeCase, cases, [
      "power cut",
      "kill",
      "crash in recovery",
      "truncation",
      "deletion",
      "delete records",
      "duplicate",
    ]);
  },
);

test(
  `LogStore keeps what is left, and says what is not, through ${fewerCases} journals that are damaged`,
  { timeout: 14_400_000 },
  async () => {
    await runCases(journalCase, fewerCases, ["quarantine", "lost end", "lost file", "flip", "log start lost"]);
  },
);
