// SPDX-License-Identifier: Apache-2.0
// `npm run mutants:partition [-- name…]`: breaks one rule of replicated partitions at a time (packages/cluster/test/mutants/*.patch)
// in a copy of the sources. The abstract worlds must notice, and where a rule is out of their reach, its own tests.
//
// `--seeds 1500` bounds the worlds per mutant, `--list` says what there is.

import { huntMutants, listMutants, type Hunt } from "./hunt-mutants.ts";

const args = process.argv.slice(2);
const seedsAt = args.indexOf("--seeds");
const seeds = seedsAt < 0 ? 1_500 : Number(args.splice(seedsAt, 2)[1]);

const hunt: Hunt = {
  patches: "packages/cluster/test/mutants",
  copied: ["packages/cluster/src", "packages/cluster/package.json", "packages/cluster/testdata"],
  hunters: [
    { name: "worlds", files: ["packages/cluster/src/testing/partition-world.test.ts"], cases: /seed (\d+) fails/ },
    { name: "traces", files: ["packages/cluster/src/testing/partition-stage.test.ts"], cases: /after (\d+) tests/ },
    {
      name: "rules",
      files: ["packages/cluster/src/partition", "packages/cluster/src/controller"],
      cases: /after (\d+) tests/,
    },
  ],
  environment: { VARVE_PARTITION_SEEDS: String(seeds), VARVE_PARTITION_SHRINK: "0" },
  control: { VARVE_PARTITION_SEEDS: "20" },
  how: /(?:seed \d+ fails: |AssertionError: |Error: )([^\n]*)/,
  survived: `survived ${seeds} worlds and every rule's own tests`,
};

if (args.includes("--list") || args.includes("--help")) listMutants(hunt);
else if (!(await huntMutants(hunt, args))) process.exitCode = 1;
