/**
 * All files of one partition: whose they are, whether the segments follow one another, epochs and producer snapshots.
 *
 *   <store>/checkpoint-a, -b                 │ recovery point: everything below was synced
 *   <store>/topics/<topic>-<partition>/  ────┤
 *                                            │ above it: recovery cuts, and takes what counts from the journal (J-2)
 *
 * When the directory lies in a store, the store's checkpoint says where the recovery point is. What is wrong above it is
 * not damage, as far as one directory can tell: a power loss may leave anything there.
 */
import { EpochRuns } from "@varve/format";
import type { EpochRun } from "@varve/format";
import type { CheckpointPartition } from "../checkpoint-file.ts";
import type { FileSystem } from "../file-system.ts";
import { decodeLeaderEpochs, leaderEpochsFileName } from "../leader-epochs-file.ts";
import { decodePartitionFile, partitionFileName } from "../partition-file.ts";
import type { PartitionId } from "../partition-id.ts";
import { decodeProducerState, producerStateOffset } from "../producer-state-file.ts";
import { parseSegmentFileName } from "../segment.ts";
import { readSmallFile } from "../small-files.ts";
import { inspectSegment } from "./inspect-segment.ts";
import type { BatchRow, SegmentInspection } from "./inspect-segment.ts";
import { Faults } from "./inspection.ts";
import type { InspectionFault } from "./inspection.ts";
import { newestSlot, readSlots } from "./read-slots.ts";

const smallFileBytesMax = 64 * 1024 * 1024;

export interface ProducerSnapshotRow {
  readonly file: string;
  readonly offset: number;
  /** Undefined when the file is bad. */
  readonly producers: number | undefined;
}

export interface LogInspection {
  readonly directory: string;
  /** Undefined when `partition.json` is missing or bad. */
  readonly id: PartitionId | undefined;
  readonly segments: readonly SegmentInspection[];
  /** First offset in files; the log start may lie above it. */
  readonly startOffset: number;
  /** Exclusive end of what is in segments; what counted above it is in the journal. */
  readonly endOffset: number;
  readonly sizeBytes: number;
  readonly batches: number;
  readonly records: number;
  /** What the store's checkpoint says; undefined when there is none, or when it does not know the partition. */
  readonly checkpoint: CheckpointPartition | undefined;
  /** From `leader-epochs`, or from the checkpoint when that is missing or bad. */
  readonly epochs: readonly EpochRun[] | undefined;
  readonly producerSnapshots: readonly ProducerSnapshotRow[];
  /** Of all files together. */
  readonly faults: readonly InspectionFault[];
  readonly faultCount: number;
}

/** Reads everything in `directory`. Throws `FileSystemError` when that cannot be done; what is wrong is in the report. */
export async function inspectLog(
  fs: FileSystem,
  directory: string,
  options: { onBatch?: (row: BatchRow, segment: string) => void } = {},
): Promise<LogInspection> {
  const names = await fs.readdir(directory);
  const faults = new Faults();
  const id = await readId(fs, `${directory}/${partitionFileName}`, faults);
  const checkpoint = id === undefined ? undefined : await readCheckpoint(fs, directory, id);
  const fromFile = await readEpochs(fs, `${directory}/${leaderEpochsFileName}`, faults);
  const epochs = fromFile ?? (checkpoint && new EpochRuns(checkpoint.epochs));
  const above = new FaultsAbove(faults, checkpoint?.recoveryPoint ?? Number.MAX_SAFE_INTEGER);
  const segments = await inspectSegments(fs, directory, names, epochs, options.onBatch, above);
  noteQuarantine(checkpoint, faults);
  const endOffset = segments.at(-1)?.endOffset ?? 0;
  const producerSnapshots = await readSnapshots(fs, directory, names, faults);
  const sum = (pick: (segment: SegmentInspection) => number): number =>
    segments.reduce((total, segment) => total + pick(segment), 0);
  return {
    directory,
    id,
    segments,
    startOffset: segments[0]?.baseOffset ?? 0,
    endOffset,
    sizeBytes: sum((segment) => segment.sizeBytes),
    batches: sum((segment) => segment.batches),
    records: sum((segment) => segment.records),
    checkpoint,
    epochs: epochs?.toArray(),
    producerSnapshots,
    faults: faults.list,
    faultCount: faults.count,
  };
}

async function inspectSegments(
  fs: FileSystem,
  directory: string,
  names: readonly string[],
  epochs: EpochRuns | undefined,
  onBatch: ((row: BatchRow, segment: string) => void) | undefined,
  faults: FaultsAbove,
): Promise<SegmentInspection[]> {
  const known = epochs?.latestEpoch ?? -1;
  let highest = -1;
  const segmentNames = names.filter((name) => parseSegmentFileName(name)?.extension === "log");
  const segments: SegmentInspection[] = [];
  for (const name of segmentNames) {
    const path = `${directory}/${name}`;
    const segment = await inspectSegment(fs, path, {
      onBatch: (row) => {
        const { leaderEpoch, baseOffset } = row.header;
        const expected = epochs?.epochAt(baseOffset);
        // J-11. Epochs above those in the file may be in the journal only; they must not fall all the same.
        const isWrong = epochs !== undefined && leaderEpoch <= known && expected !== leaderEpoch;
        if (row.fault === undefined && (isWrong || leaderEpoch < highest)) {
          const message = isWrong
            ? `Leader epoch ${leaderEpoch} at offset ${baseOffset}, which was written in ${expected ?? "none that is known"}.`
            : `Leader epoch ${leaderEpoch} after ${highest}.`;
          faults.add({ kind: "damage", file: path, positionBytes: row.positionBytes, offset: baseOffset, message });
        }
        highest = Math.max(highest, leaderEpoch);
        onBatch?.(row, path);
      },
    });
    const before = segments.at(-1);
    if (before !== undefined && before.endOffset !== segment.baseOffset) {
      const message = `The segment before ends at ${before.endOffset}: offsets are missing or there twice.`;
      faults.add({ kind: "damage", file: path, positionBytes: 0, offset: before.endOffset, message });
    }
    // Only the last segment was being written when the node stopped: an earlier one has no torn end.
    const isLast = name === segmentNames.at(-1);
    for (const fault of segment.faults)
      faults.add(isLast || fault.kind !== "torn" ? fault : { ...fault, kind: "damage" });
    faults.countMore(segment.faultCount - segment.faults.length);
    segments.push(segment);
  }
  return segments;
}

/** Takes what is wrong at or above the recovery point for what it is: not yet judged. */
class FaultsAbove {
  readonly #faults: Faults;
  readonly #recoveryPoint: number;

  constructor(faults: Faults, recoveryPoint: number) {
    this.#faults = faults;
    this.#recoveryPoint = recoveryPoint;
  }

  add(fault: InspectionFault): void {
    const isAbove = fault.kind === "damage" && fault.offset !== undefined && fault.offset >= this.#recoveryPoint;
    const message = `${fault.message} It is above the recovery point ${this.#recoveryPoint}: recovery has not judged it.`;
    this.#faults.add(isAbove ? { ...fault, kind: "torn", message } : fault);
  }

  countMore(count: number): void {
    this.#faults.count += count;
  }
}

/** What the checkpoint of the store says that the directory lies in, as `<store>/topics/<name>`. */
async function readCheckpoint(
  fs: FileSystem,
  directory: string,
  id: PartitionId,
): Promise<CheckpointPartition | undefined> {
  const store = /^(.*)\/topics\/[^/]+\/?$/.exec(directory)?.[1];
  if (store === undefined) return undefined;
  // What is wrong with a slot is for whoever inspects the journal.
  const used = newestSlot(await readSlots(fs, store, new Faults()));
  return used?.checkpoint?.partitions.find(
    ({ topicId, partition }) => topicId === id.topicId && partition === id.partition,
  );
}

function noteQuarantine(checkpoint: CheckpointPartition | undefined, faults: Faults): void {
  if (checkpoint?.quarantine === undefined) return;
  const { file, offset, end, why } = checkpoint.quarantine;
  const range = end > offset ? `, offsets ${offset} to ${end - 1} may be lost` : "";
  const message = `The partition is quarantined${range}: ${why.replace(/\.$/, "")}.`;
  faults.add({ kind: "damage", file, positionBytes: 0, offset, message });
}

async function readId(fs: FileSystem, path: string, faults: Faults): Promise<PartitionId | undefined> {
  const bytes = await readSmallFile(fs, path, smallFileBytesMax);
  const read = bytes === undefined ? ({ kind: "bad", why: "it is missing" } as const) : decodePartitionFile(bytes);
  if (read.kind === "ok") return read.id;
  faults.add({
    kind: "damage",
    file: path,
    positionBytes: 0,
    offset: undefined,
    message: `Whose directory this is cannot be read: ${read.why}.`,
  });
  return undefined;
}

async function readEpochs(fs: FileSystem, path: string, faults: Faults): Promise<EpochRuns | undefined> {
  const bytes = await readSmallFile(fs, path, smallFileBytesMax);
  if (bytes === undefined) return undefined;
  const read = decodeLeaderEpochs(bytes);
  if (read.kind === "ok") return read.runs;
  faults.add({
    kind: "stale",
    file: path,
    positionBytes: 0,
    offset: undefined,
    message: `It cannot be read: ${read.why}.`,
  });
  return undefined;
}

async function readSnapshots(
  fs: FileSystem,
  directory: string,
  names: readonly string[],
  faults: Faults,
): Promise<ProducerSnapshotRow[]> {
  const rows: ProducerSnapshotRow[] = [];
  for (const name of names) {
    const offset = producerStateOffset(name);
    if (offset === undefined) continue;
    const file = `${directory}/${name}`;
    const bytes = await readSmallFile(fs, file, smallFileBytesMax);
    if (bytes === undefined) continue;
    const read = decodeProducerState(bytes);
    if (read.kind === "ok" && read.offset === offset) {
      rows.push({ file, offset, producers: read.entries.length });
      continue;
    }
    const why = read.kind === "ok" ? `it says ${read.offset}` : read.why;
    rows.push({ file, offset, producers: undefined });
    faults.add({
      kind: "stale",
      file,
      positionBytes: 0,
      offset: undefined,
      message: `A snapshot that is of no use: ${why}.`,
    });
  }
  return rows;
}
