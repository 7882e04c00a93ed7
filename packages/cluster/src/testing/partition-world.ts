// The abstract world: one partition, three or four brokers, a controller that is one atomic thing. Everything that decides is
// the real code: `decide` and `replay` of the controller, the leader's and follower's functions of ../partition. What is modelled
// is what lies between: messages that are lost, repeated and reordered, metadata that reach each broker late and in jumps, logs
// that forget what was not durable, processes that end and come back.
//
//   steps ──> world ── brokers (world-broker.ts) ── messages ── controller image, one per commit
//               │
//               └─ after every step: oracle (world-oracle.ts), the invariants ID2 … ID23
//
// Deterministic: a world is a function of its profile and its steps.

import { invariant } from "@varve/format";
import { holds } from "raft-ts/testing";
import type { Coverage, Trace } from "raft-ts/testing";
import type { PartitionVerdict } from "../controller/alter-partition.ts";
import { decide } from "../controller/commands.ts";
import type { Command, ReplyOf } from "../controller/commands.ts";
import type { Refusal } from "../controller/decision.ts";
import { brokerOf } from "../controller/image.ts";
import { planRecovery } from "../controller/recovery.ts";
import type { RecoveryMode, RecoveryPlan } from "../controller/recovery.ts";
import { replay } from "../controller/replay.ts";
import { emptyImage } from "../controller/state.ts";
import type { ControllerImage, Partition } from "../controller/state.ts";
import { emptyTree } from "./entry-log.ts";
import type { Step, WorldProfile } from "./partition-plan.ts";
import { WorldBroker } from "./world-broker.ts";
import type { BrokerWorld } from "./world-broker.ts";
import type { Message } from "./world-messages.ts";
import { Oracle } from "./world-oracle.ts";

const messagesMax = 30;

export class World implements BrokerWorld {
  readonly brokers: readonly WorldBroker[];
  readonly oracle: Oracle;
  readonly coverage: Coverage;
  readonly trace: Trace;
  topicId = "";
  readonly isReckless: boolean;
  /** Every committed state of the controller; a broker's metadata is one of them. */
  readonly history: ControllerImage[] = [emptyImage];
  readonly messages: Message[] = [];
  nowMs = 0;
  #ids = 0;
  #values = 0;
  #evicted = 0;

  constructor(profile: WorldProfile, seen: { readonly coverage: Coverage; readonly trace: Trace }) {
    this.coverage = seen.coverage;
    this.trace = seen.trace;
    this.isReckless = profile.isReckless;
    const root = emptyTree();
    const ids = Array.from({ length: profile.brokers }, (_, index) => index + 1);
    this.oracle = new Oracle(this);
    this.brokers = ids.map((id) => new WorldBroker(this, id, root));
    for (const broker of this.brokers) broker.start();
    for (const broker of this.brokers) broker.catchUp(Number.POSITIVE_INFINITY);
    for (const broker of this.brokers) broker.heartbeat();
    const configs = { "min.insync.replicas": String(profile.minIsr), flush: profile.flush };
    const created = this.command({ kind: "createTopic", name: "a", replicationFactor: profile.brokers, configs });
    invariant("topicId" in created, "the topic is created");
    this.topicId = created.topicId;
    for (const broker of this.brokers) broker.catchUp(Number.POSITIVE_INFINITY);
  }

  get image(): ControllerImage {
    return this.history.at(-1) as ControllerImage;
  }

  /** Of the partition, as committed. */
  partitionIn(image: ControllerImage): Partition | undefined {
    return image.topics.get(this.topicId)?.partitions[0];
  }

  get partition(): Partition {
    const partition = this.partitionIn(this.image);
    invariant(partition !== undefined, "the partition exists");
    return partition;
  }

  broker(id: number): WorldBroker {
    const broker = this.brokers[id - 1];
    invariant(broker !== undefined, "there is such a broker");
    return broker;
  }

  nextValue(): number {
    return ++this.#values;
  }

  uuid(): string {
    return (++this.#ids).toString(16).padStart(32, "0");
  }

  /** The controller decides and commits at once. */
  command<C extends Command>(command: C): ReplyOf<C> | { readonly refusal: Refusal } {
    const decision = decide(this.image, command, { nowMs: this.nowMs, newUuid: () => this.uuid() });
    if ("refusal" in decision) {
      this.coverage.count(`refused ${command.kind} ${decision.refusal.reason}`);
      return decision;
    }
    this.coverage.count(`command ${command.kind}`);
    for (const record of decision.records) {
      const before = this.image;
      const after = replay(before, record);
      this.history.push(after);
      this.line(() => `  committed ${JSON.stringify(record)}`);
      this.oracle.afterCommit(before, after);
    }
    return decision.reply;
  }

  send(message: Message): void {
    this.messages.push(message);
    if (this.messages.length <= messagesMax) return;
    // Any of them is lost, so that some become very old.
    this.#evicted = (this.#evicted * 5 + 3) % messagesMax;
    this.messages.splice(this.#evicted, 1);
  }

  line(text: () => string): void {
    if (this.trace.isVerbose) this.trace.line(text());
  }

  /** One step, and what must hold after it. */
  run({ kind, broker: number, pick }: Step): void {
    const broker = this.brokers[number % this.brokers.length] as WorldBroker;
    this.line(() => `${kind} ${broker.id} ${pick}`);
    this.#perform(kind, broker, pick);
    this.trace.fact(this.image.offset);
    this.trace.fact(broker.log.end);
    this.oracle.afterStep();
  }

  #perform(kind: Step["kind"], broker: WorldBroker, pick: number): void {
    switch (kind) {
      case "deliver":
      case "repeat": {
        const at = this.messages.length === 0 ? 0 : pick % this.messages.length;
        const message = this.messages[at];
        if (message === undefined) return broker.fetch();
        if (kind === "deliver") this.messages.splice(at, 1);
        this.coverage.count(`${kind} ${message.kind}`);
        this.line(() => `  ${JSON.stringify(message)}`);
        this.deliver(message);
        return;
      }
      case "drop":
        if (this.messages.length > 0) this.messages.splice(pick % this.messages.length, 1);
        return;
      case "pass":
        this.nowMs += pick % 12_000;
        return;
      case "fetch":
        broker.fetch();
        return;
      case "append":
        this.leader(broker, pick)?.append(1 + (pick % 3));
        return;
      case "tick":
        this.leader(broker, pick)?.tick();
        return;
      case "confirm":
        this.leader(broker, pick)?.confirmFlush();
        return;
      case "sync":
        broker.sync(pick);
        return;
      case "metadata":
        broker.catchUp(1 + (pick % 4));
        return;
      case "heartbeat":
        broker.heartbeat();
        return;
      case "checkpoint":
        broker.log.checkpoint = broker.log.highWatermark;
        return;
      case "start":
        broker.start();
        return;
      case "fence":
        this.fence(broker);
        return;
      case "crash":
      case "power":
      case "wipe":
        broker.crash(kind, pick);
        return;
      case "damage":
        broker.damage(pick);
        return;
      case "minIsr":
        this.alterConfig("min.insync.replicas", String(1 + (pick % 3)));
        return;
      case "flush":
        this.alterConfig("flush", pick % 2 === 0 ? "sync" : "os");
        return;
      case "unclean":
        if (this.isReckless) this.elect("unclean");
        return;
      case "recover":
        if (this.isReckless) this.recover("balanced");
        return;
      case "prefer":
        this.elect("preferred");
        return;
    }
  }

  /** Its session is over, whether it runs or not. */
  fence({ id: brokerId }: WorldBroker): void {
    const { brokerEpoch = -1 } = brokerOf(this.image, brokerId) ?? {};
    this.command({ kind: "fenceBroker", brokerId, brokerEpoch });
  }

  elect(mode: "preferred" | "unclean"): void {
    this.command({ kind: "electLeaders", mode, partitions: [{ topicId: this.topicId, partition: 0 }] });
  }

  /** 6.11: every replica that runs says what it has; enough time has passed for the others. */
  recover(mode: RecoveryMode): RecoveryPlan {
    const reports = this.brokers.flatMap((broker) => broker.report() ?? []);
    const plan = planRecovery(this.image, this.partition, { mode, reports, waitedMs: 10_000 });
    const { topicId } = this;
    if (plan.kind === "elect") {
      const { brokerId: leader, brokerEpoch } = plan;
      this.command({ kind: "recoverPartition", topicId, partition: 0, leader, brokerEpoch });
    }
    this.coverage.count(`recovery ${plan.kind}`);
    return plan;
  }

  alterConfig(key: string, value: string): void {
    this.command({ kind: "alterTopicConfig", topic: "a", changes: [{ key, value }] });
  }

  /** One of those who believe that they lead; there may be several. */
  leader(broker: WorldBroker, pick: number): WorldBroker | undefined {
    if (broker.leadership !== undefined) return broker;
    const leaders = this.brokers.filter(({ leadership }) => leadership !== undefined);
    return leaders[pick % Math.max(1, leaders.length)];
  }

  deliver(message: Message): void {
    switch (message.kind) {
      case "fetch":
        return this.broker(message.to).hearFetch(message.from, message.request);
      case "answer":
        return this.broker(message.to).hearAnswer(message.answer, message.values);
      case "synced":
        return this.broker(message.to).hearSync(message);
      case "altered":
        return this.broker(message.to).hearVerdict(message.brokerEpoch, message.verdict);
      case "alter":
        return this.#alter(message);
      case "confirm": {
        const { from: brokerId, brokerEpoch, leaderEpoch, partitionEpoch } = message;
        const { topicId } = this;
        this.command({
          kind: "confirmFlush",
          brokerId,
          brokerEpoch,
          topicId,
          partition: 0,
          leaderEpoch,
          partitionEpoch,
        });
      }
    }
  }

  #alter({ from, brokerEpoch, proposal }: Extract<Message, { kind: "alter" }>): void {
    const before = this.partition;
    const { topicId } = this;
    const partitions = [{ topicId, partition: 0, ...proposal }];
    const reply = this.command({ kind: "alterPartition", brokerId: from, brokerEpoch, partitions });
    if ("refusal" in reply) return;
    const verdict = reply.partitions[0] as PartitionVerdict;
    this.coverage.count(`verdict ${verdict.kind === "refused" ? verdict.refusal.reason : verdict.kind}`);
    if (verdict.kind !== "refused" && verdict.kind !== "ineligible") {
      for (const { brokerId, brokerEpoch: epoch } of proposal.newIsr) {
        const joined = !before.isr.includes(brokerId);
        const registered = brokerOf(this.image, brokerId)?.brokerEpoch;
        holds(
          !joined || registered === epoch,
          "ID16",
          () => `${brokerId} joined with epoch ${epoch}, not ${registered}`,
        );
      }
    }
    this.send({ kind: "altered", to: from, brokerEpoch, verdict });
  }
}
