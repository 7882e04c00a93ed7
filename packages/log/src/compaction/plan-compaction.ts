/**
 * What a compaction of one partition may touch, and whether it is worth it now. Pure.
 *
 *      log start      cleaned to                     end            high watermark   recovery point
 *          ▼              ▼                           ▼                    ▼               ▼
 *   [ 0 ][ 100 ][ 200 ][  300 ][ 400 ][ 500 ][ 600 ]│[ 700 ][ 800 ][ 900 … active
 *    └──── clean ─────┘└────────── dirty ──────────┘ └─ too young ─┘
 *
 * - Only whole segments, never the active one (J-17).
 * - Only below the high watermark, and only what is in synced segments: what takes the place of an older record must not be gone
 *   after a truncation or a power loss (J-17).
 * - Nothing above the first segment that is younger than `minLagMs`.
 * - Due when enough of it is dirty, or something dirty is older than `maxLagMs`.
 */
import type { CompactionConfig } from "../partition-types.ts";
import type { RetainedSegment } from "../retention.ts";
import { timeOf } from "../retention.ts";

export interface CompactionInput {
  /** In order, without gaps; the last one is active. */
  readonly segments: readonly RetainedSegment[];
  readonly highWatermark: number;
  /** Everything below is in synced segments. */
  readonly recoveryPoint: number;
  /** Below, no key has two records, and no tombstone has anything to hide. */
  readonly cleanedTo: number;
  /** First offset of a transaction that is open. */
  readonly openTransaction: number | undefined;
  readonly nowMs: number;
  readonly retentionClock: "append" | "record";
  readonly config: CompactionConfig;
}

export interface CompactionPlan {
  /** Segments that are gone through, from the first on. */
  readonly count: number;
  /** Keys of the records in [from, to) are entered; older records of them go. */
  readonly from: number;
  readonly to: number;
  readonly dirtyBytes: number;
  readonly totalBytes: number;
  /** Of what may be touched, the share that may hold records which are not the latest of their key. */
  readonly dirtyRatio: number;
  readonly isDue: boolean;
  /** The active segment holds something older than `maxLagMs`: it is to be closed with the next append. */
  readonly rollActive: boolean;
}

export function planCompaction(input: CompactionInput): CompactionPlan {
  const { segments, nowMs, config } = input;
  const limit = Math.min(input.highWatermark, input.recoveryPoint, input.openTransaction ?? Number.MAX_SAFE_INTEGER);
  const from = Math.max(input.cleanedTo, segments[0]?.baseOffset ?? 0);
  let count = 0;
  let to = from;
  let dirtyBytes = 0;
  let totalBytes = 0;
  let isOverdue = false;
  for (const [index, segment] of segments.entries()) {
    if (index === segments.length - 1 || segment.endOffset > limit) break;
    const isDirty = segment.endOffset > from;
    if (isDirty && nowMs - timeOf(segment, input.retentionClock) < config.minLagMs) break;
    count = index + 1;
    totalBytes += segment.sizeBytes;
    if (!isDirty) continue;
    to = segment.endOffset;
    dirtyBytes += segment.sizeBytes;
    isOverdue ||= isOlder(segments, index, input);
  }
  const dirtyRatio = totalBytes === 0 ? 0 : dirtyBytes / totalBytes;
  return {
    count,
    from,
    to,
    dirtyBytes,
    totalBytes,
    dirtyRatio,
    isDue: dirtyBytes > 0 && (isOverdue || dirtyRatio >= config.minDirtyRatio),
    rollActive: segments.length > 0 && isActiveOverdue(segments, input),
  };
}

/** Whether something in the segment may be older than `maxLagMs`: it was begun when the one before it was written last, or later. */
function isOlder(segments: readonly RetainedSegment[], index: number, input: CompactionInput): boolean {
  const begunMs = (segments[index - 1] ?? segments[index])?.lastWrittenMs ?? input.nowMs;
  return input.nowMs - begunMs > input.config.maxLagMs;
}

function isActiveOverdue(segments: readonly RetainedSegment[], input: CompactionInput): boolean {
  const active = segments.at(-1);
  if (active === undefined || active.endOffset === active.baseOffset) return false;
  return isOlder(segments, segments.length - 1, input);
}
