// SPDX-License-Identifier: Apache-2.0
// Numbers that callers hand in for places of a log. What is none is refused here: gRPC would send NaN as 0, and what was meant for
// somewhere else would begin at the first record.

import { VarveError, type End, type Position } from "@varve/api";

/** Throws INVALID_REQUEST, "Cannot …: …", when a position or an end holds no number that one can be. */
export function checkPlace(action: string, place: Position | End | undefined): void {
  if (place === undefined) return;
  if ("offset" in place) checkOffset(action, place.offset);
  if ("count" in place) checkOffset(action, place.count, "count");
  if ("timeMs" in place) checkTime(action, place.timeMs, "timeMs");
  if ("durationMs" in place) checkTime(action, place.durationMs, "durationMs");
}

/** The same for an offset, or a number of records. */
export function checkOffset(action: string, value: number, name = "offset"): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw refused(action, `${name} is ${value}, not a whole number from 0 up`);
}

/** The same for a time, or so much of it: part of a millisecond is one too. */
export function checkTime(action: string, value: number | undefined, name: string): void {
  if (value !== undefined && !(value >= 0 && value <= Number.MAX_SAFE_INTEGER))
    throw refused(action, `${name} is ${value}, not a number of ms from 0 up`);
}

function refused(action: string, why: string): VarveError {
  return new VarveError("INVALID_REQUEST", `Cannot ${action}: ${why}`);
}
