/**
 * A directory that its peers do not count as this node's: another one has taken its place (M11), or it is of another cluster. It was
 * brought back by mistake, an old disk or an old volume, and its controller would wait for a leader for ever. While it hears of none the
 * others are asked whom they count; what they say is told, and nothing is done: they may know less than this node.
 */
import type { Clock, Timer } from "@varve/log";
import type { InitialPeer } from "raft-ts";
import type { GrpcBootstrap } from "raft-ts/grpc";
import type { MetadataRole } from "../ports/metadata-log.ts";
import { directoryOfPeer, nodeIdOfPeer } from "./raft-group.ts";

export interface DirectoryWatchOptions {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly directoryId: string;
  /** The others. */
  readonly peers: readonly InitialPeer[];
  readonly bootstrap: Pick<GrpcBootstrap, "hello">;
  readonly role: () => MetadataRole;
  readonly clock: Pick<Clock, "setTimer">;
  /** Time between two looks, in ms. */
  readonly lookMs: number;
  readonly onOutside: (message: string) => void;
}

type Answer = Pick<Awaited<ReturnType<GrpcBootstrap["hello"]>>, "clusterId" | "members" | "nodeId">;
type Self = Pick<DirectoryWatchOptions, "clusterId" | "nodeId" | "directoryId">;

/** What a peer's answer says against this directory, for people, and what to do; undefined when nothing. */
export function whyOutside(self: Self, answer: Answer): string | undefined {
  const { clusterId, nodeId, directoryId } = self;
  if (answer.clusterId !== null && answer.clusterId !== clusterId) {
    return (
      `this directory (${directoryId}) belongs to cluster "${clusterId}", and node ${answer.nodeId} among its peers to ` +
      `"${answer.clusterId}". Start node ${nodeId} with its directory of that cluster, or correct its peers (--peers)`
    );
  }
  const counted = answer.members.filter((id) => nodeIdOfPeer(id) === nodeId).map(directoryOfPeer);
  if (counted.length === 0 || counted.includes(directoryId)) return undefined;
  return (
    `this directory (${directoryId}) was replaced: node ${answer.nodeId} counts directory ${counted[0]} as that of node ${nodeId}. ` +
    `Stop this process, and start node ${nodeId} with the directory that took the place of this one`
  );
}

export class DirectoryWatch {
  readonly #options: DirectoryWatchOptions;
  readonly #stopping = new AbortController();
  #timer: Timer | undefined;

  constructor(options: DirectoryWatchOptions) {
    this.#options = options;
    this.#lookLater();
  }

  close(): void {
    this.#stopping.abort();
    this.#timer?.cancel();
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.setTimer(this.#options.lookMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { peers, role, onOutside } = this.#options;
    const known = role();
    if (known.kind === "follower" && known.leaderId === undefined) {
      const said = await Promise.all(peers.map((peer) => this.#ask(peer)));
      const message = said.find((text) => text !== undefined);
      if (message !== undefined && !this.#stopping.signal.aborted) onOutside(message);
    }
    if (!this.#stopping.signal.aborted) this.#lookLater();
  }

  /** Never rejects: who does not answer says nothing. */
  async #ask({ address }: InitialPeer): Promise<string | undefined> {
    const { bootstrap, lookMs } = this.#options;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(lookMs)]);
    const answer = await bootstrap.hello(address, signal).catch(() => undefined);
    return answer === undefined ? undefined : whyOutside(this.#options, answer);
  }
}
