/**
 * Which neighbours become one segment when compaction has left them small. Pure.
 *
 *   segment.bytes 100   [ 60 ][ 9 ][ 8 ][ 12 ][ 95 ][ 4 ][ 4 ]
 *                             └──── one ────┘       └─ one ─┘     60 would be copied for the sake of 29: it waits for more
 *
 * A group fits a segment, and none of it is larger than all the rest together: so a byte is copied again only into a file that is
 * twice as long, and a log of any age has few small files.
 */
export interface MergedSegment {
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly sizeBytes: number;
}

export interface MergeLimits {
  readonly segmentBytes: number;
  /** Offsets that one segment may span. */
  readonly offsetsMax: number;
  /** Segments in a group: they go one after the other, while nothing else happens to the files of the partition. */
  readonly countMax: number;
}

/** Groups of two and more neighbours; `segments` in order, without gaps. */
export function planMerge<T extends MergedSegment>(
  segments: readonly T[],
  { segmentBytes, offsetsMax, countMax }: MergeLimits,
): T[][] {
  const groups: T[][] = [];
  for (let from = 0; from < segments.length;) {
    const baseOffset = segments[from]?.baseOffset ?? 0;
    let count = 1;
    let sum = 0;
    let largest = 0;
    for (const [index, segment] of segments.slice(from, from + countMax).entries()) {
      sum += segment.sizeBytes;
      largest = Math.max(largest, segment.sizeBytes);
      if (sum > segmentBytes || segment.endOffset - baseOffset > offsetsMax) break;
      if (largest * 2 <= sum) count = index + 1;
    }
    if (count > 1) groups.push(segments.slice(from, from + count));
    from += count;
  }
  return groups;
}
