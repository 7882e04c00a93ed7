// A partition for tests: three replicas, all in sync, led by the first.

import { noLeader } from "../controller/state.ts";
import type { Partition } from "../controller/state.ts";

export const sampleTopicId = "1".repeat(32);

/** The directory of a sample broker: its id, 32 times. */
export const dirOf = (id: number): string => String(id).repeat(32);

export function samplePartition(over: Partial<Partition> = {}): Partition {
  return {
    topicId: sampleTopicId,
    partition: 0,
    replicas: [1, 2, 3],
    dirs: [1, 2, 3].map(dirOf),
    isr: [1, 2, 3],
    elr: [],
    leader: 1,
    leaderEpoch: 5,
    partitionEpoch: 7,
    adding: [],
    removing: [],
    recovering: false,
    minIsr: 2,
    flush: "sync",
    lastKnownLeader: noLeader,
    lastKnownElr: [],
    uncleanEpoch: -1,
    ...over,
  };
}
