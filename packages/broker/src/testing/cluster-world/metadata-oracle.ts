/**
 * What must hold of the metadata: every committed batch is replayed here once, record by record, and compared with what each
 * node made of it.
 *
 *   ID9 sets   ID10 epochs   ID14 every node has this image at this offset   ID15 who lost something counts no more
 *   ID16 an ISR grows by a proposal whose broker epochs were current
 */
import {
  type Command,
  type ControllerImage,
  type MetadataRecord,
  type Partition,
  type PartitionProposal,
  brokerOf,
  decodeBatch,
  emptyImage,
  noLeader,
  partitionOf,
  printDigest,
  replay,
  sameDigest,
} from "@varve/cluster";
import { crc32c } from "@varve/format";
import { holds } from "raft-ts/testing";
import { keyOf } from "./replica-shadow.ts";

export interface MetadataListener {
  partitionChanged(key: string, before: Partition | undefined, after: Partition | undefined): void;
  batchCommitted(image: ControllerImage): void;
}

interface Sent {
  readonly brokerEpoch: number;
  readonly proposal: PartitionProposal;
}

export class MetadataOracle {
  /** As of the newest batch that any node was told is committed. */
  image: ControllerImage = emptyImage;
  readonly #listener: MetadataListener;
  /** By offset, of the ends of batches. */
  readonly #digests = new Map<number, ControllerImage["digest"]>([[0, emptyImage.digest]]);
  /** By raft index. */
  readonly #entries = new Map<number, number>();
  #lastIndex = 0;
  /** By partition, by partition epoch. */
  readonly #history = new Map<string, Map<number, Partition>>();
  /** By partition, by leader epoch. */
  readonly #leaders = new Map<string, Map<number, number>>();
  readonly #proposals = new Map<string, Sent[]>();
  /** By incarnation, what it reports as lost; by broker, what this world knows that it lost. */
  readonly #reported = new Map<string, ReadonlySet<string>>();
  readonly #knownLost = new Map<number, ReadonlySet<string>>();
  #brokerEpochMax = 0;

  constructor(listener: MetadataListener) {
    this.#listener = listener;
  }

  at(key: string, partitionEpoch: number): Partition | undefined {
    return this.#history.get(key)?.get(partitionEpoch);
  }

  /** What brokers ask, as far as a later check needs it. */
  asked(command: Command): void {
    if (command.kind === "alterPartition") {
      for (const proposal of command.partitions) {
        const key = keyOf(proposal.topicId, proposal.partition);
        const sent = this.#proposals.get(key) ?? [];
        sent.push({ brokerEpoch: command.brokerEpoch, proposal });
        this.#proposals.set(key, sent.slice(-20));
      }
    } else if (command.kind === "registerBroker" && typeof command.lossy === "object") {
      const lossy = command.lossy.map(({ topicId, partition }) => keyOf(topicId, partition));
      this.#reported.set(command.incarnationId, new Set([...lossy, ...(this.#knownLost.get(command.brokerId) ?? [])]));
    }
  }

  /** The disk of the broker lost something of these partitions, or may have: its next incarnation must not count. */
  lost(brokerId: number, keys: Iterable<string>): void {
    this.#knownLost.set(brokerId, new Set([...(this.#knownLost.get(brokerId) ?? []), ...keys]));
  }

  isKnownLost(brokerId: number, key: string): boolean {
    return this.#knownLost.get(brokerId)?.has(key) === true;
  }

  /** A node was told that this entry is committed; before it acts on it. */
  committed(nodeId: number, index: number, bytes: Uint8Array): void {
    const crc = crc32c(bytes);
    if (index <= this.#lastIndex) {
      holds(this.#entries.get(index) === crc, "ID14", () => `node ${nodeId} has another entry at ${index}`);
      return;
    }
    this.#lastIndex = index;
    this.#entries.set(index, crc);
    for (const record of decodeBatch(bytes).records) {
      const before = this.image;
      this.image = replay(before, record);
      this.#check(before, this.image, record);
    }
    this.#digests.set(this.image.offset, this.image.digest);
    this.#listener.batchCommitted(this.image);
  }

  /** ID14 */
  imageOf(nodeId: number, { offset, digest }: ControllerImage): void {
    const known = this.#digests.get(offset);
    holds(known !== undefined && sameDigest(known, digest), "ID14", () => {
      return `node ${nodeId} has the image ${printDigest(digest)} at ${offset}, where ${known && printDigest(known)} was committed`;
    });
  }

  #check(before: ControllerImage, after: ControllerImage, record: MetadataRecord): void {
    if (record.type === "Partition" || record.type === "PartitionChange") {
      const was = partitionOf(before, record.topicId, record.partition);
      const now = partitionOf(after, record.topicId, record.partition);
      if (now === undefined) return;
      const key = keyOf(record.topicId, record.partition);
      this.#checkSets(key, after, now);
      this.#checkEpochs(key, was, now);
      if (was !== undefined) this.#checkGrowth(key, before, { was, now });
      const history = this.#history.get(key) ?? new Map<number, Partition>();
      history.set(now.partitionEpoch, now);
      this.#history.set(key, history);
      this.#listener.partitionChanged(key, was, now);
    } else if (record.type === "BrokerChange") {
      this.#checkFenced(after, record.brokerId);
    } else if (record.type === "RemoveTopic") {
      for (const { partition } of before.topics.get(record.topicId)?.partitions ?? []) {
        this.#listener.partitionChanged(keyOf(record.topicId, partition), undefined, undefined);
      }
    } else if (record.type === "RegisterBroker") {
      const { brokerEpoch, brokerId, incarnationId } = record;
      holds(brokerEpoch > this.#brokerEpochMax, "ID10", () => `broker epoch ${brokerEpoch} is not new`);
      this.#brokerEpochMax = brokerEpoch;
      this.#checkFenced(after, brokerId);
      this.#checkLossy(after, brokerId, incarnationId);
      this.#knownLost.delete(brokerId);
    }
  }

  /** ID9: whoever is fenced has left every ISR before. */
  #checkFenced(image: ControllerImage, brokerId: number): void {
    if (brokerOf(image, brokerId)?.fenced === false) return;
    for (const { partitions } of image.topics.values()) {
      const still = partitions.find(({ isr }) => isr.includes(brokerId));
      holds(still === undefined, "ID9", () => `${brokerId} is fenced and in the ISR of ${still?.topicId}`);
    }
  }

  /** ID15 */
  #checkLossy(image: ControllerImage, brokerId: number, incarnationId: string): void {
    const dirs = brokerOf(image, brokerId)?.dirs ?? [];
    const reported = this.#reported.get(incarnationId);
    for (const { partitions } of image.topics.values()) {
      for (const { topicId, partition, isr, elr, replicas, dirs: homes } of partitions) {
        const at = replicas.indexOf(brokerId);
        if (at < 0) continue;
        const key = keyOf(topicId, partition);
        const isLost = reported?.has(key) === true || !dirs.includes(homes[at] ?? "");
        const counts = isr.includes(brokerId) || elr.includes(brokerId);
        holds(!isLost || !counts, "ID15", () => `${brokerId} has lost something of ${key} and counts all the same`);
      }
    }
  }

  #checkSets(key: string, image: ControllerImage, partition: Partition): void {
    const { replicas, isr, elr, leader, minIsr } = partition;
    const sets = (): string => `${key}: ISR [${isr.join()}], ELR [${elr.join()}], leader ${leader}`;
    holds(leader === noLeader || isr.includes(leader), "ID9", () => `the leader is not in the ISR: ${sets()}`);
    const isWithin = [...isr, ...elr].every((id) => replicas.includes(id));
    holds(isWithin, "ID9", () => `these are no replicas: ${sets()}`);
    holds(!isr.some((id) => elr.includes(id)), "ID9", () => `one is in both: ${sets()}`);
    holds(elr.length === 0 || isr.length < minIsr, "ID9", () => `an ELR at minIsr ${minIsr}: ${sets()}`);
    const fenced = isr.filter((id) => brokerOf(image, id)?.fenced !== false);
    holds(fenced.length === 0, "ID9", () => `fenced ${fenced.join()}: ${sets()}`);
  }

  #checkEpochs(key: string, was: Partition | undefined, now: Partition): void {
    const expected = was === undefined ? now.partitionEpoch : was.partitionEpoch + 1;
    holds(now.partitionEpoch === expected, "ID10", () => `${key}: partition epoch ${now.partitionEpoch}`);
    const leaders = this.#leaders.get(key) ?? new Map<number, number>();
    this.#leaders.set(key, leaders);
    const known = leaders.get(now.leaderEpoch);
    const isNew = was === undefined || now.leaderEpoch > was.leaderEpoch;
    holds(isNew ? known === undefined : known === now.leader, "ID10", () => {
      return `${key}: ${now.leader} leads epoch ${now.leaderEpoch}, known is ${known}, before ${was?.leaderEpoch}`;
    });
    leaders.set(now.leaderEpoch, now.leader);
  }

  /** ID16. Grows by a proposal, by an election from the ELR (6.5 step 5), or by one with loss (step 6). */
  #checkGrowth(key: string, image: ControllerImage, { was, now }: { was: Partition; now: Partition }): void {
    const added = now.isr.filter((id) => !was.isr.includes(id));
    if (added.length === 0 || now.uncleanEpoch !== was.uncleanEpoch) return;
    const isElected = now.leaderEpoch > was.leaderEpoch && now.isr.length === 1 && now.isr[0] === now.leader;
    if (isElected && was.elr.includes(now.leader)) return;
    const epochOf = (id: number): number | undefined => brokerOf(image, id)?.brokerEpoch;
    const isSound = (this.#proposals.get(key) ?? []).some(
      ({ brokerEpoch, proposal }) =>
        proposal.partitionEpoch === was.partitionEpoch &&
        proposal.leaderEpoch === was.leaderEpoch &&
        brokerEpoch === epochOf(was.leader) &&
        proposal.newIsr.length === now.isr.length &&
        proposal.newIsr.every(
          (member) => now.isr.includes(member.brokerId) && member.brokerEpoch === epochOf(member.brokerId),
        ),
    );
    holds(
      isSound,
      "ID16",
      () => `${key}: the ISR grew from [${was.isr.join()}] to [${now.isr.join()}], and nobody asked for it`,
    );
  }
}
