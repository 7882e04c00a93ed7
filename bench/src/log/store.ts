// SPDX-License-Identifier: Apache-2.0
// A store as a broker opens it, with a small cache, and partitions that take appends.

import {
  LogStore,
  nodeFileSystem,
  systemClock,
  type FileSystem,
  type LogConfig,
  type PartitionLog,
  type StoreOptions,
} from "@varve/log";

const tailCacheBytes = 64 << 20;

/** More bytes than a store keeps in memory. */
export const poolBytes = 2 * tailCacheBytes;

const topicId = "0123456789abcdef0123456789abcdef";

export const benchConfig: LogConfig = {
  flush: "sync",
  segmentBytes: 1 << 30,
  segmentMs: -1,
  indexIntervalBytes: 4096,
  retentionMs: -1,
  retentionBytes: -1,
  retentionClock: "append",
  maxBatchBytes: 1 << 20,
  producerExpiryMs: 86_400_000,
};

export function openBenchStore(
  directory: string,
  fs: FileSystem = nodeFileSystem(),
  options: Pick<StoreOptions, "compactionBytesPerSecond"> = {},
): Promise<LogStore> {
  return LogStore.open(
    {
      directory,
      bootId: "bench",
      defaults: benchConfig,
      tailCacheBytes,
      segmentLanes: 4,
      scrubBytesPerSecond: 0,
      ...options,
    },
    {
      fs,
      clock: systemClock(),
      onFatal: (error) => {
        throw error;
      },
    },
  );
}

/** New partitions, open for appends. */
export async function createLogs(
  store: LogStore,
  count: number,
  flush: "sync" | "os",
  change: Partial<LogConfig> = {},
): Promise<PartitionLog[]> {
  const logs: PartitionLog[] = [];
  for (let partition = 0; partition < count; partition++) {
    const log = await store.create({ topicId, topic: "bench", partition }, { ...benchConfig, ...change, flush });
    log.startEpoch(1);
    logs.push(log);
  }
  return logs;
}

/** The partition that an earlier `createLogs` made. */
export function logOf(store: LogStore, partition: number): PartitionLog {
  const log = store.get(topicId, partition);
  if (log === undefined) throw new Error(`Partition ${partition} is not in the store.`);
  return log;
}
