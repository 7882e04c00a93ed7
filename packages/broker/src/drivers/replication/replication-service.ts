/** `varve.v1.Replication` over gRPC, both ends: what a leader offers to its peers, and the stream that a follower opens. */
import {
  type Client,
  Metadata,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
} from "@grpc/grpc-js";
import type {
  DescribeReplicasRequestMessage,
  DescribeReplicasRequestOutput,
  DescribeReplicasResponseMessage,
  DescribeReplicasResponseOutput,
  ReplicaAnswer,
  ReplicateRequest,
  Services,
} from "@varve/api";
import type { PeerService } from "../../ports/peers.ts";
import type { LeaderStream } from "./leader-link.ts";
import type { ReplicaReports } from "./replica-reports.ts";
import type { Replication } from "./replication.ts";

type Describe = ServerUnaryCall<DescribeReplicasRequestOutput, DescribeReplicasResponseMessage>;
type Replicate = MethodDefinition<ReplicateRequest, readonly ReplicaAnswer[]>;

export class ReplicationService {
  readonly #definition: ServiceDefinition;

  constructor({ replication }: Services) {
    this.#definition = replication;
  }

  /** Streams of followers go to `replication`, questions about replicas to `reports`. */
  served(replication: Replication, reports: ReplicaReports): PeerService {
    return {
      definition: this.#definition,
      implementation: (callerOf) => ({
        Replicate: (call: ServerDuplexStream<ReplicateRequest, Uint8Array>): void =>
          replication.accept(callerOf(call).nodeId, call),
        DescribeReplicas: (call: Describe, callback: sendUnaryData<DescribeReplicasResponseMessage>): void =>
          callback(null, reports.describe(call.request)),
      }),
    };
  }

  /** For `ReplicaReports`. */
  get describeReplicas(): MethodDefinition<DescribeReplicasRequestMessage, DescribeReplicasResponseOutput> {
    return this.#definition["DescribeReplicas"] as MethodDefinition<
      DescribeReplicasRequestMessage,
      DescribeReplicasResponseOutput
    >;
  }

  /** Opens a stream on a connection to the leader. */
  open(client: Client): LeaderStream {
    const { path, requestSerialize, responseDeserialize } = this.#definition["Replicate"] as Replicate;
    return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata(), {});
  }
}
