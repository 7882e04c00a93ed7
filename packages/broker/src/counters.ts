/** Numbers of one node that hot paths count; `Broker.stats()` and the metrics show them. */
import type { Reason } from "@varve/format";
import type { Refusal } from "./refusal.ts";

export class NodeCounters {
  readonly errorsByReason = new Map<Reason, number>();
  openProduceStreams = 0;
  openConsumeStreams = 0;
  parkedFetches = 0;
  /** Unary calls under way, produces and long polls included. */
  unaryCalls = 0;
  producerIdsGiven = 0;

  countRefusal(refusal: Refusal): void {
    this.errorsByReason.set(refusal.reason, (this.errorsByReason.get(refusal.reason) ?? 0) + 1);
  }
}
