// SPDX-License-Identifier: Apache-2.0
/**
 * One incarnation of a node in the core world: the runtime's loop without promises, between one core and simulated parts.
 *
 *   messages, ticks, disk answers, requests ──gate──▶ queue ──turn──▶ core ──Ready──▶ send, write, apply, answer
 *
 * It does what any correct runtime may do and decides nothing about Raft. Its turns may come late and take several events
 * at once; it may die between any two effects of one `Ready`.
 */
import type {
  Ack,
  BootState,
  Config,
  ConfigChange,
  CoreConfig,
  CoreStatus,
  Message,
  PeerId,
  PeerMessage,
  ProposeItem,
  ProposeOutcome,
  Ready,
  RequestOutcome,
  Role,
  SendSnapshot,
  SnapMeta,
  TraceEvent,
} from "../core/types.ts";
import type { CoreChecks } from "./core-checks.ts";
import type { Coverage } from "./coverage.ts";
import type { SimulatedDisk } from "./disk.ts";
import type { StoredSnapshot } from "./disk-image.ts";
import type { Profile } from "./profile.ts";
import type { RandomStream } from "./random-stream.ts";
import type { RegisterInput, RegisterOutput } from "./register.ts";
import { encodeCommand, RegisterMachine, type Registers } from "./register-machine.ts";
import type { SimulatedClock } from "./simulated-clock.ts";

/** What the world drives: `RaftCore`, or a broken copy of it. */
export interface Core {
  tick(): void;
  step(message: Message): void;
  propose(items: readonly ProposeItem[]): ProposeOutcome;
  proposeConfig(change: ConfigChange): ProposeOutcome;
  readIndex(ctx: number): RequestOutcome;
  transferLeader(to: PeerId | null): RequestOutcome;
  snapshotMeta(index: number): SnapMeta | null;
  hasReady(): boolean;
  ready(): Ready;
  advance(ack: Ack): void;
  status(): CoreStatus;
}

export type MakeCore = (config: CoreConfig, boot: BootState) => Core;

/** A snapshot on its way, in one piece. */
export interface SnapshotPacket {
  readonly type: "Snapshot";
  readonly from: PeerId;
  readonly to: PeerId;
  readonly term: number;
  readonly transfer: number;
  readonly snapshot: StoredSnapshot<Registers>;
}

export interface SnapshotStored {
  readonly type: "SnapshotStored";
  readonly from: PeerId;
  readonly to: PeerId;
  readonly transfer: number;
}

/** What travels in the core world. */
export type Packet = PeerMessage | SnapshotPacket | SnapshotStored;

/** What a client is told. `lost` and `refused` promise that nothing happened and never will. */
export type Answer =
  | { readonly kind: "refused"; readonly leader: PeerId | null }
  | { readonly kind: "lost" }
  | { readonly kind: "unknown" }
  | { readonly kind: "success"; readonly index: number; readonly output: RegisterOutput }
  | { readonly kind: "read"; readonly value: number };

interface PendingProposal {
  readonly term: number;
  readonly answer: (answer: Answer) => void;
}

interface PendingRead {
  readonly key: number;
  readonly answer: (answer: Answer) => void;
}

type Job =
  | { readonly kind: "apply"; readonly batch: NonNullable<Ready["apply"]> }
  | { readonly kind: "restore"; readonly meta: SnapMeta };

export interface CoreNodeOptions {
  readonly id: PeerId;
  readonly host: string;
  /** Names the incarnation in reports: `n1@1#3`. */
  readonly name: string;
  readonly seed: bigint;
  readonly profile: Profile;
  readonly clock: SimulatedClock;
  readonly disk: SimulatedDisk<Registers>;
  readonly random: RandomStream;
  readonly checks: CoreChecks;
  readonly coverage: Coverage;
  readonly makeCore: MakeCore;
  /** False when the sender's side can see that it is lost. */
  readonly send: (packet: Packet, extraDelay: number) => boolean;
  /** The node dies now, of its own accord. */
  readonly die: (why: string) => void;
}

export class CoreNode {
  readonly id: PeerId;
  readonly host: string;
  readonly name: string;
  readonly clock: SimulatedClock;
  readonly disk: SimulatedDisk<Registers>;
  readonly machine = new RegisterMachine();
  readonly core: Core;
  readonly isSuspect: boolean;
  /** Kept up to date by the core's trace. */
  role: Role = "follower";
  commit = 0;
  config: Config;
  configIndex: number;
  /** It dies after so many more effects; negative: it does not. */
  effectsLeft = -1;
  readonly #options: CoreNodeOptions;
  readonly #queue: (() => void)[] = [];
  #isTurnComing = false;
  #isDraining = false;
  readonly #jobs: Job[] = [];
  #isWorking = false;
  readonly #proposals = new Map<number, PendingProposal[]>();
  readonly #reads = new Map<number, PendingRead>();
  #waitingReads: { ctx: number; index: number }[] = [];
  #nextCtx = 1;
  readonly #transfers = new Map<number, PeerId>();
  #nextTransfer = 1;
  #isSaving = false;
  #events = 0;

  constructor(options: CoreNodeOptions) {
    this.#options = options;
    this.id = options.id;
    this.host = options.host;
    this.name = options.name;
    this.clock = options.clock;
    this.disk = options.disk;
    const { profile, disk, seed } = options;
    const boot = disk.boot(profile.core.tailCacheBytes);
    this.isSuspect = boot.suspect;
    if (disk.snapshot !== null) this.machine.restore(disk.snapshot);
    this.config = this.machine.config;
    this.configIndex = 0;
    const logged = disk.image.config;
    if (logged !== undefined) {
      this.config = logged.config;
      this.configIndex = logged.index;
    }
    const trace = (event: TraceEvent): void => this.#trace(event);
    const config: CoreConfig = { ...profile.core, self: options.id, seed, maxEntryBytes: 1_000_000, trace };
    this.core = options.makeCore(config, boot);
    options.checks.booted(this, boot);
    const first = 1 + options.random.below(profile.tick);
    this.clock.every(profile.tick, () => this.#enqueue(() => this.core.tick()), first);
  }

  /** Something arrives from the network. */
  receive(packet: Packet): void {
    this.clock.enter(() => this.#receive(packet));
  }

  /** A client asks for operations. Each is answered once, or never if the node dies. */
  request(inputs: readonly RegisterInput[], padding: number, answer: (at: number, answer: Answer) => void): void {
    this.clock.enter(() => this.#enqueue(() => this.#request(inputs, padding, answer)));
  }

  /** The operator asks for something; refusals are an operator's daily bread. */
  operate(run: (core: Core) => void): void {
    this.clock.enter(() => this.#enqueue(() => run(this.core)));
  }

  /** Takes a snapshot of its own as soon as it can, unless one is under way or there is nothing new. */
  takeSnapshot(): void {
    if (!this.#isSaving && !this.isSuspect) this.#enqueue(() => this.#takeSnapshot());
  }

  #takeSnapshot(): void {
    const { machine, disk, core } = this;
    if (this.#isSaving || machine.applied <= (disk.snapshot?.meta.index ?? 0)) return;
    // Only what the core knows to be applied, and not while another state is on its way into the machine.
    if (core.status().applied !== machine.applied) return;
    const meta = core.snapshotMeta(machine.applied);
    if (meta === null) return;
    const snapshot = machine.snapshot();
    this.#isSaving = true;
    this.#options.checks.takes(this, meta, snapshot);
    disk.saveSnapshot({ ...snapshot, meta }, () => {
      this.clock.enter(() => {
        this.#isSaving = false;
        this.#enqueue(() => this.#compact(meta));
      });
    });
  }

  /** Kills: nothing in it runs any more. */
  stop(): void {
    this.clock.stop();
    this.#queue.length = 0;
    this.#jobs.length = 0;
  }

  #enqueue(event: () => void): void {
    const { turnDelayMax } = this.#options.profile;
    this.#queue.push(event);
    if (this.#isTurnComing || this.#isDraining) return;
    if (turnDelayMax === 0) this.#turn();
    else {
      this.#isTurnComing = true;
      this.clock.after(this.#options.random.below(turnDelayMax), () => this.#turn());
    }
  }

  /** Takes everything that is queued, then does what the core wants until it wants nothing. */
  #turn(): void {
    this.#isTurnComing = false;
    this.#isDraining = true;
    do {
      for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
        this.#events++;
        event();
      }
      while (!this.clock.isStopped && this.core.hasReady()) this.#perform(this.core.ready());
    } while (!this.clock.isStopped && this.#queue.length > 0);
    this.#isDraining = false;
    if (!this.clock.isStopped && this.#events % 64 === 0) this.#options.checks.sample(this);
  }

  #receive(packet: Packet): void {
    // X1: a message for the machine's former identity is nobody's.
    if (packet.to !== this.id) {
      this.#options.coverage.count("fault wrong-target");
      return;
    }
    if (packet.type === "SnapshotStored") this.#enqueue(() => this.#endTransfer(packet.transfer, true));
    else if (packet.type === "Snapshot") this.#enqueue(() => this.#stage(packet));
    else this.#enqueue(() => this.#step(packet));
  }

  #step(message: Message): void {
    const before = this.role;
    this.core.step(message);
    this.#options.coverage.count(`edge ${before} ${message.type} ${this.role}`);
  }

  #stage({ from, to, term, snapshot, transfer }: SnapshotPacket): void {
    this.#options.checks.snapshot(this, snapshot);
    const stagedId = this.disk.stage(snapshot);
    this.#options.checks.note(this, () => `has staged snapshot ${snapshot.meta.index} from ${from} of term ${term}`);
    this.#options.send({ type: "SnapshotStored", from: this.id, to: from, transfer }, 0);
    this.#step({ type: "SnapDone", from, to, term, meta: snapshot.meta, stagedId });
  }

  #request(inputs: readonly RegisterInput[], padding: number, answer: (at: number, answer: Answer) => void): void {
    const [first] = inputs;
    if (first?.kind === "read") {
      const ctx = this.#nextCtx++;
      const outcome = this.core.readIndex(ctx);
      if (outcome.ok) this.#reads.set(ctx, { key: first.key, answer: (known) => answer(0, known) });
      else answer(0, { kind: "refused", leader: outcome.leader });
      return;
    }
    const outcome = this.core.propose(inputs.map((input) => ({ data: encodeCommand(input, padding) })));
    inputs.forEach((_, at) => {
      if (!outcome.ok) {
        answer(at, { kind: "refused", leader: outcome.leader });
        return;
      }
      const index = outcome.firstIndex + at;
      const pending: PendingProposal = { term: outcome.term, answer: (known) => answer(at, known) };
      const others = this.#proposals.get(index);
      if (others === undefined) this.#proposals.set(index, [pending]);
      else others.push(pending);
    });
  }

  #perform(ready: Ready): void {
    const { checks, disk } = { checks: this.#options.checks, disk: this.disk };
    for (const message of ready.send) {
      if (this.#isDying()) return;
      checks.sends(this, message);
      const isSent = this.#options.send(message, 0);
      if (!isSent && this.#options.random.chance(this.#options.profile.unreachableChance)) {
        this.#enqueue(() => this.core.advance({ type: "unreachable", peer: message.to }));
      }
    }
    const { persist } = ready;
    if (persist !== null) {
      if (this.#isDying()) return;
      checks.persists(this, persist);
      disk.write(persist, (error) => {
        if (error !== undefined) this.#options.die(error.message);
        else {
          this.clock.enter(() => this.#enqueue(() => this.core.advance({ type: "persisted", seq: persist.seq })));
        }
      });
    }
    if (this.#isDying()) return;
    if (ready.apply !== null) this.#addJob({ kind: "apply", batch: ready.apply });
    if (ready.restore !== null) this.#addJob({ kind: "restore", meta: ready.restore });
    for (const read of ready.reads) this.#waitingReads.push(read);
    if (ready.reads.length > 0) this.#answerReads();
    for (const { ctx } of ready.failed) {
      this.#reads.get(ctx)?.answer({ kind: "refused", leader: null });
      this.#reads.delete(ctx);
    }
    for (const { to, lo, hi, maxBytes, token } of ready.fetch) {
      this.clock.after(1 + this.#options.random.below(2_000), () => {
        const entries = disk.entries(lo, hi, maxBytes);
        this.#enqueue(() => this.core.advance({ type: "entriesRead", to, token, entries }));
      });
    }
    for (const request of ready.sendSnapshot) this.#sendSnapshot(request);
    for (const stagedId of ready.discard) disk.discard(stagedId);
  }

  /** Whether the node's last effect was its last. */
  #isDying(): boolean {
    if (this.effectsLeft === 0) this.#options.die("killed between two effects");
    if (this.effectsLeft > 0) this.effectsLeft--;
    return this.clock.isStopped;
  }

  #addJob(job: Job): void {
    this.#jobs.push(job);
    if (!this.#isWorking) this.#work();
  }

  /** The apply loop: one job after the other, each after a while. */
  #work(): void {
    const { applyDelayMax } = this.#options.profile;
    if (applyDelayMax === 0) {
      for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) this.#do(job);
      return;
    }
    this.#isWorking = true;
    this.clock.after(this.#options.random.below(applyDelayMax), () => {
      this.#isWorking = false;
      const job = this.#jobs.shift();
      if (job !== undefined) this.#do(job);
      if (this.#jobs.length > 0) this.#work();
    });
  }

  #do(job: Job): void {
    if (job.kind === "restore") this.#restore(job.meta);
    else {
      for (const entry of job.batch.entries) {
        const output = this.#options.checks.applies(this, entry);
        const pending = this.#proposals.get(entry.index);
        if (pending === undefined) continue;
        this.#proposals.delete(entry.index);
        for (const { term, answer } of pending) {
          if (term !== entry.term || output === undefined) answer({ kind: "lost" });
          else answer({ kind: "success", index: entry.index, output });
        }
      }
      this.#enqueue(() => this.core.advance({ type: "applied", index: job.batch.lastIndex }));
      const { snapshotEvery } = this.#options.profile;
      const newest = this.disk.snapshot?.meta.index ?? 0;
      if (snapshotEvery > 0 && this.machine.applied - newest >= snapshotEvery) this.takeSnapshot();
    }
    this.#answerReads();
  }

  #restore(meta: SnapMeta): void {
    const { snapshot } = this.disk;
    // A newer snapshot cannot be there: it would be this node's own, of something that is not applied yet.
    this.#options.checks.restores(this, meta, snapshot);
    if (snapshot !== null) this.machine.restore(snapshot);
    for (const [index, pending] of this.#proposals) {
      if (index > meta.index) continue;
      this.#proposals.delete(index);
      for (const { term, answer } of pending) {
        answer({ kind: index === meta.index && term !== meta.term ? "lost" : "unknown" });
      }
    }
    this.#enqueue(() => this.core.advance({ type: "restored", index: meta.index }));
  }

  #answerReads(): void {
    if (this.#waitingReads.length === 0) return;
    const { machine } = this;
    this.#waitingReads = this.#waitingReads.filter(({ ctx, index }) => {
      if (index > machine.applied) return true;
      const read = this.#reads.get(ctx);
      this.#reads.delete(ctx);
      read?.answer({ kind: "read", value: machine.read(read.key) });
      return false;
    });
  }

  #compact(meta: SnapMeta): void {
    // An install passed by meanwhile: there is nothing left to compact.
    if (this.disk.snapshot?.meta.index !== meta.index) return;
    const upTo = Math.max(0, meta.index - this.#options.profile.trailing);
    this.core.advance({ type: "compacted", snapshot: meta, upTo });
    this.disk.compact(upTo);
  }

  #sendSnapshot({ to, minIndex, term }: SendSnapshot): void {
    const { random, profile, coverage } = this.#options;
    const { snapshot } = this.disk;
    const transfer = this.#nextTransfer++;
    this.#transfers.set(transfer, to);
    const patience = 2 * profile.snapshotDelay + profile.tick * profile.core.electionTicks;
    this.clock.after(patience, () => this.#enqueue(() => this.#endTransfer(transfer, false)));
    this.#options.checks.note(this, () => `streams snapshot ${snapshot?.meta.index} to ${to}, wanted from ${minIndex}`);
    if (snapshot === null || snapshot.meta.index < minIndex) return;
    if (random.chance(profile.snapshotLossChance)) {
      coverage.count("fault snapshot-lost");
      return;
    }
    coverage.count("fault snapshot-sent");
    this.#options.send({ type: "Snapshot", from: this.id, to, term, transfer, snapshot }, profile.snapshotDelay);
  }

  #endTransfer(transfer: number, ok: boolean): void {
    const peer = this.#transfers.get(transfer);
    if (peer === undefined) return;
    this.#transfers.delete(transfer);
    this.#options.checks.note(this, () => `ends its stream to ${peer}: ${ok}`);
    this.core.advance({ type: "snapStatus", peer, ok });
  }

  #trace(event: TraceEvent): void {
    const { checks, coverage } = this.#options;
    switch (event.type) {
      case "role":
        checks.changesRole(this, event.from, event.to, event.term);
        coverage.count(`role ${event.from} ${event.to}`);
        this.role = event.to;
        break;
      case "truncate":
        checks.truncates(this, event.from, event.role);
        break;
      case "commit":
        checks.commits(this, event.index);
        this.commit = event.index;
        break;
      case "config":
        checks.configures(this, event.index, event.config);
        this.config = event.config;
        this.configIndex = event.index;
        break;
      case "install":
        checks.installs(this, event.index);
        break;
      case "rule":
        coverage.count(`rule ${event.rule}`);
        break;
    }
  }
}
