/**
 * What the active controller does for partitions of which nobody is known to be complete (6.11, W11): it asks their replicas what they
 * hold, and lets `planRecovery` say for whom to wait, or who leads.
 *
 *   tick ──> leaderless, ISR and ELR empty ──> DescribeReplicas of each active replica ──> planRecovery ─┬─ wait: the next tick asks again
 *                                                                                                        └─ elect: recoverPartition
 *
 * Invariants
 * - On a node that is not active nothing is asked, and nothing is remembered from when it was.
 * - Every election is logged as a possible loss: it is marked as unclean in the partition's state.
 */
import {
  type ControllerImage,
  type Partition,
  type PartitionName,
  type RecoveryMode,
  brokerOf,
  clusterOverrides,
  effectiveTopicConfig,
  isActive,
  noLeader,
  planRecovery,
  topicOverrides,
} from "@varve/cluster";
import type { Clock, Timer } from "@varve/log";
import type { Logger } from "../logger.ts";
import type { Controller } from "./controller.ts";
import { electCommand } from "./not-leading.ts";
import { type PartitionReport, reportsMax } from "./replication/replica-reports.ts";

export interface PartitionRecoveryOptions {
  readonly controller: Controller;
  readonly ask: (brokerId: number, replicas: readonly PartitionName[]) => Promise<readonly PartitionReport[]>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between two rounds of questions, in ms. */
  readonly tickMs: number;
}

/** Elections that are decided in one batch; the controller's queue has room for others beside them. */
const electionsAtOnce = 100;

interface Waiting {
  readonly name: PartitionName;
  /** Monotonic; when its replicas were first asked. */
  readonly sinceMs: number;
  /** What the log says it waits for, so that it says it once. */
  toldFor: string;
}

export class PartitionRecovery {
  readonly #options: PartitionRecoveryOptions;
  readonly #stopWatching: () => void;
  #waiting = new Map<string, Waiting>();
  /** What `#waiting` was made from. */
  #scanned: ControllerImage | undefined;
  #timer: Timer | undefined;
  #isAsking = false;
  /** Those behind have their turn next: the first ones may wait for an operator for long. */
  #askedUpTo = 0;

  constructor(options: PartitionRecoveryOptions) {
    this.#options = options;
    // Also when it lost and won between two ticks: a leadership counts from its own beginning how long somebody was waited for.
    this.#stopWatching = options.controller.watchRole(() => this.#forget());
    this.#tickLater();
  }

  close(): void {
    this.#stopWatching();
    this.#timer?.cancel();
    this.#waiting.clear();
  }

  #forget(): void {
    this.#waiting.clear();
    this.#scanned = undefined;
  }

  #tickLater(): void {
    const { clock, tickMs } = this.#options;
    this.#timer = clock.setTimer(tickMs, () => {
      this.#tickLater();
      this.#tick();
    });
  }

  #tick(): void {
    const { controller } = this.#options;
    if (controller.role.kind !== "leader") return;
    if (controller.image !== this.#scanned) this.#scan(controller.image);
    if (this.#waiting.size > 0 && !this.#isAsking) void this.#round();
  }

  #scan(image: ControllerImage): void {
    const nowMs = this.#options.clock.monotonicMs();
    const found = new Map<string, Waiting>();
    for (const topic of image.topics.values()) {
      for (const partition of topic.partitions) {
        if (!needsRecovery(partition, modeOf(image, partition))) continue;
        const { topicId, partition: number } = partition;
        const key = `${topicId}/${number}`;
        const name = { topicId, partition: number };
        found.set(key, this.#waiting.get(key) ?? { name, sinceMs: nowMs, toldFor: "" });
      }
    }
    this.#waiting = found;
    this.#scanned = image;
  }

  async #round(): Promise<void> {
    this.#isAsking = true;
    const waiting = [...this.#waiting.values()];
    const from = this.#askedUpTo < waiting.length ? this.#askedUpTo : 0;
    const round = [...waiting.slice(from), ...waiting.slice(0, from)].slice(0, reportsMax);
    this.#askedUpTo = from + round.length;
    const reports = await this.#askAll(round);
    for (let at = 0; at < round.length; at += electionsAtOnce) {
      const some = round.slice(at, at + electionsAtOnce);
      await Promise.all(some.map((waiting) => this.#decide(waiting, reports.filter(isAbout(waiting.name)))));
    }
    this.#isAsking = false;
  }

  async #askAll(round: readonly Waiting[]): Promise<PartitionReport[]> {
    const { controller, ask } = this.#options;
    const { image } = controller;
    const byBroker = new Map<number, PartitionName[]>();
    for (const { name } of round) {
      for (const brokerId of partitionIn(image, name)?.replicas ?? []) {
        const broker = brokerOf(image, brokerId);
        if (broker === undefined || !isActive(broker)) continue;
        byBroker.set(brokerId, [...(byBroker.get(brokerId) ?? []), name]);
      }
    }
    const answers = await Promise.all([...byBroker].map(([brokerId, names]) => ask(brokerId, names)));
    return answers.flat();
  }

  async #decide(waiting: Waiting, reports: readonly PartitionReport[]): Promise<void> {
    const { controller, clock, logger } = this.#options;
    const { image } = controller;
    const partition = partitionIn(image, waiting.name);
    if (partition === undefined || controller.role.kind !== "leader") return;
    const topic = image.topics.get(partition.topicId)?.name;
    const where = { topic, partition: partition.partition };
    const mode = modeOf(image, partition);
    const waitedMs = clock.monotonicMs() - waiting.sinceMs;
    const plan = planRecovery(image, partition, { mode, reports, waitedMs });
    if (plan.kind === "notNeeded") return;
    if (plan.kind === "wait") {
      const why = plan.for.length === 0 ? "an operator" : plan.for.join(", ");
      if (why !== waiting.toldFor) {
        const damaged = reports.filter((report) => report.damaged === true).map(({ brokerId }) => brokerId);
        const command = electCommand(topic ?? partition.topicId, partition.partition);
        const fields = { ...where, mode, waitsFor: why, damaged, command };
        logger.warn(fields, "nobody is known to have all of a partition: it waits");
      }
      waiting.toldFor = why;
      return;
    }
    const { brokerId: leader, brokerEpoch } = plan;
    const { topicId, partition: number } = partition;
    const outcome =
      partition.elr.length === 0
        ? await controller.submit({ kind: "recoverPartition", topicId, partition: number, leader, brokerEpoch })
        : await controller.submit({
            kind: "electLeaders",
            mode: "unclean",
            partitions: [{ topicId, partition: number }],
            candidates: [leader],
          });
    const holds = reports.map(({ brokerId, lastEpoch, logEnd, damaged = false }) => ({
      brokerId,
      lastEpoch,
      logEnd,
      damaged,
    }));
    if (outcome.kind === "refused") logger.debug({ ...where, why: outcome.refusal.message }, "partition not recovered");
    else
      logger.warn({ ...where, mode, leader, holds }, "who has most of a partition leads it now: records may be lost");
  }
}

function isAbout({ topicId, partition }: PartitionName): (report: PartitionReport) => boolean {
  return (report) => report.topicId === topicId && report.partition === partition;
}

function needsRecovery({ leader, isr, elr }: Partition, mode: RecoveryMode): boolean {
  return leader === noLeader && isr.length === 0 && (elr.length === 0 || mode === "aggressive");
}

function modeOf(image: ControllerImage, { topicId }: Partition): RecoveryMode {
  return effectiveTopicConfig(topicOverrides(image, topicId), clusterOverrides(image))["unclean.recovery.strategy"];
}

function partitionIn(image: ControllerImage, { topicId, partition }: PartitionName): Partition | undefined {
  return image.topics.get(topicId)?.partitions[partition];
}
