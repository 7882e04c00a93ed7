/**
 * The file that is to take the place of a segment: `<base>.log.new`, with the same offsets and fewer records.
 *
 *   source   [a][b][c][d][e]        the first batches stay as they are: nothing is written yet
 *                ▲ the first that changes: [a] is copied, and from here on everything is written
 *
 * Batches in a row that hold neither records nor a producer become one. Nothing of the source changes; until it is renamed the
 * file is nobody's, and the next start removes it.
 */
import { isGap } from "@varve/format";
import type { BatchHeader } from "@varve/format";
import { FileSystemError } from "../file-system.ts";
import type { FileHandle, FileSystem } from "../file-system.ts";
import { gapBatches } from "../gap-batch.ts";
import type { Lanes } from "../lanes.ts";
import type { Segment } from "../segment.ts";
import { syncOrFail } from "../small-files.ts";
import type { Pace } from "./pace.ts";

const pieceBytes = 1024 * 1024;
/** A sync of so much is short enough for a lane that others wait for. */
const syncEveryBytes = 8 * 1024 * 1024;

/** What takes the place of a segment, synced. */
export interface Cleaned {
  readonly path: string;
  readonly sizeBytes: number;
  readonly maxTimestampMs: number;
}

export interface CleanedSegmentParts {
  readonly fs: FileSystem;
  readonly lanes: Lanes;
  readonly pace: Pace;
  /** So many bytes of the disk are taken. */
  spent(bytes: number): void;
}

interface Gap {
  readonly from: number;
  readonly epoch: number;
  to: number;
  /** As it is in the source, when nothing has to change. */
  original: Uint8Array | undefined;
}

/** Name of the file in which a segment's successor is written. */
export function cleanedPath(segmentPath: string): string {
  return `${segmentPath}.new`;
}

export class CleanedSegment {
  readonly #source: Segment;
  readonly #parts: CleanedSegmentParts;
  readonly #path: string;
  #handle: FileHandle | undefined;
  /** Bytes of the source that stay as they are, before anything was written. */
  #sameBytes = 0;
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #sizeBytes = 0;
  #unsyncedBytes = 0;
  #maxTimestampMs = -1;
  #gap: Gap | undefined;

  constructor(source: Segment, parts: CleanedSegmentParts) {
    this.#source = source;
    this.#parts = parts;
    this.#path = cleanedPath(source.path);
  }

  /** Takes the next batch; `isSame`: it is that of the source. `bytes` is owned by this from now on. */
  async add(bytes: Uint8Array, header: BatchHeader, isSame: boolean): Promise<void> {
    if (isGap(header)) {
      await this.#addGap(bytes, header, isSame);
      return;
    }
    await this.#endGap();
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, header.maxTimestampMs);
    await this.#put(bytes, isSame);
  }

  /** Synced; undefined when nothing of the source has changed, and then there is no file. Errors: `DISK_FAILED`, the file system's. */
  async finish(): Promise<Cleaned | undefined> {
    await this.#endGap();
    if (this.#handle === undefined) return undefined;
    await this.#write();
    await this.#sync();
    await this.#handle.close();
    return { path: this.#path, sizeBytes: this.#sizeBytes, maxTimestampMs: this.#maxTimestampMs };
  }

  /** It is not wanted: removes the file, if there is one. */
  async discard(): Promise<void> {
    if (this.#handle === undefined) return;
    try {
      await this.#handle.close();
      await this.#parts.fs.unlink(this.#path);
    } catch (error) {
      // It is nobody's: the next one writes over it, or the next start removes it.
      if (!(error instanceof FileSystemError)) throw error;
    }
  }

  async #addGap(bytes: Uint8Array, header: BatchHeader, isSame: boolean): Promise<void> {
    const { baseOffset: from, leaderEpoch: epoch } = header;
    const to = from + header.lastOffsetDelta + 1;
    if (this.#gap !== undefined && this.#gap.epoch === epoch) {
      this.#gap.to = to;
      this.#gap.original = undefined;
      return;
    }
    await this.#endGap();
    this.#gap = { from, epoch, to, original: isSame ? bytes : undefined };
  }

  async #endGap(): Promise<void> {
    const gap = this.#gap;
    if (gap === undefined) return;
    this.#gap = undefined;
    if (gap.original !== undefined) {
      await this.#put(gap.original, true);
      return;
    }
    for (const { bytes } of gapBatches(gap.from, gap.to, gap.epoch)) await this.#put(bytes, false);
  }

  async #put(bytes: Uint8Array, isSame: boolean): Promise<void> {
    if (this.#handle === undefined) {
      if (isSame) {
        this.#sameBytes += bytes.length;
        return;
      }
      await this.#begin();
    }
    this.#chunks.push(bytes);
    this.#chunkBytes += bytes.length;
    if (this.#chunkBytes >= pieceBytes) await this.#write();
  }

  async #begin(): Promise<void> {
    const { fs } = this.#parts;
    if ((await fs.stat(this.#path)) !== undefined) await fs.unlink(this.#path);
    this.#handle = await fs.open(this.#path, "create");
    for (let at = 0; at < this.#sameBytes; at += pieceBytes) {
      const piece = new Uint8Array(Math.min(pieceBytes, this.#sameBytes - at));
      const length = await this.#source.read(piece, at);
      await this.#parts.pace.moved(length);
      this.#chunks.push(piece.subarray(0, length));
      this.#chunkBytes += length;
      await this.#write();
    }
  }

  async #write(): Promise<void> {
    const handle = this.#handle;
    const chunks = this.#chunks;
    const bytes = this.#chunkBytes;
    if (handle === undefined || bytes === 0) return;
    this.#chunks = [];
    this.#chunkBytes = 0;
    this.#parts.spent(bytes);
    await this.#parts.lanes.run(() => handle.write(chunks, this.#sizeBytes));
    this.#sizeBytes += bytes;
    this.#unsyncedBytes += bytes;
    if (this.#unsyncedBytes >= syncEveryBytes) await this.#sync();
    await this.#parts.pace.moved(bytes);
  }

  async #sync(): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#unsyncedBytes = 0;
    await this.#parts.lanes.run(() => syncOrFail(this.#path, () => handle.sync()));
  }
}
