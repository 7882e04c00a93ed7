// The controller's image: everything the metadata group has decided, as of record number `offset`. Immutable: `replay` makes
// the next one, sharing what did not change (C-9). Only replay.ts makes images; everybody else reads them.
//
//   image ── topics:    topic id ──> { id, name, partitions[] }        ── topicIds: name ──> topic id
//         ── brokers:   broker id ──> registration                     ── collisions: name with "." as "_" ──> name
//         ── configs:   "topic/<id>" | "cluster/" | "group/<name>" ──> { key: value }   ── retiredEpochs: name ──> last leader epoch
//         ── producerIds: next id, and the block of each broker        ── removedTopics: topic id ──> when
//         ── digest of all of it

import { PersistentMap } from "../persistent-map.ts";
import { emptyDigest } from "./digest.ts";
import type { Digest } from "./digest.ts";

/** `syncing` is the way from `os` to `sync`: counted as `sync`, judged after a crash as `os`, until the leader confirms. */
export type FlushState = "sync" | "syncing" | "os";

/** Leader of a partition that has none. */
export const noLeader = -1;

/**
 * One partition, whole. `isr ⊆ replicas`, `elr ⊆ replicas`, `isr ∩ elr = ∅`; the leader is in the ISR or there is none.
 * `leaderEpoch` grows whenever a leader is assigned (the same one again included), `partitionEpoch` with every change.
 */
export interface Partition {
  readonly topicId: string;
  readonly partition: number;
  readonly replicas: readonly number[];
  /** Directory id of each replica, in the order of `replicas`. */
  readonly dirs: readonly string[];
  readonly isr: readonly number[];
  /** Replicas out of the ISR that are complete nevertheless, since nothing was committed after they left. */
  readonly elr: readonly number[];
  /** Broker id, or `noLeader`. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly adding: readonly number[];
  readonly removing: readonly number[];
  /** True from an unclean election until its leader reports that it has recovered. */
  readonly recovering: boolean;
  /** Already bounded by the number of replicas; versioned by `partitionEpoch` (C-7). */
  readonly minIsr: number;
  readonly flush: FlushState;
  /** Of a partition without leader, who led it last; otherwise `noLeader`. */
  readonly lastKnownLeader: number;
  /** Were in the ISR or ELR since the ISR was last at `minIsr`, and are no more: asked first when both are empty. */
  readonly lastKnownElr: readonly number[];
  /** Leader epoch begun by the last unclean election, or -1. */
  readonly uncleanEpoch: number;
}

export interface Topic {
  /** 32 lower-case hex digits; never reused. */
  readonly id: string;
  readonly name: string;
  /** In order, without gaps. */
  readonly partitions: readonly Partition[];
}

export interface Endpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface BrokerFeature {
  readonly name: string;
  readonly minLevel: number;
  readonly maxLevel: number;
}

export interface Broker {
  readonly brokerId: number;
  /** Number of the record that registered this incarnation (B-1). */
  readonly brokerEpoch: number;
  readonly incarnationId: string;
  readonly endpoints: readonly Endpoint[];
  /** Empty: none. */
  readonly rack: string;
  readonly dirs: readonly string[];
  readonly features: readonly BrokerFeature[];
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
}

/** Ids handed to a broker: `size` ids that end before `next`. */
export interface ProducerIdBlock {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly next: number;
}

/** What a deleted topic leaves behind: clients that know its name order metadata by leader epoch alone. */
export interface RetiredEpoch {
  readonly name: string;
  readonly leaderEpoch: number;
  readonly removedAtMs: number;
}

export type ConfigScope = "topic" | "cluster" | "group";
export type ConfigOverrides = Readonly<Record<string, string>>;

export interface ControllerImage {
  /** Number of the last applied record; 0 before the first. */
  readonly offset: number;
  readonly topics: PersistentMap<Topic>;
  readonly topicIds: PersistentMap<string>;
  readonly collisions: PersistentMap<string>;
  readonly retiredEpochs: PersistentMap<RetiredEpoch>;
  /** By id, when: a node that was down meanwhile may remove what it has of them. Forgotten with their retired epochs. */
  readonly removedTopics: PersistentMap<number>;
  readonly configs: PersistentMap<ConfigOverrides>;
  readonly brokers: PersistentMap<Broker>;
  readonly producerIdBlocks: PersistentMap<ProducerIdBlock>;
  readonly nextProducerId: number;
  /** Partitions of all topics. */
  readonly partitionCount: number;
  readonly digest: Digest;
}

export const emptyImage: ControllerImage = {
  offset: 0,
  topics: PersistentMap.empty(),
  topicIds: PersistentMap.empty(),
  collisions: PersistentMap.empty(),
  retiredEpochs: PersistentMap.empty(),
  removedTopics: PersistentMap.empty(),
  configs: PersistentMap.empty(),
  brokers: PersistentMap.empty(),
  producerIdBlocks: PersistentMap.empty(),
  nextProducerId: 0,
  partitionCount: 0,
  digest: emptyDigest,
};
