/**
 * How fast groups read here: a bucket of tokens for each group that has a rate, refilled with this node's share of it.
 *
 *   share = partitions of the group that are led here / all partitions of the group       (those that it has committed offsets of)
 *
 * Every leader reckons for itself, and together they come to the rate, as far as all partitions have something to read: the share of a
 * leader whose partitions are empty is used by nobody. What a read took may exceed what was there, and is paid off before the next: the
 * average holds however large the batches are. A change of the rate is in effect with the metadata.
 *
 * Invariant: groups without a rate cost one look into the image per read.
 */
import { type ControllerImage, type GroupRate, groupRate } from "@varve/cluster";

/** Places of one group, by topic id. */
export type GroupPlaces = ReadonlyMap<string, readonly number[]>;

export interface GroupRatesDependencies {
  readonly nodeId: number;
  readonly image: () => ControllerImage;
  readonly monotonicMs: () => number;
  /** What the group has committed, from its coordinator; undefined: it cannot be asked now. Never rejects. */
  readonly placesOf: (group: string) => Promise<GroupPlaces | undefined>;
}

/** Where a read of a group is. */
export interface RatedRead {
  readonly group: string;
  readonly topicId: string;
}

/** A full bucket holds as much as comes in so long: what a reader that was away may take at once. */
const burstMs = 250;
/** Nobody waits longer without a look at whether the rate is another one by now. */
const lookMs = 100;
/** How often the coordinator is asked what the group has. */
const placesMs = 5_000;
/** Buckets; the one that was used longest ago goes. */
const bucketsMax = 10_000;
const readBytesMin = 1_024;

/** In a second; 0: no limit. */
interface Rate {
  readonly records: number;
  readonly bytes: number;
}

interface Bucket {
  records: number;
  bytes: number;
  filledMs: number;
  askedMs: number;
  places: GroupPlaces;
  /** At which it was filled last. */
  rate: Rate;
  /** Of what was read so far: how many bytes a record takes. */
  bytesPerRecord: number;
}

export class GroupRates {
  readonly #dependencies: GroupRatesDependencies;
  readonly #buckets = new Map<string, Bucket>();
  /** Reads that had to wait. */
  held = 0;

  constructor(dependencies: GroupRatesDependencies) {
    this.#dependencies = dependencies;
  }

  /** How long to wait before the group may read here, and how much it may read then; undefined: it has no rate. */
  allowance({ group, topicId }: RatedRead): { readonly waitMs: number; readonly maxBytes: number } | undefined {
    const whole = group === "" ? undefined : groupRate(this.#dependencies.image(), group);
    if (whole === undefined) return undefined;
    const bucket = this.#bucket(group, topicId);
    const share = this.#shareOf(bucket, topicId);
    const rate = { records: whole.recordsPerSecond * share, bytes: whole.bytesPerSecond * share };
    this.#fill(bucket, rate);
    const waitMs = Math.max(owedMs(bucket.records, rate.records), owedMs(bucket.bytes, rate.bytes));
    if (waitMs > 0) this.held++;
    return { waitMs: Math.min(waitMs, lookMs), maxBytes: readBytesOf(whole, share, bucket.bytesPerRecord) };
  }

  /** What a read gave. */
  took(group: string, records: number, bytes: number): void {
    const bucket = this.#buckets.get(group);
    if (bucket === undefined) return;
    bucket.records -= records;
    bucket.bytes -= bytes;
    if (records > 0) bucket.bytesPerRecord = bytes / records;
  }

  #bucket(group: string, topicId: string): Bucket {
    const nowMs = this.#dependencies.monotonicMs();
    let bucket = this.#buckets.get(group);
    if (bucket === undefined) {
      const fresh = {
        records: 0,
        bytes: 0,
        filledMs: nowMs,
        askedMs: -Infinity,
        bytesPerRecord: 0,
        rate: { records: 0, bytes: 0 },
      };
      bucket = { ...fresh, places: this.#allOf(topicId) };
      this.#buckets.set(group, bucket);
      const [oldest] = this.#buckets.keys();
      if (this.#buckets.size > bucketsMax && oldest !== undefined) this.#buckets.delete(oldest);
    }
    if (nowMs - bucket.askedMs >= placesMs) this.#ask(group, bucket, nowMs);
    return bucket;
  }

  #ask(group: string, bucket: Bucket, nowMs: number): void {
    bucket.askedMs = nowMs;
    void this.#dependencies.placesOf(group).then((places) => {
      if (places !== undefined && places.size > 0) bucket.places = places;
    });
  }

  #allOf(topicId: string): GroupPlaces {
    const partitions = this.#dependencies.image().topics.get(topicId)?.partitions ?? [];
    return new Map([[topicId, partitions.map(({ partition }) => partition)]]);
  }

  /** At least that of one partition, of a topic that the group is not known to read. */
  #shareOf({ places }: Bucket, topicId: string): number {
    const { image, nodeId } = this.#dependencies;
    const { topics } = image();
    let here = 0;
    let all = 0;
    for (const [placeTopic, partitions] of places.has(topicId) ? places : [...places, ...this.#allOf(topicId)]) {
      const placements = topics.get(placeTopic)?.partitions ?? [];
      for (const partition of partitions) {
        if (placements[partition] === undefined) continue;
        all++;
        if (placements[partition].leader === nodeId) here++;
      }
    }
    return all === 0 ? 1 : Math.max(1, here) / all;
  }

  #fill(bucket: Bucket, rate: Rate): void {
    const nowMs = this.#dependencies.monotonicMs();
    const passedMs = nowMs - bucket.filledMs;
    bucket.filledMs = nowMs;
    const { rate: before } = bucket;
    bucket.rate = rate;
    bucket.records = filled(owedAt(rate.records, before.records, bucket.records), rate.records, passedMs);
    bucket.bytes = filled(owedAt(rate.bytes, before.bytes, bucket.bytes), rate.bytes, passedMs);
  }
}

/** What was taken at a higher rate is paid off in the time that it would have taken then: who slows a group down does not stop it. */
function owedAt(perSecond: number, before: number, tokens: number): number {
  return tokens >= 0 || before <= perSecond ? tokens : (tokens * perSecond) / before;
}

/** Nothing is owed of what has no rate. */
function filled(tokens: number, perSecond: number, passedMs: number): number {
  if (perSecond === 0) return 0;
  return Math.min(tokens + (perSecond * passedMs) / 1_000, (perSecond * burstMs) / 1_000);
}

function owedMs(tokens: number, perSecond: number): number {
  return perSecond === 0 || tokens >= 0 ? 0 : Math.ceil((-tokens * 1_000) / perSecond);
}

/** About what comes in during a burst: a steady pace, not a heap every minute. */
function readBytesOf(whole: GroupRate, share: number, bytesPerRecord: number): number {
  const ofBytes = whole.bytesPerSecond === 0 ? Infinity : whole.bytesPerSecond * share;
  const ofRecords = whole.recordsPerSecond === 0 ? Infinity : whole.recordsPerSecond * share * bytesPerRecord;
  const perSecond = Math.min(ofBytes, ofRecords);
  return Math.max(readBytesMin, Math.floor((perSecond * burstMs) / 1_000));
}
