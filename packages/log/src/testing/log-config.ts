/** A config for tests: nothing is ever removed, and a segment holds what a test appends. */
import type { LogConfig } from "../partition-types.ts";

export function testConfig(change: Partial<LogConfig> = {}): LogConfig {
  return {
    flush: "sync",
    segmentBytes: 1 << 20,
    segmentMs: -1,
    indexIntervalBytes: 4096,
    retentionMs: -1,
    retentionBytes: -1,
    retentionClock: "append",
    maxBatchBytes: 1 << 20,
    producerExpiryMs: 86_400_000,
    ...change,
  };
}
