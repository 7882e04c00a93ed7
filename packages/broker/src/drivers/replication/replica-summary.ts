/** How the replicas of this node are, in numbers for whoever watches. Walks all of them: for a scrape, not for a hot path. */
import { noLeader } from "@varve/cluster";
import type { LocalPartition } from "../partition.ts";

export interface ReplicaSummary {
  /** Partitions that this node leads. */
  readonly led: number;
  /** Of them, with fewer replicas in sync than there are. */
  readonly underReplicated: number;
  /** Of them, with fewer in sync than acks=all asks for. */
  readonly underMinIsr: number;
  /** Replicas here of partitions that nobody leads. */
  readonly leaderless: number;
  /** Of the partitions led here: records that the follower that is furthest behind lacks. */
  readonly lagMax: number;
  /** G-4: replicas here that hold what was committed and their leader lacks. */
  readonly setAside: number;
}

export function summarize(partitions: Iterable<LocalPartition>): ReplicaSummary {
  let led = 0;
  let underReplicated = 0;
  let underMinIsr = 0;
  let leaderless = 0;
  let lagMax = 0;
  let setAside = 0;
  for (const { leading, placement, fetcher, log } of partitions) {
    if (placement?.leader === noLeader) leaderless++;
    if (leading === undefined && fetcher?.isQuarantined === true) setAside++;
    if (leading === undefined) continue;
    led++;
    const { replicas, isr, followers } = leading.state;
    const inSync = isr.committed.isr.length;
    if (inSync < replicas.length) underReplicated++;
    if (inSync < isr.committed.minIsr) underMinIsr++;
    for (const { fetchOffset } of followers.values()) {
      lagMax = Math.max(lagMax, log.logEndOffset - (fetchOffset ?? log.logStartOffset));
    }
  }
  return { led, underReplicated, underMinIsr, leaderless, lagMax, setAside };
}
