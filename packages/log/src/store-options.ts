/** What a store is opened with, and what it says about itself. */
import type { Clock } from "./clock.ts";
import type { CompactionStats } from "./compaction/compactor.ts";
import { LogError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import type { CommittedRound } from "./group-commit.ts";
import type { PartitionId } from "./partition-id.ts";
import type { LogConfig, PartitionState } from "./partition-types.ts";

const mebibyte = 1024 * 1024;

export interface StoreOptions {
  readonly directory: string;
  /** Identity of the running kernel: what was in its page cache is still there (J-13). */
  readonly bootId: string;
  /** Config of partitions until `setConfig`. */
  readonly defaults: LogConfig;
  /** Newest batches in memory, of all partitions. @default 48 MiB */
  readonly tailCacheBytes?: number;
  /** Of them, bytes that are in no segment yet; above, `admit` makes produce wait. @default 32 MiB */
  readonly queuedBytesMax?: number;
  /**
   * Writes and syncs of segments that may be in the thread pool together; the journal has a thread of its own beside them
   * (J-4). @default 2, for a pool of 4
   */
  readonly segmentLanes?: number;
  /** Segment descriptors that are kept open. @default 512 */
  readonly openFilesMax?: number;
  /** One file of the journal. @default 64 MiB */
  readonly journalFileBytes?: number;
  /** All files of the journal that are needed; at three quarters checkpoints hurry, at all of it produce waits. @default 512 MiB */
  readonly journalBytesMax?: number;
  /** How long after an append a checkpoint begins. @default 10000 */
  readonly checkpointIntervalMs?: number;
  /** From so many bytes in a round on a partition is synced in its own segment. @default 128 KiB */
  readonly directModeBytes?: number;
  /** What counts by the journal is synced in a segment when so much of it was written there, or by the checkpoint. @default 2 MiB */
  readonly syncBehindBytes?: number;
  /** Idempotent producers that all partitions together remember; beyond, the one with most forgets. @default 200000 */
  readonly producersMax?: number;
  /** Beyond the live journal, what must be free for produce to be taken (J-15). @default 64 MiB */
  readonly freeBytesMin?: number;
  /** Rate at which segments are read to find damage (J-12); 0: never. @default 4 MiB */
  readonly scrubBytesPerSecond?: number;
  /** Rate at which compaction reads and writes, both together; 0: no limit. @default 32 MiB/s */
  readonly compactionBytesPerSecond?: number;
  /** Memory for the keys of one compaction, while it runs: 32 bytes a key, more keys take more runs. @default 32 MiB */
  readonly compactionKeyBytes?: number;
}

export interface StoreDependencies {
  readonly fs: FileSystem;
  readonly clock: Clock;
  /** J-14: the disk failed; the process has to end its leadership and itself. Called once. */
  readonly onFatal: (error: LogError) => void;
  /** After every group commit that held something, at once: for counting. */
  readonly onCommit?: (round: CommittedRound) => void;
  /** Recovery: `done` of `total` partitions; `what` is the one that is next. */
  readonly onProgress?: (done: number, total: number, what: string) => void;
}

/** What recovery found in one partition. */
export interface PartitionRecovery {
  readonly id: PartitionId;
  /** Everything that counted is there (J-13). What is not stays so until `LogStore.confirmRecovery`. */
  readonly isRetained: boolean;
  /** Bytes above the recovery point that were cut: a torn tail, or what the journal has as well. */
  readonly cutBytes: number;
  readonly state: PartitionState;
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
  /** Bytes of the journal files that are needed. */
  readonly journalBytes: number;
  /** Number of the last journal round. */
  readonly round: number;
  readonly checkpoints: number;
  /** Findings of damage, by the recovery and since. */
  readonly quarantines: number;
  readonly compaction: CompactionStats & {
    /** Largest share of new records of what may be compacted now, of all partitions. */
    readonly dirtyRatio: number;
  };
}

/** With every default filled in. Errors: `BAD_OPTIONS`. */
export function withDefaults(options: StoreOptions): Required<StoreOptions> {
  const tailCacheBytes = options.tailCacheBytes ?? 48 * mebibyte;
  const whole: Required<StoreOptions> = {
    tailCacheBytes,
    queuedBytesMax: Math.min(32 * mebibyte, tailCacheBytes),
    segmentLanes: 2,
    openFilesMax: 512,
    journalFileBytes: 64 * mebibyte,
    journalBytesMax: 512 * mebibyte,
    checkpointIntervalMs: 10_000,
    directModeBytes: 128 * 1024,
    syncBehindBytes: 2 * mebibyte,
    freeBytesMin: 64 * mebibyte,
    producersMax: 200_000,
    scrubBytesPerSecond: 4 * mebibyte,
    compactionBytesPerSecond: 32 * mebibyte,
    compactionKeyBytes: 32 * mebibyte,
    ...options,
  };
  if (whole.journalFileBytes % 4096 !== 0 || whole.journalFileBytes < 65_536) {
    const message = `Cannot open the store: journalFileBytes is ${whole.journalFileBytes}; it must be a multiple of 4096, at least 65536.`;
    throw new LogError("BAD_OPTIONS", message);
  }
  return whole;
}
