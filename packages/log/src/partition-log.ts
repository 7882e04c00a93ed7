/**
 * One partition: assigns offsets, answers reads, and says what counts.
 *
 * Appending is synchronous and makes no promise per batch: the batch gets its offsets in place and waits in the tail cache,
 * `PartitionWriter` and the group commit make it count, and `onCounted` callbacks hear of it once per commit.
 */
import { assignOffsets, batchHeaderBytes, readBatchHeader, usesLogAppendTime } from "@varve/format";
import type { BatchHeader, EpochRuns, Reason } from "@varve/format";
import type { CheckpointPartition, Damage } from "./checkpoint-file.ts";
import { PartitionCompaction } from "./compaction/partition-compaction.ts";
import { LogError } from "./errors.ts";
import { FileSystemError, isShortage } from "./file-system.ts";
import { invariant } from "./invariant.ts";
import { PartitionCuts } from "./partition-cuts.ts";
import type { CutsNode, Removed } from "./partition-cuts.ts";
import type { PartitionId } from "./partition-id.ts";
import { PartitionMemory } from "./partition-memory.ts";
import type { PartitionMemoryState } from "./partition-memory.ts";
import type { PartitionMode } from "./partition-mode.ts";
import type {
  AppendOptions,
  AppendOutcome,
  AppendRefusal,
  LogConfig,
  PartitionState,
  ReadOptions,
  ReadResult,
} from "./partition-types.ts";
import { PartitionWriter } from "./partition-writer.ts";
import { PartitionSideFiles } from "./partition-side-files.ts";
import type { ProducerEntry, ProducerRefusal, ProducerState } from "./producer-state.ts";
import type { Segment } from "./segment.ts";
import type { FileRead, SegmentedLog } from "./segmented-log.ts";
import { findMaxTimestamp, findTime } from "./time-lookup.ts";
import type { FoundTime } from "./time-lookup.ts";

export interface PartitionLogState extends Omit<PartitionMemoryState, "logEndOffset"> {
  readonly files: SegmentedLog;
  readonly mode: PartitionMode;
  readonly recoveryPoint: number;
}

/** What a partition asks of its store. */
export interface PartitionNode extends CutsNode {
  /** J-15: why nothing is appended for want of space, or undefined. */
  spaceRefusal(): string | undefined;
  /** So many bytes were appended; they will be in a segment soon. */
  spaceSpent(bytes: number): void;
  /** Damage was found while the partition was in use; to be counted. */
  quarantined(): void;
}

/** What a partition holds at the moment a checkpoint begins. */
export type CapturedPartition = Omit<CheckpointPartition, "recoveryPoint" | "segments" | "quarantine"> & {
  readonly countedOffset: number;
};

export class PartitionLog {
  readonly id: PartitionId;
  /** For the store: what runs in the queue of this partition's file work. */
  readonly writer: PartitionWriter;
  /** For the store: what a compaction may see and do. */
  readonly compaction: PartitionCompaction;
  readonly #node: PartitionNode;
  readonly #memory: PartitionMemory;
  readonly #cuts: PartitionCuts;
  readonly #sideFiles: PartitionSideFiles;

  constructor(state: PartitionLogState, node: PartitionNode) {
    this.id = state.id;
    this.#node = node;
    this.#sideFiles = new PartitionSideFiles(node.fs, state.files.directory);
    this.#memory = new PartitionMemory({ ...state, logEndOffset: state.files.endOffset });
    this.writer = new PartitionWriter(this.#memory, state, node, {
      writeFailed: (error) => this.#cuts.failed(error),
      wantsMode: (mode) => this.#cuts.wantMode(mode),
    });
    this.#cuts = new PartitionCuts(this.#memory, this.writer, node);
    this.compaction = new PartitionCompaction(this.#memory, this.writer, this.#cuts, node.clock);
  }

  get config(): LogConfig {
    return this.#memory.config;
  }
  get state(): PartitionState {
    return this.#memory.state;
  }
  /** First offset that can be read. */
  get logStartOffset(): number {
    return this.#memory.logStartOffset;
  }
  /** Exclusive; moved by the partition driver alone. */
  get highWatermark(): number {
    return this.#memory.highWatermark;
  }
  /** The next offset to be assigned. */
  get logEndOffset(): number {
    return this.#memory.logEndOffset;
  }
  /** Exclusive end of what counts: synced for `flush=sync`, written for `flush=os`. */
  get countedOffset(): number {
    return this.#memory.countedOffset;
  }
  /** Exclusive end of what is synced, or less: for `flush=os` as far as the last sync happened to go. */
  get durableOffset(): number {
    const { mode, recoveryPoint } = this.writer;
    return mode === "os" ? Math.min(recoveryPoint, this.#memory.countedOffset) : this.#memory.countedOffset;
  }
  /** Which epoch wrote what, an empty one at the end included; borrowed. */
  get epochs(): Pick<EpochRuns, "endFor" | "epochAt" | "latest" | "latestEpoch"> {
    return this.#memory.epochs;
  }
  /** Epoch of the last run, -1 when there was none. */
  get leaderEpoch(): number {
    return this.#memory.epochs.latestEpoch;
  }
  /** Where the last epoch began. */
  get lastEpochStart(): number {
    return this.#memory.epochs.latest?.start ?? this.#memory.logStartOffset;
  }
  /** Bytes of all batches: in segments, and what is on its way there. For people: walks what is on its way. */
  get sizeBytes(): number {
    const { files, tail } = this.writer;
    const all = Number.MAX_SAFE_INTEGER;
    // What was written a moment ago may be pinned still.
    return files.sizeBytes + tail.pinnedBytesBelow(all, all) - tail.pinnedBytesBelow(files.endOffset, all);
  }
  /** How the partition counts now (J-1). */
  get mode(): PartitionMode {
    return this.writer.mode;
  }
  /** The segments, in order; borrowed. */
  get segments(): readonly Segment[] {
    return this.writer.files.segments;
  }

  /**
   * Takes effect for the next segment and the next run of retention; a change of `flush` returns when it is durable, and rejects when
   * it could not be made: then `config` has the former one. Of a damaged log it is made when the damage ends.
   */
  async setConfig(config: LogConfig): Promise<void> {
    const { flush } = this.#memory.config;
    this.#memory.config = { ...config, flush };
    if ((config.flush === "os") !== (this.writer.mode === "os")) await this.#cuts.changeFlush(config.flush);
    this.#memory.config = { ...this.#memory.config, flush: config.flush };
  }

  /**
   * The node leads in `epoch` from LEO on; appends are taken again. In memory at once, durable no later than the first
   * batch of it (F-4). `epoch` is above every epoch of this log (J-3): anything else is a bug of the caller. Without effect
   * on a partition that is quarantined, failed or closed, and while a truncation is under way: listeners are called when
   * that has ended, and `state` says whether the epoch was taken.
   */
  startEpoch(epoch: number): void {
    const { state, epochs } = this.#memory;
    // J-3: never again in an epoch in which something was lost that a follower may have.
    invariant(
      epoch > epochs.latestEpoch,
      () => `epoch ${epoch} begins after ${epochs.latestEpoch} in ${this.#memory.name}`,
    );
    if (state.kind !== "open" && state.kind !== "needs-epoch") return;
    if (this.#memory.readLimit !== Number.MAX_SAFE_INTEGER) return;
    this.#addEpoch(epoch, this.#memory.logEndOffset);
    this.#memory.setState({ kind: "open" });
  }

  /**
   * Assigns offsets and epoch in place and takes the batch. `batch` is owned by the log from now on, unless it is refused. The
   * caller has checked CRC and limits. Order of checks (H-12): epoch, producer sequence, expected offset.
   */
  appendAsLeader(batch: Uint8Array, options: AppendOptions): AppendOutcome {
    const memory = this.#memory;
    if (memory.state.kind !== "open") return this.#refuseState();
    const early = this.#refuseEarly(batch, memory.config.maxBatchBytes);
    if (early !== undefined) return early;
    const header = readBatchHeader(batch);
    const verdict = memory.producers.check(header);
    if (verdict.kind === "refused") {
      const { expectedSequence, foundSequence } = verdict;
      return { ...this.#refuse(reasonOf(verdict.reason), verdict.message), expectedSequence, foundSequence };
    }
    if (verdict.kind === "duplicate") {
      const { baseOffset, lastOffset } = verdict;
      return { kind: "duplicate", baseOffset, lastOffset, timestampMs: appendTime(header, verdict.timestampMs) };
    }
    const { expectedOffset } = options;
    if (expectedOffset !== undefined && expectedOffset !== memory.logEndOffset) {
      const message = `The log ends at ${memory.logEndOffset}, expected was ${expectedOffset}`;
      return this.#refuse("WRONG_EXPECTED_OFFSET", message);
    }
    // J-15
    const full = this.#node.spaceRefusal();
    if (full !== undefined) return this.#refuse("STORAGE_FULL", full);
    const baseOffset = memory.logEndOffset;
    assignOffsets(batch, 0, baseOffset, memory.epochs.latestEpoch);
    const lastOffset = this.#take(batch, header, baseOffset);
    return { kind: "appended", baseOffset, lastOffset, timestampMs: appendTime(header, header.maxTimestampMs) };
  }

  /**
   * Takes a batch as the leader sent it: base offset = LEO, epochs that do not fall (G-5). `batch` is owned by the log from
   * now on, unless it is refused. The caller has checked its CRC. The leader took it, so the limit of sizes is not asked
   * again: it may have been lowered since.
   */
  appendAsFollower(batch: Uint8Array): AppendOutcome {
    const memory = this.#memory;
    if (memory.state.kind !== "open" && memory.state.kind !== "needs-epoch") return this.#refuseState();
    const early = this.#refuseEarly(batch, Number.MAX_SAFE_INTEGER);
    if (early !== undefined) return early;
    const header = readBatchHeader(batch);
    const { baseOffset, leaderEpoch } = header;
    if (baseOffset !== memory.logEndOffset) {
      return this.#refuse("CORRUPT_MESSAGE", `A batch at ${baseOffset}, and the log ends at ${memory.logEndOffset}`);
    }
    if (leaderEpoch < memory.epochs.latestEpoch) {
      return this.#refuse("CORRUPT_MESSAGE", `A batch of epoch ${leaderEpoch} after ${memory.epochs.latestEpoch}`);
    }
    if (leaderEpoch > memory.epochs.latestEpoch) this.#addEpoch(leaderEpoch, baseOffset);
    const lastOffset = this.#take(batch, header, baseOffset);
    return { kind: "appended", baseOffset, lastOffset, timestampMs: -1 };
  }

  /** `listener` is called after each commit that moved `countedOffset`, and when `state` or the log start changes. Returns how to stop. */
  onCounted(listener: (log: PartitionLog) => void): () => void {
    return this.#memory.listen(() => listener(this));
  }

  /** Never goes down, never above LEO. */
  advanceHighWatermark(offset: number): void {
    const bounded = Math.min(offset, this.#memory.logEndOffset, this.#memory.readLimit);
    if (bounded > this.#memory.highWatermark) this.#memory.highWatermark = bounded;
  }

  /** What can be said without a file: a hit of the tail cache, nothing to read, or out of range. */
  readCached(options: ReadOptions): ReadResult | undefined {
    const limit = this.#limitOf(options);
    if (typeof limit !== "number") return limit;
    const { offset, maxBytes, atLeastOneBatch = true, lend = false } = options;
    const cached = this.writer.tail.read({ offset, limit, maxBytes, atLeastOneBatch, lend });
    if (cached !== undefined) return { kind: "batches", ...cached };
    // What is not in files yet is in memory (J-2), so there is nothing that fits.
    return offset >= this.writer.files.endOffset ? { kind: "empty" } : undefined;
  }

  /**
   * Whole batches from the one that holds `offset`, below `limit`. Bytes from files are checked (J-11); damage
   * quarantines the partition (J-12). Errors: `CLOSED`, `PARTITION_FAILED`.
   */
  read(options: ReadOptions): Promise<ReadResult> {
    return this.#read(options, () => this.readCached(options));
  }

  /** As `read`, of the files alone, whatever memory still has of it: damage under what is cached is damage (J-12). For the scrubber. */
  readFiles(options: ReadOptions): Promise<ReadResult> {
    return this.#read(options, () => {
      const limit = this.#limitOf(options);
      if (typeof limit !== "number") return limit;
      return options.offset >= this.writer.files.endOffset ? { kind: "empty" } : undefined;
    });
  }

  /** The first record below `limit` with a timestamp at or after `timeMs`. */
  offsetForTime(timeMs: number, limit: number): Promise<FoundTime | undefined> {
    return findTime(this, timeMs, limit);
  }

  /** The first of the records below `limit` with the largest timestamp. */
  maxTimestamp(limit: number): Promise<FoundTime | undefined> {
    return findMaxTimestamp(this, limit);
  }

  /** The epoch in which `offset` was written, undefined below the first that is known (J-11). */
  epochAt(offset: number): number | undefined {
    return this.#memory.epochs.epochAt(offset);
  }

  /** Where the log of `epoch` ends here (raft.md 6.8). */
  epochEnd(epoch: number): { epoch: number; end: number } {
    return this.#memory.epochs.endFor(epoch, this.#memory.logEndOffset);
  }

  /**
   * Cuts the log to `offset`, or to the start of the batch that holds it, durably; also drops empty epochs at or above it
   * (G-3). Whether it may go below the high watermark is the caller's decision (G-4). Returns where the log ends now.
   */
  truncate(offset: number): Promise<number> {
    return this.#cuts.truncate(offset);
  }

  /** Everything goes; the log is empty and starts at `offset`, high watermark and log start with it (G-8). */
  truncateFullyAndStartAt(offset: number): Promise<void> {
    return this.#cuts.restart(offset);
  }

  /** Nothing below `offset`, at most the high watermark, can be read any more. Returns the new log start. */
  deleteRecordsBefore(offset: number): Promise<number> {
    return this.#cuts.deleteBefore(offset);
  }

  /**
   * Gives up what is damaged and everything after it (J-12). The range that is lost, as far as offsets may have been given
   * out, stays empty, and the node leads in `epoch`, which is above every epoch of this log, from behind it on. Durable on
   * return; without effect, and with an empty range, on a partition that is not quarantined.
   */
  acceptLoss(epoch: number): Promise<{ from: number; to: number }> {
    return this.#cuts.acceptLoss(epoch);
  }

  /** Removes whole segments by age and size (J-16); for the store. */
  applyRetention(): Promise<Removed> {
    return this.#cuts.retention();
  }

  /** What is known of idempotent producers; for the store. */
  get producers(): ProducerState {
    return this.#memory.producers;
  }

  /** What is known of idempotent producers, the one that was silent longest first; owned copies. */
  producerState(): ProducerEntry[] {
    return this.#memory.producers.entries();
  }

  /** J-12: nothing is appended any more; what lies below can be read. For reads and the scrubber. */
  quarantine(damage: Damage): void {
    const { state } = this.#memory;
    if (this.#memory.isEnded || (state.kind === "quarantined" && state.offset <= damage.offset)) return;
    this.#memory.quarantine(damage);
    this.#node.checkpointSoon();
    this.#node.quarantined();
  }

  /** J-13: what the recovery has lost is known to whoever has to know. False when there was nothing to confirm. */
  confirmRecovery(): boolean {
    const wasLossy = this.#memory.isLossy;
    this.#memory.isLossy = false;
    return wasLossy;
  }

  /** Whether a job is under way whose records may be durable while memory or files do not show it (J-8). */
  get hasOpenCut(): boolean {
    return this.#memory.openCuts > 0;
  }

  /** Resolves when the jobs of this moment have ended. */
  async cutsEnded(): Promise<void> {
    await this.writer.job(() => Promise.resolve());
  }

  /** For a checkpoint, in one piece with its R: what the partition holds. */
  capture(): CapturedPartition {
    const memory = this.#memory;
    this.#sideFiles.capture(memory);
    return {
      ...memory.id,
      flush: this.writer.mode === "os" ? "os" : "sync",
      mode: this.writer.mode,
      logStartOffset: memory.logStartOffset,
      highWatermark: memory.highWatermark,
      lastBarrier: this.writer.lastBarrier,
      epochs: memory.epochs.toArray(),
      isLossy: memory.isLossy,
      cleanedTo: memory.cleanedTo,
      countedOffset: memory.countedOffset,
    };
  }

  /** Writes what is behind and syncs it (J-8); the rest of what the slot says. Undefined: closed meanwhile. */
  async writeCaptured(captured: CapturedPartition): Promise<CheckpointPartition | undefined> {
    const { files } = this.writer;
    const { countedOffset, ...known } = captured;
    // A sync under way: sizes and recovery point do not belong together, and the files look clean already.
    const isSynced = files.endOffset === this.writer.recoveryPoint && !files.isDirty;
    const mustWrite = !isSynced || files.endOffset < countedOffset || this.hasOpenCut;
    if (!mustWrite || this.state.kind === "closed") return this.#describe(known);
    return this.writer.job(async () => {
      if (this.state.kind === "closed") return this.#describe(known);
      try {
        if (this.state.kind === "failed") {
          await this.writer.journalAgain();
          return this.#describe(known);
        }
        await this.writer.syncCounted();
        await files.saveIndexes();
        await this.#saveSideFiles();
      } catch (error) {
        // A full disk is waited for: what is behind counts, and the journal has it (J-15).
        if (isShortage(error)) throw error;
        this.#cuts.failed(error);
        if (!(error instanceof FileSystemError)) throw error;
        // J-14: this partition is closed, the others go on. What it cannot write stays in the journal.
        await this.writer.journalAgain();
      }
      // Nothing else writes before this job ends, so size and recovery point belong together.
      return this.#describe(known);
    });
  }

  /** Finishes and syncs what is queued, then takes nothing more. The files stay open until `release`. */
  async close(): Promise<void> {
    if (this.#memory.state.kind === "closed") return;
    await this.writer.job(async () => {
      // One that failed stays what it is: the last checkpoint has to know what its files lack.
      if (this.#memory.isEnded) return;
      await this.writer.settle();
      await this.writer.syncCounted();
      const { producers, logEndOffset } = this.#memory;
      this.#sideFiles.captureLast({ producers, logEndOffset, sizeBytes: this.sizeBytes });
      await this.#saveSideFiles();
      this.writer.stop();
      this.#memory.setState({ kind: "closed" });
    });
  }

  /**
   * J-7: durable on return, before a file goes. A job of its own, and the last one: a barrier that followed the record would
   * make the partition anew (J-1).
   */
  async journalDeletion(): Promise<void> {
    await this.writer.job(async () => {
      await this.writer.record({ type: "delete-partition", base: 0 });
      this.writer.stop();
      if (this.#memory.state.kind !== "closed") this.#memory.setState({ kind: "closed" });
    });
  }

  /** Lets go of files and memory; nothing is written. */
  async release(): Promise<void> {
    this.writer.stop();
    if (this.#memory.state.kind !== "closed") this.#memory.setState({ kind: "closed" });
    await this.writer.job(async () => {
      this.writer.tail.clear();
      await this.writer.files.close();
    });
  }

  /** J-14: the disk failed. */
  fail(error: LogError): void {
    this.writer.abort(error);
    this.#memory.fail(error);
  }

  #describe(known: Omit<CapturedPartition, "countedOffset">): CheckpointPartition {
    const { files, recoveryPoint } = this.writer;
    const segments = files.segments.map(({ baseOffset, sizeBytes, lastWrittenMs, maxTimestampMs, isInDoubt }) => {
      // A cut that failed: the file is longer than what is left of it.
      const isKnown = files.endOffset <= this.#memory.logEndOffset && !isInDoubt;
      return { baseOffset, sizeBytes: isKnown ? sizeBytes : -1, lastWrittenMs, maxTimestampMs };
    });
    return { ...known, recoveryPoint, segments, quarantine: this.#memory.damage };
  }

  /** F-10. Only what is in synced segments: a snapshot above the recovered end would be thrown away. */
  async #saveSideFiles(): Promise<void> {
    const { producers, highWatermark, epochs } = this.#memory;
    await this.#sideFiles.save({
      producers,
      endOffset: this.writer.files.endOffset,
      highWatermark,
      epochs: epochs.runs,
    });
  }

  #addEpoch(epoch: number, start: number): void {
    this.#memory.epochs.add(epoch, start);
    this.#memory.undurableEpochs.push({ epoch, start });
    this.writer.epochStarts(epoch, start);
  }

  #take(batch: Uint8Array, header: BatchHeader, baseOffset: number): number {
    const nextOffset = baseOffset + header.lastOffsetDelta + 1;
    invariant(Number.isSafeInteger(nextOffset), () => `offset ${nextOffset} is beyond what a log can hold`);
    const { producers } = this.#memory;
    const before = producers.producerCount;
    producers.append({ ...header, baseOffset }, this.#node.clock.nowMs());
    if (producers.producerCount > before) this.#node.producersAdded(1);
    const bytes = this.writer.tail.append(baseOffset, nextOffset, batch, { pinned: true });
    this.#memory.logEndOffset = nextOffset;
    this.#node.spaceSpent(bytes.length);
    this.writer.appended({ baseOffset, nextOffset, bytes });
    return nextOffset - 1;
  }

  /** Exclusive end of what may be read now; or the answer, when nothing is to be read. */
  #limitOf({ offset, limit }: ReadOptions): number | ReadResult {
    const { logStartOffset, logEndOffset, readLimit, state } = this.#memory;
    if (offset < logStartOffset || offset > logEndOffset) return { kind: "out-of-range", logStartOffset, logEndOffset };
    // J-12: below the damage reads go on.
    const damage = state.kind === "quarantined" ? state : undefined;
    if (damage !== undefined && offset >= damage.offset && offset < limit) return damagedAt(damage);
    const end = Math.min(limit, readLimit, logEndOffset, damage?.offset ?? logEndOffset);
    return offset >= end ? { kind: "empty" } : end;
  }

  /** `early`: what can be said without a file. */
  async #read(options: ReadOptions, early: () => ReadResult | undefined): Promise<ReadResult> {
    for (;;) {
      const { state, readLimit } = this.#memory;
      if (state.kind === "closed") throw new LogError("CLOSED", `Cannot read ${this.#memory.name}: it is closed.`);
      const known = early();
      if (known !== undefined) return known;
      const damageOffset = state.kind === "quarantined" ? state.offset : Number.MAX_SAFE_INTEGER;
      const limit = Math.min(options.limit, readLimit, damageOffset, this.writer.files.endOffset);
      const cuts = this.#memory.openCuts;
      const found = await this.#fromFiles(options, limit);
      if (found.kind === "gone") continue;
      // A cut that began meanwhile may have taken the bytes away under the read: ask again.
      if (found.kind === "damaged" && (cuts > 0 || this.#memory.openCuts > 0 || this.#memory.readLimit !== readLimit)) {
        await this.cutsEnded();
        if (early() !== undefined || (await this.#fromFiles(options, limit)).kind !== "damaged") continue;
      }
      if (found.kind === "damaged") this.quarantine(found);
      return found;
    }
  }

  async #fromFiles(options: ReadOptions, limit: number): Promise<FileRead> {
    try {
      return await this.writer.files.read({
        offset: options.offset,
        limit,
        maxBytes: options.maxBytes,
        atLeastOneBatch: options.atLeastOneBatch ?? true,
        epochAt: (offset) => this.epochAt(offset),
        lend: options.lend ?? false,
      });
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      const message = `Read of ${this.#memory.name} failed: ${error.message}`;
      const code = error.code === "TOO_MANY_FILES" ? error.code : "PARTITION_FAILED";
      throw new LogError(code, message, { path: error.path, cause: error });
    }
  }

  #refuseEarly(batch: Uint8Array, maxBatchBytes: number): AppendRefusal | undefined {
    if (batch.length < batchHeaderBytes) return this.#refuse("CORRUPT_MESSAGE", `A batch of ${batch.length} bytes`);
    if (this.#memory.readLimit !== Number.MAX_SAFE_INTEGER) {
      return this.#refuse("BUSY", `The log is being truncated to ${this.#memory.readLimit}`);
    }
    if (batch.length <= maxBatchBytes) return undefined;
    return this.#refuse("MESSAGE_TOO_LARGE", `A batch of ${batch.length} bytes, and the limit is ${maxBatchBytes}`);
  }

  #refuseState(): AppendRefusal {
    const { state, name, id } = this.#memory;
    switch (state.kind) {
      case "needs-epoch":
      case "open": {
        const full = this.#node.spaceRefusal();
        if (full !== undefined) return this.#refuse("STORAGE_FULL", full);
        return this.#refuse("NOT_LEADER", `Cannot append to ${name}: it waits for a new leader epoch`);
      }
      case "quarantined":
        return this.#refuse(
          "PARTITION_QUARANTINED",
          `Cannot append to ${name}: "${state.file}" is damaged at offset ${state.offset} (${state.why}). ` +
            `To give up what is lost: varve partition accept-loss ${id.topic} ${id.partition} --yes`,
        );
      case "failed":
        return this.#refuse("STORAGE_FAILED", state.error.message);
      case "closed":
        return this.#refuse("SHUTTING_DOWN", `Cannot append to ${name}: it is closed`);
    }
  }

  #refuse(reason: Reason, message: string): AppendRefusal {
    return { kind: "refused", reason, message, logEndOffset: this.#memory.logEndOffset };
  }
}

function damagedAt(damage: Damage): ReadResult {
  return { kind: "damaged", file: damage.file, offset: damage.offset, why: damage.why };
}

function appendTime(header: BatchHeader, timestampMs: number): number {
  return usesLogAppendTime(header.attributes) ? timestampMs : -1;
}

/** The reason as the doors know it. */
function reasonOf(refusal: ProducerRefusal): Reason {
  return refusal === "INVALID_TXN_STATE" ? "INVALID_REQUEST" : refusal;
}
