// SPDX-License-Identifier: Apache-2.0
// What a load process is asked for, and what it answers.

export interface Target {
  /** Of the partition's leader. */
  readonly address: string;
  readonly topic: string;
  readonly partition: number;
}

/** One ProduceStream for each target, requests that were encoded once. */
export interface StreamLoad {
  readonly kind: "stream";
  readonly targets: readonly Target[];
  /** What the other side speaks: Varve, or the bare pipeline. */
  readonly protocol: "varve" | "bare";
  readonly request: "batches" | "single records";
  readonly recordBytes: number;
  /** For each target; of an open loop the most that may be unanswered. */
  readonly inFlight: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Requests of all targets together, an open loop: latencies count from the time when a request was due. */
  readonly perSecond?: number;
}

/** Producer.send with a promise for each record, for so many seconds. */
export interface SdkLoad {
  readonly kind: "sdk";
  readonly addresses: readonly string[];
  readonly topic: string;
  readonly recordBytes: number;
  /** So many different ones; 0: no keys. */
  readonly keys: number;
  /** Of the producer. @default its own */
  readonly bufferBytes?: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** So many bytes to each target in batches of 64 KiB or less, one request at a time for each of a few; nothing is measured. */
export interface Fill {
  readonly kind: "fill";
  readonly targets: readonly Target[];
  readonly bytesEach: number;
}

/** One record after the other to each of some partitions, by way of nodes that lead them or not, until `StopProbe`. */
export interface Probe {
  readonly kind: "probe";
  /** Nodes that stay alive. */
  readonly entries: readonly string[];
  /** Of all nodes, for the SDK. */
  readonly addresses: readonly string[];
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** Once every partition has acknowledged a record that was sent after `afterMs` (of `Date.now()`), or `patienceMs` later. */
export interface StopProbe {
  readonly kind: "stop-probe";
  readonly afterMs: number;
  readonly patienceMs: number;
}

export type LoadRequest = StreamLoad | SdkLoad | Fill | Probe | StopProbe;

export interface LoadResult {
  readonly requests: number;
  readonly records: number;
  /** Of requests, as they were sent. */
  readonly bytes: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Of the load process, of the measured time. */
  readonly cpuSeconds: number;
}

/** Times are of `Date.now()`. */
export interface Sample {
  readonly sentMs: number;
  readonly ackedMs: number;
}

export interface ProbeReport {
  /** Every acknowledgement, by partition. */
  readonly direct: Readonly<Record<number, readonly Sample[]>>;
  readonly sdk: Readonly<Record<number, readonly Sample[]>>;
  /** Why a record was not acknowledged, and how often. */
  readonly refusals: Readonly<Record<string, number>>;
}
