import { buildBatch } from "@varve/format";
import { beforeEach, describe, expect, test } from "vitest";
import { encodeCheckpoint } from "../checkpoint-file.ts";
import type { Checkpoint } from "../checkpoint-file.ts";
import { encodeRound } from "../journal-round.ts";
import type { JournalRecord, RoundLink } from "../journal-round.ts";
import { MemoryFiles } from "../testing/memory-files.ts";
import { inspectJournal } from "./inspect-journal.ts";
import type { JournalInspection } from "./inspect-journal.ts";

const topicId = "00112233445566778899aabbccddeeff";
const journalId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const directory = "/data";
let disk: MemoryFiles;

beforeEach(() => {
  disk = new MemoryFiles();
});

function put(name: string, bytes: Uint8Array): void {
  disk.files.set(`${directory}/${name}`, bytes);
}

function checkpoint(sequence: number, round: RoundLink & { number: number }): Checkpoint {
  return { sequence, journalId: Buffer.from(journalId).toString("hex"), round, isClean: false, partitions: [] };
}

function append(base: number): JournalRecord {
  const bytes = buildBatch([{ key: null, value: new Uint8Array(20), timestampMs: 1 }], {
    baseOffset: base,
    leaderEpoch: 2,
  });
  return { type: "append", topicId, partition: 0, epoch: 2, base, end: base + 1, mode: undefined, bytes };
}

/** Rounds 8, 9, 10 … with one append each, in one file; the checkpoint's R is 7. Returns each round's bytes. */
function writeRounds(count: number): Uint8Array[] {
  const start: RoundLink = { slot: 0, endBytes: 0, crc: 77 };
  let previous = start;
  let endBytes = 0;
  const rounds: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const number = 8 + index;
    const promises = index === 1 ? [{ topicId, partition: 3, offset: 500 }] : [];
    const round = encodeRound({ journalId, number, previous, promises, records: [append(100 + index)] });
    rounds.push(Buffer.concat(round.chunks));
    endBytes += round.lengthBytes;
    previous = { slot: 0, endBytes, crc: round.crc };
  }
  put("journal/00000000.wal", Buffer.concat(rounds));
  put("checkpoint-a", encodeCheckpoint(checkpoint(4, { number: 3, slot: 0, endBytes: 0, crc: 1 })));
  put("checkpoint-b", encodeCheckpoint(checkpoint(5, { number: 7, ...start })));
  return rounds;
}

function inspect(): Promise<JournalInspection> {
  return inspectJournal(disk, directory);
}

function messages(report: JournalInspection): string[] {
  return report.faults.map((fault) => `${fault.kind}: ${fault.message}`);
}

describe("inspectJournal()", () => {
  test("shows the rounds that recovery would replay", async () => {
    const rounds = writeRounds(3);
    const report = await inspect();
    expect(report.faults).toEqual([]);
    expect(report.files).toEqual(["journal/00000000.wal"]);
    expect(
      report.checkpoints.map((slot) => [slot.file, slot.condition, slot.isUsed, slot.sequence, slot.round]),
    ).toEqual([
      ["checkpoint-a", "ok", false, 4, 3],
      ["checkpoint-b", "ok", true, 5, 7],
    ]);
    expect(report.rounds.map((round) => [round.number, round.positionBytes])).toEqual([
      [8, 0],
      [9, rounds[0]!.length],
      [10, rounds[0]!.length + rounds[1]!.length],
    ]);
    expect(report.rounds[0]?.records).toMatchObject([{ type: "append", topicId, base: 100, end: 101, isWhole: true }]);
    expect(report.rounds[1]?.promises).toEqual([{ topicId, partition: 3, offset: 500 }]);
  });

  test("J-6: the same flip is damage in a round that another one follows, and a torn end in the last", async () => {
    const rounds = writeRounds(3);
    const file = Buffer.concat(rounds);
    const valueAt = (round: number): number =>
      rounds.slice(0, round).reduce((sum, one) => sum + one.length, 0) + 64 + 56 + 75;
    for (const [round, promise, kind] of [
      [0, 0, "damage"],
      [1, 28, "damage"],
      [2, 0, "torn"],
    ] as const) {
      const flipped = Buffer.from(file);
      flipped[valueAt(round) + promise]! ^= 4;
      put("journal/00000000.wal", flipped);
      const what = `offsets ${100 + round} to ${100 + round} of partition 0 of topic ${topicId}`;
      expect(messages(await inspect())).toEqual([
        `${kind}: Round ${8 + round} holds other bytes than were written for ${what}.`,
      ]);
    }
  });

  test("finds a round that is missing, and one that does not follow", async () => {
    const rounds = writeRounds(3);
    put("journal/00000000.wal", Buffer.concat([rounds[0]!, new Uint8Array(rounds[1]!.length), rounds[2]!]));
    expect(messages(await inspect())).toEqual([
      "damage: Round 10 where 9 comes next: a round that counted is missing.",
    ]);
    const other = encodeRound({
      journalId,
      number: 9,
      previous: { slot: 0, endBytes: 0, crc: 5 },
      promises: [],
      records: [],
    });
    put("journal/00000000.wal", Buffer.concat([rounds[0]!, ...other.chunks]));
    expect(messages(await inspect())).toEqual([
      "damage: Round 9 was written after another round than the one that is there.",
    ]);
  });

  test("does not take rounds of an earlier life, or of another store, for rounds of this one", async () => {
    const rounds = writeRounds(2);
    const old = encodeRound({
      journalId,
      number: 5,
      previous: { slot: 0, endBytes: 0, crc: 0 },
      promises: [],
      records: [append(1)],
    });
    const foreign = encodeRound({
      journalId: new Uint8Array(8),
      number: 10,
      previous: { slot: 0, endBytes: 0, crc: 0 },
      promises: [],
      records: [],
    });
    put("journal/00000000.wal", Buffer.concat([...rounds, ...old.chunks, ...foreign.chunks]));
    const report = await inspect();
    expect(report.rounds.map((round) => round.number)).toEqual([8, 9]);
    expect(report.faults).toEqual([]);
  });

  test("J-8: one bad slot is no more than torn, two are damage", async () => {
    writeRounds(1);
    put("checkpoint-b", Uint8Array.of(1, 2, 3));
    const one = await inspect();
    expect(one.checkpoints).toMatchObject([
      { condition: "ok", isUsed: true },
      { condition: "bad", isUsed: false },
    ]);
    // The older slot has an older R; rounds 4 to 7 are not here in this test.
    expect(messages(one)[0]).toBe("torn: This slot cannot be used: only 3 bytes.");
    disk.files.delete(`${directory}/checkpoint-a`);
    const none = await inspect();
    expect(none.checkpoints.map((slot) => slot.condition)).toEqual(["missing", "bad"]);
    expect(messages(none)[1]).toBe(
      "damage: Neither slot of the checkpoint can be used, so nobody knows which rounds count.",
    );
  });

  test("finds every flipped bit in what a round that counted says and holds", async () => {
    const rounds = writeRounds(2);
    const file = Buffer.concat(rounds);
    const used = 64 + 56 + 61 + 20;
    for (let byte = 0; byte < used; byte++) {
      const flipped = Buffer.from(file);
      flipped[byte]! ^= 1 << (byte & 7);
      put("journal/00000000.wal", flipped);
      const report = await inspect();
      // Header and table are there twice: such a flip is harmless, and the round reads as it was written.
      const isHarmless = report.faultCount === 0;
      if (isHarmless) expect(report.rounds[0]?.records).toMatchObject([{ base: 100, end: 101, isWhole: true }]);
      expect(isHarmless, `byte ${byte}`).toBe(byte < 64 + 56);
    }
  });
});
