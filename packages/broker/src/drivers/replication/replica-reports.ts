/**
 * What replicas hold, asked of their brokers when nobody is known to be complete (6.11). Both ends: this node tells of its own, and asks
 * the others.
 */
import type { Client, MethodDefinition } from "@grpc/grpc-js";
import type {
  DescribeReplicasRequestMessage,
  DescribeReplicasRequestOutput,
  DescribeReplicasResponseMessage,
  DescribeReplicasResponseOutput,
} from "@varve/api";
import type { PartitionName, ReplicaReport } from "@varve/cluster";
import type { Clock } from "@varve/log";
import { callPeer } from "../../peer/peer-call.ts";
import type { LocalPartition } from "../partition.ts";
import { replicaView } from "./replica-log.ts";

export interface ReplicaReportsDependencies {
  readonly nodeId: number;
  readonly brokerEpoch: () => number;
  readonly partition: (topicId: string, partition: number) => LocalPartition | undefined;
  /** A connection to another node; undefined when it is not known where it is. */
  readonly client: (nodeId: number) => Client | undefined;
  /** varve.v1.Replication.DescribeReplicas. */
  readonly method: MethodDefinition<DescribeReplicasRequestMessage, DescribeReplicasResponseOutput>;
  readonly clock: Pick<Clock, "setTimer">;
}

/** What one replica of one partition holds. */
export interface PartitionReport extends ReplicaReport, PartitionName {}

/** In one call. */
export const reportsMax = 1_000;
/** A broker that does not answer in time is asked again with the next round. */
const patienceMs = 2_000;

export class ReplicaReports {
  readonly #dependencies: ReplicaReportsDependencies;

  constructor(dependencies: ReplicaReportsDependencies) {
    this.#dependencies = dependencies;
  }

  /** This node's own, of those that it has and could read. */
  describe({ replicas }: DescribeReplicasRequestOutput): DescribeReplicasResponseMessage {
    const found = replicas.slice(0, reportsMax).flatMap(({ topicId, partition }) => {
      const end = endOf(this.#dependencies.partition(topicId, partition));
      return end === undefined ? [] : [{ topicId, partition, ...end }];
    });
    return { brokerEpoch: this.#dependencies.brokerEpoch(), replicas: found };
  }

  /** What broker `brokerId` has of these, `reportsMax` at most; nothing when it does not answer. Never rejects. */
  async ask(brokerId: number, replicas: readonly PartitionName[]): Promise<PartitionReport[]> {
    const asked = replicas.slice(0, reportsMax).map(({ topicId, partition }) => ({ topicId, partition }));
    const answer =
      brokerId === this.#dependencies.nodeId ? this.#here({ replicas: asked }) : await this.#there(brokerId, asked);
    if (answer === undefined) return [];
    const { brokerEpoch } = answer;
    return answer.replicas.map(({ topicId, partition, lastEpoch, logEndOffset: logEnd, damaged, highWatermark }) => {
      return { topicId, partition, brokerId, brokerEpoch, lastEpoch, logEnd, damaged, highWatermark };
    });
  }

  #here(request: DescribeReplicasRequestOutput): DescribeReplicasResponseOutput {
    return this.describe(request) as DescribeReplicasResponseOutput;
  }

  async #there(
    brokerId: number,
    replicas: { topicId: string; partition: number }[],
  ): Promise<DescribeReplicasResponseOutput | undefined> {
    const { client, method, clock } = this.#dependencies;
    const connection = client(brokerId);
    if (connection === undefined) return undefined;
    const called = await callPeer(connection, method, { replicas }, { clock, timeoutMs: patienceMs });
    return called.kind === "answer" ? called.answer : undefined;
  }
}

/** Up to where a log could be read; undefined of none, and of one whose files failed. */
function endOf(
  local: LocalPartition | undefined,
):
  | Pick<DescribeReplicasResponseOutput["replicas"][number], "lastEpoch" | "logEndOffset" | "damaged" | "highWatermark">
  | undefined {
  if (local === undefined) return undefined;
  const { log } = local;
  const { state } = log;
  if (state.kind === "failed" || state.kind === "closed") return undefined;
  const { lastBatchEpoch, logEnd, logStart, runs, highWatermark } = replicaView(log);
  if (state.kind !== "quarantined") {
    return { lastEpoch: lastBatchEpoch, logEndOffset: logEnd, damaged: false, highWatermark };
  }
  const end = Math.max(logStart, Math.min(state.offset, logEnd));
  const lastEpoch = end > logStart ? (runs.epochAt(end - 1) ?? -1) : -1;
  return { lastEpoch, logEndOffset: end, damaged: true, highWatermark };
}
