/**
 * This node among the others: the metadata group, the controller on it, and the ways to and from the other nodes. A node that is
 * alone has the same parts, without a listener; a broker that is no controller follows the group from outside.
 *
 *     peer listener ─┬─> group formed (M9) ─────> controller (image, commands) ─> duty (sessions), control (commands from here)
 *                    └─> a broker: cluster found ─┘ its image, from FollowMetadata of a controller
 *
 * Invariant: everything that peers may ask for is refused until this node belongs to a cluster.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Services } from "@varve/api";
import { type ControllerImage, type MetadataRecord, brokerOf, emptyImage } from "@varve/cluster";
import type { Clock } from "@varve/log";
import { peerIdOf, systemClock as raftClock } from "raft-ts";
import { GrpcTransport, RaftService } from "raft-ts/grpc";
import { checkCluster, initialPeers, timesOf } from "./cluster-configuration.ts";
import { type DirectoryMeta, adoptCluster, checkIsNoController, checkMetadataIsThere } from "./data-directory.ts";
import { ClusterController } from "./drivers/controller-client.ts";
import { ControllerDuty } from "./drivers/controller-duty.ts";
import { Controller } from "./drivers/controller.ts";
import { findCluster, notThere } from "./drivers/find-cluster.ts";
import { FollowedMetadataLog } from "./drivers/followed-metadata-log.ts";
import { type RaftGroup, type SeveralNodes, openRaftGroup } from "./drivers/raft-group.ts";
import { RaftMetadataLog } from "./drivers/raft-metadata-log.ts";
import { DirectoryWatch } from "./drivers/directory-watch.ts";
import { hostPort } from "./grpc/admin-service.ts";
import { isAnyAddress, loopback } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import type { BrokerOptions, ClusterOptions, ClusterPeer, ListenerOptions } from "./options.ts";
import { controllerService } from "./peer/controller-service.ts";
import { MetadataFeed } from "./peer/metadata-feed.ts";
import { PeerConnections } from "./peer/peer-clients.ts";
import type { PeerIdentity } from "./peer/peer-credentials.ts";
import { formingMessage, formingName, oncePerText, withAdvice } from "./peer/operator-notes.ts";
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
  readonly advertised: BrokerOptions["peerAdvertised"];
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
const electionMsDefault = 1_000;
/** A group of one has nobody who could lead in its place: it writes as long as the disk takes it (D-9). */
const aloneOptions = { reserveBytes: 0 };
/**
 * A start replays what came after the last one: 2 MiB are some 40,000 changes of partitions, a few hundred milliseconds. One entry may be
 * about thousands of partitions, so entries alone say little.
 */
const snapshots = { everyEntries: 10_000, everyBytes: 2 * 1024 * 1024 };

interface Parts {
  readonly clusterId: string;
  /** Undefined when a log was handed in, and of a broker that is no controller. */
  readonly raft: RaftMetadataLog | undefined;
  readonly controller: Controller;
  readonly duty: ControllerDuty;
  readonly control: ClusterController;
  readonly membership: ControllerMembership;
  readonly connections: PeerConnections | undefined;
  /** Of a controller that is not alone. */
  readonly directoryWatch?: DirectoryWatch | undefined;
}

/** The listener for the other nodes, and what is offered there. */
interface Door {
  readonly server: PeerServer;
  /** Where the others reach it. */
  readonly reachedAt: { readonly host: string; readonly port: number };
  /** Undefined of a broker that is no controller. */
  readonly feed: MetadataFeed | undefined;
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
  readonly #door: Door | undefined;
  readonly #directoryWatch: DirectoryWatch | undefined;
  /** Of which this node has heard since it started (6.11). */
  uncleanElections = 0;

  private constructor(parts: Parts, door: Door | undefined) {
    this.clusterId = parts.clusterId;
    this.controller = parts.controller;
    this.duty = parts.duty;
    this.control = parts.control;
    this.membership = parts.membership;
    this.peers = parts.connections;
    this.raft = parts.raft;
    this.#door = door;
    this.#directoryWatch = parts.directoryWatch;
    parts.controller.subscribe((_, records) => {
      this.uncleanElections += records.filter(isUncleanElection).length;
    });
  }

  /** Waits until the cluster is formed. @throws BrokerError, MetadataLogError, the signal's reason; nothing is left open then. */
  static async open(options: ClusterNodeOptions): Promise<ClusterNode> {
    const { cluster, meta } = options;
    if (cluster === undefined) return new ClusterNode(await openParts(options, undefined), undefined);
    const self = checkCluster(cluster, meta.nodeId);
    const { secret } = cluster;
    const raft = new RaftService({ security: { kind: "plaintext", ...(secret === undefined ? {} : { secret }) } });
    let identity: PeerIdentity | undefined;
    const server = await PeerServer.open({
      host: options.listener.host ?? loopback,
      port: options.listener.port ?? self?.port ?? 0,
      raft,
      identity: () => identity,
      logger: options.logger,
      clock: options.clock,
    });
    try {
      const parts =
        self === undefined
          ? await openBroker(options, cluster, raft)
          : await openParts(options, { cluster, self, raft });
      identity = { clusterId: parts.clusterId, nodeId: meta.nodeId, secret };
      const feed = self === undefined ? undefined : offerController(options, cluster, parts, server);
      const { host, port } = server.address;
      const bound = self ?? { host: isAnyAddress(host) ? hostname() : host, port };
      const { advertised } = options;
      const reachedAt = { host: advertised?.host ?? bound.host, port: advertised?.port ?? bound.port };
      return new ClusterNode(parts, { server, reachedAt, feed });
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** Where the other nodes reach this one; undefined when it is alone. */
  get reachedAt(): { readonly host: string; readonly port: number } | undefined {
    return this.#door?.reachedAt;
  }

  /** Where the peer listener is; undefined when this node is alone. */
  get peerAddress(): string | undefined {
    const address = this.#door?.server.address;
    return address === undefined ? undefined : hostPort(address.host, address.port);
  }

  /** Offers a service to the other nodes, from now on. */
  add(service: PeerService): void {
    this.#door?.server.add(service);
  }

  /** Hands over what this node leads, then is gone for the others. Idempotent. */
  async close(): Promise<void> {
    this.#directoryWatch?.close();
    this.control.close();
    this.duty.close();
    this.#door?.feed?.close();
    await this.controller.close();
    this.peers?.close();
    await this.#door?.server.close();
  }
}

interface Several {
  readonly cluster: ClusterOptions;
  readonly self: ClusterPeer;
  readonly raft: RaftService;
}

async function openParts(options: ClusterNodeOptions, several: Several | undefined): Promise<Parts> {
  const { meta } = options;
  const { log, clusterId, group } = await openLog(options, several);
  const controller = await startController(options, log);
  const connections =
    several === undefined
      ? undefined
      : new PeerConnections({
          identity: { clusterId, nodeId: meta.nodeId, secret: several.cluster.secret },
          addressOf: (nodeId) => addressOf(nodeId, controller.image, several.cluster.peers),
          brokerEpoch: options.brokerEpoch,
        });
  const raft = log instanceof RaftMetadataLog ? log : undefined;
  const parts = partsAround(options, controller, { cluster: several?.cluster, connections, raft });
  const directoryWatch =
    several === undefined || group === undefined ? undefined : watchDirectory(options, several, group, controller);
  return { ...parts, clusterId, directoryWatch };
}

/** A broker that is no controller: the controllers say which cluster it is, and what is decided. */
async function openBroker(options: ClusterNodeOptions, cluster: ClusterOptions, raft: RaftService): Promise<Parts> {
  const { dataDir, meta, clock, services, signal, onWaiting } = options;
  await checkIsNoController(dataDir);
  const onRefused = tellRefusals(options);
  const finding = { peers: cluster.peers, raft, clock, signal, onWaiting, onRefused };
  const clusterId = meta.clusterId ?? (await findCluster(finding));
  await adoptCluster(dataDir, meta, clusterId);
  let controller: Controller | undefined;
  const image = (): ControllerImage => controller?.image ?? emptyImage;
  const connections = new PeerConnections({
    identity: { clusterId, nodeId: meta.nodeId, secret: cluster.secret },
    addressOf: (nodeId) => addressOf(nodeId, image(), cluster.peers),
    brokerEpoch: options.brokerEpoch,
  });
  const log = new FollowedMetadataLog({
    controllers: cluster.peers.map(({ nodeId }) => nodeId),
    peers: connections,
    definition: services.peer,
    clock,
    sessionMs: timesOf(cluster).sessionMs,
    image,
    signal,
    onWaiting,
    onRefused,
  });
  try {
    controller = await startController(options, log);
  } catch (error) {
    connections.close();
    throw error;
  }
  return { ...partsAround(options, controller, { cluster, connections, raft: undefined }), clusterId };
}

/** Of the active controller, or of one that is asked for metadata. */
function tellRefusals({ logger, onWaiting }: ClusterNodeOptions): (node: number, details: string) => void {
  const tellOnce = oncePerText();
  return (node, details) => {
    const why = withAdvice(details);
    onWaiting(`controller ${node} refuses this node: ${why}`);
    tellOnce(`${node} ${why}`, () => logger.error({ node, why }, "a controller refuses this node"));
  };
}

function startController({ clock, onFatal }: ClusterNodeOptions, log: MetadataLog): Promise<Controller> {
  return Controller.start({}, { log, clock, newUuid: () => randomBytes(16).toString("hex"), onFatal });
}

/** What decides, or reaches who decides, around a node's image. */
function partsAround(
  options: ClusterNodeOptions,
  controller: Controller,
  {
    cluster,
    connections,
    raft,
  }: Pick<Parts, "connections" | "raft"> & { readonly cluster: ClusterOptions | undefined },
): Omit<Parts, "clusterId"> {
  const { clock, logger, services } = options;
  const { peer: definition } = services;
  const onRefused = tellRefusals(options);
  const duty = new ControllerDuty({
    controller,
    clock,
    logger,
    endpoint: peerEndpoint,
    balanceMs: cluster?.balanceMs ?? 60_000,
    ...timesOf(cluster ?? { peers: [] }),
  });
  const control = new ClusterController({ controller, peers: connections, definition, clock, onRefused });
  const membership = new ClusterMembership({ controller, local: raft, peers: connections, definition, clock });
  return { raft, controller, duty, control, membership, connections };
}

/** What other nodes ask of a controller. */
function offerController(
  { meta, services, clock }: ClusterNodeOptions,
  cluster: ClusterOptions,
  { controller, duty, membership }: Parts,
  server: PeerServer,
): MetadataFeed {
  const { heartbeatMs } = timesOf(cluster);
  const feed = new MetadataFeed({ nodeId: meta.nodeId, controller, clock, heartbeatMs });
  server.add(controllerService(services.peer, { controller, duty, membership, feed }));
  return feed;
}

async function openLog(
  options: ClusterNodeOptions,
  several: Several | undefined,
): Promise<{ readonly log: MetadataLog; readonly clusterId: string; readonly group: RaftGroup | undefined }> {
  const { dataDir, meta, metadataLog } = options;
  if (metadataLog !== undefined) return { log: metadataLog, clusterId: meta.clusterId ?? "", group: undefined };
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
      group,
      log: new RaftMetadataLog({ group, transport: undefined, raft: { ...aloneOptions, snapshots } }),
    };
  }
  const { electionMs = electionMsDefault, reserveBytes } = several.cluster;
  return {
    clusterId,
    group,
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

/** A group is formed with whom it names by address, so these are the nodes to ask. */
function watchDirectory(
  { meta, clock, logger, onWaiting }: ClusterNodeOptions,
  { cluster }: Several,
  { bootstrap, clusterId, opened }: RaftGroup,
  controller: Controller,
): DirectoryWatch | undefined {
  if (bootstrap === undefined) return undefined;
  const tellOnce = oncePerText();
  return new DirectoryWatch({
    clusterId,
    nodeId: meta.nodeId,
    directoryId: opened.identity.dirId,
    peers: initialPeers(cluster).filter(({ nodeId }) => nodeId !== String(meta.nodeId)),
    bootstrap,
    role: () => controller.role,
    clock,
    lookMs: 3 * (cluster.electionMs ?? electionMsDefault),
    onOutside: (message) => {
      onWaiting(message);
      tellOnce(message, () => logger.error({}, message));
    },
  });
}

function formation({ meta, logger, signal, onWaiting }: ClusterNodeOptions, { cluster, raft }: Several): SeveralNodes {
  const tellOnce = oncePerText();
  return {
    peers: initialPeers(cluster),
    service: raft,
    clock: raftClock,
    signal,
    onReport: (report) => {
      const message = formingMessage(report, meta.nodeId);
      onWaiting(message);
      tellOnce(formingName(report), () => {
        if (report.needsOperator) logger.error({}, message);
        else logger.info({}, message);
      });
    },
    onUnanswered: (address, error) => {
      // Nobody there yet is what `onReport` says; a refusal is another matter.
      if (!notThere.test(error.message)) {
        const why = withAdvice(error.message);
        tellOnce(why, () => logger.error({ address, why }, "a node refuses to answer this one"));
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
      tellOnce(`${peer} ${details}`, () =>
        logger.warn({ peer, why: withAdvice(details) }, "a controller refuses this node"),
      );
    },
  });
}

function addressOf(nodeId: number, image: ControllerImage, peers: readonly ClusterPeer[]): string | undefined {
  const endpoint =
    brokerOf(image, nodeId)?.endpoints.find(({ name }) => name === peerEndpoint) ??
    peers.find((peer) => peer.nodeId === nodeId);
  return endpoint === undefined ? undefined : hostPort(endpoint.host, endpoint.port);
}

function isUncleanElection(record: MetadataRecord): boolean {
  return record.type === "PartitionChange" && record.uncleanEpoch !== undefined && record.uncleanEpoch >= 0;
}
