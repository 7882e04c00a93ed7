/**
 * J-19: what a crash left of files whose place one file has taken.
 *
 *   replace [0, 300)   [ 0 ─────── 300 )[ 100 )[ 200 )   the first holds all of it: the others go
 *                      [ 0 ) [ 100 )[ 200 )              it does not: nothing was done, and all of them stay
 *
 * The rename was durable before the others went, so as long as the first file is the old one they are all there.
 */
import type { CheckpointSegment } from "../checkpoint-file.ts";
import type { FileSystem } from "../file-system.ts";
import { removeSegmentIndexes } from "../segment-index-files.ts";
import { syncNames } from "../small-files.ts";

export interface ListedSegment {
  readonly baseOffset: number;
  readonly path: string;
  readonly sizeBytes: number;
}

export interface SettledSegments {
  readonly listed: readonly ListedSegment[];
  /** Of the checkpoint, as far as they must still be there. */
  readonly known: readonly CheckpointSegment[];
}

/**
 * Removes them, durably. `endOf` says how far the good batches of a file go, at most to `limit`. A file that ends elsewhere than either may
 * is left as it is: what is missing shows when the files are judged, or when they are read.
 */
export async function settleReplaced(
  fs: FileSystem,
  directory: string,
  found: SettledSegments,
  replaced: readonly { readonly base: number; readonly end: number }[],
  endOf: (file: ListedSegment, limit: number) => Promise<number>,
): Promise<SettledSegments> {
  let { listed, known } = found;
  for (const { base, end } of replaced) {
    const isInside = ({ baseOffset }: { readonly baseOffset: number }): boolean =>
      baseOffset > base && baseOffset < end;
    const first = listed.find(({ baseOffset }) => baseOffset === base);
    const inside = listed.filter(isInside);
    if (first === undefined || (inside.length === 0 && !known.some(isInside))) continue;
    if ((await endOf(first, end)) < end) continue;
    await removeLeftovers(fs, directory, inside);
    listed = listed.filter((segment) => !isInside(segment));
    known = asOne(known, isInside, base);
  }
  return { listed, known };
}

/** The name of what took their place is durable before they go, whatever the cache shows. Durable on return. */
async function removeLeftovers(fs: FileSystem, directory: string, files: readonly ListedSegment[]): Promise<void> {
  if (files.length === 0) return;
  await syncNames(fs, directory);
  for (const { path } of files) {
    await removeSegmentIndexes(fs, path);
    await fs.unlink(path);
  }
  await syncNames(fs, directory);
}

function asOne(
  known: readonly CheckpointSegment[],
  isInside: (segment: CheckpointSegment) => boolean,
  base: number,
): CheckpointSegment[] {
  const times = known.filter(isInside).map(({ lastWrittenMs }) => lastWrittenMs);
  return known
    .filter((segment) => !isInside(segment))
    .map((segment) =>
      segment.baseOffset === base
        ? { ...segment, sizeBytes: -1, lastWrittenMs: Math.max(segment.lastWrittenMs, ...times) }
        : segment,
    );
}
