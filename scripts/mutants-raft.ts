// SPDX-License-Identifier: Apache-2.0
// `npm run mutants:raft [-- name…]`: breaks one rule of the Raft core at a time (packages/raft-ts/test/mutants/*.patch) in a
// copy of its sources. The simulator must notice, and where a rule is there for progress only, the dialogues and tables; of the
// rules of forming a cluster, the exhaustive search; of the runtime, its tests and the worlds of whole nodes; of storage and
// transport, the tests beside them that the patch names.
//
// `--events 4000000` bounds the simulation per mutant (about 200 seeds), `--list` says what there is.

import { huntMutants, listMutants, type Hunt } from "./hunt-mutants.ts";

const args = process.argv.slice(2);
const eventsAt = args.indexOf("--events");
const events = eventsAt < 0 ? 4_000_000 : Number(args.splice(eventsAt, 2)[1]);

const hunt: Hunt = {
  patches: "packages/raft-ts/test/mutants",
  copied: [
    "packages/raft-ts/src",
    "packages/raft-ts/package.json",
    "packages/raft-ts/proto",
    "packages/raft-ts/test/regressions",
    "packages/raft-ts/test/tls",
    "packages/raft-ts/testdata",
  ],
  hunters: [
    { name: "worlds", files: ["packages/raft-ts/src/testing/core-world.test.ts"], cases: /seed (\d+) fails/ },
    { name: "rules", files: ["packages/raft-ts/src/core"], cases: /run (\d+) failed/ },
    { name: "forming", files: ["packages/raft-ts/src/bootstrap"], cases: /seed (\d+) fails/ },
    {
      name: "runtime",
      files: ["packages/raft-ts/src/runtime", "packages/raft-ts/src/testing/runtime-case.test.ts"],
      cases: /world of seed (\d+)/,
    },
    {
      name: "storage",
      files: ["level-storage", "level-database", "ballast"].map(
        (name) => `packages/raft-ts/src/storage/${name}.test.ts`,
      ),
    },
    { name: "crashes", files: ["packages/raft-ts/src/storage/crash-steps.test.ts"], cases: /failed after (\d+) tests/ },
    { name: "damage", files: ["packages/raft-ts/src/storage/damage.test.ts"] },
    { name: "transport", files: ["packages/raft-ts/src/transport"] },
  ],
  environment: { RAFT_SIM_EVENTS: String(events), RAFT_RUNTIME_SEEDS: "16" },
  how: /(?:seed \d+ fails: |RaftFatal: |AssertionError: |Error: )([^\n]*)/,
  survived: `survived ${events} events and every dialogue`,
};

if (args.includes("--list") || args.includes("--help")) listMutants(hunt);
else if (!(await huntMutants(hunt, args))) process.exitCode = 1;
