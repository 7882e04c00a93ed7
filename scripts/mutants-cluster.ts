// SPDX-License-Identifier: Apache-2.0
// `npm run mutants:cluster [-- name…]`: breaks one rule of a cluster at a time, in the real drivers, logs or decisions
// (packages/broker/test/mutants/*.patch), in a copy of the sources. The tests of decisions and drivers must notice, or else simulated
// clusters; of patches that say `Hunter: worlds` the clusters must.
//
// `--seeds 40` bounds the worlds per mutant, `--from 1` says where they begin, `--hunter worlds` sends that one alone, `--list` says
// what there is.

import { huntMutants, listMutants, type Hunt, type Hunter } from "./hunt-mutants.ts";

const args = process.argv.slice(2);

function numberOf(option: string, otherwise: number): number {
  const at = args.indexOf(option);
  return at < 0 ? otherwise : Number(args.splice(at, 2)[1]);
}

const seeds = numberOf("--seeds", 40);
const from = numberOf("--from", 1);
const hunterAt = args.indexOf("--hunter");
const only = hunterAt < 0 ? undefined : args.splice(hunterAt, 2)[1];

const hunters: readonly Hunter[] = [
  {
    name: "decisions",
    files: ["partition", "controller", "testing/partition-stage.test.ts"].map((name) => `packages/cluster/src/${name}`),
    isShared: true,
  },
  {
    name: "replication",
    files: ["packages/broker/src/drivers/replication"],
    // Real connections: what they hold back is the kernel's affair.
    leftOut: ["**/replication-service.test.ts"],
    isShared: true,
  },
  {
    name: "drivers",
    files: ["controller", "disk-trouble.test.ts"].map((name) => `packages/broker/src/drivers/${name}`),
    isShared: true,
  },
  { name: "log", files: ["packages/log/src/store.test.ts"] },
  {
    name: "starts",
    files: ["registration.test.ts", "drivers/strays.test.ts"].map((name) => `packages/broker/src/${name}`),
    isShared: true,
  },
  {
    name: "worlds",
    files: ["packages/broker/src/testing/cluster-world/cluster-world.test.ts"],
    cases: /seed (\d+) fails/,
  },
];

const hunt: Hunt = {
  patches: "packages/broker/test/mutants",
  copied: [
    ...["broker", "cluster", "log"].flatMap((name) => [`packages/${name}/src`, `packages/${name}/package.json`]),
    "packages/cluster/testdata",
  ],
  linked: {
    "@varve/broker": "packages/broker",
    "@varve/cluster": "packages/cluster",
    "@varve/log": "packages/log",
  },
  hunters,
  only,
  environment: { VARVE_CLUSTER_SEEDS: String(seeds), VARVE_CLUSTER_FROM: String(from) },
  control: { VARVE_CLUSTER_SEEDS: "1" },
  how: /(?:seed \d+ fails: |AssertionError: |Error: )([^\n]*)/,
  survived: `survived ${seeds} worlds and the tests of decisions and drivers`,
};

if (args.includes("--list") || args.includes("--help")) listMutants(hunt);
else if (!(await huntMutants(hunt, args))) process.exitCode = 1;
