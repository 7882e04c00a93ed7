/**
 * A histogram for hot paths: an array of counters and a binary search, no hashing of labels per observation. prom-client
 * reads it when somebody scrapes (`CollectedHistogram`).
 */
import { Histogram as PromHistogram } from "prom-client";

/** 100 µs to 30 s, a factor of about two apart: fine enough for a p99, few enough for hundreds of topics. */
export const latencyBoundsSeconds: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** 256 bytes to 16 MiB, which is the most that one round of the journal holds. */
export const sizeBoundsBytes: readonly number[] = [256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216];

export class Histogram {
  readonly bounds: readonly number[];
  /** One more than bounds: the last counts what is above all of them. */
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[] = latencyBoundsSeconds) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let low = 0;
    let high = this.bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.bounds[middle] ?? Infinity) < value) low = middle + 1;
      else high = middle;
    }
    this.counts[low] = (this.counts[low] ?? 0) + 1;
    this.sum += value;
    this.count++;
  }
}

export interface LabelledHistogram {
  labels: Record<string, string>;
  histogram: Histogram;
}

/** One line of a histogram: the labels of the series apart from those of the line. */
interface CollectedValue {
  metricName: string;
  labels: Record<string, string | number>;
  sharedLabels: Record<string, string>;
  value: number;
}

/**
 * What a registry asks for: all histograms of one name, with their labels, as of now. prom-client reads a histogram through
 * `getForPromString`, for text and (by way of its own `get`) for JSON; the method is not in its types.
 */
export class CollectedHistogram extends PromHistogram {
  readonly #name: string;
  readonly #help: string;
  readonly #collect: () => Iterable<LabelledHistogram>;

  constructor(name: string, help: string, collect: () => Iterable<LabelledHistogram>) {
    super({ name, help, registers: [] });
    this.#name = name;
    this.#help = help;
    this.#collect = collect;
  }

  getForPromString(): Promise<{
    name: string;
    help: string;
    type: string;
    aggregator: string;
    values: CollectedValue[];
  }> {
    const name = this.#name;
    const values: CollectedValue[] = [];
    for (const { labels: sharedLabels, histogram } of this.#collect()) {
      let cumulative = 0;
      for (const [index, bound] of histogram.bounds.entries()) {
        cumulative += histogram.counts[index] ?? 0;
        values.push({ metricName: `${name}_bucket`, labels: { le: bound }, sharedLabels, value: cumulative });
      }
      values.push({ metricName: `${name}_bucket`, labels: { le: "+Inf" }, sharedLabels, value: histogram.count });
      values.push({ metricName: `${name}_sum`, labels: {}, sharedLabels, value: histogram.sum });
      values.push({ metricName: `${name}_count`, labels: {}, sharedLabels, value: histogram.count });
    }
    return Promise.resolve({ name, help: this.#help, type: "histogram", aggregator: "sum", values });
  }
}
