/**
 * Which partition is compacted, one at a time: the one with the largest share of new records first, until nothing is due.
 *
 * A run goes on in slices beside everything else, at the rate that it was given; `stop` ends it within a slice.
 */
import { LogError } from "../errors.ts";
import { FileSystemError } from "../file-system.ts";
import type { PartitionLog } from "../partition-log.ts";
import { compactPartition } from "./compact-partition.ts";
import type { CompactionOutcome, CompactionParts } from "./compact-partition.ts";
import { Pace } from "./pace.ts";
import type { CompactionPlan } from "./plan-compaction.ts";

export interface CompactorOptions extends Omit<CompactionParts, "pace"> {
  /** Bytes read and written together; 0: no limit. */
  readonly bytesPerSecond: number;
  /** Of all partitions together, what runs remember for the next ones (J-21): as many as the node knows at most. */
  readonly producersMax: number;
  readonly partitions: () => Iterable<PartitionLog>;
}

export interface CompactionStats {
  /** Runs that ended, well or not. */
  readonly runs: number;
  /** Of them those that ended before their end, a full table excepted. */
  readonly failures: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Bytes of segments that are gone. */
  readonly bytesRemoved: number;
}

/** One run, as it is told. */
export interface CompactionReport {
  readonly topic: string;
  readonly partition: number;
  readonly outcome: CompactionOutcome;
}

export class Compactor {
  readonly #options: CompactorOptions;
  readonly #pace: Pace;
  readonly #stats = { runs: 0, failures: 0, bytesRead: 0, bytesWritten: 0, bytesRemoved: 0 };
  #running: Promise<CompactionReport[]> | undefined;

  constructor(options: CompactorOptions) {
    this.#options = options;
    this.#pace = new Pace(options.clock, options.bytesPerSecond);
  }

  get stats(): CompactionStats {
    return { ...this.#stats };
  }

  /** Largest share of new records of what may be compacted now, of all partitions; 0 when none is compacted. */
  get dirtyRatio(): number {
    let largest = 0;
    for (const log of this.#options.partitions()) largest = Math.max(largest, log.compaction.plan()?.dirtyRatio ?? 0);
    return largest;
  }

  /** Compacts what is due, and says how it went; while it does, a second call waits for the same. */
  run(): Promise<CompactionReport[]> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Ends the run that is under way, soon. */
  stop(): void {
    this.#pace.stop();
  }

  /** The run that was under way has ended. */
  async ended(): Promise<void> {
    await this.#running?.catch(() => {
      // Whoever called `run` hears of it.
    });
  }

  async #run(): Promise<CompactionReport[]> {
    const reports: CompactionReport[] = [];
    /** One that could not be compacted is left to the next call. */
    const tried = new Set<PartitionLog>();
    for (;;) {
      const next = this.#pace.isStopped ? undefined : this.#dirtiest(tried);
      if (next === undefined) return reports;
      const outcome = await this.#compact(next.log, next.plan);
      if (outcome === undefined || outcome.kind !== "partly") tried.add(next.log);
      if (outcome !== undefined) reports.push({ topic: next.log.id.topic, partition: next.log.id.partition, outcome });
    }
  }

  #dirtiest(tried: ReadonlySet<PartitionLog>): { log: PartitionLog; plan: CompactionPlan } | undefined {
    let best: { log: PartitionLog; plan: CompactionPlan } | undefined;
    for (const log of this.#options.partitions()) {
      if (tried.has(log)) continue;
      const plan = log.compaction.plan();
      if (plan?.rollActive === true) log.compaction.rollNext();
      if (plan === undefined || !plan.isDue) continue;
      if (best === undefined || plan.dirtyRatio > best.plan.dirtyRatio) best = { log, plan };
    }
    return best;
  }

  async #compact(log: PartitionLog, plan: CompactionPlan): Promise<CompactionOutcome | undefined> {
    const deleteRetentionMs = log.config.compaction?.deleteRetentionMs ?? 0;
    let outcome;
    try {
      outcome = await compactPartition(log, plan, deleteRetentionMs, { ...this.#options, pace: this.#pace });
    } catch (error) {
      // Closed or deleted meanwhile.
      if (!(error instanceof LogError) && !(error instanceof FileSystemError)) throw error;
      return undefined;
    }
    this.#forgetProducers(log);
    this.#stats.runs += 1;
    if (outcome.kind !== "done" && outcome.kind !== "partly") this.#stats.failures += 1;
    this.#stats.bytesRead += outcome.bytesRead;
    this.#stats.bytesWritten += outcome.bytesWritten;
    this.#stats.bytesRemoved += outcome.bytesBefore - outcome.bytesAfter;
    return outcome;
  }

  /** A partition of which nothing is remembered is read twice by its next run. Those that remember most forget first, the last one never. */
  #forgetProducers(last: PartitionLog): void {
    const others = [...this.#options.partitions()].filter((log) => log !== last);
    others.sort((a, b) => b.compaction.producersRemembered - a.compaction.producersRemembered);
    let count = last.compaction.producersRemembered;
    for (const log of others) count += log.compaction.producersRemembered;
    for (const { compaction } of others) {
      if (count <= this.#options.producersMax) return;
      count -= compaction.producersRemembered;
      compaction.forgetProducers();
    }
  }
}
