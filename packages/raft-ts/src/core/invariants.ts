// SPDX-License-Identifier: Apache-2.0
// What must hold between any two events, cheap enough to be looked at for every `ready`, in production too. What is checked
// where it happens (truncation, commit, roles, batches) is not repeated here.

import { must } from "./raft-fatal.ts";
import type { CoreState } from "./state.ts";

export function checkState(s: CoreState): void {
  const { log } = s;
  must(log.commit <= log.lastIndex, "C4", "commit is within the log");
  must(log.stable <= log.lastIndex, "P6", "nothing is durable that is not in the log");
  must(log.firstIndex <= log.lastIndex + 1, "L4", "the log is not negative");
  must(log.lastTerm <= s.term, "L4", "no entry is of a later term");
  must(s.applied <= s.applying, "C6", "what was applied was handed out");
  must(s.applying <= log.commit, "C6", "only committed entries are handed out");
  must(s.configs.current.index <= log.lastIndex, "M1", "the configuration in force is in the log");
  must(log.firstIndex === 1 || s.snapshot !== null, "S3", "a snapshot covers what is gone from the log");
  must((s.role === "leader") === (s.leader === s.self), "E13", "who leads knows it");
  must(s.role === "follower" || s.install === null, "E12", "who installs a snapshot follows");
  if (s.role !== "leader") return;
  must(s.vote === s.self, "E2", "a leader voted for itself");
  for (const peer of s.peers) {
    must(
      peer.match < peer.next && peer.next <= log.lastIndex + 1,
      "L10",
      "match is below next, next is within the log",
    );
  }
  must(s.uncommittedBytes >= 0, "F6", "bytes are counted in as they are counted out");
}
