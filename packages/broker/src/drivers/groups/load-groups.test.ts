import { GroupCoordinator, encodeGroupRecord, offsetOf } from "@varve/cluster";
import { assignOffsets, buildBatch } from "@varve/format";
import { LogError, type PartitionLog, type ReadOptions, type ReadResult } from "@varve/log";
import { expect, test } from "vitest";
import { loadGroups } from "./load-groups.ts";

const topicId = "a".repeat(32);

function offsetRecord(partition: number, offset: number): Parameters<typeof encodeGroupRecord>[0] {
  const value = { offset, leaderEpoch: -1, metadata: "", committedAtMs: 1, movedEpoch: -1 };
  return { type: "Offset", key: { groupId: "g", topicId, partition }, value };
}

function coordinator(): GroupCoordinator<undefined> {
  const limits = {
    membersMax: 1,
    sessionTimeoutMsMin: 1,
    sessionTimeoutMsMax: 2,
    metadataBytesMax: 1,
    groupsMax: 10,
    waitingMax: 10,
    batchBytesMax: 1_000,
  };
  const topics = { named: () => undefined, matching: () => [], isGone: () => false };
  return new GroupCoordinator({ limits, newUuid: () => "1", topics });
}

/** A log of these batches, each read by itself. */
function logOf(
  batches: readonly (readonly { readonly key: Uint8Array | null; readonly value: Uint8Array | null }[])[],
  broken?: ReadResult,
): Pick<PartitionLog, "id" | "read" | "logStartOffset"> & { readonly end: number } {
  let end = 0;
  const placed = batches.map((records) => {
    const bytes = buildBatch(records.map((record) => ({ ...record, timestampMs: 1 })));
    assignOffsets(bytes, 0, end, 1);
    const from = end;
    end += records.length;
    return { from, next: end, bytes };
  });
  return {
    id: { topicId, topic: "__consumer_offsets", partition: 3 },
    logStartOffset: 0,
    end,
    read: ({ offset, limit }: ReadOptions): Promise<ReadResult> => {
      const found = placed.find(({ from, next }) => offset >= from && offset < next && next <= limit);
      if (found === undefined) return Promise.resolve(broken ?? { kind: "empty" });
      return Promise.resolve({ kind: "batches", bytes: found.bytes, nextOffset: found.next });
    },
  };
}

function load(
  into: GroupCoordinator<undefined>,
  log: ReturnType<typeof logOf>,
  end = log.end,
): ReturnType<typeof loadGroups> {
  return loadGroups(into, { log, end, isOver: () => false, progress: () => undefined, again: () => Promise.resolve() });
}

test("loadGroups() takes in every record up to LESO, and none beyond (O-1)", async () => {
  const loaded = coordinator();
  const log = logOf([
    [offsetRecord(0, 5), offsetRecord(1, 6)].map(encodeGroupRecord),
    [offsetRecord(0, 7)].map(encodeGroupRecord),
    [offsetRecord(0, 9)].map(encodeGroupRecord),
  ]);
  expect(await load(loaded, log, 3)).toBeUndefined();
  loaded.loaded(0);
  const group = loaded.visible.get("g");
  expect(group && [offsetOf(group, topicId, 0)?.offset, offsetOf(group, topicId, 1)?.offset]).toEqual([7, 6]);
});

test("loadGroups() refuses the partition, and says where, when a record is none of ours or cannot be read", async () => {
  const good = [offsetRecord(0, 5)].map(encodeGroupRecord);
  const strange = { key: Uint8Array.of(0, 0, 0, 99, 0), value: Uint8Array.of(1) };
  for (const log of [
    logOf([good, [strange]]),
    logOf([good, [{ key: null, value: Uint8Array.of(1) }]]),
    logOf([good, [{ key: good[0]?.key ?? null, value: Uint8Array.of(0) }]]),
  ]) {
    const refusal = await load(coordinator(), log);
    expect(refusal).toMatchObject({ reason: "PARTITION_QUARANTINED", metadata: { partition: "3", offset: "1" } });
  }
  expect((await load(coordinator(), logOf([good]), 2))?.message).toContain("nothing is there");
  const damaged = { kind: "damaged", file: "f", offset: 1, why: "its checksum is wrong" } as const;
  const refusal = await load(coordinator(), logOf([good], damaged), 2);
  expect(refusal?.message).toContain("its checksum is wrong");
});

test("a read that fails is a refusal, and one for want of file handles is tried again", async () => {
  const log = logOf([[offsetRecord(0, 5)].map(encodeGroupRecord)]);
  const failing = (...errors: LogError[]): typeof log => ({
    ...log,
    read: (options) => {
      const error = errors.shift();
      return error === undefined ? log.read(options) : Promise.reject(error);
    },
  });
  const full = new LogError("TOO_MANY_FILES", "Too many files are open");
  expect(await load(coordinator(), failing(full, full))).toBeUndefined();
  const refusal = await load(coordinator(), failing(new LogError("PARTITION_FAILED", "The disk fails")));
  expect(refusal).toMatchObject({ reason: "PARTITION_QUARANTINED", metadata: { offset: "0" } });
  expect(refusal?.message).toContain("The disk fails");
  // Its log is closed because the node stops: nobody is to be told anything.
  const closed = { log: failing(new LogError("CLOSED", "It is closed")), end: 1, progress: () => undefined };
  let looks = 0;
  const stopping = { ...closed, isOver: () => looks++ > 0, again: () => Promise.resolve() };
  expect(await loadGroups(coordinator(), stopping)).toBeUndefined();
});
