// A client in a world of groups: what it believes, and what it does with it. It hands out records, finishes them, and commits what it
// has finished, as the SDK does. It learns what its session tells it, late or never.

import { assignmentOf } from "../group/assignment.ts";
import type { Assignment } from "../group/assignment.ts";
import type { GroupClientProfile } from "./group-plan.ts";
import type { AssignedPlace, ClientMessage, MemberMessage, WorldSession } from "./group-shard.ts";
import type { WorldTopics } from "./group-topics.ts";

/** A partition that a client reads. */
export interface HeldPartition {
  readonly topicId: string;
  readonly partition: number;
  /** The next to be handed out. */
  position: number;
  /** Everything below is finished. */
  finished: number;
  /** Where its group ends in it, exclusive. */
  readonly endOffset: number | undefined;
  /** Which reset it knows of. */
  readonly movedEpoch: number;
  /** The present stream has told it that it has it: what it held before it came back may be somebody else's, and is not committed. */
  isAffirmed: boolean;
}

export interface ClientHost {
  readonly topics: WorldTopics;
  handled(groupId: string, held: HeldPartition, from: number, to: number): void;
}

export class WorldClient {
  readonly profile: GroupClientProfile;
  readonly groupId: string;
  readonly instanceId: string;
  readonly #name: string;
  readonly #host: ClientHost;
  state: "down" | "running" | "stalled" = "down";
  session: WorldSession | undefined;
  memberId = "";
  generation = -1;
  readonly held = new Map<string, HeldPartition>();
  #requests = 0;

  constructor(host: ClientHost, profile: GroupClientProfile, index: number) {
    this.#host = host;
    this.profile = profile;
    this.groupId = `g${profile.group}`;
    this.#name = `c${index}`;
    this.instanceId = profile.isStatic ? this.#name : "";
  }

  get owned(): Assignment {
    return assignmentOf([...this.held.values()].map(({ topicId, partition }) => [topicId, partition] as const));
  }

  /** A new process. */
  start(): void {
    if (this.state !== "down") return;
    this.state = "running";
    this.memberId = "";
    this.generation = -1;
    this.held.clear();
  }

  connect(session: WorldSession): void {
    this.session = session;
    const { assignor, topics } = this.profile;
    this.#say({
      kind: "join",
      owned: this.owned,
      join: {
        memberId: this.memberId,
        instanceId: this.instanceId,
        clientId: this.#name,
        clientHost: "",
        topics: topics === "pattern" ? [] : topics,
        pattern: topics === "pattern" ? ".*" : "",
        assignor,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 20_000,
      },
    });
  }

  /** Its process is gone; whoever is at the other end of its stream hears of that later. */
  crash(): void {
    this.state = "down";
    this.session = undefined;
    this.held.clear();
  }

  /** The newest thing that its session told it. */
  hear(message: MemberMessage): void {
    switch (message.kind) {
      case "joined":
        this.memberId = message.memberId;
        this.generation = message.generation;
        for (const held of this.held.values()) held.isAffirmed = false;
        return;
      case "assignment":
        this.generation = message.generation;
        for (const { topicId, partition } of message.lost) this.held.delete(`${topicId}/${partition}`);
        for (const told of message.assign) this.#assigned(told);
        if (message.revoke.length > 0) {
          this.commit();
          for (const { topicId, partition } of message.revoke) this.held.delete(`${topicId}/${partition}`);
          this.#say({ kind: "revoked", generation: this.generation, partitions: message.revoke });
        }
        return;
      case "ended":
        this.session = undefined;
        if (message.isFinal) this.expelled();
        return;
    }
  }

  /** Where it knows of the same reset, it has more than it could commit before its stream broke: it keeps its place. */
  #assigned({ topicId, partition, offset, endOffset, movedEpoch }: AssignedPlace): void {
    const key = `${topicId}/${partition}`;
    const before = this.held.get(key);
    const [position, finished] = before?.movedEpoch === movedEpoch ? [before.position, before.finished] : [0, 0];
    this.held.set(key, {
      topicId,
      partition,
      position: Math.max(position, offset),
      finished: Math.max(finished, offset),
      endOffset,
      movedEpoch,
      isAffirmed: true,
    });
  }

  /** It is no member any more: what it has is somebody else's. */
  expelled(): void {
    this.held.clear();
    this.memberId = "";
    this.generation = -1;
  }

  poll(pick: number): void {
    const held = this.#one(pick);
    if (held === undefined) return;
    const end = Math.min(this.#host.topics.end(held.topicId, held.partition), held.endOffset ?? Infinity);
    held.position = Math.max(held.position, Math.min(end, held.position + 1 + ((pick >>> 8) % 5)));
  }

  finish(pick: number): void {
    const held = this.#one(pick);
    if (held === undefined || held.finished >= held.position) return;
    const to = Math.min(held.position, held.finished + 1 + ((pick >>> 8) % 5));
    this.#host.handled(this.groupId, held, held.finished, to);
    held.finished = to;
  }

  commit(): void {
    const affirmed = [...this.held.values()].filter(({ isAffirmed }) => isAffirmed);
    if (affirmed.length === 0) return;
    const offsets = affirmed.map(({ topicId, partition, finished, movedEpoch }) => ({
      topicId,
      partition,
      offset: finished,
      movedEpoch,
    }));
    this.#say({ kind: "commit", requestId: ++this.#requests, generation: this.generation, offsets });
  }

  beat(): void {
    this.#say({ kind: "beat" });
  }

  leave(willReturn: boolean): void {
    this.commit();
    this.#say({ kind: "leave", willReturn });
    this.crash();
  }

  #one(pick: number): HeldPartition | undefined {
    return [...this.held.values()][pick % Math.max(1, this.held.size)];
  }

  #say(message: ClientMessage): void {
    this.session?.up.push(message);
  }
}
