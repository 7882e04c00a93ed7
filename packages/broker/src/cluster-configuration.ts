/** What a node was configured with as one of a cluster, against itself: before anything is opened. */
import { type InitialPeer, peersProblem } from "raft-ts";
import { BrokerError } from "./errors.ts";
import { hostPort } from "./grpc/admin-service.ts";
import type { ClusterOptions, ClusterPeer } from "./options.ts";

const sessionDefaults = { heartbeatMs: 500, sessionMs: 3_000 } as const;

/** As configured, or else. */
export function timesOf({
  heartbeatMs = sessionDefaults.heartbeatMs,
  sessionMs = sessionDefaults.sessionMs,
}: ClusterOptions): { heartbeatMs: number; sessionMs: number } {
  return { heartbeatMs, sessionMs };
}

/** The controllers, as the metadata group knows them. */
export function initialPeers({ peers }: ClusterOptions): readonly InitialPeer[] {
  return peers.map(({ nodeId, host, port }) => ({ nodeId: String(nodeId), address: hostPort(host, port) }));
}

/** @returns this node among the peers; undefined of a broker that is no controller. @throws BrokerError CONFIGURATION */
export function checkCluster(cluster: ClusterOptions, nodeId: number): ClusterPeer | undefined {
  const self = cluster.peers.find((peer) => peer.nodeId === nodeId);
  const fault = membersFault(cluster, nodeId, self) ?? timesFault(cluster);
  if (fault === undefined) return self;
  throw new BrokerError("CONFIGURATION", `Cannot start node ${nodeId} in a cluster: ${fault}`);
}

function membersFault(cluster: ClusterOptions, nodeId: number, self: ClusterPeer | undefined): string | undefined {
  const { peers, brokerOnly = false } = cluster;
  if (!brokerOnly) {
    if (self !== undefined) return peersProblem(String(nodeId), initialPeers(cluster), "form") ?? undefined;
    const named = peers.map((peer) => peer.nodeId).join(", ");
    return (
      `it is not among its peers (${named}). Give it the id of one of them (--node-id), add it to them, or, to join those as a broker ` +
      `alone, start it with --roles broker`
    );
  }
  if (self !== undefined)
    return "its peers name it as a controller, and it is to be a broker alone; give it another id";
  return peers.length === 0 ? "it names no controllers to join (peers)" : undefined;
}

function timesFault(cluster: ClusterOptions): string | undefined {
  const { heartbeatMs, sessionMs } = timesOf(cluster);
  if (3 * heartbeatMs <= sessionMs) return undefined;
  return `a session of ${sessionMs} ms has no room for three heartbeats of ${heartbeatMs} ms`;
}
