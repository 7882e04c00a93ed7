// A world of consumer groups: clients with their beliefs, streams that break, a coordinator that fails over in the middle of a commit while
// the old one goes on for a while, compaction beside it all. What decides is the real code of ../group; what is modelled is what lies
// between, and the replicated log under it: whoever takes over has everything below the high watermark, and some of what is above.
//
//   clients ── sessions ── shard (the coordinator) ── log ── the next shard
//      └───────────── oracle: G-I1 … G-I4 ────────────┘
//
// Deterministic: a world is a function of its profile and its steps.

import type { Coverage, Trace } from "raft-ts/testing";
import { nothing, sizeOf } from "../group/assignment.ts";
import { endOf, offsetOf, ownersOf, phaseOf } from "../group/state.ts";
import type { Group } from "../group/state.ts";
import { wantedTopics } from "../group/settle.ts";
import { WorldClient } from "./group-client.ts";
import type { ClientHost, HeldPartition } from "./group-client.ts";
import { GroupLog } from "./group-log.ts";
import { GroupOracle } from "./group-oracle.ts";
import type { GroupProfile, GroupStep } from "./group-plan.ts";
import { membersMax, newSession, Shard } from "./group-shard.ts";
import type { CommitShadow, ShardHost } from "./group-shard.ts";
import { WorldTopics } from "./group-topics.ts";

export class GroupWorld implements ShardHost, ClientHost {
  readonly topics = new WorldTopics();
  readonly clients: readonly WorldClient[];
  readonly oracle = new GroupOracle();
  readonly coverage: Coverage;
  readonly trace: Trace;
  readonly groupIds: readonly string[];
  nowMs = 0;
  /** Leads. */
  shard: Shard;
  /** Led, and does not know better yet. */
  #old: Shard | undefined;
  #ids = 0;

  constructor(profile: GroupProfile, seen: { readonly coverage: Coverage; readonly trace: Trace }) {
    this.coverage = seen.coverage;
    this.trace = seen.trace;
    for (let index = 0; index < profile.topics; index += 1) this.topics.createNext(index + 1);
    this.groupIds = Array.from({ length: profile.groups }, (_, index) => `g${index}`);
    this.clients = profile.clients.map((one, index) => new WorldClient(this, one, index));
    this.shard = new Shard(this, new GroupLog(), 0);
    this.shard.load();
  }

  newUuid(): string {
    return String(++this.#ids);
  }

  count(what: string): void {
    this.coverage.count(what);
    this.line(() => `  ${what}`);
  }

  line(text: () => string): void {
    if (this.trace.isVerbose) this.trace.line(text());
  }

  handled(groupId: string, held: HeldPartition, from: number, to: number): void {
    this.oracle.finished(groupId, held, from, to);
  }

  acknowledged(groupId: string, offsets: readonly CommitShadow[]): void {
    this.oracle.acknowledged(groupId, offsets);
  }

  changed(groups: ReadonlyMap<string, Group>, changed: readonly string[]): void {
    for (const groupId of changed) this.oracle.committed(groupId, groups.get(groupId));
  }

  run({ kind, who, pick }: GroupStep): void {
    const client = this.clients[who % this.clients.length] as WorldClient;
    this.line(() => `${kind} c${who % this.clients.length} ${pick}`);
    this.#perform(kind, client, pick);
    this.trace.fact(this.shard.log.end);
    this.trace.fact(this.shard.highWatermark);
  }

  #perform(kind: GroupStep["kind"], client: WorldClient, pick: number): void {
    const isAwake = client.state === "running";
    switch (kind) {
      case "start":
        client.start();
        return;
      case "connect":
        if (isAwake && client.session === undefined) this.#connect(client, pick);
        return;
      case "up":
        this.#deliverUp(pick);
        return;
      case "down":
        this.#deliverDown(client);
        return;
      case "poll":
        if (isAwake) client.poll(pick);
        return;
      case "finish":
        if (isAwake) client.finish(pick);
        return;
      case "commit":
        if (isAwake && client.session !== undefined) client.commit();
        return;
      case "beat":
        if (isAwake) client.beat();
        return;
      case "leave":
        if (isAwake && client.session !== undefined) client.leave(pick % 2 === 0);
        return;
      case "crash":
        client.crash();
        return;
      case "stall":
        if (isAwake) client.state = "stalled";
        return;
      case "wake":
        if (client.state === "stalled") client.state = "running";
        return;
      case "cut":
        this.#cut(client, pick);
        return;
      case "turn":
      case "refuseTurn":
        this.#shardOf(pick).turn(kind === "turn");
        return;
      case "cutOrphan":
        this.#breakAtNode(this.#orphan(pick));
        return;
      case "replicate":
        this.#replicate(pick);
        return;
      case "replicateAll":
        for (const end of this.shard.log.endsAfter(this.shard.highWatermark)) this.shard.committed(end);
        return;
      case "failOver":
        this.failOver(pick);
        return;
      case "load":
        this.shard.load();
        return;
      case "resignOld":
        this.resignOld();
        return;
      case "pass":
        this.nowMs += pick % 8_000;
        return;
      case "produce":
        this.topics.produce(pick);
        return;
      case "compact":
        this.#compact(pick);
        return;
      case "reset":
        this.#reset(pick);
        return;
      case "fork":
        this.#fork(pick);
        return;
      case "grow":
      case "deleteTopic":
      case "createTopic":
        this.#changeTopics(kind, pick);
        return;
      case "expire":
        this.#alone(() => this.shard.expire(pick % 60_000));
        return;
      case "deleteGroup":
        this.#alone(() => this.shard.submit(this.groupIds[pick % this.groupIds.length] as string, { kind: "delete" }));
        return;
    }
  }

  /** In a turn of its own: the oracle sees that a group is gone before another one has its name. */
  #alone(end: () => void): void {
    this.shard.turn(true);
    end();
    this.shard.turn(true);
  }

  /** Mostly the one that leads. */
  #shardOf(pick: number): Shard {
    return this.#old !== undefined && pick % 4 === 0 ? this.#old : this.shard;
  }

  #connect(client: WorldClient, pick: number): void {
    const session = newSession(this.clients.indexOf(client), client.groupId, client.profile.isKeptByConnection);
    this.#shardOf(pick).open(session);
    client.connect(session);
  }

  #deliverUp(pick: number): void {
    const shard = this.#shardOf(pick);
    const busy = [...shard.sessions].filter(({ up }) => up.length > 0);
    const session = busy[(pick >>> 2) % Math.max(1, busy.length)];
    if (session !== undefined) shard.receive(session);
  }

  #deliverDown(client: WorldClient): void {
    if (client.state !== "running") return;
    const message = client.session?.down.shift();
    if (message === undefined) return;
    this.line(() => `  hears ${JSON.stringify(message)}`);
    client.hear(message);
  }

  /** A stream breaks, at one end or at both; what it still brings from the client may come. */
  #cut(client: WorldClient, pick: number): void {
    const { session } = client;
    if (pick % 3 !== 0) client.session = undefined;
    if (session !== undefined && pick % 3 !== 1) this.#breakAtNode(session);
    else this.#breakAtNode(this.#orphan(pick));
  }

  /** A stream whose client has another one, or is gone. */
  #orphan(pick: number): ReturnType<typeof newSession> | undefined {
    const shard = this.#shardOf(pick);
    const orphans = [...shard.sessions].filter((one) => this.clients[one.clientIndex]?.session !== one);
    return orphans[(pick >>> 2) % Math.max(1, orphans.length)];
  }

  #breakAtNode(session: ReturnType<typeof newSession> | undefined): void {
    if (session === undefined) return;
    this.shard.broken(session);
    this.#old?.broken(session);
    session.down.push({ kind: "ended", reason: "broken", isFinal: false });
  }

  #replicate(pick: number): void {
    const { shard } = this;
    const ends = shard.log.endsAfter(shard.highWatermark);
    for (const end of ends.slice(0, 1 + (pick % Math.max(1, ends.length)))) shard.committed(end);
  }

  /** Another node leads, with everything that is committed and some of what is not. */
  failOver(pick: number): void {
    this.resignOld();
    const { shard } = this;
    const ends = [shard.highWatermark, ...shard.log.endsAfter(shard.highWatermark)];
    const end = ends[pick % ends.length] as number;
    this.coverage.count(
      end === shard.log.end ? "fail-over with everything" : "fail-over without what was not committed",
    );
    this.#old = shard;
    this.shard = new Shard(this, shard.log.prefix(end), shard.highWatermark);
  }

  resignOld(): void {
    this.#old?.resign();
    this.#old = undefined;
  }

  #compact(pick: number): void {
    const { log, highWatermark } = this.shard;
    const bound = Math.floor((highWatermark * (pick % 100)) / 100);
    log.compact(bound, (pick >>> 8) % 2 === 0);
  }

  #reset(pick: number): void {
    const places = [...this.topics.partitions()];
    if (places.length === 0) return;
    const groupId = this.groupIds[pick % this.groupIds.length] as string;
    const chosen = places.filter((_, index) => ((pick >>> 3) + index) % 3 === 0);
    const offsets = chosen.map(({ topicId, partition, end }, index) => ({
      topicId,
      partition,
      offset: ((pick >>> 5) + index) % (end + 1),
    }));
    this.shard.submit(groupId, { kind: "reset", reset: { offsets } }, { kind: "reset", groupId, offsets });
  }

  /** Where there is no group of that name. */
  #fork(pick: number): void {
    const groupId = this.groupIds[pick % this.groupIds.length] as string;
    const offsets = [...this.topics.partitions()].map(({ topicId, partition, end }, index) => {
      const offset = ((pick >>> 3) + index) % (end + 1);
      return { topicId, partition, offset, endOffset: (pick >>> 8) % 3 === 0 ? undefined : end };
    });
    if (offsets.length > 0) this.shard.submit(groupId, { kind: "fork", fork: { offsets } });
  }

  #changeTopics(kind: "grow" | "deleteTopic" | "createTopic", pick: number): void {
    if (kind === "grow") this.topics.grow(pick);
    else if (kind === "deleteTopic") this.topics.delete(pick);
    else this.topics.createNext(pick);
    this.shard.topicsChanged();
    for (const groupId of this.groupIds) this.shard.tell(groupId);
  }

  /** Why things are not as they should be when nothing goes wrong any more; undefined: they are. */
  whyNotWell(): string | undefined {
    for (const groupId of this.groupIds) {
      const group = this.shard.visible.get(groupId);
      const clients = this.clients.filter((client) => client.groupId === groupId);
      if (group === undefined) return `there is no ${groupId}`;
      if (phaseOf(group) === "finished") continue;
      const members = Math.min(clients.length, membersMax);
      if (phaseOf(group) !== "stable" || group.members.size !== members) {
        return `${groupId} is ${phaseOf(group)}, has ${group.members.size} of ${members} members`;
      }
      const owners = ownersOf(group);
      const wanted = new Map([...group.members.values()].flatMap((member) => [...wantedTopics(member, this.topics)]));
      for (const [topicId, partitions] of wanted) {
        for (let partition = 0; partition < partitions; partition += 1) {
          const key = `${topicId}/${partition}`;
          if (!owners.has(key)) return `nobody in ${groupId} has ${key}`;
          if (group.ends.size > 0 && endOf(group, topicId, partition) === undefined) continue;
          const end = endOf(group, topicId, partition) ?? this.topics.end(topicId, partition);
          const committed = offsetOf(group, topicId, partition)?.offset;
          // A reset may go beyond where a group ends.
          const isThere = group.ends.size > 0 ? (committed ?? -1) >= end : committed === end;
          if (!isThere) return `${groupId} is at ${committed} of ${end} in ${key}`;
        }
      }
      for (const client of clients) {
        const has = sizeOf(group.members.get(client.memberId)?.assigned ?? nothing);
        if (group.ends.size === 0 && client.held.size !== has)
          return `${client.memberId} of ${groupId} reads ${client.held.size} partitions, and has ${has}`;
      }
      // O-4.
      for (const [topicId] of group.offsets)
        if (this.topics.isGone(topicId)) return `${groupId} has offsets of ${topicId}, which is gone`;
    }
    return undefined;
  }
}
