// SPDX-License-Identifier: Apache-2.0
// Every order of a few machines' steps, with bounded crashes and changes of disks: at most one cluster begins (M9), and when
// faults end a cluster runs, or whoever does not run in it says why.

import { expect, test } from "vitest";
import {
  after,
  checkLiveness,
  checkSafety,
  initialState,
  mountedDisk,
  type ModelState,
  type ModelStep,
} from "../testing/bootstrap-model.ts";
import { RandomStream } from "../testing/random-stream.ts";

/** Soak: more of everything. */
const isFull = process.env["RAFT_BOOTSTRAP_FULL"] === "1";

interface Bounds {
  readonly machines: number;
  readonly crashes: number;
  /** Restarts of one and the same machine with another of two disks. */
  readonly mounts: number;
  /** In every so many-th state; 0 never. */
  readonly livenessEvery: number;
}

const small: readonly Bounds[] = [
  { machines: 1, crashes: 3, mounts: 0, livenessEvery: 1 },
  { machines: 2, crashes: 3, mounts: 0, livenessEvery: 1 },
  { machines: 3, crashes: 1, mounts: 0, livenessEvery: 1 },
  { machines: 3, crashes: 0, mounts: 1, livenessEvery: 5 },
  { machines: 3, crashes: 0, mounts: 2, livenessEvery: 0 },
];
const full: readonly Bounds[] = [
  { machines: 3, crashes: 1, mounts: 1, livenessEvery: 1 },
  { machines: 3, crashes: 2, mounts: 1, livenessEvery: 0 },
  { machines: 3, crashes: 1, mounts: 2, livenessEvery: 0 },
  { machines: 3, crashes: 0, mounts: 4, livenessEvery: 0 },
];

test.each([...small, ...(isFull ? full : [])])(
  "decide() forms one cluster in every order: $machines machines, $crashes crashes, $mounts mounts",
  (bounds) => {
    const { states, established } = explore(bounds);
    console.info(`${states} states, a cluster began in ${established}`);
    expect(established).toBeGreaterThan(0);
  },
  3_600_000,
);

test("decide() forms one cluster on random walks of up to seven machines, and says why when it cannot", () => {
  const began = new Set<number>();
  for (let seed = 1; seed <= (isFull ? 200_000 : 2_000); seed++) {
    const random = new RandomStream(seed, "bootstrap");
    const count = random.between(1, 7);
    // Fewer than half of the disks may go, except where everything may.
    const losable = new Set(random.shuffle(indexes(count)).slice(0, random.chance(0.9) ? (count - 1) >> 1 : count));
    const tells = random.chance(0.1);
    let state = initialState(count);
    for (let left = random.between(10, 40 * count); left > 0; left--) {
      const next = after(state, drawStep(random, count, losable, tells));
      if (next === undefined) continue;
      state = next;
      checkSafety(state);
    }
    if (!tells) state = checkLiveness(state);
    checkSafety(state);
    if (state.established.length > 0) began.add(count);
  }
  expect(began).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]));
});

test("M9: a wiped disk is not taken for what it was, so what the others committed stays", () => {
  // X is committed on n1 and n2, n3 lags; n2's disk is lost. If n2 formed itself again, n2 and n3 could elect n3, without X.
  let state = checkLiveness(initialState(3));
  const [cluster] = state.established;
  for (const step of ["crash", "wipe", "boot"] as const) state = after(state, { step, by: 1 })!;
  state = after(state, { step: "crash", by: 0 })!;
  for (const from of [0, 2]) state = after(state, { step: "ask", by: 1, from }) ?? state;
  state = after(state, { step: "decide", by: 1 })!;
  expect(mountedDisk(state.machines[1]!).document).toBeNull();
  state = checkLiveness(state);
  expect(state.machines.map(({ isStarted }) => isStarted)).toEqual([true, false, true]);
  expect(state.established).toEqual([cluster]);
});

/** Depth first over all states; every one is visited once. */
function explore({ machines, crashes, mounts, livenessEvery }: Bounds): { states: number; established: number } {
  const seen = new Set<string>();
  const open = [{ state: initialState(machines), crashes, mounts }];
  let established = 0;
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    const { state } = top;
    const key = `${keyOf(state)} ${top.crashes} ${top.mounts}`;
    if (seen.has(key)) continue;
    seen.add(key);
    checkSafety(state);
    if (livenessEvery > 0 && seen.size % livenessEvery === 0) checkLiveness(state);
    if (state.established.length > 0) established++;
    for (const step of freeSteps(machines)) {
      const next = after(state, step);
      if (next !== undefined) open.push({ ...top, state: next });
    }
    for (const by of indexes(machines)) {
      const crashed = after(state, { step: "crash", by });
      if (crashed !== undefined && top.crashes > 0) open.push({ ...top, state: crashed, crashes: top.crashes - 1 });
      if (top.mounts === 0 || state.machines.some(({ disks }, at) => at !== by && disks.length > 1)) continue;
      for (const disk of [0, 1]) {
        const next = after(crashed ?? state, { step: "mount", by, disk });
        if (next !== undefined) open.push({ ...top, state: next, mounts: top.mounts - 1 });
      }
    }
  }
  return { states: seen.size, established };
}

function freeSteps(machines: number): ModelStep[] {
  return indexes(machines).flatMap((by): ModelStep[] => [
    ...indexes(machines).map((from): ModelStep => ({ step: "ask", by, from })),
    { step: "decide", by },
    { step: "boot", by },
    { step: "commit", by },
  ]);
}

function drawStep(random: RandomStream, count: number, losable: ReadonlySet<number>, tells: boolean): ModelStep {
  const by = random.below(count);
  const from = random.below(count);
  if (random.chance(0.1)) return { step: "crash", by };
  if (losable.has(by) && random.chance(0.1)) {
    return random.chance(0.3) ? { step: "wipe", by } : { step: "mount", by, disk: random.below(3) };
  }
  if (tells && random.chance(0.02)) {
    const others = indexes(count).filter((at) => at === by || random.chance(0.7));
    return { step: "tell", by, peers: others };
  }
  const kind = random.pick(["ask", "ask", "ask", "decide", "boot", "commit"] as const);
  return kind === "ask" ? { step: "ask", by, from } : { step: kind, by };
}

/** Everything that a state's future depends on. Documents are told apart by their names. */
function keyOf({ machines, ran }: ModelState): string {
  const parts = machines.map(({ isUp, isStarted, mounted, disks, heard }) => {
    const written = disks.map(({ document, hasRun, begun }) => [name(document?.clusterId), hasRun, begun].join());
    const known = heard.map(
      (answer) => answer && [answer.dirId.slice(0, 2), name(answer.clusterId), answer.begun].join(),
    );
    return [isUp, isStarted, mounted, written.join("/"), known.join("/")].join(" ");
  });
  return [...parts, ...ran.map(([id]) => id.slice(0, 5))].join("|");
}

function name(clusterId: string | null | undefined): string {
  return clusterId?.slice(0, 8) ?? "";
}

function indexes(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at);
}
