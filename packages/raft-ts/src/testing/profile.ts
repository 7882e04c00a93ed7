// SPDX-License-Identifier: Apache-2.0
/**
 * Swarm: every seed first draws what its world is like. Many bugs need some faults to be absent, some limits to be tiny,
 * or some clocks to be slow, so each world has only some of everything.
 *
 * A profile is plain data, so that a failing world can be kept in a file and replayed when drawing has changed.
 */
import type { Weather } from "./network.ts";
import type { DiskSpeed } from "./disk.ts";
import type { RandomStream } from "./random-stream.ts";

/** Durations in µs, rates in percent, chances in [0, 1], sizes in bytes. */
export interface Profile {
  /** Machines, named n1 … n7. */
  readonly hosts: number;
  /** How many of them are voters at first; the others are blank. */
  readonly voters: number;
  readonly tick: number;
  readonly core: CoreLimits;
  readonly weather: Weather;
  readonly disk: DiskSpeed;
  /** Length of each machine's second; as many as hosts. */
  readonly ratePercents: readonly number[];
  /** Longest time an event waits for its node's turn; 0 handles every event at once. */
  readonly turnDelayMax: number;
  readonly applyDelayMax: number;
  /** Entries between a node's own snapshots; 0 takes none but those of the plan. */
  readonly snapshotEvery: number;
  /** Entries kept below a snapshot (S3). */
  readonly trailing: number;
  /** How long a snapshot is on its way. */
  readonly snapshotDelay: number;
  readonly snapshotLossChance: number;
  /** Chance that a sender learns that a message could not be sent. */
  readonly unreachableChance: number;
  readonly workload: WorkloadProfile;
  /** The plan is of little but leaders that are cut off with companions while clients go on reading from them. */
  readonly isTwoLeaders?: boolean;
  /** All machines are blank at first; the first `voters` of them form a cluster, the others wait to be taken in. */
  readonly isForming?: boolean;
  readonly safetyTime: number;
  /** The safety phase ends early after so many events. */
  readonly eventsMax: number;
}

export interface CoreLimits {
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly maxAppendBytes: number;
  readonly maxInflightMsgs: number;
  readonly maxInflightBytes: number;
  readonly maxUncommittedBytes: number;
  readonly maxApplyBytes: number;
  readonly persistStallTicks: number;
  readonly tailCacheBytes: number;
  readonly maxSnapshotStreams: number;
  readonly maxPendingReads: number;
}

export interface WorkloadProfile {
  readonly clients: number;
  readonly keys: number;
  readonly readShare: number;
  readonly casShare: number;
  /** Most writes in one proposal. */
  readonly batchMax: number;
  readonly paddingMax: number;
  /** Mean time between an answer and the next request. */
  readonly thinkTime: number;
  /** After this a client gives up and calls the outcome unknown. */
  readonly patience: number;
  /** Chance that a client asks any node and not the leader it knows. */
  readonly strayChance: number;
}

export function drawProfile(random: RandomStream): Profile {
  const profile = drawAnyProfile(random);
  if (random.chance(0.1)) return withTwoLeaders(profile, random);
  return profile.voters > 1 && random.chance(0.15) ? { ...profile, isForming: true } : profile;
}

/**
 * A world in which two leaders at once are common: enough voters for a minority of two, a network and disks that let a majority
 * elect another leader long before the one that is cut off gives up, and clients that find it while others still read from
 * the old one. Drawn by chance all of that hardly comes together.
 */
function withTwoLeaders(profile: Profile, random: RandomStream): Profile {
  const hosts = random.pick([5, 5, 7]);
  const { core, weather, workload, tick } = profile;
  return {
    ...profile,
    hosts,
    voters: hosts,
    core: { ...core, electionTicks: 10, heartbeatTicks: 1, maxPendingReads: Math.max(100, core.maxPendingReads) },
    weather: {
      ...weather,
      delayBase: random.between(50, 1_500),
      delayTail: random.pick([0, 100, 1_000]),
      queueMax: 1_000,
    },
    disk: { syncBase: random.pick([1, 100, 1_000]), syncTail: random.pick([0, 200]), tellMax: random.pick([0, 100]) },
    ratePercents: Array.from({ length: hosts }, () => 100),
    turnDelayMax: random.pick([0, 0, 500]),
    applyDelayMax: random.pick([0, 500]),
    workload: {
      ...workload,
      clients: random.between(3, 6),
      keys: random.between(1, 2),
      readShare: random.pick([0.2, 0.5]),
      batchMax: 1,
      thinkTime: random.pick([500, 2_000, 10_000]),
      patience: tick * 3,
      strayChance: 0.05,
    },
    isTwoLeaders: true,
  };
}

function drawAnyProfile(random: RandomStream): Profile {
  const hosts = random.pick([1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7]);
  const voters = random.chance(0.6) ? hosts : random.between(1, hosts);
  const electionTicks = random.pick([4, 6, 10, 10, 15]);
  const tick = 10_000;
  const sometimes = (chance: number, most: number): number => (random.chance(chance) ? random.next() * most : 0);
  const isSlowLan = random.chance(0.2);
  return {
    hosts,
    voters,
    tick,
    core: {
      electionTicks,
      heartbeatTicks: random.pick([1, 1, 1, 2, 3]),
      maxAppendBytes: random.pick([1, 60, 200, 1_000, 1_000_000]),
      maxInflightMsgs: random.pick([1, 2, 4, 16, 128]),
      maxInflightBytes: random.pick([50, 300, 2_000, 1_000_000]),
      maxUncommittedBytes: random.pick([200, 2_000, 100_000, 10_000_000]),
      maxApplyBytes: random.pick([50, 500, 1_000_000]),
      persistStallTicks: electionTicks * random.pick([1, 3, 3, 5]),
      tailCacheBytes: random.pick([1, 200, 1_000, 10_000, 1_000_000]),
      maxSnapshotStreams: random.pick([1, 2, 2, 4]),
      maxPendingReads: random.pick([2, 100, 10_000]),
    },
    weather: {
      delayBase: isSlowLan ? random.between(2_000, 15_000) : random.between(50, 1_500),
      delayTail: random.pick([0, 100, 1_000, 5_000, 20_000]),
      dropChance: sometimes(0.6, 0.15),
      duplicateChance: sometimes(0.5, 0.1),
      reorderChance: sometimes(0.5, 0.5),
      replayChance: sometimes(0.4, 0.02),
      replayDelayMax: random.pick([100_000, 1_000_000, 60_000_000]),
      queueMax: random.pick([8, 100, 10_000]),
    },
    disk: {
      syncBase: random.pick([1, 100, 1_000, 5_000]),
      syncTail: random.pick([0, 200, 2_000, 20_000]),
      tellMax: random.pick([0, 100, 2_000]),
    },
    ratePercents: drawRates(hosts, random),
    turnDelayMax: random.pick([0, 0, 0, 500, (tick * electionTicks) / 40]),
    applyDelayMax: random.pick([0, 0, 500, 20_000]),
    snapshotEvery: random.pick([0, 5, 30, 30, 200]),
    trailing: random.pick([0, 0, 3, 20, 100]),
    snapshotDelay: random.pick([0, 5_000, 50_000, 500_000]),
    snapshotLossChance: sometimes(0.4, 0.5),
    unreachableChance: random.pick([0, 0.1, 1]),
    workload: {
      clients: random.between(1, 6),
      keys: random.between(1, 5),
      readShare: random.pick([0, 0.2, 0.5, 0.8]),
      casShare: random.pick([0, 0.2, 0.5]),
      batchMax: random.pick([1, 1, 4, 20]),
      paddingMax: random.pick([0, 20, 300]),
      thinkTime: random.pick([500, 2_000, 10_000, 50_000]),
      patience: tick * electionTicks * random.pick([0.3, 0.3, 1, 5, 20]),
      strayChance: random.pick([0.02, 0.2, 0.5]),
    },
    safetyTime: random.pick([3_000_000, 10_000_000, 30_000_000]),
    eventsMax: 60_000,
  };
}

/** All alike, or any, or as far apart as they go: a slow leader believes in itself long after others elected another. */
function drawRates(hosts: number, random: RandomStream): number[] {
  const draw = random.pick([() => 100, () => random.between(50, 200), () => random.pick([50, 60, 200])]);
  return Array.from({ length: hosts }, draw);
}

/** Names of a profile's machines. */
export function hostNames({ hosts }: Profile): string[] {
  return Array.from({ length: hosts }, (_, at) => `n${at + 1}`);
}
