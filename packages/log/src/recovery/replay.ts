/**
 * Replays the journal over what the checkpoint says, partition by partition. Pure: bytes are not touched, appends are
 * references into the journal.
 *
 * In `journal` mode the result is the log above the recovery point. In the other modes it says where a scan of the segments
 * has to begin, how far it must get (J-9), and where it has to end. A barrier says that the segments hold everything
 * below it; so it takes the place of whatever came before it (J-1), epochs and log start excepted.
 *
 * A gap or a bad record is held open. A later truncation to or below it, or a barrier, clears it; so does, for a gap, that
 * everything from its start on is journaled again, as a failed partition does (J-8). What is open at the end is damage
 * (J-10 c, J-12).
 */
import { EpochRuns } from "@varve/format";
import type { CheckpointPartition, CheckpointSegment, Damage, Quarantine } from "../checkpoint-file.ts";
import type { RoundTable, TableRecord } from "../journal-round.ts";
import { journalFileName, roundBytesCeiling } from "../journal.ts";
import type { PartitionId } from "../partition-id.ts";
import type { PartitionMode } from "../partition-mode.ts";
import type { FoundRound, ShortFile } from "./read-journal.ts";

/** Bytes of one append in the journal. */
export interface JournaledAppend {
  readonly base: number;
  readonly end: number;
  readonly slot: number;
  readonly positionBytes: number;
  readonly lengthBytes: number;
}

export interface ReplayedPartition {
  readonly topicId: string;
  readonly partition: number;
  /** As the checkpoint knows it; undefined when it was created after. */
  readonly checkpoint: CheckpointPartition | undefined;
  /** Segments of the checkpoint that must still be there. */
  segments: readonly CheckpointSegment[];
  /** The sizes in `segments` say where the recovery point lies. */
  isPlaceKnown: boolean;
  mode: PartitionMode;
  /** Segments hold everything below; what is above comes from the journal, or from a scan. */
  recoveryPoint: number;
  logStartOffset: number;
  /** F-5: a lower bound; cut with the log (G-3). */
  highWatermark: number;
  readonly epochs: EpochRuns;
  /** `journal` mode: contiguous from the recovery point on. */
  appends: JournaledAppend[];
  /** `journal` mode: where the log ends. */
  endOffset: number;
  /** `direct` mode: the scan must get at least here (J-9). */
  promised: number;
  /** `direct` and `os`: nothing at or above is left. */
  cutTo: number;
  /** The log was started anew here, and the files may not show it yet. */
  restartAt: number | undefined;
  /** Exclusive end of the offsets that records and promises speak of. */
  offsetsEnd: number;
  /** Bytes of rounds that cannot be read: each may have given out an offset more. */
  lostBytes: number;
  /** A loss was accepted, and the segments may not show it yet: up to `to` the log stays empty. */
  gap: { readonly to: number; readonly epoch: number } | undefined;
  damage: Damage | undefined;
  /** The damage is a gap in front of appends up to here, and nothing else: what was journaled again may fill it. */
  skippedEnd: number | undefined;
  /** J-20: compaction has been through everything below. */
  cleanedTo: number;
  /** J-19: ranges of which one file may hold everything, while those whose place it took may still be there; oldest first. */
  replaced: readonly { readonly base: number; readonly end: number }[];
  /** Rounds since the checkpoint are lost: one may have held a `replace`, of which the files alone tell. */
  hasLostRounds: boolean;
  /** Damage that an earlier run found and nobody has accepted. */
  quarantine: Quarantine | undefined;
}

export interface Replay {
  readonly partitions: ReadonlyMap<string, ReplayedPartition>;
  /** Deleted: directories with these ids go. */
  readonly deleted: ReadonlySet<string>;
  /** Bytes of rounds that counted and cannot be read, 0 when all can: they may have created a partition that is not here. */
  readonly lostBytes: number;
}

export function partitionKey(topicId: string, partition: number): string {
  return `${topicId}/${partition}`;
}

/**
 * `above` is R; `rounds` are those above it, by number, as far as they were found. A file in `short` may have held the rounds
 * after them.
 */
export function replayJournal(
  checkpoint: readonly CheckpointPartition[],
  rounds: readonly FoundRound[],
  above: number,
  short: readonly ShortFile[] = [],
): Replay {
  const state = new ReplayState(checkpoint);
  const last = rounds.at(-1)?.number ?? above;
  let expected = above + 1;
  for (const [index, round] of rounds.entries()) {
    // J-10 a: a round is missing, and a later header proves that it counted.
    if (round.number !== expected) {
      state.lostRound(`round ${expected} of the journal cannot be read`, { bytesMax: roundBytesCeiling });
    }
    expected = round.number + 1;
    const next = rounds[index + 1];
    // J-6: any later header proves that this round counted, so what is bad in it is damage; in the last one it is torn.
    const isTorn = round.number === last;
    // The chain: what follows was written after another round than this one.
    const isMisplaced = next?.number === expected && next.header.previous.crc !== round.header.crc;
    if (round.table === undefined || isMisplaced) {
      if (isTorn) continue;
      state.lostRound(`round ${round.number} of the journal cannot be read`, { bytesMax: round.lengthBytes });
      continue;
    }
    state.replay(round, round.table, isTorn);
  }
  for (const { slot, why, bytesMax } of short) {
    const file = `journal/${journalFileName(slot)}`;
    state.lostRound(`${why}, and may have held rounds above ${expected - 1}`, { file, bytesMax });
  }
  return state.finish();
}

class ReplayState {
  readonly #partitions = new Map<string, ReplayedPartition>();
  readonly #deleted = new Set<string>();
  #lostBytes = 0;

  constructor(checkpoint: readonly CheckpointPartition[]) {
    for (const known of checkpoint) this.#partitions.set(partitionKey(known.topicId, known.partition), begin(known));
  }

  /** A round that counted cannot be read: nobody knows whom it concerned. */
  lostRound(why: string, { file = "journal", bytesMax }: { file?: string; bytesMax: number }): void {
    this.#lostBytes += bytesMax;
    for (const partition of this.#partitions.values()) {
      partition.lostBytes += bytesMax;
      partition.hasLostRounds = true;
      open(partition, partition.endOffset, why, file);
    }
  }

  replay(round: FoundRound, table: RoundTable, isTorn: boolean): void {
    for (const { topicId, partition, offset } of table.promises) {
      const promised = this.#partitions.get(partitionKey(topicId, partition));
      // J-9: the last value, not the largest.
      if (promised === undefined) continue;
      promised.promised = offset;
      promised.offsetsEnd = Math.max(promised.offsetsEnd, offset);
    }
    /** J-6: of a torn round, per partition, the records up to its first bad one. */
    const cutOff = new Set<string>();
    for (const [index, record] of table.records.entries()) {
      const key = partitionKey(record.topicId, record.partition);
      if (cutOff.has(key)) continue;
      const isWhole = round.isWhole[index] ?? false;
      if (!isWhole && isTorn) cutOff.add(key);
      else this.#record(key, record, round, isWhole);
    }
  }

  finish(): Replay {
    for (const partition of this.#partitions.values()) {
      if (partition.mode === "journal") partition.epochs.truncateTo(partition.endOffset + 1);
    }
    return { partitions: this.#partitions, deleted: this.#deleted, lostBytes: this.#lostBytes };
  }

  #record(key: string, record: TableRecord, round: FoundRound, isWhole: boolean): void {
    const partition = this.#partitions.get(key);
    if (record.type === "delete-partition") {
      this.#partitions.delete(key);
      this.#deleted.add(key);
      return;
    }
    if (partition !== undefined) {
      apply(partition, record, round, isWhole);
      return;
    }
    if (record.type === "barrier" && record.mode !== undefined && record.base === 0) {
      // J-1: a new partition begins with a barrier.
      this.#partitions.set(key, created(record, record.mode));
      this.#deleted.delete(key);
      return;
    }
    if (this.#deleted.has(key)) return;
    // J-12: what created it was in a round that is gone. Where the log began, nobody knows; that it began here would be a guess
    // which costs every segment below.
    const lost = createdInLostRound(record, "journal", this.#lostBytes);
    this.#partitions.set(key, lost);
    apply(lost, record, round, isWhole);
  }
}

function begin(known: CheckpointPartition): ReplayedPartition {
  return {
    topicId: known.topicId,
    partition: known.partition,
    checkpoint: known,
    segments: known.segments,
    isPlaceKnown: true,
    mode: known.mode,
    recoveryPoint: known.recoveryPoint,
    logStartOffset: known.logStartOffset,
    highWatermark: known.highWatermark,
    epochs: new EpochRuns(known.epochs),
    appends: [],
    endOffset: known.recoveryPoint,
    // J-9: recovery points are promises too.
    promised: known.recoveryPoint,
    cutTo: Number.MAX_SAFE_INTEGER,
    restartAt: undefined,
    offsetsEnd: Math.max(known.recoveryPoint, known.highWatermark),
    lostBytes: 0,
    gap: undefined,
    damage: undefined,
    skippedEnd: undefined,
    cleanedTo: known.cleanedTo ?? 0,
    replaced: [],
    hasLostRounds: false,
    quarantine: known.quarantine,
  };
}

/** A partition that a lost round made, or may have: whose it is, is known, and what it must hold is not. */
export function createdInLostRound(
  id: Pick<PartitionId, "topicId" | "partition">,
  file: string,
  lostBytes: number,
): ReplayedPartition {
  const record = { topicId: id.topicId, partition: id.partition, base: 0 };
  const why = "the round of the journal that created the partition cannot be read";
  return { ...created(record, "journal"), lostBytes, quarantine: { file, offset: 0, end: 0, why } };
}

function created(record: Pick<TableRecord, "topicId" | "partition" | "base">, mode: PartitionMode): ReplayedPartition {
  return {
    topicId: record.topicId,
    partition: record.partition,
    checkpoint: undefined,
    segments: [],
    isPlaceKnown: false,
    mode,
    recoveryPoint: record.base,
    logStartOffset: record.base,
    highWatermark: record.base,
    epochs: new EpochRuns(),
    appends: [],
    endOffset: record.base,
    promised: record.base,
    cutTo: Number.MAX_SAFE_INTEGER,
    restartAt: undefined,
    offsetsEnd: record.base,
    lostBytes: 0,
    gap: undefined,
    damage: undefined,
    skippedEnd: undefined,
    cleanedTo: 0,
    replaced: [],
    hasLostRounds: false,
    quarantine: undefined,
  };
}

function apply(partition: ReplayedPartition, record: TableRecord, round: FoundRound, isWhole: boolean): void {
  switch (record.type) {
    case "append":
      append(partition, record, round, isWhole);
      return;
    case "truncate":
      truncate(partition, record.base);
      return;
    case "barrier":
      barrier(partition, record.base, record.mode ?? partition.mode);
      return;
    case "epoch-start":
      if (record.epoch > partition.epochs.latestEpoch) {
        partition.epochs.truncateTo(record.base);
        partition.epochs.add(record.epoch, record.base);
      }
      return;
    case "log-start":
      partition.logStartOffset = record.base;
      return;
    case "restart":
      barrier(partition, record.base, partition.mode);
      partition.epochs.truncateTo(0);
      partition.segments = [];
      partition.logStartOffset = record.base;
      partition.highWatermark = record.base;
      partition.restartAt = record.base;
      partition.cleanedTo = 0;
      partition.replaced = [];
      partition.quarantine = undefined;
      return;
    case "loss":
      truncate(partition, record.base);
      partition.epochs.add(record.epoch, record.base);
      partition.offsetsEnd = record.end;
      partition.lostBytes = 0;
      partition.gap = { to: record.end, epoch: record.epoch };
      partition.damage = undefined;
      partition.skippedEnd = undefined;
      partition.quarantine = undefined;
      return;
    case "replace":
      replaced(partition, record);
      return;
    case "flush":
    case "delete-partition":
      // What `flush` becomes is said by the barrier that follows; deletion was handled above.
      return;
  }
}

function append(partition: ReplayedPartition, record: TableRecord, round: FoundRound, isWhole: boolean): void {
  if (partition.mode !== "journal") return;
  // Below the recovery point: the segments have it. Above: it was journaled a second time.
  if (record.end <= partition.endOffset) return;
  partition.offsetsEnd = Math.max(partition.offsetsEnd, record.end);
  const file = `journal/${journalFileName(round.slot)}`;
  if (!isWhole) {
    open(partition, record.base, `round ${round.number} holds other bytes than were written`, file);
    return;
  }
  if (record.base !== partition.endOffset) {
    const { damage, skippedEnd } = partition;
    if (damage !== undefined && skippedEnd === undefined) return;
    open(partition, partition.endOffset, `a gap before offset ${record.base} in round ${round.number}`, file);
    partition.skippedEnd = Math.max(skippedEnd ?? 0, record.end);
    return;
  }
  if (partition.damage !== undefined && partition.skippedEnd === undefined) return;
  const positionBytes = round.positionBytes + record.positionBytes;
  const { base, end, lengthBytes } = record;
  partition.appends.push({ base, end, slot: round.slot, positionBytes, lengthBytes });
  partition.endOffset = end;
  // J-8: what a failed partition had in rounds up to R came once more, all of it.
  if (partition.skippedEnd === undefined || end < partition.skippedEnd) return;
  partition.damage = undefined;
  partition.skippedEnd = undefined;
}

function truncate(partition: ReplayedPartition, to: number): void {
  partition.epochs.truncateTo(to);
  while ((partition.appends.at(-1)?.end ?? -1) > to) partition.appends.pop();
  partition.endOffset = Math.min(partition.endOffset, to);
  partition.offsetsEnd = Math.min(partition.offsetsEnd, to);
  partition.highWatermark = Math.min(partition.highWatermark, to);
  partition.recoveryPoint = Math.min(partition.recoveryPoint, to);
  // J-9: the last value: what was promised above the cut does not hold any more.
  partition.promised = Math.min(partition.promised, to);
  partition.cutTo = Math.min(partition.cutTo, to);
  partition.cleanedTo = Math.min(partition.cleanedTo, to);
  // What begins above the cut is of a later life of these offsets.
  partition.replaced = partition.replaced
    .filter(({ base }) => base < to)
    .map(({ base, end }) => ({ base, end: Math.min(end, to) }));
  partition.segments = partition.segments
    .filter(({ baseOffset }) => baseOffset < to)
    // The last one was cut, and may have grown again since.
    .map((segment, index, kept) => (index < kept.length - 1 ? segment : { ...segment, sizeBytes: -1 }));
  partition.isPlaceKnown = false;
  if (partition.damage === undefined) return;
  if (to > partition.damage.offset) {
    if (partition.skippedEnd !== undefined) partition.skippedEnd = Math.min(partition.skippedEnd, to);
    return;
  }
  partition.damage = undefined;
  partition.skippedEnd = undefined;
  partition.lostBytes = 0;
}

/**
 * J-19: the file may be the old or the new one, so what the checkpoint says of its size proves nothing. Everything below its end was in
 * synced segments (J-17); and a recovery point inside of it may lie where no batch begins any more.
 */
export function replaced(partition: ReplayedPartition, { base, end: endOffset }: { base: number; end: number }): void {
  partition.segments = partition.segments.map((segment) => {
    return segment.baseOffset === base ? { ...segment, sizeBytes: -1 } : segment;
  });
  partition.replaced = [...partition.replaced, { base, end: endOffset }];
  if (endOffset <= partition.recoveryPoint) return;
  partition.recoveryPoint = endOffset;
  partition.isPlaceKnown = false;
  partition.promised = Math.max(partition.promised, endOffset);
  partition.endOffset = Math.max(partition.endOffset, endOffset);
  partition.offsetsEnd = Math.max(partition.offsetsEnd, endOffset);
  partition.appends = partition.appends.filter(({ end }) => end > endOffset);
  const { damage, skippedEnd } = partition;
  if (damage === undefined || damage.offset >= endOffset) return;
  const isFilled = skippedEnd !== undefined && skippedEnd <= endOffset;
  partition.damage = isFilled ? undefined : { ...damage, offset: endOffset };
  if (isFilled) partition.skippedEnd = undefined;
}

/** J-1: the segments are complete and synced up to here; nothing before matters, and nothing before is replayed. */
function barrier(partition: ReplayedPartition, at: number, mode: PartitionMode): void {
  partition.mode = mode;
  partition.recoveryPoint = at;
  partition.isPlaceKnown = false;
  partition.endOffset = at;
  partition.promised = at;
  partition.offsetsEnd = at;
  partition.lostBytes = 0;
  partition.gap = undefined;
  partition.appends = [];
  partition.cutTo = Number.MAX_SAFE_INTEGER;
  partition.restartAt = undefined;
  partition.damage = undefined;
  partition.skippedEnd = undefined;
}

function open(partition: ReplayedPartition, offset: number, why: string, file: string): void {
  // Whatever else is wrong is not mended by what comes later.
  partition.skippedEnd = undefined;
  if (partition.damage !== undefined && partition.damage.offset <= offset) return;
  partition.damage = { file, offset, why };
}
