// SPDX-License-Identifier: Apache-2.0
// Answers that wait for the disk (P1). While a batch is under way they gather; a later one that says more takes the place of
// the one before, so that however long the disk takes, a peer has at most one of each kind waiting here.

import type { CoreState } from "./state.ts";
import type { AppendResp, Message, VoteResp } from "./types.ts";

/** `answer` leaves once everything this node remembers now is durable. */
export function answerDurably(s: CoreState, answer: AppendResp | VoteResp): void {
  const { after } = s;
  for (let at = after.length - 1; at >= 0; at -= 1) {
    const waiting = after[at]!;
    if (!isOfSameKind(waiting, answer)) continue;
    // An acknowledgement covers every shorter one of its term; of refusals the newest is the one that counts (L9).
    if (!acknowledgesLess(answer, waiting)) after[at] = answer;
    return;
  }
  after.push(answer);
}

function isOfSameKind(waiting: Message, answer: AppendResp | VoteResp): boolean {
  if (waiting.to !== answer.to || waiting.term !== answer.term) return false;
  if (waiting.type === "AppendResp") return answer.type === "AppendResp" && waiting.ok === answer.ok;
  return waiting.type === "VoteResp" && answer.type === "VoteResp" && waiting.granted === answer.granted;
}

function acknowledgesLess(answer: AppendResp | VoteResp, waiting: Message): boolean {
  if (answer.type !== "AppendResp" || waiting.type !== "AppendResp") return false;
  return answer.ok && waiting.ok && answer.index < waiting.index;
}
