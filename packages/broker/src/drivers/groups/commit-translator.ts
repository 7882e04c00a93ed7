/** Between what clients say (names of topics) and what groups keep (their ids): commits, and what may be subscribed to. */
import type { CommittedOffsetMessage, CommittedOffsetOutput, FetchOffsetsRequestOutput } from "@varve/api";
import type { Group, Place } from "@varve/cluster";
import { offsetOf, offsetsOf } from "@varve/cluster";
import { type Refusal, errorFieldsOf, isRefusal, refuse } from "../../refusal.ts";
import { isReservedTopic } from "../reserved-topics.ts";
import { unknownPartition, unknownTopic } from "../unknown.ts";
import { rowSize, tooMuch } from "./answer-room.ts";
import type { GroupPartition } from "./group-partition.ts";
import type { GroupStats } from "./group-stats.ts";
import type { TopicsHere } from "./topics-here.ts";

export interface TranslatorLimits {
  /** Topics that one member may name. */
  readonly topicsPerMemberMax: number;
  /** Partitions in one commit, or one question. */
  readonly partitionsPerRequestMax: number;
}

interface NamedPlace {
  readonly topic: string;
  readonly partition: number;
}

type NamedOffset = NamedPlace & CommittedOffsetMessage;

interface ClaimedMember {
  readonly memberId: string;
  readonly instanceId: string;
  readonly epoch: number;
}

/** Who commits. */
export interface Committer {
  /** Undefined: a group without members. */
  readonly claim: ClaimedMember | undefined;
  /** What its session has told it. Without: it speaks outside of one, under a generation that it must have heard in one. */
  readonly isTold?: (place: Place) => boolean;
}

export class CommitTranslator {
  readonly #topics: TopicsHere;
  readonly #limits: TranslatorLimits;
  readonly #stats: GroupStats;
  readonly #monotonicMs: () => number;

  constructor(topics: TopicsHere, limits: TranslatorLimits, stats: GroupStats, monotonicMs: () => number) {
    this.#topics = topics;
    this.#limits = limits;
    this.#stats = stats;
    this.#monotonicMs = monotonicMs;
  }

  topicId(name: string): string | undefined {
    return this.#topics.named(name)?.topicId;
  }

  /** Why nobody may subscribe to that. */
  subscriptionFault(topics: readonly string[], pattern: string): Refusal | undefined {
    const max = this.#limits.topicsPerMemberMax;
    if (topics.length > max) {
      return refuse(
        "INVALID_REQUEST",
        `Cannot subscribe to ${topics.length} topics; the limit is ${max}, use a pattern`,
      );
    }
    // Whether they exist does not matter: they may come.
    const long = topics.find((name) => name.length > 249);
    if (long !== undefined)
      return refuse("INVALID_TOPIC", `Cannot subscribe to a topic whose name has ${long.length} characters`);
    const internal = topics.find(isReservedTopic);
    if (internal !== undefined) {
      const why =
        'names that begin with "__" are the cluster\'s own; a group that reads of groups commits there what it then reads';
      const instead = "Read it without a group (`varve consume`), or ask about groups with the calls for groups.";
      return refuse("INVALID_TOPIC", `Cannot subscribe to "${internal}": ${why}. ${instead}`, { topic: internal });
    }
    return pattern === "" ? undefined : this.#topics.patterns.fault(pattern);
  }

  /** One answer for each offset, in order; a refusal when nothing of it was committed. */
  async commit(
    coordinator: GroupPartition,
    groupId: string,
    { claim, isTold = () => true }: Committer,
    offsets: readonly CommittedOffsetOutput[],
  ): Promise<CommittedOffsetMessage[] | Refusal> {
    const startedMs = this.#monotonicMs();
    const tooMany = this.tooMany(offsets.length);
    if (tooMany !== undefined) return tooMany;
    const known = offsets.map((one) => this.#place(one));
    const placed = known.flatMap((place, at) => {
      if (isRefusal(place)) return [];
      const { offset, leaderEpoch, metadata } = offsets[at] as CommittedOffsetOutput;
      return [{ ...place, offset, leaderEpoch, metadata, isUntold: !isTold(place) }];
    });
    const verdicts = await coordinator.call(groupId, { kind: "commit", commit: { claim, offsets: placed } });
    if (isRefusal(verdicts)) return verdicts;
    const group = coordinator.groups.get(groupId);
    let next = 0;
    const answers = offsets.map(({ topic, partition, offset, leaderEpoch, metadata }, at): CommittedOffsetMessage => {
      const place = known[at] as { readonly topicId: string; readonly partition: number } | Refusal;
      const refusal = isRefusal(place) ? place : verdicts[next++];
      const told = { topic, partition, offset, leaderEpoch, metadata };
      if (refusal !== undefined) return { ...told, error: errorFieldsOf(refusal) };
      const { topicId } = place as { readonly topicId: string };
      return { ...told, committedAtMs: (group && offsetOf(group, topicId, partition)?.committedAtMs) ?? 0 };
    });
    this.#stats.commits += verdicts.filter((verdict) => verdict === undefined).length;
    this.#stats.commitLatency.observe((this.#monotonicMs() - startedMs) / 1_000);
    return answers;
  }

  /** What the group has committed of these, or of all; a refusal when no answer can hold it. */
  fetch(
    group: Group | undefined,
    { partitions, withoutNotes }: Pick<FetchOffsetsRequestOutput, "partitions" | "withoutNotes">,
  ): CommittedOffsetMessage[] | Refusal {
    const tooMany = this.tooMany(partitions.length);
    if (tooMany !== undefined) return tooMany;
    const offsets = partitions.length > 0 ? partitions.map((named) => this.#one(group, named)) : this.#all(group);
    const told = withoutNotes ? offsets.map((one) => ({ ...one, metadata: "" })) : offsets;
    const bytes = told.reduce(
      (sum, { topic, metadata = "", error }) => sum + rowSize(topic, metadata, error?.message ?? ""),
      0,
    );
    const instead = "name fewer partitions, or ask without notes";
    return tooMuch(`Cannot tell ${told.length} offsets of a group at once`, bytes, instead) ?? told;
  }

  tooMany(count: number): Refusal | undefined {
    const max = this.#limits.partitionsPerRequestMax;
    if (count <= max) return undefined;
    return refuse("INVALID_REQUEST", `Cannot answer for ${count} partitions in one request; the limit is ${max}`);
  }

  #one(group: Group | undefined, named: NamedPlace): NamedOffset {
    const place = this.#place(named);
    if (isRefusal(place)) return { ...nowhere(named), error: errorFieldsOf(place) };
    const committed = group && offsetOf(group, place.topicId, place.partition);
    return committed === undefined ? nowhere(named) : { topic: named.topic, partition: named.partition, ...committed };
  }

  #all(group: Group | undefined): NamedOffset[] {
    const found: NamedOffset[] = [];
    if (group === undefined) return found;
    for (const [topicId, partition, { offset, leaderEpoch, metadata, committedAtMs }] of offsetsOf(group)) {
      const topic = this.#topics.nameOf(topicId);
      // Of a topic that is gone it is about to be taken back (O-4).
      if (topic !== undefined) found.push({ topic, partition, offset, leaderEpoch, metadata, committedAtMs });
    }
    return found.sort((a, b) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition));
  }

  #place({ topic, partition }: NamedPlace): { readonly topicId: string; readonly partition: number } | Refusal {
    const known = this.#topics.named(topic);
    if (known === undefined) return unknownTopic(topic);
    if (partition >= 0 && partition < known.partitions) return { topicId: known.topicId, partition };
    return unknownPartition({ name: topic, partitionCount: known.partitions }, partition);
  }
}

function nowhere({ topic, partition }: NamedPlace): NamedOffset {
  return { topic, partition, offset: -1, leaderEpoch: -1, metadata: "", committedAtMs: 0 };
}
