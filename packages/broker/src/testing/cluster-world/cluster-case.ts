/**
 * One seed, from the first start to the last check: a cluster forms, is used while things go wrong, then nothing goes wrong any more
 * and everything has to come together again.
 *
 *   form ──> topics, clients ──> faults, one after the other ──> healing ──> liveness ──> what everybody holds is read from the files
 *
 * Liveness: every broker is let in, every partition has a leader and all its replicas in sync, all images are the same, no proposal
 * is undecided, every producer gets on, every replica has everything and knows it.
 */
import { noLeader } from "@varve/cluster";
import { type Coverage, holds } from "raft-ts/testing";
import { ProducerLane, Consumer } from "./clients.ts";
import { ClusterWorld } from "./cluster-world.ts";
import { acceptLoss, allPartitions, createTopic, disturb, electWithLoss } from "./faults.ts";
import { ReplicaShadow, keyOf } from "./replica-shadow.ts";

export interface ClusterOutcome {
  readonly seed: number;
  readonly events: number;
  readonly hash: string;
  readonly coverage: Coverage;
  readonly failure: Error | undefined;
  /** The newest of what was told, when lines were asked for. */
  readonly lines: readonly string[];
  /** In a few words. */
  readonly world: string;
}

const formingMs = 60_000;
const healingMs = 60_000;
const lanesMax = 14;

export async function runCluster(seed: number, { linesMax = 0 }: { linesMax?: number } = {}): Promise<ClusterOutcome> {
  const world = new ClusterWorld(seed, linesMax);
  const story = new ClusterStory(world);
  let failure: Error | undefined;
  try {
    await story.run();
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  const { machines, brokersOnly, flush, isReckless, faults } = world.profile;
  return {
    seed,
    events: world.time.happenings,
    hash: `${world.trace.hash()}-${world.time.happenings.toString(36)}`,
    coverage: world.coverage,
    failure,
    lines: world.trace.lines(),
    world: `${machines} nodes, ${brokersOnly} brokers, ${flush}, ${faults} faults${isReckless ? ", reckless" : ""}`,
  };
}

class ClusterStory {
  readonly #world: ClusterWorld;
  #lanes: ProducerLane[] = [];
  #producerId = 1;

  constructor(world: ClusterWorld) {
    this.#world = world;
  }

  async run(): Promise<void> {
    const world = this.#world;
    for (const machine of world.machines) machine.start();
    await this.#until(
      formingMs,
      () => world.machines.every(({ process }) => process?.isReady === true),
      "a cluster to form",
    );
    for (let topic = 0; topic < world.profile.topics; topic++) {
      createTopic(world);
      await world.run(200);
    }
    const consumers = Array.from({ length: world.profile.consumers }, () => new Consumer(world));
    for (let fault = 0; fault < world.profile.faults; fault++) {
      this.#refreshLanes();
      const pauseMs = -Math.log(1 - world.random.next()) * world.profile.faultPauseMs;
      await world.run(Math.min(pauseMs, 10 * world.profile.faultPauseMs));
      disturb(world);
    }
    this.#heal();
    await this.#until(
      healingMs,
      () => this.#isWell(),
      () => `the cluster to be well again: ${this.#whyNotWell()}`,
    );
    this.#refreshLanes();
    const before = new Map(this.#lanes.map((lane) => [lane, lane.acknowledged]));
    // What somebody asked for may be done late: a topic can still be deleted.
    const isGone = ({ topicId }: ProducerLane): boolean => !world.image.topics.has(topicId);
    const getsOn = (): boolean =>
      this.#lanes.every((lane) => isGone(lane) || lane.acknowledged > (before.get(lane) ?? 0));
    await this.#until(healingMs, getsOn, () => `every producer to get on: ${this.#whoIsStuck(before)}`);
    for (const lane of this.#lanes) lane.isStopped = true;
    for (const consumer of consumers) consumer.isStopped = true;
    await this.#until(
      healingMs,
      () => this.#lanes.every((lane) => isGone(lane) || lane.isIdle),
      () => `the last answers: ${this.#lanes.filter(({ isIdle }) => !isIdle).join("; ")}`,
    );
    await this.#until(
      healingMs,
      () => this.#isWell() && this.#isEven(),
      () => `every replica to have everything: ${this.#whyNotEven()}`,
    );
    await this.#readEverything();
  }

  async #until(ms: number, condition: () => boolean, what: string | (() => string)): Promise<void> {
    const isDone = await this.#world.run(ms, condition);
    holds(isDone, "liveness", () => `waited ${ms / 1000} s for ${typeof what === "string" ? what : what()}`);
  }

  /** Every partition has somebody who writes; partitions that are gone, or lost something, have others. */
  #refreshLanes(): void {
    const world = this.#world;
    const { random } = world;
    const present = new Set(allPartitions(world).map(({ topicId, partition }) => keyOf(topicId, partition)));
    for (const lane of this.#lanes) {
      const key = keyOf(lane.topicId, lane.partition);
      const isLossy = world.partitions.get(key)?.isLossy === true;
      if (!present.has(key) || (isLossy && lane.acks === "all")) lane.abandon();
    }
    this.#lanes = this.#lanes.filter(({ isStopped }) => !isStopped);
    for (const { topicId, partition } of allPartitions(world)) {
      const has = this.#lanes.filter((lane) => lane.topicId === topicId && lane.partition === partition).length;
      const isLossy = world.partitions.get(keyOf(topicId, partition))?.isLossy === true;
      const wanted = isLossy ? 1 : 2;
      for (let count = has; count < wanted && this.#lanes.length < lanesMax; count++) {
        const acks = isLossy || (count > 0 && random.chance(0.25)) ? "leader" : "all";
        this.#lanes.push(new ProducerLane(world, this.#producerId++, { topicId, partition, acks }));
      }
    }
  }

  #heal(): void {
    const world = this.#world;
    world.count("liveness healed");
    world.tell(0, "healed", {});
    world.network.heal();
    world.network.weather = { ...world.network.weather, lossChance: 0, repeatChance: 0 };
    for (const machine of world.machines) {
      machine.disk.quotaBytes = Infinity;
      machine.process?.gate.resume();
      machine.process?.gate.answerDisk();
      machine.release();
      machine.start();
    }
    const tend = (): void => {
      electWithLoss(world);
      acceptLoss(world);
      for (const machine of world.machines) machine.start();
      world.time.after(300, tend);
    };
    tend();
  }

  #isWell(): boolean {
    return this.#whyNotWell() === undefined;
  }

  #whyNotWell(): string | undefined {
    const { image, machines, replacing } = this.#world;
    if (replacing !== undefined) return `node ${replacing} has no place in the metadata group`;
    for (const { process, id } of machines) {
      if (process?.isReady !== true) return `node ${id} is not ready`;
      if (image.brokers.get(String(id))?.fenced !== false) return `node ${id} is fenced`;
      if (process.controller?.image.offset !== image.offset) return `node ${id} has older metadata`;
      if (process.replication?.isrRequests !== 0) return `a proposal of node ${id} is undecided`;
    }
    for (const { topicId, partition, leader, isr, replicas, flush, recovering } of allPartitions(this.#world)) {
      const name = `${topicId.slice(0, 6)}/${partition}`;
      if (leader === noLeader) return `${name} has no leader`;
      if (isr.length < replicas.length)
        return `${name} has only [${isr.join()}] in sync: ${this.#whoLags(topicId, partition)}`;
      if (flush === "syncing" || recovering) return `${name} is ${flush}, recovering: ${recovering}`;
    }
    return undefined;
  }

  /** What replicas and their leader know of each other. */
  #whoLags(topicId: string, partition: number): string {
    return this.#world.machines
      .map((machine) => {
        const local = machine.local(topicId, partition);
        if (local === undefined) return `${machine.id} has none`;
        const { log, leading, fetcher } = local;
        const followers = [...(leading?.state.followers ?? [])];
        const known = leading === undefined ? fetcher?.following : { followers, isr: leading.state.isr };
        const { logStartOffset, highWatermark, countedOffset, logEndOffset, mode } = log;
        const shown = `${mode} [${logStartOffset}, ${logEndOffset}) high watermark ${highWatermark}, counted ${countedOffset}`;
        return `${machine.id} ${log.state.kind} ${shown} ${JSON.stringify(known)}`;
      })
      .join("; ");
  }

  #whoIsStuck(before: ReadonlyMap<ProducerLane, number>): string {
    return this.#lanes
      .filter((lane) => lane.acknowledged <= (before.get(lane) ?? 0))
      .map((lane) => `${lane.toString()}: ${this.#whoLags(lane.topicId, lane.partition)}`)
      .join("; ");
  }

  #isEven(): boolean {
    return this.#whyNotEven() === undefined;
  }

  #whyNotEven(): string | undefined {
    const world = this.#world;
    for (const { topicId, partition, replicas, leader } of allPartitions(world)) {
      const end = world.machine(leader).local(topicId, partition)?.log.logEndOffset;
      for (const id of replicas) {
        const log = world.machine(id).local(topicId, partition)?.log;
        if (log?.logEndOffset !== end || log?.highWatermark !== end) {
          const shown = `${id} ends at ${log?.logEndOffset}, shows ${log?.highWatermark} of ${end}`;
          return `${topicId.slice(0, 6)}/${partition}: ${shown}: ${this.#whoLags(topicId, partition)}`;
        }
      }
    }
    return undefined;
  }

  /** What the files of everybody say, at last. */
  async #readEverything(): Promise<void> {
    const world = this.#world;
    for (const { process, id } of world.machines) {
      for (const { log } of process?.shadows.values() ?? []) {
        const { topicId, partition } = log.id;
        if (log.state.kind === "closed" || !world.image.topics.has(topicId)) continue;
        const oracle = world.oracle(topicId, partition);
        const fresh = new ReplicaShadow(id, log);
        await world.time.result(fresh.read(), "the files of a partition");
        if (fresh.isDamaged && world.damaged.has(`${id} ${fresh.key}`)) continue;
        holds(!fresh.isDamaged, "ID11", () => `the files of ${oracle.name} at node ${id} cannot be read`);
        fresh.checkShape();
        // Retention may be at work at this very moment.
        oracle.trimmed(fresh);
        const isWhole = oracle.isLossy || oracle.isComplete(fresh);
        holds(
          isWhole,
          "ID1",
          () => `node ${id} has ${fresh.agreed} of [${oracle.floor}, ${oracle.end}) of ${oracle.name}`,
        );
        world.count("liveness files read");
      }
    }
  }
}
