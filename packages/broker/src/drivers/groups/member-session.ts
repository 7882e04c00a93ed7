/**
 * A member's session at its coordinator: what the member says becomes commands, and what its group becomes is said to it.
 *
 *   first message ──> join or return ──> joined ──> look ──> assignment … assignment
 *   commit, heartbeat, revoked, topics, leave ──> commands                (while answers are owed, no more are read)
 *   group changed ──> look ──> what is new for this member ──> assignment
 *                        └── a partition without an offset ──> its start is looked up and committed, then it is assigned
 *
 * Invariants
 * - `#told` is what the member has been sent; it is compared with the committed group, and nothing else is said.
 * - A commit counts for what the member has been told in this session, under a generation that it has been told here: what it held before
 *   it came back may be somebody else's by now, or have been moved.
 * - A partition whose start cannot be found keeps none of the others waiting.
 */
import type { JoinRequestOutput, JoinResponseMessage, LeaderHint, Position } from "@varve/api";
import {
  type Assignment,
  type CommittedOffset,
  type JoinGroup,
  type Member,
  type NamedPlace,
  type Place,
  type Telling,
  type ToldPlaces,
  assignmentOf,
  endOf,
  givenBack,
  isFinished,
  isTold,
  keyOf,
  ownedOf,
  partsOf,
  placesNamed,
  planTelling,
  toldBefore,
  untoldGeneration,
} from "@varve/cluster";
import { reasons } from "@varve/format";
import { type Refusal, errorFieldsOf, isRefusal, refuse } from "../../refusal.ts";
import type { TimingWheel, WheelEntry } from "../timing-wheel.ts";
import type { CommitTranslator } from "./commit-translator.ts";
import type { GroupPartition, GroupSession } from "./group-partition.ts";

/** The member's connection. */
export interface SessionPort {
  /** False: it takes no more now; `drained` is called when it does. */
  send(response: JoinResponseMessage): boolean;
  /** Nothing more is read until `resume`. */
  pause(): void;
  resume(): void;
  /** Undefined: in order. Once, and nothing is sent after. */
  end(refusal: Refusal | undefined): void;
}

export interface SessionDependencies {
  readonly coordinator: GroupPartition;
  readonly port: SessionPort;
  readonly translator: CommitTranslator;
  readonly wheel: TimingWheel;
  /** The name of a topic; undefined: it is gone. */
  readonly topicName: (topicId: string) => string | undefined;
  readonly leaderOf: (place: Place) => LeaderHint | undefined;
  /** Where a position lies in these partitions; those that are not in the answer could not be asked. Never rejects. */
  readonly resolve: (
    places: readonly Place[],
    position: Position,
  ) => Promise<readonly (Place & { readonly offset: number; readonly leaderEpoch: number })[]>;
}

export interface SessionStart {
  readonly groupId: string;
  readonly join: JoinGroup;
  /** What a member that comes back says to have. */
  readonly owned: readonly NamedPlace[];
  readonly position: Position;
  /** The member sends heartbeats; otherwise its connection is its sign of life. */
  readonly hasHeartbeats: boolean;
}

/** Answers that a session may owe; more is not read. */
const owedMax = 64;
/** Of one message: a generated client takes 4 MiB, and the largest entry is small beside that. */
const assignmentBytesMax = 1024 * 1024;
/** About what an entry takes beside its texts. */
const entryBytes = 200;
/** What could not be done is tried again after so long: a start that nobody could tell, a change that could not be appended. */
const retryMs = 200;

export class MemberSession implements GroupSession {
  readonly #dependencies: SessionDependencies;
  readonly #start: SessionStart;
  #memberId: string;
  #isJoined = false;
  #isOver = false;
  #isClosing = false;
  #isFinishing = false;
  #told: ToldPlaces;
  readonly #owned: Assignment;
  #toldGeneration = untoldGeneration;
  /** As last looked at; unchanged members are the same objects. */
  #seen: Member | undefined;
  /** Partitions whose start is being looked up. */
  readonly #starting = new Set<string>();
  #hasStartless = false;
  #retry: WheelEntry | undefined;
  /** A beat could not be appended. */
  #isUnsaid = false;
  /** What the member wants by now, while the group does not know it. */
  #wishes: { readonly topics: readonly string[]; readonly pattern: string } | undefined;
  readonly #names = new Map<string, string>();
  #owed = 0;
  #isDraining = false;
  #isPaused = false;

  constructor(start: SessionStart, dependencies: SessionDependencies) {
    this.#start = start;
    this.#dependencies = dependencies;
    this.#memberId = start.join.memberId;
    const owned = placesNamed(start.owned, (name) => dependencies.translator.topicId(name));
    for (const { topicId, topic } of owned) this.#names.set(topicId, topic);
    this.#owned = assignmentOf(owned.map(({ topicId, partition }) => [topicId, partition] as const));
    this.#told = toldBefore(this.#owned);
  }

  get memberId(): string {
    return this.#memberId;
  }

  /** Joins. Nothing is to be received before this has resolved. */
  async open(): Promise<void> {
    const { coordinator } = this.#dependencies;
    const { groupId, join, hasHeartbeats } = this.#start;
    // What an older connection still brings was read before: it must not come after what this one hears.
    coordinator.supersede(groupId, join.memberId || (join.newMemberId ?? ""));
    const reply = await coordinator.call(groupId, { kind: "return", join, owned: this.#owned });
    if (isRefusal(reply)) {
      this.end(reply);
      return;
    }
    this.#memberId = reply.memberId;
    if (this.#isOver) {
      // It left, or broke off before it heard its name: it will never come back under it, unless it made it itself.
      if (this.#isClosing || (join.memberId === "" && join.newMemberId === undefined)) void this.#leave("gone");
      return;
    }
    this.#isJoined = true;
    coordinator.attach(groupId, this, !hasHeartbeats);
    const { sessionTimeoutMs } = join;
    this.#send({
      joined: {
        memberId: reply.memberId,
        generation: untoldGeneration,
        sessionTimeoutMs,
        heartbeatIntervalMs: hasHeartbeats ? Math.max(1, Math.floor(sessionTimeoutMs / 3)) : 0,
      },
    });
    this.look();
  }

  receive(request: JoinRequestOutput): void {
    if (this.#isOver || this.#isClosing) return;
    const { coordinator } = this.#dependencies;
    coordinator.heard(this.#start.groupId, this.#memberId);
    switch (request.message) {
      case "heartbeat":
        this.#send({ heartbeat: {} });
        return;
      case "commit":
        void this.#owe(this.#commit(request.commit));
        return;
      case "revoked":
        void this.#owe(this.#revoked(request.revoked));
        return;
      case "topics":
        void this.#owe(this.#subscribe(request.topics));
        return;
      case "leave":
        void this.leave(request.leave?.willReturn === true ? "away" : "gone");
        return;
      case "join":
      case undefined:
        this.end(
          refuse(
            "INVALID_REQUEST",
            "Cannot go on with the session: a message is none of commit, heartbeat, revoked, leave, topics",
          ),
        );
    }
  }

  /** The member goes; the stream ends once that has landed. */
  async leave(mode: "gone" | "away"): Promise<void> {
    if (this.#isOver || this.#isClosing) return;
    this.#isClosing = true;
    if (this.#isJoined) {
      const left = await this.#leave(mode);
      // It is gone, whoever did it.
      if (isRefusal(left) && left.reason !== "UNKNOWN_MEMBER_ID") {
        this.end(left);
        return;
      }
    }
    this.#finish();
    this.#dependencies.port.end(undefined);
  }

  /** The connection takes more. */
  drained(): void {
    this.#isDraining = false;
    this.look();
    this.#readOn();
  }

  /** The connection is gone. The member stays until its session ends. */
  disconnected(): void {
    this.#finish();
  }

  end(refusal: Refusal): void {
    if (this.#isOver) return;
    this.#finish();
    this.#dependencies.port.end(refusal);
  }

  look(): void {
    if (this.#isOver || !this.#isJoined || this.#isDraining) return;
    const { coordinator, topicName } = this.#dependencies;
    const { groupId } = this.#start;
    const group = coordinator.groups.get(groupId);
    const member = group?.members.get(this.#memberId);
    if (group === undefined || member === undefined) {
      if (this.#isClosing) return;
      const why = "its session has ended, or it did not give back its partitions in time; join again";
      this.end(refuse("UNKNOWN_MEMBER_ID", `Member "${this.#memberId}" is not in group "${groupId}" any more: ${why}`));
      return;
    }
    if (isFinished(group)) {
      // The answers come first: whoever committed the last of it hears that it is in.
      this.#isFinishing = true;
      if (this.#owed > 0) return;
      this.#send({ finished: {} });
      void this.leave("gone");
      return;
    }
    if (member === this.#seen && !this.#hasStartless) return;
    this.#seen = member;
    const telling = planTelling(this.#told, group, member, (topicId) => topicName(topicId) === undefined);
    this.#told = telling.told;
    this.#tell(telling, member);
    if (telling.owned !== undefined) void this.#owe(this.#beat());
    this.#hasStartless = telling.startless.length > 0;
    this.#findStarts(telling.startless);
  }

  #tell({ assign, revoke, lost }: Telling, { epoch }: Member): void {
    const isNothing = assign.length + revoke.length + lost.length === 0;
    if (isNothing && epoch === this.#toldGeneration) return;
    const generations = { before: this.#toldGeneration, after: epoch };
    this.#toldGeneration = epoch;
    const room = {
      sizeMax: assignmentBytesMax,
      sizeOf: (one: Place & { readonly committed?: CommittedOffset }) =>
        entryBytes + Buffer.byteLength(this.#remember(one.topicId)) + Buffer.byteLength(one.committed?.metadata ?? ""),
    };
    for (const part of partsOf({ assign, revoke, lost }, generations, room)) {
      this.#send({
        assignment: {
          memberId: this.#memberId,
          generation: part.generation,
          assign: part.assign.map((one) => this.#assigned(one)),
          revoke: part.revoke.map((one) => this.#named(one)),
          lost: part.lost.map((one) => this.#named(one)),
        },
      });
    }
  }

  #assigned({ committed, ...place }: Place & { readonly committed: CommittedOffset }): object {
    const { coordinator, leaderOf } = this.#dependencies;
    const { offset, leaderEpoch, metadata, movedEpoch: movedGeneration } = committed;
    const group = coordinator.groups.get(this.#start.groupId);
    const endOffset = group && endOf(group, place.topicId, place.partition);
    return {
      ...this.#named(place),
      offset,
      leaderEpoch,
      metadata,
      movedGeneration,
      ...(endOffset === undefined ? {} : { endOffset }),
      leader: leaderOf(place),
    };
  }

  #named({ topicId, partition }: Place): NamedPlace {
    return { topic: this.#remember(topicId), topicId, partition };
  }

  /** Also when the topic is gone, and with it its name. */
  #remember(topicId: string): string {
    const name = this.#dependencies.topicName(topicId) ?? this.#names.get(topicId) ?? "";
    this.#names.set(topicId, name);
    return name;
  }

  /** What this comes to is committed as anything else is, and the group's change brings it here again. */
  #findStarts(startless: readonly Place[]): void {
    const { coordinator, resolve, wheel } = this.#dependencies;
    const unasked = startless.filter((place) => !this.#starting.has(keyOf(place)));
    if (unasked.length === 0 || this.#retry !== undefined) return;
    for (const place of unasked) this.#starting.add(keyOf(place));
    const find = async (): Promise<void> => {
      const offsets = await resolve(unasked, this.#start.position);
      const asked = { kind: "start" as const, memberId: this.#memberId, offsets };
      const refused = offsets.length > 0 && isRefusal(await coordinator.call(this.#start.groupId, asked));
      for (const place of unasked) this.#starting.delete(keyOf(place));
      if (this.#isOver) return;
      if (!refused && offsets.length === unasked.length) this.look();
      else this.#retry ??= wheel.schedule(retryMs, () => this.#again());
    };
    void find();
  }

  async #commit(commit: JoinRequestOutput["commit"]): Promise<void> {
    const { coordinator, translator } = this.#dependencies;
    const { groupId, join } = this.#start;
    const { requestId = 0, offsets = [], generation = 0 } = commit ?? {};
    const claim = { memberId: this.#memberId, instanceId: join.instanceId, epoch: generation };
    const told = this.#told;
    const committed = await translator.commit(
      coordinator,
      groupId,
      { claim, isTold: (one) => isTold(told, one) },
      offsets,
    );
    if (isRefusal(committed)) this.#send({ commit: { requestId, error: errorFieldsOf(committed) } });
    else this.#send({ commit: { requestId, offsets: committed } });
  }

  /** What the member does not name it has still. */
  async #revoked(revoked: JoinRequestOutput["revoked"]): Promise<void> {
    const given = placesNamed(revoked?.partitions ?? [], (name) => this.#dependencies.translator.topicId(name));
    this.#told = givenBack(this.#told, given, revoked?.generation ?? 0);
    await this.#beat();
  }

  async #subscribe(wanted: JoinRequestOutput["topics"]): Promise<void> {
    const { topics = [], topicPattern: pattern = "" } = wanted ?? {};
    const fault = this.#dependencies.translator.subscriptionFault(topics, pattern);
    if (fault !== undefined) {
      this.end(fault);
      return;
    }
    this.#wishes = { topics, pattern };
    await this.#beat();
  }

  /** Says what the member has by now, and what else it wants. What could not be appended is said again, until it is. */
  async #beat(): Promise<void> {
    const { groupId, join } = this.#start;
    const wishes = this.#wishes;
    const beat = {
      memberId: this.#memberId,
      instanceId: join.instanceId,
      owned: ownedOf(this.#told),
      ...(wishes === undefined ? {} : { wishes }),
    };
    const reply = await this.#dependencies.coordinator.call(groupId, { kind: "beat", beat });
    if (!isRefusal(reply)) {
      if (this.#wishes === wishes) this.#wishes = undefined;
      this.look();
      return;
    }
    if (reply.reason === "NOT_COORDINATOR" || !reasons[reply.reason].retriable) {
      this.end(reply);
      return;
    }
    this.#isUnsaid = true;
    this.#retry ??= this.#dependencies.wheel.schedule(retryMs, () => this.#again());
  }

  #again(): void {
    this.#retry = undefined;
    if (this.#isOver) return;
    const isUnsaid = this.#isUnsaid;
    this.#isUnsaid = false;
    if (isUnsaid) void this.#owe(this.#beat());
    this.look();
  }

  #leave(mode: "gone" | "away"): Promise<undefined | Refusal> {
    const { groupId, join } = this.#start;
    const leave = { memberId: this.#memberId, instanceId: join.instanceId, mode };
    return this.#dependencies.coordinator.call(groupId, { kind: "leave", leave });
  }

  async #owe(answer: Promise<void>): Promise<void> {
    this.#owed++;
    this.#readOn();
    await answer;
    this.#owed--;
    if (this.#isFinishing) this.look();
    this.#readOn();
  }

  #readOn(): void {
    if (this.#isOver) return;
    const isPaused = this.#owed >= owedMax || this.#isDraining;
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#dependencies.port.pause();
    else this.#dependencies.port.resume();
  }

  #send(response: JoinResponseMessage): void {
    if (this.#isOver) return;
    if (this.#dependencies.port.send(response)) return;
    this.#isDraining = true;
    this.#readOn();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#retry?.cancel();
    if (this.#isJoined) this.#dependencies.coordinator.detach(this.#start.groupId, this);
  }
}
