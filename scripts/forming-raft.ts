// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run forming:raft`: three processes with blank directories form a cluster over gRPC, while they start late, die by SIGKILL
 * at any step, are started again, and one of them loses its directory. Then comes peace, and an operator who does what the
 * nodes ask for. What must hold:
 *
 *   - no disk is ever of two clusters, and of all clusters only one was ever run by a majority of its voters (M9)
 *   - in the end everybody runs in that cluster, with every write that was acknowledged on the way (M11)
 *
 *   -- --trials T      (default 5)
 *   -- --seed N        of the first; when things happen is the machine's too
 *
 * Ends with 0 when all of it held. Leaves no process, port or file behind.
 */

import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { InitialPeer, PeerId } from "raft-ts";
import { RandomStream } from "raft-ts/testing";
import { MemberProcess, freePorts, leaderOf, pause, stateOf } from "./chaos-raft-process.ts";

const { values: options } = parseArgs({
  options: { trials: { type: "string", default: "5" }, seed: { type: "string" } },
});
const trials = Number(options.trials);
const firstSeed = Number(options.seed ?? Date.now() % 1_000_000);

const nodes = 3;
const writesMax = 200;
/** Most moments of a process that forms; see `MemberStart.lastMoment`. */
const momentsMax = 30;
const peaceMs = 60_000;
/** An operator looks for so long before he believes a message. */
const patienceMs = 1_000;

const counts: Record<string, number> = {};

function count(what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

class Trial {
  readonly violations: string[] = [];
  readonly #random: RandomStream;
  readonly #members: readonly MemberProcess[];
  /** Disks that ever ran a core, by cluster. */
  readonly #ran = new Map<string, Set<PeerId>>();
  readonly #acknowledged: number[] = [];
  #isOver = false;

  constructor(seed: number, directory: string, peers: readonly InitialPeer[]) {
    this.#random = new RandomStream(seed, "forming");
    this.#members = peers.map((peer) => {
      return new MemberProcess(
        peer,
        join(directory, peer.nodeId),
        peers,
        (why) => this.violations.push(why),
        (id, clusterId) => this.#starts(id, clusterId),
      );
    });
  }

  async run(): Promise<void> {
    const client = this.#write();
    // At most one of them loses its directory: what is promised ends where half of the disks are lost.
    const wiped = this.#random.chance(0.6) ? this.#random.pick(this.#members) : undefined;
    const late = this.#random.chance(0.5) ? this.#random.pick(this.#members) : undefined;
    await Promise.all(this.#members.map((member) => this.#live(member, member === wiped, member === late)));
    if (await this.#settle()) {
      await within(peaceMs, () => this.#acknowledged.length > 0);
      this.#isOver = true;
      await client;
      await this.#check();
    }
    await Promise.all(this.#members.map((member) => member.stop()));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#members.map((member) => member.kill()));
  }

  /** For the end of everything. */
  killAll(): void {
    for (const member of this.#members) void member.kill();
  }

  // ---- What happens ----

  /** Some short lives, then one without an end. */
  async #live(member: MemberProcess, isWiped: boolean, isLate: boolean): Promise<void> {
    const random = this.#random;
    await pause(random.below(isLate ? 3_000 : 400));
    const lives = random.below(4);
    const wipedAfter = isWiped ? random.below(Math.max(lives, 1)) : -1;
    for (let life = 0; life < Math.max(lives, isWiped ? 1 : 0); life++) {
      const isExact = random.chance(0.7);
      member.start("form", isExact ? random.between(1, momentsMax) : 0);
      // A life begins when the disk is known; processes take their time to start.
      await within(peaceMs, () => member.peer !== undefined || !member.isRunning);
      if (isExact) await Promise.race([member.gone(), pause(2_000)]);
      else await pause(random.below(1_000));
      count(member.isRunning ? "killed" : "died at a moment");
      await member.kill();
      if (life === wipedAfter) {
        await member.wipe();
        count("wiped");
      }
      await pause(random.below(300));
    }
    member.start("form");
  }

  /** One write at a time, each to a register of its own, to whoever leads. */
  async #write(): Promise<void> {
    let leader: string | null = null;
    for (let value = 1; value <= writesMax && !this.#isOver;) {
      const running = this.#members.filter(({ isUp }) => isUp);
      const member = running.find(({ nodeId }) => nodeId === leader) ?? running[value % Math.max(running.length, 1)];
      const answer = await member?.ask({ ask: "operate", input: { kind: "write", key: value - 1, value } });
      if (answer?.kind === "success") {
        this.#acknowledged.push(value);
        value += 1;
        leader = member!.nodeId;
      } else leader = answer?.kind === "refused" ? answer.leader : null;
      await pause(20);
    }
  }

  #starts(id: PeerId, clusterId: string): void {
    for (const [other, disks] of this.#ran) {
      if (other === clusterId || !disks.has(id)) continue;
      this.violations.push(`disk "${id}" ran in cluster "${other}", and then in "${clusterId}"`);
    }
    const disks = this.#ran.get(clusterId) ?? new Set();
    this.#ran.set(clusterId, disks.add(id));
  }

  // ---- Peace ----

  /** Everybody is up; an operator does what the nodes say. False when it takes too long. */
  async #settle(): Promise<boolean> {
    const end = performance.now() + peaceMs;
    let quietSince = performance.now();
    while (!this.#members.every(({ isUp }) => isUp)) {
      if (performance.now() > end) {
        const waiting = this.#members.map(
          ({ nodeId, isUp, report }) => `${nodeId} ${isUp ? "runs" : (report?.message ?? "says nothing")}`,
        );
        this.violations.push(`not everybody runs after ${peaceMs / 1_000} s of peace: ${waiting.join("; ")}`);
        return false;
      }
      await pause(50);
      if (performance.now() - quietSince < patienceMs) continue;
      if (await this.#operate()) quietSince = performance.now();
    }
    return true;
  }

  /** One thing that a node asks for; false when there is nothing to do. */
  async #operate(): Promise<boolean> {
    const emptied = this.#members.find(({ report }) => report?.message.includes("there is nothing in it") === true);
    if (emptied !== undefined) {
      // M9: of those that never ran, one after the other; the next may not need it any more.
      count(`emptied as told: ${emptied.report!.kind}`);
      await emptied.kill();
      await emptied.wipe();
      emptied.start("form");
      return true;
    }
    const lost = this.#members.find(({ report, peer }) => report?.kind === "lost-disk" && peer !== undefined);
    const leader = lost && (await leaderOf(this.#members));
    if (lost === undefined || leader === undefined) return false;
    const next = { id: lost.peer!, address: lost.address };
    const old = /replace "([^"]+)" by/.exec(lost.report?.message ?? "")?.[1];
    if (old === undefined) return false;
    const answer = await leader.ask({ ask: "replace", old, next }, 15_000);
    count(answer.kind === "workflow" && answer.outcome === "done" ? "replaced" : "replacement interrupted");
    return true;
  }

  async #check(): Promise<void> {
    const majorities = [...this.#ran].filter(([, disks]) => disks.size * 2 > nodes).map(([clusterId]) => clusterId);
    if (majorities.length !== 1) this.violations.push(`a majority ran in each of ${majorities.length} clusters`);
    if (this.#acknowledged.length === 0) this.violations.push("everybody runs, and nothing is ever written");
    let missing: string[] = [];
    await within(peaceMs, async () => {
      const states = await Promise.all(this.#members.map((member) => stateOf(member, writesMax)));
      missing = states.flatMap((state, at) => {
        const gone = this.#acknowledged.filter((value) => state?.values[value - 1] !== value);
        return gone.length === 0 ? [] : [`${this.#members[at]!.nodeId}: ${gone.join(" ")}`];
      });
      return missing.length === 0;
    });
    if (missing.length > 0) this.violations.push(`writes that were acknowledged are missing: ${missing.join("; ")}`);
  }
}

/** Looks again and again; false when it is not so in time. */
async function within(ms: number, check: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + ms;
  while (!(await check())) {
    if (performance.now() > end) return false;
    await pause(20);
  }
  return true;
}

let trial: Trial | undefined;
const directory = await mkdtemp(join(tmpdir(), "raft-forming-"));
// Whatever ends this process, nothing of it stays.
process.once("exit", () => {
  trial?.killAll();
  rmSync(directory, { recursive: true, force: true });
});
const stopEarly = (): void => process.exit(130);
process.once("SIGINT", stopEarly);
process.once("SIGTERM", stopEarly);

let broken = 0;
for (let seed = firstSeed; seed < firstSeed + trials; seed++) {
  const ports = await freePorts(nodes);
  const peers = ports.map((port, at): InitialPeer => ({ nodeId: `n${at + 1}`, address: `127.0.0.1:${port}` }));
  const here = join(directory, String(seed));
  trial = new Trial(seed, here, peers);
  try {
    await trial.run();
  } finally {
    await trial.end();
    await rm(here, { recursive: true, force: true, maxRetries: 5 });
  }
  for (const violation of trial.violations) console.log(`VIOLATION  seed ${seed}: ${violation}`);
  if (trial.violations.length > 0) broken += 1;
}
for (const [what, times] of Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))) {
  console.log(`${String(times).padStart(9)}  ${what}`);
}
const verdict = broken === 0 ? "one cluster each time" : `${broken} went wrong`;
console.log(
  `${trials} trials from seed ${firstSeed}: ${verdict}  → npm run forming:raft -- --seed ${firstSeed} --trials ${trials}`,
);
process.exitCode = broken === 0 ? 0 : 1;
