/** What is known of producers after a start or a truncation: the newest snapshot that fits, and the batch headers after it. */
import { batchHeaderBytes, readBatchHeader } from "@varve/format";
import type { EpochRuns } from "@varve/format";
import type { FileSystem } from "../file-system.ts";
import { decodeProducerState, planProducerSnapshots, producerStateOffset } from "../producer-state-file.ts";
import { producerStateFileName } from "../producer-state-file.ts";
import { ProducerState } from "../producer-state.ts";
import type { SegmentedLog } from "../segmented-log.ts";
import { readSmallFile } from "../small-files.ts";

const snapshotBytesMax = 256 * 1024 * 1024;
const pieceBytes = 1024 * 1024;

export interface ProducerSource {
  readonly files: SegmentedLog;
  readonly epochs: EpochRuns;
  readonly highWatermark: number;
  readonly expiryMs: number;
  readonly nowMs: number;
}

/**
 * State as of the end of `files`. Snapshots of another history, or older than needed, are removed (F-10). Damage in the
 * batches ends the replay: what follows cannot be read by anybody else either.
 */
export async function recoverProducers(fs: FileSystem, source: ProducerSource): Promise<ProducerState> {
  const { files, highWatermark, expiryMs } = source;
  const { directory, endOffset: logEndOffset } = files;
  const offsets = (await fs.readdir(directory)).map(producerStateOffset).filter((offset) => offset !== undefined);
  const plan = planProducerSnapshots(offsets, { logEndOffset, highWatermark });
  for (const offset of plan.discard) await fs.unlink(`${directory}/${producerStateFileName(offset)}`);
  // F-12: a snapshot of another history that came back with a crash, when the log has grown past it, would be believed.
  if (plan.discard.length > 0) await fs.syncDirectory(directory);
  const usable = offsets.filter((offset) => !plan.discard.includes(offset)).sort((a, b) => b - a);
  for (const offset of usable) {
    const bytes = await readSmallFile(fs, `${directory}/${producerStateFileName(offset)}`, snapshotBytesMax);
    const decoded = bytes === undefined ? undefined : decodeProducerState(bytes);
    if (decoded?.kind !== "ok" || decoded.offset !== offset) continue;
    return replayHeaders(new ProducerState({ expiryMs }, decoded.entries), offset, source);
  }
  return replayHeaders(new ProducerState({ expiryMs }), files.startOffset, source);
}

async function replayHeaders(state: ProducerState, from: number, source: ProducerSource): Promise<ProducerState> {
  const { files, epochs, nowMs } = source;
  let offset = Math.max(from, files.startOffset);
  while (offset < files.endOffset) {
    const read = await files.read({
      offset,
      limit: files.endOffset,
      maxBytes: pieceBytes,
      atLeastOneBatch: true,
      epochAt: (at) => epochs.epochAt(at),
    });
    if (read.kind !== "batches") return state;
    for (let at = 0; at + batchHeaderBytes <= read.bytes.length;) {
      const header = readBatchHeader(read.bytes, at);
      if (header.baseOffset >= from) state.append(header, nowMs);
      at += header.sizeBytes;
    }
    offset = read.nextOffset;
  }
  return state;
}
