/**
 * The journal of a store and its two checkpoint slots: which rounds recovery would replay, with what is in them, and
 * whether they follow one another.
 *
 *   checkpoint-a: R = 41    checkpoint-b: R = 57         the newer one counts
 *   rounds   … 57 │ 58  59  60  61                        rows: everything above R, by number
 *                              └── torn? nothing after it proves that it counted (J-6)
 */
import type { Checkpoint, CheckpointPartition } from "../checkpoint-file.ts";
import type { FileSystem } from "../file-system.ts";
import type { JournalRecord, SyncPromise } from "../journal-round.ts";
import { journalFileName } from "../journal.ts";
import { readJournal } from "../recovery/read-journal.ts";
import type { FoundRound } from "../recovery/read-journal.ts";
import { Faults } from "./inspection.ts";
import type { InspectionFault } from "./inspection.ts";
import { newestSlot, readSlots } from "./read-slots.ts";
import type { CheckpointSlot } from "./read-slots.ts";

export interface CheckpointRow {
  readonly file: string;
  readonly condition: CheckpointSlot["condition"];
  /** The slot that recovery begins with: the higher sequence of the good ones. */
  readonly isUsed: boolean;
  readonly sequence: number | undefined;
  /** R: the last round that this slot does not need. */
  readonly round: number | undefined;
  readonly isClean: boolean | undefined;
  readonly partitions: readonly CheckpointPartition[];
}

/** One record of a round, without its bytes. */
export interface JournalRecordRow extends Omit<JournalRecord, "bytes"> {
  readonly lengthBytes: number;
  /** The bytes are what was written. */
  readonly isWhole: boolean;
}

export interface RoundRow {
  readonly number: number;
  /** Path below the store's directory. */
  readonly file: string;
  readonly positionBytes: number;
  readonly lengthBytes: number;
  readonly promises: readonly SyncPromise[];
  /** Undefined when both copies of the table are bad: nobody can say what the round held. */
  readonly records: readonly JournalRecordRow[] | undefined;
}

export interface JournalInspection {
  readonly checkpoints: readonly CheckpointRow[];
  /** Files of the journal. */
  readonly files: readonly string[];
  /** Above R of the slot that is used, by number. */
  readonly rounds: readonly RoundRow[];
  readonly faults: readonly InspectionFault[];
  readonly faultCount: number;
}

/**
 * Reads checkpoint and journal of the store in `directory`. Rows are kept: the journal's size is limited (J-8). Throws
 * `FileSystemError` when files cannot be read; what is wrong with them is in the report.
 */
export async function inspectJournal(fs: FileSystem, directory: string): Promise<JournalInspection> {
  const faults = new Faults();
  const slots = await readSlots(fs, directory, faults);
  const used = newestSlot(slots);
  const checkpoints = slots.map((slot) => rowOfSlot(slot, slot === used));
  if (used?.checkpoint === undefined) {
    const message = "Neither slot of the checkpoint can be used, so nobody knows which rounds count.";
    faults.add({ kind: "damage", file: directory, positionBytes: 0, offset: undefined, message });
    return { checkpoints, files: [], rounds: [], faults: faults.list, faultCount: faults.count };
  }
  const { journalId, round } = used.checkpoint;
  const journal = await readJournal(fs, `${directory}/journal`, {
    journalId: new Uint8Array(Buffer.from(journalId, "hex")),
    above: round.number,
    slotOfAbove: round.number > 0 ? round.slot : undefined,
  });
  // After a clean end no file of the journal is needed.
  const isNeeded = !used.checkpoint.isClean || journal.rounds.length > 0;
  for (const { slot, why } of isNeeded ? journal.short : []) {
    const message = `Rounds may be lost: ${why}.`;
    const file = `journal/${journalFileName(slot)}`;
    faults.add({ kind: "damage", file, positionBytes: 0, offset: undefined, message });
  }
  checkRounds(journal.rounds, used.checkpoint, faults);
  return {
    checkpoints,
    files: [...journal.sizes.keys()].map((slot) => `journal/${journalFileName(slot)}`).sort(),
    rounds: journal.rounds.map(rowOfRound),
    faults: faults.list,
    faultCount: faults.count,
  };
}

/** J-6, J-10: a number is missing, a round is bad although a later one proves that it counted, or the chain is broken. */
function checkRounds(rounds: readonly FoundRound[], checkpoint: Checkpoint, faults: Faults): void {
  let expected = checkpoint.round.number + 1;
  let previousCrc = checkpoint.round.number === 0 ? undefined : checkpoint.round.crc;
  for (const round of rounds) {
    const isLast = round === rounds.at(-1);
    const add = (kind: "damage" | "torn", message: string, offset?: number): void => {
      const file = `journal/${journalFileName(round.slot)}`;
      faults.add({ kind, file, positionBytes: round.positionBytes, offset, message });
    };
    if (round.number !== expected) {
      add("damage", `Round ${round.number} where ${expected} comes next: a round that counted is missing.`);
    } else if (previousCrc !== undefined && round.header.previous.crc !== previousCrc) {
      add("damage", `Round ${round.number} was written after another round than the one that is there.`);
    }
    expected = round.number + 1;
    previousCrc = round.header.crc;
    const kind = isLast ? "torn" : "damage";
    if (round.table === undefined) {
      add(kind, `Both tables of round ${round.number} are bad: what it held is unknown.`);
      continue;
    }
    for (const [index, record] of round.table.records.entries()) {
      if (round.isWhole[index] === true) continue;
      const what = `offsets ${record.base} to ${record.end - 1} of partition ${record.partition} of topic ${record.topicId}`;
      add(kind, `Round ${round.number} holds other bytes than were written for ${what}.`, record.base);
    }
  }
}

function rowOfSlot(slot: CheckpointSlot, isUsed: boolean): CheckpointRow {
  const { checkpoint } = slot;
  return {
    file: slot.file,
    condition: slot.condition,
    isUsed,
    sequence: checkpoint?.sequence,
    round: checkpoint?.round.number,
    isClean: checkpoint?.isClean,
    partitions: checkpoint?.partitions ?? [],
  };
}

function rowOfRound(round: FoundRound): RoundRow {
  return {
    number: round.number,
    file: `journal/${journalFileName(round.slot)}`,
    positionBytes: round.positionBytes,
    lengthBytes: round.lengthBytes,
    promises: round.table?.promises ?? [],
    records: round.table?.records.map((record, index) => {
      const { type, topicId, partition, epoch, base, end, mode, lengthBytes } = record;
      return { type, topicId, partition, epoch, base, end, mode, lengthBytes, isWhole: round.isWhole[index] ?? false };
    }),
  };
}
