// SPDX-License-Identifier: Apache-2.0
// Latencies of any number of operations in fixed memory: buckets that grow by powers of two, each cut into 32, so that
// a percentile is never off by more than 1/32 (3 %). Pure.
//
//   microseconds  0..63 one bucket each | 64..127 (2 wide) | 128..255 (4 wide) | …

const parts = 64;
const octavesMax = 31;

export class LatencyHistogram {
  private readonly counts = new Float64Array(parts * octavesMax);
  private total = 0;
  private largestMs = 0;

  add(durationMs: number): void {
    this.counts[bucketOf(durationMs * 1000)] = (this.counts[bucketOf(durationMs * 1000)] ?? 0) + 1;
    this.total += 1;
    this.largestMs = Math.max(this.largestMs, durationMs);
  }

  get count(): number {
    return this.total;
  }

  get maxMs(): number {
    return this.largestMs;
  }

  /** The value below or at which this share (0 to 1) of all operations lies; 0 when there were none. */
  percentileMs(share: number): number {
    const wanted = Math.ceil(this.total * share);
    let seen = 0;
    for (const [bucket, count] of this.counts.entries()) {
      seen += count;
      if (seen >= wanted && count > 0) return Math.min(upperMicros(bucket) / 1000, this.largestMs);
    }
    return this.largestMs;
  }
}

function bucketOf(micros: number): number {
  const value = Math.max(0, Math.floor(micros));
  if (value < parts) return value;
  const octave = Math.floor(Math.log2(value)) - 5;
  const within = Math.floor(value / 2 ** octave) - parts / 2;
  return Math.min((octave + 1) * (parts / 2) + within, parts * octavesMax - 1);
}

/** The largest value of a bucket. */
function upperMicros(bucket: number): number {
  if (bucket < parts) return bucket;
  const octave = Math.floor(bucket / (parts / 2)) - 1;
  const within = (bucket % (parts / 2)) + parts / 2;
  return (within + 1) * 2 ** octave - 1;
}
