/** What kind of world a seed gives: sizes, weather, how disks and logs are set. Pure. */
import type { Random } from "@varve/log/testing";
import type { Weather } from "./network.ts";

/** Times of a cluster world, in ms: short ones, so that much happens. */
export const worldTimes = {
  tickMs: 40,
  electionTicks: 6,
  heartbeatMs: 200,
  sessionMs: 800,
  lagMaxMs: 1_200,
  replicationTickMs: 200,
  balanceMs: 3_000,
  retentionMs: 1_500,
} as const;

export interface Profile {
  /** Controllers and brokers in one. */
  readonly machines: number;
  /** Brokers without a vote beside them. */
  readonly brokersOnly: number;
  readonly topics: number;
  readonly partitionsMax: number;
  readonly weather: Weather;
  /** Of new topics: all of them `sync`, all `os`, or by lot and changing. */
  readonly flush: "sync" | "os" | "mixed";
  /** More may be lost than the promise covers: only what says nothing of content is checked of such partitions. */
  readonly isReckless: boolean;
  /** Faults, one after the other. */
  readonly faults: number;
  /** Mean time between two of them, in ms. */
  readonly faultPauseMs: number;
  /** Largest value of a record. */
  readonly valueBytesMax: number;
  readonly producers: number;
  readonly consumers: number;
  readonly segmentBytes: number;
  readonly journalFileBytes: number;
  readonly checkpointMs: number;
  readonly directModeBytes: number;
  readonly tailCacheBytes: number;
  readonly scrubBytesPerSecond: number;
  readonly snapshotEntries: number;
  /** Producers wait about so long between two batches, in ms. */
  readonly thinkMs: number;
  /** Machines on which nobody listens refuse connections, so that who died is fenced at once (B-9); else a session has to end. */
  readonly refusesConnections: boolean;
  /** Records of a command that may be spread over several batches, in each of them (C-5). */
  readonly spreadRecordsMax: number;
}

export function drawProfile(random: Random): Profile {
  const isLarge = random.chance(0.15);
  return {
    machines: random.pick([3, 3, 3, 4, 5]),
    brokersOnly: random.pick([0, 0, 0, 1, 2]),
    topics: isLarge ? random.between(3, 5) : random.between(1, 3),
    partitionsMax: isLarge ? 4 : 2,
    weather: {
      // Now the network is slower, now the disks are: an acknowledgement may overtake a sync that it should wait for.
      delayMsMax: random.pick([0.05, 0.3, 2, 10]),
      lossChance: random.pick([0, 0.002, 0.02, 0.05]),
      repeatChance: random.pick([0, 0.01]),
    },
    flush: random.pick(["sync", "sync", "os", "mixed", "mixed"]),
    isReckless: random.chance(0.1),
    faults: random.between(20, 100),
    faultPauseMs: random.pick([30, 80, 200]),
    valueBytesMax: random.pick([40, 400, 3_000]),
    producers: random.between(2, 4),
    consumers: random.between(1, 2),
    segmentBytes: random.pick([16_384, 16_384, 65_536]),
    journalFileBytes: random.pick([1 << 16, 1 << 20]),
    checkpointMs: random.pick([200, 1_000, 10_000]),
    directModeBytes: random.pick([2_000, 128 * 1024]),
    tailCacheBytes: random.pick([1 << 18, 1 << 22]),
    scrubBytesPerSecond: random.pick([0, 1 << 18]),
    snapshotEntries: random.pick([15, 60, 50_000]),
    thinkMs: random.pick([2, 8, 20]),
    refusesConnections: random.chance(0.5),
    spreadRecordsMax: random.pick([1, 2, 10_000, 10_000]),
  };
}
