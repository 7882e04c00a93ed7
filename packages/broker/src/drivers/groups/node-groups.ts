/** Everything that this node has to do with groups, put together: coordinators, the topic they live in, names, positions. */
import { randomUUID } from "node:crypto";
import type {
  FetchOffsetsResponseMessage,
  LeaderHint,
  ListOffsetsResponseMessage,
  PartitionOffsetsMessage,
  Position,
} from "@varve/api";
import { type Partition, type Place, keyOf } from "@varve/cluster";
import type { Clock } from "@varve/log";
import type { Histogram } from "../../metrics/histogram.ts";
import type { ControllerClient, MetadataView } from "../../ports/peers.ts";
import { type Refusal, isRefusal } from "../../refusal.ts";
import type { TimingWheel } from "../timing-wheel.ts";
import { topicCreation } from "../topic-creation.ts";
import type { LocalTopic, Topics } from "../topics.ts";
import { CommitTranslator } from "./commit-translator.ts";
import { GroupStats } from "./group-stats.ts";
import { type GroupPlaces, GroupRates } from "./group-rates.ts";
import { Groups } from "./groups.ts";
import { batchBytesMax, offsetsTopic, offsetsTopicConfigs } from "./offsets-topic.ts";
import { TopicsHere } from "./topics-here.ts";

export interface GroupSettings {
  /** Of the internal topic, when it is made. */
  readonly partitions: number;
  readonly offsetsRetentionMs: number;
  readonly groupsMax: number;
  readonly membersMax: number;
  readonly waitingMax: number;
  readonly sessionTimeoutMs: number;
  readonly sessionTimeoutMsMin: number;
  readonly sessionTimeoutMsMax: number;
  readonly rebalanceTimeoutMs: number;
  readonly metadataBytesMax: number;
  readonly topicsPerMemberMax: number;
  readonly partitionsPerRequestMax: number;
  readonly appendTimeoutMs: number;
}

export interface NodeGroupsDependencies {
  readonly nodeId: number;
  readonly clock: Clock;
  readonly wheel: TimingWheel;
  readonly view: MetadataView;
  readonly control: ControllerClient;
  readonly topics: Topics;
  readonly settings: GroupSettings;
  /** From the arrival of a commit to its answer, in seconds. */
  readonly commitLatency: Histogram;
  /** By whoever leads each partition. */
  readonly listOffsets: (
    topic: LocalTopic,
    partitions: readonly number[],
    position: Position,
    timeoutMs: number,
  ) => Promise<ListOffsetsResponseMessage>;
  /** When the record at this offset was appended. Never rejects. */
  readonly recordTimeAt: (topic: LocalTopic, partition: number, offset: number) => Promise<number | undefined>;
  /** What a group has committed, from whoever keeps it. */
  readonly fetchOffsets: (group: string) => Promise<FetchOffsetsResponseMessage | Refusal>;
  readonly leaderOf: (placement: Pick<Partition, "leader" | "leaderEpoch">) => LeaderHint;
  readonly log: (fields: object, event: string) => void;
}

/** For leaders to say where a position lies: they may have to look into old files. */
const leadersMs = 10_000;

export class NodeGroups {
  readonly settings: GroupSettings;
  readonly stats: GroupStats;
  readonly topicsHere: TopicsHere;
  readonly coordinators: Groups;
  readonly translator: CommitTranslator;
  readonly rates: GroupRates;
  /** Names of groups that are being made beside others. */
  readonly forking = new Set<string>();
  /** Makes the internal topic. Resolves with why it was not made. */
  readonly create: () => Promise<Refusal | undefined>;
  readonly #dependencies: NodeGroupsDependencies;

  constructor(dependencies: NodeGroupsDependencies) {
    const { nodeId, clock, wheel, view, control, topics, settings, log } = dependencies;
    this.#dependencies = dependencies;
    this.settings = settings;
    this.stats = new GroupStats(dependencies.commitLatency);
    this.topicsHere = new TopicsHere(() => view.image);
    this.coordinators = new Groups({
      nodeId,
      clock,
      wheel,
      image: () => view.image,
      topic: () => topics.get(offsetsTopic),
      topics: this.topicsHere,
      limits: { ...settings, batchBytesMax },
      newUuid: randomUUID,
      appendTimeoutMs: settings.appendTimeoutMs,
      offsetsRetentionMs: settings.offsetsRetentionMs,
      stats: this.stats,
      log,
    });
    this.translator = new CommitTranslator(this.topicsHere, settings, this.stats, () => clock.monotonicMs());
    this.rates = new GroupRates({
      nodeId,
      image: () => view.image,
      monotonicMs: () => clock.monotonicMs(),
      placesOf: (group) => this.#placesOf(group),
    });
    const create = topicCreation({ view, control }, topics, {
      partitions: settings.partitions,
      configs: offsetsTopicConfigs,
    });
    this.create = () => create(offsetsTopic);
  }

  /** Where `position` lies in each of these; those that could not be asked are left out. Never rejects. */
  async resolve(
    places: readonly Place[],
    position: Position,
  ): Promise<readonly (Place & { readonly offset: number; readonly leaderEpoch: number })[]> {
    const found = await this.offsetsOf(places, position);
    return places.flatMap((place) => {
      const one = found.get(keyOf(place));
      if (one === undefined || (one.error !== undefined && one.error !== null)) return [];
      // An offset that was named may lie outside the log: the nearest that is in it.
      const offset = Math.min(Math.max(Number(one.offset), Number(one.logStartOffset)), Number(one.highWatermark));
      return [{ ...place, offset, leaderEpoch: -1 }];
    });
  }

  /** What the leaders say of these, by `keyOf`; nothing of topics that there are not. Never rejects. */
  async offsetsOf(
    places: readonly Place[],
    position: Position,
    timeoutMs = leadersMs,
  ): Promise<Map<string, PartitionOffsetsMessage>> {
    const byTopic = new Map<string, number[]>();
    for (const { topicId, partition } of places) {
      const known = byTopic.get(topicId);
      if (known === undefined) byTopic.set(topicId, [partition]);
      else known.push(partition);
    }
    const found = new Map<string, PartitionOffsetsMessage>();
    const ask = async ([topicId, partitions]: [string, number[]]): Promise<void> => {
      const topic = this.#dependencies.topics.get(this.topicsHere.nameOf(topicId) ?? "");
      if (topic?.id !== topicId) return;
      const answer = await this.#dependencies.listOffsets(topic, partitions, position, timeoutMs);
      for (const one of answer.partitions ?? []) found.set(keyOf({ topicId, partition: one.partition ?? -1 }), one);
    };
    await Promise.all([...byTopic].map(ask));
    return found;
  }

  /** When the record that is wanted next there was appended; undefined: nobody could say. Never rejects. */
  async recordTimeAt({ topicId, partition }: Place, offset: number): Promise<number | undefined> {
    const topic = this.#dependencies.topics.get(this.topicsHere.nameOf(topicId) ?? "");
    return topic?.id === topicId ? this.#dependencies.recordTimeAt(topic, partition, offset) : undefined;
  }

  get nowMs(): number {
    return this.#dependencies.clock.nowMs();
  }

  /** What any group has committed. Never rejects. */
  committedOf(group: string): Promise<FetchOffsetsResponseMessage | Refusal> {
    return this.#dependencies.fetchOffsets(group);
  }

  async #placesOf(group: string): Promise<GroupPlaces | undefined> {
    const committed = await this.committedOf(group);
    if (isRefusal(committed)) return undefined;
    const places = new Map<string, number[]>();
    for (const { topic = "", partition = 0 } of committed.offsets ?? []) {
      const topicId = this.translator.topicId(topic);
      if (topicId === undefined) continue;
      const known = places.get(topicId);
      if (known === undefined) places.set(topicId, [partition]);
      else known.push(partition);
    }
    return places;
  }

  /** Where the partition is led, as far as this node knows. */
  leaderOf({ topicId, partition }: Place): LeaderHint | undefined {
    const { view, leaderOf } = this.#dependencies;
    const placement = view.image.topics.get(topicId)?.partitions[partition];
    return placement && leaderOf(placement);
  }
}
