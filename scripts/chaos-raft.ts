// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run chaos:raft`: three processes on loopback that keep a few registers, and everything that can be done to processes:
 * kill -9, SIGSTOP, orderly ends, lost directories, garbage on their ports. What their clients were told must be linearizable.
 *
 *   -- --seconds S     of chaos (default 20)
 *   -- --seed N        the order of what happens; when it happens is the machine's (default: the clock's)
 *
 * Ends with 0 when every promise was kept. Leaves no process, port or file behind.
 */

import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { InitialPeer } from "raft-ts";
import {
  byKey,
  checkLinearizable,
  RandomStream,
  registerModel,
  type Operation,
  type RegisterInput,
  type RegisterOutput,
} from "raft-ts/testing";
import { MemberProcess, freePorts, leaderOf, pause, stateOf, type Answer } from "./chaos-raft-process.ts";

const { values: options } = parseArgs({
  options: { seconds: { type: "string", default: "20" }, seed: { type: "string" } },
});
const seconds = Number(options.seconds);
const seed = Number(options.seed ?? Date.now() % 1_000_000);

const keys = 5;
const clients = 8;
/** Register of the write that ends a run. */
const peaceKey = keys;
const searchStepsMax = 5_000_000;

type Told = {
  -readonly [Field in keyof Operation<RegisterInput, RegisterOutput>]: Operation<RegisterInput, RegisterOutput>[Field];
};

const violations: string[] = [];
const counts: Record<string, number> = {};
const history: Told[] = [];
let nextValue = 1;
/** Set when the chaos is over. */
const end = new AbortController();

function count(what: string, by = 1): void {
  counts[what] = (counts[what] ?? 0) + by;
}

async function until(what: string, withinMs: number, check: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() > deadline) {
      violations.push(`Not within ${withinMs / 1000} s of peace: ${what}`);
      return false;
    }
    await pause(20);
  }
  return true;
}

// ---- Clients ----

async function client(members: readonly MemberProcess[], random: RandomStream): Promise<void> {
  let leader: string | null = null;
  while (!end.signal.aborted) {
    const running = members.filter(({ isUp }) => isUp);
    if (running.length === 0) {
      await pause(20);
      continue;
    }
    const member = running.find(({ nodeId }) => nodeId === leader) ?? random.pick(running);
    const told: Told = { input: draw(random), calledAt: performance.now(), returnedAt: Infinity, output: undefined };
    history.push(told);
    const answer = await member.ask({ ask: "operate", input: told.input });
    count(`answer ${told.input.kind === "read" ? "read " : ""}${answer.kind}`);
    leader = learn(told, answer, member.nodeId);
    if (answer.kind === "refused") await pause(10);
  }
}

/** Writes down what is known now; whom to ask next. */
function learn(told: Told, answer: Answer, asked: string): string | null {
  if (answer.kind === "success") {
    told.returnedAt = performance.now();
    told.output = answer.output;
    return asked;
  }
  // A read that was not answered saw nothing; what was refused or lost never happens: whoever sees its value breaks the rules.
  const hasNoEffect = told.input.kind === "read" || answer.kind === "refused" || answer.kind === "lost";
  if (hasNoEffect) history.splice(history.lastIndexOf(told), 1);
  return answer.kind === "refused" ? answer.leader : null;
}

function draw(random: RandomStream): RegisterInput {
  const key = random.below(keys);
  const kind = random.pick(["read", "write", "write", "cas"] as const);
  if (kind === "read") return { kind, key };
  const value = nextValue++;
  return kind === "write"
    ? { kind, key, value }
    : { kind, key, expected: Math.max(0, value - random.below(20)), value };
}

// ---- Chaos ----

async function chaos(members: readonly MemberProcess[], random: RandomStream): Promise<void> {
  const kinds = ["kill", "kill", "kill leader", "kill leader", "pause", "pause", "stop", "transfer", "wipe"] as const;
  while (!end.signal.aborted) {
    await pause(200 + random.below(900));
    const kind = random.pick(kinds);
    const free = members.filter(({ isBusy, isUp, isPaused }) => !isBusy && isUp && !isPaused);
    if (free.length === 0) continue;
    const leader = kind === "kill leader" || kind === "transfer" ? await leaderOf(free) : undefined;
    const member = leader ?? random.pick(free);
    if (end.signal.aborted) return;
    // One lost disk at a time; the next when this one is replaced.
    if (kind === "wipe" && members.some(({ isBusy }) => isBusy)) continue;
    count(kind);
    switch (kind) {
      case "kill":
      case "kill leader":
        void away(member, random.below(1_500), () => member.kill());
        break;
      case "stop":
        void away(member, random.below(500), () => member.stop());
        break;
      case "pause":
        member.pause();
        setTimeout(() => member.resume(), 100 + random.below(1_500));
        break;
      case "transfer":
        void member.ask({ ask: "transfer" });
        break;
      case "wipe":
        void replace(members, member);
    }
  }
}

/** Ends it, and starts it again after a while. */
async function away(member: MemberProcess, ms: number, end: () => Promise<unknown>): Promise<void> {
  member.isBusy = true;
  await end();
  await pause(ms);
  member.start("form");
  member.isBusy = false;
}

/** M11: an operator replaces a member whose directory is lost, and does not give up. */
async function replace(members: readonly MemberProcess[], member: MemberProcess): Promise<void> {
  const old = member.peer;
  if (old === undefined) return;
  member.isBusy = true;
  await member.kill();
  await member.wipe();
  member.start("join");
  for (let isDone = false; !isDone;) {
    await pause(50);
    const { peer } = member;
    if (peer === undefined) continue;
    const leader = await leaderOf(members.filter((other) => other !== member));
    if (leader === undefined) continue;
    const next = { id: peer, address: member.address };
    const answer = await leader.ask({ ask: "replace", old, next }, 15_000);
    isDone = answer.kind === "workflow" && answer.outcome === "done";
    count(isDone ? "replaced" : "replacement interrupted");
  }
  member.isBusy = false;
}

/** Strangers at the door: nothing they send may matter. */
async function garbage(members: readonly MemberProcess[], random: RandomStream): Promise<void> {
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  while (!end.signal.aborted) {
    await pause(20 + random.below(150));
    const [host, port] = random.pick(members).address.split(":");
    const noise = Buffer.from(Array.from({ length: random.below(2_000) }, () => random.below(256)));
    const socket = connect(Number(port), host);
    socket.on("error", () => socket.destroy());
    socket.on("connect", () => socket.write(random.chance(0.5) ? Buffer.concat([preface, noise]) : noise));
    socket.resume();
    setTimeout(() => socket.destroy(), 200);
    count("garbage");
  }
}

// ---- The reckoning ----

async function makePeace(members: readonly MemberProcess[]): Promise<void> {
  // Whoever is being replaced needs the others for it.
  const isQuiet = (): boolean => {
    for (const member of members) {
      if (member.isPaused) member.resume();
      if (!member.isBusy && !member.isRunning) member.start("form");
    }
    return members.every(({ isUp, isBusy }) => isUp && !isBusy);
  };
  if (!(await until("everybody is up, and lost disks are replaced", 60_000, isQuiet))) return;
  const value = nextValue++;
  await until("a write succeeds", 30_000, async () => {
    const leader = await leaderOf(members);
    const answer = await leader?.ask({ ask: "operate", input: { kind: "write", key: peaceKey, value } });
    return answer?.kind === "success";
  });
  let terms = 0;
  await until("all hold the same", 30_000, async () => {
    const states = await Promise.all(members.map((member) => stateOf(member, keys + 1)));
    terms = Math.max(...states.map((state) => state?.term ?? 0));
    counts["entries"] = Math.max(...states.map((state) => state?.applied ?? 0));
    return states.every(
      (state) => state?.values[peaceKey] === value && state.values.join() === states[0]?.values.join(),
    );
  });
  counts["terms"] = terms;
}

function checkHistory(): void {
  for (const [key, operations] of byKey(history, (input) => input.key)) {
    const verdict = checkLinearizable(operations, registerModel, searchStepsMax);
    count(verdict.kind);
    if (verdict.kind === "violation") {
      const { longest } = verdict;
      violations.push(
        `The history of register ${key} is not linearizable: ${longest.length} of ${operations.length} fit`,
      );
    }
  }
}

function print(): void {
  for (const [what, times] of Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${String(times).padStart(9)}  ${what}`);
  }
  for (const violation of violations) console.log(`VIOLATION  ${violation}`);
  const verdict = violations.length === 0 ? "every promise was kept" : `${violations.length} promises were broken`;
  console.log(
    `seed ${seed}, ${seconds} s of chaos: ${verdict}  → npm run chaos:raft -- --seed ${seed} --seconds ${seconds}`,
  );
}

const directory = await mkdtemp(join(tmpdir(), "raft-chaos-"));
const ports = await freePorts(3);
const peers = ports.map((port, at): InitialPeer => ({ nodeId: `n${at + 1}`, address: `127.0.0.1:${port}` }));
const members = peers.map(
  (peer) => new MemberProcess(peer, join(directory, peer.nodeId), peers, (why) => violations.push(why)),
);
// Whatever ends this process, nothing of it stays.
process.once("exit", () => {
  for (const member of members) void member.kill();
  rmSync(directory, { recursive: true, force: true });
});
const stopEarly = (): void => process.exit(130);
process.once("SIGINT", stopEarly);
process.once("SIGTERM", stopEarly);
try {
  for (const member of members) member.start("form");
  if (await until("three blank nodes form a cluster", 30_000, () => members.every(({ isUp }) => isUp))) {
    const stream = (name: string): RandomStream => new RandomStream(seed, name);
    const work = [
      ...Array.from({ length: clients }, (_, at) => client(members, stream(`client ${at}`))),
      chaos(members, stream("chaos")),
      garbage(members, stream("garbage")),
    ];
    await pause(seconds * 1000);
    end.abort();
    // The processes that are stopped keep clients waiting: first peace, then their last answers.
    await makePeace(members);
    await Promise.all(work);
    checkHistory();
    const ends = await Promise.all(members.map((member) => member.stop()));
    if (ends.includes(false)) violations.push("A member did not end in order");
  }
} finally {
  end.abort();
  await Promise.all(members.map((member) => member.kill()));
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}
print();
process.exitCode = violations.length === 0 ? 0 : 1;
