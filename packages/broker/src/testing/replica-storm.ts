/**
 * A storm over the replica world: crashes, power cuts, cut connections, metadata held back, fencing of the living, elections and
 * changes of minIsr, while producers write. Then calm weather, in which everything has to come together again.
 *
 * Checked on the way: what lies below anybody's high watermark is the same for everybody, for ever (ID4, ID8). At the end: every
 * acknowledged record is on every replica (ID1, ID22), the replicas agree, and no record of an idempotent producer is there twice
 * or out of order (ID13).
 */
import { brokerOf } from "@varve/cluster";
import { ReplicaWorld, valuesOf } from "./replica-world.ts";
import type { ReplicaNode } from "./replica-world.ts";

export interface StormOptions {
  readonly seed: number;
  readonly steps: number;
  readonly flush?: "sync" | "os";
}

export interface StormOutcome {
  readonly acknowledged: number;
  readonly leaderEpochs: number;
  /** How often each kind of thing was done, or seen. */
  readonly coverage: ReadonlyMap<string, number>;
}

/** Some of them more often. */
const kinds = "kill power blackout blackout start start start cut heal heal deaf hear hear fence elect minIsr".split(
  " ",
);

/** Sends each value until it is acknowledged, with the same sequence. */
class Writer {
  readonly id: number;
  sequence = 0;
  /** Where the present attempt waits; another crash of that process ends it. */
  attempt: { readonly node: ReplicaNode; readonly brokerEpoch: number } | undefined;

  constructor(id: number) {
    this.id = id;
  }
}

export async function runStorm({ seed, steps, flush = "sync" }: StormOptions): Promise<StormOutcome> {
  const storm = new Storm(new ReplicaWorld(seed), flush);
  await storm.begin();
  for (let step = 0; step < steps; step++) await storm.step();
  await storm.calm();
  return storm.outcome();
}

class Storm {
  readonly #world: ReplicaWorld;
  readonly #flush: "sync" | "os";
  readonly #coverage = new Map<string, number>();
  readonly #writers = [new Writer(1), new Writer(2)];
  /** By offset: what somebody has had below its high watermark. */
  readonly #committed = new Map<number, string>();
  #topicId = "";
  #isWriting = true;

  constructor(world: ReplicaWorld, flush: "sync" | "os") {
    this.#world = world;
    this.#flush = flush;
  }

  async begin(): Promise<void> {
    // Now the network is slower, now the disks are: an acknowledgement may overtake a sync that it should wait for.
    this.#world.delayMsMax = this.#world.random.pick([0.02, 0.2, 2, 10]);
    for (const node of this.#world.nodes) await node.start();
    this.#topicId = await this.#world.createTopic("t", { "min.insync.replicas": "2", flush: this.#flush });
  }

  async step(): Promise<void> {
    const { random, time } = this.#world;
    for (const writer of this.#writers) this.#write(writer);
    await time.pass(random.next() * 30);
    if (random.chance(0.2)) await this.#disturb();
    if (random.chance(0.1)) await this.#check();
  }

  async calm(): Promise<void> {
    const world = this.#world;
    world.cuts.clear();
    for (const node of world.nodes) {
      if (!node.isRunning) await this.#start(node);
      node.listenAgain();
    }
    const isWell = (): boolean => {
      for (const node of world.nodes) this.#unfence(node);
      return this.#placement.isr.length === world.nodes.length;
    };
    await world.time.until(isWell, "all replicas to be in sync again");
    for (const writer of this.#writers) await this.#finish(writer);
    this.#isWriting = false;
    await world.time.until(() => this.#writers.every(({ attempt }) => attempt === undefined), "the last answers");
    const leader = world.node(this.#placement.leader);
    const end = leader.log(this.#topicId).logEndOffset;
    const isEven = (): boolean =>
      world.nodes.every((node) => {
        const log = node.log(this.#topicId);
        return log.logEndOffset === end && log.highWatermark === end;
      });
    await world.time.until(isEven, "every replica to have everything, and to know it");
    await this.#check();
    for (const node of world.nodes) {
      const lost = await world.lost(node.log(this.#topicId));
      if (lost.length > 0) throw this.#violation(`node ${node.id} lost what was acknowledged: ${lost.join("; ")}`);
    }
    this.#checkSequences(await valuesOf(world.time, leader.log(this.#topicId)));
  }

  outcome(): StormOutcome {
    return {
      acknowledged: this.#world.acknowledged.length,
      leaderEpochs: this.#placement.leaderEpoch,
      coverage: this.#coverage,
    };
  }

  get #placement() {
    return this.#world.placement(this.#topicId);
  }

  #write(writer: Writer): void {
    const world = this.#world;
    const { attempt } = writer;
    if (!this.#isWriting) return;
    if (attempt !== undefined && attempt.node.isRunning && attempt.node.brokerEpoch === attempt.brokerEpoch) return;
    // By what anybody would be told: the leader of the committed metadata.
    const node = world.nodes[this.#placement.leader - 1];
    if (node?.topics?.partition(this.#topicId, 0) === undefined) return;
    const mine = { node, brokerEpoch: node.brokerEpoch };
    writer.attempt = mine;
    const { sequence } = writer;
    const value = `w${writer.id}-${sequence}`;
    void world
      .produce(node, this.#topicId, { producer: { id: writer.id, sequence }, value, timeoutMs: 400 })
      .then((pending) => {
        if (writer.attempt !== mine) return;
        writer.attempt = undefined;
        this.#count(pending.refusal === undefined ? "acknowledged" : `refused ${pending.refusal.reason}`);
        if (pending.refusal !== undefined) return;
        writer.sequence++;
        // A steady load: whatever happens happens to something under way.
        this.#write(writer);
      });
    if (world.random.chance(0.1)) void world.produce(node, this.#topicId, { acks: "leader" });
  }

  async #finish(writer: Writer): Promise<void> {
    const target = writer.sequence + 1;
    const { time } = this.#world;
    await time.until(() => {
      this.#write(writer);
      return writer.sequence >= target;
    }, `writer ${writer.id} to be acknowledged in calm weather`);
  }

  async #disturb(): Promise<void> {
    const world = this.#world;
    const { random } = world;
    const node = random.pick(world.nodes);
    const other = random.pick(world.nodes);
    const kind = random.pick(kinds);
    this.#count(kind);
    switch (kind) {
      case "kill":
      case "power":
        await this.#crash(node, kind);
        return;
      case "blackout":
        // All at once, and nobody is told.
        for (const hit of world.nodes) hit.crash(this.#flush === "sync" ? "power" : "kill");
        return;
      case "start":
        for (const down of world.nodes) {
          if (!down.isRunning) await this.#start(down);
          else this.#unfence(down);
        }
        return;
      case "cut":
        if (node !== other) world.cut(node.id, other.id);
        return;
      case "heal":
        world.cuts.clear();
        return;
      case "deaf":
        node.isDeaf = true;
        return;
      case "hear":
        if (node.isRunning) node.listenAgain();
        return;
      case "fence":
        node.fence();
        return;
      case "elect":
        world.command({
          kind: "electLeaders",
          mode: "preferred",
          partitions: [{ topicId: this.#topicId, partition: 0 }],
        });
        return;
      case "minIsr":
        world.command({
          kind: "alterTopicConfig",
          topic: "t",
          changes: [{ key: "min.insync.replicas", value: String(random.between(1, 3)) }],
        });
    }
  }

  async #crash(node: ReplicaNode, kind: "kill" | "power"): Promise<void> {
    const { random, time } = this.#world;
    // With `os` a machine that dies may take acknowledged records along, a process that dies may not.
    node.crash(this.#flush === "sync" ? kind : "kill");
    // Its session ends some time later, or it is back before.
    if (random.chance(0.5)) await time.pass(random.next() * 100);
    if (random.chance(0.7)) node.fence();
  }

  async #start(node: ReplicaNode): Promise<void> {
    node.isDeaf = false;
    await node.start();
  }

  #unfence(node: ReplicaNode): void {
    const broker = brokerOf(this.#world.image, node.id);
    if (node.isRunning && broker?.fenced === true && broker.brokerEpoch === node.brokerEpoch) node.unfence();
  }

  async #check(): Promise<void> {
    const world = this.#world;
    for (const node of world.nodes) {
      const log = node.topics?.partition(this.#topicId, 0)?.log;
      if (log === undefined) continue;
      const { highWatermark } = log;
      for (const [offset, value] of await valuesOf(world.time, log, highWatermark)) {
        const known = this.#committed.get(offset);
        if (known === undefined) this.#committed.set(offset, value);
        else if (known !== value) {
          throw this.#violation(`node ${node.id} has ${value} at ${offset}, where ${known} was committed`);
        }
      }
    }
    this.#count("check");
  }

  #checkSequences(values: ReadonlyMap<number, string>): void {
    const next = new Map(this.#writers.map(({ id }) => [`w${id}`, 0]));
    for (const [offset, value] of values) {
      const [writer = "", sequence] = value.split("-");
      const expected = next.get(writer);
      if (expected === undefined) continue;
      if (Number(sequence) !== expected) {
        throw this.#violation(`${value} at ${offset}, where ${writer}-${expected} should follow`);
      }
      next.set(writer, expected + 1);
    }
    for (const { id, sequence } of this.#writers) {
      const found = next.get(`w${id}`) ?? 0;
      if (found < sequence)
        throw this.#violation(`writer ${id} was told ${sequence} times yes, and ${found} are there`);
    }
  }

  #violation(what: string): Error {
    return new Error(`${what}\n${this.#world.lines.slice(-40).join("\n")}`);
  }

  #count(what: string): void {
    this.#coverage.set(what, (this.#coverage.get(what) ?? 0) + 1);
  }
}
