/** What `Broker.start` takes. Only `dataDir` is needed; everything else has a default that is safe on one machine. */
import type { Clock, FileSystem, StoreOptions } from "@varve/log";
import type { BrokerLimits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { MetadataLog } from "./ports/metadata-log.ts";

export interface ListenerOptions {
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** 0: any free port. @default 9094 for gRPC, 8080 for HTTP */
  readonly port?: number;
}

/** A controller, and where its peer listener is reached by the others. */
export interface ClusterPeer {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

/** This node is one of several. */
export interface ClusterOptions {
  /**
   * All first controllers, this node among them: the same list on every node. Fresh nodes form one cluster by themselves, once
   * all of them have answered (M9).
   */
  readonly peers: readonly ClusterPeer[];
  /**
   * This node is none of the controllers: it joins their cluster, keeps partitions, and follows their metadata. It needs a port for its
   * peer listener. @default false
   */
  readonly brokerOnly?: boolean;
  /** Known to all nodes of the cluster, and to nobody else. @default whoever reaches the peer listener is believed */
  readonly secret?: string;
  /** A broker that was silent for so long is fenced, in ms. @default 3000 */
  readonly sessionMs?: number;
  /** Between two signs of life, in ms. At most a third of `sessionMs`. @default 500 */
  readonly heartbeatMs?: number;
  /** A controller that was silent for so long, or up to twice as long, is replaced, in ms. @default 1000 */
  readonly electionMs?: number;
  /** How often partitions are given back to their preferred leaders, in ms. @default 60000 */
  readonly balanceMs?: number;
  /** What is kept free for the metadata, and laid aside for an operator, in bytes (D-9). @default 512 MiB, 64 MiB */
  readonly reserveBytes?: number;
  readonly ballastBytes?: number;
}

export interface BrokerOptions {
  /** Everything the broker keeps is here; one process at a time. Created when missing. */
  readonly dataDir: string;
  /** @default what the directory says, else 0 */
  readonly nodeId?: number;
  /** @default what the directory says, else a new random one */
  readonly clusterId?: string;
  /** Host and port that other machines reach this broker at. @default where gRPC listens */
  readonly advertised?: { readonly host: string; readonly port?: number };
  /**
   * Host and port at which the other nodes reach this one's peer listener, where that is not what it is bound to: behind a port that is
   * mapped, in a container. @default what `cluster.peers` says of this node; of a broker alone, where the listener is
   */
  readonly peerAdvertised?: { readonly host: string; readonly port?: number };
  readonly rack?: string;
  readonly listeners?: {
    readonly grpc?: ListenerOptions;
    readonly http?: ListenerOptions | false;
    /** For the other nodes, with `cluster` alone. @default port: that of this node among the peers; any free one of a broker alone */
    readonly peer?: ListenerOptions;
  };
  /** @default a cluster of one node */
  readonly cluster?: ClusterOptions;
  /** "I know that anybody who reaches the listeners may do anything": silences the warning. @default false */
  readonly insecure?: boolean;
  /** Accept a data directory in memory. @default false */
  readonly allowTmpfs?: boolean;
  /** Ends a start that waits for other nodes: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Defaults of topic configuration for this cluster, such as `{ flush: "os" }`; applied at start when they differ. */
  readonly topicDefaults?: Readonly<Record<string, string>>;
  /** For development: a topic that does not exist is made by the first produce to it. @default false */
  readonly autoCreateTopics?: boolean;
  /** Sizes of the store. */
  readonly storage?: Partial<Omit<StoreOptions, "directory" | "bootId" | "defaults">>;
  readonly limits?: Partial<BrokerLimits>;
  /** Consumer groups. */
  readonly groups?: {
    /** Partitions of the internal topic that keeps them, when it is made; fixed from then on. @default 16 */
    readonly partitions?: number;
    /** How long a group that nobody uses is remembered, in ms. @default 7 days */
    readonly offsetsRetentionMs?: number;
  };
  /** How often old segments are looked for, in ms. @default 60,000 */
  readonly retentionIntervalMs?: number;
  /** How often partitions that are worth compacting are looked for, in ms. @default 15,000 */
  readonly compactionIntervalMs?: number;
  /** How long a partition remembers a producer that does not write, in ms. @default one day */
  readonly producerExpiryMs?: number;
  /** Bound of a controlled shutdown, in ms: what is under way then is cut off. @default 10,000 */
  readonly shutdownTimeoutMs?: number;
  /** Shown by DescribeCluster. */
  readonly version?: string;
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly fs?: FileSystem;
  /** In place of the one in `dataDir`. */
  readonly metadataLog?: MetadataLog;
  /** Progress of recovery, for a terminal. */
  readonly onProgress?: (done: number, total: number, what: string) => void;
  /** The disk failed (J-14): the broker has stopped serving and the process should end. @default logs and closes */
  readonly onFatal?: (error: Error) => void;
}
