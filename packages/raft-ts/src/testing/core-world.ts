// SPDX-License-Identifier: Apache-2.0
/**
 * The core world: machines with disks and clocks, one core on each that is up, a network between them, clients, an
 * operator, and a nemesis that follows its plan.
 *
 * `run()` has two phases. In the first, everything goes wrong that the plan says. In the second (`liveness.ts`), a
 * majority is healed, the rest stays cut off for ever, and the majority must get on.
 */
import type { Config, ConfigChange, PeerId } from "../core/types.ts";
import { CoreChecks } from "./core-checks.ts";
import { CoreNode, type MakeCore, type Packet } from "./core-node.ts";
import { configDigest } from "./chain.ts";
import { Coverage } from "./coverage.ts";
import { SimulatedDisk } from "./disk.ts";
import { DiskImage, type StoredSnapshot } from "./disk-image.ts";
import { Ledger } from "./ledger.ts";
import { SimulatedNetwork, type Weather } from "./network.ts";
import { answerFor, FormingNode, mayRunOn, type FormingPacket } from "./forming-node.ts";
import { leaderHost, type Action } from "./plan.ts";
import type { DirectedLink } from "./partitions.ts";
import { hostNames, type Profile } from "./profile.ts";
import { randomStreams, type RandomStream } from "./random-stream.ts";
import type { NodeColumn, Recorder } from "./recorder.ts";
import { RegisterWatch } from "./register.ts";
import type { Registers } from "./register-machine.ts";
import { Scheduler, type Scheduled } from "./scheduler.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import { Trace } from "./trace.ts";
import { Workload } from "./workload.ts";

export interface CoreWorldOptions {
  readonly seed: number;
  readonly profile: Profile;
  readonly plan: readonly Action[];
  readonly makeCore: MakeCore;
  /** Newest lines of trace to keep; 0 for speed. */
  readonly linesMax: number;
  /** Is told everything; undefined for speed. */
  readonly recorder: Recorder | undefined;
}

/** A machine: what survives its processes. */
export interface Host {
  readonly name: string;
  ratePercent: number;
  readonly disk: SimulatedDisk<Registers>;
  /** Grows with every lost disk: the `dirId` of this world. */
  dirNumber: number;
  incarnation: number;
  node: CoreNode | undefined;
  /** What runs on it until its core may. */
  forming: FormingNode | undefined;
  /** Disks that were mounted before, and may be again, by their numbers. */
  readonly shelf: Map<number, DiskImage<Registers>>;
  /** How many disks it ever had. */
  disks: number;
  /** When it comes back. */
  restart: Scheduled | undefined;
}

/** Messages that wait at the gate of a paused node. */
const waitingMax = 5_000;

export class CoreWorld {
  readonly scheduler = new Scheduler();
  readonly coverage = new Coverage();
  readonly ledger = new Ledger();
  readonly trace: Trace;
  readonly network: SimulatedNetwork<Packet | FormingPacket>;
  readonly hosts: readonly Host[];
  readonly workload: Workload;
  readonly profile: Profile;
  readonly stream: (name: string) => RandomStream;
  readonly #options: CoreWorldOptions;
  readonly #checks: CoreChecks;
  readonly #byName = new Map<string, Host>();
  readonly #plan: Scheduled[] = [];
  /** Names of the machines that the cluster begins with. */
  readonly #initial: readonly string[];
  /** What lost disks held: it was there when it was promised, and their identities never vote again (M11). */
  readonly #lost = new Map<PeerId, DiskImage<Registers>>();
  #calms = 0;

  constructor(options: CoreWorldOptions) {
    this.#options = options;
    const { profile, seed, plan, linesMax, recorder } = options;
    this.profile = profile;
    this.trace = new Trace(linesMax, recorder && ((line) => recorder.line(line)));
    if (recorder !== undefined) {
      this.scheduler.afterEach = () => recorder.after(this.scheduler.events, this.scheduler.now, this.#columns());
    }
    this.stream = randomStreams(seed);
    const watch = new RegisterWatch();
    this.#checks = new CoreChecks({
      ledger: this.ledger,
      watch,
      trace: this.trace,
      imageOf: (id) => this.imageOf(id),
      nodeOf: (id) => this.#byName.get(hostOf(id))?.node,
      applied: (value, index) => this.workload.applied(value, index),
    });
    this.network = new SimulatedNetwork({
      scheduler: this.scheduler,
      random: this.stream("network"),
      weather: profile.weather,
      deliver: (to, packet) => this.#deliver(this.#byName.get(to), packet),
    });
    const names = hostNames(profile);
    this.#initial = names.slice(0, profile.voters);
    let initial: StoredSnapshot<Registers> | null = null;
    if (profile.isForming !== true) {
      initial = initialSnapshot(this.#initial.map((name) => `${name}@1`));
      this.ledger.entry(initial.meta.index, initial.meta.term, initial.chain, "the bootstrap");
      this.ledger.commit({ index: initial.meta.index, term: initial.meta.term, chain: initial.chain });
    }
    this.hosts = names.map((name, at) => this.#makeHost(name, at, at < profile.voters ? initial : null));
    this.workload = new Workload({
      profile: profile.workload,
      hosts: names,
      scheduler: this.scheduler,
      random: this.stream("workload"),
      ledger: this.ledger,
      watch,
      nodeOn: (name) => this.#byName.get(name)?.node,
    });
    for (const action of plan) this.#plan.push(this.scheduler.at(action.at, () => this.#act(action)));
  }

  /** Everything boots; where a cluster is to be formed, one after the other. */
  start(): void {
    const { profile } = this;
    const latest = profile.isForming === true ? 5 * profile.tick * profile.core.electionTicks : 0;
    const random = this.stream("start");
    for (const host of this.hosts) {
      if (latest === 0) this.#boot(host);
      else host.restart = this.scheduler.after(random.below(latest), () => this.#boot(host));
    }
  }

  /** The first phase. */
  runSafety(): void {
    this.scheduler.runUntil(this.profile.safetyTime, this.profile.eventsMax);
    for (const action of this.#plan) action.cancel();
  }

  /** The durable image of an identity; of a lost disk, the last one. */
  imageOf(id: PeerId): DiskImage<Registers> | undefined {
    const host = this.#byName.get(hostOf(id));
    return host === undefined || identityOf(host) !== id ? this.#lost.get(id) : host.disk.image;
  }

  /** Kills what runs on the machine; it comes back after `downtime` µs, or never when that is undefined. */
  crash(host: Host, downtime: number | undefined): void {
    host.restart?.cancel();
    host.restart = undefined;
    const process = host.node ?? host.forming;
    if (process !== undefined) {
      if (this.trace.isVerbose) this.trace.line(`${identityOf(host)}#${host.incarnation} dies`);
      process.stop();
      host.node = undefined;
      host.forming = undefined;
      host.disk.crash();
    }
    if (downtime !== undefined) host.restart = this.scheduler.after(1 + downtime, () => this.#boot(host));
  }

  /** No faults of the weather from now on. */
  calmDown(): void {
    this.network.weather = calmed(this.profile.weather);
  }

  #makeHost(name: string, at: number, initial: StoredSnapshot<Registers> | null): Host {
    const disk = new SimulatedDisk<Registers>(new DiskImage(initial), {
      scheduler: this.scheduler,
      random: this.stream(`disk:${name}`),
      speed: this.profile.disk,
      onDurable: (image, batch) => {
        if (batch !== undefined) this.#checks.wrote(name, image, batch);
      },
    });
    const ratePercent = this.profile.ratePercents[at] ?? 100;
    const host: Host = {
      name,
      ratePercent,
      disk,
      dirNumber: 1,
      incarnation: 0,
      node: undefined,
      forming: undefined,
      shelf: new Map(),
      disks: 1,
      restart: undefined,
    };
    this.#byName.set(name, host);
    return host;
  }

  #boot(host: Host): void {
    host.restart = undefined;
    if (host.node !== undefined || host.forming !== undefined) return;
    host.incarnation++;
    const clock = new SimulatedClock({ scheduler: this.scheduler, ratePercent: host.ratePercent, waitingMax });
    const { disk } = host;
    if (this.profile.isForming !== true || disk.isSuspect || mayRunOn(disk)) this.#run(host, clock);
    else this.#form(host, clock);
  }

  /** Asks who is who, until a core may run. */
  #form(host: Host, clock: SimulatedClock): void {
    const { profile, coverage, trace } = this;
    const { name, disk } = host;
    const incarnation = `${identityOf(host)}#${host.incarnation}`;
    host.forming = new FormingNode({
      host: name,
      id: identityOf(host),
      name: incarnation,
      peers: this.#initial,
      roundTime: profile.tick * profile.core.electionTicks,
      clock,
      disk,
      random: this.stream(`node:${name}`),
      coverage,
      send: (packet) => this.network.send(name, packet.to, packet),
      note: (line) => {
        if (trace.isVerbose) trace.line(`${incarnation} ${line()}`);
      },
      start: () => {
        host.forming = undefined;
        this.#run(host, clock);
      },
    });
    if (trace.isVerbose) trace.line(`${incarnation} is up, and no member yet`);
  }

  #deliver(host: Host | undefined, packet: Packet | FormingPacket): void {
    if (host === undefined) return;
    const { node, forming, disk } = host;
    if (packet.type === "Hello") {
      const { round, from } = packet;
      (node ?? forming)?.clock.enter(() => {
        const running = host.node && { commit: host.node.commit, config: host.node.config };
        const answer = answerFor(identityOf(host), disk, this.#initial, running);
        this.network.send(host.name, from, { type: "HelloAnswer", from: host.name, to: from, round, answer });
      });
    } else if (packet.type === "HelloAnswer") {
      forming?.receive(packet);
    } else if (this.#clusterOf(packet.from) === this.#clusterOf(packet.to)) {
      node?.receive(packet);
    } else {
      // X1: two clusters never talk to each other.
      this.coverage.count("fault wrong-cluster");
    }
  }

  #clusterOf(id: PeerId): string | null | undefined {
    return this.imageOf(id)?.clusterId;
  }

  #run(host: Host, clock: SimulatedClock): void {
    const { name, disk } = host;
    const { profile } = this;
    const random = this.stream(`node:${name}`);
    const id = identityOf(host);
    host.node = new CoreNode({
      id,
      host: name,
      name: `${id}#${host.incarnation}`,
      seed: (BigInt(random.bits()) << 32n) | BigInt(random.bits()),
      profile,
      clock,
      disk,
      random,
      checks: this.#checks,
      coverage: this.coverage,
      makeCore: this.#options.makeCore,
      send: (packet, extraDelay) => this.network.send(name, hostOf(packet.to), packet, extraDelay),
      die: (why) => {
        this.coverage.count(why.startsWith("ENOSPC") ? "fault write-failed" : "fault killed-between-effects");
        this.crash(host, random.below(profile.tick * profile.core.electionTicks));
      },
    });
    if (this.trace.isVerbose) this.trace.line(`${host.node.name} is up`);
  }

  #act(action: Action): void {
    const { scheduler, coverage } = this;
    coverage.count(`fault ${action.kind}`);
    if (this.trace.isVerbose) this.trace.line(`== ${JSON.stringify(action)}`);
    switch (action.kind) {
      case "cut":
        this.#cut(action.links, action.duration);
        return;
      case "clog":
        this.network.clog(action.link[0], action.link[1], action.duration);
        return;
      case "calm":
        this.#calms++;
        this.calmDown();
        scheduler.after(action.duration, () => {
          if (--this.#calms === 0) this.network.weather = this.profile.weather;
        });
        return;
      case "crashAll":
        for (const host of this.hosts) if (host.node !== undefined) this.crash(host, action.downtime);
        return;
      case "isolate":
      case "split":
      case "pause":
      case "crash":
      case "slowDisk":
      case "hangDisk":
      case "failDisk":
      case "wipe":
      case "mount":
      case "damage":
      case "lowSpace":
      case "snapshot":
      case "change":
      case "transfer":
        this.#actOn(this.#byName.get(action.host === leaderHost ? (this.leader()?.host ?? "") : action.host), action);
    }
  }

  #actOn(host: Host | undefined, action: Exclude<Action, { kind: "cut" | "clog" | "calm" | "crashAll" }>): void {
    if (host === undefined) return;
    const { scheduler } = this;
    const { node, disk } = host;
    switch (action.kind) {
      case "isolate": {
        const others = this.hosts.filter((other) => other !== host);
        const links = others.flatMap(({ name }): DirectedLink[] => [
          ...(action.way === "deaf" ? [] : [[host.name, name] as const]),
          ...(action.way === "mute" ? [] : [[name, host.name] as const]),
        ]);
        this.#cut(links, action.duration);
        if (action.pause > 0) {
          node?.clock.pause();
          scheduler.after(action.pause, () => node?.clock.resume());
        }
        return;
      }
      case "split": {
        const others = this.hosts.filter((other) => other !== host);
        const first = action.pick % Math.max(1, others.length);
        const companions = [...others.slice(first), ...others.slice(0, first)].slice(0, action.companions);
        const rest = others.filter((other) => !companions.includes(other));
        const links = [host, ...companions].flatMap(({ name }) =>
          rest.flatMap((other): DirectedLink[] => [
            [name, other.name],
            [other.name, name],
          ]),
        );
        this.#cut(links, action.duration);
        this.workload.cling(host.name, action.duration);
        if (!action.slow) return;
        node?.clock.setRate(200);
        scheduler.after(action.duration, () => node?.clock.setRate(host.ratePercent));
        return;
      }
      case "pause": {
        const clock = (node ?? host.forming)?.clock;
        clock?.pause();
        scheduler.after(action.duration, () => clock?.resume());
        return;
      }
      case "crash":
        if (node !== undefined && action.steps > 0) node.effectsLeft = action.steps;
        else if (node !== undefined || host.forming !== undefined) this.crash(host, action.downtime);
        return;
      case "slowDisk":
        disk.slowness = action.slowness;
        scheduler.after(action.duration, () => (disk.slowness = 1));
        return;
      case "hangDisk":
        disk.hang(action.duration);
        return;
      case "failDisk":
        disk.failNextWrite();
        return;
      case "wipe":
        this.crash(host, action.downtime);
        this.#mount(host, host.disks + 1);
        return;
      case "mount": {
        const { dirNumber } = host;
        if (disk.isSuspect) return;
        this.crash(host, action.downtime);
        host.shelf.set(dirNumber, disk.image);
        this.#mount(host, host.disks + 1);
        scheduler.after(action.downtime + action.duration, () => {
          this.crash(host, action.downtime);
          if (!disk.isSuspect) host.shelf.set(host.dirNumber, disk.image);
          this.#mount(host, dirNumber);
        });
        return;
      }
      case "damage":
        this.crash(host, action.downtime);
        disk.isSuspect = true;
        return;
      case "lowSpace":
        node?.operate((core) => core.advance({ type: "space", low: true }));
        scheduler.after(action.duration, () => node?.operate((core) => core.advance({ type: "space", low: false })));
        return;
      case "snapshot":
        node?.clock.enter(() => node.takeSnapshot());
        return;
      case "change":
        this.#change(action.stray ? node : (this.leader() ?? node), action.pick);
        return;
      case "transfer": {
        const from = this.leader() ?? node;
        const targets = [null, ...(from?.config.voters ?? []), ...(from?.config.learners ?? [])];
        const to = targets[action.pick % targets.length] ?? null;
        from?.operate((core) => this.#countOutcome("transfer", core.transferLeader(to).ok));
      }
    }
  }

  #cut(links: readonly DirectedLink[], duration: number): void {
    for (const [from, to] of links) this.network.cut(from, to);
    this.scheduler.after(duration, () => {
      for (const [from, to] of links) this.network.mend(from, to);
    });
  }

  #columns(): Record<string, NodeColumn> {
    const columns = this.hosts.map(({ name, node }): [string, NodeColumn] => {
      if (node === undefined) return [name, null];
      const { role, term, lastIndex, commit } = node.core.status();
      return [name, { role, term, last: lastIndex, commit, applied: node.machine.applied }];
    });
    return Object.fromEntries(columns);
  }

  /** A node that leads, in the highest term if there are two. */
  leader(): CoreNode | undefined {
    let leader: CoreNode | undefined;
    for (const { node } of this.hosts) {
      if (node === undefined || node.role !== "leader") continue;
      if (leader === undefined || node.core.status().term > leader.core.status().term) leader = node;
    }
    return leader;
  }

  /** Another disk is in the machine: one of its shelf, or a blank one. What was in it is there no more. */
  #mount(host: Host, dirNumber: number): void {
    const { disk, shelf } = host;
    this.#lost.set(identityOf(host), disk.image);
    disk.wipe(shelf.get(dirNumber) ?? new DiskImage<Registers>());
    host.dirNumber = dirNumber;
    host.disks = Math.max(host.disks, dirNumber);
  }

  #change(node: CoreNode | undefined, pick: number): void {
    node?.operate((core) => {
      const changes = this.#possibleChanges(node.config);
      const change = changes[pick % changes.length];
      if (change !== undefined) this.#countOutcome(change.type, core.proposeConfig(change).ok);
    });
  }

  #countOutcome(what: string, isOk: boolean): void {
    this.coverage.count(`operator ${what} ${isOk ? "ok" : "refused"}`);
  }

  /** What an operator might want: to replace lost identities, to bring machines in, up, down and out. */
  #possibleChanges(config: Config): ConfigChange[] {
    const current = this.hosts.map(identityOf);
    const members = [...config.voters, ...config.learners];
    const changes: ConfigChange[] = [];
    for (const id of members.filter((member) => !current.includes(member))) {
      // Wanted most, so several times in the list.
      for (let times = 0; times < 3; times++) changes.push({ type: "remove", id, force: true });
    }
    for (const id of current.filter((id) => !members.includes(id))) {
      changes.push({ type: "addLearner", id, address: hostOf(id) }, { type: "addLearner", id, address: hostOf(id) });
    }
    for (const id of config.learners)
      changes.push({ type: "promote", id }, { type: "promote", id }, { type: "remove", id });
    for (const id of config.voters) changes.push({ type: "demote", id }, { type: "remove", id });
    for (const id of members)
      changes.push({ type: "setAddress", id, address: `${hostOf(id)}:${config.voters.length}` });
    return changes;
  }
}

/** The identity that runs on a machine now. */
export function identityOf({ name, dirNumber }: Host): PeerId {
  return `${name}@${dirNumber}`;
}

export function hostOf(id: PeerId): string {
  return id.slice(0, id.indexOf("@"));
}

/** The same network without faults. Its delays stay. */
function calmed(weather: Weather): Weather {
  const faults = { dropChance: 0, duplicateChance: 0, reorderChance: 0, replayChance: 0 };
  return { ...weather, ...faults, queueMax: Math.max(weather.queueMax, 1_000) };
}

/** The one snapshot from which every initial voter starts (M9). */
function initialSnapshot(voters: readonly PeerId[]): StoredSnapshot<Registers> {
  const config: Config = { voters, votersOutgoing: [], learners: [], learnersNext: [], addresses: [] };
  return { meta: { index: 1, term: 1, config }, state: [], digest: 0, chain: configDigest(config) >>> 0 };
}
