import { expect, test } from "vitest";
import type { CheckpointPartition } from "../checkpoint-file.ts";
import type { JournalRecordType, RoundHeader, TableRecord } from "../journal-round.ts";
import type { FoundRound } from "./read-journal.ts";
import { replayJournal } from "./replay.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", partition: 0 };

function record(type: JournalRecordType, base: number, end: number): TableRecord {
  const mode = type === "barrier" ? ("journal" as const) : undefined;
  return { ...id, type, base, end, epoch: 1, mode, positionBytes: 0, lengthBytes: 10, crc: 0 };
}

/** Rounds 1, 2, … with these records, all whole. */
function rounds(...contents: readonly (readonly TableRecord[])[]): FoundRound[] {
  return contents.map((records, index): FoundRound => {
    const header: RoundHeader = {
      number: index + 1,
      lengthBytes: 4096,
      promiseCount: 0,
      recordCount: records.length,
      previous: { slot: 0, endBytes: index * 4096, crc: index },
      tableCrc: 0,
      crc: index + 1,
    };
    return {
      number: header.number,
      slot: 0,
      positionBytes: index * 4096,
      lengthBytes: 4096,
      header,
      table: { promises: [], records },
      isWhole: records.map(() => true),
    };
  });
}

function replayed(found: readonly FoundRound[]) {
  const { damage, endOffset, appends } = [...replayJournal([], found, 0).partitions.values()][0]!;
  return { why: damage?.why, endOffset, appended: appends.map(({ base, end }) => [base, end]) };
}

const made = [record("barrier", 0, 0)];

test("replayJournal() J-8: a gap is none when all from its start on was journaled again", () => {
  const again = [record("append", 0, 4), record("append", 4, 5), record("truncate", 5, 5)];
  expect(replayed(rounds(made, [record("append", 4, 5)], again))).toEqual({
    why: undefined,
    endOffset: 5,
    appended: [
      [0, 4],
      [4, 5],
    ],
  });
});

test("replayJournal() J-12: a gap that was filled in part is damage", () => {
  const found = rounds(made, [record("append", 4, 6)], [record("append", 0, 4)]);
  expect(replayed(found)).toMatchObject({ why: "a gap before offset 4 in round 2", endOffset: 4 });
});

test("replayJournal() J-12: a round that cannot be read stays damage, whatever is journaled again", () => {
  const [first, , ...later] = rounds(
    made,
    [record("append", 0, 4)],
    [record("append", 4, 5)],
    [record("append", 0, 5)],
  );
  const { why } = replayed([first!, ...later]);
  expect(why).toMatch(/^round 2 of the journal/);
});

test("replayJournal() J-12: a truncation below the damage of an earlier run ends no quarantine", () => {
  const quarantine = { file: "0.log", offset: 4, end: 6, why: "a bad checksum" };
  const known: CheckpointPartition = {
    ...id,
    topic: "t",
    flush: "sync",
    mode: "journal",
    recoveryPoint: 6,
    logStartOffset: 0,
    highWatermark: 6,
    lastBarrier: 1,
    epochs: [],
    segments: [],
    quarantine,
    isLossy: false,
  };
  const { partitions } = replayJournal([known], rounds([record("truncate", 3, 3)]), 0);
  expect([...partitions.values()]).toMatchObject([{ endOffset: 3, quarantine }]);
});

test("replayJournal() J-12: a partition whose creation is lost does not begin where the journal speaks of it first", () => {
  const [, ...later] = rounds(made, [record("barrier", 12, 12)], [record("append", 12, 15)]);
  const [found] = [...replayJournal([], later, 0).partitions.values()];
  expect(found).toMatchObject({ logStartOffset: 0, offsetsEnd: 15, quarantine: { offset: 0 } });
});

test("replayJournal() J-12: offsets of a partition whose creation is lost are not given out again", () => {
  const [, ...later] = rounds(made, [record("append", 4000, 5000)]);
  const [found] = [...replayJournal([], later, 0).partitions.values()];
  expect(found).toMatchObject({ logStartOffset: 0, endOffset: 0, offsetsEnd: 5000, quarantine: { offset: 0 } });
});

test("replayJournal() J-7: nothing of a deleted partition comes back but a creation", () => {
  const gone = [record("delete-partition", 0, 0), record("append", 0, 4)];
  expect(replayJournal([], rounds(made, gone), 0).partitions.size).toBe(0);
  expect(replayJournal([], rounds(made, gone, made), 0).partitions.size).toBe(1);
});

test("replayJournal() J-19: a replacement ends where the log was cut, and with a new start of it", () => {
  const replacedAfter = (...records: TableRecord[]): readonly { base: number; end: number }[] => {
    const found = rounds(made, [record("append", 0, 30), record("replace", 0, 20), ...records]);
    return [...replayJournal([], found, 0).partitions.values()][0]!.replaced;
  };
  expect(replacedAfter()).toEqual([{ base: 0, end: 20 }]);
  expect(replacedAfter(record("replace", 0, 25))).toEqual([
    { base: 0, end: 20 },
    { base: 0, end: 25 },
  ]);
  expect(replacedAfter(record("truncate", 10, 10))).toEqual([{ base: 0, end: 10 }]);
  expect(replacedAfter(record("truncate", 0, 0))).toEqual([]);
  expect(replacedAfter(record("restart", 7, 7))).toEqual([]);
});

test("replayJournal() J-19: of what was replaced nothing is damaged: it was in synced segments", () => {
  const replace = record("replace", 0, 20);
  const offsetOf = (found: readonly FoundRound[]) =>
    [...replayJournal([], found, 0).partitions.values()][0]!.damage?.offset;
  const [first, , third, fourth] = rounds(made, [record("append", 0, 4)], [record("append", 4, 6)], [replace]);
  expect(offsetOf([first!, third!])).toBe(0);
  expect(offsetOf([first!, third!, fourth!])).toBe(20);
  // A gap, and nothing else.
  expect(offsetOf(rounds(made, [record("append", 4, 6)]))).toBe(0);
  expect(offsetOf(rounds(made, [record("append", 4, 6)], [replace]))).toBeUndefined();
  expect(offsetOf(rounds(made, [record("append", 4, 6)], [record("append", 22, 24)], [replace]))).toBe(20);
});
