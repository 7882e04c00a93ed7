/**
 * A crash after every single effect of a script that goes through each row of the rules: modes, their changes,
 * truncations, deletions, rolls, checkpoints, retention, a clean close. And again inside each recovery.
 *
 * `VARVE_CRASH_STRIDE` takes every n-th effect (19 by default, 1 in the soak), `VARVE_CRASH_DEPTH=2` also crashes after every effect of every recovery.
 */
import { expect, test } from "vitest";
import type { StoreCommand } from "./store-commands.ts";
import { StoreRun } from "./store-run.ts";
import type { Halt } from "./store-run.ts";
import { describe as describeError } from "./store-world.ts";

const soon = 4;
const wait = 100_000;

function append(slot: number, valueBytes: number, batches = 1): StoreCommand {
  return { kind: "append", slot, batches, records: 2, valueBytes, withProducer: true };
}
const idle = (durationMs: number): StoreCommand => ({ kind: "idle", durationMs });
const much = (slot: number): StoreCommand => append(slot, 3000, 6);

/** Slots 0 and 1 are `sync`, 2 is `os`. */
const script: readonly StoreCommand[] = [
  // Journal and os side by side; a seal; what is behind reaches the segments.
  append(0, 20, 2),
  append(1, 20),
  append(2, 20),
  { kind: "follow", slot: 0 },
  idle(30),
  append(0, 500, 3),
  append(2, 500, 2),
  { kind: "checkpoint", patience: soon },
  append(0, 20),
  idle(30),
  // To direct mode and back; segments roll.
  much(0),
  { kind: "events", count: 20 },
  much(0),
  idle(150),
  much(0),
  idle(150),
  append(0, 20),
  idle(1500),
  append(0, 20),
  idle(5),
  // Truncations in journal, direct and os mode.
  append(1, 300, 4),
  idle(5),
  { kind: "truncate", slot: 1, at: 0.5, patience: soon },
  append(0, 20),
  idle(10),
  append(1, 300, 2),
  much(1),
  much(1),
  { kind: "events", count: 30 },
  { kind: "truncate", slot: 1, at: 0.6, patience: wait },
  append(1, 20),
  { kind: "truncate", slot: 2, at: 0.3, patience: wait },
  append(2, 20, 2),
  idle(30),
  // A change of flush in both directions, under load.
  { kind: "change-flush", slot: 0, patience: soon },
  append(0, 100, 2),
  { kind: "events", count: 15 },
  append(0, 100, 2),
  idle(30),
  { kind: "change-flush", slot: 0, patience: wait },
  append(0, 100),
  { kind: "change-flush", slot: 2, patience: wait },
  append(2, 100),
  idle(30),
  // New epochs with and without batches.
  { kind: "start-epoch", slot: 1 },
  { kind: "start-epoch", slot: 1 },
  append(1, 50),
  idle(5),
  // Log start by command and by retention.
  { kind: "high-watermark", slot: 0, at: 0.99 },
  { kind: "delete-records", slot: 0, at: 0.3, patience: wait },
  { kind: "retention", slot: 0, bytes: 5000, patience: wait },
  append(0, 20),
  idle(5),
  // Started anew, as a follower that is far behind.
  append(1, 100, 2),
  idle(5),
  { kind: "restart", slot: 1, gap: 10, patience: wait },
  append(1, 100, 2),
  idle(30),
  // The same name again with another topic id.
  { kind: "create", slot: 3, flush: "sync", patience: soon },
  idle(20),
  append(3, 20, 3),
  idle(5),
  { kind: "delete", slot: 3, patience: wait },
  { kind: "create", slot: 3, flush: "sync", patience: wait },
  append(3, 20, 2),
  idle(600),
  // Compacted, beside appends and a checkpoint; and once more when the time of its tombstones is over.
  ...[500, 700, 900].flatMap((valueBytes) => [append(1, valueBytes, 5), append(2, valueBytes, 4), idle(20)]),
  { kind: "compact", slot: 1, patience: soon },
  append(1, 300),
  { kind: "compact", slot: 2, patience: 60 },
  { kind: "checkpoint", patience: soon },
  append(2, 300),
  idle(2500),
  append(1, 900, 5),
  idle(20),
  { kind: "compact", slot: 1, patience: wait },
  { kind: "compact", slot: 2, patience: wait },
  { kind: "checkpoint", patience: wait },
  { kind: "reopen" },
  append(0, 20, 2),
  append(1, 20, 2),
  append(2, 20, 2),
  idle(5),
];

const stride = Number(process.env["VARVE_CRASH_STRIDE"] ?? 19);
const depth = Number(process.env["VARVE_CRASH_DEPTH"] ?? 1);
/** Every effect is crashed after with all of these. */
const endings = [
  { power: true, seed: 1 },
  { power: true, seed: 2 },
  { power: false, seed: 3 },
];

/** One run that crashes at a known place; says whether the place was reached, with the plan in the error if it fails. */
async function crashAt(halt: Halt): Promise<{ reached: boolean; run: StoreRun }> {
  const run = new StoreRun(7);
  try {
    return { reached: await run.runUntil(halt, script), run };
  } catch (error) {
    throw new Error(`${describeError(error)}\n${JSON.stringify(halt)}\n${run.world.history.slice(-300).join("\n")}`, {
      cause: error,
    });
  }
}

test("LogStore recovers from a crash after each effect of the script", { timeout: 3_600_000 }, async () => {
  let crashes = 0;
  for (const { power, seed } of endings) {
    for (let effects = 1; ; effects += stride) {
      const { reached } = await crashAt({ effects, power, seed: seed + effects, again: [] });
      if (!reached) break;
      crashes++;
    }
  }
  console.log(`crash after each effect: ${crashes} runs`);
  expect(crashes).toBeGreaterThan(0);
});

test("LogStore recovers from a crash after each effect of a recovery", { timeout: 14_400_000 }, async () => {
  let crashes = 0;
  // Every effect of the script is too much for everyday: places far apart, with and without a power cut, each with all effects of its
  // recovery.
  const step = depth >= 2 ? stride : 397;
  for (let effects = step; ; effects += step) {
    const power = effects % 2 === 0;
    let isOver = false;
    for (let inside = 0; !isOver; inside++) {
      const again = [{ power: (effects + inside) % 3 > 0, effects: inside }];
      const { reached, run } = await crashAt({ effects, power, seed: effects, again });
      if (!reached) break;
      isOver = run.recoveryCrashes === 0;
      crashes++;
    }
    if (!isOver) break;
  }
  console.log(`crash after each effect of a recovery: ${crashes} runs`);
  expect(crashes).toBeGreaterThan(0);
});
