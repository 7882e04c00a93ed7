/**
 * Random commands for the model tests, and how many of them are run.
 *
 * `VARVE_MODEL_CASES` sets how many cases run, `VARVE_MODEL_SEED` and `VARVE_MODEL_PATH` replay one that failed (the
 * failure prints both). `VARVE_MODEL_SHRINK=0` stops at the first failure without making it smaller.
 */
import * as fc from "fast-check";
import { expect } from "vitest";
import type { DiskOperation } from "./simulated-disk.ts";
import type { StoreCase, StoreCommand } from "./store-commands.ts";
import { runStoreCase } from "./store-run.ts";

type Crash = Extract<StoreCommand, { kind: "crash" }>;

const slot = fc.nat(4);
export const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
/** How many events are waited for a command to end before the next one runs beside it. */
const patience = fc.constantFrom(0, 3, 20, 100_000, 100_000);
const effects = fc.oneof(fc.nat(3), fc.nat(40));

export const command: fc.Arbitrary<StoreCommand> = fc.oneof(
  {
    weight: 24,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      slot,
      batches: fc.integer({ min: 1, max: 6 }),
      records: fc.integer({ min: 1, max: 4 }),
      valueBytes: fc.constantFrom(1, 10, 200, 1000),
      withProducer: fc.boolean(),
    }),
  },
  // Much data at once: direct mode.
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      slot,
      batches: fc.integer({ min: 4, max: 10 }),
      records: fc.integer({ min: 1, max: 3 }),
      valueBytes: fc.constantFrom(2000, 4000),
      withProducer: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("append-as-follower" as const),
      slot,
      batches: fc.integer({ min: 1, max: 4 }),
      valueBytes: fc.constantFrom(10, 200, 4000),
      newEpoch: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("resend" as const), slot }) },
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant("events" as const), count: fc.integer({ min: 1, max: 60 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("idle" as const), durationMs: fc.constantFrom(5, 20, 150, 1000, 7000) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("truncate" as const), slot, at, patience }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("restart" as const), slot, gap: fc.constantFrom(0, 1, 100), patience }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("start-epoch" as const), slot }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("change-flush" as const), slot, patience }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("high-watermark" as const), slot, at }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("retention" as const),
      slot,
      bytes: fc.constantFrom(-1, 0, 5000, 20_000),
      patience,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("delete-records" as const), slot, at, patience }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("compact" as const), slot, patience }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("checkpoint" as const), patience }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("create" as const),
      slot,
      flush: fc.constantFrom("sync" as const, "sync" as const, "os" as const),
      patience,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), slot, patience }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      slot,
      at,
      maxBytes: fc.constantFrom(1, 500, 5000, 100_000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("find-time" as const), slot, at }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("follow" as const), slot }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("fault" as const),
      operation: fc.constantFrom<DiskOperation>(
        "write",
        "write",
        "sync",
        "sync",
        "syncDirectory",
        "create",
        "truncate",
      ),
      path: fc.constantFrom("journal" as const, "topics" as const, "topics" as const, "" as const),
      effect: fc.constantFrom("fail" as const, "fail" as const, "fail" as const, "hang" as const),
      noSpace: fc.boolean(),
      skip: fc.nat(6),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("quota" as const),
      freeBytes: fc.constantFrom(0, 2000, 30_000, Infinity),
    }),
  },
  {
    weight: 9,
    arbitrary: crashWith(
      fc.oneof(
        { weight: 4, arbitrary: fc.constant(undefined) },
        {
          weight: 1,
          arbitrary: fc.record({
            among: fc.constantFrom("", ".log", ".wal", "checkpoint"),
            file: at,
            at,
            bit: fc.nat(7),
            lose: fc.constantFrom("nothing" as const, "nothing" as const, "end" as const, "file" as const),
          }),
        },
      ),
    ),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "reopen" as const }) },
);

export function crashWith(flip: fc.Arbitrary<Crash["flip"]>): fc.Arbitrary<Crash> {
  return fc.record({
    kind: fc.constant("crash" as const),
    power: fc.boolean(),
    effects,
    seed: fc.integer(),
    again: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(fc.record({ power: fc.boolean(), effects }), { minLength: 1, maxLength: 2 }) },
    ),
    flip,
  });
}

export const cases = Number(process.env["VARVE_MODEL_CASES"] ?? 200);
/** Cases of the other kinds: they are shorter, and of one sort. */
export const fewerCases = Math.ceil(cases / 4);
// Everyday runs are the same everywhere; long ones are new each time.
const seed = process.env["VARVE_MODEL_SEED"] ?? (process.env["VARVE_MODEL_CASES"] === undefined ? "1" : undefined);
const path = process.env["VARVE_MODEL_PATH"];
const shrinks = process.env["VARVE_MODEL_SHRINK"] !== "0" && path === undefined;

/** Runs so many cases; `met`: what must happen in two hundred and more, since otherwise they prove nothing about it. */
export async function runCases(one: fc.Arbitrary<StoreCase>, count: number, met: readonly string[]): Promise<void> {
  const coverage = new Map<string, number>();
  const details = await fc.check(
    fc.asyncProperty(one, async (found) => runStoreCase(found, coverage)),
    {
      numRuns: path === undefined ? count : 1,
      endOnFailure: !shrinks,
      ...(seed === undefined ? {} : { seed: Number(seed) }),
      ...(path === undefined ? {} : { path }),
    },
  );
  console.log(
    `model: ${details.numRuns} cases; ${[...coverage].map(([what, times]) => `${times} × ${what}`).join(", ")}`,
  );
  if (details.failed) {
    const commands = details.counterexample?.[0].commands.map((command) => `  ${JSON.stringify(command)}`).join("\n");
    const replay = `VARVE_MODEL_SEED=${details.seed} VARVE_MODEL_PATH=${details.counterexamplePath}`;
    // At once: the runner reports an error only when all files are through.
    console.log(`Case ${details.numRuns} failed; replay with ${replay} and the name of the test (-t)`);
    throw new Error(
      `Case ${details.numRuns} failed; replay with ${replay} and the name of the test (-t)\nworld seed ${details.counterexample?.[0].seed}\n${commands}\n${describeFailure(details)}`,
    );
  }
  if (cases < 200 || path !== undefined) return;
  for (const what of met) expect(coverage.get(what) ?? 0, what).toBeGreaterThan(0);
}

function describeFailure(details: { errorInstance?: unknown }): string {
  return details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance);
}
