/** What is known of producers after a start or a truncation: the newest snapshot that fits, and the batch headers after it. */
import { batchHeaderBytes, readBatchHeader } from "@varve/format";
import type { EpochRuns } from "@varve/format";
import type { FileSystem } from "../file-system.ts";
import {
  decodeProducerState,
  encodeProducerState,
  planProducerSnapshots,
  producerStateFileName,
  producerStateOffset,
} from "../producer-state-file.ts";
import { ProducerState } from "../producer-state.ts";
import type { SegmentedLog } from "../segmented-log.ts";
import { readSmallFile, replaceFile } from "../small-files.ts";

const snapshotBytesMax = 256 * 1024 * 1024;
const pieceBytes = 1024 * 1024;

export interface ProducerSource {
  readonly files: SegmentedLog;
  readonly epochs: EpochRuns;
  /** Files may begin below. */
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly expiryMs: number;
  readonly nowMs: number;
}

/**
 * State as of the end of `files`. Snapshots of another history, or older than needed, are removed (F-10). Damage in the
 * batches ends the replay, as what follows cannot be read by anybody else either; below the log start, where nobody reads, it is passed by. `names` are those in the directory, when they are known.
 */
export async function recoverProducers(
  fs: FileSystem,
  source: ProducerSource,
  names?: readonly string[],
): Promise<ProducerState> {
  const { files, highWatermark } = source;
  const { directory, endOffset: logEndOffset } = files;
  const offsets = snapshotOffsets(names ?? (await fs.readdir(directory)));
  const plan = planProducerSnapshots(offsets, { logEndOffset, highWatermark });
  for (const offset of plan.discard) await fs.unlink(`${directory}/${producerStateFileName(offset)}`);
  // F-12: a snapshot of another history that came back with a crash, when the log has grown past it, would be believed.
  if (plan.discard.length > 0) await fs.syncDirectory(directory);
  const usable = offsets.filter((offset) => !plan.discard.includes(offset));
  return stateFrom(fs, source, usable, logEndOffset);
}

/**
 * Before the segments below `end`, where one begins, go: what they say of producers, in a snapshot, unless there is one as late. Without
 * it a start would know nothing of producers that have written nothing since, and take their repeated batches for new ones.
 */
export async function keepProducersBelow(end: number, fs: FileSystem, source: ProducerSource): Promise<void> {
  const { files, highWatermark } = source;
  const { directory, endOffset: logEndOffset } = files;
  const offsets = snapshotOffsets(await fs.readdir(directory));
  if (offsets.some((offset) => offset >= end && offset <= logEndOffset)) return;
  const state = await stateFrom(fs, source, offsets, end);
  if (state.producerCount === 0) return;
  await replaceFile(fs, directory, producerStateFileName(end), encodeProducerState(end, state.entries()));
  // F-12: a crash after the segments are gone finds it.
  await fs.syncDirectory(directory);
  const { discard } = planProducerSnapshots([...offsets, end], { logEndOffset, highWatermark });
  for (const offset of discard) await fs.unlink(`${directory}/${producerStateFileName(offset)}`);
}

function snapshotOffsets(names: readonly string[]): number[] {
  return names.map(producerStateOffset).filter((offset) => offset !== undefined);
}

/** As of `end`: the newest snapshot that can be read, and what follows it. */
async function stateFrom(
  fs: FileSystem,
  source: ProducerSource,
  snapshots: readonly number[],
  end: number,
): Promise<ProducerState> {
  const { files, expiryMs } = source;
  const { directory } = files;
  for (const offset of snapshots.filter((one) => one <= end).sort((a, b) => b - a)) {
    const bytes = await readSmallFile(fs, `${directory}/${producerStateFileName(offset)}`, snapshotBytesMax);
    const decoded = bytes === undefined ? undefined : decodeProducerState(bytes);
    if (decoded?.kind !== "ok" || decoded.offset !== offset) continue;
    return replayHeaders(new ProducerState({ expiryMs }, decoded.entries), { from: offset, end }, source);
  }
  return replayHeaders(new ProducerState({ expiryMs }), { from: files.startOffset, end }, source);
}

async function replayHeaders(
  state: ProducerState,
  { from, end }: { readonly from: number; readonly end: number },
  source: ProducerSource,
): Promise<ProducerState> {
  const { files, epochs, logStartOffset, nowMs } = source;
  let offset = Math.max(from, files.startOffset);
  while (offset < end) {
    const read = await files.read({
      offset,
      limit: end,
      maxBytes: pieceBytes,
      atLeastOneBatch: true,
      epochAt: (at) => epochs.epochAt(at),
    });
    if (read.kind !== "batches") {
      if (offset >= logStartOffset) return state;
      offset = logStartOffset;
      continue;
    }
    for (let at = 0; at + batchHeaderBytes <= read.bytes.length;) {
      const header = readBatchHeader(read.bytes, at);
      if (header.baseOffset >= from) state.append(header, nowMs);
      at += header.sizeBytes;
    }
    offset = read.nextOffset;
  }
  return state;
}
