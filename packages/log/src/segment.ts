/**
 * One segment: `<base offset, 20 digits>.log`, batches byte for byte as Kafka's, and what is known about it in memory.
 *
 * A segment never interprets what it holds: it takes bytes, gives bytes, and knows how many are written and whether they
 * are synced. Which bytes may be in it, and when they count, is decided above (`partition-writer.ts`).
 */
import { LogError } from "./errors.ts";
import { invariant } from "./invariant.ts";
import { OffsetIndex } from "./offset-index.ts";
import type { OpenFiles } from "./open-files.ts";
import { scanSegment } from "./segment-scan.ts";
import { TimeIndex } from "./time-index.ts";

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
  readonly path: string;
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly sizeBytes: number;
  readonly lastWrittenMs: number;
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
  isDirty = false;
  isRemoved = false;
  readonly #files: OpenFiles;
  readonly index: OffsetIndex;
  readonly times: TimeIndex;

  constructor(state: SegmentState, files: OpenFiles) {
    this.path = state.path;
    this.baseOffset = state.baseOffset;
    this.endOffset = state.endOffset;
    this.sizeBytes = state.sizeBytes;
    this.lastWrittenMs = state.lastWrittenMs;
    this.index = new OffsetIndex(state.baseOffset);
    this.times = new TimeIndex(state.baseOffset);
    this.#files = files;
  }

  /** Appends whole batches that end at `endOffset`. After an error nothing of it belongs to the segment. */
  async append(
    chunks: readonly Uint8Array[],
    state: { bytes: number; endOffset: number; nowMs: number },
  ): Promise<void> {
    const at = this.sizeBytes;
    this.isDirty = true;
    await this.#files.use(this, (handle) => handle.write(chunks, at));
    invariant(this.sizeBytes === at, () => `two writers in "${this.path}"`);
    this.sizeBytes = at + state.bytes;
    this.endOffset = state.endOffset;
    this.lastWrittenMs = state.nowMs;
  }

  /** Largest record timestamp, -1 when there is none. */
  get maxTimestampMs(): number {
    return this.times.largest?.timestampMs ?? -1;
  }

  /** Indexes a batch of this segment; batches come in order. An entry every `intervalBytes`. */
  noteBatch(batch: { offset: number; positionBytes: number; maxTimestampMs: number }, intervalBytes: number): void {
    this.times.note(batch.maxTimestampMs, batch.offset);
    if (batch.positionBytes === 0 || batch.positionBytes - this.index.last.position < intervalBytes) return;
    this.index.append(batch.offset, batch.positionBytes);
    this.times.addEntry();
  }

  /** Bytes from `at`, as many as there are up to `into.length`. */
  read(into: Uint8Array, at: number): Promise<number> {
    return this.#files.use(this, (handle) => handle.read(into, at));
  }

  /** Makes what is written durable. A failure is final for the disk (J-14). */
  async sync(): Promise<void> {
    try {
      await this.#files.use(this, (handle) => {
        this.isDirty = false;
        return handle.sync();
      });
    } catch (error) {
      this.isDirty = true;
      throw new LogError("DISK_FAILED", `Sync of "${this.path}" failed. Nothing more is written to this disk.`, {
        path: this.path,
        cause: error,
      });
    }
  }

  /** Cuts the file at a batch boundary; not durable before the next sync. */
  async cut(state: { sizeBytes: number; endOffset: number }): Promise<void> {
    this.isDirty = true;
    await this.#files.use(this, (handle) => handle.truncate(state.sizeBytes));
    this.sizeBytes = state.sizeBytes;
    this.endOffset = state.endOffset;
    this.index.truncateTo(state.endOffset);
    const from = this.index.lookup(this.times.truncateTo(state.endOffset));
    // What lies between the last entry and the cut is not known any more: note it again.
    await scanSegment((into, at) => this.read(into, at), {
      positionBytes: from.position,
      offset: from.offset,
      sizeBytes: state.sizeBytes,
      epochAt: undefined,
      onBatch: (header) => this.times.note(header.maxTimestampMs, header.baseOffset),
    });
  }

  /** No more users: readers that are under way finish (J-16). */
  async close(): Promise<void> {
    await this.#files.forget(this);
  }
}
