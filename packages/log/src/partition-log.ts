/**
 * One partition: assigns offsets, answers reads, and says what counts.
 *
 *   log start ≤ high watermark ≤ counted ≤ log end
 *
 * Appending is synchronous and makes no promise per batch: the batch gets its offsets in place and waits in the tail cache,
 * `PartitionWriter` and the group commit make it count, and `onCounted` callbacks hear of it once per commit.
 */
import { EpochRuns, assignOffsets, batchHeaderBytes, readBatchHeader, usesLogAppendTime } from "@varve/format";
import type { BatchHeader, Reason } from "@varve/format";
import { LogError } from "./errors.ts";
import { FileSystemError } from "./file-system.ts";
import { invariant } from "./invariant.ts";
import type { PartitionMode } from "./partition-mode.ts";
import type { PartitionId } from "./partition-id.ts";
import { PartitionWriter } from "./partition-writer.ts";
import type { WriterHost, WriterNode } from "./partition-writer.ts";
import type { ProducerEntry, ProducerRefusal, ProducerState } from "./producer-state.ts";
import type { RetentionInput, RetentionPlan } from "./retention.ts";
import type { Segment } from "./segment.ts";
import type { SegmentLimits, SegmentedLog } from "./segmented-log.ts";
import type { FileRead } from "./segmented-log.ts";
import { findMaxTimestamp, findTime } from "./time-lookup.ts";
import type { FoundTime } from "./time-lookup.ts";

export interface LogConfig {
  readonly flush: "sync" | "os";
  readonly segmentBytes: number;
  /** 0 or less: a segment is never too old. */
  readonly segmentMs: number;
  readonly indexIntervalBytes: number;
  /** -1: no limit. */
  readonly retentionMs: number;
  /** -1: no limit. */
  readonly retentionBytes: number;
  readonly retentionClock: "append" | "record";
  readonly maxBatchBytes: number;
  readonly producerExpiryMs: number;
}

/**
 *   needs-epoch ──startEpoch──▶ open ──write failed──▶ needs-epoch     (J-3; every open of the store begins here)
 *   any ──damage found──▶ quarantined ──acceptLoss──▶ needs-epoch      (J-12)
 *   any ──I/O error──▶ failed                                          (J-14)
 *   any ──close──▶ closed
 */
export type PartitionState =
  | { readonly kind: "open" }
  | { readonly kind: "needs-epoch"; readonly why: string }
  | { readonly kind: "quarantined"; readonly file: string; readonly offset: number; readonly why: string }
  | { readonly kind: "failed"; readonly error: LogError }
  | { readonly kind: "closed" };

export interface AppendOptions {
  /** H-12: the batch is taken only if the log ends here. */
  readonly expectedOffset?: number;
  /** Wall clock, ms. */
  readonly now: number;
}

export interface AppendRefusal {
  readonly kind: "refused";
  readonly reason: Reason;
  readonly message: string;
  readonly logEndOffset: number;
  readonly expectedSequence?: number;
  readonly foundSequence?: number;
}

export type AppendOutcome =
  | {
      readonly kind: "appended" | "duplicate";
      readonly baseOffset: number;
      /** Inclusive. */
      readonly lastOffset: number;
      /** Append time when the batch is stamped with it, else -1. */
      readonly timestampMs: number;
    }
  | AppendRefusal;

export interface ReadOptions {
  readonly offset: number;
  /** Soft: the first batch may exceed it unless `atLeastOneBatch` is false. */
  readonly maxBytes: number;
  /** Exclusive; only batches that end at or below it are returned. */
  readonly limit: number;
  /** @default true */
  readonly atLeastOneBatch?: boolean;
}

export type ReadResult =
  | {
      readonly kind: "batches";
      /** Whole batches: an owned buffer or a stable view; do not write into it. The first may begin below `offset`. */
      readonly bytes: Uint8Array;
      readonly nextOffset: number;
    }
  | { readonly kind: "empty" }
  | { readonly kind: "out-of-range"; readonly logStartOffset: number; readonly logEndOffset: number }
  | { readonly kind: "damaged"; readonly file: string; readonly offset: number; readonly why: string };

export interface PartitionLogState {
  readonly id: PartitionId;
  readonly config: LogConfig;
  readonly files: SegmentedLog;
  readonly epochs: EpochRuns;
  readonly producers: ProducerState;
  readonly mode: PartitionMode;
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly state: PartitionState;
}

/** What a partition asks of its store. */
export interface PartitionNode extends WriterNode {
  /** J-14: the node has to end. */
  fatal(error: LogError): void;
}

export class PartitionLog {
  readonly id: PartitionId;
  readonly #node: PartitionNode;
  readonly #writer: PartitionWriter;
  readonly #epochs: EpochRuns;
  #producers: ProducerState;
  readonly #listeners = new Set<(log: PartitionLog) => void>();
  #config: LogConfig;
  #state: PartitionState;
  #logStartOffset: number;
  #highWatermark: number;
  #logEndOffset: number;
  #countedOffset: number;
  /** While a truncation is under way nothing at or above is served (G-3). */
  #readLimit = Number.MAX_SAFE_INTEGER;
  #undurableEpochs: { epoch: number; start: number }[] = [];

  constructor(state: PartitionLogState, node: PartitionNode) {
    this.id = state.id;
    this.#node = node;
    this.#config = state.config;
    this.#state = state.state;
    this.#epochs = state.epochs;
    this.#producers = state.producers;
    this.#logStartOffset = state.logStartOffset;
    this.#logEndOffset = state.files.endOffset;
    this.#countedOffset = this.#logEndOffset;
    this.#highWatermark = Math.min(Math.max(state.highWatermark, state.logStartOffset), this.#logEndOffset);
    this.#writer = new PartitionWriter(this.#host(), node, {
      files: state.files,
      tail: node.cache.openTail(),
      mode: state.mode,
      recoveryPoint: state.recoveryPoint,
      logEndOffset: this.#logEndOffset,
    });
  }

  get config(): LogConfig {
    return this.#config;
  }
  get state(): PartitionState {
    return this.#state;
  }
  /** First offset that can be read. */
  get logStartOffset(): number {
    return this.#logStartOffset;
  }
  /** Exclusive; moved by the partition driver alone. */
  get highWatermark(): number {
    return this.#highWatermark;
  }
  /** The next offset to be assigned. */
  get logEndOffset(): number {
    return this.#logEndOffset;
  }
  /** Exclusive end of what counts: synced for `flush=sync`, written for `flush=os`. */
  get countedOffset(): number {
    return this.#countedOffset;
  }
  /** Epoch of the last run, -1 when there was none. */
  get leaderEpoch(): number {
    return this.#epochs.latestEpoch;
  }
  /** Where the last epoch began. */
  get lastEpochStart(): number {
    return this.#epochs.latest?.start ?? this.#logStartOffset;
  }
  /** Bytes in segments. */
  get sizeBytes(): number {
    return this.#writer.files.sizeBytes;
  }
  /** How the partition counts now (J-1). */
  get mode(): PartitionMode {
    return this.#writer.mode;
  }
  /** The segments, in order; borrowed. */
  get segments(): readonly Segment[] {
    return this.#writer.files.segments;
  }

  /** Takes effect for the next segment and the next run of retention; a change of `flush` returns when it is durable. */
  async setConfig(config: LogConfig): Promise<void> {
    const flushChanges = config.flush !== this.#config.flush;
    this.#config = config;
    if (!flushChanges) return;
    const mode: PartitionMode = config.flush === "os" ? "os" : "direct";
    await this.#writer.job(async () => {
      if (this.#writer.mode === mode || this.#state.kind === "closed") return;
      await this.#writer.record({ type: "flush", epoch: -1, base: this.#logEndOffset, end: this.#logEndOffset, mode });
      await this.#writer.changeMode(mode);
    });
  }

  /**
   * The node leads in `epoch` from LEO on; appends are taken again. In memory at once, durable no later than the first
   * batch of it (F-4). `epoch` is above every epoch of this log (J-3): anything else is a bug of the caller.
   */
  startEpoch(epoch: number): void {
    invariant(epoch > this.#epochs.latestEpoch, () => `epoch ${epoch} begins after ${this.#epochs.latestEpoch}`);
    if (this.#state.kind !== "open" && this.#state.kind !== "needs-epoch") return;
    this.#addEpoch(epoch, this.#logEndOffset);
    this.#setState({ kind: "open" });
  }

  /**
   * Assigns offsets and epoch in place and takes the batch. `batch` is owned by the log from now on, unless it is refused. The
   * caller has checked CRC and limits. Order of checks (H-12): epoch, producer sequence, expected offset.
   */
  appendAsLeader(batch: Uint8Array, options: AppendOptions): AppendOutcome {
    if (this.#state.kind !== "open") return this.#refuseState();
    const header = readBatchHeader(batch);
    if (batch.length > this.#config.maxBatchBytes) {
      return this.#refuse(
        "MESSAGE_TOO_LARGE",
        `A batch of ${batch.length} bytes, the limit is ${this.#config.maxBatchBytes}`,
      );
    }
    const verdict = this.#producers.check(header);
    if (verdict.kind === "refused") {
      const { expectedSequence, foundSequence } = verdict;
      return { ...this.#refuse(reasonOf(verdict.reason), verdict.message), expectedSequence, foundSequence };
    }
    if (verdict.kind === "duplicate") {
      const { baseOffset, lastOffset } = verdict;
      return { kind: "duplicate", baseOffset, lastOffset, timestampMs: appendTime(header, verdict.timestampMs) };
    }
    const { expectedOffset } = options;
    if (expectedOffset !== undefined && expectedOffset !== this.#logEndOffset) {
      return this.#refuse("WRONG_EXPECTED_OFFSET", `The log ends at ${this.#logEndOffset}, expected ${expectedOffset}`);
    }
    const baseOffset = this.#logEndOffset;
    assignOffsets(batch, 0, baseOffset, this.#epochs.latestEpoch);
    const lastOffset = this.#take(batch, header, baseOffset, this.#epochs.latestEpoch);
    return { kind: "appended", baseOffset, lastOffset, timestampMs: appendTime(header, header.maxTimestampMs) };
  }

  /**
   * Takes batches as the leader sent them: base offset = LEO, epochs that do not fall (G-5). `batch` is owned by the log
   * from now on. CRC was checked by the caller.
   */
  appendAsFollower(batch: Uint8Array): AppendOutcome {
    if (this.#state.kind !== "open" && this.#state.kind !== "needs-epoch") return this.#refuseState();
    if (this.#readLimit !== Number.MAX_SAFE_INTEGER) {
      return this.#refuse("BUSY", `The log is being truncated to ${this.#readLimit}`);
    }
    if (batch.length < batchHeaderBytes) return this.#refuse("CORRUPT_MESSAGE", `A batch of ${batch.length} bytes`);
    const header = readBatchHeader(batch);
    if (header.baseOffset !== this.#logEndOffset) {
      return this.#refuse("CORRUPT_MESSAGE", `A batch at ${header.baseOffset}, the log ends at ${this.#logEndOffset}`);
    }
    if (header.leaderEpoch < this.#epochs.latestEpoch) {
      return this.#refuse(
        "CORRUPT_MESSAGE",
        `A batch of epoch ${header.leaderEpoch} after ${this.#epochs.latestEpoch}`,
      );
    }
    if (header.leaderEpoch > this.#epochs.latestEpoch) this.#addEpoch(header.leaderEpoch, header.baseOffset);
    const lastOffset = this.#take(batch, header, header.baseOffset, header.leaderEpoch);
    return { kind: "appended", baseOffset: header.baseOffset, lastOffset, timestampMs: -1 };
  }

  /** `listener` is called after each commit that moved `countedOffset`, and when `state` changes. Returns how to stop. */
  onCounted(listener: (log: PartitionLog) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Never goes down, never above LEO. */
  advanceHighWatermark(offset: number): void {
    const bounded = Math.min(offset, this.#logEndOffset);
    if (bounded > this.#highWatermark) this.#highWatermark = bounded;
  }

  /** What can be said without a file: a hit of the tail cache, nothing to read, or out of range. */
  readCached(options: ReadOptions): ReadResult | undefined {
    const { offset } = options;
    const limit = Math.min(options.limit, this.#readLimit, this.#logEndOffset);
    if (offset < this.#logStartOffset || offset > this.#logEndOffset) return this.#outOfRange();
    if (offset >= limit) return { kind: "empty" };
    const cached = this.#writer.tail.read({
      offset,
      limit,
      maxBytes: options.maxBytes,
      atLeastOneBatch: options.atLeastOneBatch ?? true,
    });
    if (cached === undefined) {
      // What is not in files yet is in memory, so there is nothing that fits (J-2).
      return offset >= this.#writer.files.endOffset ? { kind: "empty" } : undefined;
    }
    return { kind: "batches", bytes: cached.bytes, nextOffset: cached.nextOffset };
  }

  /**
   * Whole batches from the one that holds `offset`, below `limit`. Bytes from files are checked (J-11); damage
   * quarantines the partition (J-12). Errors: `CLOSED`, `PARTITION_FAILED`.
   */
  async read(options: ReadOptions): Promise<ReadResult> {
    for (;;) {
      if (this.#state.kind === "closed") throw this.#closedError("read");
      const cached = this.readCached(options);
      if (cached !== undefined) return cached;
      const limit = Math.min(options.limit, this.#readLimit, this.#writer.files.endOffset);
      const found = await this.#readFiles({ ...options, limit });
      // A segment that was removed meanwhile: the log start has moved, ask again.
      if (found.kind !== "gone") return found;
    }
  }

  /** The first record below `limit` with a timestamp at or after `timeMs`. */
  offsetForTime(timeMs: number, limit: number): Promise<FoundTime | undefined> {
    return findTime(this, timeMs, limit);
  }

  /** The first of the records below `limit` with the largest timestamp. */
  maxTimestamp(limit: number): Promise<FoundTime | undefined> {
    return findMaxTimestamp(this, limit);
  }

  /** Where the log of `epoch` ends here (raft.md 6.8). */
  epochEnd(epoch: number): { epoch: number; end: number } {
    return this.#epochs.endFor(epoch, this.#logEndOffset);
  }

  /**
   * Cuts the log to `offset`, or to the start of the batch that holds it, durably; also drops empty epochs at or above it
   * (G-3). Whether it may go below the high watermark is the caller's decision (G-4). Returns where the log ends now.
   */
  truncate(offset: number): Promise<number> {
    this.#readLimit = Math.min(this.#readLimit, offset);
    return this.#writer.job(() => this.#truncateJob(offset));
  }

  /** Everything goes; the log is empty and starts at `offset`, high watermark and log start with it (G-8). */
  truncateFullyAndStartAt(offset: number): Promise<void> {
    this.#readLimit = 0;
    return this.#writer.job(async () => {
      await this.#writer.settle();
      this.#cutMemory(this.#logStartOffset);
      this.#epochs.truncateTo(0);
      await this.#writer.record({ type: "truncate", epoch: -1, base: 0, end: 0, mode: undefined });
      await this.#writer.record({ type: "log-start", epoch: -1, base: offset, end: offset, mode: undefined });
      await this.#writer.files.startAt(offset, this.#node.clock.nowMs());
      this.#logStartOffset = offset;
      this.#logEndOffset = offset;
      this.#countedOffset = offset;
      this.#highWatermark = offset;
      this.#writer.recoveryPoint = offset;
      await this.#writer.barrier(this.#writer.mode);
      this.#writer.resume();
      this.#readLimit = Number.MAX_SAFE_INTEGER;
      this.#setState({ kind: "needs-epoch", why: "the log was started anew" });
    });
  }

  /** Nothing below `offset`, at most the high watermark, can be read any more. Returns the new log start. */
  deleteRecordsBefore(offset: number): Promise<number> {
    return this.#writer.job(async () => {
      const start = Math.min(offset, this.#highWatermark);
      if (start > this.#logStartOffset) await this.#moveLogStart(start);
      return this.#logStartOffset;
    });
  }

  /** Gives up what is damaged and everything after it (J-12). Returns the range that is lost. */
  acceptLoss(): Promise<{ from: number; to: number }> {
    return this.#writer.job(async () => {
      const state = this.#state;
      if (state.kind !== "quarantined") return { from: this.#logEndOffset, to: this.#logEndOffset };
      const to = this.#logEndOffset;
      const from = await this.#truncateJob(state.offset);
      this.#setState({ kind: "needs-epoch", why: "damage was given up" });
      return { from, to };
    });
  }

  /** Removes what `plan` says, by whole segments (J-16); for the store. */
  applyRetention(plan: (input: RetentionInput) => RetentionPlan): Promise<{ segments: number; bytes: number }> {
    return this.#writer.job(async () => {
      if (this.#state.kind !== "open" && this.#state.kind !== "needs-epoch") return { segments: 0, bytes: 0 };
      const { files } = this.#writer;
      const decided = plan({
        segments: files.segments,
        highWatermark: this.#highWatermark,
        logStartOffset: this.#logStartOffset,
        nowMs: this.#node.clock.nowMs(),
        retentionMs: this.#config.retentionMs,
        retentionBytes: this.#config.retentionBytes,
        retentionClock: this.#config.retentionClock,
      });
      if (decided.rollActive) files.rollNext();
      return decided.count === 0 ? { segments: 0, bytes: 0 } : this.#moveLogStart(decided.logStartOffset);
    });
  }

  /** What is known of idempotent producers, the one that was silent longest first; owned copies. */
  producerState(): ProducerEntry[] {
    return this.#producers.entries();
  }

  /** Finishes and syncs what is queued, then lets go of the files. Idempotent. */
  async close(): Promise<void> {
    if (this.#state.kind === "closed") return;
    await this.#writer.job(async () => {
      if (this.#state.kind === "open" || this.#state.kind === "needs-epoch") {
        await this.#writer.settle();
        await this.#writer.syncCounted();
      }
      this.#writer.stop();
      this.#setState({ kind: "closed" });
      this.#writer.tail.clear();
      await this.#writer.files.close();
    });
  }

  /** Lets go of the files without writing anything more; for a partition that is deleted, or a disk that failed. */
  async abandon(): Promise<void> {
    if (this.#state.kind === "closed") return;
    this.#writer.stop();
    this.#setState({ kind: "closed" });
    await this.#writer.job(async () => {
      this.#writer.tail.clear();
      await this.#writer.files.close();
    });
  }

  /** J-14: the disk failed. */
  fail(error: LogError): void {
    if (this.#state.kind === "closed") return;
    this.#writer.stop();
    this.#setState({ kind: "failed", error });
  }

  /** For the store: what else runs in the queue of this partition's file work. */
  get writer(): PartitionWriter {
    return this.#writer;
  }

  #host(): WriterHost {
    const { topicId, partition } = this.id;
    const read = {
      limits: (): SegmentLimits => this.#config,
      logEndOffset: () => this.#logEndOffset,
      countedOffset: () => this.#countedOffset,
      undurableEpochStart: () => this.#undurableEpochs[0]?.start,
    };
    return {
      topicId,
      partition,
      key: `${topicId}/${partition}`,
      get limits() {
        return read.limits();
      },
      get logEndOffset() {
        return read.logEndOffset();
      },
      get countedOffset() {
        return read.countedOffset();
      },
      get undurableEpochStart() {
        return read.undurableEpochStart();
      },
      counted: (offset) => {
        if (offset > this.#countedOffset) this.#countedOffset = offset;
      },
      notify: () => this.#notify(),
      failed: (error) => this.#failed(error),
      epochDurable: (epoch) => {
        while ((this.#undurableEpochs[0]?.epoch ?? Number.MAX_SAFE_INTEGER) <= epoch) this.#undurableEpochs.shift();
        this.#writer.wake();
      },
    };
  }

  #addEpoch(epoch: number, start: number): void {
    this.#epochs.add(epoch, start);
    this.#undurableEpochs.push({ epoch, start });
    void this.#writer.record({ type: "epoch-start", epoch, base: start, end: start, mode: undefined });
  }

  #take(batch: Uint8Array, header: BatchHeader, baseOffset: number, epoch: number): number {
    const nextOffset = baseOffset + header.lastOffsetDelta + 1;
    invariant(Number.isSafeInteger(nextOffset), () => `offset ${nextOffset} is beyond what a log can hold`);
    this.#producers.append({ ...header, baseOffset }, this.#node.clock.nowMs());
    const bytes = this.#writer.tail.append(baseOffset, nextOffset, batch, { pinned: true });
    this.#logEndOffset = nextOffset;
    this.#writer.appended({ baseOffset, nextOffset, epoch, bytes });
    return nextOffset - 1;
  }

  async #readFiles(options: ReadOptions & { limit: number }): Promise<FileRead> {
    try {
      const found = await this.#writer.files.read({
        offset: options.offset,
        limit: options.limit,
        maxBytes: options.maxBytes,
        atLeastOneBatch: options.atLeastOneBatch ?? true,
        epochAt: (offset) => this.#epochs.epochAt(offset),
      });
      if (found.kind === "damaged" && options.limit <= this.#readLimit) this.quarantine(found);
      return found;
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      throw new LogError("PARTITION_FAILED", `Read of ${this.#name()} failed: ${error.message}`, {
        path: error.path,
        cause: error,
      });
    }
  }

  /** J-12: nothing is appended any more; what lies below can be read. For reads, scrubber and recovery. */
  quarantine(damage: { file: string; offset: number; why: string }): void {
    if (this.#state.kind === "quarantined" && this.#state.offset <= damage.offset) return;
    if (this.#state.kind === "closed" || this.#state.kind === "failed") return;
    this.#writer.stop();
    this.#setState({ kind: "quarantined", file: damage.file, offset: damage.offset, why: damage.why });
  }

  async #truncateJob(target: number): Promise<number> {
    const { files } = this.#writer;
    await this.#writer.settle();
    const boundary =
      target < files.endOffset ? await files.boundaryAt(Math.max(target, this.#logStartOffset)) : undefined;
    if (boundary === undefined && target < files.endOffset) {
      throw new LogError("DAMAGED", `Truncation of ${this.#name()} to ${target} found no batch boundary.`);
    }
    const to = Math.min(boundary?.offset ?? target, this.#logEndOffset);
    this.#node.commit.withdrawPromise(this.#key());
    // J-7: durable before files change, and before memory forgets what a checkpoint may still have to write down.
    await this.#writer.record({ type: "truncate", epoch: -1, base: to, end: to, mode: undefined });
    this.#cutMemory(to);
    if (boundary !== undefined) await this.#node.lanes.run(() => files.cutTo(boundary));
    // J-1: a truncation outside of the journal ends with a barrier before the next append.
    if (this.#writer.mode !== "journal") await this.#writer.barrier(this.#writer.mode);
    this.#readLimit = Number.MAX_SAFE_INTEGER;
    this.#writer.resume();
    return to;
  }

  /** G-3: log, epoch runs, producer state, high watermark, in this order, before anything is served. */
  #cutMemory(to: number): void {
    this.#writer.tail.truncateTo(to);
    this.#node.roomMade();
    this.#logEndOffset = this.#writer.tail.endOffset ?? Math.min(to, this.#logEndOffset);
    this.#countedOffset = Math.min(this.#countedOffset, this.#logEndOffset);
    this.#writer.truncatedTo(this.#logEndOffset);
    this.#epochs.truncateTo(to);
    this.#highWatermark = Math.min(this.#highWatermark, this.#logEndOffset);
  }

  async #moveLogStart(start: number): Promise<{ segments: number; bytes: number }> {
    // J-7: durable before a file goes.
    await this.#writer.record({ type: "log-start", epoch: -1, base: start, end: start, mode: undefined });
    this.#logStartOffset = start;
    return this.#node.lanes.run(() => this.#writer.files.removeBelow(start));
  }

  #failed(problem: unknown): void {
    if (problem instanceof LogError && problem.code === "DISK_FAILED") {
      this.#setState({ kind: "failed", error: problem });
      this.#node.fatal(problem);
      return;
    }
    if (!(problem instanceof FileSystemError)) throw problem;
    if (problem.code === "NO_SPACE") {
      this.#setState({ kind: "needs-epoch", why: `no space left for "${problem.path}"` });
      void this.#cutBack();
      return;
    }
    // J-14: an error on one segment closes that partition only.
    const failure = new LogError("PARTITION_FAILED", `Write to ${this.#name()} failed: ${problem.message}`, {
      path: problem.path,
      cause: problem,
    });
    this.#setState({ kind: "failed", error: failure });
  }

  /** J-3: back to what counts; whoever was sent more must never see other bytes in this epoch. */
  async #cutBack(): Promise<void> {
    this.#readLimit = this.#countedOffset;
    try {
      await this.#writer.job(() => this.#truncateJob(this.#countedOffset));
    } catch (problem) {
      this.#failed(problem);
    }
  }

  #refuseState(): AppendRefusal {
    const state = this.#state;
    switch (state.kind) {
      case "needs-epoch":
      case "open":
        return this.#refuse("NOT_LEADER", `${this.#name()} waits for a new leader epoch`);
      case "quarantined":
        return this.#refuse(
          "PARTITION_QUARANTINED",
          `"${state.file}" is damaged at offset ${state.offset} (${state.why}). To give up what is lost: ` +
            `varve partition accept-loss ${this.id.topic} ${this.id.partition} --yes`,
        );
      case "failed":
        return this.#refuse("STORAGE_FAILED", state.error.message);
      case "closed":
        return this.#refuse("SHUTTING_DOWN", `${this.#name()} is closed`);
    }
  }

  #refuse(reason: Reason, message: string): AppendRefusal {
    return { kind: "refused", reason, message, logEndOffset: this.#logEndOffset };
  }

  #outOfRange(): ReadResult {
    return { kind: "out-of-range", logStartOffset: this.#logStartOffset, logEndOffset: this.#logEndOffset };
  }

  #closedError(action: string): LogError {
    return new LogError("CLOSED", `Cannot ${action} ${this.#name()}: it is closed.`);
  }

  #setState(state: PartitionState): void {
    this.#state = state;
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener(this);
  }

  #name(): string {
    return `partition ${this.id.topic}-${this.id.partition}`;
  }

  #key(): string {
    return `${this.id.topicId}/${this.id.partition}`;
  }
}

function appendTime(header: BatchHeader, timestampMs: number): number {
  return usesLogAppendTime(header.attributes) ? timestampMs : -1;
}

/** The reason as the doors know it. */
function reasonOf(refusal: ProducerRefusal): Reason {
  return refusal === "INVALID_TXN_STATE" ? "INVALID_REQUEST" : refusal;
}
