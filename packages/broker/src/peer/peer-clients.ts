/**
 * Connections to the other nodes, made when they are first used: one for each lane, so that what must not wait never lies behind records.
 * Every call on them shows this node's credentials.
 *
 * Invariant: one client per node, lane and address; a node that is found at another address gets another one, and the former goes.
 */
import { type Client, type Interceptor, InterceptingCall, Client as GrpcClient, credentials } from "@grpc/grpc-js";
import { channelOptions } from "@varve/api";
import type { PeerClients, PeerLane } from "../ports/peers.ts";
import { type PeerIdentity, showCredentials } from "./peer-credentials.ts";
import { peerMessageBytesMax } from "./peer-server.ts";

export interface PeerConnectionsOptions {
  readonly identity: PeerIdentity;
  /** `host:port` of a node's peer listener, as far as it is known now. */
  readonly addressOf: (nodeId: number) => string | undefined;
  /** Of this node's registration; -1 without one. */
  readonly brokerEpoch: () => number;
}

interface Connection {
  readonly address: string;
  readonly client: Client;
}

export class PeerConnections implements PeerClients {
  readonly #options: PeerConnectionsOptions;
  readonly #connections = new Map<string, Connection>();
  #isClosed = false;

  constructor(options: PeerConnectionsOptions) {
    this.#options = options;
  }

  client(nodeId: number, lane: PeerLane): Client | undefined {
    const { identity, addressOf } = this.#options;
    if (this.#isClosed || nodeId === identity.nodeId) return undefined;
    const address = addressOf(nodeId);
    if (address === undefined) return undefined;
    const name = `${nodeId}/${lane}`;
    const known = this.#connections.get(name);
    if (known?.address === address) return known.client;
    known?.client.close();
    const client = this.#open(nodeId, address);
    this.#connections.set(name, { address, client });
    return client;
  }

  close(): void {
    this.#isClosed = true;
    for (const { client } of this.#connections.values()) client.close();
    this.#connections.clear();
  }

  #open(targetId: number, address: string): Client {
    const { identity, brokerEpoch } = this.#options;
    const introduce: Interceptor = (options, nextCall) =>
      new InterceptingCall(nextCall(options), {
        start: (metadata, listener, next) => {
          showCredentials(metadata, identity, { targetId, brokerEpoch: brokerEpoch() });
          next(metadata, listener);
        },
      });
    return new GrpcClient(address, credentials.createInsecure(), {
      ...channelOptions,
      "grpc.max_receive_message_length": peerMessageBytesMax,
      "grpc.max_send_message_length": peerMessageBytesMax,
      // Jitter is grpc-js's own: each wait is up to a fifth shorter or longer.
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.min_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 1_000,
      "grpc.keepalive_time_ms": 1_000,
      "grpc.keepalive_timeout_ms": 2_000,
      interceptors: [introduce],
    });
  }
}
