// SPDX-License-Identifier: Apache-2.0
// Cuts a stream of bytes into lines. A line is every byte between two "\n": a carriage return, bytes that are not
// UTF-8 and trailing spaces all stay, because what `produce` sends must be what the file held. A last line without
// "\n" counts; nothing after the last "\n" is no line.
//
//   chunk 1: "ab\ncd"   chunk 2: "ef\n"   ->   "ab", "cdef"
//
// Memory is bounded by one chunk plus one line of at most `lineBytesMax`.

const newline = 10;

/** In the place of a line that is longer than the limit. */
export const tooLong = Symbol("a line that is too long");

/**
 * The lines of a stream, in order, a few at a time: all that one chunk completed. Each line is a view of the chunk
 * that the stream gave (or of a joined copy), valid as long as the stream does not reuse its chunks; Node's do not.
 * A line of more than `lineBytesMax` is `tooLong`, said as soon as it is known; the next one begins behind its end.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: { lineBytesMax: number },
): AsyncGenerator<(Uint8Array | typeof tooLong)[]> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let isTooLong = false;
  for await (const chunk of chunks) {
    const lines: (Uint8Array | typeof tooLong)[] = [];
    for (let start = 0; start < chunk.length;) {
      const found = chunk.indexOf(newline, start);
      const end = found < 0 ? chunk.length : found;
      const part = chunk.subarray(start, end);
      start = end + 1;
      if (!isTooLong && pendingBytes + part.length > options.lineBytesMax) {
        isTooLong = true;
        lines.push(tooLong);
      }
      if (found < 0) {
        pending.push(part);
        pendingBytes += part.length;
      } else if (!isTooLong) lines.push(pendingBytes === 0 ? part : Buffer.concat([...pending, part]));
      if (found >= 0 || isTooLong) {
        pending = [];
        pendingBytes = 0;
      }
      if (found >= 0) isTooLong = false;
    }
    if (lines.length > 0) yield lines;
  }
  if (pendingBytes > 0) yield [Buffer.concat(pending)];
}
