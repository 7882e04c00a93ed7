/** What the crash test and its victim agree on: the partitions, and limits small enough that everything happens often. */
import type { LogConfig, PartitionId, StoreOptions } from "../index.ts";

const config: LogConfig = {
  flush: "sync",
  segmentBytes: 1 << 20,
  segmentMs: 3_600_000,
  indexIntervalBytes: 4096,
  retentionMs: -1,
  retentionBytes: -1,
  retentionClock: "append",
  maxBatchBytes: 1 << 20,
  producerExpiryMs: 86_400_000,
};

export function crashOptions(directory: string): StoreOptions {
  const options = {
    directory,
    tailCacheBytes: 4 << 20,
    queuedBytesMax: 8 << 20,
    journalFileBytes: 1 << 20,
    journalBytesMax: 8 << 20,
    checkpointIntervalMs: 100,
    directModeBytes: 64 << 10,
    bootId: "one",
    defaults: config,
    scrubBytesPerSecond: 0,
  };
  return options;
}

/**
 * Twenty partitions; every fourth counts in the kernel's cache, which survives the death of the process. `retentionBytes` is
 * what each keeps at least, or -1 for all.
 */
export function crashPartitions(retentionBytes: number): { id: PartitionId; config: LogConfig }[] {
  return Array.from({ length: 20 }, (_, partition) => ({
    id: { topicId: "c".repeat(32), topic: "crash", partition },
    config: { ...config, retentionBytes, flush: partition % 4 === 3 ? "os" : "sync" },
  }));
}
