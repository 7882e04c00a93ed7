// SPDX-License-Identifier: Apache-2.0
// Who leads a partition, from a refusal of one who does not.

import type { ErrorFields, LeaderHint } from "@varve/api";

/** Where the leader is, as a refusal says it. */
export function hintIn(error: ErrorFields | undefined): LeaderHint | undefined {
  if (error?.reason !== "NOT_LEADER") return undefined;
  const { leader, leaderEpoch, address } = error.metadata;
  if (leader === undefined || address === undefined || leaderEpoch === undefined) return undefined;
  return { nodeId: Number(leader), address, leaderEpoch: Number(leaderEpoch) };
}
