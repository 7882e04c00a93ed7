/** What a node shows of its replicas. */
import { summarize } from "../drivers/replication/replica-summary.ts";
import type { BrokerNode } from "../node.ts";

type Metric = readonly [name: string, help: string, value: number];
/** One series for each value of the label. */
export type LabelledMetric = readonly [
  name: string,
  help: string,
  label: string,
  series: readonly (readonly [value: string, count: number])[],
];

export function replicationGauges(node: BrokerNode | undefined): Metric[] {
  const { led, underReplicated, underMinIsr, leaderless, lagMax, setAside } = summarize(
    node?.topics.partitions() ?? [],
  );
  return [
    ["varve_led_partitions", "Partitions that this node leads", led],
    ["varve_under_replicated_partitions", "Partitions led here with replicas that are not in sync", underReplicated],
    ["varve_under_min_isr_partitions", "Partitions led here that refuse acks=all: too few are in sync", underMinIsr],
    ["varve_offline_partitions", "Replicas on this node of partitions that have no leader", leaderless],
    ["varve_replica_lag_records", "Records that the slowest follower of a partition led here lacks", lagMax],
    [
      "varve_node_without_room",
      "Whether the disk has no room for records (H-13)",
      Number(node?.replication.isShortOfRoom ?? false),
    ],
    ["varve_set_aside_replicas", "Replicas here that hold committed records which their leader lacks", setAside],
    [
      "varve_replica_streams",
      "Open streams of replication, to leaders and from followers",
      node?.replication.streams ?? 0,
    ],
    [
      "varve_isr_requests",
      "Changes of in-sync replicas that the controller has not decided",
      node?.replication.isrRequests ?? 0,
    ],
  ];
}

export function replicationCounters(node: BrokerNode | undefined): Metric[] {
  const { receivedBytes = 0, sentBytes = 0 } = node?.replication ?? {};
  return [
    ["varve_replica_fetch_bytes_total", "Bytes of batches that leaders sent to this node", receivedBytes],
    ["varve_replica_sent_bytes_total", "Bytes of messages that this node sent to followers", sentBytes],
  ];
}

export function replicationCountersByLabel(node: BrokerNode | undefined): LabelledMetric[] {
  const { isrExpands = 0, isrShrinks = 0 } = node?.replication ?? {};
  const changes: [string, number][] = [
    ["expand", isrExpands],
    ["shrink", isrShrinks],
  ];
  const calls = [...(node?.forwarding?.calls ?? [])];
  return [
    ["varve_isr_changes_total", "Changes of in-sync replicas that leaders here asked for", "change", changes],
    ["varve_forwarded_calls_total", "Calls and batches of clients that another node had to answer", "call", calls],
  ];
}
