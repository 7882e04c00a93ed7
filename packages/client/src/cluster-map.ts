// SPDX-License-Identifier: Apache-2.0
// What a client knows of its cluster: who is where, and who leads what. It is told and asked; it neither calls nor waits, and time
// is handed in.
//
//   given by the caller ─────────────────────────────> proved ──failed()──> failed ──retryAtMs──> to be proved again
//   named by the cluster ──> unproved ──DescribeCluster──┘ ^────────────────────────────────────────┘
//
// Invariants
// - An address that the cluster names is used for nothing before the node there has said that it is that node of that cluster:
//   behind NAT or a tunnel the same address may lead to somebody else.
// - Of two leaders of a partition the one of the later epoch holds; a topic that was made anew begins again.

import type { LeaderHint } from "@varve/api";

/** An address, and what came of using it. */
export interface Place {
  readonly address: string;
  /** Given by the caller, who is believed. */
  readonly isGiven: boolean;
  standing: "unproved" | "proving" | "proved" | "failed";
  /** Of the node there; undefined until it is known. */
  nodeId: number | undefined;
  /** It has answered as the node that it should be. */
  wasProved: boolean;
  /** Failures in a row. */
  failures: number;
  /** Not asked again before. */
  retryAtMs: number;
}

export interface Leader {
  /** -1: there is none. */
  readonly nodeId: number;
  readonly leaderEpoch: number;
}

/** As DescribeCluster answers. */
export interface ClusterAnswer {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly brokers: readonly { readonly nodeId: number; readonly address: string }[];
}

/** As DescribeTopic answers. */
export interface TopicAnswer {
  readonly topicId?: string;
  readonly partitions: readonly { readonly partition: number; readonly leader?: LeaderHint | null }[];
}

export interface Route {
  readonly place: Place;
  readonly isLeader: boolean;
  /** Where the leader should be, if somebody would ask there. */
  readonly toProve?: Place;
}

interface TopicLeaders {
  topicId: string | undefined;
  readonly leaders: Map<number, Leader>;
}

/** A node that answered before is likely to come back: looked for again after so long, doubled up to the second. */
const knownRetryMs = { least: 200, most: 5_000 };
/** One that never answered is likely out of reach from here. */
const strangerRetryMs = { least: 2_000, most: 60_000 };
/** Somebody else answered there: as if so many tries had failed. */
const strangerFailures = 5;
/** More nodes than a cluster has: what a stranger names beyond them is dropped. */
const placesMax = 1_000;

export class ClusterMap {
  readonly #places: Place[];
  readonly #byNode = new Map<number, Place>();
  readonly #topics = new Map<string, TopicLeaders>();
  #clusterId: string | undefined;
  #current: Place;

  /** `given` has at least one address. */
  constructor(given: readonly string[]) {
    this.#places = [...new Set(given)].map((address) => newPlace(address, true, undefined));
    this.#current = this.#places[0] as Place;
  }

  /** Where calls go that any node can answer. */
  get current(): Place {
    return this.#current;
  }

  /** A node of the cluster has told who there is. */
  get isLearned(): boolean {
    return this.#clusterId !== undefined;
  }

  get addresses(): string[] {
    return this.#places.map(({ address }) => address);
  }

  /** Addresses to be proved because nobody else answers. */
  lastHopes(nowMs: number): Place[] {
    return this.#places.filter((place) => mayBeProved(place, nowMs) && place !== this.#current).slice(0, 8);
  }

  /** Another node that should be in reach, the one that calls go to first. */
  beside(place: Place): Place | undefined {
    return [this.#current, ...this.#places].find((each) => each !== place && each.standing === "proved");
  }

  /** The node at `place` has described the cluster. @returns whether it is the one that should be there */
  heard(place: Place, { clusterId, nodeId, brokers }: ClusterAnswer, nowMs: number): boolean {
    const isOurs = this.#clusterId === undefined || clusterId === this.#clusterId;
    if (!place.isGiven && (!isOurs || place.nodeId !== nodeId)) {
      place.wasProved = false;
      place.failures = Math.max(place.failures, strangerFailures);
      this.failed(place, nowMs);
      return false;
    }
    this.#clusterId = clusterId;
    this.#isAt(place, nodeId);
    for (const broker of brokers) this.learnNode(broker.nodeId, broker.address);
    return true;
  }

  /** Somebody answered there. */
  answered(place: Place): void {
    if (place.standing !== "failed") return;
    place.standing = "proved";
    place.failures = 0;
  }

  /** Nobody answered there: calls that any node can answer go elsewhere, where there is an elsewhere. */
  failed(place: Place, nowMs: number): void {
    const { least, most } = place.isGiven || place.wasProved ? knownRetryMs : strangerRetryMs;
    place.standing = "failed";
    place.retryAtMs = nowMs + Math.min(most, least * 2 ** Math.min(place.failures, 20));
    place.failures += 1;
    if (place === this.#current) this.#current = this.#next();
  }

  /** A node is said to be at this address. */
  learnNode(nodeId: number, address: string): void {
    if (nodeId < 0 || address === "") return;
    const known = this.#byNode.get(nodeId);
    // What the caller gave leads there too, and is known to be in reach.
    if (known !== undefined && (known.isGiven || known.address === address)) return;
    let place = this.#places.find((each) => each.address === address);
    if (place === undefined) {
      if (this.#places.length >= placesMax) return;
      place = newPlace(address, false, nodeId);
      this.#places.push(place);
    }
    // A given address whose node is not known yet may be this one or a tunnel to it: it says so itself when it is asked.
    if (!place.isGiven && place.nodeId !== nodeId) {
      place.nodeId = nodeId;
      place.standing = "unproved";
    }
    this.#byNode.set(nodeId, place);
  }

  /** What an answer said of the leader of a partition. @returns whether that is news */
  learnLeader(topic: string, partition: number, hint: LeaderHint): boolean {
    const leaders = this.#leadersOf(topic).leaders;
    const known = leaders.get(partition);
    if (known !== undefined && hint.leaderEpoch <= known.leaderEpoch) return false;
    this.learnNode(hint.nodeId, hint.address);
    leaders.set(partition, { nodeId: hint.nodeId, leaderEpoch: hint.leaderEpoch });
    return known?.nodeId !== hint.nodeId;
  }

  /** What was known of a topic that is gone says nothing of another of the same name. */
  forgetTopic(topic: string): void {
    this.#topics.delete(topic);
  }

  /** @returns whether a partition has another leader than was known */
  learnTopic(topic: string, { topicId, partitions }: TopicAnswer): boolean {
    const known = this.#leadersOf(topic);
    if (topicId !== undefined && topicId !== "") {
      // The epochs of another topic of this name say nothing of these.
      if (known.topicId !== undefined && known.topicId !== topicId) known.leaders.clear();
      known.topicId = topicId;
    }
    let isNews = false;
    for (const { partition, leader } of partitions) {
      if (leader !== null && leader !== undefined) isNews = this.learnLeader(topic, partition, leader) || isNews;
    }
    return isNews;
  }

  leaderOf(topic: string, partition: number): Leader | undefined {
    return this.#topics.get(topic)?.leaders.get(partition);
  }

  /** Where to go with a partition: to its leader where that is known and in reach, else to any node. */
  routeTo(topic: string, partition: number, nowMs: number): Route {
    const leader = this.#topics.get(topic)?.leaders.get(partition);
    const place = leader === undefined ? undefined : this.#byNode.get(leader.nodeId);
    if (place === undefined) return { place: this.#current, isLeader: false };
    if (place.standing === "proved") return { place, isLeader: true };
    const elsewhere = { place: this.#current, isLeader: false };
    return mayBeProved(place, nowMs) ? { ...elsewhere, toProve: place } : elsewhere;
  }

  #isAt(place: Place, nodeId: number): void {
    if (place.nodeId !== undefined && this.#byNode.get(place.nodeId) === place) this.#byNode.delete(place.nodeId);
    place.nodeId = nodeId;
    place.standing = "proved";
    place.wasProved = true;
    place.failures = 0;
    const known = this.#byNode.get(nodeId);
    if (known === undefined || !known.isGiven || place.isGiven) this.#byNode.set(nodeId, place);
    if (this.#current.standing === "failed") this.#current = place;
  }

  #leadersOf(topic: string): TopicLeaders {
    let found = this.#topics.get(topic);
    if (found === undefined) {
      found = { topicId: undefined, leaders: new Map() };
      this.#topics.set(topic, found);
    }
    return found;
  }

  /** The next one that is in reach; when none is, the next one that was. */
  #next(): Place {
    const at = this.#places.indexOf(this.#current);
    const others = [...this.#places.slice(at + 1), ...this.#places.slice(0, at)];
    const inReach = others.find(({ standing }) => standing === "proved");
    return inReach ?? others.find(({ isGiven, wasProved }) => isGiven || wasProved) ?? this.#current;
  }
}

function newPlace(address: string, isGiven: boolean, nodeId: number | undefined): Place {
  const standing = isGiven ? "proved" : "unproved";
  return { address, isGiven, standing, nodeId, wasProved: false, failures: 0, retryAtMs: 0 };
}

function mayBeProved({ standing, retryAtMs }: Place, nowMs: number): boolean {
  return standing === "unproved" || (standing === "failed" && nowMs >= retryAtMs);
}
