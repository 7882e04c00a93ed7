// What must hold in the abstract world after every step, whoever is right about what. The oracle alone knows the true high
// watermark: the furthest that any leader ever had, and the entries below it, which may never change.
//
//   ID1 acks    ID2 ISR and ELR are complete   ID3 leaders are complete at election   ID5 the leader waits for all of ISR and ELR
//   ID7 the high watermark rests on the maximal ISR   ID8 nobody shows what is not committed   ID9 sets   ID10 epochs
//   ID12 no truncation below the own high watermark   ID15 lossy replicas are out until refilled   ID16 broker epochs (world)
//   ID22 with `sync`, what is complete is complete on disk   ID23 how pending ends

import { holds } from "raft-ts/testing";
import type { ControllerImage, Partition } from "../controller/state.ts";
import { noLeader } from "../controller/state.ts";
import { maximalIsr } from "../partition/isr.ts";
import type { Leadership } from "../partition/leadership.ts";
import type { Entry } from "./entry-log.ts";
import type { SeenBroker, SeenWorld } from "./world-types.ts";

export class Oracle {
  readonly #world: SeenWorld;
  /** Every entry below the true high watermark. */
  readonly #committed: Entry[] = [];
  /** Who led in which leader epoch. */
  readonly #leaders = new Map<number, number>();
  /** Brokers that may have lost data, and have not fetched enough since (ID15). */
  readonly #lossy = new Set<number>();
  #brokerEpochMax = 0;
  /** The leader epoch of the last unclean election: what was committed before may be lost, and leaders from before are wrong. */
  #eraEpoch = -1;

  constructor(world: SeenWorld) {
    this.#world = world;
  }

  get trueHighWatermark(): number {
    return this.#committed.length;
  }

  at(offset: number): Entry | undefined {
    return this.#committed[offset];
  }

  /** Has everything that was ever committed. */
  isComplete(broker: SeenBroker): boolean {
    return broker.log.agreesBelow(this.trueHighWatermark, this);
  }

  /** The fault budget: another complete replica must stay behind that may be elected, and has not lost anything itself. */
  mayLose(broker: SeenBroker): boolean {
    const { partition, isReckless } = this.#world;
    if (isReckless) return true;
    return [...partition.isr, ...partition.elr].some((id) => {
      const other = this.#world.broker(id);
      return other !== broker && !this.#isDoubtful(other) && !this.#lossy.has(id) && this.isComplete(other);
    });
  }

  /** It is down, may have lost data, and the controller has not heard of it: it cannot act before it has registered. */
  #isDoubtful(broker: SeenBroker): boolean {
    return broker.ended !== undefined && !broker.isRetained(this.#world.partition);
  }

  afterRegistration(broker: SeenBroker, isLossy: boolean): void {
    if (isLossy) this.#lossy.add(broker.id);
  }

  /**
   * ID15: a lossy replica counts again once it has, by its fetches of the current epoch and its word of a sync after them, what may have
   * been committed before.
   */
  afterWordOf(brokerId: number, leader: SeenBroker): void {
    const { leadership } = leader;
    if (leadership === undefined || leadership.leaderEpoch !== this.#world.partition.leaderEpoch) return;
    const progress = leadership.followers.get(brokerId);
    const registered = this.#world.image.brokers.get(String(brokerId))?.brokerEpoch;
    if (progress?.fetchOffset === undefined || progress.brokerEpoch !== registered) return;
    const has = Math.max(progress.fetchOffset, progress.durableOffset);
    if (has >= Math.max(leadership.highWatermark, leadership.startOffset)) this.#lossy.delete(brokerId);
  }

  afterAck(leaderEpoch: number, end: number, entry: Entry): void {
    this.#world.coverage.count("acknowledged");
    if (leaderEpoch < this.#eraEpoch) return;
    holds(this.#committed[end - 1] === entry, "ID1", () => `what was acknowledged at ${end - 1} is not committed`);
  }

  beforeTruncation({ id, log, process }: SeenBroker, to: number): void {
    const { highWatermark } = log;
    const uncleanEpoch = process?.seen?.uncleanEpoch ?? -1;
    const isPardoned = uncleanEpoch > (log.runs.epochAt(highWatermark - 1) ?? -1);
    holds(to >= highWatermark || isPardoned, "ID12", () => `${id} cuts back from ${highWatermark} to ${to}`);
    // Who does not count may follow a leader of the past that has less, until it hears of the present one.
    const { isr, elr } = this.#world.partition;
    const counts = isr.includes(id) || elr.includes(id);
    const known = Math.min(log.end, this.trueHighWatermark);
    if (counts && this.#eraEpoch < 0 && log.agreesBelow(known, this)) {
      holds(to >= known, "ID12", () => `${id} cuts off what is committed, at ${to}`);
    }
  }

  afterCommit(before: ControllerImage, after: ControllerImage): void {
    for (const { brokerId, brokerEpoch } of after.brokers.values()) {
      const was = before.brokers.get(String(brokerId))?.brokerEpoch;
      if (was === brokerEpoch) continue;
      holds(brokerEpoch > this.#brokerEpochMax, "ID10", () => `broker epoch ${brokerEpoch} is not new`);
      this.#brokerEpochMax = brokerEpoch;
    }
    const now = this.#world.partitionIn(after);
    if (now === undefined) return;
    this.#checkSets(after, now);
    const was = this.#world.partitionIn(before);
    if (was !== undefined && was !== now) this.#checkEpochs(was, now);
  }

  #checkSets(image: ControllerImage, { replicas, isr, elr, leader, minIsr }: Partition): void {
    const sets = `ISR [${isr.join()}], ELR [${elr.join()}], leader ${leader}`;
    holds(leader === noLeader || isr.includes(leader), "ID9", () => `the leader is not in the ISR: ${sets}`);
    holds(
      [...isr, ...elr].every((id) => replicas.includes(id)),
      "ID9",
      () => `no replicas: ${sets}`,
    );
    holds(!isr.some((id) => elr.includes(id)), "ID9", () => `in both: ${sets}`);
    holds(elr.length === 0 || isr.length < minIsr, "ID9", () => `ELR at minIsr ${minIsr}: ${sets}`);
    const fenced = isr.filter((id) => image.brokers.get(String(id))?.fenced !== false);
    holds(fenced.length === 0, "ID9", () => `fenced ${fenced.join()}: ${sets}`);
  }

  #checkEpochs(was: Partition, now: Partition): void {
    holds(now.partitionEpoch === was.partitionEpoch + 1, "ID10", () => `partition epoch ${now.partitionEpoch}`);
    holds(now.leaderEpoch >= was.leaderEpoch, "ID10", () => `leader epoch fell to ${now.leaderEpoch}`);
    if (now.leaderEpoch === was.leaderEpoch) {
      holds(now.leader === was.leader, "ID10", () => `epoch ${now.leaderEpoch} has another leader, ${now.leader}`);
      return;
    }
    holds(!this.#leaders.has(now.leaderEpoch), "ID10", () => `epoch ${now.leaderEpoch} has two leaders`);
    this.#leaders.set(now.leaderEpoch, now.leader);
    this.#world.coverage.count(now.leader === noLeader ? "leaderless" : "elected");
    if (now.leader === noLeader) return;
    const elected = this.#world.broker(now.leader);
    if (now.uncleanEpoch === now.leaderEpoch) return this.#beginEra(elected, now.leaderEpoch);
    const has = this.isComplete(elected) || this.#isDoubtful(elected);
    holds(has, "ID3", () => `${now.leader} is elected, and has not all of ${this.trueHighWatermark}`);
  }

  /** ID9: such an election is marked. What the new leader does not have is lost; all else holds on. */
  #beginEra({ id, log, soundEnd }: SeenBroker, leaderEpoch: number): void {
    holds(this.#world.isReckless, "ID9", () => `${id} is elected uncleanly`);
    this.#world.coverage.count("elected uncleanly");
    this.#eraEpoch = leaderEpoch;
    this.#lossy.delete(id);
    while (this.trueHighWatermark > soundEnd || !log.agreesBelow(this.trueHighWatermark, this)) this.#committed.pop();
  }

  afterLeaderStep(broker: SeenBroker, before: Leadership | undefined, after: Leadership): void {
    const { log } = broker;
    if (before !== undefined && before.leaderEpoch === after.leaderEpoch) {
      holds(after.highWatermark >= before.highWatermark, "ID6", () => `it fell to ${after.highWatermark}`);
      this.#checkPending(before, after);
      if (after.highWatermark > before.highWatermark) this.#checkAdvance(broker, after);
    }
    this.#checkCommitted(after);
    if (after.leaderEpoch < this.#eraEpoch) return;
    const known = Math.min(after.highWatermark, this.trueHighWatermark);
    holds(log.agreesBelow(known, this), "ID4", () => `leader ${broker.id} has something else below ${known}`);
    // Who was elected with loss may show what it has in memory only; that is not promised to anybody.
    const isDoubted = after.leaderEpoch === this.#eraEpoch && after.flush !== "os";
    const end = isDoubted ? Math.min(after.highWatermark, log.durable) : after.highWatermark;
    for (let offset = known; offset < end; offset += 1) this.#committed.push(log.at(offset) as Entry);
  }

  /** ID23: pending ends with a committed state of a higher partition epoch, or with the leader epoch. */
  #checkPending({ isr: was }: Leadership, { isr: now }: Leadership): void {
    if (was.kind === "committed" || now === was) return;
    const { partitionEpoch } = now.committed;
    const ended = now.kind === "committed" && partitionEpoch > was.proposal.partitionEpoch;
    holds(ended, "ID23", () => `pending at ${was.proposal.partitionEpoch} became ${now.kind} at ${partitionEpoch}`);
  }

  /** What a leader holds for committed is what the controller committed at that partition epoch (C-7). */
  #checkCommitted({ isr: { committed } }: Leadership): void {
    for (let index = this.#world.history.length - 1; index >= 0; index -= 1) {
      const partition = this.#world.partitionIn(this.#world.history[index] as ControllerImage);
      if (partition === undefined || partition.partitionEpoch < committed.partitionEpoch) break;
      if (partition.partitionEpoch > committed.partitionEpoch) continue;
      const same = partition.isr.join() === committed.isr.join() && partition.minIsr === committed.minIsr;
      holds(same, "ID23", () => `at ${committed.partitionEpoch} the ISR was not [${committed.isr.join()}]`);
      break;
    }
  }

  /** ID7: the maximal ISR has it all, in this epoch, or lost it since; and the committed ISR is large enough. */
  #checkAdvance({ id, log }: SeenBroker, after: Leadership): void {
    const { isr, minIsr } = after.isr.committed;
    holds(isr.length >= minIsr, "ID7", () => `${id} moves on with ${isr.length} of ${minIsr}`);
    if (after.leaderEpoch < this.#eraEpoch) return;
    for (const member of maximalIsr(after.isr)) {
      const { log: theirs, process } = this.#world.broker(member);
      const heard = member === id ? process?.brokerEpoch : after.followers.get(member)?.brokerEpoch;
      const isSame = process !== undefined && process.brokerEpoch === heard && !this.#lossy.has(member);
      const counted = after.flush === "os" ? theirs.end : theirs.durable;
      const has = counted >= after.highWatermark && theirs.agreesBelow(after.highWatermark, log);
      holds(!isSame || has, "ID7", () => `${id} moves on to ${after.highWatermark} without ${member}`);
    }
  }

  afterStep(): void {
    const { partition, brokers } = this.#world;
    const eligible = [...partition.isr, ...partition.elr];
    for (const broker of brokers) {
      const { log, id, process } = broker;
      const shown = log.highWatermark;
      const isRight = shown <= this.trueHighWatermark && log.agreesBelow(shown, this);
      holds(isRight || this.#eraEpoch >= 0, "ID8", () => `${id} shows up to ${shown}`);
      const registered = this.#world.image.brokers.get(String(id))?.brokerEpoch;
      if (process === undefined || process.brokerEpoch !== registered) continue;
      if (eligible.includes(id)) this.#checkEligible(broker, partition);
      const { leadership } = broker;
      if (leadership !== undefined && leadership.leaderEpoch === partition.leaderEpoch)
        this.#checkQuorum(leadership, eligible);
    }
  }

  #checkEligible(broker: SeenBroker, { flush }: Partition): void {
    const { id, log } = broker;
    holds(!this.#lossy.has(id), "ID15", () => `${id} may be elected and has not been refilled`);
    holds(this.isComplete(broker), "ID2", () => `${id} may be elected and has not all of ${this.trueHighWatermark}`);
    const onDisk =
      this.#eraEpoch >= 0 || flush !== "sync" || !broker.isJournaled || log.durable >= this.trueHighWatermark;
    holds(onDisk, "ID22", () => `${id} may be elected and has only ${log.durable} on disk`);
  }

  #checkQuorum({ isr }: Leadership, eligible: readonly number[]): void {
    if (isr.committed.isr.length < isr.committed.minIsr) return;
    const waitedFor = maximalIsr(isr);
    const missing = eligible.filter((id) => !waitedFor.includes(id));
    holds(missing.length === 0, "ID5", () => `the leader does not wait for ${missing.join()}`);
  }
}
