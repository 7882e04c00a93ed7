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
import type { NodeOptionsInput } from "./node-options.ts";

interface Member {
  readonly disk: MemoryDisk;
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

async function member(disk: MemoryDisk, network: MemoryNetwork, all: MemoryDisk[], options = quick): Promise<Member> {
  const storage = new MemoryStorage(disk);
  let opened = await storage.open();
  const voters = all.map(({ peerId }) => ({ id: peerId, address: peerId }));
  if (opened.health.state === "blank") opened = await storage.form({ clusterId: "c", voters });
  const machine = new RegisterStateMachine();
  const transport = network.transport(disk.peerId);
  const node = await RaftNode.start({ storage, opened, transport, stateMachine: machine, options });
  running.push(node);
  return { disk, machine, node };
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
    if (performance.now() > end) throw new Error("It did not happen within 20 s");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const leaderOf = (members: readonly Member[]): Promise<Member> =>
  until(() => members.find(({ node }) => node.state.active));

const write = (key: number, value: number): Uint8Array => encodeCommand({ kind: "write", key, value }, 0);

describe("RaftNode", () => {
  test("a group of one works at once", async () => {
    const { members } = await group(1);
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
});
