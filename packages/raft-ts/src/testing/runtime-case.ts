// SPDX-License-Identifier: Apache-2.0
/**
 * One run of the runtime world from a seed: weather, clients, faults for a while, then peace and the reckoning.
 *
 *   faults ──▶ kills, stops, pauses, partitions, slow and hanging and failing disks, wiped ones, changes of members
 *   peace  ──▶ everybody is up and connected: there must be a leader, a write must succeed, all must hold the same
 *   check  ──▶ honest (IR15), linearizable (IR12), one history (IR4), a clean end of every node
 */
import type { PeerId } from "../core/types.ts";
import type { WorkflowOutcome } from "../runtime/workflow.ts";
import { calmWeather } from "./network.ts";
import { partitionKinds, planPartition, type DirectedLink } from "./partitions.ts";
import type { RandomStream } from "./random-stream.ts";
import { encodeCommand } from "./register-machine.ts";
import { registersOf, RuntimeClients, type ClientCounts } from "./runtime-clients.ts";
import { RuntimeWorld, type Machine } from "./runtime-world.ts";
import { holds } from "./violation.ts";

export interface RuntimeCaseOutcome {
  readonly seed: number;
  readonly events: number;
  /** Virtual time at the end, in µs, and how many entries were applied somewhere: equal for equal runs. */
  readonly endedAt: number;
  readonly entries: number;
  readonly answers: ClientCounts;
  /** Faults and operations, by kind. */
  readonly faults: Readonly<Record<string, number>>;
}

const second = 1_000_000;
const keys = 4;
/** Written in peace, to a register of its own: no client's value. */
const peaceValue = 4_000_000_000;
/** A machine that takes part in nothing else while an operator works on it. */
type Busy = Set<Machine>;

/** Runs it, or throws what was violated. `seconds`: of virtual time, with faults. */
export async function runRuntimeCase(seed: number, seconds: number): Promise<RuntimeCaseOutcome> {
  const draw = new RuntimeCase(seed);
  await draw.run(seconds);
  return draw.outcome();
}

class RuntimeCase {
  readonly #seed: number;
  readonly #world: RuntimeWorld;
  readonly #clients: RuntimeClients;
  readonly #random: RandomStream;
  readonly #faults: Record<string, number> = {};
  readonly #busy: Busy = new Set();
  readonly #cuts: (readonly DirectedLink[])[] = [];
  #isPeace = false;
  /** Identities that are lost and may still be members. */
  readonly #lost = new Set<PeerId>();

  constructor(seed: number) {
    this.#seed = seed;
    const random = new RuntimeWorld({ seed, nodes: 0 }).stream("profile");
    const isRough = random.chance(0.5);
    this.#world = new RuntimeWorld({
      seed,
      nodes: random.pick([1, 3, 3, 3, 5]),
      weather: isRough
        ? {
            ...calmWeather,
            delayTail: 3_000,
            dropChance: 0.02,
            duplicateChance: 0.02,
            reorderChance: 0.05,
            replayChance: 0.005,
            replayDelayMax: 5 * second,
          }
        : calmWeather,
      syncMean: random.pick([50, 500, 3_000]),
      turnDelayMax: random.pick([1, 100, 2_000]),
      node: {
        core: {
          maxAppendBytes: random.pick([200, 20_000]),
          maxApplyBytes: random.pick([300, 100_000]),
          tailCacheBytes: random.pick([500, 1_000_000]),
          maxInflightMsgs: random.pick([2, 128]),
        },
        inboxMessages: random.pick([2, 100]),
        snapshots: {
          everyEntries: random.pick([10, 100, 100_000]),
          minIntervalMs: random.pick([0, 300]),
          trailingEntries: random.pick([0, 20]),
          trailingBytes: random.pick([100, 100_000]),
        },
        stopStepMs: 400,
      },
    });
    this.#random = this.#world.stream("faults");
    this.#clients = new RuntimeClients(this.#world, {
      clients: random.pick([3, 8, 16]),
      keys,
      thinkMean: random.pick([2_000, 20_000]),
      paddingMax: random.pick([1, 200]),
    });
  }

  async run(seconds: number): Promise<void> {
    const world = this.#world;
    await world.startAll();
    this.#next();
    await world.run(seconds * second);
    this.#isPeace = true;
    this.#makePeace();
    await this.#settle();
    this.#clients.check();
    await this.#end();
  }

  outcome(): RuntimeCaseOutcome {
    const { scheduler, ledger } = this.#world;
    const { events, now: endedAt } = scheduler;
    return {
      seed: this.#seed,
      events,
      endedAt,
      entries: ledger.size,
      answers: this.#clients.counts,
      faults: this.#faults,
    };
  }

  #next(): void {
    this.#world.scheduler.after(this.#random.exponential(400_000), () => {
      if (this.#isPeace) return;
      this.#fault();
      this.#next();
    });
  }

  #count(kind: string): void {
    this.#faults[kind] = (this.#faults[kind] ?? 0) + 1;
  }

  #later(us: number, run: () => void): void {
    this.#world.scheduler.after(us, () => {
      if (!this.#isPeace) run();
    });
  }

  /** One of the machines that nobody works on; sometimes the leader's, on purpose. */
  #victim(): Machine | undefined {
    const free = this.#world.machines.filter((machine) => !this.#busy.has(machine) && machine.node !== undefined);
    const leader = this.#world.leader();
    if (leader !== undefined && free.includes(leader) && this.#random.chance(0.4)) return leader;
    return free.length === 0 ? undefined : this.#random.pick(free);
  }

  #fault(): void {
    const kinds = [
      "kill",
      "kill",
      "stop",
      "pause",
      "cut",
      "cut",
      "slow",
      "hang",
      "fail",
      "transfer",
      "replace",
      "grow",
    ];
    const kind = this.#random.pick(kinds);
    const machine = this.#victim();
    if (machine === undefined) return;
    const { scheduler } = this.#world;
    const duration = this.#random.exponential(800_000);
    this.#count(kind);
    switch (kind) {
      case "kill":
        this.#world.kill(machine);
        this.#restartLater(machine, duration);
        return;
      case "stop":
        void machine.node?.stop();
        this.#restartLater(machine, second + duration);
        return;
      case "pause":
        machine.process?.clock.pause();
        scheduler.after(duration, () => machine.process?.clock.resume());
        return;
      case "cut":
        this.#cut(duration);
        return;
      case "slow":
        machine.slowness = this.#random.pick([5, 50]);
        scheduler.after(duration, () => (machine.slowness = 1));
        return;
      case "hang":
        machine.hangsUntil = scheduler.now + duration;
        return;
      case "fail":
        // P5: the node notices and ends; its process starts again.
        machine.disk.failNext();
        this.#restartLater(machine, second + duration);
        return;
      case "transfer":
        void this.#world.leader()?.node?.admin.transferLeader(null);
        return;
      case "replace":
        this.#replace(machine);
        return;
      case "grow":
        this.#growOrShrink();
        return;
    }
  }

  #cut(duration: number): void {
    const hosts = this.#world.machines.map(({ host }) => host);
    const links = planPartition(this.#random.pick(partitionKinds), hosts, this.#random);
    for (const [from, to] of links) this.#world.weather.cut(from, to);
    this.#cuts.push(links);
    this.#later(duration, () => {
      for (const [from, to] of links) this.#world.weather.mend(from, to);
    });
  }

  /** A machine without a process gets one; one whose process still ends, a little later. */
  #restartLater(machine: Machine, us: number): void {
    this.#later(us, () => {
      if (machine.process === undefined) this.#world.start(machine);
      else if (machine.node === undefined) this.#restartLater(machine, 100_000);
    });
  }

  /** M11: the disk of one member is lost. Not before the last one that was lost is out, and never that of a lone voter. */
  #replace(machine: Machine): void {
    const voters = this.#world.leader()?.node?.status().config.voters ?? [];
    const old = machine.disk.peerId;
    if (this.#lost.size > 0 || this.#busy.size > 0 || voters.length < 3 || !voters.includes(old)) return;
    this.#count("wiped");
    this.#lost.add(old);
    this.#busy.add(machine);
    this.#world.kill(machine);
    this.#world.wipe(machine);
    this.#world.start(machine);
    const id = machine.disk.peerId;
    this.#operate(
      (leader) => leader.node?.admin.replace(old, { id, address: id }, { deadlineMs: 5_000 }),
      () => {
        this.#lost.delete(old);
        this.#busy.delete(machine);
      },
    );
  }

  /** A machine more, as a voter; or one that was added goes again. */
  #growOrShrink(): void {
    if (this.#busy.size > 0 || this.#lost.size > 0) return;
    const { machines } = this.#world;
    if (machines.length < 6) {
      const machine = this.#world.addMachine();
      this.#busy.add(machine);
      this.#world.start(machine);
      const id = machine.disk.peerId;
      this.#operate(
        (leader) => leader.node?.admin.addVoter(id, id, { deadlineMs: 5_000 }),
        () => this.#busy.delete(machine),
      );
    }
  }

  /** An operator who asks whoever leads until it is done, through every change of leader. */
  #operate(ask: (leader: Machine) => Promise<WorkflowOutcome> | undefined, done: () => void): void {
    const { scheduler } = this.#world;
    const again = (): void => {
      // Until the reckoning: a member that was announced must come, or the group may lack a majority of the living.
      const asked = this.#ask(ask);
      let isOver = false;
      const over = (outcome: WorkflowOutcome | undefined): void => {
        if (isOver) return;
        isOver = true;
        if (outcome !== undefined) this.#count(`workflow ${outcome.kind}`);
        if (outcome?.kind === "done") done();
        else scheduler.after(300_000, again);
      };
      // The leader it asked may die and never answer.
      scheduler.after(8 * second, () => over(undefined));
      asked.then(over, (error: unknown) => this.#world.fail(error));
    };
    again();
  }

  async #ask(ask: (leader: Machine) => Promise<WorkflowOutcome> | undefined): Promise<WorkflowOutcome | undefined> {
    const leader = this.#world.leader();
    return leader === undefined ? undefined : ask(leader);
  }

  #makePeace(): void {
    const { weather, machines } = this.#world;
    weather.mendAll();
    weather.weather = calmWeather;
    for (const machine of machines) {
      machine.slowness = 1;
      machine.hangsUntil = 0;
      machine.disk.heal();
      machine.process?.clock.resume();
    }
  }

  /** Everybody is up, somebody leads, the operators are done, and all hold the same. */
  async #settle(): Promise<void> {
    const world = this.#world;
    // Somebody who was asked to stop in the last moment of the faults may end only now.
    const startAll = (): void => {
      for (const machine of world.machines) if (machine.process === undefined) world.start(machine);
    };
    const isUp = (): boolean => {
      startAll();
      return (
        this.#busy.size === 0 && world.machines.every(({ node }) => node !== undefined) && world.leader() !== undefined
      );
    };
    // A learner with a narrow window may not catch up while the clients write as fast as they can.
    if (!(await world.run(20 * second, isUp))) this.#clients.stop();
    // With two messages on their way and few bytes in each it takes minutes for a long log; but every minute brings it nearer.
    let behind = this.#behind();
    while (!(await world.run(60 * second, isUp))) {
      const before = behind;
      behind = this.#behind();
      holds(
        behind < before,
        "liveness",
        () => `no quiet group after a minute of peace, nor nearer: ${this.#picture()}`,
      );
    }
    this.#clients.stop();
    await world.run(8 * second);
    let isWritten = false;
    const write = (): void => {
      if (isWritten) return;
      const asked = world.leader()?.node?.propose(encodeCommand({ kind: "write", key: keys, value: peaceValue }, 0));
      void asked?.then((outcome) => (isWritten ||= outcome.kind === "success"));
      world.scheduler.after(500_000, write);
    };
    write();
    holds(
      await world.run(30 * second, () => isWritten),
      "liveness",
      () => `no write succeeds in peace: ${this.#picture()}`,
    );
    const isSame = (): boolean => {
      startAll();
      const members = world.machines.filter(({ disk }) => this.#isMember(disk.peerId));
      const all = members.map((machine) => registersOf(machine, keys + 1).join());
      return new Set(all).size === 1 && registersOf(members[0]!, keys + 1)[keys] === peaceValue;
    };
    holds(await world.run(30 * second, isSame), "liveness", () => `members differ in peace: ${this.#picture()}`);
  }

  #isMember(id: PeerId): boolean {
    const config = this.#world.leader()?.node?.status().config;
    return config !== undefined && (config.voters.includes(id) || config.learners.includes(id));
  }

  async #end(): Promise<void> {
    const world = this.#world;
    const ends = world.machines.flatMap(({ process }) => (process?.node === undefined ? [] : [process]));
    for (const { node } of ends) void node?.stop();
    const isOver = await world.run(20 * second, () => ends.every(({ closed }) => closed !== undefined));
    holds(isOver, "liveness", () => "a node did not stop");
    for (const { closed } of ends) {
      holds(closed?.reason === "stopped", "P5", () => `a node failed in peace: ${closed?.error?.message}`);
      holds(closed.unfinished.length === 0, "stop", () => `a node left work behind: ${closed.unfinished.join()}`);
    }
  }

  /** Entries that members lack of their leader's log, together. */
  #behind(): number {
    const end = this.#world.leader()?.node?.status().lastIndex;
    if (end === undefined) return Infinity;
    return this.#world.machines.reduce((sum, { node }) => sum + end - (node?.status().lastIndex ?? 0), 0);
  }

  #picture(): string {
    const lines = this.#world.machines.map(({ host, node, process }) => {
      if (node === undefined) return `${host}: ${process === undefined ? "down" : "not running"}`;
      const { role, term, leader, lastIndex, commit, applied, config } = node.status();
      return `${host}: ${role} ${term} of ${leader}, ${applied}/${commit}/${lastIndex}, voters ${config.voters.map((id) => id.slice(0, 6)).join()} learners ${config.learners.map((id) => id.slice(0, 6)).join()}`;
    });
    return `${lines.join("; ")}; operators work on ${[...this.#busy].map(({ host }) => host).join()}`;
  }
}
