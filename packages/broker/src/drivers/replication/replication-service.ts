/** `varve.v1.Replication` over gRPC, both ends: what a leader offers to its peers, and the stream that a follower opens. */
import {
  type Client,
  Metadata,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import type { ReplicaAnswer, ReplicateRequest, Services } from "@varve/api";
import type { PeerService } from "../../ports/peers.ts";
import type { LeaderStream } from "./leader-link.ts";
import type { Replication } from "./replication.ts";

type Replicate = MethodDefinition<ReplicateRequest, readonly ReplicaAnswer[]>;

export class ReplicationService {
  readonly #definition: ServiceDefinition;

  constructor({ replication }: Services) {
    this.#definition = replication;
  }

  /** Streams of followers go to `replication`. */
  served(replication: Replication): PeerService {
    return {
      definition: this.#definition,
      implementation: (callerOf) => ({
        Replicate: (call: ServerDuplexStream<ReplicateRequest, Uint8Array>): void =>
          replication.accept(callerOf(call).nodeId, call),
      }),
    };
  }

  /** Opens a stream on a connection to the leader. */
  open(client: Client): LeaderStream {
    const { path, requestSerialize, responseDeserialize } = this.#definition["Replicate"] as Replicate;
    return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata(), {});
  }
}
