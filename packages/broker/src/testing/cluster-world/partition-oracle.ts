/**
 * What must hold of the records of one partition, whoever is right about what. The oracle alone knows the true high watermark, the
 * furthest that any leader ever had, and the batches below it, which may never change.
 *
 *   appended ──> ID4, ID20     high watermark moved ──> ID5 ID6 ID7 ID8 ID13, and ID2 of everybody who may be elected
 *   cutting ──> ID12           metadata changed ──> ID2, ID3 of those who may be elected now      answers ──> ID1 ID17 ID18
 *
 * Each check looks at what the event changed. After an election with loss (`lossEpoch`) only what says nothing of content holds on.
 */
import { type Leadership, type Partition, maximalIsr, noLeader, pendingProposal } from "@varve/cluster";
import { holds } from "raft-ts/testing";
import type { LocalPartition } from "../../drivers/partition.ts";
import { type Batch, type ReplicaShadow, isSame } from "./replica-shadow.ts";

/** What the oracle sees of the world. */
export interface PartitionView {
  /** As last committed. */
  newest(): Partition | undefined;
  /** As committed at that partition epoch. */
  at(partitionEpoch: number): Partition | undefined;
  /** Of the process that runs on the node now; undefined when none does, or it has no such log. */
  shadow(nodeId: number): ReplicaShadow | undefined;
  local(nodeId: number): LocalPartition | undefined;
  /** Whether the process that runs on the node is the registered one. */
  isRegistered(nodeId: number): boolean;
}

export class PartitionOracle {
  readonly name: string;
  readonly #view: PartitionView;
  readonly #committed = new Map<number, Batch>();
  /** ID4: of every (offset, epoch) that was ever seen, the checksum. */
  readonly #seen = new Map<string, number>();
  /** ID13: the next sequence of each producer. */
  readonly #sequences = new Map<number, number>();
  /** Checksums of what clients sent to this partition (ID20). */
  readonly #sent = new Set<number>();
  /** Of leaders with a proposal that is not decided, by node. */
  readonly #pending = new Map<
    number,
    { readonly leaderEpoch: number; readonly brokerEpoch: number; readonly partitionEpoch: number }
  >();
  /** Leader epochs whose begin was looked at (ID3). */
  readonly #begun = new Set<string>();
  /** A loss was accepted: batches without records stand where it was. */
  #mayHaveGaps = false;
  /** Exclusive. */
  end = 0;
  /** Below it records were removed on purpose. */
  floor = 0;
  /** ID17: behind the last record that was acknowledged with acks=all. */
  acknowledgedEnd = 0;
  acknowledged = 0;
  /** ID24: what was said to be deleted, and is promised by all that may be elected. */
  #deletedTo = 0;
  /** Leader epoch of the first election with loss; from then on content is not promised. */
  lossEpoch = -1;
  /** Replicas that lost something since all were complete, and the lowest minIsr since then: the fault budget. */
  readonly lossySince = new Set<number>();
  minIsrLow = Number.MAX_SAFE_INTEGER;
  /** What was asked for last, and may be on its way. */
  askedMinIsr: readonly number[] = [];

  constructor(name: string, view: PartitionView) {
    this.name = name;
    this.#view = view;
  }

  at(base: number): Batch | undefined {
    return this.#committed.get(base);
  }

  get isLossy(): boolean {
    return this.lossEpoch >= 0;
  }

  /** Of a single replica: whatever becomes of it, nobody else has it. */
  lostWithoutElection({ leaderEpoch }: Partition): void {
    if (!this.isLossy) this.lossEpoch = leaderEpoch;
  }

  asked(minIsr: number): void {
    this.minIsrLow = Math.min(this.minIsrLow, minIsr);
    this.askedMinIsr = [minIsr, ...this.askedMinIsr].slice(0, 2);
  }

  sent(crc: number): void {
    this.#sent.add(crc);
  }

  /** Has everything that was ever committed and not removed on purpose. */
  isComplete(shadow: ReplicaShadow | undefined): boolean {
    this.#raiseFloor();
    if (shadow === undefined) return this.end <= this.floor;
    shadow.follow();
    if (!shadow.agree(this)) return false;
    return shadow.first <= this.floor && shadow.agreed >= this.end;
  }

  /** What the leader has removed, nobody needs. */
  #raiseFloor(): void {
    const leader = this.#view.newest()?.leader ?? noLeader;
    const leading = leader === noLeader ? undefined : this.#view.local(leader)?.leading;
    if (leading !== undefined) this.floor = Math.max(this.floor, leading.log.logStartOffset);
  }

  // ---- what logs do

  appended(shadow: ReplicaShadow, batch: Batch, isLeader: boolean): void {
    this.saw(shadow.nodeId, batch);
    if (!isLeader) return;
    const leading = this.#view.local(shadow.nodeId)?.leading;
    const { nodeId } = shadow;
    holds(leading?.state.leaderEpoch === batch.epoch, "ID10", () => this.#say(`${nodeId} appends in ${batch.epoch}`));
    this.began(nodeId, batch.epoch, batch.base);
  }

  /** ID4, ID20: a batch was seen anywhere, also in what recovery gives back. */
  saw(nodeId: number, batch: Batch): void {
    const place = `${batch.base}@${batch.epoch}`;
    const known = this.#seen.get(place);
    if (known === undefined) {
      const isGap = this.#mayHaveGaps && batch.records === 0;
      holds(isGap || this.#sent.has(batch.crc), "ID20", () =>
        this.#say(`${nodeId} has at ${place} what nobody sent there`),
      );
      this.#seen.set(place, batch.crc);
    } else holds(known === batch.crc, "ID4", () => this.#say(`${nodeId} has another batch at ${place}`));
  }

  /** ID12, G-4. `to` -1: everything. */
  cutting(shadow: ReplicaShadow, to: number): void {
    const { nodeId, log } = shadow;
    const { highWatermark } = log;
    const newest = this.#view.newest();
    this.#raiseFloor();
    if (newest === undefined || to >= highWatermark || shadow.isDamaged) return;
    if (to === -1) {
      const counts = newest.isr.includes(nodeId) || newest.elr.includes(nodeId);
      const isBelow = log.logEndOffset < this.floor;
      const lost = this.isLossy || log.logEndOffset === 0;
      holds(!counts || isBelow || lost, "ID12", () => this.#say(`${nodeId} drops everything and counts`));
      return;
    }
    const isPardoned = newest.uncleanEpoch > (log.epochAt(highWatermark - 1) ?? -1);
    holds(isPardoned, "ID12", () => this.#say(`${nodeId} cuts back from ${highWatermark} to ${to}`));
  }

  /** J-12: what is given up was damaged, and nobody promised it any more. */
  lossAccepted({ nodeId }: ReplicaShadow): void {
    holds(this.isLossy, "ID12", () => this.#say(`${nodeId} gave up what others may have`));
    this.#mayHaveGaps = true;
  }

  /** F-6 */
  trimmed({ nodeId, log: { logStartOffset } }: ReplicaShadow): void {
    const isCommitted = logStartOffset <= this.end || this.isLossy;
    holds(isCommitted, "ID8", () => this.#say(`${nodeId} removed up to ${logStartOffset} of ${this.end}`));
    this.floor = Math.max(this.floor, Math.min(logStartOffset, this.end));
  }

  highWatermarkMoved(shadow: ReplicaShadow, from: number): void {
    const { nodeId, log } = shadow;
    const { highWatermark } = log;
    this.floor = Math.max(this.floor, log.logStartOffset);
    const local = this.#view.local(nodeId);
    const leading = local?.leading;
    if (leading === undefined || leading.log !== log) {
      if (this.isLossy) return;
      // A replica that is alone counts for itself, whether its epoch has begun or not.
      const placement = local?.log === log ? local.placement : undefined;
      if (placement?.replicas.length === 1 && placement.leader === nodeId && highWatermark > this.end) {
        this.#commit(shadow, highWatermark);
      }
      holds(highWatermark <= this.end, "ID8", () => this.#say(`follower ${nodeId} shows ${highWatermark}`));
      const isPast = this.#isPast(local?.fetcher?.following.leaderEpoch);
      const agrees = (shadow.agree(this) || isPast) && shadow.agreed >= highWatermark;
      holds(agrees, "ID4", () => this.#say(`${nodeId} differs from ${shadow.agreed} on, and shows ${highWatermark}`));
      return;
    }
    const { state } = leading;
    this.began(nodeId, state.leaderEpoch, from);
    this.checkLeader(nodeId);
    const { isr, minIsr } = state.isr.committed;
    holds(isr.length >= minIsr, "ID7", () => this.#say(`${nodeId} moves on with ${isr.length} of ${minIsr} in sync`));
    if (this.isLossy) return;
    const agrees = shadow.agree(this);
    const known = Math.min(this.end, highWatermark);
    holds((agrees || this.#isPast(state.leaderEpoch)) && shadow.agreed >= known, "ID4", () =>
      this.#say(`leader ${nodeId} differs from ${shadow.agreed} on, and shows ${highWatermark}`),
    );
    for (const member of maximalIsr(state.isr)) this.#checkMember(shadow, member, state.flush !== "os");
    if (highWatermark > this.end) this.#commit(shadow, highWatermark);
  }

  /** A leader of the past that is cut off, and who follows it, may have more of their own: nobody is shown that. */
  #isPast(leaderEpoch: number | undefined): boolean {
    const newest = this.#view.newest();
    return leaderEpoch !== undefined && newest !== undefined && leaderEpoch < newest.leaderEpoch;
  }

  /** ID7: it has all that is shown now, as it counts. Who died since it fetched is looked at when it comes back. */
  #checkMember(leader: ReplicaShadow, member: number, isSync: boolean): void {
    if (member === leader.nodeId && !isSync) return;
    const theirs = this.#view.shadow(member);
    if (theirs === undefined || !this.#view.isRegistered(member) || theirs.isDamaged) return;
    const heard = this.#view.local(leader.nodeId)?.leading?.state.followers.get(member)?.brokerEpoch;
    const now = this.#view.local(member)?.fetcher?.following.brokerEpoch;
    if (member !== leader.nodeId && heard !== now) return;
    theirs.follow();
    const { highWatermark } = leader.log;
    const counted = isSync ? theirs.log.durableOffset : theirs.log.logEndOffset;
    holds(counted >= highWatermark, "ID7", () =>
      this.#say(`${leader.nodeId} moves on to ${highWatermark}, ${member} has ${counted}`),
    );
  }

  #commit(shadow: ReplicaShadow, to: number): void {
    const { nodeId } = shadow;
    let index = shadow.batches.length - 1;
    while (index > 0 && (shadow.batches[index] as Batch).base > this.end) index--;
    for (; this.end < to; index++) {
      const batch = shadow.batches[index];
      const fits = batch !== undefined && batch.base === this.end;
      holds(fits, "ID11", () => this.#say(`${nodeId} has ${batch?.base} where ${this.end} follows`));
      holds(batch.end <= to, "ID7", () => this.#say(`${nodeId} shows half of the batch at ${batch.base}`));
      this.#committed.set(batch.base, batch);
      this.end = batch.end;
      this.#checkSequence(batch);
    }
    shadow.agree(this);
    this.checkEligible();
  }

  #checkSequence({ producerId, sequence, records, base }: Batch): void {
    if (producerId < 0) return;
    const next = this.#sequences.get(producerId) ?? 0;
    holds(sequence === next, "ID13", () =>
      this.#say(`producer ${producerId} has ${sequence} at ${base}, ${next} should follow`),
    );
    this.#sequences.set(producerId, sequence + records);
  }

  /** ID3: whoever leads has everything, when it first does something as a leader. */
  began(nodeId: number, leaderEpoch: number, at: number): void {
    const what = `${nodeId} ${leaderEpoch}`;
    if (this.#begun.has(what)) return;
    this.#begun.add(what);
    const newest = this.#view.newest();
    // Whoever leads on by old metadata moves nothing: H-2 sees to that.
    if (this.isLossy || newest?.leaderEpoch !== leaderEpoch) return;
    const shadow = this.#view.shadow(nodeId);
    if (shadow?.isDamaged === true) return;
    holds(this.isComplete(shadow), "ID3", () =>
      this.#say(`${nodeId} leads epoch ${leaderEpoch} at ${at} and has ${shadow?.agreed} of ${this.end}`),
    );
  }

  // ---- what the controller does

  /** ID2, ID22: whoever may be elected, and runs, has everything; with `sync`, on disk. */
  checkEligible(): void {
    const newest = this.#view.newest();
    if (newest === undefined || this.isLossy) return;
    for (const id of [...newest.isr, ...newest.elr]) {
      if (!this.#view.isRegistered(id)) continue;
      const shadow = this.#view.shadow(id);
      if (shadow?.isDamaged === true) continue;
      holds(this.isComplete(shadow), "ID2", () =>
        this.#say(`${id} may be elected and has ${shadow?.agreed} of [${this.floor}, ${this.end})`),
      );
      if (newest.flush !== "sync" || shadow === undefined) continue;
      const { durableOffset } = shadow.log;
      holds(durableOffset >= this.end, "ID22", () =>
        this.#say(`${id} may be elected and has ${durableOffset} of ${this.end} on disk`),
      );
    }
  }

  /** ID5, ID23: what the leader holds for committed was committed, and it waits for everybody who may be elected. */
  checkLeader(nodeId: number): void {
    this.#raiseFloor();
    const leading = this.#view.local(nodeId)?.leading;
    const newest = this.#view.newest();
    if (leading === undefined || newest === undefined) return;
    const { isr, leaderEpoch } = leading.state;
    const { committed } = isr;
    const { logStartOffset } = leading.log;
    const isDeleted = this.isLossy || leaderEpoch !== newest.leaderEpoch || logStartOffset >= this.#deletedTo;
    holds(isDeleted, "ID24", () =>
      this.#say(`leader ${nodeId} shows ${logStartOffset}, deleted to ${this.#deletedTo}`),
    );
    this.#checkPending(nodeId, leading.state);
    const then = this.#view.at(committed.partitionEpoch);
    const isCommitted =
      then !== undefined && then.minIsr === committed.minIsr && then.isr.join() === committed.isr.join();
    holds(isCommitted, "ID23", () =>
      this.#say(
        `${nodeId} believes [${committed.isr.join()}] at ${committed.partitionEpoch}, it was [${then?.isr.join()}]`,
      ),
    );
    if (leaderEpoch !== newest.leaderEpoch || committed.isr.length < committed.minIsr) return;
    const waitedFor = maximalIsr(isr);
    const missing = [...newest.isr, ...newest.elr].filter((id) => !waitedFor.includes(id));
    holds(missing.length === 0, "ID5", () => this.#say(`leader ${nodeId} does not wait for ${missing.join()}`));
  }

  /** ID23: what was pending ends with a committed state of a higher partition epoch, or with the epoch. */
  #checkPending(nodeId: number, { isr, leaderEpoch, brokerEpoch }: Leadership): void {
    const was = this.#pending.get(nodeId);
    const { partitionEpoch } = isr.committed;
    const proposal = pendingProposal(isr);
    if (proposal === undefined) this.#pending.delete(nodeId);
    else this.#pending.set(nodeId, { leaderEpoch, brokerEpoch, partitionEpoch });
    if (was?.leaderEpoch !== leaderEpoch || was.brokerEpoch !== brokerEpoch || proposal !== undefined) return;
    holds(partitionEpoch > was.partitionEpoch, "ID23", () =>
      this.#say(`${nodeId} gave up at ${partitionEpoch} what it had proposed at ${was.partitionEpoch}`),
    );
  }

  /** ID24: an operator was told that nothing below `offset` comes back. */
  deleted(offset: number, leaderEpoch: number): void {
    if (this.#view.newest()?.leaderEpoch === leaderEpoch) this.#deletedTo = Math.max(this.#deletedTo, offset);
  }

  changed(before: Partition | undefined, after: Partition): void {
    // Of an election with loss nothing is promised.
    if (after.uncleanEpoch > (before?.uncleanEpoch ?? -1)) this.#deletedTo = 0;
    this.minIsrLow = Math.min(this.minIsrLow, after.minIsr);
    if (after.uncleanEpoch > (before?.uncleanEpoch ?? -1) && !this.isLossy) this.lossEpoch = after.uncleanEpoch;
    this.checkEligible();
    if (after.leader !== noLeader) this.checkLeader(after.leader);
  }

  // ---- what clients are told

  /** ID1, ID17, ID18: a success with acks=all. `floor`: behind what was acknowledged when this batch was first sent. */
  acknowledgedAll(told: { base: number; crc: number; floor: number; durableReplicas: number }): void {
    this.acknowledged++;
    if (this.isLossy) return;
    const { base, crc, floor, durableReplicas } = told;
    const batch = this.#committed.get(base);
    holds(batch?.crc === crc, "ID1", () => this.#say(`acknowledged at ${base}, and what is committed is another`));
    holds(base >= floor, "ID17", () => this.#say(`acknowledged at ${base} behind ${floor}, in real time`));
    this.acknowledgedEnd = Math.max(this.acknowledgedEnd, batch.end);
    const newest = this.#view.newest();
    if (newest === undefined) return;
    let durable = 0;
    for (const id of newest.replicas) {
      const shadow = this.#view.shadow(id);
      if (shadow === undefined || shadow.log.durableOffset >= batch.end) durable++;
    }
    holds(durableReplicas <= durable, "ID18", () =>
      this.#say(`${durableReplicas} replicas are said to have ${base} on disk, ${durable} have`),
    );
  }

  /** ID8: what a consumer got. */
  consumed(batch: Batch): void {
    if (this.isLossy) return;
    const known = this.#committed.get(batch.base);
    const isRight = known !== undefined && isSame(known, batch);
    holds(isRight, "ID8", () => this.#say(`a consumer got ${batch.base}@${batch.epoch}, committed up to ${this.end}`));
  }

  /** ID17: the latest offset, of a leader that leads in `leaderEpoch`. */
  toldLatest(latest: number, asked: { readonly leaderEpoch: number; readonly floor: number }): void {
    if (this.isLossy || this.#view.newest()?.leaderEpoch !== asked.leaderEpoch) return;
    holds(latest >= asked.floor, "ID17", () =>
      this.#say(`latest is ${latest}, ${asked.floor} was acknowledged before`),
    );
  }

  #say(what: string): string {
    const newest = this.#view.newest();
    const sets =
      newest === undefined
        ? "gone"
        : `leader ${newest.leader} of epoch ${newest.leaderEpoch}, pe ${newest.partitionEpoch}, ISR [${newest.isr.join()}], ` +
          `ELR [${newest.elr.join()}], minIsr ${newest.minIsr}, ${newest.flush}`;
    return `${this.name}: ${what} (${sets})`;
  }
}
