// SPDX-License-Identifier: Apache-2.0
/**
 * The nemesis' plan: everything that will go wrong, and everything an operator will do, as a list of timed actions made
 * before the run. What is random about faults is in here, so a failing plan can be made smaller by leaving actions out.
 */
import { planPartition, partitionKinds, type DirectedLink } from "./partitions.ts";
import { hostNames, type Profile } from "./profile.ts";
import type { RandomStream } from "./random-stream.ts";

/** Stands for the machine that leads when an action happens: where a fault hurts most. */
export const leaderHost = "leader";

/** `at` and durations in µs. `host` names a machine, whatever runs on it by then, or is `leaderHost`. */
export type Action = { readonly at: number } & (
  | { readonly kind: "cut"; readonly links: readonly DirectedLink[]; readonly duration: number }
  /**
   * One machine is cut off: in both directions, or only what it says, or only what it hears. It stands still for the first
   * `pause` of it: when it goes on, it still believes what it believed, and the others have gone on without it.
   */
  | {
      readonly kind: "isolate";
      readonly host: string;
      readonly way: "both" | "mute" | "deaf";
      readonly pause: number;
      readonly duration: number;
    }
  /**
   * A machine and `companions` others, at most a minority, are cut off from the rest, and half of the clients go on asking
   * that machine. With `slow` its clock runs at half the speed meanwhile: it believes in itself after others elected another,
   * and has companions who confirm it.
   */
  | {
      readonly kind: "split";
      readonly host: string;
      readonly companions: number;
      readonly pick: number;
      readonly slow: boolean;
      readonly duration: number;
    }
  | { readonly kind: "clog"; readonly link: DirectedLink; readonly duration: number }
  /** No faults of the weather until then. */
  | { readonly kind: "calm"; readonly duration: number }
  | { readonly kind: "pause"; readonly host: string; readonly duration: number }
  /** Dies at once, or after `steps` more effects of its next turns: in the middle of a `Ready`. Comes back later. */
  | { readonly kind: "crash"; readonly host: string; readonly steps: number; readonly downtime: number }
  | { readonly kind: "crashAll"; readonly downtime: number }
  | { readonly kind: "slowDisk"; readonly host: string; readonly slowness: number; readonly duration: number }
  | { readonly kind: "hangDisk"; readonly host: string; readonly duration: number }
  /** The next write fails; the node stops (P5) and comes back. */
  | { readonly kind: "failDisk"; readonly host: string; readonly downtime: number }
  /** The disk is lost; the machine comes back blank, under a new identity (M11). */
  | { readonly kind: "wipe"; readonly host: string; readonly downtime: number }
  /** A blank directory is mounted in place of the machine's disk, under another identity; after `duration` the former is back. */
  | { readonly kind: "mount"; readonly host: string; readonly downtime: number; readonly duration: number }
  /** The disk is damaged; the machine comes back suspect (D-4). */
  | { readonly kind: "damage"; readonly host: string; readonly downtime: number }
  | { readonly kind: "lowSpace"; readonly host: string; readonly duration: number }
  | { readonly kind: "snapshot"; readonly host: string }
  /** The operator asks a leader (or with `stray` this host) for a change of the members; `pick` chooses which. */
  | { readonly kind: "change"; readonly host: string; readonly stray: boolean; readonly pick: number }
  | { readonly kind: "transfer"; readonly host: string; readonly pick: number }
);

export type ActionKind = Action["kind"];

/** Mean time between two actions of a kind, in election timeouts; the kinds of a world are drawn from these. */
const intervals: Readonly<Record<ActionKind, number>> = {
  cut: 12,
  isolate: 6,
  split: 8,
  clog: 10,
  calm: 40,
  pause: 12,
  crash: 12,
  crashAll: 150,
  slowDisk: 30,
  hangDisk: 30,
  failDisk: 40,
  wipe: 120,
  mount: 120,
  damage: 200,
  lowSpace: 60,
  snapshot: 10,
  change: 8,
  transfer: 12,
};

const kinds = Object.keys(intervals) as ActionKind[];

export function drawPlan(profile: Profile, random: RandomStream): Action[] {
  const timeout = profile.tick * profile.core.electionTicks;
  const share = random.pick([0.2, 0.4, 0.7]);
  const intensity = random.pick([0.3, 1, 1, 3]);
  // More lost disks than a minority leave nothing to wait for: rarely.
  let lossesLeft = random.chance(0.1) ? Infinity : (profile.voters - 1) >> 1;
  const actions: Action[] = [];
  const { isTwoLeaders = false, isForming = false } = profile;
  // Beyond a minority nobody is left who knows that there was a cluster (M9).
  if (isForming) lossesLeft = Math.min(lossesLeft, (profile.voters - 1) >> 1);
  for (const kind of kinds) {
    if (!random.chance(isTwoLeaders && kind !== "split" ? 0.1 : isTwoLeaders ? 1 : share)) continue;
    const hurry = isForming && earlyKinds.includes(kind) ? 8 : 1;
    const mean = isTwoLeaders && kind === "split" ? 10 * timeout : (intervals[kind] * timeout) / (intensity * hurry);
    for (let at = random.exponential(mean); at < profile.safetyTime; at += 1 + random.exponential(mean)) {
      if ((kind === "wipe" || kind === "damage" || kind === "mount") && lossesLeft-- <= 0) break;
      actions.push(drawAction({ kind, at, profile, timeout, random }));
    }
  }
  return actions.sort((a, b) => a.at - b.at);
}

/** While a cluster is formed nobody leads, and all is over soon: these come earlier, and to any machine. */
const earlyKinds: readonly ActionKind[] = ["cut", "pause", "crash", "crashAll", "hangDisk", "wipe", "mount", "damage"];

/** Share of the actions that go for whoever leads. */
const leaderShare = 0.4;

interface Draw {
  readonly kind: ActionKind;
  readonly at: number;
  readonly profile: Profile;
  /** One election timeout. */
  readonly timeout: number;
  readonly random: RandomStream;
}

function drawAction({ kind, at, profile, timeout, random }: Draw): Action {
  const hosts = hostNames(profile);
  const { isTwoLeaders = false, isForming = false } = profile;
  const host = random.chance(isForming && earlyKinds.includes(kind) ? 0 : leaderShare)
    ? leaderHost
    : random.pick(hosts);
  /** Mostly around one election timeout, sometimes many. */
  const duration = random.exponential(timeout * random.pick([0.2, 1, 3, 3, 10, 50]));
  const downtime = random.pick([0, 0, duration]);
  switch (kind) {
    case "cut":
      return { at, kind, links: planPartition(random.pick(partitionKinds), hosts, random), duration };
    case "isolate": {
      const pause = random.pick([0, 3 * timeout + duration]);
      // Mostly the leader, for long enough that another one is elected: two that believe to lead.
      return {
        at,
        kind,
        host: random.chance(0.5) ? leaderHost : host,
        way: random.pick(["both", "both", "mute", "deaf"]),
        pause,
        duration: pause + 2 * timeout + duration,
      };
    }
    case "split":
      return {
        at,
        kind,
        host: random.chance(0.9) ? leaderHost : host,
        companions: random.between(isTwoLeaders ? 1 : 0, Math.max(0, ((profile.voters - 1) >> 1) - 1)),
        pick: random.bits(),
        slow: random.chance(0.7),
        duration: 3 * timeout + (isTwoLeaders ? Math.min(duration, 3 * timeout) : duration),
      };
    case "clog":
      return { at, kind, link: [random.pick(hosts), random.pick(hosts)], duration };
    case "calm":
      return { at, kind, duration };
    case "pause":
      return { at, kind, host, duration };
    case "crash":
      return { at, kind, host, steps: random.pick([0, random.below(20)]), downtime };
    case "crashAll":
      return { at, kind, downtime };
    case "slowDisk":
      return { at, kind, host, slowness: random.pick([3, 10, 100]), duration };
    case "hangDisk":
      return { at, kind, host, duration };
    case "failDisk":
    case "wipe":
    case "damage":
      return { at, kind, host, downtime };
    case "mount":
      return { at, kind, host, downtime, duration };
    case "lowSpace":
      return { at, kind, host, duration };
    case "snapshot":
      return { at, kind, host };
    case "change":
      return { at, kind, host, stray: random.chance(0.1), pick: random.bits() };
    case "transfer":
      return { at, kind, host, pick: random.bits() };
  }
}
