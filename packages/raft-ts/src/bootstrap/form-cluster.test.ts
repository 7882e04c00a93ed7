// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import type { BootstrapAnswer, BootstrapTransport, Clock, InitialPeer, OpenedStorage } from "../runtime/ports.ts";
import { MemoryDisk } from "../testing/memory-disk.ts";
import { MemoryStorage } from "../testing/memory-storage.ts";
import type { BootstrapReport } from "./decide.ts";
import { formCluster, peersProblem, type FormClusterOptions } from "./form-cluster.ts";

const peers: InitialPeer[] = ["a", "b", "c"].map((nodeId) => ({ nodeId, address: `${nodeId}:1` }));

/** A blank disk, by its node. */
function diskOf(nodeId: string, digit = "0"): MemoryDisk {
  return new MemoryDisk({ nodeId, dirId: digit.repeat(32) });
}

/** Who listens where, in one process. */
class Wire {
  readonly answers = new Map<string, () => BootstrapAnswer>();
  asked = 0;

  at(address: string): BootstrapTransport {
    return {
      hello: async (to) => {
        this.asked++;
        await Promise.resolve();
        const answer = this.answers.get(to);
        if (answer === undefined) throw new Error(`nobody listens at ${to}`);
        return answer();
      },
      answerWith: (answer) => this.answers.set(address, answer),
    };
  }
}

/** A clock whose timers ring as soon as everything else is done. */
const quick: Clock = {
  nowMs: () => 0,
  after: (ms, run) => {
    // A whole answer time passes only when nothing else can happen.
    const handle = ms >= 1_000 ? undefined : setImmediate(run);
    return { cancel: () => clearImmediate(handle) };
  },
  nextTurn: (run) => void setImmediate(run),
};

function forming(
  disk: MemoryDisk,
  wire: Wire,
  options: Partial<FormClusterOptions> = {},
): { done: Promise<OpenedStorage>; reports: BootstrapReport[] } {
  const reports: BootstrapReport[] = [];
  const form = async (): Promise<OpenedStorage> => {
    const storage = new MemoryStorage(disk);
    try {
      const opened = await storage.open();
      const transport = wire.at(`${disk.identity.nodeId}:1`);
      const onReport = (report: BootstrapReport): void => void reports.push(report);
      return await formCluster(
        { storage, opened, transport, clock: quick },
        { peers, roundMs: 1, onReport, ...options },
      );
    } finally {
      await storage.close();
    }
  };
  return { done: form(), reports };
}

async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`Waited 30 s in vain for: ${isTrue.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("formCluster() lets three blank nodes form one cluster, in any order of starting", async () => {
  const wire = new Wire();
  const disks = ["c", "a", "b"].map((nodeId) => diskOf(nodeId));
  const last = disks.pop()!;
  const waiting = disks.map((disk) => forming(disk, wire));
  await until(() => waiting.every(({ reports }) => reports.length > 0));
  expect(waiting.map(({ reports }) => reports[0]?.kind)).toEqual(["waiting-for-peers", "waiting-for-peers"]);
  const opened = await Promise.all([...waiting, forming(last, wire)].map(({ done }) => done));
  const clusters = new Set(opened.map(({ identity }) => identity.clusterId));
  expect(clusters.size).toBe(1);
});

test("formCluster() forms a single node at once, without asking anybody", async () => {
  const wire = new Wire();
  const opened = await forming(diskOf("a"), wire, { peers: peers.slice(0, 1) }).done;
  expect(opened.health.state).toBe("ok");
  expect(wire.asked).toBe(0);
});

test("formCluster() keeps a wiped node passive, says once why, and lets it in once the cluster took it in (M11)", async () => {
  const wire = new Wire();
  const disks = ["a", "b", "c"].map((nodeId) => diskOf(nodeId));
  const opened = await Promise.all(disks.map((disk) => forming(disk, wire).done));
  const { clusterId } = opened[0]!.identity;
  const wiped = diskOf("b", "1");
  const { done, reports } = forming(wiped, wire);
  const asked = wire.asked;
  await until(() => wire.asked > asked + 20);
  expect(reports.map(({ kind }) => kind)).toEqual(["lost-disk"]);
  const answer = wire.answers.get("a:1")!;
  const members = [`b@${"1".repeat(32)}`];
  wire.answers.set("a:1", () => ({ ...answer(), begun: true, members }));
  expect((await done).identity.clusterId).toBe(clusterId);
  expect(wiped.image.snapshot).toBeNull();
});

test("formCluster() joins on request, and never forms", async () => {
  const wire = new Wire();
  const disks = ["a", "b", "c"].map((nodeId) => diskOf(nodeId));
  const opened = await Promise.all(disks.map((disk) => forming(disk, wire).done));
  const guest = diskOf("d");
  const joined = await forming(guest, wire, { intent: "join" }).done;
  expect(joined.identity.clusterId).toBe(opened[0]!.identity.clusterId);
  expect(guest.image.snapshot).toBeNull();
});

test("formCluster() counts no answer of before it formed: it starts when all have answered again (M9)", async () => {
  const wire = new Wire();
  const [a, b, c] = ["a", "b", "c"].map((nodeId) => diskOf(nodeId)) as [MemoryDisk, MemoryDisk, MemoryDisk];
  const others = [b, c].map((disk) => forming(disk, wire));
  await until(() => wire.answers.has("c:1"));
  const answerOfC = wire.answers.get("c:1")!;
  // c is heard while a is blank, and not any more once a formed.
  wire.answers.set("c:1", () => {
    if (a.identity.clusterId !== null) throw new Error("c is gone");
    return answerOfC();
  });
  let isDone = false;
  const first = forming(a, wire);
  void first.done.then(() => (isDone = true));
  await until(() => first.reports.at(-1)?.message.includes('"c" at "c:1"') === true && a.identity.clusterId !== null);
  expect(isDone).toBe(false);
  wire.answers.set("c:1", answerOfC);
  await Promise.all([first, ...others].map(({ done }) => done));
});

test("formCluster() takes an improper answer for none", async () => {
  const wire = new Wire();
  for (const nodeId of ["b", "c"]) {
    const { done } = forming(diskOf(nodeId), wire, { signal: AbortSignal.abort(new Error("enough")) });
    await expect(done).rejects.toThrow("enough");
  }
  const proper = wire.answers.get("c:1")!;
  wire.answers.set("c:1", () => ({ ...proper(), dirId: "made up" }));
  const stop = new AbortController();
  const { done, reports } = forming(diskOf("a"), wire, { signal: stop.signal });
  await until(() => reports.length > 0);
  expect(reports[0]?.message).toContain('Waiting for "c" at "c:1"');
  stop.abort(new Error("enough"));
  await expect(done).rejects.toThrow("enough");
});

test("formCluster() hands suspect storage back as it is, and answers for it", async () => {
  const wire = new Wire();
  const disk = diskOf("a");
  disk.damage = "a hole";
  expect((await forming(disk, wire).done).health).toEqual({ state: "suspect", reason: "a hole" });
  expect(wire.answers.get("a:1")?.()).toMatchObject({ state: "suspect", clusterId: null });
  expect(wire.asked).toBe(0);
});

test("formCluster() refuses peers that make no sense, before it does anything", async () => {
  const wire = new Wire();
  await expect(forming(diskOf("z"), wire).done).rejects.toThrow(/"z" is not among its initial peers/);
  expect(wire.answers.size).toBe(0);
  const [a, b] = peers as [InitialPeer, InitialPeer];
  const twice = { nodeId: "a", address: "elsewhere:1" };
  expect(peersProblem("a", [a, twice], "form")).toMatch(/node "a" is among the initial peers twice/);
  expect(peersProblem("a", [a, { ...b, address: a.address }], "form")).toMatch(/address "a:1" is among/);
  expect(peersProblem("a", [a, { nodeId: "b b", address: "b:1" }], "form")).toMatch(/"b b" is no node id/);
  expect(peersProblem("a", [a, { nodeId: "b", address: "" }], "form")).toMatch(/is no address/);
  expect(peersProblem("a", [], "join")).toMatch(/name a peer/);
  const many = "abcdefgh".split("").map((nodeId) => ({ nodeId, address: `${nodeId}:1` }));
  expect(peersProblem("a", many, "form")).toMatch(/8 initial peers/);
});
