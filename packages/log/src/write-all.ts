/**
 * The loop around a positional `writev` that may take fewer bytes than it was offered, as one does on a nearly full disk
 * or when it is interrupted, and that takes only so many buffers at a time.
 */

/** Linux takes at most this many buffers in one `writev` (IOV_MAX); more would be an error. */
const buffersPerWriteMax = 1024;

/**
 * Writes all chunks one after the other from `position` through `writeSome`, which returns how many bytes it took.
 * Returns false when `writeSome` took none of what it was offered: going on would spin.
 */
export async function writeAll(
  chunks: readonly Uint8Array[],
  position: number,
  writeSome: (group: Uint8Array[], at: number) => Promise<number>,
): Promise<boolean> {
  let at = position;
  let next = 0;
  /** Bytes of `chunks[next]` that are written already. */
  let skip = 0;
  while (next < chunks.length) {
    const group = chunks.slice(next, next + buffersPerWriteMax);
    if (skip > 0 && group[0] !== undefined) group[0] = group[0].subarray(skip);
    let written = await writeSome(group, at);
    if (written === 0 && group.some((chunk) => chunk.length > 0)) return false;
    at += written;
    for (const chunk of group) {
      if (written < chunk.length) break;
      written -= chunk.length;
      next++;
      skip = 0;
    }
    skip += written;
  }
  return true;
}
