// Where the replicas of new partitions go: round robin over the brokers, neighbours in different racks where there are racks,
// and the followers shifted a little further each time round, so that the partitions of one broker do not all have the same
// second replica. Leaders (first replicas) are spread evenly. The start comes from the topic id, not from a clock or a die.

import type { Broker } from "./state.ts";

export interface PlacementRequest {
  /** Partition numbers `first` … `first + count - 1`. */
  readonly first: number;
  readonly count: number;
  /** At most the number of brokers. */
  readonly replicationFactor: number;
  /** Any number ≥ 0; partitions that are added later pass the same one. */
  readonly start: number;
}

/** Replica lists (broker ids) of the new partitions, in order. `brokers` are the active ones, at least one. */
export function placeReplicas(brokers: readonly Broker[], request: PlacementRequest): number[][] {
  const ring = interleaveRacks(brokers);
  const count = ring.length;
  return Array.from({ length: request.count }, (_, index) => {
    const partition = request.first + index;
    const leaderAt = (request.start + partition) % count;
    const shift = count < 3 ? 0 : Math.floor((request.start + partition) / count) % (count - 1);
    const replicas = [ring[leaderAt] as number];
    for (let follower = 0; replicas.length < request.replicationFactor; follower += 1) {
      const at = (leaderAt + 1 + ((shift + follower) % (count - 1))) % count;
      replicas.push(ring[at] as number);
    }
    return replicas;
  });
}

/** Broker ids ordered so that neighbours lie in different racks as long as there are several left. */
function interleaveRacks(brokers: readonly Broker[]): number[] {
  const racks = new Map<string, number[]>();
  for (const broker of [...brokers].sort((a, b) => a.brokerId - b.brokerId)) {
    const rack = racks.get(broker.rack);
    if (rack === undefined) racks.set(broker.rack, [broker.brokerId]);
    else rack.push(broker.brokerId);
  }
  const queues = [...racks].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, ids]) => ids);
  const ring: number[] = [];
  for (let turn = 0; ring.length < brokers.length; turn += 1) {
    for (const ids of queues) ring.push(...ids.slice(turn, turn + 1));
  }
  return ring;
}

/** A starting point from a topic id: its first seven hex digits. */
export function placementStart(topicId: string): number {
  return Number.parseInt(topicId.slice(0, 7), 16);
}
