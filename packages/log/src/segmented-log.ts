/**
 * The segments of one partition as one stream of batches from the first to the last offset in files.
 *
 *     [ 0 ──────── 180 )[ 180 ─────── 351 )[ 351 ── 400 )      the last one is active
 *
 * Invariants: each segment begins where the one before ends; only the active one is written; a segment that was made or
 * removed counts only after a sync of the directory, which `sync` includes (J-7, F-12). One writer at a time (the
 * partition's file work is a queue of one); readers run beside it and hold what they read (J-16).
 */
import { batchHeaderBytes, batchSizeBytes, readBatchHeader } from "@varve/format";
import { FileSystemError, isShortage } from "./file-system.ts";
import type { FileSystem } from "./file-system.ts";
import { invariant } from "./invariant.ts";
import type { OpenFiles } from "./open-files.ts";
import { Segment, segmentFileName } from "./segment.ts";
import { removeSegmentIndexes } from "./segment-index-files.ts";
import { readSegment } from "./segment-read.ts";
import type { SegmentRead, SegmentReadOptions } from "./segment-read.ts";
import { syncNames } from "./small-files.ts";

export interface SegmentLimits {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly indexIntervalBytes: number;
}

/** Kafka's indexes hold offsets relative to the base in 31 bits. */
export const offsetsPerSegmentMax = 0x7fff_ffff;

export type FileRead = SegmentRead | { readonly kind: "gone" };

export class SegmentedLog {
  readonly directory: string;
  readonly #fs: FileSystem;
  readonly #files: OpenFiles;
  #segments: Segment[];
  /** A name was made or removed that no directory sync has covered. */
  #isDirectoryDirty = false;
  #rollNext = false;
  /** J-19: what one file takes the place of; over when nothing of it is left. */
  #replacing: { readonly base: number; readonly end: number; isRenamed: boolean } | undefined;
  /** Of it, files whose bytes are in the one before. */
  readonly #leftovers: string[] = [];
  /** Files behind damage: nobody reads them, and nobody removes them before the loss is accepted (J-12). */
  #behindDamage: string[];
  /** Where the log begins and ends while there is no segment: there is none yet, or all are gone. */
  #emptyAt: number;

  constructor(
    directory: string,
    segments: Segment[],
    dependencies: { fs: FileSystem; files: OpenFiles },
    damage: { readonly behind?: readonly string[]; readonly emptyAt?: number } = {},
  ) {
    this.directory = directory;
    this.#emptyAt = damage.emptyAt ?? 0;
    this.#segments = segments;
    this.#behindDamage = [...(damage.behind ?? [])];
    this.#fs = dependencies.fs;
    this.#files = dependencies.files;
  }

  /** Paths behind damage; nobody reads them. */
  get behindDamage(): readonly string[] {
    return this.#behindDamage;
  }

  /** In order; borrowed. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** First offset in a file. */
  get startOffset(): number {
    return this.#segments[0]?.baseOffset ?? this.#emptyAt;
  }

  /** Exclusive end of what is in files. */
  get endOffset(): number {
    return this.#segments.at(-1)?.endOffset ?? this.#emptyAt;
  }

  get sizeBytes(): number {
    let bytes = 0;
    for (const segment of this.#segments) bytes += segment.sizeBytes;
    return bytes;
  }

  get isDirty(): boolean {
    const isReplacing = this.#replacing !== undefined;
    return isReplacing || this.#isDirectoryDirty || this.#segments.some((segment) => segment.isDirty);
  }

  /** J-19: a replacement that was not carried out to its end: the next start has to know of it. */
  get replacing(): { readonly base: number; readonly end: number } | undefined {
    return this.#replacing;
  }

  /** The next append begins a new segment. */
  rollNext(): void {
    this.#rollNext = true;
  }

  /**
   * Appends batches that follow what is there. When it throws, a prefix of whole batches may have been taken: `endOffset`
   * says which. Not durable.
   */
  async append(
    batches: readonly { readonly baseOffset: number; readonly nextOffset: number; readonly bytes: Uint8Array }[],
    limits: SegmentLimits,
    nowMs: number,
  ): Promise<void> {
    let index = 0;
    while (index < batches.length) {
      const first = batches[index];
      if (first === undefined) return;
      invariant(
        this.#segments.length === 0 || first.baseOffset === this.endOffset,
        () => `"${this.directory}" ends at ${this.endOffset}, cannot append ${first.baseOffset}`,
      );
      await this.#trimActive();
      const active = await this.#activeFor(first, limits, nowMs);
      const chunks: Uint8Array[] = [];
      const taken: { offset: number; positionBytes: number; maxTimestampMs: number }[] = [];
      let bytes = 0;
      let endOffset = active.endOffset;
      for (; index < batches.length; index += 1) {
        const batch = batches[index];
        if (batch === undefined) break;
        if (chunks.length > 0 && !fits(active, batch, bytes, limits)) break;
        chunks.push(batch.bytes);
        const { maxTimestampMs } = readBatchHeader(batch.bytes);
        taken.push({ offset: batch.baseOffset, positionBytes: active.sizeBytes + bytes, maxTimestampMs });
        bytes += batch.bytes.length;
        endOffset = batch.nextOffset;
      }
      await active.append(chunks, { bytes, endOffset, nowMs });
      for (const batch of taken) active.noteBatch(batch, limits.indexIntervalBytes);
    }
  }

  /** After a crash: names that are there may not be durable, whatever was synced before (J-10 e). */
  namesAreInDoubt(): void {
    this.#isDirectoryDirty = true;
  }

  /** Makes everything written so far durable, names included (F-12). Errors: `DISK_FAILED`. */
  async sync(): Promise<void> {
    for (const segment of this.#segments) if (segment.isDirty) await segment.sync();
    await this.#syncDirectory();
  }

  /**
   * Where the batch begins that holds `offset`, or the end: a cut there leaves whole batches below it. Undefined when the
   * walk met something else than the batches that belong there.
   */
  async boundaryAt(offset: number): Promise<{ segment: Segment; positionBytes: number; offset: number } | undefined> {
    const segment = this.#segmentFor(offset);
    if (segment === undefined) return undefined;
    if (offset >= segment.endOffset) return { segment, positionBytes: segment.sizeBytes, offset: segment.endOffset };
    const { index } = await segment.indexes();
    const floor = index.lookup(Math.max(offset, segment.baseOffset));
    let positionBytes = floor.position;
    let at = floor.offset;
    const header = new Uint8Array(batchHeaderBytes);
    while (at < offset) {
      if ((await segment.read(header, positionBytes)) < batchHeaderBytes) return undefined;
      const { baseOffset, lastOffsetDelta } = readBatchHeader(header, 0);
      if (baseOffset !== at) return undefined;
      const next = baseOffset + lastOffsetDelta + 1;
      if (next > offset) break;
      at = next;
      positionBytes += batchSizeBytes(header, 0);
    }
    return { segment, positionBytes, offset: at };
  }

  /** Cuts everything at and above a boundary, and makes that durable: segments first go from the end (J-7, F-12). */
  async cutTo(boundary: { segment: Segment; positionBytes: number; offset: number }): Promise<void> {
    await this.finishReplacement();
    const keep = this.#segments.indexOf(boundary.segment);
    invariant(keep >= 0, () => `"${boundary.segment.path}" is not a segment of "${this.directory}"`);
    for (const segment of this.#segments.slice(keep + 1).reverse()) {
      await this.#remove(segment);
      this.#segments.pop();
    }
    await this.#removeBehindDamage();
    await this.#prepareCut(boundary.segment);
    await boundary.segment.cut({ sizeBytes: boundary.positionBytes, endOffset: boundary.offset });
    this.#rollNext = false;
    await this.sync();
  }

  /**
   * Removes what is behind the last batch and belongs to none: left by a failed write, or damage that was given up (J-12).
   * Durable on return.
   */
  async trim(): Promise<void> {
    await this.#removeBehindDamage();
    for (const segment of this.#segments) {
      if (!segment.isRagged && segment !== this.#segments.at(-1)) continue;
      await this.#prepareCut(segment);
      await segment.cut({ sizeBytes: segment.sizeBytes, endOffset: segment.endOffset });
    }
    await this.sync();
  }

  /**
   * Removes everything; the next batch is `offset` (G-8). Durable on return. Takes no room, so that a full disk cannot stop it
   * half-way: the first segment comes with the next append.
   */
  async startAt(offset: number): Promise<void> {
    await this.finishReplacement();
    for (const segment of [...this.#segments].reverse()) {
      await this.#remove(segment);
      this.#segments.pop();
    }
    await this.#removeBehindDamage();
    this.#rollNext = false;
    this.#emptyAt = offset;
    await this.sync();
  }

  /** Removes whole segments that end at or below `logStartOffset`, never the active one. Durable on return. */
  async removeBelow(logStartOffset: number): Promise<{ segments: number; bytes: number }> {
    await this.finishReplacement();
    let segments = 0;
    let bytes = 0;
    while (this.#segments.length > 1) {
      const first = this.#segments[0];
      if (first === undefined || first.endOffset > logStartOffset) break;
      this.#segments.shift();
      segments += 1;
      bytes += first.sizeBytes;
      await this.#remove(first);
    }
    await this.#syncDirectory();
    return { segments, bytes };
  }

  /**
   * Whole batches from the one that holds `offset` on, checked (J-11). Owned bytes, unless they may be lent. `gone`: its segment
   * was removed meanwhile. `limit` is exclusive; the first batch may exceed `maxBytes` when `atLeastOneBatch`.
   */
  async read(options: Omit<SegmentReadOptions, "lendFrom"> & { readonly lend?: boolean }): Promise<FileRead> {
    const segment = this.#segmentFor(options.offset);
    if (segment === undefined || options.offset >= segment.endOffset) return { kind: "empty" };
    try {
      const found = await readSegment(segment, {
        ...options,
        lendFrom: options.lend === true ? this.#files.readBuffers : undefined,
      });
      // What was read may be of the file that took its place; what is in one piece is good either way.
      return found.kind !== "batches" && segment.isRemoved ? { kind: "gone" } : found;
    } catch (error) {
      if (segment.isRemoved && error instanceof FileSystemError && error.code === "NOT_FOUND") return { kind: "gone" };
      throw error;
    }
  }

  /**
   * J-19: puts the synced file at `made.path`, which says the same as `sources`, neighbours, in the place of them: over the first by one
   * rename, and once that is durable the others go. Durable on return; readers that hold an old file keep it. After a shortage behind the
   * rename `finishReplacement` has the rest to do.
   */
  async replace(
    sources: readonly Segment[],
    made: { path: string; sizeBytes: number; maxTimestampMs: number },
  ): Promise<void> {
    await this.finishReplacement();
    const [first, ...others] = sources;
    const index = first === undefined ? -1 : this.#segments.indexOf(first);
    const isThere = sources.every((source, at) => this.#segments[index + at] === source);
    invariant(index >= 0 && isThere, () => `what "${made.path}" replaces are not segments of "${this.directory}"`);
    if (first === undefined) return;
    await this.#prepareCut(...sources);
    const { baseOffset, isInDoubt } = first;
    const endOffset = sources.at(-1)?.endOffset ?? first.endOffset;
    const replacing = { base: baseOffset, end: endOffset, isRenamed: false };
    this.#replacing = replacing;
    first.isInDoubt = true;
    try {
      await this.#fs.rename(made.path, first.path);
    } catch (error) {
      if (!isShortage(error)) throw error;
      // Nothing was done.
      first.isInDoubt = isInDoubt;
      this.#replacing = undefined;
      throw error;
    }
    replacing.isRenamed = true;
    const lastWrittenMs = Math.max(...sources.map((source) => source.lastWrittenMs));
    const { sizeBytes, maxTimestampMs } = made;
    const state = { directory: this.directory, baseOffset, endOffset, sizeBytes, lastWrittenMs, maxTimestampMs };
    for (const source of sources) source.isRemoved = true;
    this.#segments.splice(index, sources.length, new Segment(state, { fs: this.#fs, files: this.#files }));
    this.#leftovers.push(...others.map(({ path }) => path));
    this.#isDirectoryDirty = true;
    for (const source of sources) await source.close();
    await this.finishReplacement();
  }

  /** J-19: what was replaced goes, after the name of what took its place is durable. Durable on return. */
  async finishReplacement(): Promise<void> {
    // After an error of the rename nobody knows which file it is: the next start looks.
    if (this.#replacing?.isRenamed !== true) return;
    await this.#syncDirectory();
    while (this.#leftovers.length > 0) {
      const path = this.#leftovers.at(-1) ?? "";
      this.#isDirectoryDirty = true;
      if ((await this.#fs.stat(path)) !== undefined) await this.#fs.unlink(path);
      this.#leftovers.pop();
    }
    await this.#syncDirectory();
    this.#replacing = undefined;
  }

  /** Writes the index files of segments that do not grow any more. */
  async saveIndexes(): Promise<void> {
    for (const segment of this.#segments.slice(0, -1)) await segment.saveIndexes();
  }

  async close(): Promise<void> {
    for (const segment of this.#segments) await segment.close();
  }

  #segmentFor(offset: number): Segment | undefined {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle]?.baseOffset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#segments[Math.max(0, low - 1)];
  }

  /** What a write left that found no room (J-15): behind a segment that is full it would be taken for damage (J-12). */
  async #trimActive(): Promise<void> {
    const active = this.#segments.at(-1);
    if (active?.isRagged !== true) return;
    await active.cut({ sizeBytes: active.sizeBytes, endOffset: active.endOffset });
  }

  async #activeFor(
    batch: { readonly baseOffset: number; readonly bytes: Uint8Array; readonly nextOffset: number },
    limits: SegmentLimits,
    nowMs: number,
  ): Promise<Segment> {
    const active = this.#segments.at(-1);
    if (active === undefined) return this.#create(batch.baseOffset, nowMs);
    if (active.sizeBytes === 0) return active;
    const isOld = limits.segmentMs > 0 && nowMs - active.lastWrittenMs > limits.segmentMs;
    if (!this.#rollNext && !isOld && fits(active, batch, 0, limits)) return active;
    const made = await this.#create(batch.baseOffset, nowMs);
    this.#rollNext = false;
    return made;
  }

  async #create(baseOffset: number, nowMs: number): Promise<Segment> {
    const path = `${this.directory}/${segmentFileName(baseOffset, "log")}`;
    // Of a segment that was lost here: they must not come to stand beside the new one, now or after a crash.
    if (await removeSegmentIndexes(this.#fs, path)) await this.#fs.syncDirectory(this.directory);
    this.#isDirectoryDirty = true;
    let handle;
    try {
      handle = await this.#fs.open(path, "create");
    } catch (error) {
      if (!(error instanceof FileSystemError) || error.code !== "EXISTS") throw error;
      // Left by an attempt that was cut off before the segment was known: nothing in it belongs to the log.
      await this.#fs.unlink(path);
      handle = await this.#fs.open(path, "create");
    }
    const segment = new Segment(
      {
        directory: this.directory,
        baseOffset,
        endOffset: baseOffset,
        sizeBytes: 0,
        lastWrittenMs: nowMs,
        maxTimestampMs: -1,
      },
      { fs: this.#fs, files: this.#files },
    );
    this.#files.adopt(segment, handle);
    this.#segments.push(segment);
    return segment;
  }

  async #remove(segment: Segment): Promise<void> {
    segment.isRemoved = true;
    segment.isDirty = false;
    this.#isDirectoryDirty = true;
    await segment.removeIndexFiles();
    await segment.close();
    await this.#fs.unlink(segment.path);
  }

  /** An index of a segment as it was would look good beside the new one: it goes first, durably. */
  async #prepareCut(...segments: readonly Segment[]): Promise<void> {
    let isRemoved = false;
    for (const segment of segments) if (await segment.removeIndexFiles()) isRemoved = true;
    if (!isRemoved) return;
    this.#isDirectoryDirty = true;
    await this.#syncDirectory();
  }

  async #removeBehindDamage(): Promise<void> {
    for (const path of this.#behindDamage.splice(0).reverse()) {
      this.#isDirectoryDirty = true;
      if ((await this.#fs.stat(path)) !== undefined) await this.#fs.unlink(path);
    }
  }

  async #syncDirectory(): Promise<void> {
    if (!this.#isDirectoryDirty) return;
    this.#isDirectoryDirty = false;
    try {
      await syncNames(this.#fs, this.directory);
    } catch (error) {
      this.#isDirectoryDirty = true;
      throw error;
    }
  }
}

function fits(
  segment: Segment,
  batch: { readonly bytes: Uint8Array; readonly nextOffset: number },
  pendingBytes: number,
  limits: SegmentLimits,
): boolean {
  return (
    segment.sizeBytes + pendingBytes + batch.bytes.length <= limits.segmentBytes &&
    batch.nextOffset - segment.baseOffset <= offsetsPerSegmentMax
  );
}
