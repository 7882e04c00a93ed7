// SPDX-License-Identifier: Apache-2.0
// Which rules are broken on purpose, where, and which tests must notice: one suite per `npm run mutants:…`.

import type { Hunt } from "./hunt-mutants.ts";

/** A number that bounds a hunter's work per mutant, by the name of its option. */
interface Bound {
  readonly about: string;
  /** Of the environment of the hunters. */
  readonly variable: string;
  readonly usual: number;
}

export interface Suite {
  readonly about: string;
  readonly bounds: Readonly<Record<string, Bound>>;
  /** Its environment holds what no option changes. */
  readonly hunt: Hunt;
}

const how = /(?:seed \d+ fails: |AssertionError: |Error: )([^\n]*)/;

/** The real drivers, logs and decisions of a cluster: tests of each, or else simulated clusters; where a patch says so, these alone. */
const cluster: Suite = {
  about: "breaks one rule of brokers, logs and decisions in a cluster at a time",
  bounds: {
    seeds: { about: "worlds per mutant", variable: "VARVE_CLUSTER_SEEDS", usual: 40 },
    from: { about: "the first of them", variable: "VARVE_CLUSTER_FROM", usual: 1 },
  },
  hunt: {
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
    hunters: [
      {
        name: "decisions",
        files: ["partition", "controller", "testing/partition-stage.test.ts"].map(
          (name) => `packages/cluster/src/${name}`,
        ),
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
    ],
    environment: {},
    control: { VARVE_CLUSTER_SEEDS: "1" },
    how,
    survived: "survived the worlds and the tests of decisions and drivers",
  },
};

/** Consumer groups: their worlds, and where a rule is out of their reach, its own tests. */
const groups: Suite = {
  about: "breaks one rule of consumer groups at a time",
  bounds: { events: { about: "events of worlds per mutant", variable: "VARVE_GROUP_EVENTS", usual: 3_000_000 } },
  hunt: {
    patches: "packages/cluster/test/group-mutants",
    copied: ["packages/cluster/src", "packages/cluster/package.json", "packages/cluster/testdata"],
    hunters: [
      { name: "worlds", files: ["packages/cluster/src/testing/group-world.test.ts"], cases: /seed (\d+) fails/ },
      { name: "rules", files: ["packages/cluster/src/group"], cases: /after (\d+) tests/ },
    ],
    environment: { VARVE_GROUP_SHRINK: "0" },
    control: { VARVE_GROUP_EVENTS: "100000" },
    how,
    survived: "survived the worlds and every rule's own tests",
  },
};

/** The storage engine. */
const log: Suite = {
  about: "breaks one rule of the storage engine at a time",
  bounds: { cases: { about: "cases of the model per mutant", variable: "VARVE_MODEL_CASES", usual: 3_000 } },
  hunt: {
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
    environment: { VARVE_MODEL_SHRINK: "0", VARVE_CRASH_STRIDE: "9" },
    // What two hundred cases must meet depends on their seed.
    control: { VARVE_MODEL_CASES: "200", VARVE_MODEL_SEED: "1", VARVE_CRASH_STRIDE: "40" },
    how: /(?:ViolationError|SimulationStuckError|InvariantError|TypeError|AssertionError|LogError[^:]*): ([^\n]*)/,
    survived: "survived the model, flips, every crash and the unit tests",
  },
};

/** One replicated partition: abstract worlds, and where a rule is out of their reach, traces and its own tests. */
const partition: Suite = {
  about: "breaks one rule of replicated partitions at a time",
  bounds: { seeds: { about: "worlds per mutant", variable: "VARVE_PARTITION_SEEDS", usual: 1_500 } },
  hunt: {
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
    environment: { VARVE_PARTITION_SHRINK: "0" },
    control: { VARVE_PARTITION_SEEDS: "20" },
    how,
    survived: "survived the worlds and every rule's own tests",
  },
};

/**
 * raft-ts. The simulator must notice, and where a rule is there for progress only, the dialogues and tables; of the rules of forming a
 * cluster, the exhaustive search; of the runtime, its tests and the worlds of whole nodes; of storage and transport, the tests beside
 * them that the patch names.
 */
const raft: Suite = {
  about: "breaks one rule of raft-ts at a time: core, forming, runtime, storage, transport",
  bounds: {
    events: {
      about: "events of the simulation per mutant, 4,000,000 are about 200 seeds",
      variable: "RAFT_SIM_EVENTS",
      usual: 4_000_000,
    },
  },
  hunt: {
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
      {
        name: "crashes",
        files: ["packages/raft-ts/src/storage/crash-steps.test.ts"],
        cases: /failed after (\d+) tests/,
      },
      { name: "damage", files: ["packages/raft-ts/src/storage/damage.test.ts"] },
      { name: "transport", files: ["packages/raft-ts/src/transport"] },
    ],
    environment: { RAFT_RUNTIME_SEEDS: "16" },
    control: { RAFT_SIM_EVENTS: "100000", RAFT_RUNTIME_SEEDS: "1" },
    how: /(?:seed \d+ fails: |RaftFatal: |AssertionError: |Error: )([^\n]*)/,
    survived: "survived the simulation and every dialogue",
  },
};

/** By the name in `npm run mutants:NAME`. */
export const suites: Readonly<Record<string, Suite>> = { cluster, groups, log, partition, raft };
