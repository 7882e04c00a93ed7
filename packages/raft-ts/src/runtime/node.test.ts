// SPDX-License-Identifier: Apache-2.0
// A node and small groups of them, in memory, on the real clock: what a user sees first.

import { afterEach, describe, expect, test } from "vitest";
import { encodeCommand } from "../testing/register-machine.ts";
import { MemoryDisk } from "../testing/memory-disk.ts";
import { MemoryStorage } from "../testing/memory-storage.ts";
import { MemoryNetwork } from "../testing/memory-transport.ts";
import { RegisterStateMachine } from "../testing/register-state-machine.ts";
import type { RegisterOutput } from "../testing/register.ts";
import { RaftNode } from "./node.ts";
import type { NodeEvent, NodeOptionsInput } from "./node-options.ts";

interface Member {
  readonly disk: MemoryDisk;
  readonly storage: MemoryStorage;
  readonly machine: RegisterStateMachine;
  readonly node: RaftNode<RegisterOutput>;
}

const quick: NodeOptionsInput = { tickMs: 5, stopStepMs: 500 };
const running: RaftNode<RegisterOutput>[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()));
});

function disks(count: number): MemoryDisk[] {
  return Array.from({ length: count }, (_, at) => new MemoryDisk({ nodeId: `n${at}`, dirId: `${at}`.repeat(32) }));
}

/** Without `all`: a blank disk joins. */
async function member(
  disk: MemoryDisk,
  network: MemoryNetwork,
  all?: MemoryDisk[],
  options = quick,
  machine = new RegisterStateMachine(),
): Promise<Member> {
  const storage = new MemoryStorage(disk);
  let opened = await storage.open();
  if (opened.health.state === "blank") {
    const voters = all?.map(({ peerId }) => ({ id: peerId, address: peerId }));
    opened = await (voters === undefined ? storage.join("c") : storage.form({ clusterId: "c", voters }));
  }
  const transport = network.transport(disk.peerId);
  const node = await RaftNode.start({ storage, opened, transport, stateMachine: machine, options });
  running.push(node);
  return { disk, storage, machine, node };
}

async function group(count: number, options = quick): Promise<{ members: Member[]; network: MemoryNetwork }> {
  const network = new MemoryNetwork();
  const all = disks(count);
  return { network, members: await Promise.all(all.map((disk) => member(disk, network, all, options))) };
}

async function until<T>(check: () => T | undefined): Promise<T> {
  const end = performance.now() + 20_000;
  for (;;) {
    const found = check();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`Waited 20 s in vain for: ${check.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const leaderOf = (members: readonly Member[]): Promise<Member> =>
  until(() => members.find(({ node }) => node.state.active));

const write = (key: number, value: number): Uint8Array => encodeCommand({ kind: "write", key, value }, 0);

describe("RaftNode", () => {
  test("a group of one works at once: it waits for nobody, not even for a tick", async () => {
    const { members } = await group(1, { ...quick, tickMs: 3_600_000 });
    const { node, machine } = await leaderOf(members);
    const outcome = await node.propose(write(1, 7));
    expect(outcome).toMatchObject({ kind: "success", result: { value: 0, done: true } });
    expect(await node.read()).toMatchObject({ kind: "ready" });
    expect(machine.read(1)).toBe(7);
  });

  test("three nodes elect, commit, and apply everywhere", async () => {
    const { members } = await group(3);
    const { node } = await leaderOf(members);
    const outcomes = await Promise.all(Array.from({ length: 100 }, (_, at) => node.propose(write(at % 8, at + 1))));
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array.from({ length: 100 }, () => "success"));
    await until(() => members.every(({ machine }) => machine.read(3) === 100) || undefined);
    const follower = members.find((each) => each.node !== node)!;
    const refused = await follower.node.propose(write(1, 1000));
    expect(refused).toMatchObject({ kind: "refused", reason: "not-leader", leader: { id: node.id, address: node.id } });
  });

  test("a node that comes back has everything it acknowledged", async () => {
    const { members, network } = await group(1);
    const { node, disk } = await leaderOf(members);
    for (let value = 1; value <= 20; value += 1) await node.propose(write(0, value));
    await node.stop();
    const again = await member(disk, network, [disk]);
    await leaderOf([again]);
    expect(await again.node.read()).toMatchObject({ kind: "ready" });
    expect(again.machine.read(0)).toBe(20);
  });

  test("T4: a leader that stops hands over first; stop is one promise; what was pending is decided", async () => {
    const { members } = await group(3);
    const leader = await leaderOf(members);
    const { term } = leader.node.state;
    const pending = Array.from({ length: 50 }, (_, at) => leader.node.propose(write(1, at + 1)));
    const stopped = leader.node.stop();
    expect(leader.node.stop()).toBe(stopped);
    await stopped;
    for (const outcome of await Promise.all(pending)) expect(outcome.kind).not.toBe("unknown");
    expect(await leader.node.closed).toEqual({ reason: "stopped", error: undefined, unfinished: [] });
    expect(await leader.node.propose(write(1, 99))).toMatchObject({ kind: "refused", reason: "stopped" });
    expect(await leader.node.read()).toMatchObject({ kind: "refused", reason: "stopped" });
    expect(leader.node.leader).toBeNull();
    // It saw the term of the next leader before it closed.
    expect(leader.node.state.term).toBeGreaterThan(term);
    const next = await leaderOf(members.filter(({ node }) => node !== leader.node));
    expect((await next.node.propose(write(1, 100))).kind).toBe("success");
  });

  test("P5: after a failed write a node claims nothing, answers unknown, tells its owner, and closes", async () => {
    const fatal: Error[] = [];
    const onFatal = (error: Error): void => {
      fatal.push(error);
      throw new Error("an observer's mistake");
    };
    const onEvent = (): void => {
      throw new Error("another one");
    };
    const { members } = await group(3, { ...quick, onFatal, onEvent });
    const { node, disk } = await leaderOf(members);
    disk.failNext();
    const outcome = await node.propose(write(1, 1));
    expect(outcome).toMatchObject({ kind: "unknown", why: "failed" });
    expect(node.state).toMatchObject({ role: "follower", leader: null, active: false });
    const closed = await node.closed;
    expect(closed).toMatchObject({ reason: "failed", unfinished: [] });
    expect(closed.error?.message).toContain("A write to storage failed");
    expect(closed.error?.cause).toMatchObject({ message: expect.stringContaining("ENOSPC") as string });
    expect(fatal).toEqual([closed.error]);
    expect(await node.propose(write(1, 2))).toMatchObject({ kind: "refused", reason: "failed" });
    expect(await node.admin.remove(node.id)).toMatchObject({ kind: "incomplete", outcome: { reason: "failed" } });
    expect(disk.holder).toBeUndefined();
    await leaderOf(members.filter((each) => each.node !== node));
  });

  test.each(["rejects", "throws", "forgets a result"])("a state machine that %s ends its node", async (how) => {
    const network = new MemoryNetwork();
    const [disk] = disks(1);
    class Broken extends RegisterStateMachine {
      override apply(): Promise<readonly RegisterOutput[]> {
        if (how === "throws") throw new Error("broken");
        return how === "rejects" ? Promise.reject(new Error("broken")) : Promise.resolve([]);
      }
    }
    const { node } = await member(disk!, network, [disk!], quick, new Broken());
    await until(() => node.state.active || undefined);
    expect(await node.propose(write(1, 1))).toMatchObject({ kind: "unknown", why: "failed" });
    expect((await node.closed).error?.message).toContain("The state machine failed");
  });

  test("stop waits no longer than it says for a state machine that never ends, and says what it left", async () => {
    const network = new MemoryNetwork();
    const [disk] = disks(1);
    class Endless extends RegisterStateMachine {
      override apply(): Promise<readonly RegisterOutput[]> {
        return new Promise(() => {});
      }
    }
    const { node } = await member(disk!, network, [disk!], { tickMs: 5, stopStepMs: 30 }, new Endless());
    await until(() => node.state.active || undefined);
    const outcome = node.propose(write(1, 1));
    await until(() => node.metrics().commitIndex > 2 || undefined);
    await node.stop();
    expect(await outcome).toMatchObject({ kind: "unknown", why: "stopped" });
    expect(await node.closed).toMatchObject({ reason: "stopped", unfinished: ["work under way"] });
  });

  test("D-4: suspect storage runs mute: it refuses, says so, and the group goes on without it", async () => {
    const network = new MemoryNetwork();
    const all = disks(3);
    all[0]!.damage = "the chain is broken at 17";
    const events: NodeEvent[] = [];
    const members = await Promise.all(
      all.map((disk) => member(disk, network, all, { ...quick, onEvent: (event) => events.push(event) })),
    );
    const { node } = members[0]!;
    expect(events).toContainEqual({ type: "suspect", reason: "the chain is broken at 17" });
    await leaderOf(members);
    expect(node.metrics()).toMatchObject({ isSuspect: 1, isLeader: 0, messagesSentTotal: 0 });
    expect(await node.propose(write(1, 1))).toMatchObject({ kind: "refused", reason: "suspect" });
    expect(await node.read()).toMatchObject({ kind: "refused", reason: "suspect" });
    expect(await node.admin.transferLeader(null)).toMatchObject({ kind: "refused", reason: "not-leader" });
    await node.stop();
    expect(await node.closed).toMatchObject({ reason: "stopped", unfinished: [] });
  });

  test("a node that cannot load its snapshot does not start, and closes what it was given", async () => {
    const network = new MemoryNetwork();
    const [disk] = disks(1);
    class Unreadable extends RegisterStateMachine {
      override restore(): Promise<void> {
        return Promise.reject(new Error("cannot read it"));
      }
    }
    await expect(member(disk!, network, [disk!], quick, new Unreadable())).rejects.toThrow("cannot read it");
    expect(disk!.holder).toBeUndefined();
  });

  test("E14, R3: an isolated leader answers neither reads nor proposals; back again it knows what became of them", async () => {
    const { members, network } = await group(3);
    const { node: old } = await leaderOf(members);
    network.isolate(old.id);
    const proposed = old.propose(write(1, 1));
    const read = old.read();
    const impatient = old.propose(write(1, 2), { deadlineMs: 20 });
    expect(await impatient).toMatchObject({ kind: "unknown", why: "deadline" });
    expect(await read).toMatchObject({ kind: "refused", reason: "not-leader" });
    const next = await leaderOf(members.filter(({ node }) => node !== old));
    expect((await next.node.propose(write(1, 3))).kind).toBe("success");
    network.mend();
    expect((await proposed).kind).toBe("lost");
  });

  test("S3, S4: a follower that was away gets a snapshot when the log no longer reaches back to it", async () => {
    const options: NodeOptionsInput = {
      ...quick,
      snapshots: { everyEntries: 20, minIntervalMs: 0, trailingEntries: 5 },
    };
    const { members, network } = await group(3, options);
    const { node } = await leaderOf(members);
    const away = members.find((each) => each.node !== node)!;
    network.isolate(away.node.id);
    for (let value = 1; value <= 200; value += 1) await node.propose(write(2, value));
    await until(() => node.metrics().firstIndex > 100 || undefined);
    await until(() => members.some(({ disk }) => disk.image.firstIndex > 100) || undefined);
    network.mend();
    await until(() => away.machine.read(2) === 200 || undefined);
    expect(away.node.metrics().snapshotsReceivedTotal).toBeGreaterThan(0);
    expect((await leaderOf(members)).node.metrics().snapshotsSavedTotal).toBeGreaterThan(0);
  });

  test("D-5: a leader whose log cannot be read back ends, and the others lead on", async () => {
    const { members, network } = await group(3, { ...quick, core: { tailCacheBytes: 1 } });
    const { node, storage } = await leaderOf(members);
    const away = members.find((each) => each.node !== node)!;
    network.isolate(away.node.id);
    for (let value = 1; value <= 20; value += 1) await node.propose(write(2, value));
    storage.entries = () => Promise.reject(new Error("the checksum of entry 5 is wrong"));
    network.mend();
    const closed = await node.closed;
    expect(closed).toMatchObject({ reason: "failed", unfinished: [] });
    expect(closed.error?.message).toMatch(/^Cannot read entries \d+ to \d+ of the log/);
    await until(() => away.machine.read(2) === 20 || undefined);
  });

  test("a transport that does not start is closed, and storage with it", async () => {
    const [disk] = disks(1);
    const storage = new MemoryStorage(disk!);
    await storage.open();
    const opened = await storage.form({ clusterId: "c", voters: [{ id: disk!.peerId, address: "here" }] });
    const transport = new MemoryNetwork().transport(disk!.peerId);
    let stops = 0;
    transport.start = () => Promise.reject(new Error("the port is taken"));
    transport.stop = async () => void (stops += 1);
    const started = RaftNode.start({ storage, opened, transport, stateMachine: new RegisterStateMachine() });
    await expect(started).rejects.toThrow("the port is taken");
    expect(stops).toBe(1);
    expect(disk!.holder).toBeUndefined();
  });

  test("D-9: a leader short of space refuses, hands over, and proposes again when there is enough", async () => {
    const { members } = await group(1, { ...quick, spaceCheckMs: 5 });
    const { node, disk } = await leaderOf(members);
    disk.freeBytes = 1000;
    await until(() => node.metrics().isLowOnSpace === 1 || undefined);
    expect(await node.propose(write(1, 1))).toMatchObject({ kind: "refused", reason: "low-space" });
    disk.freeBytes = 2 ** 40;
    await until(() => node.metrics().isLowOnSpace === 0 || undefined);
    expect((await node.propose(write(1, 1))).kind).toBe("success");
  });
});

describe("Admin", () => {
  test("addVoter: learner, catch-up, voter; even numbers are warned of; remove takes it out again", async () => {
    const { members, network } = await group(3);
    const leader = await leaderOf(members);
    for (let value = 1; value <= 30; value += 1) await leader.node.propose(write(3, value));
    const disk = new MemoryDisk({ nodeId: "n9", dirId: "9".repeat(32) });
    const added = await member(disk, network);
    const steps: string[] = [];
    const outcome = await leader.node.admin.addVoter(disk.peerId, "there", {
      onProgress: ({ step }) => steps.push(step),
    });
    expect(outcome).toMatchObject({ kind: "done", warnings: [expect.stringContaining("4 voters") as string] });
    expect(steps[0]).toBe("add-learner");
    expect(steps.at(-1)).toBe("promote");
    await until(() => added.machine.read(3) === 30 || undefined);
    expect(await leader.node.admin.addVoter(disk.peerId, "there")).toMatchObject({ kind: "done" });
    expect(await leader.node.admin.remove(disk.peerId)).toMatchObject({ kind: "done", warnings: [] });
    expect(leader.node.status().config.voters).toHaveLength(3);
  });

  test("M11: replace puts out a wiped disk's identity before the new one counts, and goes on where it ended", async () => {
    const { members, network } = await group(3);
    const leader = await leaderOf(members);
    const lost = members.find((each) => each !== leader)!;
    await lost.node.stop();
    await until(
      () =>
        leader.node.status().peers.some(({ id, recentActive }) => id === lost.node.id && !recentActive) || undefined,
    );
    const disk = new MemoryDisk({ nodeId: lost.disk.identity.nodeId, dirId: "f".repeat(32) });
    const next = { id: disk.peerId, address: "there" };
    const steps: string[] = [];
    const early = await leader.node.admin.replace(lost.node.id, next, { deadlineMs: 50 });
    expect(early).toMatchObject({
      kind: "incomplete",
      step: "catch-up",
      completed: ["add-learner"],
      outcome: { reason: "deadline" },
    });
    await member(disk, network);
    const outcome = await leader.node.admin.replace(lost.node.id, next, { onProgress: ({ step }) => steps.push(step) });
    expect(outcome.kind).toBe("done");
    expect(steps.filter((step) => step !== "catch-up")).toEqual(["remove", "promote"]);
    expect(leader.node.status().config.voters).toEqual(
      [...members.filter((each) => each !== lost).map(({ node }) => node.id), disk.peerId].sort(),
    );
  });

  test("replace of a member that answers adds before it removes", async () => {
    const { members, network } = await group(3);
    const leader = await leaderOf(members);
    const old = members.find((each) => each !== leader)!;
    const disk = new MemoryDisk({ nodeId: "n9", dirId: "9".repeat(32) });
    await member(disk, network);
    const steps: string[] = [];
    await leader.node.admin.replace(
      old.node.id,
      { id: disk.peerId, address: "there" },
      { onProgress: ({ step }) => steps.push(step) },
    );
    expect(steps.filter((step) => step !== "catch-up")).toEqual(["add-learner", "promote", "remove"]);
  });

  test("M12: a removal that leaves too few active voters is refused, unless forced", async () => {
    const { members, network } = await group(3);
    const leader = await leaderOf(members);
    const [away, other] = members.filter((each) => each !== leader);
    network.isolate(away!.node.id);
    await until(
      () =>
        leader.node.status().peers.some(({ id, recentActive }) => id === away!.node.id && !recentActive) || undefined,
    );
    const refused = await leader.node.admin.remove(other!.node.id);
    expect(refused).toMatchObject({
      kind: "incomplete",
      step: "remove",
      outcome: { kind: "refused", reason: "unsafe" },
    });
    expect((await leader.node.admin.remove(away!.node.id)).kind).toBe("done");
  });

  test("Q5: what is only in the log is not called done, however often one asks", async () => {
    const { members, network } = await group(3);
    const leader = await leaderOf(members);
    for (const each of members) if (each !== leader) network.isolate(each.node.id);
    const first = await leader.node.admin.addLearner("n9@9", "there", { deadlineMs: 1 });
    expect(first).toMatchObject({ kind: "incomplete", step: "add-learner", completed: [] });
    const second = await leader.node.admin.addLearner("n9@9", "there", { deadlineMs: 1 });
    expect(second).toMatchObject({ kind: "incomplete", step: "add-learner", completed: [] });
  });

  test("M8: a leader that removes itself hands over", async () => {
    const { members } = await group(3);
    const leader = await leaderOf(members);
    expect((await leader.node.admin.remove(leader.node.id)).kind).toBe("done");
    const next = await leaderOf(members.filter((each) => each !== leader));
    expect(next.node.status().config.voters).not.toContain(leader.node.id);
  });

  test("transferLeader: to whom it was told, refused elsewhere, aborted when nobody takes it", async () => {
    const { members, network } = await group(3);
    const leader = await leaderOf(members);
    const other = members.find((each) => each !== leader)!;
    expect(await other.node.admin.transferLeader(null)).toMatchObject({ kind: "refused", reason: "not-leader" });
    expect(await leader.node.admin.transferLeader("nobody")).toMatchObject({ kind: "refused", reason: "invalid" });
    const outcome = await leader.node.admin.transferLeader(other.node.id);
    expect(outcome).toEqual({ kind: "done", leader: { id: other.node.id, address: other.node.id } });
    await until(() => other.node.state.active || undefined);
    network.isolate(leader.node.id);
    expect(await other.node.admin.transferLeader(leader.node.id)).toEqual({ kind: "aborted" });
    expect((await other.node.propose(write(1, 5))).kind).toBe("success");
  });

  test("demote, setAddress and promote are one change each; a node that leads no more says so", async () => {
    const { members } = await group(3);
    const leader = await leaderOf(members);
    const other = members.find((each) => each !== leader)!.node.id;
    expect(await leader.node.admin.demote(other)).toMatchObject({ kind: "done", config: { learners: [other] } });
    expect(await leader.node.admin.setAddress(other, "elsewhere")).toMatchObject({ kind: "done" });
    expect(leader.node.status().config.addresses).toContainEqual({ id: other, address: "elsewhere" });
    expect(await leader.node.admin.promote(other)).toMatchObject({ kind: "done" });
    const follower = members.find((each) => each.node.id === other)!;
    expect(await follower.node.admin.promote(leader.node.id)).toMatchObject({
      kind: "incomplete",
      completed: [],
      outcome: { reason: "not-leader", leader: { id: leader.node.id } },
    });
    expect(await follower.node.admin.demote(leader.node.id)).toMatchObject({ kind: "refused", reason: "not-leader" });
  });
});
