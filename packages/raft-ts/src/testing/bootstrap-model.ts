// SPDX-License-Identifier: Apache-2.0
/**
 * Machines that form a cluster, as small as they can be told: which disk is mounted, what is written on it, what was heard
 * from whom. Every step is one that a test may put anywhere, so that all orders can be tried, or one of them told.
 *
 * It uses `decide` itself, and is a worse world than the real one: what a node heard stays in force until it asks again or
 * becomes something else, so a round may be of answers of any age, and a dead node's last answer may be the newest there is.
 *
 * A state is plain data, never changed; steps make new ones. What must hold of every state is `checkSafety`.
 */
import type { PeerId } from "../core/types.ts";
import { decide, whomToAsk, type BootstrapDecision, type BootstrapSelf } from "../bootstrap/decide.ts";
import { nodeIdOf } from "../bootstrap/document.ts";
import { peerIdOf } from "../runtime/node-options.ts";
import type { BootstrapAnswer, ClusterDocument, InitialPeer } from "../runtime/ports.ts";
import { holds } from "./violation.ts";

/** One disk that a machine has or had. */
export interface ModelDisk {
  readonly document: ClusterDocument | null;
  /** A core ran on it, and wrote. */
  readonly hasRun: boolean;
  /** It knows of a committed entry. */
  readonly begun: boolean;
}

export interface ModelMachine {
  readonly isUp: boolean;
  /** Its core runs. */
  readonly isStarted: boolean;
  /** Which of `disks` is mounted. */
  readonly mounted: number;
  readonly disks: readonly ModelDisk[];
  /** The newest answer of each other machine since this one started or changed; undefined of those not heard. */
  readonly heard: readonly (BootstrapAnswer | undefined)[];
  /** Whom it was told to form a cluster with. */
  readonly peers: readonly InitialPeer[];
}

export interface ModelState {
  readonly machines: readonly ModelMachine[];
  /** Identities whose cores ever ran, with the cluster they ran in; sorted. */
  readonly ran: readonly (readonly [PeerId, string])[];
  /** Documents that a majority of their voters ever ran a core for; sorted by name. */
  readonly established: readonly ClusterDocument[];
}

export type ModelStep =
  /** `by` hears what `from` is now. */
  | { readonly step: "ask"; readonly by: number; readonly from: number }
  /** It decides on what it heard, and what it does is durable. */
  | { readonly step: "decide"; readonly by: number }
  | { readonly step: "crash"; readonly by: number }
  | { readonly step: "boot"; readonly by: number }
  /** While it is down: another disk is mounted, a blank one if it was never there. */
  | { readonly step: "mount"; readonly by: number; readonly disk: number }
  /** While it is down: the disk is lost for good. */
  | { readonly step: "wipe"; readonly by: number }
  /** While it is down: it is told other peers. */
  | { readonly step: "tell"; readonly by: number; readonly peers: readonly number[] }
  /** A core commits an entry, with a majority of the voters. */
  | { readonly step: "commit"; readonly by: number };

export type Decide = typeof decide;

const blankDisk: ModelDisk = { document: null, hasRun: false, begun: false };

export function initialState(count: number): ModelState {
  const all = Array.from({ length: count }, (_, at) => at);
  const machines = all.map((): ModelMachine => {
    return {
      isUp: false,
      isStarted: false,
      mounted: 0,
      disks: [blankDisk],
      heard: all.map(() => undefined),
      peers: all.map(peerAt),
    };
  });
  return { machines, ran: [], established: [] };
}

export function nodeIdAt(at: number): string {
  return `n${at + 1}`;
}

/** The state after the step; undefined when it cannot happen. Throws `ViolationError` when a promise is broken. */
export function after(state: ModelState, step: ModelStep, decideBy: Decide = decide): ModelState | undefined {
  const machine = state.machines[step.by];
  if (machine === undefined) return undefined;
  const { isUp, isStarted, disks, mounted, heard } = machine;
  const become = (changes: Partial<ModelMachine>): ModelState => replace(state, step.by, { ...machine, ...changes });
  switch (step.step) {
    case "ask": {
      const from = state.machines[step.from];
      if (!isUp || isStarted || from === undefined || !from.isUp || step.from === step.by) return undefined;
      return become({ heard: heard.with(step.from, answerAt(from, step.from)) });
    }
    case "decide":
      return isUp && !isStarted ? act(state, step.by, decisionOf(state, step.by, decideBy)) : undefined;
    case "crash":
      return isUp ? become({ isUp: false, isStarted: false, heard: heard.map(() => undefined) }) : undefined;
    case "boot":
      return isUp ? undefined : become({ isUp: true });
    case "mount": {
      if (isUp || step.disk === mounted || step.disk > disks.length) return undefined;
      return become({ mounted: step.disk, disks: disks[step.disk] === undefined ? [...disks, blankDisk] : disks });
    }
    case "wipe":
      return isUp ? undefined : become({ mounted: disks.length, disks: [...disks, blankDisk] });
    case "tell":
      return isUp ? undefined : become({ peers: step.peers.map(peerAt) });
    case "commit": {
      const { document, begun } = mountedDisk(machine);
      if (!isStarted || begun || document === null || !hasRunningMajority(state, document)) return undefined;
      return become({ disks: disks.with(mounted, { document, hasRun: true, begun: true }) });
    }
  }
}

export function decisionOf(state: ModelState, by: number, decideBy: Decide = decide): BootstrapDecision {
  const machine = state.machines[by]!;
  const self = selfAt(machine, by);
  const asked = whomToAsk(self, machine.peers).map(({ nodeId }) => nodeId);
  const answers = new Map<string, BootstrapAnswer>();
  machine.heard.forEach((answer, at) => {
    if (answer !== undefined && asked.includes(nodeIdAt(at))) answers.set(nodeIdAt(at), answer);
  });
  return decideBy({ self, peers: machine.peers, answers });
}

/**
 * At most one cluster of the same nodes is ever run by a majority of its voters, as long as fewer than half of these nodes
 * ever lost or changed a disk. (That no disk belongs to two clusters is checked by every step.)
 */
export function checkSafety({ machines, established }: ModelState): void {
  if (established.length < 2) return;
  const names = new Map<string, string>();
  for (const { voters, clusterId } of established) {
    const nodeIds = voters.map(({ id }) => nodeIdOf(id)!).sort();
    const changed = machines.filter(({ disks }, at) => disks.length > 1 && nodeIds.includes(nodeIdAt(at)));
    if (changed.length * 2 >= nodeIds.length) continue;
    const other = names.get(nodeIds.join());
    holds(other === undefined, "M9", () => `nodes ${nodeIds.join()} began two clusters: ${other} and ${clusterId}`);
    names.set(nodeIds.join(), clusterId);
  }
}

/**
 * No faults from now on: everything boots, asks, decides and commits until nothing changes. Then a cluster runs, and whoever
 * is not in it says why; or nobody can go on, and everybody says why.
 */
export function checkLiveness(state: ModelState, decideBy: Decide = decide): ModelState {
  let now = state;
  const all = state.machines.map((_, at) => at);
  const go = (step: ModelStep): void => {
    now = after(now, step, decideBy) ?? now;
  };
  for (let before: ModelState | undefined, rounds = 0; before !== now; rounds++) {
    holds(rounds < 10, "M9", () => `after ${rounds} rounds without a fault things still change`);
    before = now;
    for (const by of all) if (!now.machines[by]!.isUp) go({ step: "boot", by });
    for (const by of all) {
      const settled = now;
      for (const from of all) go({ step: "ask", by, from });
      const asked = now;
      go({ step: "decide", by });
      // What was heard changes nothing by itself.
      if (now === asked) now = settled;
      go({ step: "commit", by });
    }
  }
  const waiting = all.filter((at) => !now.machines[at]!.isStarted);
  const runs = now.established.some((document) => hasRunningMajority(now, document));
  for (const at of waiting) {
    for (const from of all) go({ step: "ask", by: at, from });
    const decision = decisionOf(now, at, decideBy);
    const isSaid = decision.act === "wait" && decision.report.needsOperator;
    holds(isSaid, "M9", () => `${nodeIdAt(at)} is stuck, and nobody is told: ${JSON.stringify(decision)}`);
  }
  const isUnharmed = now.machines.every(({ disks, peers }) => disks.length === 1 && peers.length === all.length);
  holds(waiting.length === 0 || !isUnharmed, "M9", () => `no disk was lost, and ${waiting.map(nodeIdAt).join()} waits`);
  holds(runs || waiting.length > 0 || !isUnharmed, "M9", () => `everybody runs, and no cluster does`);
  return now;
}

function act(state: ModelState, by: number, decision: BootstrapDecision): ModelState {
  const machine = state.machines[by]!;
  const { mounted, disks, heard } = machine;
  const disk = mountedDisk(machine);
  switch (decision.act) {
    case "make":
    case "form": {
      const { document } = decision;
      const id = peerIdOf({ nodeId: nodeIdAt(by), dirId: dirIdAt(by, mounted) });
      holds(disk.document === null, "M11", () => `${id} forms a second cluster`);
      holds(
        document.voters.some((voter) => voter.id === id),
        "M11",
        () => `${id} forms a cluster whose voters are ${document.voters.map((voter) => voter.id).join()}`,
      );
      const formed = disks.with(mounted, { document, hasRun: false, begun: false });
      return replace(state, by, { ...machine, disks: formed, heard: heard.map(() => undefined) });
    }
    case "start": {
      const { document } = disk;
      const id = peerIdOf({ nodeId: nodeIdAt(by), dirId: dirIdAt(by, mounted) });
      holds(document !== null, "M9", () => `${id} starts a core, and belongs to no cluster`);
      const started: ModelMachine = {
        ...machine,
        isStarted: true,
        disks: disks.with(mounted, { ...disk, hasRun: true }),
        heard: heard.map(() => undefined),
      };
      const isNew = !state.ran.some(([known]) => known === id);
      const ran = isNew ? [...state.ran, [id, document.clusterId] as const].sort(byFirst) : state.ran;
      const next = { ...replace(state, by, started), ran };
      return { ...next, established: establish(next, document) };
    }
    case "join":
    case "wait":
      return state;
  }
}

function establish({ ran, established }: ModelState, document: ClusterDocument): readonly ClusterDocument[] {
  const { voters, clusterId } = document;
  if (established.some((other) => other.clusterId === clusterId)) return established;
  const running = voters.filter(({ id }) => ran.some(([who, where]) => who === id && where === clusterId));
  if (running.length * 2 <= voters.length) return established;
  return [...established, document].sort((a, b) => (a.clusterId < b.clusterId ? -1 : 1));
}

function selfAt(machine: ModelMachine, at: number): BootstrapSelf {
  const { document, hasRun } = mountedDisk(machine);
  const identity = { nodeId: nodeIdAt(at), dirId: dirIdAt(at, machine.mounted) };
  if (document === null) return { ...identity, state: "blank", intent: "form" };
  return { ...identity, state: "member", clusterId: document.clusterId, document, mayRun: hasRun };
}

function answerAt(machine: ModelMachine, at: number): BootstrapAnswer {
  const { document, begun } = mountedDisk(machine);
  return {
    nodeId: nodeIdAt(at),
    dirId: dirIdAt(at, machine.mounted),
    state: document === null ? "blank" : "member",
    clusterId: document?.clusterId ?? null,
    peers: machine.peers.map(({ nodeId }) => nodeId),
    document,
    begun,
    members: document?.voters.map(({ id }) => id) ?? [],
  };
}

function hasRunningMajority({ machines }: ModelState, { voters, clusterId }: ClusterDocument): boolean {
  const running = voters.filter(({ id }) => {
    const at = machines.findIndex((_, index) => nodeIdAt(index) === nodeIdOf(id));
    const machine = machines[at];
    if (machine === undefined || !machine.isStarted) return false;
    return (
      peerIdOf({ nodeId: nodeIdAt(at), dirId: dirIdAt(at, machine.mounted) }) === id &&
      mountedDisk(machine).document?.clusterId === clusterId
    );
  });
  return running.length * 2 > voters.length;
}

export function mountedDisk({ disks, mounted }: ModelMachine): ModelDisk {
  return disks[mounted]!;
}

function peerAt(at: number): InitialPeer {
  return { nodeId: nodeIdAt(at), address: `host${at + 1}:1` };
}

/** Easy to read, and as long as a real one. */
function dirIdAt(at: number, disk: number): string {
  return `${at + 1}${disk + 1}`.padEnd(32, "0");
}

function replace(state: ModelState, at: number, machine: ModelMachine): ModelState {
  return { ...state, machines: state.machines.with(at, machine) };
}

function byFirst(a: readonly [string, string], b: readonly [string, string]): number {
  return a[0] < b[0] ? -1 : 1;
}
