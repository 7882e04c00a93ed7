/**
 * The two index files of a segment that gets no more batches: `<base>.index` and `<base>.timeindex`.
 *
 *   roll ──▶ save ─── on disk, complete ──▶ load, and the segment need not be read when the store opens
 *                          │
 *                          └── cut or removal of the segment ──▶ remove, durable *before* the segment changes
 *
 * A file that is missing, torn or flipped costs a scan of its segment and nothing else, so saving syncs nothing,
 * and a failure to save is no failure. The one thing that must not happen is an old index beside a new segment:
 * its checksums are good, and positions in it would look like damage. Hence the order above, and a look at the batch that
 * the last entry names when an index is loaded.
 */
import { batchHeaderBytes, readBatchHeader } from "@varve/format";
import { FileSystemError } from "./file-system.ts";
import type { FileSystem } from "./file-system.ts";
import { OffsetIndex } from "./offset-index.ts";
import { readSmallFile } from "./small-files.ts";
import { TimeIndex } from "./time-index.ts";

/** An entry needs at most 12 bytes and a batch at least 61: an index is smaller than its segment. */
const indexBytesMax = 1 << 30;

export interface SegmentIndexes {
  readonly index: OffsetIndex;
  readonly times: TimeIndex;
}

/** Path of a segment without `.log`; its index files lie beside it. */
function pathsOf(segmentPath: string): { index: string; times: string } {
  const stem = segmentPath.replace(/\.log$/, "");
  return { index: `${stem}.index`, times: `${stem}.timeindex` };
}

/**
 * Writes what both files lack, for a segment that gets no more batches. In the cache on return, not durable; what a crash or
 * an error leaves behind is incomplete, which `load` notices. Errors: `FileSystemError`.
 */
export async function saveSegmentIndexes(
  fs: FileSystem,
  segmentPath: string,
  { index, times }: SegmentIndexes,
): Promise<void> {
  const paths = pathsOf(segmentPath);
  const offsetBlocks = index.takePending({ complete: true });
  if (offsetBlocks !== undefined) await write(fs, paths.index, offsetBlocks);
  const timeBlocks = times.takePending({ complete: true });
  if (timeBlocks !== undefined) await write(fs, paths.times, timeBlocks);
}

/**
 * Both indexes, when both files are whole and fit the segment; undefined otherwise, and then the segment has to be read.
 * `sizeBytes` is that of the segment, `endOffset` its exclusive end. Errors of the disk count as "undefined".
 */
export async function loadSegmentIndexes(
  fs: FileSystem,
  segment: {
    readonly path: string;
    readonly baseOffset: number;
    readonly endOffset: number;
    readonly sizeBytes: number;
    read(into: Uint8Array, at: number): Promise<number>;
  },
): Promise<SegmentIndexes | undefined> {
  const paths = pathsOf(segment.path);
  const sizeMax = Math.min(indexBytesMax, segment.sizeBytes + 64);
  try {
    const offsetBytes = await read(fs, paths.index, sizeMax);
    const timeBytes = await read(fs, paths.times, sizeMax);
    if (offsetBytes === undefined || timeBytes === undefined) return undefined;
    const offsets = OffsetIndex.decode(segment.baseOffset, offsetBytes);
    const times = TimeIndex.decode(segment.baseOffset, timeBytes);
    if (!offsets.complete || !times.complete) return undefined;
    const { last } = offsets.index;
    const largestOffset = times.index.largest?.offset ?? segment.baseOffset;
    if (last.offset >= segment.endOffset || largestOffset >= segment.endOffset) return undefined;
    if (last.position + batchHeaderBytes > segment.sizeBytes) return undefined;
    const header = new Uint8Array(batchHeaderBytes);
    if ((await segment.read(header, last.position)) < batchHeaderBytes) return undefined;
    if (readBatchHeader(header).baseOffset !== last.offset) return undefined;
    return { index: offsets.index, times: times.index };
  } catch (error) {
    if (error instanceof FileSystemError) return undefined;
    throw error;
  }
}

/**
 * Removes both files, if they are there; returns whether any was. When it was, sync the directory before the segment is
 * cut, so that they do not come back with a crash. Errors: `FileSystemError`.
 */
export async function removeSegmentIndexes(fs: FileSystem, segmentPath: string): Promise<boolean> {
  const paths = pathsOf(segmentPath);
  const removed = [await unlinkIfThere(fs, paths.index), await unlinkIfThere(fs, paths.times)];
  return removed.includes(true);
}

async function write(fs: FileSystem, path: string, blocks: { bytes: Uint8Array; at: number }): Promise<void> {
  if (blocks.at === 0) await unlinkIfThere(fs, path);
  const handle = await fs.open(path, blocks.at === 0 ? "create" : "write");
  try {
    await handle.write([blocks.bytes], blocks.at);
  } finally {
    await handle.close();
  }
}

/** Undefined when it is not there, or larger than an index of this segment can be. */
async function read(fs: FileSystem, path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const bytes = await readSmallFile(fs, path, bytesMax + 1);
  return bytes === undefined || bytes.length > bytesMax ? undefined : bytes;
}

async function unlinkIfThere(fs: FileSystem, path: string): Promise<boolean> {
  try {
    await fs.unlink(path);
    return true;
  } catch (error) {
    if (error instanceof FileSystemError && error.code === "NOT_FOUND") return false;
    throw error;
  }
}
