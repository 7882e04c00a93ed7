/**
 * Those who use a cluster world: producers that send every batch until they know, consumers, and people who ask for the latest offset.
 *
 *   producer lane:  [unacknowledged batches, in order] ── to whom it takes for the leader ──> answer ─┬─ success: the next one
 *                         ▲                                                                         └─ anything else, or silence
 *                         └────────── when nothing is under way: all of them again, in the same order, with the same sequences
 *
 * Invariant: what a client was told goes to the oracle in the moment in which the broker says it: from then on somebody may know.
 */
import type { Acks } from "@varve/api";
import { type Partition, noLeader, partitionOf } from "@varve/cluster";
import { type Reason, buildBatch, readBatchHeader, reasons } from "@varve/format";
import { holds } from "raft-ts/testing";
import { PendingProduce } from "../../drivers/pending-produce.ts";
import { resolvePosition } from "../../drivers/positions.ts";
import { FetchSession } from "../../grpc/fetch-session.ts";
import { type Refusal, isRefusal } from "../../refusal.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import type { Machine, SimulatedProcess } from "./machine.ts";
import { batchesOf } from "./replica-shadow.ts";

const underWayMax = 4;
const produceTimeoutMs = 400;
const silenceMs = 1_200;
const pauseMs = 15;
/** Beside what is retriable by its nature. */
const expected: ReadonlySet<Reason> = new Set([
  "OUT_OF_ORDER_SEQUENCE",
  "PARTITION_QUARANTINED",
  "WRONG_EXPECTED_OFFSET",
]);

interface Outgoing {
  /** Batches of its producer before it. */
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly crc: number;
  readonly count: number;
  /** ID17: behind what was acknowledged before this was first sent. */
  floor: number | undefined;
  isSent: boolean;
}

/** Where a client believes a partition to be led: as some node sees it, rightly or not. */
function leaderFor(world: ClusterWorld, topicId: string, partition: number): Machine | undefined {
  const { random, machines } = world;
  const asked = random.pick(machines).process?.controller?.image;
  const placement = partitionOf(asked ?? world.image, topicId, partition);
  if (placement === undefined || placement.leader === noLeader) return undefined;
  return random.chance(0.02) ? random.pick(machines) : world.machine(placement.leader);
}

interface Delivery {
  readonly deliver: (process: SimulatedProcess) => void;
  /** Nobody listens there. */
  readonly refused: () => void;
  /** Not before: what was sent earlier arrives earlier. */
  readonly afterMs?: number;
}

/** Clients are machine 0 for the network. Returns when it arrives. */
function send(world: ClusterWorld, machine: Machine, { deliver, refused, afterMs = 0 }: Delivery): number {
  const { network, time } = world;
  const arrivesMs = Math.max(afterMs, time.nowMs + network.delayMs(0, machine.id));
  time.after(arrivesMs - time.nowMs, () => {
    const { process } = machine;
    if (process === undefined) time.after(pauseMs, refused);
    else if (network.passes("clients", 0, machine.id)) process.gate.enter(() => deliver(process));
  });
  return arrivesMs;
}

/** One producer in one partition. */
export class ProducerLane {
  readonly topicId: string;
  readonly partition: number;
  readonly acks: Acks;
  readonly #world: ClusterWorld;
  readonly #producerId: number;
  #sequence = 0;
  #made = 0;
  #queue: Outgoing[] = [];
  #underWay = 0;
  /** Something under way has failed: what is left is sent again when nothing is. */
  #hasFailed = false;
  /** Grows with every new try: answers of earlier ones come too late. */
  #attempt = 0;
  #arrivesMs = 0;
  acknowledged = 0;
  isStopped = false;
  #lastTold = "nothing";
  /** H-12: it says where it believes the log to end. */
  readonly #isConditional: boolean;

  constructor(world: ClusterWorld, producerId: number, where: { topicId: string; partition: number; acks: Acks }) {
    this.#world = world;
    this.#producerId = producerId;
    this.topicId = where.topicId;
    this.partition = where.partition;
    this.acks = where.acks;
    this.#isConditional = where.acks === "all" && world.random.chance(0.15);
    this.#think();
  }

  toString(): string {
    const kind = this.#isConditional ? ", conditional" : "";
    const waits = `${this.#queue.length} wait, ${this.#underWay} under way, the last was told ${this.#lastTold}`;
    return `${this.topicId.slice(0, 6)}/${this.partition} acks=${this.acks}${kind}: ${waits}`;
  }

  get isIdle(): boolean {
    return this.#queue.length === 0;
  }

  /** Nobody waits for what is not acknowledged any more. */
  abandon(): void {
    this.isStopped = true;
    this.#queue = [];
    this.#attempt++;
    this.#underWay = 0;
  }

  #think(): void {
    const { time, random, profile } = this.#world;
    time.after(random.next() * 2 * profile.thinkMs + 0.1, () => {
      // A partition remembers the last batches of a producer only: the oldest that is not acknowledged is never further behind.
      const behind = this.#made - (this.#queue[0]?.number ?? this.#made);
      if (!this.isStopped && behind < underWayMax) this.#make();
      if (this.isStopped && this.isIdle) return;
      this.#go();
      this.#think();
    });
  }

  #make(): void {
    const { random, profile, time } = this.#world;
    const count = random.chance(0.8) ? 1 : random.between(2, 4);
    const tag = `${this.topicId.slice(0, 8)}/${this.partition}/${this.#producerId}/${this.#sequence}`;
    const records = Array.from({ length: count }, (_, index) => ({
      value: Buffer.from(`${tag}/${index}`.padEnd(random.below(profile.valueBytesMax), ".")),
      timestampMs: 1_500_000_000_000 + Math.floor(time.nowMs),
    }));
    const isIdempotent = this.acks === "all";
    const bytes = buildBatch(
      records,
      isIdempotent ? { producerId: this.#producerId, producerEpoch: 0, baseSequence: this.#sequence } : {},
    );
    this.#sequence += count;
    const { crc } = readBatchHeader(bytes);
    this.#world.oracle(this.topicId, this.partition).sent(crc);
    this.#queue.push({ number: this.#made++, bytes, crc, count, floor: undefined, isSent: false });
  }

  /** Sends what was not sent in this attempt, or begins another one. */
  #go(): void {
    if (this.#hasFailed && this.#underWay > 0) return;
    if (this.#hasFailed) {
      this.#hasFailed = false;
      this.#attempt++;
      for (const outgoing of this.#queue) outgoing.isSent = false;
    }
    // A partition takes whatever comes first of a producer that it does not know: the first batch travels alone.
    const mayGo = this.acknowledged === 0 ? this.#queue.slice(0, 1) : this.#queue;
    const due = mayGo.filter(({ isSent }) => !isSent);
    if (due.length === 0) return;
    const machine = leaderFor(this.#world, this.topicId, this.partition);
    if (machine === undefined) return;
    for (const outgoing of due) this.#send(machine, outgoing);
  }

  #send(machine: Machine, outgoing: Outgoing): void {
    const world = this.#world;
    const oracle = world.oracle(this.topicId, this.partition);
    const attempt = this.#attempt;
    outgoing.floor ??= oracle.acknowledgedEnd;
    outgoing.isSent = true;
    this.#underWay++;
    let isOver = false;
    const over = (isDone: boolean): void => {
      if (isOver) return;
      isOver = true;
      silence.cancel();
      if (attempt !== this.#attempt) return;
      this.#underWay--;
      if (!isDone) this.#hasFailed = true;
      this.#go();
    };
    const silence = world.time.after(silenceMs, () => over(false));
    const answered = (pending: PendingProduce): void => {
      if (pending.refusal === undefined && this.acks === "all") this.#succeeded(pending, outgoing);
      else if (pending.refusal !== undefined) this.#refused(pending.refusal);
      const { time, network } = world;
      time.after(network.delayMs(machine.id, 0), () => {
        if (!network.passes("clients", machine.id, 0)) return;
        if (pending.refusal === undefined) {
          this.#queue = this.#queue.filter((one) => one !== outgoing);
          this.acknowledged++;
        }
        world.count(
          pending.refusal === undefined ? `client acks=${this.acks}` : `client told ${pending.refusal.reason}`,
        );
        this.#lastTold = pending.refusal?.message ?? "yes";
        if (pending.refusal === undefined) over(true);
        else time.after(pauseMs, () => over(false));
      });
    };
    this.#arrivesMs = send(world, machine, {
      deliver: (process) => {
        // As the gate of produce requests does it.
        const room = process.store?.admit(outgoing.bytes.length);
        if (room === undefined) this.#deliver(process, outgoing, answered);
        else void room.then(() => this.#deliver(process, outgoing, answered));
      },
      refused: () => over(false),
      afterMs: this.#arrivesMs,
    });
  }

  #deliver(process: SimulatedProcess, outgoing: Outgoing, answered: (pending: PendingProduce) => void): void {
    const world = this.#world;
    const sink = { produceSettled: answered };
    const pending = new PendingProduce(sink, this.partition, this.acks, process.gate.monotonicMs(), undefined);
    const local = process.isReady ? process.topics?.partition(this.topicId, this.partition) : undefined;
    if (local === undefined) {
      pending.refusal = { reason: "NOT_LEADER", message: "not here", metadata: {} };
      answered(pending);
      return;
    }
    const before = local.log.logEndOffset;
    const expectedOffset = this.#isConditional ? this.#guess() : undefined;
    local.produce(pending, Uint8Array.from(outgoing.bytes), { expectedOffset, timeoutMs: produceTimeoutMs });
    // ID18: what is refused before it was appended is in no log.
    const isKept = pending.settled && pending.refusal !== undefined && local.log.logEndOffset > before;
    world.check(() => {
      holds(!isKept, "ID18", () => `refused with ${pending.refusal?.reason} and appended at ${before}`);
    });
  }

  /** Right more often than not. */
  #guess(): number {
    const { random } = this.#world;
    const { end } = this.#world.oracle(this.topicId, this.partition);
    return random.chance(0.6) ? end : random.below(end + 4);
  }

  /** ID21: what producers may be told within the promise goes away by itself. */
  #refused({ reason, metadata }: Refusal): void {
    const world = this.#world;
    const oracle = world.oracle(this.topicId, this.partition);
    if (!world.image.topics.has(this.topicId) || world.profile.isReckless || oracle.isLossy) return;
    // A damaged leader says so until another one is elected.
    const isExpected = reasons[reason].retriable || expected.has(reason);
    world.check(() => holds(isExpected, "ID21", () => `a producer is told ${reason}`));
    if (reason !== "WRONG_EXPECTED_OFFSET") return;
    const end = Number(metadata["logEndOffset"]);
    world.check(() => {
      holds(end <= oracle.end, "ID18", () => `a conflict with the end ${end}, and ${oracle.end} is committed`);
    });
  }

  #succeeded({ baseOffset, durableReplicas }: PendingProduce, { crc, floor = 0 }: Outgoing): void {
    const world = this.#world;
    world.trace.fact(baseOffset);
    world.check(() => {
      world.oracle(this.topicId, this.partition).acknowledgedAll({ base: baseOffset, crc, floor, durableReplicas });
    });
  }
}

/** Reads one partition from its leaders, over and over. */
export class Consumer {
  readonly #world: ClusterWorld;
  #at: Partition | undefined;
  #offset = 0;
  isStopped = false;

  constructor(world: ClusterWorld) {
    this.#world = world;
    this.#rest();
  }

  #rest(): void {
    const { time, random } = this.#world;
    time.after(random.next() * 20 + 1, () => this.#next());
  }

  #next(): void {
    const world = this.#world;
    if (this.isStopped) return;
    if (this.#at === undefined || world.random.chance(0.03)) this.#choose();
    const at = this.#at;
    const machine = at && leaderFor(world, at.topicId, at.partition);
    if (at === undefined || machine === undefined) return this.#rest();
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      silence.cancel();
      this.#rest();
    };
    const silence = world.time.after(silenceMs, over);
    send(world, machine, { deliver: (process) => this.#fetch(process, at, over), refused: over });
  }

  #fetch(process: SimulatedProcess, at: Partition, over: () => void): void {
    const world = this.#world;
    const leader = process.isReady ? process.topics?.partition(at.topicId, at.partition) : undefined;
    if (leader === undefined) return over();
    if (world.random.chance(0.1)) return this.#askLatest(process, at, over);
    const plan = { leader, offset: this.#offset, maxBytes: 8_192, minBytes: 1, maxWaitMs: 50 };
    // It answers once, by itself.
    const session = new FetchSession(plan, process.wheel, (result) => {
      if (isRefusal(result)) {
        world.count(`client reader told ${result.reason}`);
        if (result.reason === "OFFSET_OUT_OF_RANGE") this.#offset = leader.log.logStartOffset;
      } else if (this.#at === at) {
        world.check(() => {
          const oracle = world.oracle(at.topicId, at.partition);
          for (const batch of batchesOf(result.bytes)) {
            oracle.consumed(batch);
            world.count("client consumed");
          }
        });
        this.#offset = result.nextOffset;
      }
      over();
    });
    void session;
  }

  /** H-8 */
  #askLatest(process: SimulatedProcess, at: Partition, over: () => void): void {
    const world = this.#world;
    const leader = process.topics?.partition(at.topicId, at.partition);
    const oracle = world.oracle(at.topicId, at.partition);
    const asked = { leaderEpoch: leader?.leading?.state.leaderEpoch ?? -1, floor: oracle.acknowledgedEnd };
    if (leader === undefined || asked.leaderEpoch < 0) return over();
    void resolvePosition(leader, { kind: "latest" }, process.gate.nowMs()).then((position) => {
      if (!isRefusal(position) && leader.leading?.state.leaderEpoch === asked.leaderEpoch) {
        world.count("client latest");
        world.check(() => oracle.toldLatest(position.offset, asked));
      }
      over();
    });
  }

  #choose(): void {
    const topics = [...this.#world.image.topics.values()];
    if (topics.length === 0) return;
    this.#at = this.#world.random.pick(this.#world.random.pick(topics).partitions);
    this.#offset = 0;
  }
}
