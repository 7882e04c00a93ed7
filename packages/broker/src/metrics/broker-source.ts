/** Where the metrics of a broker come from: its node, once there is one. */
import type { PartitionState, StoreStats } from "@varve/log";
import type { ClusterNode } from "../cluster-node.ts";
import type { NodeCounters } from "../counters.ts";
import type { BrokerNode } from "../node.ts";
import type { BrokerSession } from "../ports/peers.ts";
import type { MetricsSource } from "./broker-metrics.ts";
import { brokersByState, clusterCounters, clusterGauges } from "./cluster-metrics.ts";
import { GroupMetrics, groupCounters, groupCountersByLabel, groupGauges } from "./group-metrics.ts";
import { replicationCounters, replicationCountersByLabel, replicationGauges } from "./replication-metrics.ts";
import type { TopicMetrics } from "./topic-metrics.ts";

export function brokerMetricsSource(
  node: () => BrokerNode | undefined,
  counters: NodeCounters,
  heldBytes: () => number,
  cluster: () => { readonly node: ClusterNode | undefined; readonly session: BrokerSession | undefined },
): MetricsSource {
  const compaction = (): StoreStats["compaction"] | undefined => node()?.store.stats().compaction;
  const groups = new GroupMetrics(node);
  return {
    *topics(): Iterable<TopicMetrics> {
      for (const topic of node()?.topics.all() ?? []) yield topic.metrics;
    },
    *partitionStates(): Iterable<PartitionState["kind"] | "following"> {
      for (const { log, fetcher } of node()?.topics.partitions() ?? []) {
        const { kind } = log.state;
        // A follower needs no epoch of its own.
        const isWell = kind === "open" || kind === "needs-epoch";
        yield isWell && fetcher?.isStopped === false ? "following" : kind;
      }
    },
    errorsByReason: () => counters.errorsByReason,
    store: () => node()?.store.stats(),
    histograms: () => [
      ["varve_group_commit_seconds", "Write and sync of one group commit with records", counters.commitLatency],
      ["varve_group_commit_bytes", "Bytes of batches in one group commit with records", counters.commitBytes],
      ["varve_offset_commit_seconds", "From the arrival of a commit of offsets to its answer", counters.offsetCommits],
    ],
    gauges: () => [
      ...replicationGauges(node()),
      ...groupGauges(node()),
      ["varve_open_produce_streams", "Open ProduceStream calls", counters.openProduceStreams],
      ["varve_open_consume_streams", "Open Consume calls", counters.openConsumeStreams],
      ["varve_parked_fetches", "Fetch calls that wait for records", counters.parkedFetches],
      ["varve_unary_calls", "Unary calls under way", counters.unaryCalls],
      ["varve_produce_queue_bytes", "Bytes of produce requests under way", node()?.gate.bytes.used ?? 0],
      ["varve_produce_queue_requests", "Produce requests under way", node()?.gate.requests.used ?? 0],
      ["varve_consume_held_bytes", "Bytes held for readers beyond what the network has taken", heldBytes()],
      ["varve_topics", "Topics on this node", [...(node()?.topics.all() ?? [])].length],
      [
        "varve_compaction_dirty_ratio",
        "Largest share of new records in a compacted partition",
        compaction()?.dirtyRatio ?? 0,
      ],
      ...clusterGauges(cluster().node, cluster().session),
    ],
    counters: () => [
      ...clusterCounters(cluster().node),
      ...replicationCounters(node()),
      ...compactionCounters(compaction()),
      ...groupCounters(node()),
    ],
    countersByLabel: () => [...replicationCountersByLabel(node()), ...groupCountersByLabel(node())],
    groups: () => groups.all(),
    brokersByState: () => brokersByState(cluster().node),
  };
}

function compactionCounters(of: StoreStats["compaction"] | undefined): (readonly [string, string, number])[] {
  return [
    ["varve_compaction_runs_total", "Compactions of a partition that ended, well or not", of?.runs ?? 0],
    [
      "varve_compaction_failures_total",
      "Compactions that did not come to their end, for whatever reason",
      of?.failures ?? 0,
    ],
    ["varve_compaction_read_bytes_total", "Bytes of batches that compaction has read", of?.bytesRead ?? 0],
    ["varve_compaction_written_bytes_total", "Bytes of segments that compaction has written", of?.bytesWritten ?? 0],
    [
      "varve_compaction_removed_bytes_total",
      "Bytes by which compaction has made segments smaller",
      of?.bytesRemoved ?? 0,
    ],
  ];
}
