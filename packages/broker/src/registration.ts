/**
 * How this node tells the controller that it is there (B-1 to B-3), and what it asks of it later. Each function submits one
 * command and turns a refusal into what its caller can use.
 */
import type { Partition, TopicConfigName } from "@varve/cluster";
import { checkTopicConfig, clusterOverrides } from "@varve/cluster";
import type { Controller } from "./drivers/controller.ts";
import type { ProducerIdBlock } from "./drivers/producer-ids.ts";
import { BrokerError } from "./errors.ts";
import type { Refusal } from "./refusal.ts";

export interface Identity {
  readonly nodeId: number;
  readonly directoryId: string;
  /** New for every process. */
  readonly incarnationId: string;
  readonly host: string;
  readonly port: number;
  readonly rack: string;
}

/** This incarnation in the cluster. */
export class Registration {
  readonly #controller: Controller;
  readonly #nodeId: number;
  readonly brokerEpoch: number;

  private constructor(controller: Controller, nodeId: number, brokerEpoch: number) {
    this.#controller = controller;
    this.#nodeId = nodeId;
    this.brokerEpoch = brokerEpoch;
  }

  /**
   * Registers, is let in, and begins a new leader epoch in every partition that it leads (J-3: every start does).
   * @throws BrokerError REGISTRATION
   */
  static async open(controller: Controller, identity: Identity): Promise<Registration> {
    const { nodeId: brokerId } = identity;
    const registered = await controller.submit({
      kind: "registerBroker",
      brokerId,
      incarnationId: identity.incarnationId,
      endpoints: [{ name: "grpc", host: identity.host, port: identity.port }],
      rack: identity.rack,
      dirs: [identity.directoryId],
    });
    if (registered.kind === "refused") throw refused("register with the cluster", registered.refusal);
    const { brokerEpoch } = registered.reply;
    const me = { brokerId, brokerEpoch };
    const unfenced = await controller.submit({
      kind: "unfenceBroker",
      ...me,
      metadataOffset: controller.image.offset,
    });
    if (unfenced.kind === "refused") throw refused("be let into the cluster", unfenced.refusal);
    const epochs = await controller.submit({ kind: "startEpochs", ...me });
    if (epochs.kind === "refused") throw refused("begin new leader epochs", epochs.refusal);
    return new Registration(controller, brokerId, brokerEpoch);
  }

  get #me(): { brokerId: number; brokerEpoch: number } {
    return { brokerId: this.#nodeId, brokerEpoch: this.brokerEpoch };
  }

  /** A new leader epoch for one partition (J-3). Rejects when the controller refuses. */
  async newLeaderEpoch(topicId: string, partition: number, leaderEpoch: number): Promise<number> {
    const outcome = await this.#controller.submit({
      kind: "newLeaderEpoch",
      ...this.#me,
      topicId,
      partition,
      leaderEpoch,
    });
    if (outcome.kind === "refused") throw refused("begin a new leader epoch", outcome.refusal);
    return outcome.reply.leaderEpoch;
  }

  /** The leader counts by `sync` now. A refusal means that the partition has changed meanwhile: then it is asked again. */
  async confirmFlush(partition: Partition): Promise<void> {
    await this.#controller.submit({
      kind: "confirmFlush",
      ...this.#me,
      topicId: partition.topicId,
      partition: partition.partition,
      leaderEpoch: partition.leaderEpoch,
      partitionEpoch: partition.partitionEpoch,
    });
  }

  async nextProducerIds(): Promise<ProducerIdBlock | Refusal> {
    const outcome = await this.#controller.submit({ kind: "allocateProducerIds", ...this.#me });
    return outcome.kind === "refused" ? outcome.refusal : outcome.reply;
  }
}

/** Makes the cluster's defaults of topic configuration what was configured; says nothing when they are. */
export async function applyTopicDefaults(
  controller: Controller,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const present = clusterOverrides(controller.image);
  const changes: { key: string; value: string }[] = [];
  for (const [key, value] of Object.entries(wanted)) {
    const checked = checkTopicConfig(key, value);
    if ("fault" in checked)
      throw new BrokerError("CONFIGURATION", `Cannot use topic default "${key}": ${checked.fault}`);
    if (present[key as TopicConfigName] !== checked.text) changes.push({ key, value: checked.text });
  }
  if (changes.length === 0) return;
  const outcome = await controller.submit({ kind: "alterClusterConfig", changes });
  if (outcome.kind === "refused") throw refused("set the defaults of topics", outcome.refusal);
}

function refused(what: string, refusal: Refusal): BrokerError {
  return new BrokerError("REGISTRATION", `Cannot ${what}: ${refusal.message}`, { cause: refusal });
}
