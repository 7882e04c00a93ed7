// A node that coordinates, or believes to: the real coordinator on its copy of the internal partition, and the sessions of members. What
// a driver does is done here at once: one batch for each turn, answers when the high watermark has passed it, and whatever changed is
// told to the sessions it concerns.

import { assignmentOf, nothing } from "../group/assignment.ts";
import type { Assignment } from "../group/assignment.ts";
import { GroupCoordinator } from "../group/coordinator.ts";
import type { GroupAnswer } from "../group/coordinator.ts";
import type { GroupCommand, GroupOutcome } from "../group/group-command.ts";
import type { JoinGroup, MemberReply } from "../group/membership.ts";
import type { CommitVerdict } from "../group/offsets.ts";
import { endOf, isFinished } from "../group/state.ts";
import type { Group } from "../group/state.ts";
import { givenBack, isTold, ownedOf, placesNamed, planTelling, toldBefore } from "../group/telling.ts";
import type { NamedPlace, Place, ToldPlaces } from "../group/telling.ts";
import { partsOf, untoldGeneration } from "../group/telling-parts.ts";
import type { Refusal } from "../controller/decision.ts";
import { refuse } from "../controller/decision.ts";
import type { GroupLog } from "./group-log.ts";
import type { WorldTopics } from "./group-topics.ts";

/** `movedEpoch` is the oracle's mark: which reset the committer knew of. */
export interface CommitShadow extends Place {
  readonly offset: number;
  readonly movedEpoch: number;
}

export type ClientMessage =
  | { readonly kind: "join"; readonly join: JoinGroup; readonly owned: readonly NamedPlace[] }
  | {
      readonly kind: "commit";
      readonly requestId: number;
      readonly generation: number;
      /** By name; which topic the client means the node does not hear. */
      readonly offsets: readonly (CommitShadow & { readonly topic: string })[];
    }
  | { readonly kind: "revoked"; readonly generation: number; readonly partitions: readonly NamedPlace[] }
  | { readonly kind: "beat" }
  | { readonly kind: "leave"; readonly willReturn: boolean };

export interface AssignedPlace extends NamedPlace {
  readonly offset: number;
  readonly endOffset: number | undefined;
  readonly movedEpoch: number;
}

export type MemberMessage =
  | { readonly kind: "joined"; readonly memberId: string; readonly generation: number }
  | {
      readonly kind: "assignment";
      readonly generation: number;
      readonly assign: readonly AssignedPlace[];
      readonly revoke: readonly NamedPlace[];
      readonly lost: readonly NamedPlace[];
    }
  | { readonly kind: "ended"; readonly isFinal: boolean; readonly reason: string };

/** One stream between a client and a node. */
export interface WorldSession {
  readonly clientIndex: number;
  readonly groupId: string;
  readonly isKeptByConnection: boolean;
  readonly up: ClientMessage[];
  readonly down: MemberMessage[];
  memberId: string;
  instanceId: string;
  generation: number;
  told: ToldPlaces;
  isJoined: boolean;
  /** At the node. */
  isOpen: boolean;
}

/** Who asked. */
export type Waiter =
  | { readonly kind: "join"; readonly session: WorldSession; readonly owned: Assignment }
  | { readonly kind: "commit"; readonly groupId: string; readonly offsets: readonly CommitShadow[] }
  | { readonly kind: "leave"; readonly session: WorldSession }
  | {
      readonly kind: "reset";
      readonly groupId: string;
      readonly offsets: readonly (Place & { readonly offset: number })[];
    }
  | { readonly kind: "nobody" };

export interface ShardHost {
  readonly nowMs: number;
  readonly groupIds: readonly string[];
  readonly topics: WorldTopics;
  newUuid(): string;
  count(what: string): void;
  /** A commit is acknowledged. */
  acknowledged(groupId: string, offsets: readonly CommitShadow[]): void;
  /** Groups as they are committed now. */
  changed(groups: ReadonlyMap<string, Group>, changed: readonly string[]): void;
}

/** Fewer than some groups have clients. */
export const membersMax = 4;
/** Of one message: fewer than some members have. */
const entriesMax = 2;

const outOfOffice: Refusal = refuse("NOT_COORDINATOR", "Another node coordinates the group").refusal;
const noRoom: Refusal = refuse("STORAGE_FULL", "The batch was not taken").refusal;

export class Shard {
  readonly log: GroupLog;
  /** Open streams, in the order in which they came. */
  readonly sessions = new Set<WorldSession>();
  highWatermark: number;
  readonly #host: ShardHost;
  readonly #coordinator: GroupCoordinator<Waiter>;
  /** O-1: where the log ended when its epoch began. */
  readonly #leso: number;
  isLoaded = false;
  /** What was decided by itself, and not taken, has to be decided again. */
  #isUndone = false;

  constructor(host: ShardHost, log: GroupLog, highWatermark: number) {
    this.#host = host;
    this.log = log;
    this.#leso = log.end;
    this.highWatermark = highWatermark;
    this.#coordinator = new GroupCoordinator<Waiter>({
      limits: {
        membersMax,
        sessionTimeoutMsMin: 1,
        sessionTimeoutMsMax: 60_000,
        metadataBytesMax: 10,
        groupsMax: 10,
        waitingMax: 200,
        batchBytesMax: 1_000_000,
      },
      newUuid: () => host.newUuid(),
      topics: host.topics,
    });
  }

  get visible(): ReadonlyMap<string, Group> {
    return this.#coordinator.visible;
  }

  load(): void {
    if (this.isLoaded || this.highWatermark < this.#leso) return;
    for (const record of this.log.records(this.#leso)) this.#coordinator.load(record);
    this.#coordinator.loaded(this.#host.nowMs);
    this.isLoaded = true;
    this.topicsChanged();
    // One that is not there was deleted while nobody led.
    this.#host.changed(this.visible, this.#host.groupIds);
  }

  topicsChanged(): void {
    if (this.isLoaded) this.#coordinator.topicsChanged(this.#host.nowMs);
  }

  submit(groupId: string, command: GroupCommand, waiter: Waiter = { kind: "nobody" }): void {
    if (this.isLoaded) this.#coordinator.submit(groupId, command, waiter, this.#host.nowMs);
    else this.#answer({ waiter, outcome: { refusal: outOfOffice } });
  }

  /** A stream from a client. */
  open(session: WorldSession): void {
    this.sessions.add(session);
  }

  /** What the node hears on a stream. */
  receive(session: WorldSession): void {
    const message = session.up.shift();
    if (message === undefined || !session.isOpen) return;
    const { groupId, memberId, instanceId } = session;
    if (!this.isLoaded) {
      this.#end(session, "COORDINATOR_LOADING", false);
      return;
    }
    if (memberId !== "") this.#coordinator.heard(groupId, memberId, this.#host.nowMs);
    switch (message.kind) {
      case "join": {
        const { join } = message;
        session.instanceId = join.instanceId;
        const places = placesNamed(message.owned, (name) => this.#idOf(name));
        const owned = assignmentOf(places.map(({ topicId, partition }) => [topicId, partition] as const));
        this.submit(groupId, { kind: "return", join, owned }, { kind: "join", session, owned });
        return;
      }
      case "commit": {
        const { generation } = message;
        // Which topic has the name by now.
        const offsets = message.offsets.flatMap(({ topic, ...one }) => {
          const topicId = this.#idOf(topic);
          return topicId === undefined ? [] : [{ ...one, topicId }];
        });
        const told = offsets.map((one) => {
          return { ...one, leaderEpoch: -1, metadata: "", isUntold: !isTold(session.told, one) };
        });
        const commit = { claim: { memberId, instanceId, epoch: generation }, offsets: told };
        this.submit(groupId, { kind: "commit", commit }, { kind: "commit", groupId, offsets });
        return;
      }
      case "revoked": {
        const given = placesNamed(message.partitions, (name) => this.#idOf(name));
        session.told = givenBack(session.told, given, message.generation);
        this.submit(groupId, { kind: "beat", beat: { memberId, instanceId, owned: ownedOf(session.told) } });
        return;
      }
      case "beat":
        return;
      case "leave":
        this.submit(
          groupId,
          { kind: "leave", leave: { memberId, instanceId, mode: message.willReturn ? "away" : "gone" } },
          { kind: "leave", session },
        );
        return;
    }
  }

  /** The node hears that a stream is gone. */
  broken(session: WorldSession): void {
    if (!this.sessions.delete(session)) return;
    session.isOpen = false;
    const isElsewhere = [...this.sessions].some((one) => one.memberId === session.memberId);
    if (session.memberId !== "" && !isElsewhere) {
      this.#coordinator.disconnected(session.groupId, session.memberId, this.#host.nowMs);
    }
  }

  /** One turn of the driver: what is due, and one batch. */
  turn(isTaken: boolean): void {
    if (!this.isLoaded) return;
    if (this.#isUndone) {
      this.#isUndone = false;
      this.topicsChanged();
      for (const session of this.sessions) if (session.isJoined) this.#tell(session);
    }
    for (const { why } of this.#coordinator.removeDue(this.#host.nowMs)) this.#host.count(`removed ${why}`);
    for (;;) {
      const { records, answers } = this.#coordinator.endTurn();
      for (const answer of answers) this.#answer(answer);
      if (records.length === 0) return;
      if (!isTaken) {
        this.#host.count("turn refused");
        this.#isUndone = true;
        for (const answer of this.#coordinator.notAppended(noRoom, this.#host.nowMs)) this.#answer(answer);
        return;
      }
      this.log.append(records);
      this.#coordinator.appended(this.log.end);
    }
  }

  /** The high watermark moves on. */
  committed(highWatermark: number): void {
    this.highWatermark = highWatermark;
    if (!this.isLoaded) return;
    const { answers, changed } = this.#coordinator.committed(highWatermark);
    this.#host.changed(this.visible, changed);
    for (const answer of answers) this.#answer(answer);
    for (const groupId of changed) this.tell(groupId);
  }

  expire(retentionMs: number): void {
    if (this.isLoaded) this.#coordinator.expire(retentionMs, this.#host.nowMs);
  }

  /** Somebody else leads by now. */
  resign(): void {
    for (const answer of this.#coordinator.resigned(outOfOffice)) this.#answer(answer);
    for (const session of this.sessions) this.#end(session, "NOT_COORDINATOR", false);
  }

  tell(groupId: string): void {
    for (const session of this.sessions) if (session.groupId === groupId && session.isJoined) this.#tell(session);
  }

  #tell(session: WorldSession): void {
    const group = this.visible.get(session.groupId);
    const member = group?.members.get(session.memberId);
    if (group === undefined || member === undefined) {
      this.#end(session, "UNKNOWN_MEMBER_ID", true);
      return;
    }
    const { memberId, instanceId, groupId } = session;
    if (isFinished(group)) {
      this.#host.count("finished");
      this.submit(groupId, { kind: "leave", leave: { memberId, instanceId, mode: "gone" } });
      this.#end(session, "finished", true);
      return;
    }
    const { topics } = this.#host;
    const telling = planTelling(session.told, group, member, (topicId) => topics.isGone(topicId));
    session.told = telling.told;
    const { assign, revoke, lost, startless, owned } = telling;
    if (assign.length + revoke.length + lost.length > 0 || session.generation !== member.epoch) {
      const generations = { before: session.generation, after: member.epoch };
      session.generation = member.epoch;
      for (const part of partsOf({ assign, revoke, lost }, generations, { sizeOf: () => 1, sizeMax: entriesMax })) {
        const places = part.assign.map(({ committed: { offset, movedEpoch }, ...place }) => {
          const endOffset = endOf(group, place.topicId, place.partition);
          return { ...this.#named(place), offset, endOffset, movedEpoch };
        });
        session.down.push({
          kind: "assignment",
          generation: part.generation,
          assign: places,
          revoke: part.revoke.map((place) => this.#named(place)),
          lost: part.lost.map((place) => this.#named(place)),
        });
      }
    }
    if (owned !== undefined) this.submit(groupId, { kind: "beat", beat: { memberId, instanceId, owned } });
    if (startless.length === 0) return;
    const offsets = startless.map((place) => ({ ...place, offset: 0, leaderEpoch: -1 }));
    this.submit(groupId, { kind: "start", memberId, offsets });
  }

  #idOf(topic: string): string | undefined {
    return this.#host.topics.named(topic)?.topicId;
  }

  #named({ topicId, partition }: Place): NamedPlace {
    return { topic: this.#host.topics.nameOf(topicId), topicId, partition };
  }

  #end(session: WorldSession, reason: string, isFinal: boolean): void {
    session.down.push({ kind: "ended", reason, isFinal });
    this.broken(session);
    session.up.length = 0;
  }

  #answer({ waiter, outcome }: GroupAnswer<Waiter>): void {
    const refusal = "refusal" in outcome ? outcome.refusal : undefined;
    this.#host.count(`${waiter.kind} ${refusal?.reason ?? "done"}`);
    switch (waiter.kind) {
      case "join":
        this.#joined(waiter.session, waiter.owned, outcome);
        return;
      case "commit": {
        if (!("reply" in outcome)) return;
        const verdicts = outcome.reply as readonly CommitVerdict[];
        for (const verdict of verdicts) if (verdict !== undefined) this.#host.count(`offset ${verdict.reason}`);
        this.#host.acknowledged(
          waiter.groupId,
          waiter.offsets.filter((_, index) => verdicts[index] === undefined),
        );
        return;
      }
      case "leave":
        if (waiter.session.isOpen) this.#end(waiter.session, "left", true);
        return;
      case "reset":
        return;
      case "nobody":
        return;
    }
  }

  #joined(session: WorldSession, owned: Assignment, outcome: GroupOutcome): void {
    if (!session.isOpen) return;
    if ("refusal" in outcome) {
      const isFinal = /MEMBER|INSTANCE|GROUP_MAX/.test(outcome.refusal.reason);
      this.#end(session, outcome.refusal.reason, isFinal);
      return;
    }
    const { memberId } = outcome.reply as MemberReply;
    // One stream speaks for a member: what an older one still brings is not heard any more.
    for (const older of this.sessions) {
      if (older !== session && older.memberId === memberId) this.#end(older, "another stream", false);
    }
    Object.assign(session, { memberId, isJoined: true, told: toldBefore(owned) });
    if (session.isKeptByConnection) this.#coordinator.connected(session.groupId, memberId);
    session.down.push({ kind: "joined", memberId, generation: session.generation });
    this.#tell(session);
  }
}

export function newSession(clientIndex: number, groupId: string, isKeptByConnection: boolean): WorldSession {
  return {
    clientIndex,
    groupId,
    isKeptByConnection,
    up: [],
    down: [],
    memberId: "",
    instanceId: "",
    generation: untoldGeneration,
    told: toldBefore(nothing),
    isJoined: false,
    isOpen: true,
  };
}
