/** Opens the files of one partition by reading all of them: what is whole is kept, what follows the first fault is cut. */
import { EpochRuns } from "@varve/format";
import type { FileSystem } from "./file-system.ts";
import type { OpenFiles } from "./open-files.ts";
import type { PartitionId } from "./partition-id.ts";
import type { PartitionLogState, PartitionState } from "./partition-log.ts";
import { ProducerState } from "./producer-state.ts";
import { scanSegment } from "./segment-scan.ts";
import { Segment, parseSegmentFileName, segmentFileName } from "./segment.ts";
import { SegmentedLog } from "./segmented-log.ts";

/** What recovery found in one partition. */
export interface PartitionRecovery {
  readonly id: PartitionId;
  /** Everything that counted is there (J-13). */
  readonly isRetained: boolean;
  /** Bytes of a torn tail that were cut. */
  readonly cutBytes: number;
  readonly state: PartitionState;
}

export async function loadPartition(
  id: PartitionId,
  directory: string,
  dependencies: { fs: FileSystem; files: OpenFiles; nowMs: number; producerExpiryMs: number },
): Promise<{ state: Omit<PartitionLogState, "config">; report: PartitionRecovery }> {
  const { fs, files } = dependencies;
  const bases = (await fs.readdir(directory))
    .map(parseSegmentFileName)
    .filter((parsed) => parsed?.extension === "log")
    .map((parsed) => parsed?.baseOffset ?? 0);
  const segments: Segment[] = [];
  const epochs = new EpochRuns();
  const producers = new ProducerState({ expiryMs: dependencies.producerExpiryMs });
  let cutBytes = 0;
  let end = bases[0] ?? 0;
  for (const [index, baseOffset] of bases.entries()) {
    const path = `${directory}/${segmentFileName(baseOffset, "log")}`;
    const status = await fs.stat(path);
    const sizeBytes = status?.sizeBytes ?? 0;
    if (baseOffset !== end) {
      for (const later of bases.slice(index)) await fs.unlink(`${directory}/${segmentFileName(later, "log")}`);
      await fs.syncDirectory(directory);
      break;
    }
    const segment = new Segment(
      { path, baseOffset, endOffset: baseOffset, sizeBytes, lastWrittenMs: status?.modifiedMs ?? 0 },
      files,
    );
    const found = await scanSegment((into, at) => segment.read(into, at), {
      positionBytes: 0,
      offset: baseOffset,
      sizeBytes,
      epochAt: undefined,
      onBatch: (header, position) => {
        if (header.leaderEpoch > epochs.latestEpoch) epochs.add(header.leaderEpoch, header.baseOffset);
        const { baseOffset: offset, maxTimestampMs } = header;
        segment.noteBatch({ offset, positionBytes: position, maxTimestampMs }, 4096);
        producers.append(header, dependencies.nowMs);
      },
    });
    segment.endOffset = found.endOffset;
    segments.push(segment);
    end = found.endOffset;
    if (found.positionBytes < sizeBytes) {
      cutBytes += sizeBytes - found.positionBytes;
      await segment.cut({ sizeBytes: found.positionBytes, endOffset: found.endOffset });
      await segment.sync();
    }
  }
  const state: PartitionState = { kind: "needs-epoch", why: "the store was opened" };
  return {
    state: {
      id,
      files: new SegmentedLog(directory, segments, { fs, files }),
      epochs,
      producers,
      mode: "direct",
      recoveryPoint: end,
      logStartOffset: segments[0]?.baseOffset ?? 0,
      highWatermark: end,
      state,
    },
    report: { id, isRetained: true, cutBytes, state },
  };
}
