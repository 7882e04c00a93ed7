import { buildBatch } from "@varve/format";
import { beforeEach, expect, test } from "vitest";
import { encodeCheckpoint } from "../checkpoint-file.ts";
import type { CheckpointPartition } from "../checkpoint-file.ts";
import { encodeLeaderEpochs } from "../leader-epochs-file.ts";
import { encodePartitionFile } from "../partition-file.ts";
import { encodeProducerState, producerStateFileName } from "../producer-state-file.ts";
import { MemoryFiles } from "../testing/memory-files.ts";
import { inspectLog } from "./inspect-log.ts";
import type { LogInspection } from "./inspect-log.ts";

const id = { topicId: "00112233445566778899aabbccddeeff", topic: "orders", partition: 3 };
const directory = "/data/topics/orders-3";
let disk: MemoryFiles;

/** Offsets 0 to 4 of epoch 1, 5 to 9 of epoch 2; segments at 0 and 6. */
beforeEach(() => {
  disk = new MemoryFiles();
  put("partition.json", encodePartitionFile(id));
  put(
    "leader-epochs",
    encodeLeaderEpochs([
      { epoch: 1, start: 0 },
      { epoch: 2, start: 5 },
    ]),
  );
  put(producerStateFileName(6), encodeProducerState(6, []));
  put(segment(0), Buffer.concat([0, 1, 2, 3, 4, 5].map((offset) => batch(offset, offset < 5 ? 1 : 2))));
  put(segment(6), Buffer.concat([6, 7, 8, 9].map((offset) => batch(offset, 2))));
});

function put(name: string, bytes: Uint8Array): void {
  disk.files.set(`${directory}/${name}`, bytes);
}

function segment(baseOffset: number): string {
  return `${String(baseOffset).padStart(20, "0")}.log`;
}

function batch(baseOffset: number, leaderEpoch: number): Uint8Array {
  return buildBatch([{ key: null, value: null, timestampMs: 7 }], { baseOffset, leaderEpoch });
}

function inspect(): Promise<LogInspection> {
  return inspectLog(disk, directory);
}

function messages(report: LogInspection): string[] {
  return report.faults.map(
    (fault) => `${fault.kind} ${fault.file.slice(directory.length + 1)}@${fault.positionBytes}: ${fault.message}`,
  );
}

test("inspectLog() shows a good partition and finds nothing wrong", async () => {
  const report = await inspect();
  expect(report).toMatchObject({
    id,
    startOffset: 0,
    endOffset: 10,
    batches: 10,
    records: 10,
    epochs: [
      { epoch: 1, start: 0 },
      { epoch: 2, start: 5 },
    ],
    producerSnapshots: [{ offset: 6, producers: 0 }],
    faults: [],
    faultCount: 0,
  });
  expect(report.segments.map((one) => [one.baseOffset, one.endOffset])).toEqual([
    [0, 6],
    [6, 10],
  ]);
});

test("inspectLog() finds a gap between segments", async () => {
  disk.files.delete(`${directory}/${segment(6)}`);
  put(segment(7), Buffer.concat([7, 8].map((offset) => batch(offset, 2))));
  expect(messages(await inspect())).toEqual([
    `damage ${segment(7)}@0: The segment before ends at 6: offsets are missing or there twice.`,
  ]);
});

test("inspectLog() calls a torn end damage when another segment follows", async () => {
  const bytes = disk.files.get(`${directory}/${segment(0)}`)!;
  put(segment(0), bytes.subarray(0, -1));
  const kinds = (await inspect()).faults.map((fault) => fault.kind);
  expect(kinds).toEqual(["damage", "damage"]);
  put(segment(0), bytes);
  put(segment(6), disk.files.get(`${directory}/${segment(6)}`)!.subarray(0, -1));
  expect((await inspect()).faults.map((fault) => fault.kind)).toEqual(["torn"]);
});

test("inspectLog() J-11: holds the epochs of batches against leader-epochs", async () => {
  put(
    "leader-epochs",
    encodeLeaderEpochs([
      { epoch: 1, start: 0 },
      { epoch: 2, start: 4 },
    ]),
  );
  expect(messages(await inspect())).toEqual([
    `damage ${segment(0)}@${4 * batch(0, 1).length}: Leader epoch 1 at offset 4, which was written in 2.`,
  ]);
});

test("inspectLog() does not mind an epoch that leader-epochs does not have yet, but one that falls", async () => {
  put("leader-epochs", encodeLeaderEpochs([{ epoch: 1, start: 0 }]));
  expect(messages(await inspect())).toEqual([]);
  disk.files.delete(`${directory}/leader-epochs`);
  expect(messages(await inspect())).toEqual([]);
  put(segment(6), batch(6, 1));
  expect(messages(await inspect())).toEqual([`damage ${segment(6)}@0: Leader epoch 1 after 2.`]);
});

test("inspectLog() says what small files are bad", async () => {
  put("leader-epochs", Uint8Array.of(1, 2, 3));
  put(producerStateFileName(6), encodeProducerState(7, []));
  put(producerStateFileName(9), Uint8Array.of(1));
  put("partition.json", Uint8Array.of(123));
  const report = await inspect();
  expect(messages(report)).toEqual([
    "damage partition.json@0: Whose directory this is cannot be read: not a JSON object.",
    "stale leader-epochs@0: It cannot be read: only 3 bytes.",
    `stale ${producerStateFileName(6)}@0: A snapshot that is of no use: it says 7.`,
    `stale ${producerStateFileName(9)}@0: A snapshot that is of no use: only 1 bytes.`,
  ]);
  expect(report.id).toBeUndefined();
  expect(report.epochs).toBeUndefined();
});

/** A checkpoint of the store that the directory lies in. */
function putCheckpoint(change: Partial<CheckpointPartition>): void {
  const partition: CheckpointPartition = {
    ...id,
    flush: "sync",
    mode: "journal",
    recoveryPoint: 8,
    logStartOffset: 0,
    highWatermark: 8,
    lastBarrier: 1,
    epochs: [
      { epoch: 1, start: 0 },
      { epoch: 2, start: 5 },
    ],
    segments: [],
    quarantine: undefined,
    isLossy: false,
    ...change,
  };
  const round = { number: 3, slot: 0, endBytes: 0, crc: 0 };
  const checkpoint = { sequence: 1, journalId: "0011223344556677", round, isClean: false, partitions: [partition] };
  disk.files.set("/data/checkpoint-a", encodeCheckpoint(checkpoint));
}

test("inspectLog() J-2: what is wrong above the recovery point is not damage", async () => {
  const bytes = disk.files.get(`${directory}/${segment(6)}`)!;
  const lengths = batch(6, 2).length;
  const flipped = (offset: number): Uint8Array => {
    const copy = Uint8Array.from(bytes);
    copy[(offset - 6) * lengths + 65]! ^= 1;
    return copy;
  };
  put(segment(6), flipped(8));
  expect((await inspect()).faults).toMatchObject([{ kind: "damage", offset: 8 }]);
  putCheckpoint({});
  const report = await inspect();
  expect(report.checkpoint).toMatchObject({ recoveryPoint: 8, mode: "journal" });
  expect(report.faults).toMatchObject([{ kind: "torn", offset: 8 }]);
  put(segment(6), flipped(7));
  expect((await inspect()).faults).toMatchObject([{ kind: "damage", offset: 7 }]);
});

test("inspectLog() takes epochs from the checkpoint when leader-epochs is missing", async () => {
  disk.files.delete(`${directory}/leader-epochs`);
  putCheckpoint({ epochs: [{ epoch: 2, start: 0 }], recoveryPoint: 10 });
  expect(messages(await inspect())[0]).toBe(
    `damage ${segment(0)}@0: Leader epoch 1 at offset 0, which was written in 2.`,
  );
});

test("inspectLog() J-12: shows a quarantine", async () => {
  putCheckpoint({ quarantine: { file: "journal/00000001.wal", offset: 9, end: 12, why: "round 7 cannot be read" } });
  expect((await inspect()).faults).toMatchObject([
    {
      kind: "damage",
      file: "journal/00000001.wal",
      message: "The partition is quarantined, offsets 9 to 11 may be lost: round 7 cannot be read.",
    },
  ]);
});

test("inspectLog() counts all faults, and keeps a bounded number", async () => {
  put("leader-epochs", encodeLeaderEpochs([{ epoch: 9, start: 0 }]));
  put(segment(6), Buffer.concat(Array.from({ length: 1500 }, (_, index) => batch(6 + index, 2))));
  const report = await inspect();
  expect(report.faultCount).toBe(1506);
  expect(report.faults).toHaveLength(1000);
});
