/** What a compaction sees of a partition, and the few things that it may do to it. */
import type { Clock } from "../clock.ts";
import type { LogError } from "../errors.ts";
import type { PartitionCuts } from "../partition-cuts.ts";
import type { PartitionMemory } from "../partition-memory.ts";
import type { PartitionWriter } from "../partition-writer.ts";
import type { ProducerEntry } from "../producer-state.ts";
import type { Segment } from "../segment.ts";
import { offsetsPerSegmentMax } from "../segmented-log.ts";
import type { Cleaned } from "./cleaned-segment.ts";
import { planCompaction } from "./plan-compaction.ts";
import type { CompactionPlan } from "./plan-compaction.ts";
import { planMerge } from "./plan-merge.ts";

/** Segments that become one: they are removed while nothing else is done to the files of the partition. */
const mergedAtOnce = 32;

/** Producers as of an offset: whoever knows them need not read the log below again. */
export interface ProducersBelow {
  readonly end: number;
  readonly entries: readonly ProducerEntry[];
}

export class PartitionCompaction {
  readonly #memory: PartitionMemory;
  readonly #writer: PartitionWriter;
  readonly #cuts: PartitionCuts;
  readonly #clock: Clock;
  #producers: (ProducersBelow & { readonly cutCount: number }) | undefined;

  constructor(memory: PartitionMemory, writer: PartitionWriter, cuts: PartitionCuts, clock: Clock) {
    this.#memory = memory;
    this.#writer = writer;
    this.#cuts = cuts;
    this.#clock = clock;
  }

  /** What may be touched now (J-17); undefined: the topic is not compacted, or nothing is written now. */
  plan(): CompactionPlan | undefined {
    const { config, highWatermark, cleanedTo, producers } = this.#memory;
    if (config.compaction === undefined || !this.isPossible) return undefined;
    return planCompaction({
      segments: this.#writer.files.segments,
      highWatermark,
      recoveryPoint: this.#writer.recoveryPoint,
      cleanedTo,
      openTransaction: producers.firstOpenTransaction,
      nowMs: this.#clock.nowMs(),
      retentionClock: config.retentionClock,
      config: config.compaction,
    });
  }

  /** Whether the files of the log may be changed. */
  get isPossible(): boolean {
    const { kind } = this.#memory.state;
    return kind === "open" || kind === "needs-epoch";
  }

  /** How often the end of the log was cut off. */
  get cutCount(): number {
    return this.#memory.cutCount;
  }

  /** J-20: below, no key has two records, durably. */
  get cleanedTo(): number {
    return this.#memory.cleanedTo;
  }

  /** J-20: it has been through everything below `offset`, durably. */
  cleaned(offset: number): void {
    this.#memory.cleanedTo = Math.max(this.#memory.cleanedTo, offset);
  }

  /** J-21: what the last run of this process knew of producers; undefined when there was none, or the log was cut since. */
  get producersBelow(): ProducersBelow | undefined {
    return this.#producers?.cutCount === this.cutCount ? this.#producers : undefined;
  }

  /** Of a run that has come to its end; owned by this from now on. */
  remember(producers: ProducersBelow): void {
    this.#producers = { ...producers, cutCount: this.cutCount };
  }

  get producersRemembered(): number {
    return this.#producers?.entries.length ?? 0;
  }

  forgetProducers(): void {
    this.#producers = undefined;
  }

  /** J-19: false when the log was cut since `cutCount`, or one of `sources` is gone; then nothing was done. */
  replaceSegments(sources: readonly Segment[], made: Cleaned, cutCount: number): Promise<boolean> {
    return this.#cuts.replaceSegments(sources, made, cutCount);
  }

  /** Neighbours among those that end at or below `offset` that are to be one segment. None where age or size remove whole segments (J-16). */
  mergeable(offset: number): Segment[][] {
    const { segmentBytes, retentionMs, retentionBytes } = this.#memory.config;
    if (retentionMs >= 0 || retentionBytes >= 0) return [];
    const closed = this.#writer.files.segments.slice(0, -1).filter(({ endOffset }) => endOffset <= offset);
    return planMerge(closed, { segmentBytes, offsetsMax: offsetsPerSegmentMax, countMax: mergedAtOnce });
  }

  /** The next append begins a new segment. */
  rollNext(): void {
    this.#writer.files.rollNext();
  }

  /** J-14: an error that may concern more than the compaction. */
  failed(error: LogError): void {
    this.#cuts.failed(error);
  }
}
