/**
 * What must be in one partition: the specification that the store is held against, as a list.
 *
 *   log start            survives a power cut    survives a kill          end
 *      ├───────── must be there ─────┼──── after a kill ─────┼─ may be there ─┤
 *
 * What counted in `sync` mode survives everything; what counted in `os` mode survives the death of the process. Whatever
 * was appended and never counted may be there after a crash or not, but only as the continuation of the rest: the
 * content is always a prefix of the list. Commands that a crash interrupts have happened or have not.
 */
import type { PartitionId } from "../index.ts";
import { ModelCompaction } from "./model-compaction.ts";
import type { ModelRecord } from "./model-compaction.ts";

export interface ModelBatch {
  readonly base: number;
  /** Exclusive. */
  readonly end: number;
  readonly epoch: number;
  /** As the store must give them back. */
  readonly bytes: Uint8Array;
  readonly records: readonly ModelRecord[];
  readonly producer: { readonly id: number; readonly firstSequence: number } | undefined;
}

/** What was assigned offsets from `from` on and cut off before it counted. */
export interface Ghost {
  readonly from: number;
  readonly batches: readonly ModelBatch[];
}

/** A log as it was at some time. */
export interface FormerLog {
  readonly logStart: number;
  readonly batches: readonly ModelBatch[];
  readonly highWatermark: number;
}

/** The store did something the rules forbid. */
export class ViolationError extends Error {
  override readonly name = "ViolationError";
}

export function demand(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new ViolationError(message());
}

/** How the last process ended. */
export type Ending = "power-cut" | "kill" | "clean";

export class PartitionModel {
  readonly id: PartitionId;
  presence: "creating" | "present" | "deleting" = "creating";
  flush: "sync" | "os";
  /** The flush that a command under way is changing to. */
  flushAsked: "sync" | "os" | undefined;
  batches: ModelBatch[] = [];
  /** What it was before each truncation, restart and new log start: what lost bytes of the journal may bring back. */
  readonly #former: FormerLog[] = [];
  /** Gone below the log start, and not by a restart. */
  #below: ModelBatch[] = [];
  ghosts: Ghost[] = [];
  readonly compaction = new ModelCompaction();
  end = 0;
  logStart = 0;
  /** A log start that was asked for and not yet confirmed, or that retention may have chosen. */
  logStartMost = 0;
  /** The log is being started anew at this offset (G-8): it is as before, or empty there. */
  restartAsked: number | undefined;
  survivesKill = 0;
  survivesPowerCut = 0;
  /** What the last start reported as lost and nobody confirmed must be reported again; what was confirmed may be (J-13). */
  lossReported: "no" | "confirmed" | "unconfirmed" = "no";
  epoch = -1;
  /** The latest epoch belongs to another leader. */
  isFollower = false;
  highWatermark = 0;
  /** A bit was flipped in a file of this partition, or in one that all share. */
  mayBeDamaged = false;
  /** Bytes of the journal are damaged, and nothing was opened since: what it was the last to know may be forgotten (J-6). */
  mayBeOlder = false;
  /** An I/O error closed it in the last process. */
  hasFailed = false;

  constructor(id: PartitionId, flush: "sync" | "os") {
    this.id = id;
    this.flush = flush;
  }

  get name(): string {
    return `${this.id.topic}-${this.id.partition}`;
  }

  /** Both flushes while one is changed into the other: then only the weaker promise holds. */
  get promisesSync(): boolean {
    return this.flush === "sync" && (this.flushAsked ?? "sync") === "sync";
  }

  append(batch: ModelBatch): void {
    demand(batch.base === this.end, () => `${this.name}: appended at ${batch.base}, but the end was ${this.end}`);
    this.batches.push(batch);
    this.end = batch.end;
  }

  /** A loss was accepted, durably: a batch without records holds the place of what is gone (J-12). */
  appendGap(gap: { baseOffset: number; nextOffset: number; bytes: Uint8Array }, epoch: number): void {
    const { baseOffset: base, nextOffset: end, bytes } = gap;
    this.append({ base, end, epoch, bytes, records: [], producer: undefined });
    this.survivesKill = end;
    this.survivesPowerCut = end;
  }

  /** Everything below `offset` was said to count. */
  counted(offset: number): void {
    demand(offset <= this.end, () => `${this.name}: offset ${offset} counts, but only ${this.end} were appended`);
    this.survivesKill = Math.max(this.survivesKill, offset);
    this.ghosts = this.ghosts.filter((ghost) => offset <= ghost.from);
    if (this.promisesSync) this.survivesPowerCut = Math.max(this.survivesPowerCut, offset);
  }

  /**
   * The store cut back to what counts by itself (J-3). Until something above counts, what was cut may be there again after
   * a crash, whole or in part: it was never said to be gone from the disk.
   */
  cutBack(to: number): void {
    const batches = this.batches.filter((batch) => batch.base >= to);
    if (batches.length > 0) this.ghosts.push({ from: to, batches });
    this.cut(to);
  }

  /** Everything is gone, and the log begins at `offset` (G-8). */
  restart(offset: number): void {
    this.#remember();
    this.#below = [];
    this.batches = [];
    this.ghosts = [];
    this.end = offset;
    this.logStart = offset;
    this.logStartMost = offset;
    this.highWatermark = offset;
    this.survivesKill = offset;
    this.survivesPowerCut = offset;
    this.restartAsked = undefined;
  }

  /** What follows `from` is what was cut off there once, not what was appended later. */
  revive(ghost: Ghost): void {
    this.cut(ghost.from);
    this.batches.push(...ghost.batches);
    this.end = ghost.batches.at(-1)?.end ?? ghost.from;
  }

  /** A truncation begins: from now on what lies above may be gone. */
  allowCut(to: number): void {
    this.survivesKill = Math.min(this.survivesKill, to);
    this.survivesPowerCut = Math.min(this.survivesPowerCut, to);
  }

  /** What lies at or above `to` is gone for good. */
  cut(to: number): void {
    this.allowCut(to);
    if ((this.batches.at(-1)?.end ?? 0) > to) this.#remember();
    while ((this.batches.at(-1)?.end ?? 0) > to) this.batches.pop();
    this.end = to;
    this.highWatermark = Math.min(this.highWatermark, to);
  }

  raiseLogStart(offset: number): void {
    if (offset > this.logStart) this.#remember();
    this.logStart = Math.max(this.logStart, offset);
    this.logStartMost = Math.max(this.logStartMost, offset);
    this.#below.push(...this.batches.filter((batch) => batch.end <= this.logStart));
    this.batches = this.batches.filter((batch) => batch.end > this.logStart);
    this.highWatermark = Math.max(this.highWatermark, offset);
  }

  /** What may be found after damage, with this log start: as it is, or as it was at some time. The likeliest first. */
  formerWith(logStart: number): readonly FormerLog[] {
    const { highWatermark } = this;
    const now = { logStart: this.logStart, batches: this.batches, highWatermark };
    if (!this.mayBeOlder) return [now];
    // Segments may show what happened since, and the journal not where the log begins now.
    const below = this.#below.filter((batch) => batch.end > logStart);
    const mixed = { logStart, batches: [...below, ...this.batches], highWatermark };
    const former = this.#former.filter((one) => one.logStart === logStart).reverse();
    if (logStart === this.logStart) return [now, ...former];
    return former.length === 0 ? [] : [mixed, ...former];
  }

  /** From here on it is what it was then; what counts is what counts now. */
  becomeAgain({ logStart, batches, highWatermark }: FormerLog): void {
    this.batches = [...batches];
    this.logStart = logStart;
    this.end = Math.max(this.end, batches.at(-1)?.end ?? logStart);
    this.highWatermark = Math.max(this.highWatermark, highWatermark);
  }

  #remember(): void {
    const { logStart, batches, highWatermark } = this;
    this.#former.push({ logStart, batches: [...batches], highWatermark });
  }

  /** What must be there after the last process ended that way. */
  floor(ending: Ending): number {
    if (ending === "clean") return this.end;
    return Math.max(ending === "kill" ? this.survivesKill : this.survivesPowerCut, this.logStart);
  }

  /**
   * A bit flipped at this byte of the segment that begins with `segmentBase`. In the length of a batch of an `os` partition it
   * may look like a torn end, which is cut there (J-13).
   */
  flipped(segmentBase: number, at: number): void {
    let start = 0;
    for (const batch of this.batches) {
      if (batch.base < segmentBase) continue;
      // In a segment that was compacted any batch may begin there.
      if ((at >= start + 8 && at < start + 12) || segmentBase < this.compaction.limit) {
        this.survivesKill = Math.min(this.survivesKill, batch.base);
        this.survivesPowerCut = Math.min(this.survivesPowerCut, batch.base);
      }
      start += batch.bytes.length;
    }
  }

  /** Offsets at which a batch ends, and the beginning. */
  boundaries(): number[] {
    return [this.batches[0]?.base ?? this.end, ...this.batches.map((batch) => batch.end)];
  }

  /**
   * A store was opened after a crash and holds offsets [logStart, end): checks that this is allowed, and makes it the
   * truth from here on. The content is checked by reading.
   */
  adopt(found: { logStart: number; end: number }, ending: Ending): void {
    if (found.end === this.restartAsked && found.logStart === found.end) this.restart(found.end);
    this.restartAsked = undefined;
    const floor = this.floor(ending);
    demand(found.end >= floor, () => `${this.name}: lost [${found.end}, ${floor}) after a ${ending}`);
    this.adoptCut(found);
    this.compaction.endsAt(this.end, this.batches);
  }

  /** As `adopt`, for a partition that was damaged and whose loss was accepted. */
  adoptCut(found: { logStart: number; end: number }): void {
    const { logStart, end } = found;
    demand(end <= this.end, () => `${this.name}: ends at ${end}, but only ${this.end} were ever appended`);
    demand(
      logStart >= this.logStart && logStart <= this.logStartMost,
      () => `${this.name}: starts at ${logStart}, not in [${this.logStart}, ${this.logStartMost}]`,
    );
    const boundaries = this.boundaries();
    demand(
      // Below the log start batches ended that nobody can read, and the model has forgotten where.
      boundaries.includes(end) || end <= logStart,
      () => `${this.name}: ends at ${end}, inside a batch; ends are ${boundaries.join(", ")}`,
    );
    this.cut(end);
    this.ghosts = [];
    this.raiseLogStart(logStart);
    this.logStartMost = logStart;
    this.survivesKill = end;
    this.survivesPowerCut = end;
  }

  /** The batches a read of [offset, limit) may return, in order, first the one that holds `offset`. */
  batchesFrom(offset: number, limit: number): readonly ModelBatch[] {
    return this.batches.filter((batch) => batch.end > offset && batch.end <= limit);
  }

  /** As `batchesFrom`, with those in front that a gap which holds `offset` may begin with. */
  batchesAround(offset: number, limit: number): readonly ModelBatch[] {
    const from = this.batchesFrom(offset, limit);
    const first = from[0]?.base ?? offset;
    return [...this.batches.filter((batch) => batch.end <= first), ...from];
  }

  /** Records that may be the first at or after a time: the last of them must be there, those before may be gone. */
  firstAtOrAfter(
    timeMs: number,
    limit: number,
  ): { readonly offset: number; readonly timestampMs: number; readonly leaderEpoch: number; isNeeded: boolean }[] {
    const found = [];
    for (const batch of this.batchesFrom(this.logStart, limit)) {
      for (const [index, record] of batch.records.entries()) {
        const offset = batch.base + index;
        const { timestampMs } = record;
        if (offset < this.logStart || timestampMs < timeMs) continue;
        const isNeeded = this.compaction.isNeeded(record, offset);
        found.push({ offset, timestampMs, leaderEpoch: batch.epoch, isNeeded });
        if (isNeeded) return found;
      }
    }
    return found;
  }

  /** The sequence after the latest batch of a producer that is still in the log. */
  nextSequence(producerId: number): number | undefined {
    const latest = this.latestOf(producerId);
    return latest === undefined ? undefined : (latest.producer?.firstSequence ?? 0) + (latest.end - latest.base);
  }

  latestOf(producerId: number): ModelBatch | undefined {
    return this.batches.findLast((batch) => batch.producer?.id === producerId);
  }
}
