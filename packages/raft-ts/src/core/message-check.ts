// SPDX-License-Identifier: Apache-2.0
// Whether a message is one that a core could have sent. What is not is dropped and counted (X3); it never stops the node.

import type { Entry, Message } from "./types.ts";

export function isWellFormed(m: Message): boolean {
  if (!isCount(m.term) || m.term === 0) return false;
  switch (m.type) {
    case "PreVote":
    case "Vote":
      return isPosition(m.lastIndex, m.lastTerm) && m.lastTerm < m.term;
    case "PreVoteResp":
    case "VoteResp":
    case "TimeoutNow":
      return true;
    case "Append":
      return (
        isPosition(m.prevIndex, m.prevTerm) &&
        isCount(m.commit) &&
        m.prevTerm <= m.term &&
        areEntries(m.entries, m.prevIndex, m.prevTerm, m.term)
      );
    case "AppendResp":
      return m.ok ? isCount(m.index) : isCount(m.rejectedPrev) && isPosition(m.hintIndex, m.hintTerm);
    case "Heartbeat":
      return isCount(m.commit) && isCount(m.readPos);
    case "HeartbeatResp":
      return isCount(m.readPos);
    case "SnapDone":
      return m.meta.index > 0 && isPosition(m.meta.index, m.meta.term) && m.meta.term <= m.term;
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Index 0 has term 0 and nothing else has (L1). */
function isPosition(index: number, term: number): boolean {
  return isCount(index) && isCount(term) && (index === 0) === (term === 0);
}

/** L4: contiguous behind the entry in front, terms that never fall and do not exceed the sender's. */
function areEntries(entries: readonly Entry[], prevIndex: number, prevTerm: number, term: number): boolean {
  let index = prevIndex;
  let last = prevTerm;
  for (const entry of entries) {
    index += 1;
    if (entry.index !== index || !Number.isSafeInteger(entry.term) || entry.term < last || entry.term > term)
      return false;
    last = entry.term;
  }
  return last > 0 || entries.length === 0;
}
