/**
 * O-1: reads what a partition of the internal topic keeps, up to where the leader's epoch began, once that is committed.
 *
 * Invariant: every record is read, or the load fails: a coordinator that lacks a commit would give it out again as never made.
 */
import { type Group, type GroupCoordinator, decodeGroupRecord } from "@varve/cluster";
import { FormatError, batchesIn, isControl, readRecords } from "@varve/format";
import { LogError, type PartitionLog, type ReadResult } from "@varve/log";
import { type Refusal, refuse } from "../../refusal.ts";

const readBytes = 1024 * 1024;

export interface LoadOptions {
  readonly log: Pick<PartitionLog, "id" | "read" | "logStartOffset">;
  /** LESO. */
  readonly end: number;
  /** The load has become pointless. */
  readonly isOver: () => boolean;
  readonly progress: (offset: number) => void;
  /** Resolves when what could not be read for want of something, such as file handles, is to be tried again. */
  readonly again: () => Promise<void>;
}

/** @returns why it cannot be loaded; undefined when it is, or is pointless */
export async function loadGroups<Waiter>(
  coordinator: Pick<GroupCoordinator<Waiter>, "load">,
  { log, end, isOver, progress, again }: LoadOptions,
): Promise<Refusal | undefined> {
  let offset = log.logStartOffset;
  while (offset < end && !isOver()) {
    const result = await readAt(log, offset, end);
    if (result instanceof LogError) {
      if (isOver()) return undefined;
      if (!result.retriable) return unreadable(log, offset, result.message);
      await again();
      continue;
    }
    // Everything below LESO is committed, and every offset of it is kept by compaction too.
    if (result.kind === "empty") return isOver() ? undefined : unreadable(log, offset, "nothing is there");
    if (result.kind === "damaged") return unreadable(log, offset, result.why);
    if (result.kind === "out-of-range") {
      // Its oldest segments may have gone meanwhile.
      if (log.logStartOffset <= offset) return unreadable(log, offset, "it lies outside the log");
      offset = log.logStartOffset;
      continue;
    }
    const why = await loadBatches(coordinator, result.bytes, offset);
    if (why !== undefined) return unreadable(log, offset, why);
    offset = result.nextOffset;
    progress(offset);
  }
  return undefined;
}

async function readAt(log: LoadOptions["log"], offset: number, limit: number): Promise<ReadResult | LogError> {
  try {
    return await log.read({ offset, maxBytes: readBytes, limit });
  } catch (error) {
    if (error instanceof LogError) return error;
    throw error;
  }
}

async function loadBatches<Waiter>(
  coordinator: Pick<GroupCoordinator<Waiter>, "load">,
  bytes: Uint8Array,
  from: number,
): Promise<string | undefined> {
  try {
    for (const { at, end, header } of batchesIn(bytes)) {
      if (isControl(header.attributes)) continue;
      for (const { offset, key, value } of await readRecords(bytes.subarray(at, end))) {
        if (offset < from) continue;
        if (key === null) return `record ${offset} has no key`;
        coordinator.load(decodeGroupRecord({ key, value }));
      }
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.code === "UNSUPPORTED"
      ? `${error.message}; a newer release wrote it, run that one here`
      : error.message;
  }
}

function unreadable({ id }: LoadOptions["log"], offset: number, why: string): Refusal {
  return refuse(
    "PARTITION_QUARANTINED",
    `Cannot keep the groups of "${id.topic}" ${id.partition}: what is kept at offset ${offset} cannot be read (${why})`,
    { topic: id.topic, partition: id.partition, offset },
  );
}

/** For people: how much was loaded. */
export function sizeOfGroups(groups: ReadonlyMap<string, Group>): { groups: number; members: number } {
  let members = 0;
  for (const group of groups.values()) members += group.members.size;
  return { groups: groups.size, members };
}
