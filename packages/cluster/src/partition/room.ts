// Whether a node's disk has room, as the node acts on it (H-13): at once when it has none, and only after a while when it has some
// again. What is freed and filled by turns would else send leaders to and fro. Pure; the time is handed in.

export interface Room {
  /** It has none, or has had none until a moment ago. */
  readonly isShort: boolean;
  /** When it last had none. */
  readonly shortMs: number;
}

export const roomy: Room = { isShort: false, shortMs: Number.NEGATIVE_INFINITY };

/** How long there has to be room before a node that had none leads and joins again. */
export const roomHoldMs = 3_000;

/** After a look at the disk. `room` itself when nothing has changed. */
export function lookAtRoom(room: Room, hasNone: boolean, nowMs: number): Room {
  if (hasNone) return { isShort: true, shortMs: nowMs };
  return room.isShort && nowMs - room.shortMs >= roomHoldMs ? roomy : room;
}
