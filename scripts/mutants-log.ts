// SPDX-License-Identifier: Apache-2.0
// `npm run mutants:log [-- name…]`: breaks one rule of the storage engine at a time (test/mutants/*.patch) in a copy of
// its sources, and runs the tests that must notice.
//
// `--cases 3000` bounds the model test per mutant, `--list` says what there is.

import { huntMutants, listMutants, type Hunt } from "./hunt-mutants.ts";

const args = process.argv.slice(2);
const casesAt = args.indexOf("--cases");
const cases = casesAt < 0 ? 3000 : Number(args.splice(casesAt, 2)[1]);

const hunt: Hunt = {
  patches: "test/mutants",
  copied: ["packages/log/src", "packages/log/package.json"],
  hunters: [
    { name: "model", files: ["packages/log/src/testing/store.model.test.ts"], cases: /Case (\d+) failed/ },
    {
      name: "compaction",
      files: ["packages/log/src/testing/store.compaction.model.test.ts"],
      cases: /Case (\d+) failed/,
    },
    { name: "flips", files: ["packages/log/src/flips.test.ts"] },
    { name: "crash", files: ["packages/log/src/testing/store.crash.test.ts"] },
    {
      name: "unit",
      files: ["packages/log/src"],
      leftOut: ["**/testing/**", "**/flips.test.ts", "**/crash.test.ts"],
    },
  ],
  environment: { VARVE_MODEL_CASES: String(cases), VARVE_MODEL_SHRINK: "0" },
  how: /(?:ViolationError|SimulationStuckError|InvariantError|TypeError|AssertionError|LogError[^:]*): ([^\n]*)/,
  survived: `survived ${cases} cases, flips, every crash and the unit tests`,
};

if (args.includes("--list") || args.includes("--help")) listMutants(hunt);
else if (!(await huntMutants(hunt, args))) process.exitCode = 1;
