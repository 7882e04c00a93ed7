/**
 * The partitions that this node has, by topic: brought in line with the controller's image, one change at a time.
 *
 *     image ──> apply ──> create logs, set configs, roles (LocalPartition.apply), delete or set aside what is gone ──> byName
 *
 * Invariants
 * - What exists already hears of its new role at once, before anything is created, of this image or of one before: a failover does not
 *   wait for new topics. A partition's states only go forward: what is still being done of an older image leaves it alone.
 * - A topic appears under its name only when all its partitions can be used; it disappears before its files do.
 * - What the image does not know is never deleted: at start it is set aside, with its records (strays). What it knows to be
 *   deleted is, also when the node stopped in between.
 */
import {
  type ConfigOverrides,
  type ControllerImage,
  type FlushState,
  type Partition,
  type Topic,
  type TopicConfig,
  clusterOverrides,
  effectiveTopicConfig,
  noLeader,
  topicOverrides,
  topicsByName,
} from "@varve/cluster";
import {
  type CompactionConfig,
  FileSystemError,
  type LogConfig,
  LogError,
  type LogStore,
  type PartitionLog,
} from "@varve/log";
import { TopicMetrics } from "../metrics/topic-metrics.ts";
import type { Refusal } from "../refusal.ts";
import type { TopicRules } from "./batch-admission.ts";
import { KeyCheck } from "./key-check.ts";
import { notLeadingRefusal } from "./not-leading.ts";
import { LocalPartition, type PartitionDependencies } from "./partition.ts";
import type { ReplicaHost } from "./replication/replica-host.ts";
import type { WheelEntry } from "./timing-wheel.ts";
import { unknownPartition } from "./unknown.ts";

/** A topic that could not be brought in line, for want of space perhaps, is tried again after so long. */
const retryMs = 1_000;

/** Of one topic: each new one waits for disks several times, and their barriers share the rounds of the journal. */
const partitionsAtOnce = 32;

/** Records without a key move on to the next partition after so many bytes, as Kafka's producers do (batch.size). */
const stickyBytes = 16_384;

export class LocalTopic {
  readonly id: string;
  readonly name: string;
  readonly metrics: TopicMetrics;
  /** By number; undefined where this node has no replica. */
  readonly partitions: (LocalPartition | undefined)[] = [];
  config: TopicConfig;
  rules: TopicRules;
  /** As the metadata have them, on all nodes. */
  placements: readonly Partition[];
  readonly #replicas: ReplicaHost;
  /** Of the image that `placements` are from. */
  placedAt = -1;
  /** What the topic was last brought in line with: unchanged parts of an image are the same objects (C-9). */
  broughtInLine: { readonly topic: Topic; readonly own: ConfigOverrides; readonly shared: ConfigOverrides } | undefined;
  #sticky = 0;
  #stickyBytes = 0;

  constructor(topic: Topic, config: TopicConfig, replicas: ReplicaHost) {
    this.id = topic.id;
    this.placements = topic.partitions;
    this.#replicas = replicas;
    this.name = topic.name;
    this.metrics = new TopicMetrics(topic.name);
    this.config = config;
    this.rules = rulesOf(config);
  }

  get partitionCount(): number {
    return this.placements.length;
  }

  /** Who leads the partition, when it is another node. */
  leaderElsewhere(partition: number): number | undefined {
    const leader = this.placements[partition]?.leader ?? noLeader;
    return leader === noLeader || leader === this.#replicas.nodeId ? undefined : leader;
  }

  /** The replicas here. */
  local(): LocalPartition[] {
    return this.partitions.filter((partition) => partition !== undefined);
  }

  /** The partition if this node leads it, else why it cannot be used here. */
  led(partition: number): LocalPartition | Refusal {
    const local = this.partitions[partition];
    if (local !== undefined) return local.closedBy ?? local;
    const placement = this.placements[partition];
    if (placement !== undefined) return notLeadingRefusal(this.name, placement, this.#replicas);
    return unknownPartition(this, partition);
  }

  /** The partition for records without a key. `bytes` is about what is going there. */
  nextSticky(bytes: number): number {
    if (this.#stickyBytes >= stickyBytes) {
      this.#sticky++;
      this.#stickyBytes = 0;
    }
    this.#stickyBytes += bytes;
    return this.#sticky % this.partitionCount;
  }
}

export interface TopicsDependencies extends PartitionDependencies {
  readonly store: LogStore;
  readonly nodeId: number;
  readonly producerExpiryMs: number;
  /** The partition is counted by `sync` now (`syncing` is over); tell the controller. */
  confirmFlush(partition: Partition): void;
}

export class Topics {
  readonly #dependencies: TopicsDependencies;
  readonly #keyCheck = new KeyCheck();
  readonly #byName = new Map<string, LocalTopic>();
  readonly #byId = new Map<string, LocalTopic>();
  /** Of deleted topics, in the store still. */
  readonly #undeleted = new Set<PartitionLog["id"]>();
  #wanted: ControllerImage | undefined;
  #appliedOffset = 0;
  #applying: Promise<void> | undefined;
  #closed = false;
  /** Some topic is behind the image: there is something to do although the image is not new. */
  #incomplete = false;
  #retry: WheelEntry | undefined;

  constructor(dependencies: TopicsDependencies) {
    this.#dependencies = dependencies;
  }

  get(name: string): LocalTopic | undefined {
    return this.#byName.get(name);
  }

  all(): IterableIterator<LocalTopic> {
    return this.#byName.values();
  }

  /** The replica of this node, if there is one. */
  partition(topicId: string, partition: number): LocalPartition | undefined {
    return this.#byId.get(topicId)?.partitions[partition];
  }

  /** Every replica of this node. */
  *partitions(): Generator<LocalPartition> {
    for (const topic of this.#byId.values()) {
      for (const partition of topic.partitions) if (partition !== undefined) yield partition;
    }
  }

  /** Number of metadata records that are in effect here. */
  get appliedOffset(): number {
    return this.#appliedOffset;
  }

  /** Brings this node in line with `image`, or a newer one. Resolves when that is done. */
  async apply(image: ControllerImage): Promise<void> {
    if (this.#wanted === undefined || image.offset > this.#wanted.offset) {
      this.#wanted = image;
      if (this.#applying !== undefined && !this.#closed) this.#changeAllRoles(image);
    }
    await (this.#applying ??= this.#run());
  }

  /**
   * Once, before anything else: what the store has and the image does not know is put aside, what was deleted while nobody saw goes, and
   * the rest is brought in line with the same image. With a later one a topic that was deleted in between would be left behind.
   */
  async start(image: ControllerImage): Promise<void> {
    const { store, nodeId, log: tell } = this.#dependencies;
    for (const { id } of store.partitions()) {
      const known = image.topics.get(id.topicId)?.partitions[id.partition];
      if (known?.replicas.includes(nodeId) === true) continue;
      const where = { topic: id.topic, partition: id.partition };
      if (image.removedTopics.has(id.topicId)) {
        tell(where, "partition of a deleted topic: its files are removed");
        this.#undeleted.add(id);
        this.#incomplete = true;
        continue;
      }
      tell(where, "partition unknown to the cluster: its directory was renamed to .stray");
      await store.setAside(id);
    }
    await this.apply(image);
  }

  /** Ends all leaderships: whoever waits gets `refusal`. */
  close(refusal: Refusal): void {
    this.#closed = true;
    for (const topic of this.#byId.values()) {
      for (const partition of topic.local()) partition.close(refusal);
    }
  }

  /** Until what is being applied is done. */
  async idle(): Promise<void> {
    await this.#applying;
  }

  async #run(): Promise<void> {
    // Even when there is nothing to do: `#applying` has to be set before it is cleared.
    await Promise.resolve();
    try {
      let retry = this.#incomplete;
      for (;;) {
        const image = this.#wanted;
        if (image === undefined || this.#closed || (image.offset <= this.#appliedOffset && !retry)) break;
        retry = false;
        await this.#applyOne(image);
        this.#appliedOffset = image.offset;
      }
    } finally {
      // In the same step as the last look at `#wanted`: who asks from here on gets a run of its own.
      this.#applying = undefined;
    }
  }

  async #applyOne(image: ControllerImage): Promise<void> {
    this.#incomplete = false;
    for (const topic of this.#byId.values()) {
      if (image.topics.get(topic.id) === undefined) this.#remove(topic);
    }
    this.#changeAllRoles(image);
    await this.#deleteFiles(image);
    const shared = clusterOverrides(image);
    for (const topic of topicsByName(image)) {
      const own = topicOverrides(image, topic.id);
      const last = this.#byId.get(topic.id)?.broughtInLine;
      if (last?.topic === topic && last.own === own && last.shared === shared) continue;
      try {
        const local = await this.#bringInLine(topic, effectiveTopicConfig(own, shared), image.offset);
        local.broughtInLine = { topic, own, shared };
      } catch (error) {
        if (!(error instanceof LogError || error instanceof FileSystemError)) throw error;
        // One topic's trouble is not that of the others, nor of the node: a failed disk speaks up by itself (J-14).
        this.#dependencies.log({ topic: topic.name, error: error.message }, "topic cannot be used yet, trying again");
        this.#retryLater(image);
      }
    }
  }

  #retryLater(image: ControllerImage): void {
    if (this.#closed) return;
    this.#incomplete = true;
    if (this.#retry !== undefined) return;
    this.#retry = this.#dependencies.wheel.schedule(retryMs, () => {
      this.#retry = undefined;
      // What is being done may have passed the topic by already.
      const again = this.idle().then(() => this.apply(image));
      again.catch((problem: unknown) => {
        this.#dependencies.log({ error: String(problem) }, "topics could not be brought in line");
      });
    });
  }

  #changeAllRoles(image: ControllerImage): void {
    for (const local of this.#byId.values()) {
      const topic = image.topics.get(local.id);
      if (topic !== undefined) this.#changeRoles(local, topic, image.offset);
    }
  }

  /** Of what is here, and counts as the metadata say: the rest comes with `#bringInLine`. */
  #changeRoles(local: LocalTopic, topic: Topic, offset: number): void {
    if (offset < local.placedAt || local.placements === topic.partitions) return;
    local.placedAt = offset;
    local.placements = topic.partitions;
    for (const placement of topic.partitions) {
      const partition = local.partitions[placement.partition];
      if (partition === undefined || partition.placement === placement) continue;
      const isOs = placement.flush === "os";
      if (isOs === (partition.log.config.flush === "os")) partition.apply(placement);
    }
  }

  async #bringInLine(topic: Topic, config: TopicConfig, offset: number): Promise<LocalTopic> {
    const { producerExpiryMs, replicas, nodeId } = this.#dependencies;
    const local = this.#byId.get(topic.id) ?? new LocalTopic(topic, config, replicas);
    // What is made of it is kept from here on, whatever becomes of the rest: a log has one `LocalPartition`, which hears of all that follows.
    this.#byId.set(topic.id, local);
    local.config = config;
    local.rules = rulesOf(config);
    if (offset >= local.placedAt) {
      local.placedAt = offset;
      local.placements = topic.partitions;
    }
    const troubles: Error[] = [];
    const todo = topic.partitions.values();
    const work = async (): Promise<void> => {
      for (const placement of todo) {
        try {
          if (!placement.replicas.includes(nodeId)) await this.#setAside(local, placement.partition);
          else await this.#placeHere(topic, local, placement, logConfigOf(config, placement.flush, producerExpiryMs));
        } catch (error) {
          if (!(error instanceof LogError || error instanceof FileSystemError)) throw error;
          // One partition's files are no reason to leave the others without their roles.
          troubles.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: partitionsAtOnce }, work));
    if (troubles[0] !== undefined) throw troubles[0];
    this.#byName.set(topic.name, local);
    return local;
  }

  async #placeHere(topic: Topic, local: LocalTopic, placement: Partition, wanted: LogConfig): Promise<void> {
    const { store } = this.#dependencies;
    const { partition: number } = placement;
    let partition = local.partitions[number];
    if (partition === undefined) {
      const id = { topicId: topic.id, topic: topic.name, partition: number };
      const log = store.get(topic.id, number) ?? (await store.create(id, wanted));
      partition = new LocalPartition(
        log,
        { rules: local.rules, metrics: local.metrics, keyCheck: this.#keyCheck },
        this.#dependencies,
      );
      local.partitions[number] = partition;
    }
    partition.rules = local.rules;
    // Of a newer image already: that one brings the rest, too.
    if (placement.partitionEpoch < (partition.placement?.partitionEpoch ?? -1)) return;
    // Before the role: on the way to `sync` what is in memory is synced first.
    if (!sameConfig(partition.log.config, wanted)) await partition.log.setConfig(wanted);
    partition.apply(placement);
    if (partition.leading?.mayConfirmFlush === true) this.#dependencies.confirmFlush(placement);
  }

  /** This node is no replica any more: what it has is kept under another name. */
  async #setAside(local: LocalTopic, number: number): Promise<void> {
    const partition = local.partitions[number];
    const placement = local.placements[number];
    if (partition === undefined || placement === undefined) return;
    local.partitions[number] = undefined;
    partition.close(notLeadingRefusal(local.name, placement, this.#dependencies.replicas));
    this.#dependencies.log(
      { topic: local.name, partition: number },
      "this node is no replica of the partition any more: its directory was renamed to .stray",
    );
    await this.#dependencies.store.setAside(partition.log.id);
  }

  #remove(topic: LocalTopic): void {
    this.#byId.delete(topic.id);
    if (this.#byName.get(topic.name) === topic) this.#byName.delete(topic.name);
    const local = topic.local();
    for (const partition of local) {
      partition.close({
        reason: "UNKNOWN_TOPIC",
        message: `Topic "${topic.name}" was deleted`,
        metadata: { topic: topic.name },
      });
    }
    for (const { log } of local) this.#undeleted.add(log.id);
  }

  /** What could not be deleted stays in the way of a topic of the same name: it is tried again. The next start would, too. */
  async #deleteFiles(image: ControllerImage): Promise<void> {
    const { store, log: tell } = this.#dependencies;
    for (const id of this.#undeleted) {
      try {
        await store.delete(id);
      } catch (error) {
        if (!(error instanceof LogError || error instanceof FileSystemError)) throw error;
        // The deletion is decided. A failed disk speaks up by itself (J-14).
        tell({ topic: id.topic, partition: id.partition, error: error.message }, "files of a deleted topic are left");
        if (store.get(id.topicId, id.partition) !== undefined) {
          this.#retryLater(image);
          continue;
        }
      }
      this.#undeleted.delete(id);
    }
  }
}

/** What a partition has until the image says otherwise: nothing of it goes before it is known how long it is to be kept. */
export function logDefaults(producerExpiryMs: number): LogConfig {
  const config = logConfigOf(effectiveTopicConfig({}, {}), "sync", producerExpiryMs);
  return { ...config, retentionMs: -1, retentionBytes: -1 };
}

function rulesOf(config: TopicConfig): TopicRules {
  return {
    maxBatchBytes: config["max.message.bytes"],
    logAppendTime: config["message.timestamp.type"] === "LogAppendTime",
    timestampAfterMsMax: config["message.timestamp.after.max.ms"],
    timestampBeforeMsMax: config["message.timestamp.before.max.ms"],
    keysNeeded: isCompacted(config),
  };
}

function logConfigOf(config: TopicConfig, flush: FlushState, producerExpiryMs: number): LogConfig {
  const deletes = config["cleanup.policy"] !== "compact";
  return {
    flush: flush === "os" ? "os" : "sync",
    segmentBytes: config["segment.bytes"],
    segmentMs: config["segment.ms"],
    indexIntervalBytes: config["index.interval.bytes"],
    // Of a log that is only compacted nothing goes for its age or size.
    retentionMs: deletes ? config["retention.ms"] : -1,
    retentionBytes: deletes ? config["retention.bytes"] : -1,
    retentionClock: config["retention.clock"],
    maxBatchBytes: config["max.message.bytes"],
    producerExpiryMs,
    compaction: isCompacted(config) ? compactionOf(config) : undefined,
  };
}

function isCompacted(config: TopicConfig): boolean {
  return config["cleanup.policy"] !== "delete";
}

function compactionOf(config: TopicConfig): CompactionConfig {
  return {
    minDirtyRatio: config["min.cleanable.dirty.ratio"],
    minLagMs: config["min.compaction.lag.ms"],
    maxLagMs: config["max.compaction.lag.ms"],
    deleteRetentionMs: config["delete.retention.ms"],
  };
}

function sameCompaction(a: CompactionConfig | undefined, b: CompactionConfig | undefined): boolean {
  return (
    a?.minDirtyRatio === b?.minDirtyRatio &&
    a?.minLagMs === b?.minLagMs &&
    a?.maxLagMs === b?.maxLagMs &&
    a?.deleteRetentionMs === b?.deleteRetentionMs
  );
}

function sameConfig(a: LogConfig, b: LogConfig): boolean {
  return (
    a.flush === b.flush &&
    a.segmentBytes === b.segmentBytes &&
    a.segmentMs === b.segmentMs &&
    a.indexIntervalBytes === b.indexIntervalBytes &&
    a.retentionMs === b.retentionMs &&
    a.retentionBytes === b.retentionBytes &&
    a.retentionClock === b.retentionClock &&
    a.maxBatchBytes === b.maxBatchBytes &&
    a.producerExpiryMs === b.producerExpiryMs &&
    sameCompaction(a.compaction, b.compaction)
  );
}
