// SPDX-License-Identifier: Apache-2.0
// Cuts a stream of bytes into lines. A line is every byte between two "\n": a carriage return, bytes that are not
// UTF-8 and trailing spaces all stay, because what `produce` sends must be what the file held. A last line without
// "\n" counts; nothing after the last "\n" is no line.
//
//   chunk 1: "ab\ncd"   chunk 2: "ef\n"   ->   "ab", "cdef"
//
// Memory is bounded by one chunk plus one line of at most `lineBytesMax`.

const newline = 10;

/** A line was longer than the limit; reading stops, because there is no telling where the next record begins. */
export class LineTooLongError extends Error {
  readonly code = "LINE_TOO_LONG";
  readonly lineNumber: number;
  constructor(lineNumber: number, lineBytesMax: number) {
    super(
      `Cannot read line ${lineNumber}: it is longer than ${lineBytesMax} bytes; raise --max-line-bytes, or check that the input has line ends`,
    );
    this.name = "LineTooLongError";
    this.lineNumber = lineNumber;
  }
}

/**
 * The lines of a stream, in order, a few at a time: all that one chunk completed. Each line is a view of the chunk
 * that the stream gave (or of a joined copy), valid as long as the stream does not reuse its chunks; Node's do not.
 *
 * @throws LineTooLongError when a line exceeds `lineBytesMax`
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: { lineBytesMax: number },
): AsyncGenerator<Uint8Array[]> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let lineNumber = 1;
  for await (const chunk of chunks) {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const tail = chunk.subarray(start, end);
      if (pendingBytes + tail.length > options.lineBytesMax) {
        throw new LineTooLongError(lineNumber, options.lineBytesMax);
      }
      lines.push(pendingBytes === 0 ? tail : Buffer.concat([...pending, tail]));
      pending = [];
      pendingBytes = 0;
      lineNumber += 1;
      start = end + 1;
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
      if (pendingBytes > options.lineBytesMax) throw new LineTooLongError(lineNumber, options.lineBytesMax);
    }
    if (lines.length > 0) yield lines;
  }
  if (pendingBytes > 0) yield [Buffer.concat(pending)];
}
