// SPDX-License-Identifier: Apache-2.0
// Whole nodes in simulated worlds. RAFT_RUNTIME_SEEDS=200 RAFT_RUNTIME_FROM=1 for more.

import { expect, test } from "vitest";
import { runRuntimeCase } from "./runtime-case.ts";

const seeds = Number(process.env["RAFT_RUNTIME_SEEDS"] ?? 6);
const from = Number(process.env["RAFT_RUNTIME_FROM"] ?? 1);
const seconds = Number(process.env["RAFT_RUNTIME_SECONDS"] ?? 15);

for (let seed = from; seed < from + seeds; seed += 1) {
  test(`nodes keep their promises in the world of seed ${seed}`, async () => {
    const { events, answers, faults } = await runRuntimeCase(seed, seconds);
    expect(events).toBeGreaterThan(1000);
    expect(answers.success).toBeGreaterThan(0);
    if (process.env["RAFT_RUNTIME_TABLE"] !== undefined) console.log(seed, events, answers, faults);
  });
}

test("IR16: the same seed gives the same run", async () => {
  expect(await runRuntimeCase(from + 2, 5)).toEqual(await runRuntimeCase(from + 2, 5));
});
