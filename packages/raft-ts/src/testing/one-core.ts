// SPDX-License-Identifier: Apache-2.0
// For tests of a single core: what it boots with, and a world around it that does everything at once.

import { normalEntry } from "../core/entries.ts";
import type { RaftCore } from "../core/raft.ts";
import type { BootState, Config, PeerMessage, TermRun } from "../core/types.ts";

export const abc: Config = {
  voters: ["a", "b", "c"],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  addresses: [],
};

const data = new Uint8Array(4);

/** A voter of {a b c} with one entry of each of `terms` behind the snapshot 1@1. */
export function bootWith(terms: readonly number[], term: number, commit = 1): BootState {
  const tail = terms.map((each, at) => normalEntry(at + 2, each, data));
  const termRuns: TermRun[] = [{ start: 1, term: 1 }];
  for (const { index, term: each } of tail) {
    if (termRuns.at(-1)!.term !== each) termRuns.push({ start: index, term: each });
  }
  return {
    hard: { term, vote: null, commit },
    snapshot: { index: 1, term: 1, config: abc },
    firstIndex: 2,
    lastIndex: tail.length + 1,
    termRuns,
    configs: [],
    tail,
    applied: 1,
    suspect: false,
  };
}

/** Does everything there is to do; returns what left, and the stages that were given back. */
export function settle(core: RaftCore): { sent: PeerMessage[]; discarded: string[] } {
  const sent: PeerMessage[] = [];
  const discarded: string[] = [];
  while (core.hasReady()) {
    const { send, persist, apply, discard } = core.ready();
    sent.push(...send);
    discarded.push(...discard);
    if (persist !== null) core.advance({ type: "persisted", seq: persist.seq });
    if (apply !== null) core.advance({ type: "applied", index: apply.lastIndex });
  }
  return { sent, discarded };
}
