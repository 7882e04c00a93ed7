// SPDX-License-Identifier: Apache-2.0
/**
 * The second phase: random faults hide bugs of liveness, because the next fault rescues what is stuck. So a majority is
 * chosen and healed for good, everything else is cut off for ever, and the majority has fifty election timeouts to find
 * one leader, to agree on everything, and to take a new write.
 */
import type { Config, PeerId } from "../core/types.ts";
import { hostOf, identityOf, type CoreWorld, type Host } from "./core-world.ts";
import { begunCluster, settleForming } from "./forming-liveness.ts";
import { syncTimeMax } from "./disk.ts";
import { ViolationError } from "./violation.ts";

/** `stuck`: no cluster could be formed, and everybody said why. */
export type LivenessVerdict = "lives" | "unrecoverable" | "stuck";

/** Longest election timeouts that a healed majority may take without getting on. */
const timeoutsMax = 50;

/** Throws `ViolationError` when the chosen majority does not get on. Unrecoverable: no majority of disks is intact. */
export function runLiveness(world: CoreWorld): LivenessVerdict {
  world.workload.stop();
  if (world.profile.isForming === true && settleForming(world) === undefined) return "stuck";
  // What waits in nodes may be an operator's change: it happens before a majority is chosen.
  for (const { node } of world.hosts) node?.clock.resume();
  world.scheduler.runUntil(world.scheduler.now + 4 * world.profile.turnDelayMax, 10_000);
  // What is under way may carry a configuration that is in no log any more, and that nobody can reckon with here.
  world.network.loseAll();
  const members = chooseMembers(world);
  if (members === undefined) return "unrecoverable";
  heal(world, members);
  const { scheduler, profile } = world;
  const timeout = 2 * profile.tick * profile.core.electionTicks;
  const patience = timeoutsMax * (timeout + profile.snapshotDelay) + longestWait(world);
  const end = scheduler.now + 20 * patience;
  let deadline = scheduler.now + patience;
  let reached = 0;
  let isWritten = false;
  let isWriting = false;
  while (scheduler.now < Math.min(deadline, end)) {
    scheduler.runUntil(scheduler.now + timeout, 200_000);
    if (isWritten && agree(members)) return "lives";
    // A tiny window takes its time: whoever gets on is not stuck.
    const progress = members.reduce(
      (sum, { disk, node }) => sum + disk.image.lastIndex + (node?.machine.applied ?? 0),
      0,
    );
    if (progress > reached + members.length) {
      reached = progress;
      deadline = scheduler.now + patience;
    }
    const leader = leaderOf(members);
    if (leader === undefined || isWritten || isWriting) continue;
    isWriting = true;
    world.workload.write(leader.name, (isDone) => {
      isWriting = false;
      isWritten ||= isDone;
    });
    // An answer that never comes must not keep others from being asked.
    scheduler.after(timeout * 3, () => (isWriting = false));
  }
  const picture = members.map(({ node }) => {
    if (node === undefined) return "down";
    const status = node.core.status();
    const { role, term, leader, lastIndex, commit, applied, config, peers } = status;
    const flags = ["stalled", "lowSpace", "installing"] as const;
    const raised = flags.filter((flag) => status[flag]).join();
    const members = `voters [${config.voters.join()}]`;
    const progress = peers.map((peer) => `${peer.id}:${peer.state}:${peer.match}/${peer.next}`).join(" ");
    return `${node.name} ${role} term ${term} leader ${leader} last ${lastIndex} commit ${commit} applied ${applied} ${raised} ${members} ${progress}`;
  });
  throw new ViolationError(
    "liveness",
    `a healed majority does not get on within ${timeoutsMax} election timeouts (written: ${isWritten}): ${picture.join("; ")}`,
  );
}

/**
 * A random set of machines with an intact majority of every configuration that may be in force: the newest that is
 * committed and all that are in some log or memory above it. Undefined when there is none.
 */
function chooseMembers(world: CoreWorld): Host[] | undefined {
  const configs = possibleConfigs(world);
  const cluster = begunCluster(world.hosts);
  const isIntact = ({ disk: { isSuspect, image } }: Host): boolean =>
    !isSuspect && (image.clusterId === null || image.clusterId === cluster);
  const suffices = (hosts: readonly Host[]): boolean => {
    const ids = new Set<PeerId>(hosts.map(identityOf));
    return configs.every((config) => {
      return [config.voters, config.votersOutgoing].every(
        (voters) => voters.length === 0 || voters.filter((id) => ids.has(id)).length * 2 > voters.length,
      );
    });
  };
  const random = world.stream("liveness");
  const voters = new Set(configs.flatMap((config) => config.voters));
  let members = world.hosts.filter((host) => isIntact(host) && voters.has(identityOf(host)));
  if (configs.length === 0 || !suffices(members)) return undefined;
  for (const host of random.shuffle(members)) {
    const fewer = members.filter((member) => member !== host);
    if (random.chance(0.7) && suffices(fewer)) members = fewer;
  }
  return members;
}

function possibleConfigs(world: CoreWorld): Config[] {
  const all = new Map<number, Config[]>();
  const cluster = begunCluster(world.hosts);
  for (const { disk, node } of world.hosts) {
    const { image } = disk;
    if (image.clusterId !== null && image.clusterId !== cluster) continue;
    const logged = [...image.configs];
    if (node !== undefined && node.configIndex > 0) logged.push({ index: node.configIndex, config: node.config });
    if (image.snapshot !== null) logged.push({ index: image.snapshot.meta.index, config: image.snapshot.meta.config });
    for (const { index, config } of logged) {
      const others = all.get(index);
      if (others === undefined) all.set(index, [config]);
      else others.push(config);
    }
  }
  // The newest committed one, and everything above the commit index.
  const { committed } = world.ledger;
  const newest = Math.max(...[...all.keys()].filter((index) => index <= committed));
  return [...all].filter(([index]) => index >= newest).flatMap(([, configs]) => configs);
}

function heal(world: CoreWorld, members: readonly Host[]): void {
  const { network, profile } = world;
  network.mendAll();
  // Raft promises progress only where a round trip and a sync are much shorter than an election timeout.
  const brief = (profile.tick * profile.core.electionTicks) / 50;
  const { delayBase, delayTail } = profile.weather;
  world.calmDown();
  network.weather = {
    ...network.weather,
    delayBase: Math.min(delayBase, brief),
    delayTail: Math.min(delayTail, brief / 2),
  };
  const { syncBase, syncTail, tellMax } = profile.disk;
  const speed = {
    syncBase: Math.min(syncBase, brief),
    syncTail: Math.min(syncTail, brief / 2),
    tellMax: Math.min(tellMax, brief),
  };
  for (const host of world.hosts) {
    host.node?.clock.setRate(100);
    host.ratePercent = 100;
    host.disk.heal();
    host.disk.speed = speed;
    host.node?.operate((core) => core.advance({ type: "space", low: false }));
    if (host.node !== undefined) host.node.effectsLeft = -1;
    if (members.includes(host)) {
      if (host.node === undefined && host.forming === undefined) world.crash(host, 0);
      continue;
    }
    world.crash(host, undefined);
    for (const other of world.hosts) {
      network.cut(host.name, other.name);
      network.cut(other.name, host.name);
    }
  }
}

function leaderOf(members: readonly Host[]): Host | undefined {
  const leaders = members.filter(({ node }) => node?.role === "leader");
  return leaders.length === 1 ? leaders[0] : undefined;
}

/** One leader whom all members of its configuration know, and equal applied logs. */
function agree(members: readonly Host[]): boolean {
  const leader = leaderOf(members)?.node;
  if (leader === undefined) return false;
  const { term, commit, lastIndex } = leader.core.status();
  if (commit !== lastIndex) return false;
  const { voters, learners } = leader.config;
  return members.every((host) => {
    const id = identityOf(host);
    if (!voters.includes(id) && !learners.includes(id)) return true;
    const { node } = host;
    if (node === undefined) return false;
    const status = node.core.status();
    return (
      status.term === term &&
      status.pendingReads === 0 &&
      (status.leader !== null && hostOf(status.leader)) === leader.host &&
      node.machine.applied === leader.machine.applied &&
      node.machine.applied === commit &&
      node.machine.chain === leader.machine.chain
    );
  });
}

/** What may still be under way when the phase begins: syncs and entries to apply that take their time. */
function longestWait({ profile }: CoreWorld): number {
  return 2 * syncTimeMax + 1_000 * profile.applyDelayMax;
}
