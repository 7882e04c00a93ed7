/**
 * What a scraper sees: a registry of this broker's own (two brokers in one process do not mix). Hot paths count in plain numbers;
 * everything here is read when somebody asks.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { PartitionState, StoreStats } from "@varve/log";
import { Counter, Gauge, Registry } from "prom-client";
import { CollectedHistogram, type Histogram } from "./histogram.ts";
import type { GroupMetric } from "./group-metrics.ts";
import type { LabelledMetric } from "./replication-metrics.ts";
import type { TopicMetrics } from "./topic-metrics.ts";

/** Numbers that are read at scrape time. */
export interface MetricsSource {
  topics(): Iterable<TopicMetrics>;
  partitionStates(): Iterable<PartitionState["kind"] | "following">;
  errorsByReason(): Iterable<[string, number]>;
  store(): StoreStats | undefined;
  /** Of the node: name, help, and the histogram. */
  histograms(): Iterable<readonly [name: string, help: string, histogram: Histogram]>;
  gauges(): Iterable<readonly [name: string, help: string, value: number]>;
  counters(): Iterable<readonly [name: string, help: string, value: number]>;
  countersByLabel(): Iterable<LabelledMetric>;
  groups(): Iterable<GroupMetric>;
  brokersByState(): Iterable<readonly [state: string, count: number]>;
}

const topicCounters = [
  ["varve_produce_bytes_total", "Bytes of record batches that were appended", "produceBytes"],
  ["varve_produce_records_total", "Records that were appended", "produceRecords"],
  ["varve_fetch_bytes_total", "Bytes of answers to readers", "fetchBytes"],
  ["varve_fetch_records_total", "Records that were delivered to readers", "fetchRecords"],
] as const;

const storeGauges = [
  ["varve_segment_bytes", "Bytes in segment files", "segmentBytes"],
  ["varve_tail_cache_bytes", "Bytes of the newest batches in memory", "cachedBytes"],
  ["varve_log_queue_bytes", "Bytes that were appended and are in no segment yet", "queuedBytes"],
  ["varve_journal_bytes", "Bytes of journal files that recovery would need", "journalBytes"],
] as const;

/** A group commit is a round of the journal; empty ones, which only seal the one before, are counted too. */
const storeCounters = [
  ["varve_journal_rounds_total", "Group commits: rounds of the journal since it exists", "round"],
  ["varve_checkpoints_total", "Checkpoints since the start", "checkpoints"],
  ["varve_quarantines_total", "Findings of damage, at the start and since", "quarantines"],
] as const;

export class BrokerMetrics {
  readonly registry = new Registry();
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: 20 });
  readonly #source: MetricsSource;

  constructor(source: MetricsSource) {
    this.#source = source;
    this.#delay.enable();
    this.#topicMetrics();
    this.#nodeMetrics();
    this.#processMetrics();
  }

  /** Releases the event-loop monitor. */
  close(): void {
    this.#delay.disable();
  }

  #topicMetrics(): void {
    const source = this.#source;
    for (const [name, help, field] of topicCounters) {
      this.#counter(name, help, ["topic"], () =>
        [...source.topics()].map((topic) => [{ topic: topic.topic }, topic[field]]),
      );
    }
    for (const [name, help, field] of [
      ["varve_produce_latency_seconds", "From the arrival of a produce to its acknowledgement", "produceLatency"],
      ["varve_fetch_latency_seconds", "From the arrival of a Fetch to its answer, long polls included", "fetchLatency"],
    ] as const) {
      const latency = new CollectedHistogram(name, help, () =>
        [...source.topics()].map((topic) => ({ labels: { topic: topic.topic }, histogram: topic[field] })),
      );
      this.registry.registerMetric(latency);
    }
  }

  #nodeMetrics(): void {
    const source = this.#source;
    this.#counter("varve_errors_total", "Requests that were refused, by reason", ["reason"], () =>
      [...source.errorsByReason()].map(([reason, count]) => [{ reason }, count]),
    );
    this.#gauge("varve_partitions", "Partitions on this node, by state", ["state"], () => {
      const counts = new Map<string, number>([["open", 0]]);
      for (const state of source.partitionStates()) counts.set(state, (counts.get(state) ?? 0) + 1);
      return [...counts].map(([state, count]) => [{ state }, count]);
    });
    for (const [name, help, histogram] of source.histograms()) {
      this.registry.registerMetric(new CollectedHistogram(name, help, () => [{ labels: {}, histogram }]));
    }
    for (const [name, help] of source.gauges()) {
      this.#gauge(name, help, [], () => {
        for (const [candidate, , value] of source.gauges()) if (candidate === name) return [[{}, value]];
        return [];
      });
    }
    this.#gauge("varve_brokers", "Nodes of the cluster, by state", ["state"], () =>
      [...source.brokersByState()].map(([state, count]) => [{ state }, count]),
    );
    for (const [name, help] of source.counters()) {
      this.#counter(name, help, [], () => {
        for (const [candidate, , value] of source.counters()) if (candidate === name) return [[{}, value]];
        return [];
      });
    }
    for (const [name, help, label] of source.countersByLabel()) {
      this.#counter(name, help, [label], () => {
        for (const [candidate, , , series] of source.countersByLabel()) {
          if (candidate === name) return series.map(([value, count]) => [{ [label]: value }, count]);
        }
        return [];
      });
    }
    for (const [name, help, labels, read] of source.groups()) this.#slowGauge(name, help, [...labels], read);
    for (const [name, help, field] of storeGauges) {
      this.#gauge(name, help, [], () => [[{}, source.store()?.[field] ?? 0]]);
    }
    for (const [name, help, field] of storeCounters) {
      this.#counter(name, help, [], () => [[{}, source.store()?.[field] ?? 0]]);
    }
  }

  #processMetrics(): void {
    const delay = this.#delay;
    this.#gauge("varve_event_loop_delay_seconds", "Delay of the event loop since the last scrape", ["quantile"], () => {
      const quantiles: Sample[] = [0.5, 0.99, 1].map((quantile) => [
        { quantile: String(quantile) },
        delay.percentile(Math.max(quantile * 100, 1)) / 1e9,
      ]);
      delay.reset();
      return quantiles;
    });
    this.#gauge("varve_process_memory_bytes", "Memory of the process, by kind", ["kind"], () => {
      const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
      return [
        [{ kind: "resident" }, rss],
        [{ kind: "heap" }, heapUsed],
        [{ kind: "external" }, external],
        [{ kind: "array_buffers" }, arrayBuffers],
      ];
    });
    this.#counter("varve_process_cpu_seconds_total", "Processor time of the process, by kind", ["kind"], () => {
      const { user, system } = process.cpuUsage();
      return [
        [{ kind: "user" }, user / 1e6],
        [{ kind: "system" }, system / 1e6],
      ];
    });
  }

  #counter(name: string, help: string, labelNames: string[], collect: () => Sample[]): void {
    const counter = new Counter({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        counter.reset();
        for (const [labels, value] of collect()) counter.inc(labels, value);
      },
    });
  }

  #slowGauge(name: string, help: string, labelNames: string[], read: () => Promise<readonly Sample[]>): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      async collect() {
        const samples = await read();
        gauge.reset();
        for (const [labels, value] of samples) gauge.set(labels, value);
      },
    });
  }

  #gauge(name: string, help: string, labelNames: string[], collect: () => Sample[]): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        gauge.reset();
        for (const [labels, value] of collect()) gauge.set(labels, value);
      },
    });
  }
}

type Sample = readonly [labels: Record<string, string>, value: number];
