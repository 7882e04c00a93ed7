/**
 * One segment: `<base offset, 20 digits>.log`, batches byte for byte as Kafka's, its two index files, and what is known
 * about them in memory.
 *
 * A segment never interprets what it holds: it takes bytes, gives bytes, and knows how many are written and whether they
 * are synced. Which bytes may be in it, and when they count, is decided above (`partition-writer.ts`). Indexes are loaded
 * when they are first needed, since all of them together would not fit in memory.
 *
 * Every file that can exist, each half-state that a crash may leave, and what recovery does with it:
 *
 * `topics/<topic>-<partition>/`
 *   - there, but neither in the checkpoint nor in the journal: `create` did not get to its barrier. Set aside as `.stray`.
 *   - in the checkpoint, but not there: damage. An empty one is made, and the partition is quarantined (J-12).
 *   - there, and the journal says deleted: removed. `….deleted`: being removed, goes on. `….stray`: left alone.
 * `partition.json`
 *   - bad or missing: written again when only one partition fits the directory's name; else the directory is set aside.
 * `<base>.log`
 *   - mode `journal`: below the recovery point it is whole. What is above was written behind the journal, in any state; it is
 *     cut off and taken from the journal (J-2). Shorter than the recovery point: damage.
 *   - mode `direct`, `os`: whole batches above the recovery point, then perhaps a torn one, or zeros, or old bytes. Scanned
 *     (J-11): up to the first bad batch it stays, the rest is torn and is cut; below the promise it is damage (J-9).
 *   - the name of one in the middle is missing (its directory was not synced): what follows is of no use. Below the recovery
 *     point that is damage, above it nothing counted, and it goes.
 *   - below the log start: the log start was durable before it was to be removed (J-7). Removed.
 *   - above a truncation: the truncation was durable before files changed (J-7). Cut, removed, synced, again if need be.
 *   - larger than its batches, after a write that failed in this process: cut before anything else is written there (J-3).
 *   - the old one, or the one that compaction made of it: the journal says that it may be either, both are whole (J-19).
 *   - one whose batches are in the segment before it, which took its place: the journal says so. Removed (J-19).
 * `<base>.log.new`
 *   - what compaction did not get to put in place. Removed.
 * `<base>.index`, `<base>.timeindex`
 *   - missing, incomplete or bad: built from the segment when first needed. Removed, durably, before the segment is cut.
 * `producer-state-<offset>`, `leader-epochs`
 *   - bad, or of an offset above the end: removed or passed over; the next older one and the batch headers say the same
 *     (F-10). Epoch runs are in the checkpoint and the journal; their file is a copy for people and tools.
 * `….new`
 *   - a file that was to replace another: written over by the next one.
 * `journal/<slot>.wal`
 *   - rounds of this life and, behind them, of an earlier one: told apart by number. The last round may be torn: of it stay,
 *     per partition, the records up to its first bad one (J-6). A bad one before the last is damage to whom it concerned.
 *   - zeros, a short file: nothing was written there yet.
 * `checkpoint-a`, `checkpoint-b`
 *   - one torn or bad: the other holds, and its journal is still there (J-8). Both: the store does not open.
 * `boot-id`
 *   - missing or bad: as after a power loss; `os` partitions do not call themselves retained (J-13).
 */
import type { FileSystem } from "./file-system.ts";
import { invariant } from "./invariant.ts";
import { OffsetIndex } from "./offset-index.ts";
import type { OpenFiles } from "./open-files.ts";
import { syncOrFail } from "./small-files.ts";
import { scanSegment } from "./segment-scan.ts";
import type { ScanResult } from "./segment-scan.ts";
import { loadSegmentIndexes, removeSegmentIndexes, saveSegmentIndexes } from "./segment-index-files.ts";
import type { SegmentIndexes } from "./segment-index-files.ts";
import { TimeIndex } from "./time-index.ts";

/** When an index is rebuilt from the segment. */
const rebuildIntervalBytes = 4096;

/** File name of the segment that begins at `baseOffset`, with one of the extensions. */
export function segmentFileName(baseOffset: number, extension: "log" | "index" | "timeindex"): string {
  return `${String(baseOffset).padStart(20, "0")}.${extension}`;
}

/** Base offset of a segment file, or undefined when `name` is not one. */
export function parseSegmentFileName(name: string): { baseOffset: number; extension: string } | undefined {
  const match = /^(\d{20})\.(log|index|timeindex)$/.exec(name);
  if (match === null) return undefined;
  const baseOffset = Number(match[1]);
  return Number.isSafeInteger(baseOffset) ? { baseOffset, extension: match[2] ?? "" } : undefined;
}

export interface SegmentState {
  readonly directory: string;
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly sizeBytes: number;
  readonly lastWrittenMs: number;
  readonly maxTimestampMs: number;
}

export class Segment {
  readonly path: string;
  readonly baseOffset: number;
  /** Exclusive; of what is in the file. */
  endOffset: number;
  /** Bytes of whole batches. The file may be longer after a failed write: what follows belongs to nobody. */
  sizeBytes: number;
  /** Wall clock of the last append: what retention goes by. */
  lastWrittenMs: number;
  /** Largest record timestamp, -1 when there is none. */
  maxTimestampMs: number;
  isDirty = false;
  isRemoved = false;
  /** A write failed: bytes behind `sizeBytes` are to be cut off before the next. */
  isRagged = false;
  /** Another file may have its path by now (J-19): its size proves nothing. */
  isInDoubt = false;
  readonly #fs: FileSystem;
  readonly #files: OpenFiles;
  #indexes: SegmentIndexes | undefined;
  #loading: Promise<SegmentIndexes> | undefined;
  /** Batches that begin below are in the indexes: one that was appended while they were built is noted by whoever is first. */
  #indexedBytes = 0;
  /** The index files are whole and the segment will not grow. */
  #isIndexSaved = false;

  constructor(state: SegmentState, dependencies: { fs: FileSystem; files: OpenFiles }) {
    this.path = `${state.directory}/${segmentFileName(state.baseOffset, "log")}`;
    this.baseOffset = state.baseOffset;
    this.endOffset = state.endOffset;
    this.sizeBytes = state.sizeBytes;
    this.lastWrittenMs = state.lastWrittenMs;
    this.maxTimestampMs = state.maxTimestampMs;
    this.#fs = dependencies.fs;
    this.#files = dependencies.files;
    if (state.sizeBytes === 0) this.#indexes = this.#emptyIndexes();
  }

  /** Appends whole batches that end at `endOffset`. After an error nothing of it belongs to the segment. */
  async append(
    chunks: readonly Uint8Array[],
    state: { bytes: number; endOffset: number; nowMs: number },
  ): Promise<void> {
    const at = this.sizeBytes;
    this.isDirty = true;
    this.isRagged = true;
    await this.#files.use(this, (handle) => handle.write(chunks, at));
    invariant(this.sizeBytes === at, () => `two writers in "${this.path}"`);
    this.isRagged = false;
    this.sizeBytes = at + state.bytes;
    this.endOffset = state.endOffset;
    this.lastWrittenMs = state.nowMs;
  }

  /** Indexes a batch that was appended; batches come in order. An entry every `intervalBytes`. */
  noteBatch(batch: { offset: number; positionBytes: number; maxTimestampMs: number }, intervalBytes: number): void {
    this.maxTimestampMs = Math.max(this.maxTimestampMs, batch.maxTimestampMs);
    if (this.#indexes === undefined || batch.positionBytes < this.#indexedBytes) return;
    note(this.#indexes, batch, intervalBytes);
  }

  /** The indexes, from memory, from their files, or built again from the segment. */
  async indexes(): Promise<SegmentIndexes> {
    if (this.#indexes !== undefined) return this.#indexes;
    this.#loading ??= this.#load();
    try {
      return await this.#loading;
    } finally {
      this.#loading = undefined;
    }
  }

  /** Writes the index files of a segment that does not grow any more. Nothing is lost when they are, so a failure is none. */
  async saveIndexes(): Promise<void> {
    const indexes = this.#indexes;
    if (indexes === undefined || this.#isIndexSaved || this.isRemoved || this.sizeBytes === 0) return;
    this.#isIndexSaved = true;
    await saveSegmentIndexes(this.#fs, this.path, indexes);
  }

  /** Bytes from `at`, as many as there are up to `into.length`. */
  read(into: Uint8Array, at: number): Promise<number> {
    return this.#files.use(this, (handle) => handle.read(into, at));
  }

  /** Writes bytes again that are there already; for pages whose sync may have failed in an earlier life (J-10 e). */
  async rewrite(bytes: Uint8Array, at: number): Promise<void> {
    this.isDirty = true;
    await this.#files.use(this, (handle) => handle.write([bytes], at));
  }

  /** Makes what is written durable. A failure is final for the disk (J-14). */
  async sync(): Promise<void> {
    const sync = (): Promise<void> => {
      return this.#files.use(this, (handle) => {
        this.isDirty = false;
        return handle.sync();
      });
    };
    try {
      await syncOrFail(this.path, sync);
    } catch (error) {
      this.isDirty = true;
      throw error;
    }
  }

  /** Cuts the file at a batch boundary; not durable before the next sync. The index files are gone, durably. */
  async cut(state: { sizeBytes: number; endOffset: number }): Promise<void> {
    await this.#loading;
    this.isDirty = true;
    await this.#files.use(this, (handle) => handle.truncate(state.sizeBytes));
    this.isRagged = false;
    this.sizeBytes = state.sizeBytes;
    this.endOffset = state.endOffset;
    this.#indexedBytes = Math.min(this.#indexedBytes, state.sizeBytes);
    if (this.#indexes === undefined) return;
    const { index, times } = this.#indexes;
    index.truncateTo(state.endOffset);
    const from = index.lookup(times.truncateTo(state.endOffset));
    // What lies between the last entry and the cut is not known any more: note it again.
    await this.#scan(from, (header) => times.note(header.maxTimestampMs, header.baseOffset));
    this.maxTimestampMs = times.largest?.timestampMs ?? -1;
  }

  /** Whether there were any: then the directory is to be synced before the segment is cut. */
  removeIndexFiles(): Promise<boolean> {
    this.#isIndexSaved = false;
    return removeSegmentIndexes(this.#fs, this.path);
  }

  /** No more users: readers that are under way finish (J-16). */
  async close(): Promise<void> {
    await this.#files.forget(this);
  }

  #emptyIndexes(): SegmentIndexes {
    return { index: new OffsetIndex(this.baseOffset), times: new TimeIndex(this.baseOffset) };
  }

  async #load(): Promise<SegmentIndexes> {
    const loaded = await loadSegmentIndexes(this.#fs, this);
    if (loaded !== undefined) {
      this.#isIndexSaved = true;
      this.#indexes = loaded;
      this.#indexedBytes = this.sizeBytes;
      this.maxTimestampMs = loaded.times.largest?.timestampMs ?? -1;
      return loaded;
    }
    const built = this.#emptyIndexes();
    let from = { offset: this.baseOffset, position: 0 };
    // Batches that are appended meanwhile are noted by the next turn of the loop; then by `noteBatch`.
    while (from.position < this.sizeBytes) {
      const found = await this.#scan(from, (header, positionBytes) => {
        const { baseOffset: offset, maxTimestampMs } = header;
        note(built, { offset, positionBytes, maxTimestampMs }, rebuildIntervalBytes);
      });
      from = { offset: found.endOffset, position: found.positionBytes };
      if (found.fault !== undefined) break;
    }
    this.#indexes = built;
    this.#indexedBytes = from.position;
    this.maxTimestampMs = built.times.largest?.timestampMs ?? -1;
    return built;
  }

  async #scan(
    from: { offset: number; position: number },
    onBatch: (header: { baseOffset: number; maxTimestampMs: number }, positionBytes: number) => void,
  ): Promise<ScanResult> {
    return scanSegment((into, at) => this.read(into, at), {
      positionBytes: from.position,
      offset: from.offset,
      sizeBytes: this.sizeBytes,
      epochAt: undefined,
      onBatch,
    });
  }
}

function note(
  indexes: SegmentIndexes,
  batch: { offset: number; positionBytes: number; maxTimestampMs: number },
  intervalBytes: number,
): void {
  const { index, times } = indexes;
  times.note(batch.maxTimestampMs, batch.offset);
  if (batch.positionBytes === 0 || batch.positionBytes - index.last.position < intervalBytes) return;
  index.append(batch.offset, batch.positionBytes);
  times.addEntry();
}
