/**
 * This node among the others: the metadata group, the controller on it, and the ways to and from the other nodes. A node that is
 * alone has the same parts, without a listener.
 *
 *     peer listener ─> group formed (M9) ─> controller (image, commands) ─> duty (sessions), control (commands from here)
 *
 * Invariant: everything that peers may ask for is refused until this node belongs to a cluster.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Services } from "@varve/api";
import { brokerOf } from "@varve/cluster";
import type { Clock } from "@varve/log";
import { peerIdOf, peersProblem, systemClock as raftClock } from "raft-ts";
import { GrpcTransport, RaftService } from "raft-ts/grpc";
import { type DirectoryMeta, adoptCluster, checkMetadataIsThere } from "./data-directory.ts";
import { ClusterController } from "./drivers/controller-client.ts";
import { ControllerDuty } from "./drivers/controller-duty.ts";
import { Controller } from "./drivers/controller.ts";
import { type RaftGroup, type SeveralNodes, openRaftGroup } from "./drivers/raft-group.ts";
import { RaftMetadataLog } from "./drivers/raft-metadata-log.ts";
import { BrokerError } from "./errors.ts";
import { hostPort } from "./grpc/admin-service.ts";
import { loopback } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import type { ClusterOptions, ClusterPeer, ListenerOptions } from "./options.ts";
import { controllerService } from "./peer/controller-service.ts";
import { PeerConnections } from "./peer/peer-clients.ts";
import type { PeerIdentity } from "./peer/peer-credentials.ts";
import { PeerServer } from "./peer/peer-server.ts";
import type { MetadataLog } from "./ports/metadata-log.ts";
import { ClusterMembership } from "./peer/cluster-membership.ts";
import type { ControllerMembership, PeerService } from "./ports/peers.ts";

export interface ClusterNodeOptions {
  readonly dataDir: string;
  readonly meta: DirectoryMeta;
  /** Undefined: alone. */
  readonly cluster: ClusterOptions | undefined;
  readonly listener: ListenerOptions;
  readonly services: Services;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** In place of the one in `dataDir`. */
  readonly metadataLog: MetadataLog | undefined;
  /** Of this node's registration; -1 without one. */
  readonly brokerEpoch: () => number;
  /** What it waits for. */
  readonly onWaiting: (why: string) => void;
  readonly onFatal: (error: Error) => void;
}

/** How the endpoint of a broker is called at which other nodes reach it. */
export const peerEndpoint = "peer";
const ticksPerElection = 10;
/** A group of one has nobody who could lead in its place: it writes as long as the disk takes it (D-9). */
const aloneOptions = { reserveBytes: 0 };
const snapshots = { everyEntries: 10_000 };

export const sessionDefaults = { heartbeatMs: 500, sessionMs: 3_000 } as const;

interface Parts {
  readonly clusterId: string;
  /** Undefined when a log was handed in. */
  readonly raft: RaftMetadataLog | undefined;
  readonly controller: Controller;
  readonly duty: ControllerDuty;
  readonly control: ClusterController;
  readonly membership: ControllerMembership;
  readonly connections: PeerConnections | undefined;
}

export class ClusterNode {
  readonly clusterId: string;
  readonly controller: Controller;
  readonly duty: ControllerDuty;
  /** Commands of this node, to whoever decides. */
  readonly control: ClusterController;
  /** The metadata group, for operators. */
  readonly membership: ControllerMembership;
  /** Undefined when this node is alone. */
  readonly peers: PeerConnections | undefined;
  readonly raft: RaftMetadataLog | undefined;
  readonly #server: PeerServer | undefined;

  private constructor(parts: Parts, server: PeerServer | undefined) {
    this.clusterId = parts.clusterId;
    this.controller = parts.controller;
    this.duty = parts.duty;
    this.control = parts.control;
    this.membership = parts.membership;
    this.peers = parts.connections;
    this.raft = parts.raft;
    this.#server = server;
  }

  /** Waits until the cluster is formed. @throws BrokerError, MetadataLogError, the signal's reason; nothing is left open then. */
  static async open(options: ClusterNodeOptions): Promise<ClusterNode> {
    const { cluster } = options;
    if (cluster === undefined) return new ClusterNode(await openParts(options, undefined), undefined);
    const self = checkCluster(cluster, options.meta.nodeId);
    const { secret } = cluster;
    const raft = new RaftService({ security: { kind: "plaintext", ...(secret === undefined ? {} : { secret }) } });
    let identity: PeerIdentity | undefined;
    const server = await PeerServer.open({
      host: options.listener.host ?? loopback,
      port: options.listener.port ?? self.port,
      raft,
      identity: () => identity,
      logger: options.logger,
    });
    try {
      const parts = await openParts(options, { cluster, self, raft });
      const { controller, duty } = parts;
      server.add(controllerService(options.services.peer, { controller, duty, membership: parts.membership }));
      identity = { clusterId: parts.clusterId, nodeId: options.meta.nodeId, secret };
      return new ClusterNode(parts, server);
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** Where the peer listener is; undefined when this node is alone. */
  get peerAddress(): string | undefined {
    return this.#server === undefined ? undefined : hostPort(this.#server.address.host, this.#server.address.port);
  }

  /** Offers a service to the other nodes, from now on. */
  add(service: PeerService): void {
    this.#server?.add(service);
  }

  /** Hands over what this node leads, then is gone for the others. Idempotent. */
  async close(): Promise<void> {
    this.control.close();
    this.duty.close();
    await this.controller.close();
    this.peers?.close();
    await this.#server?.close();
  }
}

interface Several {
  readonly cluster: ClusterOptions;
  readonly self: ClusterPeer;
  readonly raft: RaftService;
}

async function openParts(options: ClusterNodeOptions, several: Several | undefined): Promise<Parts> {
  const { meta, clock, logger, services, onFatal } = options;
  const { log, clusterId } = await openLog(options, several);
  const controller = await Controller.start(
    {},
    { log, clock, newUuid: () => randomBytes(16).toString("hex"), onFatal },
  );
  const connections =
    several === undefined
      ? undefined
      : new PeerConnections({
          identity: { clusterId, nodeId: meta.nodeId, secret: several.cluster.secret },
          addressOf: (nodeId) => addressOf(nodeId, controller, several.cluster.peers),
          brokerEpoch: options.brokerEpoch,
        });
  const times = { ...sessionDefaults, ...(several === undefined ? {} : timesOf(several.cluster)) };
  const duty = new ControllerDuty({
    controller,
    clock,
    logger,
    endpoint: peerEndpoint,
    balanceMs: several?.cluster.balanceMs ?? 60_000,
    ...times,
  });
  const control = new ClusterController({ controller, peers: connections, definition: services.peer, clock });
  const raft = log instanceof RaftMetadataLog ? log : undefined;
  const membership = new ClusterMembership({ controller, local: raft, peers: connections, definition: services.peer });
  return { clusterId, raft, controller, duty, control, membership, connections };
}

async function openLog(
  options: ClusterNodeOptions,
  several: Several | undefined,
): Promise<{ readonly log: MetadataLog; readonly clusterId: string }> {
  const { dataDir, meta, metadataLog } = options;
  if (metadataLog !== undefined) return { log: metadataLog, clusterId: meta.clusterId ?? "" };
  await checkMetadataIsThere(dataDir);
  const group = await openRaftGroup({
    directory: join(dataDir, "raft"),
    nodeId: meta.nodeId,
    clusterId: meta.clusterId,
    several: several === undefined ? undefined : formation(options, several),
    ballastBytes: several === undefined ? 0 : several.cluster.ballastBytes,
  });
  try {
    await adoptCluster(dataDir, meta, group.clusterId);
  } catch (error) {
    await group.storage.close();
    throw error;
  }
  const { clusterId } = group;
  if (several === undefined) {
    return {
      clusterId,
      log: new RaftMetadataLog({ group, transport: undefined, raft: { ...aloneOptions, snapshots } }),
    };
  }
  const { electionMs = 1_000, reserveBytes } = several.cluster;
  return {
    clusterId,
    log: new RaftMetadataLog({
      group,
      transport: transportOf(group, several, options.logger),
      raft: {
        core: { electionTicks: ticksPerElection },
        tickMs: Math.max(1, Math.round(electionMs / ticksPerElection)),
        snapshots,
        ...(reserveBytes === undefined ? {} : { reserveBytes }),
      },
    }),
  };
}

function formation({ logger, signal, onWaiting }: ClusterNodeOptions, { cluster, raft }: Several): SeveralNodes {
  const tellOnce = oncePerText();
  return {
    peers: cluster.peers.map(({ nodeId, host, port }) => ({ nodeId: String(nodeId), address: hostPort(host, port) })),
    service: raft,
    clock: raftClock,
    signal,
    onReport: ({ message, needsOperator }) => {
      onWaiting(message);
      if (needsOperator) logger.error({}, message);
      else logger.info({}, message);
    },
    onUnanswered: (address, error) => {
      // Nobody there yet is what `onReport` says; a refusal is another matter.
      if (!/UNAVAILABLE|DEADLINE_EXCEEDED|CANCELLED/.test(error.message)) {
        tellOnce(error.message, () =>
          logger.error({ address, why: error.message }, "a node refuses to answer this one"),
        );
      }
    },
  };
}

function transportOf(group: RaftGroup, { self, raft }: Several, logger: Logger): GrpcTransport {
  const tellOnce = oncePerText();
  return new GrpcTransport({
    service: raft,
    self: peerIdOf(group.opened.identity),
    clusterId: group.clusterId,
    address: hostPort(self.host, self.port),
    clock: raftClock,
    random: Math.random,
    onRefused: (peer, details) => {
      tellOnce(`${peer} ${details}`, () => logger.warn({ peer, details }, "a controller refuses this node"));
    },
  });
}

function addressOf(nodeId: number, controller: Controller, peers: readonly ClusterPeer[]): string | undefined {
  const endpoint =
    brokerOf(controller.image, nodeId)?.endpoints.find(({ name }) => name === peerEndpoint) ??
    peers.find((peer) => peer.nodeId === nodeId);
  return endpoint === undefined ? undefined : hostPort(endpoint.host, endpoint.port);
}

export function timesOf({
  heartbeatMs = sessionDefaults.heartbeatMs,
  sessionMs = sessionDefaults.sessionMs,
}: ClusterOptions): { heartbeatMs: number; sessionMs: number } {
  return { heartbeatMs, sessionMs };
}

/** @returns this node among the peers */
function checkCluster(cluster: ClusterOptions, nodeId: number): ClusterPeer {
  const peers = cluster.peers.map((peer) => ({ nodeId: String(peer.nodeId), address: hostPort(peer.host, peer.port) }));
  const problem = peersProblem(String(nodeId), peers, "form");
  const self = cluster.peers.find((peer) => peer.nodeId === nodeId);
  const { heartbeatMs, sessionMs } = timesOf(cluster);
  const times =
    3 * heartbeatMs > sessionMs
      ? `a session of ${sessionMs} ms has no room for three heartbeats of ${heartbeatMs} ms`
      : null;
  const fault = problem ?? times;
  if (fault === null && self !== undefined) return self;
  throw new BrokerError(
    "CONFIGURATION",
    `Cannot start node ${nodeId} in a cluster: ${fault ?? "it is not among its peers"}`,
  );
}

/** Says the same thing once, and no more than a few hundred different ones. */
function oncePerText(): (text: string, tell: () => void) => void {
  const told = new Set<string>();
  return (text, tell) => {
    if (told.has(text) || told.size > 256) return;
    told.add(text);
    tell();
  };
}
