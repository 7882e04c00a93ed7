// What the nodes of a cluster are to each other, as types: services that a part of the broker offers to peers, connections to them,
// and the two things every part asks the controller's side for. Filled by peer/ and registration.ts; consumed by the drivers.
//
// Invariant: no handler of a PeerService ever sees a call that did not prove the cluster's secret and name this cluster and node.

import type { Client, Metadata, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Command, ControllerImage, MetadataRecord, Outcome, ReplyOf } from "@varve/cluster";
import type { Refusal } from "../refusal.ts";

/** Who calls, as its call said under the cluster's secret. */
export interface PeerCaller {
  readonly nodeId: number;
  /** Of its registration when the call began; -1 when it was not registered. Long streams outlive it: messages carry their own. */
  readonly brokerEpoch: number;
}

/** Any call that a handler was given. */
export type CallerOf = (call: { readonly metadata: Metadata }) => PeerCaller;

/** What a part of the broker offers to the other nodes. Handed to the peer server before it starts. */
export interface PeerService {
  readonly definition: ServiceDefinition;
  /** Called once. Handlers may trust `callerOf`; what is in the messages is as hostile as anything else. */
  implementation(callerOf: CallerOf): UntypedServiceImplementation;
}

/**
 * `bulk` for records between replicas, `control` for what must not wait behind them, `clients` for what clients ask of the wrong
 * node. Each is an HTTP/2 connection of its own.
 */
export type PeerLane = "control" | "bulk" | "clients";

export interface PeerClients {
  /**
   * The connection to a node, opened when it is first used; credentials of the cluster are added to every call. It reconnects by
   * itself with jitter. Ask again for every call: a node that was registered at another address gets another connection, and
   * calls on the former one end with UNAVAILABLE. Never close it.
   * @returns undefined when nobody knows where that node is, for this node itself, and after `close`
   */
  client(nodeId: number, lane: PeerLane): Client | undefined;
}

/** Whoever may decide, wherever it is. */
export interface ControllerClient {
  /**
   * As `Controller.submit`, on any node: decided here when this node is the active controller, else sent to it, and waited for
   * while there is none. Never rejects, and ends within the client's timeout. It is sent again only when it is certain that it
   * was not done. `NOT_CONTROLLER` and `REQUEST_TIMED_OUT` leave open whether it was, unless their metadata says `outcome: not-done`
   * (C-6): send again only what may be done twice. When it is done, this node's image may still be older than the answer.
   */
  submit<C extends Command>(command: C): Promise<Outcome<ReplyOf<C>>>;
}

/** Committed metadata as this node knows it. */
export interface MetadataView {
  /** Never changes; the next batch makes another one (C-9). */
  readonly image: ControllerImage;
  /** Called after every committed batch, and after a snapshot (with no records); returns how to stop that. Must not throw. */
  subscribe(subscriber: (image: ControllerImage, records: readonly MetadataRecord[]) => void): () => void;
}

/** This node's registration as a broker, now. */
export interface BrokerSession {
  /** -1 before the first registration. Another one after this node was registered again: everything sent carries the present one. */
  readonly brokerEpoch: number;
  /** What the committed image says of this incarnation; true when it is not registered. Nothing is led or joined while it is so. */
  readonly isFenced: boolean;
  /** H-11: the active controller has answered a heartbeat within the last session timeout. Measured here, monotonic. */
  readonly hearsController: boolean;
}

/** A controller, as this node knows it. */
export interface ControllerMember {
  readonly nodeId: number;
  readonly directoryId: string;
  /** `host:port` of its peer listener. */
  readonly address: string;
  /** It decides for the cluster. */
  readonly active: boolean;
  /** It takes part in elections; otherwise it is being filled. */
  readonly voter: boolean;
  /** Entries of the metadata log that it lacks, and whether it answered of late: only the active controller knows. */
  readonly lag?: number;
  readonly answers?: boolean;
}

export interface ReplacedDirectory {
  /** Empty: the new one counts already. */
  readonly oldDirectoryId: string;
  readonly newDirectoryId: string;
}

/** The metadata group, for operators. */
export interface ControllerMembership {
  /** By node id. */
  members(): readonly ControllerMember[];
  /**
   * M11: node `nodeId` runs on another, empty directory: that one counts from now on, and the former never again. Asked again it
   * goes on where it ended. Never rejects.
   */
  replaceDirectory(nodeId: number, validateOnly: boolean): Promise<ReplacedDirectory | Refusal>;
}
