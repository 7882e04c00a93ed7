// SPDX-License-Identifier: Apache-2.0
// `npm run mutants:groups [-- name…]`: breaks one rule of consumer groups at a time (packages/cluster/test/group-mutants/*.patch) in a copy
// of the sources. The worlds of groups must notice, and where a rule is out of their reach, its own tests.
//
// `--events 3000000` bounds the worlds per mutant, `--list` says what there is.

import { huntMutants, listMutants, type Hunt } from "./hunt-mutants.ts";

const args = process.argv.slice(2);
const eventsAt = args.indexOf("--events");
const events = eventsAt < 0 ? 3_000_000 : Number(args.splice(eventsAt, 2)[1]);

const hunt: Hunt = {
  patches: "packages/cluster/test/group-mutants",
  copied: ["packages/cluster/src", "packages/cluster/package.json", "packages/cluster/testdata"],
  hunters: [
    { name: "worlds", files: ["packages/cluster/src/testing/group-world.test.ts"], cases: /seed (\d+) fails/ },
    { name: "rules", files: ["packages/cluster/src/group"], cases: /after (\d+) tests/ },
  ],
  environment: { VARVE_GROUP_EVENTS: String(events), VARVE_GROUP_SHRINK: "0" },
  control: { VARVE_GROUP_EVENTS: "100000" },
  how: /(?:seed \d+ fails: |AssertionError: |Error: )([^\n]*)/,
  survived: `survived ${events} events of worlds and every rule's own tests`,
};

if (args.includes("--list") || args.includes("--help")) listMutants(hunt);
else if (!(await huntMutants(hunt, args))) process.exitCode = 1;
