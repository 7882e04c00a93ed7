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
import type { Clock, Timer } from "./clock.ts";
import { isShortage } from "./file-system.ts";
import type { GroupCommit, RoundOwner } from "./group-commit.ts";
import { invariant } from "./invariant.ts";
import type { JournalRecord } from "./journal-round.ts";
import type { Lanes } from "./lanes.ts";
import type { PartitionMemory } from "./partition-memory.ts";
import type { PartitionMode } from "./partition-mode.ts";
import type { SegmentedLog } from "./segmented-log.ts";
import type { CachedTail, TailCache } from "./tail-cache.ts";

/** J-2: what is behind is written in pieces of at least so much, unless there is little room. */
const behindBytesMin = 64 * 1024;
/** `os`: once a turn has brought so much, its write begins beside the input that is still to come. */
const earlyBytesMin = 64 * 1024;
/** One write takes at most so much, so that a lane is not held for long. */
const writeBytesMax = 4 * 1024 * 1024;
/** Rounds in a row with much data before a partition goes `direct`, and commits with little before it comes back. */
const largeRoundsMin = 2;
const smallCommitsMin = 32;
/** How long a full disk, or a want of descriptors, is left alone before what is behind is tried again (J-15). */
const spaceRetryMs = 500;

/** What the writer shares with the node. */
export interface WriterNode {
  readonly clock: Clock;
  readonly lanes: Lanes;
  readonly commit: GroupCommit;
  readonly cache: TailCache;
  /** From so many bytes in a round on a partition is synced in its own segment. */
  readonly directModeBytes: number;
  /** What was written behind is synced when it is so much: all at once, at the checkpoint, rounds would wait for the disk (J-8). */
  readonly syncBehindBytes: number;
  /** Bytes of `cache` were unpinned: whoever waits for room may look again. */
  roomMade(): void;
  /** What is behind is to be written in pieces of any size (J-2); when this begins, writers are woken. */
  isShortOfRoom(): boolean;
}

/** What the writer asks of its partition. */
export interface WriterHost {
  /** A write failed; the writer stands still until `resume`. */
  writeFailed(error: unknown): void;
  /** The amount of data asks for another mode (J-1). */
  wantsMode(mode: PartitionMode): void;
}

interface AppendedBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly bytes: Uint8Array;
}

export class PartitionWriter implements RoundOwner {
  readonly files: SegmentedLog;
  readonly tail: CachedTail;
  /** How the partition counts now (J-1); only `barrier` changes it. */
  mode: PartitionMode;
  /** Everything below is in synced segments, and recovery begins there. */
  recoveryPoint: number;
  /** Number of the round of the last barrier. */
  lastBarrier = 0;
  readonly #memory: PartitionMemory;
  readonly #node: WriterNode;
  readonly #host: WriterHost;
  readonly #jobs: (() => Promise<void>)[] = [];
  /** Batches below are in the queue of the group commit, or through it (mode `journal`). */
  #enqueuedEnd: number;
  /** A change of mode waits for everything below to be in synced segments; nothing above is written until it is done. */
  #holdFrom: number | undefined;
  #isRunning = false;
  /** What came since a run is due, which begins at the end of the turn; undefined: none is due. */
  #gatheredBytes: number | undefined;
  #isStopped = false;
  #spaceTimer: Timer | undefined;
  /** Written since the last sync of the segments (mode `journal`). */
  #unsyncedBytes = 0;
  #largeRounds = 0;
  #smallCommits = 0;
  readonly #waiting = new Map<JournalRecord, { resolve(round: number): void; reject(error: unknown): void }>();

  constructor(
    memory: PartitionMemory,
    state: { files: SegmentedLog; mode: PartitionMode; recoveryPoint: number },
    node: WriterNode,
    host: WriterHost,
  ) {
    this.#memory = memory;
    this.#node = node;
    this.#host = host;
    this.files = state.files;
    this.tail = node.cache.openTail();
    this.mode = state.mode;
    this.recoveryPoint = state.recoveryPoint;
    this.#enqueuedEnd = memory.logEndOffset;
  }

  /** A batch got its offsets and is pinned in the tail. */
  appended(batch: AppendedBatch): void {
    if (this.mode !== "journal") {
      this.wake();
      this.#gather(batch.bytes.length);
      return;
    }
    if (this.#holdFrom === undefined && batch.bytes.length > this.#node.commit.recordBytesMax) {
      // It does not fit a round: this partition has much data at once.
      this.#holdFrom = batch.baseOffset;
      this.#host.wantsMode("direct");
    }
    if (this.#holdFrom === undefined) this.#enqueueAppend(batch);
  }

  /** Puts a record into the next round; the promise resolves with its number once it is durable (J-7). */
  record(record: Pick<JournalRecord, "type" | "base"> & Partial<JournalRecord>): Promise<number> {
    const { topicId, partition } = this.#memory.id;
    const whole: JournalRecord = {
      epoch: -1,
      end: record.base,
      mode: undefined,
      ...record,
      topicId,
      partition,
      bytes: undefined,
    };
    return new Promise((resolve, reject) => {
      this.#waiting.set(whole, { resolve, reject });
      this.#node.commit.enqueue(this, whole);
    });
  }

  /** The start of an epoch, durable with the next round; nobody waits for it (F-4). */
  epochStarts(epoch: number, start: number): void {
    const { topicId, partition } = this.#memory.id;
    const record = { epoch, base: start, end: start, mode: undefined, topicId, partition, bytes: undefined };
    this.#node.commit.enqueue(this, { type: "epoch-start", ...record });
  }

  recordDurable(record: JournalRecord, roundNumber: number): void {
    if (record.type === "append") {
      this.#memory.counted(record.end);
      return;
    }
    if (record.type === "epoch-start") this.#memory.epochDurable(record.epoch);
    this.#waiting.get(record)?.resolve(roundNumber);
    this.#waiting.delete(record);
  }

  roundEnded(_roundNumber: number, bytes: number): void {
    if (this.mode === "journal" && bytes > 0) {
      this.#largeRounds = bytes >= this.#node.directModeBytes ? this.#largeRounds + 1 : 0;
      if (this.#largeRounds >= largeRoundsMin) {
        this.#largeRounds = 0;
        this.#host.wantsMode("direct");
      }
    }
    this.#memory.notify();
    this.wake();
  }

  /** Runs `work` when no other file work of this partition does. An error is the caller's. */
  job<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(() => work().then(resolve, reject));
      this.wake();
    });
  }

  /** Nothing is written any more. Jobs that are queued still run: they are how a partition is repaired or closed. */
  stop(): void {
    this.#isStopped = true;
    this.#spaceTimer?.cancel();
    this.#spaceTimer = undefined;
  }

  /** The node ends: whoever waits for the journal waits for nothing. */
  abort(error: unknown): void {
    this.stop();
    for (const waiter of this.#waiting.values()) waiter.reject(error);
    this.#waiting.clear();
  }

  /** Inside a job, after `stop` or a cut: goes on from what is in the tail. */
  resume(): void {
    this.#isStopped = false;
    this.wake();
  }

  /** Inside a job: the log ends at `offset` now. */
  truncatedTo(offset: number): void {
    this.#enqueuedEnd = Math.min(this.#enqueuedEnd, offset);
    this.recoveryPoint = Math.min(this.recoveryPoint, offset);
    if (this.#holdFrom !== undefined && this.#holdFrom >= offset) this.#holdFrom = undefined;
  }

  /** Inside a job: the log is empty and starts at `offset`. */
  restartedAt(offset: number): void {
    this.#enqueuedEnd = offset;
    this.recoveryPoint = offset;
    this.#holdFrom = undefined;
  }

  /** There may be something to do now. */
  wake(): void {
    if (this.#isRunning || (this.#jobs.length === 0 && !this.#hasWork())) return;
    this.#isRunning = true;
    this.#gatheredBytes = 0;
    // Gather a turn's input: one write for all of it (J-4).
    this.#node.clock.nextTurn(() => this.#begin());
  }

  /**
   * J-4: one turn of a fast stream can be milliseconds long, and nothing would be written meanwhile. What comes in one callback
   * stays together, hence the microtask; and a sync is dearer than the wait.
   */
  #gather(bytes: number): void {
    const before = this.#gatheredBytes;
    if (before === undefined || this.mode !== "os") return;
    this.#gatheredBytes = before + bytes;
    if (before < earlyBytesMin && before + bytes >= earlyBytesMin) void Promise.resolve().then(() => this.#begin());
  }

  #begin(): void {
    if (this.#gatheredBytes === undefined) return;
    this.#gatheredBytes = undefined;
    void this.#run();
  }

  /** Inside a job: waits until what was appended has counted, as far as it can before a change of mode; or until stopped. */
  async settle(): Promise<void> {
    for (;;) {
      const target = Math.min(this.#memory.logEndOffset, this.#holdFrom ?? Number.MAX_SAFE_INTEGER);
      if (this.#isStopped || this.#memory.countedOffset >= target) return;
      await this.#countMore();
    }
  }

  /** Inside a job: everything that counts is in segments and synced (J-8). */
  async syncCounted(): Promise<void> {
    // J-12: what is left of the files ends below the log start, and nothing above it counts: there is nothing to write.
    const { state, countedOffset, logStartOffset } = this.#memory;
    const isGone = state.kind === "quarantined" && countedOffset <= logStartOffset;
    while (this.files.endOffset < (isGone ? 0 : this.#memory.countedOffset)) {
      const before = this.files.endOffset;
      await this.#node.lanes.run(() => this.#writeStep());
      invariant(
        this.files.endOffset > before,
        () => `${this.#memory.name}: what counts is neither in files nor in memory`,
      );
    }
    if (this.files.isDirty) {
      await this.#node.lanes.run(async () => {
        await this.files.sync();
        await this.files.finishReplacement();
      });
    }
    this.#unsyncedBytes = 0;
    this.recoveryPoint = this.files.endOffset;
  }

  /**
   * Inside a job, of a partition that failed: what counts and cannot be written to a segment goes through the journal once
   * more, so that R may pass its first rounds without losing it (J-8, J-14). The same for a cut that was not carried out.
   */
  async journalAgain(): Promise<void> {
    await this.#node.lanes.run(() => this.files.sync());
    const { countedOffset, logEndOffset } = this.#memory;
    this.recoveryPoint = Math.min(this.files.endOffset, logEndOffset);
    if (this.mode === "journal") {
      this.tail.unpinBelow(this.files.endOffset);
      // What is in the queue or in a round that does not count yet, too: it would follow a gap.
      const end = Math.max(countedOffset, this.#enqueuedEnd);
      for (const batch of this.tail.pinnedBatches(end, Number.MAX_SAFE_INTEGER)) this.#enqueueAppend(batch);
    }
    // J-19: R passes the first one.
    const { replacing } = this.files;
    if (replacing !== undefined) await this.record({ type: "replace", base: replacing.base, end: replacing.end });
    await this.record({ type: "truncate", base: logEndOffset });
  }

  /**
   * Inside a job: a change of mode (J-1). No round in flight for the partition, segment complete and synced up to LEO, then
   * a durable barrier. What is appended meanwhile waits.
   */
  async changeMode(mode: PartitionMode): Promise<void> {
    this.#holdFrom ??= this.#memory.logEndOffset;
    try {
      while (!this.#isStopped && this.#memory.countedOffset < this.#holdFrom) await this.#countMore();
      await this.syncCounted();
      await this.barrier(mode);
    } finally {
      // Also when it failed: what was held goes where it would have gone.
      this.#holdFrom = undefined;
      // Not what a cut is about to take along (J-3): nothing of it may begin to count.
      if (this.mode === "journal" && !this.#isStopped) this.#enqueueHeld();
    }
  }

  /** Inside a job, with the segments complete and synced up to what counts: says so, durably (J-1). */
  async barrier(mode: PartitionMode): Promise<void> {
    const at = this.files.segments.length === 0 ? this.#memory.logEndOffset : this.files.endOffset;
    // J-9: what was promised before says less, or something that does not hold any more.
    this.#node.commit.withdrawPromise(this.#memory.key);
    this.lastBarrier = await this.record({ type: "barrier", base: at, mode });
    this.mode = mode;
    this.recoveryPoint = at;
    this.#largeRounds = 0;
    this.#smallCommits = 0;
  }

  async #run(): Promise<void> {
    for (;;) {
      const job = this.#jobs.shift();
      if (job !== undefined) {
        await job();
        continue;
      }
      if (!this.#hasWork()) break;
      try {
        await this.#node.lanes.run(() => this.#writeStep());
      } catch (error) {
        this.#writeFailed(error);
      }
    }
    this.#isRunning = false;
    this.wake();
  }

  #writeFailed(error: unknown): void {
    if (this.mode === "journal" && isShortage(error)) {
      // What is behind counts already, and the journal has it: it is tried again (J-15).
      this.#spaceTimer ??= this.#node.clock.setTimer(spaceRetryMs, () => {
        this.#spaceTimer = undefined;
        this.wake();
      });
      return;
    }
    this.stop();
    this.#host.writeFailed(error);
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
    if (this.mode === "journal") return this.#memory.countedOffset;
    return Math.min(
      this.#memory.logEndOffset,
      this.#holdFrom ?? Number.MAX_SAFE_INTEGER,
      // F-4: the start of an epoch is durable before anything of it is in a segment.
      this.#memory.undurableEpochs[0]?.start ?? Number.MAX_SAFE_INTEGER,
    );
  }

  #hasWork(): boolean {
    if (this.#isStopped || this.#spaceTimer !== undefined) return false;
    const end = this.#writableEnd();
    if (this.files.endOffset >= end) return false;
    // A damaged log may end below its start, with nothing in memory in between.
    if (this.mode !== "journal" || this.#node.isShortOfRoom()) return this.tail.pinnedBytesBelow(end, 1) > 0;
    return this.tail.pinnedBytesBelow(end, behindBytesMin) >= behindBytesMin;
  }

  async #writeStep(): Promise<void> {
    // After a write that failed midway a part of it may be in the files.
    this.tail.unpinBelow(this.files.endOffset);
    const batches = this.tail.pinnedBatches(this.#writableEnd(), writeBytesMax);
    if (batches.length === 0) return;
    const { mode } = this;
    await this.files.append(batches, this.#memory.config, this.#node.clock.nowMs());
    const end = this.files.endOffset;
    if (mode === "direct") {
      await this.files.sync();
      this.recoveryPoint = end;
      // J-9: the next round promises what the segment holds now.
      const { topicId, partition } = this.#memory.id;
      this.#node.commit.promise(this.#memory.key, { topicId, partition, offset: end });
      this.#noteCommit(batches);
    }
    this.tail.unpinBelow(end);
    this.#node.roomMade();
    if (mode === "journal") return this.#syncBehind(batches);
    this.#memory.counted(end);
    this.#memory.notify();
  }

  /** J-8: the checkpoint finds little that is left to sync. Nobody waits for it; the recovery point is the checkpoint's. */
  async #syncBehind(batches: readonly AppendedBatch[]): Promise<void> {
    this.#unsyncedBytes += sizeOf(batches);
    if (this.#unsyncedBytes < this.#node.syncBehindBytes) return;
    this.#unsyncedBytes = 0;
    await this.files.sync();
  }

  #noteCommit(batches: readonly AppendedBatch[]): void {
    const bytes = sizeOf(batches);
    this.#smallCommits = bytes * 4 < this.#node.directModeBytes ? this.#smallCommits + 1 : 0;
    if (this.#smallCommits < smallCommitsMin) return;
    this.#smallCommits = 0;
    this.#host.wantsMode("journal");
  }

  #enqueueAppend(batch: AppendedBatch): void {
    this.#enqueuedEnd = batch.nextOffset;
    const { topicId, partition } = this.#memory.id;
    this.#node.commit.enqueue(this, {
      type: "append",
      topicId,
      partition,
      epoch: epochOf(batch.bytes),
      base: batch.baseOffset,
      end: batch.nextOffset,
      mode: undefined,
      bytes: batch.bytes,
    });
  }

  /** After a change of mode to `journal`: what was appended meanwhile goes to the journal now. */
  #enqueueHeld(): void {
    this.#enqueuedEnd = Math.max(this.#enqueuedEnd, this.#memory.countedOffset);
    for (const batch of this.tail.pinnedBatches(this.#memory.logEndOffset, Number.MAX_SAFE_INTEGER)) {
      if (batch.baseOffset >= this.#enqueuedEnd) this.appended(batch);
    }
  }
}

function sizeOf(batches: readonly AppendedBatch[]): number {
  let bytes = 0;
  for (const batch of batches) bytes += batch.bytes.length;
  return bytes;
}

/** Leader epoch in a batch's header. */
function epochOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(12);
}
