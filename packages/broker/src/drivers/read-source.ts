/** What a reader reads from: a partition that this node leads, or one that another node does. */
import type { LeaderHint } from "@varve/api";
import type { PartitionLog } from "@varve/log";
import type { TopicMetrics } from "../metrics/topic-metrics.ts";
import type { Refusal } from "../refusal.ts";
import type { ReadWaiter } from "./partition.ts";

export interface ReadSource {
  readonly topic: string;
  readonly partition: number;
  readonly metrics: TopicMetrics;
  readonly log: Pick<PartitionLog, "id" | "readCached" | "read" | "highWatermark" | "logStartOffset" | "leaderEpoch">;
  /** Why nothing can be read any more; undefined when something can. */
  readonly closedBy: Refusal | undefined;
  /** The log here cannot go on, and another replica is to lead; undefined while that is not so. */
  readonly givingWay?: Refusal | undefined;
  /** Who leads; undefined: this node. */
  readonly hint?: LeaderHint;
  /** Of what lies at another node: what is here, or would come now, as far as that is known; undefined where nothing has to come. */
  readonly comingBytes?: number;
  /** Does not keep what has come: there is no room for it. It comes again. */
  giveBack?(): void;
  /** Wakes `waiter` once there may be more, or nothing can be read any more. */
  waitForRecords(waiter: ReadWaiter): void;
  /** It waits no more. */
  stopWaiting(waiter: ReadWaiter): void;
}
