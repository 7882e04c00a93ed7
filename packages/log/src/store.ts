/**
 * The store of one node: all partitions in one directory, one journal for all of them.
 *
 *   <directory>/topics/<topic>-<partition>/   partition.json, segments, indexes, producer snapshots
 *   <directory>/journal/<slot>.wal            rounds (journal-round.ts)
 *   <directory>/checkpoint-a, checkpoint-b    the two slots (checkpoint-file.ts)
 *   <directory>/boot-id                       kernel under which the store was last opened (J-13)
 *
 * Opening recovers (`recovery/`); from then on the store lends its parts to partitions, decides when a checkpoint is due, and
 * says when there is no room: in memory (`admit`), in the journal (`admit`), on the disk (`whySpaceRefused`).
 */
import { EpochRuns } from "@varve/format";
import { readBootId, writeBootId } from "./boot-id-file.ts";
import { CheckpointSlots } from "./checkpoint-slots.ts";
import type { Quarantine } from "./checkpoint-file.ts";
import { Checkpointer } from "./checkpointer.ts";
import { Compactor } from "./compaction/compactor.ts";
import type { CompactionReport } from "./compaction/compactor.ts";
import type { Timer } from "./clock.ts";
import { LogError } from "./errors.ts";
import { FileSystemError, isShortage } from "./file-system.ts";
import { FreeSpace } from "./free-space.ts";
import { GroupCommit } from "./group-commit.ts";
import { Journal } from "./journal.ts";
import { journalIdBytes, makeJournalId } from "./journal-id.ts";
import { Lanes } from "./lanes.ts";
import { OpenFiles } from "./open-files.ts";
import { encodePartitionFile, partitionFileName } from "./partition-file.ts";
import type { PartitionId } from "./partition-id.ts";
import { PartitionLog } from "./partition-log.ts";
import type { PartitionNode } from "./partition-log.ts";
import type { LogConfig, PartitionState } from "./partition-types.ts";
import { ProducerLimit } from "./producer-limit.ts";
import { ProducerState } from "./producer-state.ts";
import { recoverStore } from "./recovery/recover-store.ts";
import type { RecoveredPartition, RecoveredStore } from "./recovery/recover-store.ts";
import { removeDirectory } from "./remove-directory.ts";
import { Room } from "./room.ts";
import { Scrubber } from "./scrubber.ts";
import { SegmentedLog } from "./segmented-log.ts";
import { replaceFile, syncNames } from "./small-files.ts";
import { withDefaults } from "./store-options.ts";
import type {
  PartitionRecovery,
  RecoveryReport,
  RetentionReport,
  StoreDependencies,
  StoreOptions,
  StoreStats,
} from "./store-options.ts";
import { TailCache } from "./tail-cache.ts";

/** After a checkpoint that a full disk stopped, or a want of descriptors. */
const checkpointRetryMs = 1000;

export class LogStore {
  /** What opening found and did. */
  readonly recovery: RecoveryReport;
  readonly #options: Required<StoreOptions>;
  readonly #dependencies: StoreDependencies;
  readonly #files: OpenFiles;
  readonly #lanes: Lanes;
  readonly #cache: TailCache;
  readonly #journal: Journal;
  readonly #commit: GroupCommit;
  readonly #checkpointer: Checkpointer;
  readonly #space: FreeSpace;
  readonly #scrubber: Scrubber;
  readonly #compactor: Compactor;
  readonly #node: PartitionNode;
  readonly #producers: ProducerLimit;
  readonly #partitions = new Map<string, PartitionLog>();
  /** Deletions under way: their records may be durable while their directories are there (J-8). */
  readonly #deletions = new Set<Promise<void>>();
  readonly #room: Room;
  #checkpointTimer: Timer | undefined;
  #checkpoints = 0;
  #quarantines = 0;
  #fatal: LogError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    options: Required<StoreOptions>,
    dependencies: StoreDependencies,
    opened: { slots: CheckpointSlots; journalId: string; recovered: RecoveredStore; files: OpenFiles },
  ) {
    const { fs, clock } = dependencies;
    const { recovered, journalId } = opened;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#files = opened.files;
    this.#lanes = new Lanes(options.segmentLanes);
    this.#cache = new TailCache({ limitBytes: options.tailCacheBytes });
    this.#journal = new Journal(
      {
        directory: `${options.directory}/journal`,
        fileBytes: options.journalFileBytes,
        journalId: journalIdBytes(journalId),
        nextRound: recovered.last.number + 1,
        previous: recovered.last,
        fileCount: fileCountOf(recovered),
      },
      { fs, clock },
    );
    this.#commit = new GroupCommit({
      writer: this.#journal,
      clock,
      onFatal: (error) => this.#fail(journalFailed(error)),
      onRound: (round) => {
        this.#noteActivity();
        if (round.records > 0) dependencies.onCommit?.(round);
      },
    });
    this.#checkpointer = new Checkpointer({
      journal: this.#journal,
      journalId,
      slots: opened.slots,
      partitions: () => this.#partitions.values(),
      deletions: () => this.#deletions,
    });
    this.#space = new FreeSpace({
      fs,
      clock,
      directory: options.directory,
      neededBytes: () => this.#journal.liveBytes + options.freeBytesMin,
    });
    this.#scrubber = new Scrubber({
      clock,
      bytesPerSecond: options.scrubBytesPerSecond,
      partitions: () => this.#partitions.values(),
    });
    this.#compactor = new Compactor({
      fs,
      clock,
      lanes: this.#lanes,
      keyBytesMax: options.compactionKeyBytes,
      bytesPerSecond: options.compactionBytesPerSecond,
      producersMax: options.producersMax,
      partitions: () => this.#partitions.values(),
      spaceRefusal: (moreBytes) => this.#whySpaceRefused(moreBytes),
      spaceSpent: (bytes) => this.#space.spend(bytes),
    });
    this.#room = new Room(
      {
        queuedBytes: () => this.#cache.pinnedBytes,
        queuedBytesMax: options.queuedBytesMax,
        journalBytes: () => this.#journal.liveBytes,
        journalBytesMax: Math.max(options.journalBytesMax, options.journalFileBytes),
      },
      {
        flushBehind: () => {
          for (const log of this.#partitions.values()) log.writer.wake();
        },
        checkpoint: () => {
          if (!this.#checkpointer.isRunning) void this.#checkpointInBackground();
        },
        isOver: () => this.#fatal !== undefined || this.#closing !== undefined,
      },
    );
    this.#producers = new ProducerLimit(() => this.partitions().map((log) => log.producers), options.producersMax);
    this.#node = this.#makeNode();
    this.recovery = { partitions: recovered.partitions.map(reportOf), setAside: recovered.setAside };
    this.#quarantines = this.recovery.partitions.filter(({ state }) => state.kind === "quarantined").length;
  }

  /**
   * Recovers what is in the directory (J-10), or makes a new store. Every partition begins in state `needs-epoch` (J-3), or
   * `quarantined`. Errors: `BAD_FILE`, `UNKNOWN_VERSION`, `DISK_FAILED`, and what the file system says.
   */
  static async open(given: StoreOptions, dependencies: StoreDependencies): Promise<LogStore> {
    const options = withDefaults(given);
    const { fs, clock } = dependencies;
    const { directory } = options;
    const topicsDirectory = `${directory}/topics`;
    const journalDirectory = `${directory}/journal`;
    await fs.mkdir(topicsDirectory);
    await fs.mkdir(journalDirectory);
    await fs.syncDirectory(directory);
    const slots = await CheckpointSlots.open(fs, directory);
    const checkpoint = slots.newest;
    if (checkpoint === undefined) await assertNew(dependencies, topicsDirectory, directory);
    const journalId = checkpoint?.journalId ?? makeJournalId(options.bootId, clock.nowMs());
    const files = new OpenFiles(fs, options.openFilesMax);
    const recovered = await recoverStore({
      fs,
      files,
      slots,
      checkpoint,
      journalId: journalIdBytes(journalId),
      journalDirectory,
      topicsDirectory,
      isSameBoot: (await readBootId(fs, directory)) === options.bootId,
      nowMs: clock.nowMs(),
      limits: options.defaults,
      producerExpiryMs: options.defaults.producerExpiryMs,
      onProgress: dependencies.onProgress,
    });
    const store = new LogStore(options, dependencies, { slots, journalId, recovered, files });
    for (const partition of recovered.partitions) store.#add(partition);
    // J-10 f: both slots, then the boot id, then the journal goes on.
    await store.#checkpointer.run();
    await store.#checkpointer.run();
    await store.#journal.mend(recovered.journal.sizes, recovered.journal.listed);
    await writeBootId(fs, directory, options.bootId);
    await store.#space.check();
    store.#scrubber.start();
    return store;
  }

  /** All partitions, in no order. */
  partitions(): readonly PartitionLog[] {
    return [...this.#partitions.values()];
  }

  get(topicId: string, partition: number): PartitionLog | undefined {
    return this.#partitions.get(keyOf({ topicId, partition }));
  }

  /** Makes a partition; durable on return. Errors: `EXISTS`, `CLOSED`. */
  async create(id: PartitionId, config: LogConfig): Promise<PartitionLog> {
    this.#assertOpen("create a partition");
    const { fs } = this.#dependencies;
    const directory = this.#directoryOf(id);
    if (this.#partitions.has(keyOf(id)) || (await fs.stat(directory)) !== undefined) {
      throw new LogError("EXISTS", `Cannot create partition ${id.topic}-${id.partition}: "${directory}" exists.`, {
        path: directory,
      });
    }
    try {
      await fs.mkdir(directory);
      await replaceFile(fs, directory, partitionFileName, encodePartitionFile(id));
      await syncNames(fs, directory);
      // J-1: the directory is durable before the barrier that makes the partition known.
      await syncNames(fs, `${this.#options.directory}/topics`);
    } catch (error) {
      this.#failIfDisk(error);
      // Nobody knows the partition yet: what is left would only stand in the way of the next try.
      await fs.removeTree(directory).catch(() => undefined);
      throw error;
    }
    this.#assertOpen("create a partition");
    const mode = config.flush === "os" ? "os" : "journal";
    const log = new PartitionLog(
      {
        id,
        config,
        files: new SegmentedLog(directory, [], { fs, files: this.#files }),
        epochs: new EpochRuns(),
        producers: new ProducerState({ expiryMs: config.producerExpiryMs }),
        mode,
        recoveryPoint: 0,
        logStartOffset: 0,
        highWatermark: 0,
        state: { kind: "needs-epoch", why: "the partition is new" },
        isLossy: false,
      },
      this.#node,
    );
    // Known before the record is durable: a checkpoint that passes it must not leave the partition out.
    this.#partitions.set(keyOf(id), log);
    await log.writer.job(() => log.writer.barrier(mode));
    return log;
  }

  /** Removes a partition and its files; durable on return. Errors: `NOT_FOUND`, `CLOSED`. */
  delete(id: PartitionId): Promise<void> {
    return this.#remove(id, "deleted");
  }

  /** Closes a partition that belongs to nobody and renames its directory to `….stray` (F-7). Errors: as `delete`. */
  setAside(id: PartitionId): Promise<void> {
    return this.#remove(id, "stray");
  }

  /**
   * Asks for room for a batch. Undefined: there is room. Otherwise memory is full of what is in no segment yet (J-2), or the journal
   * is at its limit (J-8): once the promise resolves the batch is appended at once, without asking again. In the order of asking.
   */
  admit(bytes: number): Promise<void> | undefined {
    return this.#room.admit(bytes);
  }

  /** J-15: why produce is refused for want of space; undefined when it is not. */
  whySpaceRefused(): { freeBytes: number; neededBytes: number } | undefined {
    return this.#space.refusal();
  }

  /**
   * Whoever has to know has heard what `recovery` says of partitions that are not retained. Until then every start says it
   * again, whatever ended the process; and after it too, when the process ends before the next checkpoint (J-13).
   */
  confirmRecovery(): void {
    let wasLossy = false;
    for (const log of this.#partitions.values()) wasLossy = log.confirmRecovery() || wasLossy;
    if (wasLossy) void this.#checkpointInBackground();
  }

  /** Writes and syncs everything that counts now, so that a recovery begins here (J-8). */
  async checkpoint(): Promise<void> {
    this.#assertOpen("write a checkpoint");
    try {
      await this.#checkpointer.run();
    } catch (error) {
      this.#failIfDisk(error);
      throw error;
    }
    this.#checkpoints += 1;
    this.#room.grant();
  }

  /** Removes whole segments by age and size, of all partitions (J-16), and forgets producers that were silent too long. */
  async runRetention(): Promise<RetentionReport> {
    const report = { segments: 0, bytes: 0 };
    for (const log of this.partitions()) {
      log.producers.expire(this.#dependencies.clock.nowMs());
      if (log.state.kind !== "open" && log.state.kind !== "needs-epoch") continue;
      try {
        const removed = await log.applyRetention();
        report.segments += removed.segments;
        report.bytes += removed.bytes;
      } catch (error) {
        // Closed or deleted meanwhile, or it failed and its state says so: the others have their turn.
        if (!(error instanceof LogError) && !(error instanceof FileSystemError)) throw error;
      }
    }
    return report;
  }

  /** Compacts what is due, one partition after the other (J-17 to J-21); returns when nothing is any more. Runs one at a time. */
  runCompaction(): Promise<readonly CompactionReport[]> {
    return this.#compactor.run();
  }

  /** Ends a compaction that is under way, soon, and begins none any more. */
  stopCompaction(): void {
    this.#compactor.stop();
  }

  stats(): StoreStats {
    let segmentBytes = 0;
    for (const log of this.#partitions.values()) segmentBytes += log.writer.files.sizeBytes;
    return {
      partitions: this.#partitions.size,
      segmentBytes,
      cachedBytes: this.#cache.usedBytes,
      queuedBytes: this.#cache.pinnedBytes,
      journalBytes: this.#journal.liveBytes,
      round: this.#journal.last.number,
      checkpoints: this.#checkpoints,
      quarantines: this.#quarantines,
      compaction: { ...this.#compactor.stats, dirtyRatio: this.#compactor.dirtyRatio },
    };
  }

  /** Makes everything durable, says so in both slots, and lets go of all files. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#checkpointTimer?.cancel();
    this.#scrubber.stop();
    this.#compactor.stop();
    this.#space.stop();
    try {
      // Its file is open: it lets go of it first.
      await this.#compactor.ended();
      if (this.#fatal === undefined) await this.#closeCleanly();
    } finally {
      this.#commit.stop();
      this.#room.grant();
      for (const log of this.#partitions.values()) await log.release();
      await this.#journal.close();
    }
  }

  async #closeCleanly(): Promise<void> {
    for (const log of this.#partitions.values()) await log.close();
    await this.#commit.seal();
    await this.#checkpointer.run({ isClean: true });
    await this.#checkpointer.run({ isClean: true });
  }

  #add({ id, recovered, replayed, highWatermark, producers }: RecoveredPartition): void {
    const { files, epochs, quarantine, isRetained } = recovered;
    const { mode } = replayed;
    const log = new PartitionLog(
      {
        id,
        config: { ...this.#options.defaults, flush: mode === "os" ? "os" : "sync" },
        files,
        epochs,
        producers,
        mode,
        recoveryPoint: files.endOffset,
        logStartOffset: replayed.logStartOffset,
        highWatermark,
        // J-3: every start of the process begins a new leader epoch.
        state: stateOf(quarantine),
        isLossy: !isRetained,
        cleanedTo: Math.min(replayed.cleanedTo, files.endOffset),
      },
      this.#node,
    );
    this.#partitions.set(keyOf(id), log);
    this.#producers.added(producers.producerCount);
  }

  #remove(id: PartitionId, suffix: "deleted" | "stray"): Promise<void> {
    this.#assertOpen(`remove partition ${id.topic}-${id.partition}`);
    const log = this.get(id.topicId, id.partition);
    if (log === undefined) {
      const message = `Partition ${id.topic}-${id.partition} (topic id ${id.topicId}) is not in the store.`;
      return Promise.reject(new LogError("NOT_FOUND", message));
    }
    const removal = this.#removeLog(log, suffix)
      .catch((error: unknown) => {
        this.#failIfDisk(error);
        throw error;
      })
      .finally(() => this.#deletions.delete(removal));
    this.#deletions.add(removal);
    return removal;
  }

  async #removeLog(log: PartitionLog, suffix: "deleted" | "stray"): Promise<void> {
    const { fs, clock } = this.#dependencies;
    // Where it was found: under the name that it was given another partition's may lie by now.
    const { directory } = log.writer.files;
    const newName = `${directory}.${log.id.topicId}.${this.#journal.nextRound}.${suffix}`;
    if (suffix === "stray") await log.close();
    await log.journalDeletion();
    this.#partitions.delete(keyOf(log.id));
    await log.release();
    const topics = `${this.#options.directory}/topics`;
    const isOver = (): boolean => this.#fatal !== undefined || this.#closing !== undefined;
    await removeDirectory({ topics, directory, newName, isDeleted: suffix === "deleted" }, { fs, clock, isOver });
    this.#room.grant();
  }

  #makeNode(): PartitionNode {
    const { fs, clock } = this.#dependencies;
    return {
      fs,
      clock,
      lanes: this.#lanes,
      commit: this.#commit,
      cache: this.#cache,
      directModeBytes: this.#options.directModeBytes,
      syncBehindBytes: this.#options.syncBehindBytes,
      roomMade: () => {
        this.#room.grant();
        this.#noteActivity();
      },
      isShortOfRoom: () => this.#room.isShort,
      fatal: (error) => this.#fail(error),
      checkpointSoon: () => {
        // J-12: in both slots, so that a flip in one does not forget it.
        void this.#checkpointInBackground().then(() => this.#checkpointInBackground());
      },
      quarantined: () => {
        this.#quarantines += 1;
      },
      spaceSpent: (bytes) => this.#space.spend(bytes),
      producersAdded: (count) => this.#producers.added(count),
      spaceRefusal: () => this.#whySpaceRefused(),
    };
  }

  /** Something was made durable or written: a checkpoint is due some time later, and free space may have changed. */
  #noteActivity(): void {
    this.#space.checkSoon();
    if (this.#closing !== undefined || this.#fatal !== undefined) return;
    if (this.#isCheckpointDue() && !this.#checkpointer.isRunning) void this.#checkpointInBackground();
    this.#checkpointAfter(this.#options.checkpointIntervalMs);
  }

  #checkpointAfter(delayMs: number): void {
    this.#checkpointTimer ??= this.#dependencies.clock.setTimer(delayMs, () => {
      this.#checkpointTimer = undefined;
      void this.#checkpointInBackground();
    });
  }

  async #checkpointInBackground(): Promise<void> {
    if (this.#closing !== undefined || this.#fatal !== undefined) return;
    try {
      await this.checkpoint();
      // One frees what the one before it covered: until there is room, the next follows. Nothing is journaled meanwhile, so
      // after the second only the current file is left.
      if (this.#room.hasWaiters && this.#room.isJournalFull) await this.#checkpointInBackground();
    } catch (error) {
      if (this.#fatal !== undefined || this.#closing !== undefined) return;
      if (isShortage(error)) this.#checkpointAfter(checkpointRetryMs);
      else this.#fail(checkpointFailed(error));
    }
  }

  #whySpaceRefused(moreBytes = 0): string | undefined {
    const refusal = this.#space.refusal(moreBytes);
    if (refusal === undefined) return undefined;
    return `The disk has ${refusal.freeBytes} bytes free, and ${refusal.neededBytes} are needed`;
  }

  /** J-8: what two checkpoints leave behind, and what is written while the second runs, has room in the journal. */
  #isCheckpointDue(): boolean {
    const { journalBytesMax } = this.#options;
    return this.#checkpointer.uncoveredBytes * 3 > journalBytesMax || this.#journal.liveBytes * 4 > journalBytesMax * 3;
  }

  #failIfDisk(error: unknown): void {
    if (error instanceof LogError && error.code === "DISK_FAILED") this.#fail(error);
  }

  /** J-14: once, and for good. */
  #fail(error: LogError): void {
    if (this.#fatal !== undefined) return;
    this.#fatal = error;
    this.#commit.stop();
    this.#checkpointer.stop();
    this.#checkpointTimer?.cancel();
    this.#scrubber.stop();
    this.#compactor.stop();
    this.#space.stop();
    for (const log of this.#partitions.values()) log.fail(error);
    this.#room.grant();
    this.#dependencies.onFatal(error);
  }

  #assertOpen(action: string): void {
    if (this.#closing === undefined && this.#fatal === undefined) return;
    throw new LogError("CLOSED", `Cannot ${action}: the store is closed.`);
  }

  #directoryOf(id: PartitionId): string {
    return `${this.#options.directory}/topics/${id.topic}-${id.partition}`;
  }
}

/** Files of the journal that there are or were. One behind the list was never finished. */
function fileCountOf({ journal, last }: RecoveredStore): number {
  const known = journal.listed.sizes?.length ?? Math.max(-1, ...journal.sizes.keys()) + 1;
  return Math.max(known, last.number > 0 ? last.slot + 1 : 0);
}

/** Without a checkpoint there must be nothing else: two broken slots are no reason to begin anew. */
async function assertNew(dependencies: StoreDependencies, topicsDirectory: string, directory: string): Promise<void> {
  const names = (await dependencies.fs.readdir(topicsDirectory)).filter((name) => !name.endsWith(".stray"));
  if (names.length === 0) return;
  const message = `Cannot open the store in "${directory}": neither checkpoint-a nor checkpoint-b can be read, and there are ${names.length} partitions. Restore one of them from a backup, or move the directory away.`;
  throw new LogError("BAD_FILE", message, { path: directory });
}

function stateOf(quarantine: Quarantine | undefined): PartitionState {
  return quarantine === undefined
    ? { kind: "needs-epoch", why: "the store was opened" }
    : { kind: "quarantined", ...quarantine };
}

function reportOf({ id, recovered }: RecoveredPartition): PartitionRecovery {
  const { isRetained, cutBytes, quarantine } = recovered;
  return { id, isRetained, cutBytes, state: stateOf(quarantine) };
}

function journalFailed(error: unknown): LogError {
  if (error instanceof LogError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new LogError("DISK_FAILED", `The journal failed: ${message} Nothing more is written to this disk.`, {
    cause: error,
  });
}

function checkpointFailed(error: unknown): LogError {
  const message = error instanceof Error ? error.message : String(error);
  return new LogError("DISK_FAILED", `The checkpoint failed: ${message}`, { cause: error });
}

function keyOf(id: { topicId: string; partition: number }): string {
  return `${id.topicId}/${id.partition}`;
}
