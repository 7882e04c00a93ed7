/**
 * What happens to the files of one partition, in one queue.
 *
 *   tail cache   … │ in files │ journaled, behind │ assigned, not counted │
 *                             ▲                   ▲                       ▲
 *                    files.endOffset        countedOffset           logEndOffset
 *
 * `os` and `direct`: the writer takes what is assigned, writes (and syncs) it, and then it counts. `journal`: a round makes
 * it count, and the writer follows behind with pieces of 64 KiB and more (J-2). Everything that changes files in another
 * way (cut, roll, remove, change of mode, checkpoint) is a *job* in the same queue, so nothing ever runs beside a write of
 * the same partition. Each step takes a lane of the node (J-4).
 */
import type { Clock } from "./clock.ts";
import type { PartitionMode } from "./partition-mode.ts";
import type { GroupCommit, RoundOwner } from "./group-commit.ts";
import type { JournalRecord } from "./journal-round.ts";
import type { Lanes } from "./lanes.ts";
import type { SegmentLimits, SegmentedLog } from "./segmented-log.ts";
import type { CachedTail, TailCache } from "./tail-cache.ts";

/** J-2: what is behind is written in pieces of at least so much, or when somebody asks. */
const behindBytesMin = 64 * 1024;
/** One write takes at most so much, so that a lane is not held for long. */
const writeBytesMax = 4 * 1024 * 1024;

/** What the writer shares with its partition and the node. */
export interface WriterNode {
  readonly clock: Clock;
  readonly lanes: Lanes;
  readonly commit: GroupCommit;
  readonly cache: TailCache;
  /** Bytes of `cache` were unpinned: whoever waits for room may look again. */
  roomMade(): void;
}

export interface WriterHost {
  readonly topicId: string;
  readonly partition: number;
  readonly key: string;
  readonly limits: SegmentLimits;
  readonly logEndOffset: number;
  readonly countedOffset: number;
  /** Offset from which on an epoch writes whose start is not durable yet; nothing of it may reach a segment (F-4). */
  readonly undurableEpochStart: number | undefined;
  /** Everything below `offset` counts. */
  counted(offset: number): void;
  notify(): void;
  /** A step failed; the writer stands still until `resume`. */
  failed(error: unknown): void;
  epochDurable(epoch: number): void;
}

export class PartitionWriter implements RoundOwner {
  readonly files: SegmentedLog;
  readonly tail: CachedTail;
  /** How the partition counts now (J-1); `setMode` is the only way to change it. */
  mode: PartitionMode;
  /** Everything below is in synced segments, and recovery begins here. */
  recoveryPoint: number;
  /** Number of the round of the last barrier. */
  lastBarrier = 0;
  readonly #host: WriterHost;
  readonly #node: WriterNode;
  readonly #jobs: (() => Promise<void>)[] = [];
  /** Batches below are in the queue of the group commit, or through it (mode `journal`). */
  #enqueuedEnd: number;
  /** A change of mode waits for everything below to be in synced segments; nothing above is written until it is done. */
  #holdFrom: number | undefined;
  #isRunning = false;
  #isStopped = false;
  /** Somebody wants everything written that is behind. */
  #flushBehind = false;
  readonly #waiting = new Map<JournalRecord, (roundNumber: number) => void>();

  constructor(
    host: WriterHost,
    node: WriterNode,
    state: { files: SegmentedLog; tail: CachedTail; mode: PartitionMode; recoveryPoint: number; logEndOffset: number },
  ) {
    this.#host = host;
    this.#node = node;
    this.files = state.files;
    this.tail = state.tail;
    this.mode = state.mode;
    this.recoveryPoint = state.recoveryPoint;
    this.#enqueuedEnd = state.logEndOffset;
  }

  /** A batch got its offsets and is pinned in the tail. */
  appended(batch: { baseOffset: number; nextOffset: number; epoch: number; bytes: Uint8Array }): void {
    if (this.mode === "journal" && this.#holdFrom === undefined) this.#enqueueAppend(batch);
    else this.wake();
  }

  /** Puts a record into the next round; the promise resolves with its number once it is durable (J-7). */
  record(record: Omit<JournalRecord, "topicId" | "partition" | "bytes">): Promise<number> {
    const whole: JournalRecord = {
      ...record,
      topicId: this.#host.topicId,
      partition: this.#host.partition,
      bytes: undefined,
    };
    return new Promise((resolve) => {
      this.#waiting.set(whole, resolve);
      this.#node.commit.enqueue(this, whole);
    });
  }

  recordDurable(record: JournalRecord, roundNumber: number): void {
    if (record.type === "append") {
      this.#host.counted(record.end);
      return;
    }
    if (record.type === "epoch-start") this.#host.epochDurable(record.epoch);
    const waiter = this.#waiting.get(record);
    if (waiter === undefined) return;
    this.#waiting.delete(record);
    waiter(roundNumber);
  }

  roundEnded(): void {
    this.#host.notify();
    this.wake();
  }

  /** Runs `work` when no other file work of this partition does. An error is the caller's and the partition's. */
  job<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(() => work().then(resolve, reject));
      this.wake();
    });
  }

  /** Writes everything that counts into segments soon (J-2, J-8). */
  flushBehind(): void {
    if (this.mode !== "journal" || this.files.endOffset >= this.#host.countedOffset) return;
    this.#flushBehind = true;
    this.wake();
  }

  /** Nothing is written any more. Jobs that are queued still run: they are how a partition is repaired or closed. */
  stop(): void {
    this.#isStopped = true;
  }

  /** After `stop`, from LEO on, when what failed is repaired. */
  resume(): void {
    this.#isStopped = false;
    this.#enqueuedEnd = this.#host.logEndOffset;
    this.wake();
  }

  /** The log ends at `offset` now; for jobs. */
  truncatedTo(offset: number): void {
    this.#enqueuedEnd = Math.min(this.#enqueuedEnd, offset);
    this.recoveryPoint = Math.min(this.recoveryPoint, offset);
  }

  wake(): void {
    if (this.#isRunning || (this.#jobs.length === 0 && !this.#hasWork())) return;
    this.#isRunning = true;
    // Gather a turn's input: one write for all of it.
    this.#node.clock.nextTurn(() => {
      void this.#run();
    });
  }

  /**
   * Inside a job: waits until everything below LEO of the moment has counted, or the writer has stopped. New batches are
   * held back meanwhile when `hold`.
   */
  async settle(): Promise<void> {
    while (!this.#isStopped && this.#host.countedOffset < this.#host.logEndOffset) await this.#countMore();
  }

  /** Inside a job: everything that counts is in segments and synced; recovery begins there (J-8). */
  async syncCounted(): Promise<number> {
    while (this.files.endOffset < this.#host.countedOffset) await this.#node.lanes.run(() => this.#writeStep());
    const end = this.files.endOffset;
    if (this.files.isDirty) await this.#node.lanes.run(() => this.files.sync());
    return end;
  }

  /**
   * Inside a job: a change of mode (J-1). No round in flight for the partition, segment complete and synced up to LEO, then
   * a durable barrier. What is appended meanwhile waits.
   */
  async changeMode(mode: PartitionMode): Promise<void> {
    this.#holdFrom = this.#host.logEndOffset;
    try {
      const from = this.#holdFrom;
      while (this.#host.countedOffset < from) await this.#countMore();
      await this.syncCounted();
      await this.barrier(mode);
    } finally {
      this.#holdFrom = undefined;
    }
    this.#enqueueHeld();
  }

  /** Inside a job, with the segment complete and synced up to what counts: says so, durably (J-1). */
  async barrier(mode: PartitionMode): Promise<void> {
    const at = this.files.endOffset;
    this.#node.commit.withdrawPromise(this.#host.key);
    this.lastBarrier = await this.record({ type: "barrier", epoch: -1, base: at, end: at, mode });
    this.mode = mode;
    this.recoveryPoint = at;
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const job = this.#jobs.shift();
        if (job !== undefined) await job();
        else if (this.#hasWork()) await this.#node.lanes.run(() => this.#writeStep());
        else break;
      }
    } catch (error) {
      this.stop();
      this.#host.failed(error);
    } finally {
      this.#isRunning = false;
    }
    this.wake();
  }

  /** Does what makes more of the partition count: a write, or waiting for the journal. */
  async #countMore(): Promise<void> {
    if (this.mode !== "journal" && this.files.endOffset < this.#writableEnd()) {
      await this.#node.lanes.run(() => this.#writeStep());
    } else await this.#node.commit.idle();
  }

  /** Exclusive offset up to which the writer may write now. */
  #writableEnd(): number {
    // J-2: in journal mode only bytes whose round is durable.
    if (this.mode === "journal") return this.#host.countedOffset;
    return Math.min(
      this.#host.logEndOffset,
      this.#holdFrom ?? Number.MAX_SAFE_INTEGER,
      // F-4: the start of an epoch is durable before anything of it is in a segment.
      this.#host.undurableEpochStart ?? Number.MAX_SAFE_INTEGER,
    );
  }

  #hasWork(): boolean {
    if (this.#isStopped) return false;
    const end = this.#writableEnd();
    if (this.files.endOffset >= end) {
      this.#flushBehind = false;
      return false;
    }
    if (this.mode !== "journal" || this.#flushBehind) return true;
    return this.tail.pinnedBytesBelow(end, behindBytesMin) >= behindBytesMin;
  }

  async #writeStep(): Promise<void> {
    const batches = this.tail.pinnedBatches(this.#writableEnd(), writeBytesMax);
    if (batches.length === 0) return;
    await this.files.append(batches, this.#host.limits, this.#node.clock.nowMs());
    const end = this.files.endOffset;
    if (this.mode === "direct") {
      await this.files.sync();
      this.recoveryPoint = end;
      // J-9: the next round promises what the segment holds now.
      const { topicId, partition, key } = this.#host;
      this.#node.commit.promise(key, { topicId, partition, offset: end });
    }
    this.tail.unpinBelow(end);
    this.#node.roomMade();
    if (this.mode === "journal") return;
    this.#host.counted(end);
    this.#host.notify();
  }

  #enqueueAppend(batch: { baseOffset: number; nextOffset: number; epoch: number; bytes: Uint8Array }): void {
    this.#enqueuedEnd = batch.nextOffset;
    this.#node.commit.enqueue(this, {
      type: "append",
      topicId: this.#host.topicId,
      partition: this.#host.partition,
      epoch: batch.epoch,
      base: batch.baseOffset,
      end: batch.nextOffset,
      mode: undefined,
      bytes: batch.bytes,
    });
  }

  /** After a change of mode to `journal`: what was appended meanwhile goes to the journal now. */
  #enqueueHeld(): void {
    if (this.mode !== "journal") return;
    for (const batch of this.tail.pinnedBatches(this.#host.logEndOffset, Number.MAX_SAFE_INTEGER)) {
      if (batch.baseOffset < this.#enqueuedEnd) continue;
      this.#enqueueAppend({ ...batch, epoch: epochOf(batch.bytes) });
    }
  }
}

/** Leader epoch in a batch's header. */
function epochOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(12);
}
