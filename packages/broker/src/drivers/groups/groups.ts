/**
 * The groups that this node coordinates: one `GroupPartition` for each partition of the internal topic that it leads, for as long as it
 * leads it. And where the others are.
 *
 *   group ── murmur2 ──> partition of __consumer_offsets ─┬─ led here: GroupPartition
 *                                                         ├─ led elsewhere: that node
 *                                                         └─ there is no such topic yet, or no leader
 */
import type { ControllerImage, CoordinatorOptions } from "@varve/cluster";
import { noLeader, topicNamed } from "@varve/cluster";
import type { Clock, Timer } from "@varve/log";
import { type Refusal, refuse } from "../../refusal.ts";
import type { TimingWheel } from "../timing-wheel.ts";
import type { LocalTopic } from "../topics.ts";
import { GroupPartition } from "./group-partition.ts";
import type { GroupStats } from "./group-stats.ts";
import { offsetsTopic, partitionOfGroup } from "./offsets-topic.ts";
import type { TopicsHere } from "./topics-here.ts";

export interface GroupsDependencies {
  readonly nodeId: number;
  readonly clock: Clock;
  readonly wheel: TimingWheel;
  readonly image: () => ControllerImage;
  readonly topic: () => LocalTopic | undefined;
  readonly topics: TopicsHere;
  readonly limits: CoordinatorOptions["limits"];
  readonly newUuid: () => string;
  readonly appendTimeoutMs: number;
  readonly offsetsRetentionMs: number;
  readonly stats: GroupStats;
  readonly log: (fields: object, event: string) => void;
}

/** Who keeps a group. */
export type Coordination =
  | { readonly kind: "here"; readonly coordinator: GroupPartition }
  | { readonly kind: "elsewhere"; readonly nodeId: number }
  /** No group has ever been kept. */
  | { readonly kind: "nowhere" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Sessions are looked at so often. */
const tickMs = 500;
/** How often groups that nobody uses are looked for, and at most a tenth of how long they are kept. */
const expiryMsMax = 600_000;

export class Groups {
  readonly #dependencies: GroupsDependencies;
  readonly #partitions = new Map<number, GroupPartition>();
  /** The last leader epoch that had a coordinator here, by partition. What it appended lies above LESO: nobody can load it in that epoch. */
  readonly #coordinatedEpochs = new Map<number, number>();
  #tick: Timer | undefined;
  #isClosed = false;
  #topicsSeen = new Map<string, number>();
  #imageSeen: ControllerImage["topics"] | undefined;
  #expiresAtMs: number;

  constructor(dependencies: GroupsDependencies) {
    this.#dependencies = dependencies;
    this.#expiresAtMs = dependencies.clock.monotonicMs() + this.#expiryMs;
  }

  /** Coordinators of this node. */
  get local(): Iterable<GroupPartition> {
    return this.#partitions.values();
  }

  /** Who keeps the group. */
  find(groupId: string): Coordination {
    const topic = this.#dependencies.topic();
    const known = topicNamed(this.#dependencies.image(), offsetsTopic);
    if (topic === undefined) {
      if (known === undefined) return { kind: "nowhere" };
      return { kind: "refused", refusal: notYet("its files are being made") };
    }
    return this.at(partitionOfGroup(groupId, topic.partitionCount));
  }

  /** Who keeps that partition's groups. */
  at(number: number): Coordination {
    const topic = this.#dependencies.topic();
    if (topic === undefined) return { kind: "nowhere" };
    const coordinator = this.#here(topic, number);
    if (coordinator !== undefined) return { kind: "here", coordinator };
    const nodeId = topic.leaderElsewhere(number);
    if (nodeId !== undefined) return { kind: "elsewhere", nodeId };
    const isLed = (topic.placements[number]?.leader ?? noLeader) !== noLeader;
    return { kind: "refused", refusal: notYet(isLed ? "its leader epoch has not begun" : "it has no leader now") };
  }

  get partitionCount(): number {
    return this.#dependencies.topic()?.partitionCount ?? 0;
  }

  /** The metadata have changed, and are in effect here. */
  look(): void {
    if (this.#isClosed) return;
    const topic = this.#dependencies.topic();
    if (topic === undefined) return;
    for (let number = 0; number < topic.partitionCount; number++) this.#here(topic, number);
    for (const [number, coordinator] of this.#partitions) {
      if (coordinator.isAlive) continue;
      coordinator.tick();
      this.#partitions.delete(number);
    }
    if (this.#partitions.size > 0) this.#schedule();
    if (this.#haveTopicsChanged()) for (const coordinator of this.#partitions.values()) coordinator.topicsChanged();
  }

  close(refusal: Refusal): void {
    this.#isClosed = true;
    this.#tick?.cancel();
    for (const coordinator of this.#partitions.values()) coordinator.end(refusal);
    this.#partitions.clear();
  }

  /** The coordinator of the partition, if this node leads it; a new one when it leads anew. */
  #here(topic: LocalTopic, number: number): GroupPartition | undefined {
    const partition = topic.partitions[number];
    const known = this.#partitions.get(number);
    if (known?.isAlive === true && known.partition === partition) return known;
    known?.tick();
    this.#partitions.delete(number);
    const leaderEpoch = partition?.leading?.state.leaderEpoch;
    if (this.#isClosed || partition === undefined || leaderEpoch === undefined || partition.closedBy !== undefined)
      return undefined;
    // O-1: it ended, and an epoch that begins where its log ends now is on its way.
    if (this.#coordinatedEpochs.get(number) === leaderEpoch) return undefined;
    const { clock, wheel, image, topics, limits, newUuid, appendTimeoutMs, stats, log } = this.#dependencies;
    const coordinator = new GroupPartition(partition, leaderEpoch, {
      clock,
      wheel,
      coordinator: { limits, newUuid, topics },
      isCurrent: () => image().topics.get(topic.id)?.partitions[number]?.leaderEpoch === leaderEpoch,
      appendTimeoutMs,
      stats,
      log,
    });
    this.#partitions.set(number, coordinator);
    this.#coordinatedEpochs.set(number, leaderEpoch);
    this.#schedule();
    return coordinator;
  }

  #schedule(): void {
    if (this.#isClosed || this.#tick !== undefined) return;
    this.#tick = this.#dependencies.clock.setTimer(tickMs, () => {
      this.#tick = undefined;
      const isExpiring = this.#dependencies.clock.monotonicMs() >= this.#expiresAtMs;
      if (isExpiring) this.#expiresAtMs = this.#dependencies.clock.monotonicMs() + this.#expiryMs;
      for (const coordinator of this.#partitions.values()) {
        coordinator.tick();
        if (isExpiring) coordinator.expire(this.#dependencies.offsetsRetentionMs);
      }
      this.look();
    });
  }

  get #expiryMs(): number {
    return Math.min(expiryMsMax, this.#dependencies.offsetsRetentionMs / 10);
  }

  /** Whether there are others, or they have more partitions: changes of their leaders are none of a group's. */
  #haveTopicsChanged(): boolean {
    const { topics } = this.#dependencies.image();
    if (topics === this.#imageSeen) return false;
    this.#imageSeen = topics;
    const now = new Map([...topics].map(([topicId, { partitions }]) => [topicId, partitions.length]));
    const before = this.#topicsSeen;
    this.#topicsSeen = now;
    return now.size !== before.size || [...now].some(([topicId, count]) => before.get(topicId) !== count);
  }
}

function notYet(why: string): Refusal {
  return refuse(
    "NOT_COORDINATOR",
    `Nobody coordinates the group now: the partition of "${offsetsTopic}" that keeps it cannot be used yet (${why}); try again`,
  );
}
