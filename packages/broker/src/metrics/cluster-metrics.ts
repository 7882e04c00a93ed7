/** What a node knows of its cluster, as numbers: read at scrape time. */
import type { BrokerSession } from "../ports/peers.ts";
import type { ClusterNode } from "../cluster-node.ts";

type Metric = readonly [name: string, help: string, value: number];

export function clusterGauges(cluster: ClusterNode | undefined, session: BrokerSession | undefined): Metric[] {
  const raft = cluster?.raft?.metrics();
  return [
    ["varve_active_controller", "Whether this node decides for the cluster", isLeader(cluster)],
    [
      "varve_broker_fenced",
      "Whether the cluster lets this node lead and follow nothing",
      Number(session?.isFenced ?? true),
    ],
    ["varve_controller_commands", "Commands that wait for a decision on this node", cluster?.controller.waiting ?? 0],
    [
      "varve_silent_brokers",
      "Of the active controller: brokers not heard of for half a session",
      cluster?.duty.silentBrokers ?? 0,
    ],
    [
      "varve_metadata_offset",
      "Number of the last metadata record that this node knows",
      cluster?.controller.image.offset ?? 0,
    ],
    ["varve_raft_has_leader", "Whether this node knows a leader of the metadata group", raft?.hasLeader ?? 0],
    ["varve_raft_term", "Term of the metadata group", raft?.term ?? 0],
    ["varve_raft_commit_index", "Last entry of the metadata log known to be committed", raft?.commitIndex ?? 0],
    ["varve_raft_applied_index", "Last entry of the metadata log that is in effect", raft?.appliedIndex ?? 0],
    [
      "varve_raft_slowest_voter_lag",
      "Of the leader: entries that the slowest controller lacks",
      raft?.slowestVoterLag ?? 0,
    ],
    [
      "varve_raft_low_on_space",
      "Whether the disk has too little room for this node to decide",
      raft?.isLowOnSpace ?? 0,
    ],
  ];
}

export function clusterCounters(cluster: ClusterNode | undefined): Metric[] {
  return [
    [
      "varve_raft_elections_total",
      "Changes of the active controller that this node has seen",
      cluster?.raft?.leaderChanges ?? 0,
    ],
    [
      "varve_unclean_elections_total",
      "Elections of leaders that may lack acknowledged records, as this node has seen them",
      cluster?.uncleanElections ?? 0,
    ],
  ];
}

/** Registered brokers by what they may do. */
export function brokersByState(cluster: ClusterNode | undefined): [state: string, count: number][] {
  const counts = { active: 0, fenced: 0, shutting_down: 0 };
  for (const { fenced, inControlledShutdown } of cluster?.controller.image.brokers.values() ?? []) {
    counts[fenced ? "fenced" : inControlledShutdown ? "shutting_down" : "active"] += 1;
  }
  return Object.entries(counts);
}

function isLeader(cluster: ClusterNode | undefined): number {
  return Number(cluster?.controller.role.kind === "leader");
}
