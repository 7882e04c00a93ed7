/** What a node shows of the groups that it coordinates. */
import { phaseOf } from "@varve/cluster";
import { type GroupLag, lagsOf } from "../drivers/groups/group-lags.ts";
import type { GroupPartition } from "../drivers/groups/group-partition.ts";
import type { BrokerNode } from "../node.ts";
import type { LabelledMetric } from "./replication-metrics.ts";

type Metric = readonly [name: string, help: string, value: number];
type Series = readonly (readonly [labels: Record<string, string>, value: number])[];

/** Several labels; read when somebody asks, and slow perhaps: leaders on other nodes are asked. */
export type GroupMetric = readonly [name: string, help: string, labels: readonly string[], read: () => Promise<Series>];

/** Partitions of groups in one scrape. */
const seriesMax = 5_000;
/** One look serves all the series of a scrape. */
const freshMs = 1_000;
/** A scrape does not wait longer for nodes that do not answer: it gets what the last look found. */
const patienceMs = 1_000;

export function groupGauges(node: BrokerNode | undefined): Metric[] {
  const coordinators = [...(node?.groups.coordinators.local ?? [])];
  const loading = coordinators.filter(({ isLoading }) => isLoading).length;
  return [
    ["varve_group_sessions", "Open sessions of group members", node?.groups.stats.openSessions ?? 0],
    ["varve_group_loading_partitions", "Partitions of groups that this node is taking over", loading],
  ];
}

/** One that the cluster may have given up says nothing (H-11): its groups are another node's by now, and would be counted twice. */
function readyCoordinators(node: BrokerNode | undefined): GroupPartition[] {
  return [...(node?.groups.coordinators.local ?? [])].filter(({ whyNotReady }) => whyNotReady === undefined);
}

export function groupCounters(node: BrokerNode | undefined): Metric[] {
  return [
    ["varve_offset_commits_total", "Offsets that members of groups have committed", node?.groups.stats.commits ?? 0],
    ["varve_group_held_reads_total", "Reads that waited for the rate of their group", node?.groups.rates.held ?? 0],
  ];
}

export function groupCountersByLabel(node: BrokerNode | undefined): LabelledMetric[] {
  const rebalances = [...(node?.groups.stats.rebalances ?? [])];
  return [["varve_group_rebalances_total", "Times that a group shared its partitions out anew", "cause", rebalances]];
}

export class GroupMetrics {
  readonly #node: () => BrokerNode | undefined;
  #lags: readonly GroupLag[] = [];
  #looking: Promise<void> | undefined;
  #lookedMs = -Infinity;

  constructor(node: () => BrokerNode | undefined) {
    this.#node = node;
  }

  all(): GroupMetric[] {
    const place = ["group", "topic", "partition"];
    const lags = (value: (lag: GroupLag) => number) => async (): Promise<Series> => {
      await this.#look();
      return this.#lags.flatMap((lag) => {
        const { group, topic, partition } = lag;
        const number = value(lag);
        return number < 0 ? [] : [[{ group, topic, partition: String(partition) }, number] as const];
      });
    };
    return [
      ["varve_groups", "Groups that this node coordinates, by state", ["state"], () => this.#groups()],
      ["varve_group_members", "Members of a group", ["group"], () => this.#members()],
      ["varve_group_committed_offset", "Next offset that a group reads", place, lags((lag) => lag.committedOffset)],
      ["varve_group_lag_records", "Offsets between a group and the high watermark", place, lags(({ lag }) => lag)],
      [
        "varve_group_lag_seconds",
        "Age of the next record that a group reads",
        place,
        lags(({ lagMs }) => (lagMs < 0 ? -1 : lagMs / 1_000)),
      ],
    ];
  }

  #groups(): Promise<Series> {
    const counts = new Map<string, number>();
    for (const { groups } of readyCoordinators(this.#node())) {
      for (const group of groups.values()) counts.set(phaseOf(group), (counts.get(phaseOf(group)) ?? 0) + 1);
    }
    return Promise.resolve([...counts].map(([state, count]) => [{ state }, count]));
  }

  #members(): Promise<Series> {
    const series: (readonly [Record<string, string>, number])[] = [];
    for (const { groups } of readyCoordinators(this.#node())) {
      for (const { groupId, members } of groups.values()) {
        if (members.size > 0 && series.length < seriesMax) series.push([{ group: groupId }, members.size]);
      }
    }
    return Promise.resolve(series);
  }

  async #look(): Promise<void> {
    const node = this.#node();
    if (node === undefined) return;
    if (node.clock.monotonicMs() - this.#lookedMs >= freshMs) {
      this.#looking ??= this.#lookAt(node).finally(() => (this.#looking = undefined));
    }
    if (this.#looking === undefined) return;
    const { wheel } = node;
    await Promise.race([this.#looking, new Promise<void>((resolve) => wheel.schedule(patienceMs, resolve))]);
  }

  async #lookAt(node: BrokerNode): Promise<void> {
    const groups = [];
    let series = 0;
    for (const { groups: kept } of readyCoordinators(node)) {
      for (const group of kept.values()) {
        for (const partitions of group.offsets.values()) series += partitions.size;
        if (series > seriesMax) break;
        groups.push(group);
      }
    }
    this.#lags = await lagsOf(node.groups, groups);
    this.#lookedMs = node.clock.monotonicMs();
  }
}
