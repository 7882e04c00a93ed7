/** What `Broker.stats()` says: counters and levels of one moment, for tests, tools and the memory bench. */
import type { StoreStats } from "@varve/log";
import type { NodeCounters } from "./counters.ts";
import type { BrokerNode } from "./node.ts";

export interface BrokerStats {
  readonly produce: {
    readonly bytes: number;
    readonly records: number;
    /** Requests between arrival and answer, and their bytes; and the most there ever was. */
    readonly requestsUnderWay: number;
    readonly bytesUnderWay: number;
    readonly bytesUnderWayPeak: number;
    /** Streams that stopped reading because the node is full. */
    readonly streamsHeldBack: number;
    /** Appended, not yet acknowledged. */
    readonly waiting: number;
  };
  readonly fetch: {
    readonly bytes: number;
    readonly records: number;
    readonly parked: number;
    /** Readers at the high watermark. */
    readonly waitingReaders: number;
    /** Bytes written for consume streams that the network has not taken. */
    readonly heldBytes: number;
  };
  readonly streams: { readonly produce: number; readonly consume: number };
  readonly unaryCalls: number;
  /** Deadlines in the timing wheel. */
  readonly deadlines: number;
  readonly errorsByReason: Readonly<Record<string, number>>;
  readonly topics: number;
  readonly partitions: number;
  readonly store: StoreStats | undefined;
}

export function statsOf(node: BrokerNode | undefined, counters: NodeCounters, heldBytes: number): BrokerStats {
  const produce = { bytes: 0, records: 0, waiting: 0 };
  const fetch = { bytes: 0, records: 0, waitingReaders: 0 };
  let topics = 0;
  let partitions = 0;
  for (const topic of node?.topics.all() ?? []) {
    topics++;
    const local = topic.local();
    partitions += local.length;
    produce.bytes += topic.metrics.produceBytes;
    produce.records += topic.metrics.produceRecords;
    fetch.bytes += topic.metrics.fetchBytes;
    fetch.records += topic.metrics.fetchRecords;
    for (const leader of local) {
      produce.waiting += leader.waitingProduces;
      fetch.waitingReaders += leader.waitingReaders;
    }
  }
  return {
    produce: {
      ...produce,
      requestsUnderWay: node?.gate.requests.used ?? 0,
      bytesUnderWay: node?.gate.bytes.used ?? 0,
      bytesUnderWayPeak: node?.gate.bytes.peak ?? 0,
      streamsHeldBack: node?.gate.waiting ?? 0,
    },
    fetch: { ...fetch, parked: counters.parkedFetches, heldBytes },
    streams: { produce: counters.openProduceStreams, consume: counters.openConsumeStreams },
    unaryCalls: counters.unaryCalls,
    deadlines: node?.wheel.size ?? 0,
    errorsByReason: Object.fromEntries(counters.errorsByReason),
    topics,
    partitions,
    store: node?.store.stats(),
  };
}
