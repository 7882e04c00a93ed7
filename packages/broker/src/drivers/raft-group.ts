/**
 * This node's place in the metadata group: its storage, opened, and belonging to a cluster.
 *
 *     raft/ ── open ──> blank ──> alone: a group of one, at once · several: formed by all of them, once (M9) ──> runs
 *                  ├──> member ──────────────────────────────────────────────────────────────────────────────> runs
 *                  └──> suspect (D-4): refused, with what to do
 *
 * Invariant: an identity is the directory's, never the configuration's (M11). What was configured is compared with it, and refused when
 * they contradict each other.
 */
import { mkdir } from "node:fs/promises";
import {
  type BootstrapReport,
  type Clock,
  type InitialPeer,
  type OpenedStorage,
  type Storage,
  formCluster,
  makeDocument,
  peerIdOf,
} from "raft-ts";
import { GrpcBootstrap, type RaftService } from "raft-ts/grpc";
import { LevelStorage, StorageError } from "raft-ts/level";
import { MetadataLogError } from "../ports/metadata-log.ts";

/** A group of several nodes. */
export interface SeveralNodes {
  /** All initial controllers, this node among them. */
  readonly peers: readonly InitialPeer[];
  /** On the peer listener, which listens already. */
  readonly service: RaftService;
  readonly clock: Clock;
  /** Ends the wait for the others. */
  readonly signal: AbortSignal;
  /** Why the cluster is not formed yet, and what to do. */
  readonly onReport: (report: BootstrapReport) => void;
  /** A node that was asked gave no proper answer. Comes with every round. */
  readonly onUnanswered: (address: string, error: Error) => void;
}

export interface RaftGroupOptions {
  /** Made when it is not there. */
  readonly directory: string;
  readonly nodeId: number;
  /** Undefined: a group of one, called `clusterId`. */
  readonly several: SeveralNodes | undefined;
  /** Laid aside for an operator on a full disk (D-9). @default 64 MiB */
  readonly ballastBytes: number | undefined;
  /** What meta.json says; null when this directory belongs to no cluster yet. */
  readonly clusterId: string | null;
}

export interface RaftGroup {
  readonly storage: Storage;
  readonly opened: OpenedStorage;
  readonly clusterId: string;
  /** Node ids that it was told to form a cluster with, for those who ask. */
  readonly told: readonly string[];
  /** Of several nodes. */
  readonly bootstrap: GrpcBootstrap | undefined;
}

/** @throws MetadataLogError; nothing is left open then. */
export async function openRaftGroup(options: RaftGroupOptions): Promise<RaftGroup> {
  const { directory, nodeId, several, ballastBytes } = options;
  const storage = new LevelStorage({
    directory,
    nodeId: String(nodeId),
    ...(ballastBytes === undefined ? {} : { ballastBytes }),
  });
  try {
    await mkdir(directory, { recursive: true });
    let opened = await storage.open();
    checkHealth(opened, directory);
    checkMembers(opened, options);
    if (several !== undefined && options.clusterId !== null && opened.identity.clusterId === null) {
      throw damaged(directory, `it is empty, and the data directory belongs to cluster "${options.clusterId}"`);
    }
    let bootstrap: GrpcBootstrap | undefined;
    if (several === undefined) opened = await formAlone(storage, opened, options);
    else {
      bootstrap = new GrpcBootstrap({ service: several.service });
      opened = await formWithOthers(storage, opened, several, bootstrap);
      checkHealth(opened, directory);
    }
    const { clusterId } = opened.identity;
    if (clusterId === null) throw damaged(directory, "it belongs to no cluster although it was formed");
    if (options.clusterId !== null && clusterId !== options.clusterId) {
      throw new MetadataLogError(
        "FORMAT",
        `Cannot open the metadata log in "${directory}": it belongs to cluster "${clusterId}", and the data directory to ` +
          `"${options.clusterId}". Put back the metadata of this directory.`,
      );
    }
    const told = (several?.peers ?? []).map((peer) => peer.nodeId);
    return { storage, opened, clusterId, told, bootstrap };
  } catch (error) {
    await storage.close();
    throw asMetadataLogError(error, directory);
  }
}

async function formAlone(
  storage: LevelStorage,
  opened: OpenedStorage,
  { clusterId }: RaftGroupOptions,
): Promise<OpenedStorage> {
  if (opened.identity.clusterId !== null) return opened;
  const id = peerIdOf(opened.identity);
  return storage.form(makeDocument([{ id, address: "alone" }], clusterId ?? undefined));
}

function formWithOthers(
  storage: LevelStorage,
  opened: OpenedStorage,
  several: SeveralNodes,
  bootstrap: GrpcBootstrap,
): Promise<OpenedStorage> {
  const transport = {
    answerWith: (answer: Parameters<GrpcBootstrap["answerWith"]>[0]) => bootstrap.answerWith(answer),
    hello: async (address: string, signal: AbortSignal) => {
      try {
        return await bootstrap.hello(address, signal);
      } catch (error) {
        if (!signal.aborted) several.onUnanswered(address, error instanceof Error ? error : new Error(String(error)));
        throw error;
      }
    },
  };
  const { peers, clock, signal, onReport } = several;
  return formCluster({ storage, opened, transport, clock }, { peers, signal, onReport });
}

/** What the directory says of the group against what was configured: a node alone, or several. */
function checkMembers(opened: OpenedStorage, { directory, nodeId, several }: RaftGroupOptions): void {
  const { boot } = opened;
  const config = boot.configs.at(-1)?.config ?? boot.snapshot?.config;
  if (config === undefined) return;
  const others = [...config.voters, ...config.learners].map(nodeIdOfPeer).filter((id) => id !== nodeId);
  const ids = [nodeId, ...others].sort((a, b) => a - b).join(", ");
  if (several === undefined && others.length > 0) {
    throw new MetadataLogError(
      "FORMAT",
      `Cannot start node ${nodeId} alone: its directory "${directory}" belongs to a cluster whose controllers are the nodes ${ids}. ` +
        `Start it with their addresses (--peers), and the cluster's secret.`,
    );
  }
  if (several !== undefined && several.peers.length > 1 && others.length === 0) {
    throw new MetadataLogError(
      "FORMAT",
      `Cannot start node ${nodeId} with ${several.peers.length} peers: its directory "${directory}" is a cluster of one node, which ` +
        `cannot become part of another. Start it without --peers, or with an empty directory.`,
    );
  }
  const known = config.addresses.filter(({ id }) => nodeIdOfPeer(id) !== nodeId);
  const told = (several?.peers ?? []).filter((peer) => Number(peer.nodeId) !== nodeId);
  const isMeant = told.some((peer) =>
    known.some(({ id, address }) => nodeIdOfPeer(id) === Number(peer.nodeId) && address === peer.address),
  );
  if (told.length > 0 && known.length > 0 && !isMeant) {
    const knownText = known.map(({ id, address }) => `${nodeIdOfPeer(id)}@${address}`).join(", ");
    const toldText = told.map((peer) => `${peer.nodeId}@${peer.address}`).join(", ");
    throw new MetadataLogError(
      "FORMAT",
      `Cannot start node ${nodeId} with the peers ${toldText}: its directory "${directory}" belongs to cluster ` +
        `"${opened.identity.clusterId}", whose other controllers are ${knownText}. Start it with these as --peers, or, to make it a ` +
        `node of the other cluster, with an empty directory.`,
    );
  }
}

function checkHealth({ health, identity }: OpenedStorage, directory: string): void {
  if (health.state !== "suspect") return;
  throw damaged(directory, `${health.reason} (node "${identity.nodeId}", directory ${identity.dirId})`);
}

function damaged(directory: string, why: string): MetadataLogError {
  return new MetadataLogError(
    "DAMAGED",
    `Cannot use the metadata log in "${directory}": ${why}. Nothing was changed. Of a node that is alone, restore the data directory from ` +
      `a backup. Of a node in a cluster, start it with an empty data directory, and tell the cluster: varve cluster replace NODE.`,
  );
}

/** The node of a peer id, `<node id>@<directory id>`; -1 for anything else. */
export function nodeIdOfPeer(peerId: string): number {
  const match = /^(\d{1,10})@/.exec(peerId);
  return match === null ? -1 : Number(match[1]);
}

export function directoryOfPeer(peerId: string): string {
  return peerId.slice(peerId.indexOf("@") + 1);
}

function asMetadataLogError(error: unknown, directory: string): unknown {
  if (!(error instanceof StorageError)) return error;
  const codes = { locked: "LOCKED", foreign: "FORMAT", damaged: "DAMAGED" } as const;
  const code = error.code in codes ? codes[error.code as keyof typeof codes] : "IO";
  return new MetadataLogError(code, `Cannot open the metadata log in "${directory}": ${error.message}`, {
    cause: error,
  });
}
