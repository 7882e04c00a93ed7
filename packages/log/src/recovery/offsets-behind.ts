/** Which offsets a segment held behind damage, as far as what is left of it tells (J-12). For a limit, not for reading. */
import { batchHeaderBytes, batchSizeBytes, readBatchHeader } from "@varve/format";

/**
 * Exclusive end of the offsets that were given out in a segment that is good up to `positionBytes`, where `offset` comes
 * next. Headers are believed while each follows the one before; of what cannot be followed, every byte may have been an
 * offset, since a record takes at least 7 bytes before it is compressed.
 */
export async function offsetsBehind(
  read: (into: Uint8Array, at: number) => Promise<number>,
  from: { readonly positionBytes: number; readonly offset: number; readonly sizeBytes: number },
): Promise<number> {
  const bytes = new Uint8Array(batchHeaderBytes);
  let end = from.offset;
  for (let position = from.positionBytes; position < from.sizeBytes;) {
    const unread = from.sizeBytes - position;
    if ((await read(bytes, position)) < batchHeaderBytes) return end + unread;
    const sizeBytes = batchSizeBytes(bytes, 0);
    const { baseOffset, lastOffsetDelta, recordCount } = readBatchHeader(bytes);
    if (sizeBytes < batchHeaderBytes || sizeBytes > unread || baseOffset !== end || lastOffsetDelta < 0)
      return end + unread;
    end = baseOffset + lastOffsetDelta + 1;
    // One of the two is not what was written.
    if (recordCount !== lastOffsetDelta + 1) end += sizeBytes;
    position += sizeBytes;
  }
  return end;
}
