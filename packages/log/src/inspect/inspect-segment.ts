/** One segment and its indexes: every batch header, every checksum, every index entry. */
import { batchHeaderBytes, batchSizeBytes, checkBatch, codecOf, readBatchHeader } from "@varve/format";
import type { BatchHeader, Codec } from "@varve/format";
import type { FileHandle, FileSystem } from "../file-system.ts";
import { OffsetIndex } from "../offset-index.ts";
import { parseSegmentFileName } from "../segment.ts";
import { readSmallFile } from "../small-files.ts";
import { TimeIndex } from "../time-index.ts";
import { Faults } from "./inspection.ts";
import type { InspectionFault } from "./inspection.ts";

/** A batch is read whole for its checksum; one that claims more than this is taken for damage. */
const batchBytesMax = 128 * 1024 * 1024;
const pieceBytes = 1024 * 1024;
const indexBytesMax = 64 * 1024 * 1024;
const magicAt = 16;

/** One batch as it lies in the file. */
export interface BatchRow {
  readonly positionBytes: number;
  readonly header: BatchHeader;
  /** Inclusive. */
  readonly lastOffset: number;
  readonly codec: Codec;
  /** What is wrong with it, if anything is. */
  readonly fault: string | undefined;
}

export interface SegmentInspectionOptions {
  /** The epoch that wrote an offset, when `leader-epochs` is known (J-11). */
  readonly epochAt?: (offset: number) => number | undefined;
  readonly onBatch?: (row: BatchRow) => void;
}

/** `missing` is fine; `bad` is built again from the segment when the store opens. */
export type IndexCondition = "missing" | "ok" | "incomplete" | "bad";

export interface SegmentInspection {
  readonly path: string;
  readonly baseOffset: number;
  /** Exclusive end of the batches that were understood. */
  readonly endOffset: number;
  readonly sizeBytes: number;
  readonly batches: number;
  readonly records: number;
  /** -1: no record has one. */
  readonly maxTimestampMs: number;
  readonly offsetIndex: IndexCondition;
  readonly timeIndex: IndexCondition;
  readonly faults: readonly InspectionFault[];
  readonly faultCount: number;
}

/** Reads the whole segment at `path`. Throws `FileSystemError` when it cannot be read; everything else is in the report. */
export async function inspectSegment(
  fs: FileSystem,
  path: string,
  options: SegmentInspectionOptions = {},
): Promise<SegmentInspection> {
  const faults = new Faults();
  const baseOffset = parseSegmentFileName(path.slice(path.lastIndexOf("/") + 1))?.baseOffset;
  const indexes = await readIndexes(fs, path, baseOffset, faults);
  const handle = await fs.open(path, "read");
  try {
    const walk = new SegmentWalk(path, baseOffset, indexes, options, faults);
    const sizeBytes = await handle.size();
    await walk.run(handle, sizeBytes);
    const { endOffset, batches, records, maxTimestampMs } = walk;
    indexes.finish(maxTimestampMs, endOffset);
    return {
      path,
      baseOffset: baseOffset ?? walk.firstOffset ?? 0,
      endOffset: endOffset ?? baseOffset ?? 0,
      sizeBytes,
      batches,
      records,
      maxTimestampMs,
      offsetIndex: indexes.offsetCondition,
      timeIndex: indexes.timeCondition,
      faults: faults.list,
      faultCount: faults.count,
    };
  } finally {
    await handle.close();
  }
}

class SegmentWalk {
  firstOffset: number | undefined;
  /** Where the next batch belongs; undefined until the first one when the name of the file says nothing. */
  endOffset: number | undefined;
  batches = 0;
  records = 0;
  maxTimestampMs = -1;
  readonly #path: string;
  readonly #indexes: IndexAgreement;
  readonly #options: SegmentInspectionOptions;
  readonly #faults: Faults;

  constructor(
    path: string,
    baseOffset: number | undefined,
    indexes: IndexAgreement,
    options: SegmentInspectionOptions,
    faults: Faults,
  ) {
    this.#path = path;
    this.endOffset = baseOffset;
    this.#indexes = indexes;
    this.#options = options;
    this.#faults = faults;
  }

  async run(handle: FileHandle, sizeBytes: number): Promise<void> {
    let position = 0;
    let wanted = pieceBytes;
    while (position < sizeBytes) {
      const piece = new Uint8Array(Math.min(wanted, sizeBytes - position));
      const length = await handle.read(piece, position);
      let at = 0;
      wanted = pieceBytes;
      while (at < length) {
        const left = sizeBytes - position - at;
        const claimed = length - at >= batchHeaderBytes ? batchSizeBytes(piece, at) : batchHeaderBytes;
        if (left < batchHeaderBytes || claimed < batchHeaderBytes || claimed > batchBytesMax || claimed > left) {
          this.#stop(position + at, left, claimed);
          return;
        }
        if (length - at < claimed) {
          // The batch ends in the next piece, which begins with it.
          wanted = Math.max(pieceBytes, claimed);
          break;
        }
        if (length - at < batchHeaderBytes) break;
        const fault = this.#batch(piece, at, position + at, at + claimed);
        if (fault !== undefined && piece[at + magicAt] !== 2) {
          this.#stop(position + at, left, claimed);
          return;
        }
        at += claimed;
      }
      // Nothing could be taken from a piece that was large enough: the file is shorter than it said.
      if (at === 0 && length < piece.length) return;
      position += at;
    }
  }

  /** Where no batch can be made out, nothing after it can be either. */
  #stop(positionBytes: number, left: number, claimed: number): void {
    const cutOff = left < batchHeaderBytes || (claimed > left && claimed <= batchBytesMax);
    const message = cutOff
      ? `The file ends inside a batch: ${left} bytes are left of ${claimed}.`
      : `No batch begins here; ${left} bytes to the end are not understood.`;
    this.#fault(cutOff ? "torn" : "damage", positionBytes, message);
  }

  #batch(bytes: Uint8Array, at: number, positionBytes: number, end: number): string | undefined {
    const header = readBatchHeader(bytes, at);
    const fault = this.#faultOf(bytes, at, end, header);
    if (fault !== undefined) this.#fault("damage", positionBytes, fault);
    const lastOffset = header.baseOffset + header.lastOffsetDelta;
    this.#options.onBatch?.({ positionBytes, header, lastOffset, codec: codecOf(header.attributes), fault });
    this.#indexes.batch(positionBytes, header);
    this.firstOffset ??= header.baseOffset;
    this.batches++;
    this.records += Math.max(0, header.recordCount);
    this.maxTimestampMs = Math.max(this.maxTimestampMs, header.maxTimestampMs);
    // After a batch that is not what belongs here, the next one is measured against what this one says.
    this.endOffset = lastOffset + 1;
    return fault;
  }

  #faultOf(bytes: Uint8Array, at: number, end: number, header: BatchHeader): string | undefined {
    const fault = checkBatch(bytes, at, end);
    if (fault !== undefined) return fault.message;
    // J-11: what the checksum does not cover.
    if (this.endOffset !== undefined && header.baseOffset !== this.endOffset) {
      return `Offset ${header.baseOffset} where ${this.endOffset} belongs.`;
    }
    const epoch = this.#options.epochAt?.(header.baseOffset);
    if (this.#options.epochAt !== undefined && epoch !== header.leaderEpoch) {
      return `Leader epoch ${header.leaderEpoch} at offset ${header.baseOffset}, which was written in ${epoch ?? "none that is known"}.`;
    }
    return undefined;
  }

  #fault(kind: "damage" | "torn", positionBytes: number, message: string): void {
    this.#faults.add({ kind, file: this.#path, positionBytes, offset: this.endOffset, message });
  }
}

/** Holds the entries of both indexes against the batches as they come by, in the same order. */
class IndexAgreement {
  offsetCondition: IndexCondition;
  timeCondition: IndexCondition;
  readonly #path: string;
  readonly #offsets: OffsetIndex | undefined;
  readonly #times: TimeIndex | undefined;
  readonly #faults: Faults;
  #nextOffsetEntry = 0;
  #nextTimeEntry = 0;
  #largestMs = -1;

  constructor(
    path: string,
    offsets: { index: OffsetIndex | undefined; condition: IndexCondition },
    times: { index: TimeIndex | undefined; condition: IndexCondition },
    faults: Faults,
  ) {
    this.#path = path;
    this.#offsets = offsets.index;
    this.offsetCondition = offsets.condition;
    this.#times = times.index;
    this.timeCondition = times.condition;
    this.#faults = faults;
  }

  batch(positionBytes: number, header: BatchHeader): void {
    const isLargest = header.maxTimestampMs > this.#largestMs;
    if (isLargest) this.#largestMs = header.maxTimestampMs;
    const offsets = this.#offsets;
    if (offsets !== undefined && this.#nextOffsetEntry < offsets.count) {
      const entry = offsets.entry(this.#nextOffsetEntry);
      if (entry.position < positionBytes) {
        this.#badOffset(`The entry for offset ${entry.offset} points into a batch, at ${entry.position}.`);
      } else if (entry.position === positionBytes) {
        if (entry.offset === header.baseOffset) this.#nextOffsetEntry++;
        else this.#badOffset(`The entry for offset ${entry.offset} points to the batch at ${header.baseOffset}.`);
      }
    }
    const time = this.#times?.entry(this.#nextTimeEntry);
    if (this.#times === undefined || this.#nextTimeEntry >= this.#times.count || time === undefined) return;
    if (time.offset === header.baseOffset && isLargest && time.timestampMs === header.maxTimestampMs) {
      this.#nextTimeEntry++;
    } else if (time.offset <= header.baseOffset || header.maxTimestampMs >= time.timestampMs) {
      this.#badTime(
        `The entry for time ${time.timestampMs} names offset ${time.offset}, which does not have it first.`,
      );
    }
  }

  /** All batches have come by. */
  finish(maxTimestampMs: number, endOffset: number | undefined): void {
    const offsets = this.#offsets;
    if (offsets !== undefined && this.#nextOffsetEntry < offsets.count) {
      this.#badOffset(
        `An entry for offset ${offsets.entry(this.#nextOffsetEntry).offset}, the segment ends at ${endOffset ?? "its start"}.`,
      );
    }
    const times = this.#times;
    if (times === undefined) return;
    const entry = times.entry(this.#nextTimeEntry);
    if (this.#nextTimeEntry < times.count && entry !== undefined) {
      this.#badTime(`An entry for time ${entry.timestampMs} at offset ${entry.offset}, where no batch begins.`);
    } else if (this.timeCondition === "ok" && (times.largest?.timestampMs ?? -1) !== maxTimestampMs) {
      this.#badTime(`It is complete, but the largest timestamp in the segment is ${maxTimestampMs}.`);
    }
  }

  #badOffset(message: string): void {
    if (this.offsetCondition !== "bad") this.#fault("index", message);
    this.offsetCondition = "bad";
    this.#nextOffsetEntry = Number.MAX_SAFE_INTEGER;
  }

  #badTime(message: string): void {
    if (this.timeCondition !== "bad") this.#fault("timeindex", message);
    this.timeCondition = "bad";
    this.#nextTimeEntry = Number.MAX_SAFE_INTEGER;
  }

  #fault(extension: string, message: string): void {
    const file = indexPath(this.#path, extension);
    this.#faults.add({ kind: "stale", file, positionBytes: 0, offset: undefined, message });
  }
}

async function readIndexes(
  fs: FileSystem,
  path: string,
  baseOffset: number | undefined,
  faults: Faults,
): Promise<IndexAgreement> {
  const offsets = await readIndex(
    fs,
    indexPath(path, "index"),
    baseOffset,
    (base, bytes) => OffsetIndex.decode(base, bytes),
    faults,
  );
  const times = await readIndex(
    fs,
    indexPath(path, "timeindex"),
    baseOffset,
    (base, bytes) => TimeIndex.decode(base, bytes),
    faults,
  );
  return new IndexAgreement(path, offsets, times, faults);
}

async function readIndex<Index>(
  fs: FileSystem,
  path: string,
  baseOffset: number | undefined,
  decode: (
    baseOffset: number,
    bytes: Uint8Array,
  ) => { index: Index; fault?: { at: number; why: string } | undefined; complete: boolean },
  faults: Faults,
): Promise<{ index: Index | undefined; condition: IndexCondition }> {
  const bytes = baseOffset === undefined ? undefined : await readSmallFile(fs, path, indexBytesMax);
  if (bytes === undefined || baseOffset === undefined) return { index: undefined, condition: "missing" };
  const { index, fault, complete } = decode(baseOffset, bytes);
  if (fault === undefined) return { index, condition: complete ? "ok" : "incomplete" };
  faults.add({
    kind: "stale",
    file: path,
    positionBytes: fault.at,
    offset: undefined,
    message: `A bad block: ${fault.why}.`,
  });
  return { index: undefined, condition: "bad" };
}

function indexPath(path: string, extension: string): string {
  return path.replace(/\.log$/, `.${extension}`);
}
