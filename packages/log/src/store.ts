/**
 * The store of one node: all partitions in one directory.
 *
 *   <directory>/topics/<topic>-<partition>/   partition.json, <base>.log …
 */
import type { Clock } from "./clock.ts";
import { LogError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { GroupCommit } from "./group-commit.ts";
import type { RoundWriter } from "./group-commit.ts";
import { Lanes } from "./lanes.ts";
import { OpenFiles } from "./open-files.ts";
import { decodePartitionFile, encodePartitionFile, partitionFileName } from "./partition-file.ts";
import type { PartitionId } from "./partition-id.ts";
import { PartitionLog } from "./partition-log.ts";
import type { LogConfig, PartitionNode } from "./partition-log.ts";
import { loadPartition } from "./partition-load.ts";
import type { PartitionRecovery } from "./partition-load.ts";
import { ProducerState } from "./producer-state.ts";
import { planRetention } from "./retention.ts";
import { SegmentedLog } from "./segmented-log.ts";
import { TailCache } from "./tail-cache.ts";
import { EpochRuns } from "@varve/format";

export interface StoreOptions {
  readonly directory: string;
  /** Identity of the running kernel: what was in its page cache is still there (J-13). */
  readonly bootId: string;
  /** Config of partitions until `setConfig`. */
  readonly defaults: LogConfig;
  /** Newest batches in memory, of all partitions. @default 256 MiB */
  readonly tailCacheBytes?: number;
  /** Of them, bytes that are in no segment yet; above, `admit` makes produce wait. @default 64 MiB */
  readonly queuedBytesMax?: number;
  /** Segment descriptors that are kept open. @default 512 */
  readonly openFilesMax?: number;
}

export interface StoreDependencies {
  readonly fs: FileSystem;
  readonly clock: Clock;
  /** J-14: the disk failed; the process has to end its leadership and itself. Called once. */
  readonly onFatal: (error: LogError) => void;
  readonly onProgress?: (done: number, total: number, what: string) => void;
}

export interface RecoveryReport {
  readonly partitions: readonly PartitionRecovery[];
  /** Directories that belong to no known partition and were renamed (F-7). */
  readonly setAside: readonly string[];
}

export interface RetentionReport {
  readonly segments: number;
  readonly bytes: number;
}

export interface StoreStats {
  readonly partitions: number;
  /** Bytes in segments. */
  readonly segmentBytes: number;
  readonly cachedBytes: number;
  /** Bytes that are in no segment yet. */
  readonly queuedBytes: number;
}

const mebibyte = 1024 * 1024;

export class LogStore {
  readonly recovery: RecoveryReport;
  readonly #options: StoreOptions;
  readonly #dependencies: StoreDependencies;
  readonly #files: OpenFiles;
  readonly #lanes = new Lanes(2);
  readonly #cache: TailCache;
  readonly #commit: GroupCommit;
  readonly #partitions = new Map<string, PartitionLog>();
  readonly #queuedBytesMax: number;
  readonly #roomWaiters: (() => void)[] = [];
  #fatal: LogError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    options: StoreOptions,
    dependencies: StoreDependencies,
    files: OpenFiles,
    report: RecoveryReport,
  ) {
    this.recovery = report;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#files = files;
    const tailCacheBytes = options.tailCacheBytes ?? 256 * mebibyte;
    this.#cache = new TailCache({ limitBytes: tailCacheBytes });
    this.#queuedBytesMax = Math.min(options.queuedBytesMax ?? 64 * mebibyte, tailCacheBytes);
    this.#commit = new GroupCommit({
      writer: memoryRounds(dependencies.clock),
      clock: dependencies.clock,
      onFatal: (error) => this.#fail(error instanceof LogError ? error : diskFailed(error)),
    });
  }

  static async open(options: StoreOptions, dependencies: StoreDependencies): Promise<LogStore> {
    const { fs } = dependencies;
    const nowMs = dependencies.clock.nowMs();
    const { producerExpiryMs } = options.defaults;
    const topics = `${options.directory}/topics`;
    await fs.mkdir(topics);
    await fs.syncDirectory(options.directory);
    const files = new OpenFiles(fs, options.openFilesMax ?? 512);
    const names = (await fs.readdir(topics)).filter((name) => !/\.(stray|deleted)$/.test(name));
    const loaded: { id: PartitionId; load: Awaited<ReturnType<typeof loadPartition>> }[] = [];
    const setAside: string[] = [];
    for (const [index, name] of names.entries()) {
      dependencies.onProgress?.(index, names.length, name);
      const directory = `${topics}/${name}`;
      const id = await readPartitionId(fs, directory);
      if (id === undefined) {
        await fs.rename(directory, `${directory}.stray`);
        setAside.push(name);
        continue;
      }
      loaded.push({ id, load: await loadPartition(id, directory, { fs, files, nowMs, producerExpiryMs }) });
    }
    const report = { partitions: loaded.map(({ load }) => load.report), setAside };
    const store = new LogStore(options, dependencies, files, report);
    for (const { id, load } of loaded) {
      store.#partitions.set(
        keyOf(id.topicId, id.partition),
        new PartitionLog({ ...load.state, config: options.defaults }, store.#node()),
      );
    }
    return store;
  }

  /** All partitions, in no order. */
  partitions(): readonly PartitionLog[] {
    return [...this.#partitions.values()];
  }

  get(topicId: string, partition: number): PartitionLog | undefined {
    return this.#partitions.get(keyOf(topicId, partition));
  }

  /** Makes a partition; durable on return. Errors: `EXISTS`, `CLOSED`. */
  async create(id: PartitionId, config: LogConfig): Promise<PartitionLog> {
    this.#assertOpen("create a partition");
    const { fs } = this.#dependencies;
    const key = keyOf(id.topicId, id.partition);
    const directory = this.#directoryOf(id);
    if (this.#partitions.has(key) || (await fs.stat(directory)) !== undefined) {
      throw new LogError("EXISTS", `Cannot create partition ${id.topic}-${id.partition}: "${directory}" exists.`, {
        path: directory,
      });
    }
    await fs.mkdir(directory);
    const handle = await fs.open(`${directory}/${partitionFileName}`, "create");
    await handle.write([encodePartitionFile(id)], 0);
    await handle.sync();
    await handle.close();
    await fs.syncDirectory(directory);
    await fs.syncDirectory(`${this.#options.directory}/topics`);
    const log = new PartitionLog(
      {
        id,
        config,
        files: new SegmentedLog(directory, [], { fs, files: this.#files }),
        epochs: new EpochRuns(),
        producers: new ProducerState({ expiryMs: config.producerExpiryMs }),
        mode: config.flush === "os" ? "os" : "direct",
        recoveryPoint: 0,
        logStartOffset: 0,
        highWatermark: 0,
        state: { kind: "needs-epoch", why: "the partition is new" },
      },
      this.#node(),
    );
    await log.writer.job(() => log.writer.barrier(log.mode));
    this.#partitions.set(key, log);
    return log;
  }

  /** Removes a partition and its files; durable on return. Errors: `NOT_FOUND`. */
  async delete(id: PartitionId): Promise<void> {
    const log = this.#require(id);
    await log.writer.record({ type: "delete-partition", epoch: -1, base: 0, end: 0, mode: undefined });
    this.#partitions.delete(keyOf(id.topicId, id.partition));
    await log.abandon();
    const { fs } = this.#dependencies;
    const directory = this.#directoryOf(id);
    await fs.rename(directory, `${directory}.deleted`);
    await fs.syncDirectory(`${this.#options.directory}/topics`);
    await fs.removeTree(`${directory}.deleted`);
  }

  /** Closes a partition that belongs to nobody and renames its directory to `….stray` (F-7). Errors: `NOT_FOUND`. */
  async setAside(id: PartitionId): Promise<void> {
    const log = this.#require(id);
    await log.writer.record({ type: "delete-partition", epoch: -1, base: 0, end: 0, mode: undefined });
    this.#partitions.delete(keyOf(id.topicId, id.partition));
    await log.close();
    const { fs } = this.#dependencies;
    const directory = this.#directoryOf(id);
    await fs.rename(directory, `${directory}.${id.topicId}.stray`);
    await fs.syncDirectory(`${this.#options.directory}/topics`);
  }

  /**
   * Asks for room for a batch before it is appended. Undefined: there is room now. Otherwise wait, and ask again (J-2, J-8).
   */
  admit(bytes: number): Promise<void> | undefined {
    const queued = this.#cache.pinnedBytes;
    if (queued === 0 || queued + bytes <= this.#queuedBytesMax) return undefined;
    return new Promise((resolve) => {
      this.#roomWaiters.push(resolve);
    });
  }

  /** J-15: why produce is refused for want of space; undefined when it is not. */
  whySpaceRefused(): { freeBytes: number; neededBytes: number } | undefined {
    return undefined;
  }

  /** Writes what is behind and syncs every segment (J-8). */
  async checkpoint(): Promise<void> {
    for (const log of this.#partitions.values()) {
      await log.writer.job(async () => {
        await log.writer.syncCounted();
      });
    }
  }

  /** Removes whole segments by age and size (J-16). */
  async runRetention(): Promise<RetentionReport> {
    const report = { segments: 0, bytes: 0 };
    for (const log of this.#partitions.values()) {
      const removed = await log.applyRetention(planRetention);
      report.segments += removed.segments;
      report.bytes += removed.bytes;
    }
    return report;
  }

  stats(): StoreStats {
    let segmentBytes = 0;
    for (const log of this.#partitions.values()) segmentBytes += log.sizeBytes;
    return {
      partitions: this.#partitions.size,
      segmentBytes,
      cachedBytes: this.#cache.usedBytes,
      queuedBytes: this.#cache.pinnedBytes,
    };
  }

  /** Makes everything durable and lets go of all files. Idempotent. After a fatal error nothing more is written. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#fatal === undefined) await this.#commit.seal();
    for (const log of this.#partitions.values()) {
      if (this.#fatal === undefined) await log.close();
      else await log.abandon();
    }
    this.#commit.stop();
    this.#makeRoom();
  }

  #node(): PartitionNode {
    const { clock } = this.#dependencies;
    return {
      clock,
      lanes: this.#lanes,
      commit: this.#commit,
      cache: this.#cache,
      roomMade: () => this.#makeRoom(),
      fatal: (error) => this.#fail(error),
    };
  }

  #makeRoom(): void {
    if (this.#roomWaiters.length === 0) return;
    for (const waiter of this.#roomWaiters.splice(0)) waiter();
  }

  #fail(error: LogError): void {
    if (this.#fatal !== undefined) return;
    this.#fatal = error;
    this.#commit.stop();
    for (const log of this.#partitions.values()) log.fail(error);
    this.#makeRoom();
    this.#dependencies.onFatal(error);
  }

  #require(id: PartitionId): PartitionLog {
    const log = this.get(id.topicId, id.partition);
    if (log === undefined) {
      throw new LogError(
        "NOT_FOUND",
        `Partition ${id.topic}-${id.partition} (topic id ${id.topicId}) is not in the store.`,
      );
    }
    return log;
  }

  #assertOpen(action: string): void {
    if (this.#closing === undefined && this.#fatal === undefined) return;
    throw new LogError("CLOSED", `Cannot ${action}: the store is closed.`);
  }

  #directoryOf(id: PartitionId): string {
    return `${this.#options.directory}/topics/${id.topic}-${id.partition}`;
  }
}

/** Keeps the order of records, but makes nothing durable by itself. */
function memoryRounds(clock: Clock): RoundWriter {
  let nextRound = 1;
  return {
    get nextRound() {
      return nextRound;
    },
    roundBytesMax: Number.MAX_SAFE_INTEGER,
    write: () =>
      new Promise((resolve) => {
        nextRound += 1;
        clock.nextTurn(resolve);
      }),
  };
}

async function readPartitionId(fs: FileSystem, directory: string): Promise<PartitionId | undefined> {
  const path = `${directory}/${partitionFileName}`;
  const status = await fs.stat(path);
  if (status === undefined || status.sizeBytes > mebibyte) return undefined;
  const handle = await fs.open(path, "read");
  try {
    const bytes = new Uint8Array(status.sizeBytes);
    const length = await handle.read(bytes, 0);
    const decoded = decodePartitionFile(bytes.subarray(0, length));
    return decoded.kind === "ok" ? decoded.id : undefined;
  } finally {
    await handle.close();
  }
}

function diskFailed(error: unknown): LogError {
  const message = error instanceof Error ? error.message : String(error);
  return new LogError("DISK_FAILED", `The journal failed: ${message}`, { cause: error });
}

function keyOf(topicId: string, partition: number): string {
  return `${topicId}/${partition}`;
}
