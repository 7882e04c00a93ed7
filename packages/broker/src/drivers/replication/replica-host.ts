/** What the replicas of a node ask of its replication: streams, the controller, what is known of other brokers. */
import type { LocalPartition } from "../partition.ts";
import type { LeadingDependencies } from "./leading.ts";
import type { FetcherLink, ReplicaFetcher } from "./replica-fetcher.ts";

export interface ReplicaHost extends LeadingDependencies, FetcherLink {
  readonly nodeId: number;
  /** Of this node's registration, now. */
  readonly brokerEpoch: () => number;
  /** `host:port` for clients; empty when it is not known. */
  addressOf(nodeId: number): string;
  startFetching(fetcher: ReplicaFetcher): void;
  stopFetching(fetcher: ReplicaFetcher): void;
  /** The leader wants another ISR: it is asked for until that is decided, or the leadership ends. */
  asksForIsr(partition: LocalPartition): void;
  /** F-9: what had counted here is damaged; the controller is told until it has taken that in. */
  reportsLoss(partition: LocalPartition): void;
  /** H-13: something could not be written for want of room. Cheap to say again. */
  lacksRoom(): void;
}
