/**
 * Which cluster a fresh broker belongs to that is no controller: the one that its controllers say they are, as soon as one of them
 * belongs to any.
 */
import type { Clock } from "@varve/log";
import { GrpcBootstrap, type RaftService } from "raft-ts/grpc";
import { hostPort } from "../grpc/admin-service.ts";
import type { ClusterPeer } from "../options.ts";

export interface FindClusterOptions {
  /** The controllers. */
  readonly peers: readonly ClusterPeer[];
  /** Knows the secret of the cluster. */
  readonly raft: RaftService;
  readonly clock: Clock;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  readonly onWaiting: (why: string) => void;
  /** A controller answers, and does not want this node, or is another one than it should be. Comes with every round. */
  readonly onRefused: (controllerId: number, why: string) => void;
}

/** A controller may take so long to say who it is, and so long it takes until all are asked again, in ms. */
const answerMs = 3_000;
const pauseMs = 500;
/** Nobody there yet, or nobody who answers. */
export const notThere = /UNAVAILABLE|DEADLINE_EXCEEDED|CANCELLED|aborted/;

/** Asks until one of them knows. Rejects with the signal's reason. */
export async function findCluster(options: FindClusterOptions): Promise<string> {
  const { peers, raft, clock, signal, onWaiting, onRefused } = options;
  const bootstrap = new GrpcBootstrap({ service: raft });
  for (;;) {
    for (const { nodeId, host, port } of peers) {
      const address = hostPort(host, port);
      const asked = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
      const answer = await bootstrap
        .hello(address, asked)
        .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
      signal.throwIfAborted();
      if (typeof answer === "string") {
        if (notThere.test(answer)) onWaiting(answer);
        else onRefused(nodeId, answer);
      } else if (answer.nodeId !== String(nodeId)) {
        onRefused(nodeId, `${address} is node ${answer.nodeId}, not ${nodeId}: correct the addresses in its peers`);
      } else if (answer.clusterId === null) onWaiting(`controller ${nodeId} belongs to no cluster yet`);
      else return answer.clusterId;
    }
    await new Promise<void>((resolve) => clock.setTimer(pauseMs, resolve));
  }
}
