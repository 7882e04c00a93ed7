// SPDX-License-Identifier: Apache-2.0
// Taking proposals: only as leader and voter, not while leadership is handed over, within bounds (C8, T2, F6). They are not
// forwarded: that would make duplicates and hide what is not known.

import { payloadBytes } from "./entries.ts";
import { appendItems } from "./replication.ts";
import type { CoreState } from "./state.ts";
import type { ProposeItem, ProposeOutcome } from "./types.ts";

export function propose(s: CoreState, items: readonly ProposeItem[]): ProposeOutcome {
  if (s.role !== "leader" || !s.isVoter) return s.refusal("not-leader", "only a leader that votes takes proposals");
  if (s.transferTarget !== null) return s.refusal("transferring", "leadership is being handed over");
  if (s.lowSpace) return s.refusal("low-space", "the disk is short of space");
  if (items.length === 0) return s.refusal("invalid", "there is nothing to propose");
  let bytes = 0;
  for (const { data } of items) {
    if (data.byteLength > s.config.maxEntryBytes) {
      return s.refusal("too-large", `an entry has ${data.byteLength} bytes, at most ${s.config.maxEntryBytes} fit`);
    }
    bytes += payloadBytes(data);
  }
  // F6: one proposal always fits an empty pipeline.
  if (s.uncommittedBytes > 0 && s.uncommittedBytes + bytes > s.config.maxUncommittedBytes) {
    return s.refusal("busy", `${s.uncommittedBytes} bytes are not committed yet`);
  }
  const firstIndex = s.log.lastIndex + 1;
  appendItems(s, items);
  return { ok: true, term: s.term, firstIndex };
}
