// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import type { BootState, Config } from "../core/types.ts";
import type {
  BootstrapAnswer,
  BootstrapTransport,
  Clock,
  ClusterDocument,
  InitialPeer,
  OpenedStorage,
  Storage,
} from "../runtime/ports.ts";
import type { BootstrapReport } from "./decide.ts";
import { formCluster, peersProblem, type FormClusterOptions } from "./form-cluster.ts";

const peers: InitialPeer[] = ["a", "b", "c"].map((nodeId) => ({ nodeId, address: `${nodeId}:1` }));
const blankBoot: BootState = {
  hard: { term: 0, vote: null, commit: 0 },
  snapshot: null,
  firstIndex: 1,
  lastIndex: 0,
  termRuns: [],
  configs: [],
  tail: [],
  applied: 0,
  suspect: false,
};

/** The part of a storage that forming a cluster needs. */
class Disk implements Pick<Storage, "form" | "join"> {
  readonly formed: ClusterDocument[] = [];
  opened: OpenedStorage;

  constructor(nodeId: string, dir = "0") {
    const identity = { nodeId, dirId: dir.repeat(32), clusterId: null };
    this.opened = { health: { state: "blank" }, identity, boot: blankBoot };
  }

  async form(document: ClusterDocument): Promise<OpenedStorage> {
    this.formed.push(document);
    const { clusterId, voters } = document;
    const ids = voters.map(({ id }) => id);
    const config: Config = { voters: ids, votersOutgoing: [], learners: [], learnersNext: [], addresses: voters };
    const boot = { ...blankBoot, hard: { term: 1, vote: null, commit: 1 }, snapshot: { index: 1, term: 1, config } };
    return this.#become(clusterId, {
      ...boot,
      firstIndex: 2,
      lastIndex: 1,
      termRuns: [{ start: 1, term: 1 }],
      applied: 1,
    });
  }

  async join(clusterId: string): Promise<OpenedStorage> {
    return this.#become(clusterId, blankBoot);
  }

  async #become(clusterId: string, boot: BootState): Promise<OpenedStorage> {
    await Promise.resolve();
    this.opened = { health: { state: "ok" }, identity: { ...this.opened.identity, clusterId }, boot };
    return this.opened;
  }
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
  disk: Disk,
  wire: Wire,
  options: Partial<FormClusterOptions> = {},
): { done: Promise<OpenedStorage>; reports: BootstrapReport[] } {
  const reports: BootstrapReport[] = [];
  const { nodeId } = disk.opened.identity;
  const transport = wire.at(`${nodeId}:1`);
  const storage = disk as unknown as Storage;
  const done = formCluster(
    { storage, opened: disk.opened, transport, clock: quick },
    { peers, roundMs: 1, onReport: (report) => reports.push(report), ...options },
  );
  return { done, reports };
}

async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + 5_000;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error("it does not happen");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("formCluster() lets three blank nodes form one cluster, in any order of starting", async () => {
  const wire = new Wire();
  const disks = ["c", "a", "b"].map((nodeId) => new Disk(nodeId));
  const last = disks.pop()!;
  const waiting = disks.map((disk) => forming(disk, wire));
  await until(() => waiting.every(({ reports }) => reports.length > 0));
  expect(waiting.map(({ reports }) => reports[0]?.kind)).toEqual(["waiting-for-peers", "waiting-for-peers"]);
  const opened = await Promise.all([...waiting, forming(last, wire)].map(({ done }) => done));
  const clusters = new Set(opened.map(({ identity }) => identity.clusterId));
  expect(clusters.size).toBe(1);
  expect([...disks, last].map(({ formed }) => formed.length)).toEqual([1, 1, 1]);
});

test("formCluster() forms a single node at once, without asking anybody", async () => {
  const wire = new Wire();
  const opened = await forming(new Disk("a"), wire, { peers: peers.slice(0, 1) }).done;
  expect(opened.health.state).toBe("ok");
  expect(wire.asked).toBe(0);
});

test("formCluster() keeps a wiped node passive, says once why, and lets it in once the cluster took it in (M11)", async () => {
  const wire = new Wire();
  const disks = ["a", "b", "c"].map((nodeId) => new Disk(nodeId));
  const opened = await Promise.all(disks.map((disk) => forming(disk, wire).done));
  const { clusterId } = opened[0]!.identity;
  const wiped = new Disk("b", "1");
  const { done, reports } = forming(wiped, wire);
  const asked = wire.asked;
  await until(() => wire.asked > asked + 20);
  expect(reports.map(({ kind }) => kind)).toEqual(["lost-disk"]);
  const answer = wire.answers.get("a:1")!;
  const members = [`b@${"1".repeat(32)}`];
  wire.answers.set("a:1", () => ({ ...answer(), begun: true, members }));
  expect((await done).identity.clusterId).toBe(clusterId);
  expect(wiped.formed).toEqual([]);
});

test("formCluster() joins on request, and never forms", async () => {
  const wire = new Wire();
  const disks = ["a", "b", "c"].map((nodeId) => new Disk(nodeId));
  const opened = await Promise.all(disks.map((disk) => forming(disk, wire).done));
  const guest = new Disk("d");
  const joined = await forming(guest, wire, { intent: "join" }).done;
  expect(joined.identity.clusterId).toBe(opened[0]!.identity.clusterId);
  expect(guest.formed).toEqual([]);
});

test("formCluster() counts no answer of before it formed: it starts when all have answered again (M9)", async () => {
  const wire = new Wire();
  const [a, b, c] = ["a", "b", "c"].map((nodeId) => new Disk(nodeId)) as [Disk, Disk, Disk];
  const others = [b, c].map((disk) => forming(disk, wire));
  const answerOfC = wire.answers.get("c:1")!;
  // c is heard while a is blank, and not any more once a formed.
  wire.answers.set("c:1", () => {
    if (a.formed.length > 0) throw new Error("c is gone");
    return answerOfC();
  });
  let isDone = false;
  const first = forming(a, wire);
  void first.done.then(() => (isDone = true));
  await until(() => first.reports.at(-1)?.message.includes('"c" at "c:1"') === true && a.formed.length > 0);
  expect(isDone).toBe(false);
  wire.answers.set("c:1", answerOfC);
  await Promise.all([first, ...others].map(({ done }) => done));
});

test("formCluster() takes an improper answer for none", async () => {
  const wire = new Wire();
  for (const nodeId of ["b", "c"]) {
    const { done } = forming(new Disk(nodeId), wire, { signal: AbortSignal.abort(new Error("enough")) });
    await expect(done).rejects.toThrow("enough");
  }
  const proper = wire.answers.get("c:1")!;
  wire.answers.set("c:1", () => ({ ...proper(), dirId: "made up" }));
  const stop = new AbortController();
  const { done, reports } = forming(new Disk("a"), wire, { signal: stop.signal });
  await until(() => reports.length > 0);
  expect(reports[0]?.message).toContain('Waiting for "c" at "c:1"');
  stop.abort(new Error("enough"));
  await expect(done).rejects.toThrow("enough");
});

test("formCluster() hands suspect storage back as it is, and answers for it", async () => {
  const wire = new Wire();
  const disk = new Disk("a");
  disk.opened = { ...disk.opened, health: { state: "suspect", reason: "a hole" } };
  expect(await forming(disk, wire).done).toBe(disk.opened);
  expect(wire.answers.get("a:1")?.()).toMatchObject({ state: "suspect", clusterId: null });
  expect(wire.asked).toBe(0);
});

test("formCluster() refuses peers that make no sense, before it does anything", async () => {
  const wire = new Wire();
  await expect(forming(new Disk("z"), wire).done).rejects.toThrow(/"z" is not among its initial peers/);
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
