/**
 * From what a reader says ("earliest", "two hours ago", "the last 100") to an offset of one partition, once, when the
 * request arrives. A time means the first record at or after it, in offset order, as Kafka looks up (kafka-wire 6.8).
 */
import type { End, Position } from "@varve/api";
import type { Refusal } from "../refusal.ts";
import type { LocalPartition } from "./partition.ts";

export interface ResolvedPosition {
  offset: number;
  /** Time of the record there; -1 when the position does not look at times or there is none. */
  timestampMs: number;
  /** Leader epoch of the record there, -1 when there is none or the position does not look at records. */
  leaderEpoch: number;
}

/** Refused while the end of what is committed is not known, for positions that are counted from there (H-8). */
export async function resolvePosition(
  leader: LocalPartition,
  position: Position,
  nowMs: number,
): Promise<ResolvedPosition | Refusal> {
  const { log } = leader;
  if (position.kind !== "earliest" && position.kind !== "offset") {
    const unknown = await leader.whyLatestUnknown();
    if (unknown !== undefined) return unknown;
  }
  switch (position.kind) {
    case "earliest":
      return plain(log.logStartOffset);
    case "latest":
      return plain(log.highWatermark);
    case "offset":
      return plain(position.offset);
    case "last":
      return plain(Math.max(log.logStartOffset, log.highWatermark - position.count));
    case "time":
      return atTime(leader, position.timeMs);
    case "ago":
      return atTime(leader, nowMs - position.durationMs);
  }
}

/** Where a read ends: the offset it must not reach, and how many records it may deliver. */
export interface ResolvedEnd {
  /** Exclusive; Infinity when there is none. */
  offset: number;
  /** Infinity when there is none. */
  count: number;
}

export async function resolveEnd(leader: LocalPartition, end: End): Promise<ResolvedEnd | Refusal> {
  if (end.kind === "latest-at-start" || end.kind === "time") {
    const unknown = await leader.whyLatestUnknown();
    if (unknown !== undefined) return unknown;
  }
  switch (end.kind) {
    case "none":
      return { offset: Infinity, count: Infinity };
    case "offset":
      return { offset: end.offset, count: Infinity };
    case "count":
      return { offset: Infinity, count: end.count };
    case "latest-at-start":
      return { offset: leader.log.highWatermark, count: Infinity };
    case "time":
      return { offset: (await atTime(leader, end.timeMs)).offset, count: Infinity };
  }
}

function plain(offset: number): ResolvedPosition {
  return { offset, timestampMs: -1, leaderEpoch: -1 };
}

async function atTime(leader: LocalPartition, timeMs: number): Promise<ResolvedPosition> {
  // Taken before the search: records that arrive meanwhile are not skipped.
  const { highWatermark } = leader.log;
  const found = await leader.log.offsetForTime(timeMs, highWatermark);
  return found ?? plain(highWatermark);
}
