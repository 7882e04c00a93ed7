// A client in a world of groups: what it believes, and what it does with it. It hands out records, finishes them, and commits what it
// has finished, as the SDK does. It learns what its session tells it, late or never.

import type { NamedPlace } from "../group/telling.ts";
import type { GroupClientProfile } from "./group-plan.ts";
import type { AssignedPlace, ClientMessage, MemberMessage, WorldSession } from "./group-shard.ts";
import type { WorldTopics } from "./group-topics.ts";

/** A partition that a client reads. It speaks of it by name, and knows which topic of that name it means. */
export interface HeldPartition {
  readonly topic: string;
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
  newUuid(): string;
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
  /** Until it has heard its name. */
  #newMemberId = "";
  generation = -1;
  /** By name: a client reads one topic of a name. */
  readonly held = new Map<string, HeldPartition>();
  #requests = 0;

  constructor(host: ClientHost, profile: GroupClientProfile, index: number) {
    this.#host = host;
    this.profile = profile;
    this.groupId = `g${profile.group}`;
    this.#name = `c${index}`;
    this.instanceId = profile.isStatic ? this.#name : "";
  }

  get owned(): NamedPlace[] {
    return [...this.held.values()].map(({ topic, topicId, partition }) => ({ topic, topicId, partition }));
  }

  /** A new process. */
  start(): void {
    if (this.state !== "down") return;
    this.state = "running";
    this.expelled();
  }

  connect(session: WorldSession): void {
    this.session = session;
    const { assignor, topics, makesIds } = this.profile;
    if (makesIds && this.memberId === "") this.#newMemberId ||= this.#host.newUuid();
    this.#say({
      kind: "join",
      owned: this.owned,
      join: {
        memberId: this.memberId,
        ...(this.memberId === "" && makesIds ? { newMemberId: `${this.#name}-own-${this.#newMemberId}` } : {}),
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
        this.#newMemberId = "";
        this.generation = message.generation;
        for (const held of this.held.values()) held.isAffirmed = false;
        return;
      case "assignment":
        this.generation = message.generation;
        for (const { topic, partition } of message.lost) this.held.delete(`${topic}/${partition}`);
        for (const told of message.assign) this.#assigned(told);
        if (message.revoke.length > 0) {
          this.commit();
          for (const { topic, partition } of message.revoke) this.held.delete(`${topic}/${partition}`);
          this.#say({ kind: "revoked", generation: this.generation, partitions: message.revoke });
        }
        return;
      case "ended":
        this.session = undefined;
        if (message.isFinal) this.expelled();
        return;
    }
  }

  /** Where it knows of the same reset of the same topic, it has more than it could commit before its stream broke: it keeps its place. */
  #assigned({ topic, topicId, partition, offset, endOffset, movedEpoch }: AssignedPlace): void {
    const key = `${topic}/${partition}`;
    const before = this.held.get(key);
    const isSame = before?.topicId === topicId && before.movedEpoch === movedEpoch;
    const [position, finished] = isSame ? [before.position, before.finished] : [0, 0];
    this.held.set(key, {
      topic,
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
    this.#newMemberId = "";
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
    const affirmed = [...this.held.values()].filter(({ isAffirmed }) => isAffirmed || this.profile.isHasty);
    if (affirmed.length === 0) return;
    const offsets = affirmed.map(({ topic, topicId, partition, finished, movedEpoch }) => ({
      topic,
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
