/** Numbers of one node that hot paths count; `Broker.stats()` and the metrics show them. */
import type { Reason } from "@varve/format";
import { Histogram, sizeBoundsBytes } from "./metrics/histogram.ts";
import type { Refusal } from "./refusal.ts";

export class NodeCounters {
  readonly errorsByReason = new Map<Reason, number>();
  openProduceStreams = 0;
  openConsumeStreams = 0;
  parkedFetches = 0;
  /** Unary calls under way, produces and long polls included. */
  unaryCalls = 0;
  producerIdsGiven = 0;
  /** Write and sync of one round of the journal, in seconds. */
  readonly commitLatency = new Histogram();
  /** From the arrival of a commit of a group's offsets to its answer, in seconds. */
  readonly offsetCommits = new Histogram();
  /** Bytes of batches in one round of the journal. */
  readonly commitBytes = new Histogram(sizeBoundsBytes);

  countRefusal(refusal: Refusal): void {
    this.errorsByReason.set(refusal.reason, (this.errorsByReason.get(refusal.reason) ?? 0) + 1);
  }
}
