/**
 * How a node of a cluster world comes by the metadata: as a member of the group, or as a broker without a vote that follows a controller.
 * Both are looked at by the oracle on their way.
 *
 *   RaftNode on MemoryStorage ── entries ──> the oracle, before the node ──> listener ──> its image at that offset (ID14)
 *   FollowMetadata of a controller ─ snapshots, batches ──────────────────> listener ──> its image at that offset (ID14)
 */
import { loadServices } from "@varve/api";
import { type ControllerImage, emptyImage } from "@varve/cluster";
import { formCluster } from "raft-ts";
import type { GrpcBootstrap } from "raft-ts/grpc";
import { type MemoryDisk, MemoryStorage } from "raft-ts/testing";
import { FollowedMetadataLog } from "../../drivers/followed-metadata-log.ts";
import { RaftMetadataLog } from "../../drivers/raft-metadata-log.ts";
import type { MetadataLog } from "../../ports/metadata-log.ts";
import type { PeerClients } from "../../ports/peers.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import type { SimulatedProcess } from "./machine.ts";
import type { ProcessGate } from "./process-gate.ts";
import { worldTimes } from "./profile.ts";

const clusterId = "world";
const services = loadServices();

export interface MetadataNode {
  readonly id: number;
  /** Undefined of a broker without a vote. */
  readonly raftDisk: MemoryDisk | undefined;
  /** A blank disk waits to be taken into the group; else it forms it. */
  readonly joins: boolean;
  readonly process: Pick<SimulatedProcess, "raft" | "whoAmI">;
  readonly gate: ProcessGate;
  readonly peers: PeerClients;
  /** What the node has made of it; undefined before its controller has started. */
  readonly image: () => ControllerImage | undefined;
}

export async function openMetadataLog(world: ClusterWorld, node: MetadataNode): Promise<MetadataLog> {
  const { raftDisk } = node;
  return raftDisk === undefined
    ? compared(world, node, followed(world, node))
    : observed(world, node, await joined(world, node, raftDisk));
}

async function joined(world: ClusterWorld, node: MetadataNode, raftDisk: MemoryDisk): Promise<MetadataLog> {
  const { id, gate, joins, process } = node;
  const storage = new MemoryStorage(raftDisk);
  let opened = await storage.open();
  const bootstrap: Pick<GrpcBootstrap, "answerWith" | "hello"> = {
    answerWith: (answer) => (process.whoAmI = answer),
    hello: (address) => world.whoIsAt(id, address),
  };
  if (opened.health.state === "blank") {
    const { voters } = world.raft;
    const peers = voters.map(({ address }) => ({ nodeId: address.slice(0, address.indexOf("@")), address }));
    opened = joins
      ? await formCluster({ storage, opened, transport: bootstrap, clock: gate.raft }, { peers })
      : await storage.form({ clusterId, voters });
  }
  process.raft = new RaftMetadataLog({
    // Two methods of it are all that is called.
    group: { storage, opened, clusterId, told: [], bootstrap: bootstrap as GrpcBootstrap },
    transport: world.raft.network.transport(raftDisk.peerId),
    clock: gate.raft,
    raft: {
      tickMs: worldTimes.tickMs,
      core: { electionTicks: worldTimes.electionTicks },
      seed: BigInt(world.random.seed()),
      reserveBytes: 0,
      snapshots: { everyEntries: world.profile.snapshotEntries, minIntervalMs: 0, trailingEntries: 20 },
    },
  });
  return process.raft;
}

function followed(world: ClusterWorld, { id, gate, peers, image }: MetadataNode): MetadataLog {
  return new FollowedMetadataLog({
    controllers: world.raft.voters.map((_, index) => index + 1),
    peers,
    definition: services.peer,
    clock: gate,
    sessionMs: worldTimes.sessionMs,
    image: () => image() ?? emptyImage,
    signal: new AbortController().signal,
    onWaiting: () => undefined,
    onRefused: (controller, why) => world.fail(new Error(`controller ${controller} refuses node ${id}: ${why}`)),
  });
}

/** ID14: what a broker was told has come to what the controllers have. */
function compared(world: ClusterWorld, node: MetadataNode, log: MetadataLog): MetadataLog {
  return {
    start: (listener) =>
      log.start({
        ...listener,
        onSnapshot: (bytes) => {
          world.count("role snapshot from a controller");
          listener.onSnapshot(bytes);
          compareImage(world, node);
        },
        onCommitted: (entries) => {
          world.count("role batch from a controller");
          listener.onCommitted(entries);
          compareImage(world, node);
        },
      }),
    propose: (bytes, term) => log.propose(bytes, term),
    close: () => log.close(),
  };
}

/** The oracle sees each committed entry before the node does, and what the node made of it afterwards. */
function observed(world: ClusterWorld, node: MetadataNode, log: MetadataLog): MetadataLog {
  const { metadata } = world;
  return {
    start: (listener) =>
      log.start({
        ...listener,
        onSnapshot: (bytes) => {
          world.count("role snapshot restored");
          listener.onSnapshot(bytes);
          compareImage(world, node);
        },
        onCommitted: (entries) => {
          world.check(() => {
            for (const { index, bytes } of entries) metadata.committed(node.id, index, bytes);
          });
          listener.onCommitted(entries);
          compareImage(world, node);
        },
      }),
    propose: (bytes, term) => log.propose(bytes, term),
    close: () => log.close(),
  };
}

function compareImage(world: ClusterWorld, { id, image }: MetadataNode): void {
  const mine = image();
  if (mine !== undefined) world.check(() => world.metadata.imageOf(id, mine));
}
