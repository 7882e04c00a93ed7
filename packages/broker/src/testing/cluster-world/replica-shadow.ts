/**
 * What one replica holds, batch by batch, as its log was told: a list beside the real log, so that every check after an event costs
 * what the event changed and no more.
 *
 *   the log's own methods ──> the shadow hears of appends and of the high watermark ──> the oracle
 *   recovery ──> the shadow is read anew from the files: what a disk gives back is believed only when it was looked at
 *
 * Invariant: after `follow`, the shadow ends where the log ends. `agreed`: everything below is what was committed there.
 */
import { batchSizeBytes, checkBatch, readBatchHeader } from "@varve/format";
import type { PartitionLog } from "@varve/log";
import { holds } from "raft-ts/testing";

export interface Batch {
  readonly base: number;
  /** Exclusive. */
  readonly end: number;
  readonly epoch: number;
  readonly crc: number;
  /** -1: not of an idempotent producer. */
  readonly producerId: number;
  readonly sequence: number;
  readonly records: number;
}

/** Who hears of what a log does; called right after it. */
export interface ShadowListener {
  appended(shadow: ReplicaShadow, batch: Batch, isLeader: boolean): void;
  /** Before it is cut, on somebody's order. */
  cutting(shadow: ReplicaShadow, to: number): void;
  highWatermarkMoved(shadow: ReplicaShadow, from: number): void;
  /** An operator gave up what is damaged. */
  lossAccepted(shadow: ReplicaShadow): void;
  /** What lies below the log start was removed, by retention, an operator, or after the leader. */
  trimmed(shadow: ReplicaShadow): void;
}

const gap = { crc: 0, producerId: -1, sequence: -1, records: 0 } as const;

export class ReplicaShadow {
  readonly nodeId: number;
  readonly log: PartitionLog;
  /** Below it this replica has nothing. */
  first: number;
  readonly batches: Batch[] = [];
  agreed: number;
  /** A fault of this world took something away: nothing is expected of it until it begins anew. */
  isDamaged = false;
  #isReading = false;
  #agreedIndex = 0;

  constructor(nodeId: number, log: PartitionLog) {
    this.nodeId = nodeId;
    this.log = log;
    this.first = log.logStartOffset;
    this.agreed = this.first;
  }

  get end(): number {
    return this.batches.at(-1)?.end ?? this.first;
  }

  get key(): string {
    return keyOf(this.log.id.topicId, this.log.id.partition);
  }

  /** As far as the log was cut without a word: after a full disk it cuts itself. */
  follow(): void {
    const { logEndOffset, logStartOffset } = this.log;
    if (logEndOffset < this.first || (logEndOffset === logStartOffset && logStartOffset > this.end)) {
      this.#beginAt(logStartOffset);
      return;
    }
    if (logEndOffset >= this.end) return;
    while (this.batches.length > 0 && (this.batches.at(-1) as Batch).base >= logEndOffset) this.batches.pop();
    if (this.agreed > this.end) {
      this.agreed = this.end;
      this.#agreedIndex = this.batches.length;
    }
  }

  add(batch: Batch): void {
    this.batches.push(batch);
  }

  beginAnew(offset: number): void {
    this.#beginAt(offset);
  }

  /** Compares what was not compared yet with what was committed; false when something differs. */
  agree(committed: { at(base: number): Batch | undefined; readonly end: number }): boolean {
    while (this.agreed < committed.end) {
      const mine = this.batches[this.#agreedIndex];
      if (mine === undefined) return true;
      const theirs = committed.at(this.agreed);
      if (theirs === undefined || !isSame(mine, theirs)) return false;
      this.agreed = mine.end;
      this.#agreedIndex++;
    }
    return true;
  }

  /** What lay there is given up, and said to be a gap. */
  giveUp(from: number, to: number, epoch: number): void {
    while (this.batches.length > 0 && (this.batches.at(-1) as Batch).base >= from) this.batches.pop();
    if (this.end !== from) this.#beginAt(from);
    if (from < to) this.batches.push({ ...gap, base: from, end: to, epoch });
    this.agreed = Math.min(this.agreed, from);
    this.#agreedIndex = this.batches.findIndex(({ base }) => base >= this.agreed);
    if (this.#agreedIndex < 0) this.#agreedIndex = this.batches.length;
  }

  /** What the files give back after a start, every byte of it. */
  async read(): Promise<void> {
    const { log } = this;
    this.#isReading = true;
    this.#beginAt(log.logStartOffset);
    for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
      const result = await log.read({ offset, maxBytes: 1 << 20, limit: log.logEndOffset });
      if (result.kind === "out-of-range" && offset < log.logStartOffset) {
        // Retention passed by meanwhile.
        offset = log.logStartOffset;
        this.#beginAt(offset);
        continue;
      }
      if (result.kind !== "batches") {
        this.isDamaged = true;
        break;
      }
      for (const batch of batchesOf(result.bytes)) {
        // A read may begin with a batch that was cut at the log start.
        if (batch.base < this.first && this.batches.length === 0) this.#beginAt(batch.base);
        holds(batch.base === this.end, "ID11", () => `${this.nodeId} gives ${batch.base} back behind ${this.end}`);
        this.batches.push(batch);
      }
      offset = result.nextOffset;
    }
    this.#isReading = false;
  }

  /** ID11: the epochs that the log keeps are those of its batches, and perhaps an empty one of its own at the end. */
  checkShape(): void {
    const { log, nodeId } = this;
    if (
      this.#isReading ||
      log.state.kind === "closed" ||
      log.state.kind === "failed" ||
      log.hasOpenCut ||
      this.isDamaged
    )
      return;
    this.follow();
    const { logStartOffset, highWatermark, logEndOffset, epochs } = log;
    const shown = `start ${logStartOffset}, high watermark ${highWatermark}, end ${logEndOffset}`;
    holds(logStartOffset <= highWatermark && highWatermark <= logEndOffset, "ID11", () => `${nodeId}: ${shown}`);
    holds(
      this.end === logEndOffset,
      "ID11",
      () => `${nodeId} holds ${this.end} of ${this.key}: ${shown}, ${log.state.kind}`,
    );
    let epoch = -1;
    for (const batch of this.batches) {
      holds(batch.epoch >= epoch, "ID11", () => `${nodeId} has epoch ${batch.epoch} behind ${epoch}`);
      if (batch.epoch !== epoch && batch.base >= logStartOffset) {
        const kept = epochs.epochAt(batch.base);
        holds(kept === batch.epoch, "ID11", () => `${nodeId} keeps epoch ${kept} at ${batch.base} of ${batch.epoch}`);
      }
      epoch = batch.epoch;
    }
  }

  #beginAt(offset: number): void {
    this.first = offset;
    this.batches.length = 0;
    this.agreed = offset;
    this.#agreedIndex = 0;
    this.isDamaged = false;
  }
}

export function keyOf(topicId: string, partition: number): string {
  return `${topicId}/${partition}`;
}

/** From now on `listener` hears of what is done to the shadow's log. */
export function observe(shadow: ReplicaShadow, listener: ShadowListener): void {
  const { log } = shadow;
  const appendAsLeader = log.appendAsLeader.bind(log);
  const appendAsFollower = log.appendAsFollower.bind(log);
  const truncate = log.truncate.bind(log);
  const restart = log.truncateFullyAndStartAt.bind(log);
  const advance = log.advanceHighWatermark.bind(log);
  log.appendAsLeader = (batch, options) => {
    shadow.follow();
    const header = readBatchHeader(batch);
    const outcome = appendAsLeader(batch, options);
    if (outcome.kind === "appended") {
      const appended = batchOf({ ...header, baseOffset: outcome.baseOffset, leaderEpoch: log.leaderEpoch });
      shadow.add(appended);
      listener.appended(shadow, appended, true);
    }
    return outcome;
  };
  log.appendAsFollower = (bytes) => {
    shadow.follow();
    const header = readBatchHeader(bytes);
    const outcome = appendAsFollower(bytes);
    if (outcome.kind !== "refused") {
      const appended = batchOf(header);
      shadow.add(appended);
      listener.appended(shadow, appended, false);
    }
    return outcome;
  };
  log.truncate = (to) => {
    shadow.follow();
    listener.cutting(shadow, to);
    return truncate(to);
  };
  log.truncateFullyAndStartAt = (at) => {
    shadow.follow();
    listener.cutting(shadow, -1);
    return restart(at).then(() => shadow.beginAnew(at));
  };
  const acceptLoss = log.acceptLoss.bind(log);
  log.acceptLoss = async (epoch) => {
    const lost = await acceptLoss(epoch);
    const { isDamaged } = shadow;
    shadow.giveUp(lost.from, lost.to, epoch);
    // There may be more of it elsewhere in these files.
    shadow.isDamaged = isDamaged;
    listener.lossAccepted(shadow);
    return lost;
  };
  const applyRetention = log.applyRetention.bind(log);
  log.applyRetention = async () => {
    const removed = await applyRetention();
    if (removed.segments > 0) listener.trimmed(shadow);
    return removed;
  };
  const deleteBefore = log.deleteRecordsBefore.bind(log);
  log.deleteRecordsBefore = async (offset) => {
    const before = log.logStartOffset;
    const start = await deleteBefore(offset);
    if (start > before) listener.trimmed(shadow);
    return start;
  };
  log.advanceHighWatermark = (offset) => {
    shadow.follow();
    const from = log.highWatermark;
    advance(offset);
    if (log.highWatermark > from) listener.highWatermarkMoved(shadow, from);
  };
}

/** Of whole, sound batches. */
export function* batchesOf(bytes: Uint8Array): Generator<Batch> {
  for (let at = 0; at < bytes.length; at += batchSizeBytes(bytes, at)) {
    const fault = checkBatch(bytes, at, bytes.length);
    holds(fault === undefined, "ID8", () => `a read gave a batch that is not sound: ${fault?.message}`);
    yield batchOf(readBatchHeader(bytes, at));
  }
}

export function isSame(a: Batch, b: Batch): boolean {
  return a.base === b.base && a.end === b.end && a.epoch === b.epoch && a.crc === b.crc;
}

function batchOf(header: ReturnType<typeof readBatchHeader>): Batch {
  const { baseOffset, lastOffsetDelta, leaderEpoch, crc, producerId, baseSequence, recordCount } = header;
  return {
    base: baseOffset,
    end: baseOffset + lastOffsetDelta + 1,
    epoch: leaderEpoch,
    crc,
    producerId,
    sequence: baseSequence,
    records: recordCount,
  };
}
