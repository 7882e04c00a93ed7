/** What the doors of one broker share: the partitions, the gates, the clock, who this node is. Built by `Broker.start`. */
import type { LeaderHint } from "@varve/api";
import type { Partition } from "@varve/cluster";
import type { Clock, LogStore } from "@varve/log";
import type { NodeCounters } from "./counters.ts";
import type { Controller } from "./drivers/controller.ts";
import type { NodeGroups } from "./drivers/groups/node-groups.ts";
import type { Forwarding } from "./drivers/forwarding/forwarding.ts";
import type { ProduceIntake } from "./drivers/produce-intake.ts";
import type { ProducerIds } from "./drivers/producer-ids.ts";
import type { ReplicaReports } from "./drivers/replication/replica-reports.ts";
import type { Replication } from "./drivers/replication/replication.ts";
import type { TimingWheel } from "./drivers/timing-wheel.ts";
import type { Topics } from "./drivers/topics.ts";
import type { ProduceAnswers } from "./grpc/produce-answer.ts";
import type { ProduceGate } from "./grpc/produce-gate.ts";
import type { BrokerLimits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { ControllerClient, ControllerMembership, PeerService } from "./ports/peers.ts";
import type { Refusal } from "./refusal.ts";

export interface BrokerNode {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: BrokerLimits;
  readonly counters: NodeCounters;
  readonly wheel: TimingWheel;
  readonly store: LogStore;
  /** Committed metadata, and who decides. */
  readonly controller: Controller;
  /** Commands, to whoever decides. */
  readonly control: ControllerClient;
  /** The controllers, for operators. */
  readonly membership: ControllerMembership;
  readonly topics: Topics;
  readonly replication: Replication;
  /** What replicas hold, here and elsewhere. */
  readonly replicaReports: ReplicaReports;
  /** What the other nodes may ask of this one. */
  readonly peerServices: readonly PeerService[];
  readonly intake: ProduceIntake;
  /** To the leaders of partitions that are led elsewhere; undefined in a cluster of one, and for what was forwarded already. */
  readonly forwarding: Forwarding | undefined;
  /** Consumer groups: coordinators here, and where the others are. */
  readonly groups: NodeGroups;
  readonly gate: ProduceGate;
  readonly answers: ProduceAnswers;
  readonly producerIds: ProducerIds;
  /** Where partitions are led that this node leads: here. */
  readonly leaderHint: (leaderEpoch: number) => LeaderHint;
  /** Where a partition is led, as the metadata have it. */
  readonly leaderOf: (placement: Pick<Partition, "leader" | "leaderEpoch">) => LeaderHint;
  /** Why nothing new is taken, once the broker stops. */
  readonly stoppedBy: () => Refusal | undefined;
}
