/** What coordinators count. */
import type { Histogram } from "../../metrics/histogram.ts";

/** Why a group shares its partitions out anew. */
export const rebalanceCauses = [
  "join",
  "leave",
  "session-timeout",
  "revocation-timeout",
  "subscription",
  "topics",
] as const;
export type RebalanceCause = (typeof rebalanceCauses)[number];

export class GroupStats {
  readonly rebalances = new Map<RebalanceCause, number>(rebalanceCauses.map((cause) => [cause, 0]));
  /** Offsets that were committed. */
  commits = 0;
  /** From the arrival of a commit to its answer, in seconds. */
  readonly commitLatency: Histogram;
  openSessions = 0;

  constructor(commitLatency: Histogram) {
    this.commitLatency = commitLatency;
  }

  rebalanced(cause: RebalanceCause): void {
    this.rebalances.set(cause, (this.rebalances.get(cause) ?? 0) + 1);
  }
}
