/**
 * Which segments go, by age and by size. Pure: the store hands in what it knows and removes what it is told.
 *
 *      log start        high watermark        end
 *          ▼                   ▼                ▼
 *   [ 0 ][ 100 ][ 200 ][  300  │  ][ 400 ][ 500 … active
 *    └── a prefix of whole segments ──┘
 *
 * - Only whole segments, only from the front: the log stays without a gap (J-16).
 * - Never one that holds an offset at or above the high watermark: it may not be on enough replicas (F-6, J-16).
 * - Never the active one. When that one has had its time as well, the plan asks to roll it, so that the next run can
 *   take it.
 * - By age, a segment's time is when it was last *written*, as our own files say (`append`), or the largest timestamp in
 *   it (`record`, as Kafka does: events of long ago go at once).
 */

/** One segment as retention sees it. */
export interface RetainedSegment {
  readonly baseOffset: number;
  /** Exclusive; the base of the next segment. */
  readonly endOffset: number;
  readonly sizeBytes: number;
  /** Largest record timestamp; -1 when no record has one. */
  readonly maxTimestampMs: number;
  /** Wall clock of the last append. */
  readonly lastWrittenMs: number;
}

export interface RetentionInput {
  /** In order, without gaps; the last one is active. */
  readonly segments: readonly RetainedSegment[];
  readonly highWatermark: number;
  /** May lie inside a segment after delete-records. */
  readonly logStartOffset: number;
  readonly nowMs: number;
  /** -1: no limit. */
  readonly retentionMs: number;
  /** -1: no limit. A partition keeps at least this much, and at most one segment more. */
  readonly retentionBytes: number;
  readonly retentionClock: "append" | "record";
}

/** Why a segment goes: it lies below the log start, it is too old, or the partition is too large. */
export type RetentionReason = "log-start" | "time" | "size";

export interface RetentionPlan {
  /** How many segments go, from the front. */
  readonly count: number;
  /** Why, for each of them. */
  readonly reasons: readonly RetentionReason[];
  readonly bytes: number;
  /** The log start that holds afterwards; to be journaled before a file goes (J-7). Never lower than before. */
  readonly logStartOffset: number;
  /** The active segment is the next to go; roll it. */
  readonly rollActive: boolean;
}

/** Decides what goes now. With nothing to do: count 0, the log start as it was. */
export function planRetention(input: RetentionInput): RetentionPlan {
  const { segments, highWatermark } = input;
  let remainingBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  const reasons: RetentionReason[] = [];
  let bytes = 0;
  let logStartOffset = input.logStartOffset;
  let rollActive = false;

  for (const [index, segment] of segments.entries()) {
    if (segment.endOffset > highWatermark || segment.endOffset === segment.baseOffset) break;
    const reason = reasonToGo(segment, input, remainingBytes);
    if (reason === undefined) break;
    if (index === segments.length - 1) {
      // A large last segment alone never goes for its size: what is kept would be less than what was asked for.
      rollActive = reason !== "size";
      break;
    }
    reasons.push(reason);
    bytes += segment.sizeBytes;
    remainingBytes -= segment.sizeBytes;
    logStartOffset = Math.max(logStartOffset, segment.endOffset);
  }
  return { count: reasons.length, reasons, bytes, logStartOffset, rollActive };
}

function reasonToGo(
  segment: RetainedSegment,
  input: RetentionInput,
  remainingBytes: number,
): RetentionReason | undefined {
  if (segment.endOffset <= input.logStartOffset) return "log-start";
  if (input.retentionMs >= 0 && input.nowMs - timeOf(segment, input.retentionClock) > input.retentionMs) return "time";
  if (input.retentionBytes >= 0 && remainingBytes - segment.sizeBytes >= input.retentionBytes) return "size";
  return undefined;
}

/** When a segment was written, by the clock of the topic. */
export function timeOf(segment: RetainedSegment, clock: "append" | "record"): number {
  // Records without a timestamp say nothing about their age; when they were written does.
  if (clock === "append" || segment.maxTimestampMs < 0) return segment.lastWrittenMs;
  return segment.maxTimestampMs;
}
