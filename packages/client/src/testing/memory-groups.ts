// SPDX-License-Identifier: Apache-2.0
// Consumer groups in memory, for the client's own tests: who has what, what is committed, under which generation, as a coordinator does
// it, and faults that can be asked for. Members share the partitions of all topics evenly; a revoked partition goes on when it was given
// back. It proves nothing about the coordinator. It watches, and remembers what no member may do.

import type { ServerDuplexStream } from "@grpc/grpc-js";
import {
  errorToFields,
  positionFromMessage,
  statusFromError,
  VarveError,
  type AssignedPartitionMessage,
  type GroupsHandlers,
  type JoinRequestOutput,
  type JoinResponseMessage,
  type MemberCommitOutput,
  type MemberSubscriptionOutput,
  type Position,
} from "@varve/api";

type Call = ServerDuplexStream<JoinRequestOutput, JoinResponseMessage>;

interface Member {
  readonly memberId: string;
  readonly topics: readonly string[];
  call: Call | undefined;
  generation: number;
  /** Keys of partitions. */
  readonly has: Set<string>;
  readonly revoking: Set<string>;
  /** What its stream has assigned: nothing else is committed. */
  readonly told: Set<string>;
}

interface Group {
  generation: number;
  readonly members: Map<string, Member>;
  readonly committed: Map<string, number>;
  /** By which generation a partition was moved last. */
  readonly moved: Map<string, number>;
  readonly ends: Map<string, number>;
  /** Every commit that was taken, in order. */
  readonly history: { readonly key: string; readonly offset: number; readonly memberId: string }[];
}

/** What happens to the next message of its kind. */
export interface GroupFaults {
  /** Refusals of joins to come, one each. */
  readonly joins: VarveError[];
  /** What commits to come meet, one each. "lost": taken, and the stream breaks before the answer. */
  readonly commits: (VarveError | "break" | "lost" | "none")[];
  /** After so many messages to the member its stream breaks, once for each entry. */
  readonly breaks: number[];
}

export interface GroupTopics {
  partitionsOf(topic: string): number;
  resolve(topic: string, partition: number, position: Position): number;
}

export class MemoryGroups {
  readonly groups = new Map<string, Group>();
  readonly faults: GroupFaults = { joins: [], commits: [], breaks: [] };
  /** Called with each commit that is taken. */
  onCommit: (key: string, offset: number) => void = () => undefined;
  /** Called with each join, before it is answered. */
  onJoin: () => void = () => undefined;
  /** Commits and joins are not answered. */
  silent = false;
  sessionTimeoutMs = 30_000;
  /** So long after its session broke a member is given up, in ms; Infinity: never. */
  giveUpMs = Infinity;
  /** The first assignment of a session comes in two messages, as one that is too large for one does. */
  splitAssignments = false;
  joins = 0;
  heartbeats = 0;
  leaves: boolean[] = [];
  /** Sessions open now. */
  sessions = 0;
  readonly #topics: GroupTopics;
  /** How often a topic of a name was made. */
  readonly #made = new Map<string, number>();
  #nextMember = 1;

  constructor(topics: GroupTopics) {
    this.#topics = topics;
  }

  group(name: string): Group {
    let group = this.groups.get(name);
    if (group === undefined) {
      group = {
        generation: 1,
        members: new Map(),
        committed: new Map(),
        moved: new Map(),
        ends: new Map(),
        history: [],
      };
      this.groups.set(name, group);
    }
    return group;
  }

  handlers(): Pick<GroupsHandlers, "Join"> {
    return { Join: (call) => this.#session(call) };
  }

  /** Moves a group while its members run. */
  reset(name: string, key: string, offset: number): void {
    const group = this.group(name);
    group.committed.set(key, offset);
    group.generation += 1;
    group.moved.set(key, group.generation);
    for (const member of group.members.values()) {
      if (!member.has.has(key)) continue;
      member.generation = group.generation;
      this.#tell(member, { assign: [this.#place(group, key)] });
    }
  }

  /** A topic is gone. */
  lose(name: string, keys: readonly string[]): void {
    for (const member of this.group(name).members.values()) {
      const lost = keys.filter((key) => member.has.delete(key));
      if (lost.length > 0) this.#tell(member, { lost: lost.map((key) => this.#named(key)) });
    }
  }

  /** A topic is gone, and one of its name is there, in which somebody has committed: members hear of both at once. */
  recreate(name: string, keys: readonly string[], offset = 0): void {
    const group = this.group(name);
    group.generation += 1;
    const owned = keys.map((key) => this.#named(key));
    for (const topic of new Set(owned.map((each) => each.topic)))
      this.#made.set(topic, (this.#made.get(topic) ?? 1) + 1);
    for (const key of keys) group.committed.set(key, offset);
    for (const member of group.members.values()) {
      const lost = owned.filter((each) => member.has.has(keyOf(each)));
      member.generation = group.generation;
      this.#tell(member, { lost, assign: lost.map((each) => this.#place(group, keyOf(each))) });
    }
  }

  /** Breaks every session; the members keep their places. */
  breakAll(name: string, error = new VarveError("SHUTTING_DOWN", "The test breaks the session")): void {
    for (const member of this.group(name).members.values()) {
      const { call } = member;
      member.call = undefined;
      call?.emit("error", statusFromError(error));
    }
  }

  /** The sessions time out: nobody has anything. */
  expelAll(name: string): void {
    const group = this.group(name);
    const members = [...group.members.values()];
    group.members.clear();
    for (const { call } of members) {
      call?.emit("error", statusFromError(new VarveError("UNKNOWN_MEMBER_ID", "The test ends the session")));
    }
  }

  #session(call: Call): void {
    this.sessions += 1;
    let member: Member | undefined;
    let group: Group | undefined;
    let breakAfter = this.faults.breaks.shift() ?? Infinity;
    const write = call.write.bind(call);
    call.write = (message: JoinResponseMessage): boolean => {
      if (breakAfter-- > 0) return write(message);
      if (member?.call === call) member.call = undefined;
      call.emit("error", statusFromError(new VarveError("SHUTTING_DOWN", "The test breaks the session")));
      return false;
    };
    const gone = (): void => {
      if (group !== undefined && member !== undefined && (member.call === call || member.call === undefined)) {
        member.call = undefined;
        this.#giveUpLater(group, member);
      }
    };
    call.on("close", () => {
      this.sessions -= 1;
      gone();
    });
    call.on("cancelled", gone);
    call.on("data", (message: JoinRequestOutput) => {
      if (this.silent) return;
      switch (message.message) {
        case "join": {
          const refusal = this.faults.joins.shift();
          if (refusal !== undefined) call.emit("error", statusFromError(refusal));
          else {
            group = this.group(message.join!.group);
            member = this.#join(group, message.join!, call);
          }
          return;
        }
        case "commit":
          if (group !== undefined && member !== undefined) this.#commit(group, member, message.commit!, call);
          return;
        case "heartbeat":
          this.heartbeats += 1;
          call.write({ heartbeat: {} });
          return;
        case "revoked":
          for (const partition of message.revoked!.partitions) {
            const key = keyOf(partition);
            if (member?.revoking.delete(key) === true) member.has.delete(key);
          }
          if (group !== undefined) this.#balance(group);
          return;
        case "leave":
          this.leaves.push(message.leave!.willReturn);
          if (group !== undefined && member !== undefined && !message.leave!.willReturn) {
            group.members.delete(member.memberId);
            this.#balance(group);
          }
          gone();
          call.end();
          return;
        case "topics":
        case undefined:
      }
    });
    call.on("end", () => {
      gone();
      call.end();
    });
  }

  #join(group: Group, join: MemberSubscriptionOutput, call: Call): Member {
    this.joins += 1;
    this.onJoin();
    const memberId = join.memberId || join.newMemberId || `m${this.#nextMember++}`;
    for (const topic of join.topics) {
      for (let partition = 0; partition < this.#topics.partitionsOf(topic); partition++) {
        const key = keyOf({ topic, partition });
        if (group.committed.has(key)) continue;
        const start = positionFromMessage(join.start, { kind: "latest" });
        group.committed.set(key, this.#topics.resolve(topic, partition, start));
      }
    }
    const before = group.members.get(memberId);
    const member: Member = before ?? {
      memberId,
      topics: join.topics,
      call: undefined,
      generation: group.generation,
      has: new Set(),
      revoking: new Set(),
      told: new Set(),
    };
    group.members.set(memberId, member);
    member.call = call;
    const owned = join.owned.map(keyOf);
    // What it does not name it has given back.
    for (const key of member.revoking) if (!owned.includes(key)) member.has.delete(key);
    member.revoking.clear();
    member.told.clear();
    call.write({
      joined: {
        memberId,
        // Before the first assignment nothing is committed.
        generation: -1,
        sessionTimeoutMs: this.sessionTimeoutMs,
        heartbeatIntervalMs: Math.floor(this.sessionTimeoutMs / 3),
      },
    });
    const isOwn = (each: { topic: string; partition: number; topicId: string }): boolean =>
      member.has.has(keyOf(each)) && (each.topicId === "" || each.topicId === this.#named(keyOf(each)).topicId);
    const lost = join.owned.filter((each) => !isOwn(each));
    const assign = [...member.has].map((key) => this.#place(group, key));
    const first = this.splitAssignments ? Math.ceil(assign.length / 2) : 0;
    if (first > 0) this.#tell(member, { lost, assign: assign.slice(0, first) }, -1);
    this.#tell(member, { lost: first > 0 ? [] : lost, assign: assign.slice(first) });
    this.#balance(group);
    return member;
  }

  #giveUpLater(group: Group, member: Member): void {
    if (this.giveUpMs === Infinity) return;
    const timer = setTimeout(() => {
      if (member.call !== undefined || group.members.get(member.memberId) !== member) return;
      group.members.delete(member.memberId);
      this.#balance(group);
    }, this.giveUpMs);
    timer.unref();
  }

  /** Everybody gets as much as everybody else; what is too much is asked back, and given when it is free. */
  #balance(group: Group): void {
    const members = [...group.members.values()];
    if (members.length === 0) return;
    const keys = [...group.committed.keys()].sort();
    const share = Math.ceil(keys.length / members.length);
    let isNew = false;
    for (const member of members) {
      const kept = [...member.has].filter((key) => !member.revoking.has(key));
      const excess = kept.slice(share);
      if (excess.length === 0) continue;
      for (const key of excess) member.revoking.add(key);
      this.#tell(member, { revoke: excess.map((key) => this.#named(key)) });
    }
    const taken = new Set(members.flatMap(({ has }) => [...has]));
    for (const member of members) {
      const free = keys.filter((key) => !taken.has(key)).slice(0, Math.max(0, share - member.has.size));
      if (free.length === 0 || member.revoking.size > 0) continue;
      if (!isNew) group.generation += 1;
      isNew = true;
      member.generation = group.generation;
      for (const key of free) {
        member.has.add(key);
        taken.add(key);
      }
      this.#tell(member, { assign: free.map((key) => this.#place(group, key)) });
    }
  }

  #commit(group: Group, member: Member, commit: MemberCommitOutput, call: Call): void {
    const fault = this.faults.commits.shift();
    const { requestId } = commit;
    if (fault === "break") {
      if (member.call === call) member.call = undefined;
      call.emit("error", statusFromError(new VarveError("SHUTTING_DOWN", "The test breaks the session")));
      return;
    }
    if (fault instanceof VarveError) {
      if (fault.reason === "UNKNOWN_MEMBER_ID") group.members.delete(member.memberId);
      call.write({ commit: { requestId, error: errorToFields(fault) } });
      return;
    }
    if (commit.generation !== member.generation) {
      const stale = new VarveError("STALE_MEMBER_EPOCH", "There is a newer generation");
      call.write({ commit: { requestId, error: errorToFields(stale) } });
      return;
    }
    const offsets = commit.offsets.map((wish) => {
      const key = keyOf(wish);
      if (!member.has.has(key)) {
        const error = errorToFields(new VarveError("NOT_ASSIGNED", `"${member.memberId}" does not have ${key}`));
        return { ...wish, error };
      }
      if (!member.told.has(key)) {
        const error = errorToFields(new VarveError("STALE_MEMBER_EPOCH", `This stream has not assigned ${key}`));
        return { ...wish, error };
      }
      group.committed.set(key, wish.offset);
      this.onCommit(key, wish.offset);
      group.history.push({ key, offset: wish.offset, memberId: member.memberId });
      return { ...wish, error: null };
    });
    if (fault === "lost") {
      if (member.call === call) member.call = undefined;
      call.emit("error", statusFromError(new VarveError("SHUTTING_DOWN", "The test loses the answer")));
      return;
    }
    call.write({ commit: { requestId, offsets } });
    const isDone = [...group.ends].every(([key, end]) => (group.committed.get(key) ?? -1) >= end);
    if (group.ends.size === 0 || !isDone) return;
    for (const { call: open } of group.members.values()) {
      open?.write({ finished: {} });
      open?.end();
    }
  }

  #place(group: Group, key: string): AssignedPartitionMessage {
    const endOffset = group.ends.get(key);
    const offset = group.committed.get(key) ?? 0;
    const movedGeneration = group.moved.get(key) ?? -1;
    return { ...this.#named(key), offset, movedGeneration, ...(endOffset === undefined ? {} : { endOffset }) };
  }

  #named(key: string): { topic: string; partition: number; topicId: string } {
    const named = partitionOf(key);
    return { ...named, topicId: `${named.topic}-${this.#made.get(named.topic) ?? 1}` };
  }

  #tell(
    member: Member,
    change: NonNullable<JoinResponseMessage["assignment"]>,
    generation: number = member.generation,
  ): void {
    const { memberId } = member;
    for (const assigned of change.assign ?? []) member.told.add(`${assigned.topic}/${assigned.partition}`);
    member.call?.write({ assignment: { memberId, generation, ...change } });
  }
}

function keyOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`;
}

function partitionOf(key: string): { topic: string; partition: number } {
  const at = key.lastIndexOf("/");
  return { topic: key.slice(0, at), partition: Number(key.slice(at + 1)) };
}
