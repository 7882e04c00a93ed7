/** Counters of one topic, plain numbers on the hot path; `broker-metrics.ts` shows them to a scraper. */
import { Histogram } from "./histogram.ts";

export class TopicMetrics {
  readonly topic: string;
  produceBytes = 0;
  produceRecords = 0;
  fetchBytes = 0;
  fetchRecords = 0;
  /** From the arrival of a request to its acknowledgement, in seconds. */
  readonly produceLatency = new Histogram();
  /** From the arrival of a Fetch to its answer, waiting included, in seconds. */
  readonly fetchLatency = new Histogram();

  constructor(topic: string) {
    this.topic = topic;
  }
}
