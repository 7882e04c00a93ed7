// SPDX-License-Identifier: Apache-2.0
/**
 * A world of whole nodes: `RaftNode` as users run it, on simulated time, network and disks.
 *
 *   scheduler ──▶ timers, turns, arrivals, syncs ──▶ RaftNode × n ──▶ promises, all settled before the next event
 *
 * Every promise in it is resolved by something the scheduler ran, so a run is a function of its seed although the nodes are
 * written with promises. A machine is a disk that outlives its processes; a process dies by its clock: no timer fires, no
 * turn comes, nothing that waits for the disk is told.
 */
import type { PeerAddress, PeerId } from "../core/types.ts";
import { RaftNode, type Closed } from "../runtime/node.ts";
import type { NodeOptionsInput } from "../runtime/node-options.ts";
import type { AppliedEntry, Clock } from "../runtime/ports.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { MemoryNetwork } from "./memory-transport.ts";
import { calmWeather, SimulatedNetwork, type Weather } from "./network.ts";
import { RandomStream } from "./random-stream.ts";
import type { RegisterOutput } from "./register.ts";
import { RegisterStateMachine } from "./register-state-machine.ts";
import { Scheduler } from "./scheduler.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import { holds } from "./violation.ts";

export interface RuntimeWorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly node?: NodeOptionsInput;
  readonly weather?: Weather;
  /** Mean time of a sync, in µs. @default 300 */
  readonly syncMean?: number;
  /** Longest time until a turn comes, in µs. @default 50 */
  readonly turnDelayMax?: number;
}

/** What one index holds, as the first node that applied it saw it. */
export interface LedgerEntry {
  readonly term: number;
  readonly data: Uint8Array;
}

/** One process: from start to stop, failure or kill. */
export interface Process {
  readonly clock: SimulatedClock;
  readonly machine: RegisterStateMachine;
  /** Undefined while it starts. */
  node: RaftNode<RegisterOutput> | undefined;
  closed: Closed | undefined;
}

export class Machine {
  readonly host: string;
  disk: MemoryDisk;
  process: Process | undefined;
  /** Syncs take this many times as long. */
  slowness = 1;
  /** No sync ends before this time. */
  hangsUntil = 0;
  /** How often this machine's disk was replaced. */
  life = 0;

  constructor(host: string, disk: MemoryDisk) {
    this.host = host;
    this.disk = disk;
  }

  /** What runs on it, if it has begun. */
  get node(): RaftNode<RegisterOutput> | undefined {
    return this.process?.closed === undefined ? this.process?.node : undefined;
  }
}

const clusterId = "world";

export class RuntimeWorld {
  readonly scheduler = new Scheduler();
  readonly machines: Machine[] = [];
  readonly ledger = new Map<number, LedgerEntry>();
  readonly weather: SimulatedNetwork<() => void>;
  /** What went wrong in a promise: the run is over then. */
  failure: Error | undefined;
  readonly #options: RuntimeWorldOptions;
  readonly #network: MemoryNetwork;
  readonly #starts = new Map<string, number>();

  constructor(options: RuntimeWorldOptions) {
    this.#options = options;
    this.weather = new SimulatedNetwork<() => void>({
      scheduler: this.scheduler,
      random: this.stream("network"),
      weather: options.weather ?? calmWeather,
      deliver: (host, deliver) => this.machine(host).process?.clock.enter(deliver),
    });
    const hops = this.stream("hops");
    this.#network = new MemoryNetwork({
      carry: (from, to, deliver) => this.weather.send(hostOf(from), hostOf(to), deliver),
      hop: (from, to) => this.#hop(hostOf(from), hostOf(to), hops),
    });
    for (let at = 0; at < options.nodes; at += 1) this.machines.push(this.#newMachine(`n${at + 1}`));
  }

  stream(name: string): RandomStream {
    return new RandomStream(this.#options.seed, name);
  }

  machine(host: string): Machine {
    const found = this.machines.find((machine) => machine.host === host);
    holds(found !== undefined, "world", () => `there is no machine "${host}"`);
    return found;
  }

  /** Every machine of the first day starts, as a voter. */
  async startAll(): Promise<void> {
    const voters = this.machines.map(({ disk }): PeerAddress => ({ id: disk.peerId, address: disk.peerId }));
    for (const machine of this.machines) this.start(machine, voters);
    await this.drain();
  }

  /** Another machine, blank; it joins when it is started without voters. */
  addMachine(): Machine {
    const machine = this.#newMachine(`n${this.machines.length + 1}`);
    this.machines.push(machine);
    return machine;
  }

  /** The disk is lost and replaced: another identity (M11). The process on it must be dead. */
  wipe(machine: Machine): void {
    holds(machine.process === undefined, "world", () => `the disk of ${machine.host} is in use`);
    machine.life += 1;
    machine.disk = this.#newDisk(machine.host, machine.life);
  }

  /** A process begins. `voters`: what a blank disk is formed with; without them it joins. */
  start(machine: Machine, voters?: readonly PeerAddress[]): void {
    holds(machine.process === undefined, "world", () => `a process runs on ${machine.host} already`);
    const starts = (this.#starts.get(machine.host) ?? 0) + 1;
    this.#starts.set(machine.host, starts);
    const random = this.stream(`start ${machine.host} ${starts}`);
    const simulated = new SimulatedClock({
      scheduler: this.scheduler,
      ratePercent: random.between(80, 125),
      waitingMax: 5_000,
    });
    const process: Process = {
      clock: simulated,
      machine: new RegisterStateMachine((entry) => this.#applied(machine, entry)),
      node: undefined,
      closed: undefined,
    };
    machine.process = process;
    this.#begin(machine, process, random, voters).catch((error: unknown) => {
      // A process that was killed while it started never gets here.
      this.fail(error);
    });
  }

  /** `kill -9`: of what the disk did not say is durable, some may survive. */
  kill(machine: Machine): void {
    const { process, disk } = machine;
    if (process === undefined) return;
    process.clock.stop();
    const stopped = this.#network.at(disk.peerId);
    if (stopped !== undefined) this.#network.unplug(stopped);
    disk.crash(this.stream(`crash ${machine.host} ${this.scheduler.now}`).between(0, disk.unsyncedCount));
    machine.process = undefined;
  }

  /** The node that leads and may act, if there is one that is not paused. */
  leader(): Machine | undefined {
    return this.machines.find(({ node, process }) => node?.state.active === true && process?.clock.isPaused === false);
  }

  /** Time goes on for `us`, or until `isEnough`. Whether it was enough. */
  async run(us: number, isEnough: () => boolean = () => false): Promise<boolean> {
    const end = this.scheduler.now + us;
    for (;;) {
      if (this.failure !== undefined) throw this.failure;
      if (isEnough()) return true;
      const next = this.scheduler.nextTime();
      if (next === undefined || next > end) break;
      this.scheduler.step();
      await this.drain();
    }
    this.scheduler.runUntil(end);
    await this.drain();
    return isEnough();
  }

  /** Something that must not go wrong did. */
  fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
  }

  /** Everything that promises can do now is done. */
  async drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #begin(
    machine: Machine,
    process: Process,
    random: RandomStream,
    voters: readonly PeerAddress[] | undefined,
  ): Promise<void> {
    const storage = new MemoryStorage(machine.disk);
    let opened = await storage.open();
    if (opened.health.state === "blank") {
      opened = await (voters === undefined ? storage.join(clusterId) : storage.form({ clusterId, voters }));
    }
    const { turnDelayMax = 50 } = this.#options;
    const { clock: simulated } = process;
    const clock: Clock = {
      nowMs: () => simulated.now() / 1000,
      after: (ms, run) => simulated.after(ms * 1000, run),
      nextTurn: (run) => void simulated.after(1 + random.below(turnDelayMax), run),
    };
    const { node: given } = this.#options;
    process.node = await RaftNode.start({
      storage,
      opened,
      transport: this.#network.transport(machine.disk.peerId),
      stateMachine: process.machine,
      clock,
      options: { tickMs: 10, ...given, seed: BigInt(random.bits()) },
    });
    const closed = await process.node.closed;
    process.closed = closed;
    const { error } = closed;
    const isAskedFor =
      error === undefined || (error.cause instanceof Error && error.cause.message.startsWith("ENOSPC"));
    holds(isAskedFor, "P5", () => `${machine.host} failed by itself: ${error?.message}: ${String(error?.cause)}`);
    if (machine.process === process) this.kill(machine);
  }

  #newMachine(host: string): Machine {
    return new Machine(host, this.#newDisk(host, 0));
  }

  #newDisk(host: string, life: number): MemoryDisk {
    const random = this.stream(`disk ${host} ${life}`);
    const dirId = Array.from({ length: 4 }, () => random.bits().toString(16).padStart(8, "0")).join("");
    const { syncMean = 300 } = this.#options;
    const sync = (run: () => void): void => {
      const machine = this.machine(host);
      const us = Math.min((syncMean / 2 + random.exponential(syncMean / 2)) * machine.slowness, 2_000_000);
      const tryIt = (): void => {
        if (this.scheduler.now < machine.hangsUntil) this.scheduler.at(machine.hangsUntil, tryIt);
        else run();
      };
      this.scheduler.after(us, tryIt);
    };
    const tell = (run: () => void): void => {
      this.scheduler.after(random.below(100), () => this.machine(host).process?.clock.enter(run));
    };
    return new MemoryDisk({ nodeId: host, dirId, pace: { sync, tell } });
  }

  /** One step of a stream: it waits for paused processes, and breaks at cuts and at dead ones. */
  #hop(from: string, to: string, random: RandomStream): Promise<void> {
    return new Promise((resolve, reject) => {
      const arrive = (): void => {
        const ends = [this.machine(from), this.machine(to)];
        if (this.weather.isCut(from, to) || ends.some(({ process }) => process === undefined)) {
          reject(new Error(`The stream from ${from} to ${to} broke`));
        } else if (ends.some(({ process }) => process?.clock.isPaused === true)) this.scheduler.after(10_000, arrive);
        else resolve();
      };
      this.scheduler.after(200 + random.exponential(300), arrive);
    });
  }

  /** IR4: every index holds the same everywhere, for ever. */
  #applied(machine: Machine, { index, term, data }: AppliedEntry): void {
    const known = this.ledger.get(index);
    if (known === undefined) {
      this.ledger.set(index, { term, data });
      return;
    }
    holds(
      known.term === term && Buffer.compare(known.data, data) === 0,
      "IR4",
      () => `${machine.host} applies another entry at ${index}: term ${term}, known is term ${known.term}`,
    );
  }
}

/** The machine that a peer lives on. */
export function hostOf(id: PeerId): string {
  return id.slice(0, id.indexOf("@"));
}
