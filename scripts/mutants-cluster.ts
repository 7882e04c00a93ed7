// SPDX-License-Identifier: Apache-2.0
// `npm run mutants:cluster [-- name…]`: breaks one rule of a cluster at a time, in the real drivers, logs or decisions
// (packages/broker/test/mutants/*.patch), in a copy of the sources. Simulated clusters must notice, and where a rule is out of
// their reach, the tests of replication and of the controller.
//
// `--seeds 150` bounds the worlds per mutant, `--from 1` says where they begin, `--list` says what there is.

import { huntMutants, listMutants, type Hunt } from "./hunt-mutants.ts";

const args = process.argv.slice(2);

function numberOf(option: string, otherwise: number): number {
  const at = args.indexOf(option);
  return at < 0 ? otherwise : Number(args.splice(at, 2)[1]);
}

const seeds = numberOf("--seeds", 150);
const from = numberOf("--from", 1);

const hunt: Hunt = {
  patches: "packages/broker/test/mutants",
  copied: ["broker", "cluster", "log"].flatMap((name) => [`packages/${name}/src`, `packages/${name}/package.json`]),
  linked: {
    "@varve/broker": "packages/broker",
    "@varve/cluster": "packages/cluster",
    "@varve/log": "packages/log",
  },
  hunters: [
    {
      name: "worlds",
      files: ["packages/broker/src/testing/cluster-world/cluster-world.test.ts"],
      cases: /seed (\d+) fails/,
    },
    {
      name: "rules",
      files: [
        "packages/broker/src/drivers/replication",
        "packages/cluster/src/partition",
        "packages/cluster/src/controller",
      ],
    },
  ],
  environment: { VARVE_CLUSTER_SEEDS: String(seeds), VARVE_CLUSTER_FROM: String(from) },
  how: /(?:seed \d+ fails: |AssertionError: |Error: )([^\n]*)/,
  survived: `survived ${seeds} worlds and the tests of replication`,
};

if (args.includes("--list") || args.includes("--help")) listMutants(hunt);
else if (!(await huntMutants(hunt, args))) process.exitCode = 1;
