// What a session says, cut into messages of a bounded size.
//
//   lost, assign ───────────────────────────────┬── revoke
//   all messages but the last of these: before ──┴── from it on: the new generation
//
// A member commits under the generation that it heard last. If it heard the new one before it heard of every partition that was moved or
// lost, it would commit there what it read before: so what comes first is said under the generation of before, whose commits are refused.

import type { Telling } from "./telling.ts";

/** The generation of a session that has said none: nothing is committed under it. */
export const untoldGeneration = -1;

export type TellingPart = Pick<Telling, "assign" | "revoke" | "lost"> & { readonly generation: number };

export interface PartRoom {
  /** Of one entry. */
  readonly sizeOf: (entry: Telling["assign"][number] | Telling["lost"][number]) => number;
  /** Of a message; one that has a single entry may be larger. */
  readonly sizeMax: number;
}

/** At least one, and in this order. `before`: the generation that the member was told last. */
export function partsOf(
  { assign, revoke, lost }: Pick<Telling, "assign" | "revoke" | "lost">,
  { before, after }: { readonly before: number; readonly after: number },
  { sizeOf, sizeMax }: PartRoom,
): TellingPart[] {
  const entries = [...lost, ...assign, ...revoke];
  const heardBy = lost.length + assign.length;
  const parts: TellingPart[] = [];
  let begin = 0;
  let size = 0;
  const cut = (end: number): void => {
    parts.push({
      generation: end < heardBy ? before : after,
      lost: lost.slice(begin, end),
      assign: assign.slice(Math.max(0, begin - lost.length), Math.max(0, end - lost.length)),
      revoke: revoke.slice(Math.max(0, begin - heardBy), Math.max(0, end - heardBy)),
    });
    begin = end;
    size = 0;
  };
  for (const [at, entry] of entries.entries()) {
    const entrySize = sizeOf(entry);
    if (at > begin && size + entrySize > sizeMax) cut(at);
    size += entrySize;
  }
  cut(entries.length);
  return parts;
}
