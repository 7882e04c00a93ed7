// SPDX-License-Identifier: Apache-2.0
/**
 * What comes before the second phase in worlds in which a cluster is formed: all faults end, all machines are up, and within a
 * while each runs a core or says why somebody has to do something. A cluster cannot be formed without some of its machines,
 * so none is cut off yet.
 */
import { identityOf, type CoreWorld, type Host } from "./core-world.ts";
import { holds } from "./violation.ts";

/** Rounds of asking that machines may take until everybody runs or knows what he waits for. */
const roundsMax = 60;

/** The cluster that got going; undefined when none can, and everybody said why. */
export function settleForming(world: CoreWorld): string | undefined {
  const { scheduler, profile, hosts, network } = world;
  network.mendAll();
  world.calmDown();
  for (const host of hosts) {
    host.disk.heal();
    host.node?.clock.setRate(100);
    host.forming?.clock.setRate(100);
    host.ratePercent = 100;
    host.forming?.clock.resume();
    if (host.node === undefined && host.forming === undefined) world.crash(host, 0);
  }
  const roundTime = profile.tick * profile.core.electionTicks;
  // Everybody must be able to answer within a round.
  const { delayBase, delayTail } = network.weather;
  const brief = roundTime / 50;
  network.weather = {
    ...network.weather,
    delayBase: Math.min(delayBase, brief),
    delayTail: Math.min(delayTail, brief / 2),
  };
  for (let rounds = 0; rounds < roundsMax && !isOver(hosts); rounds++) {
    scheduler.runUntil(scheduler.now + 4 * roundTime, 200_000);
  }
  for (const host of hosts) {
    const { report } = host.forming ?? { report: null };
    holds(
      isSettled(host),
      "M9",
      () => `${identityOf(host)} waits (${report?.kind ?? "for nothing"}), and no faults are left`,
    );
  }
  holds(isOver(hosts), "M9", () => "a majority runs its cores, no faults are left, and nothing is ever committed");
  return begunCluster(hosts);
}

/** Everybody runs or knows why not; and a cluster has begun, if a majority of one runs. */
function isOver(hosts: readonly Host[]): boolean {
  if (!hosts.every(isSettled)) return false;
  if (begunCluster(hosts) !== undefined) return true;
  const running = hosts.filter(({ node }) => node !== undefined && !node.isSuspect);
  return !running.some(({ node, disk }) => {
    const voters = node?.config.voters ?? [];
    const together = running.filter(
      (other) => voters.includes(identityOf(other)) && other.disk.image.clusterId === disk.image.clusterId,
    );
    return together.length * 2 > voters.length;
  });
}

/** Of the disks that are mounted, the cluster in which most is committed; undefined when in none of them anything is. */
export function begunCluster(hosts: readonly Host[]): string | undefined {
  let most = 1;
  let cluster: string | undefined;
  for (const { disk, node } of hosts) {
    const commit = Math.max(disk.image.hard.commit, node?.commit ?? 0);
    if (commit <= most) continue;
    most = commit;
    cluster = disk.image.clusterId ?? undefined;
  }
  return cluster;
}

function isSettled({ node, forming }: Host): boolean {
  return node !== undefined || forming?.report?.needsOperator === true || forming?.report?.kind === "nothing-to-join";
}
