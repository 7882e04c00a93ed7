/**
 * A directory whose place another one has taken (M11), brought back by mistake: an old disk, an old volume. Its controller would wait
 * for a leader for ever, since nobody counts it any more. While it hears of none the others are asked whom they count; what they say
 * is told, and nothing is done: they may know less than this node.
 */
import type { Clock, Timer } from "@varve/log";
import type { InitialPeer } from "raft-ts";
import type { GrpcBootstrap } from "raft-ts/grpc";
import type { MetadataRole } from "../ports/metadata-log.ts";
import { directoryOfPeer, nodeIdOfPeer } from "./raft-group.ts";

export interface ReplacedDirectoryOptions {
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
  readonly onReplaced: (message: string) => void;
}

type Answer = Pick<Awaited<ReturnType<GrpcBootstrap["hello"]>>, "clusterId" | "members">;
type Self = Pick<ReplacedDirectoryOptions, "clusterId" | "nodeId" | "directoryId">;

/** What an answer says against this directory: that of the same node which its cluster counts instead; undefined when nothing. */
export function directoryInItsPlace({ clusterId, nodeId, directoryId }: Self, answer: Answer): string | undefined {
  if (answer.clusterId !== clusterId) return undefined;
  const counted = answer.members.filter((id) => nodeIdOfPeer(id) === nodeId).map(directoryOfPeer);
  return counted.includes(directoryId) ? undefined : counted[0];
}

export class ReplacedDirectory {
  readonly #options: ReplacedDirectoryOptions;
  readonly #stopping = new AbortController();
  #timer: Timer | undefined;

  constructor(options: ReplacedDirectoryOptions) {
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
    const { peers, role, onReplaced } = this.#options;
    const known = role();
    if (known.kind === "follower" && known.leaderId === undefined) {
      const said = await Promise.all(peers.map((peer) => this.#ask(peer)));
      const message = said.find((text) => text !== undefined);
      if (message !== undefined && !this.#stopping.signal.aborted) onReplaced(message);
    }
    if (!this.#stopping.signal.aborted) this.#lookLater();
  }

  /** What this peer says against this directory. Never rejects: who does not answer says nothing. */
  async #ask({ nodeId, address }: InitialPeer): Promise<string | undefined> {
    const { bootstrap, lookMs, ...self } = this.#options;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(lookMs)]);
    const answer = await bootstrap.hello(address, signal).catch(() => undefined);
    const inItsPlace = answer === undefined ? undefined : directoryInItsPlace(self, answer);
    if (inItsPlace === undefined) return undefined;
    return (
      `this directory (${self.directoryId}) was replaced: node ${nodeId} counts directory ${inItsPlace} as that of node ` +
      `${self.nodeId}. Stop this process, and start node ${self.nodeId} with the directory that took the place of this one`
    );
  }
}
