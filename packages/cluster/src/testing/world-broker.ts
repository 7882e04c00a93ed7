// One broker of the abstract world: a log that survives, and a process that does not. All it does is what the functions of
// ../partition say; it decides nothing.

import { ViolationError } from "raft-ts/testing";
import type { PartitionVerdict } from "../controller/alter-partition.ts";
import type { Command, ReplyOf } from "../controller/commands.ts";
import type { Refusal } from "../controller/decision.ts";
import { brokerOf, isActive } from "../controller/image.ts";
import type { ReplicaReport } from "../controller/recovery.ts";
import type { ControllerImage, Partition } from "../controller/state.ts";
import { refuseProduce } from "../partition/admission.ts";
import { pendingProposal } from "../partition/isr.ts";
import {
  adoptAnswer,
  advanceHighWatermark,
  beginLeadership,
  hearFetch,
  hearSync,
  isAcknowledged,
  mayConfirmFlush,
  proposeIsr,
  refreshLeadership,
  refuseFetch,
} from "../partition/leadership.ts";
import type { BrokerFacts, Leadership, LeaderNow } from "../partition/leadership.ts";
import { beginFollowing, planFetch, planFetchAnswer, planSyncNotice } from "../partition/replica.ts";
import type { FetchAnswer, FetchRequest, Following } from "../partition/replica.ts";
import { planRoleChange } from "../partition/role.ts";
import type { RoleAction } from "../partition/role.ts";
import { EntryLog } from "./entry-log.ts";
import type { Entry } from "./entry-log.ts";
import type { Message } from "./world-messages.ts";
import type { Oracle } from "./world-oracle.ts";
import type { SeenBroker, SeenWorld } from "./world-types.ts";

const lagMaxMs = 10_000;

/** What a broker has around it. */
export interface BrokerWorld extends SeenWorld {
  readonly nowMs: number;
  readonly oracle: Oracle;
  /** The controller decides and commits at once. */
  command<C extends Command>(command: C): ReplyOf<C> | { readonly refusal: Refusal };
  send(message: Message): void;
  uuid(): string;
  nextValue(): number;
  line(text: () => string): void;
}

/** From start to end of a process. */
interface Process {
  readonly brokerEpoch: number;
  /** Where in the history its metadata are. */
  metadataAt: number;
  /** It has seen its own registration, and plays its part. */
  isRunning: boolean;
  /** The partition as it was last acted on. */
  seen: Partition | undefined;
  following: Following | undefined;
  /** Damage was reported: nothing but metadata until that commit is seen; then the log is cut to `keep`. */
  damaged: { readonly until: number; readonly keep: number } | undefined;
}

interface Append {
  readonly leaderEpoch: number;
  readonly end: number;
  readonly entry: Entry;
}

export class WorldBroker implements SeenBroker {
  readonly id: number;
  readonly #world: BrokerWorld;
  log: EntryLog;
  process: Process | undefined;
  leadership: Leadership | undefined;
  /** Produces with acks=all that wait. */
  waiting: Append[] = [];
  /** It follows the metadata that this broker has seen. */
  isJournaled = false;
  ended: "crash" | "power" | "wipe" | undefined;
  /** The former process had found damage and not yet cut it off. */
  #isDamaged = false;
  readonly #root: Entry;
  #dir: string;

  constructor(world: BrokerWorld, id: number, root: Entry) {
    this.#world = world;
    this.id = id;
    this.#root = root;
    this.log = new EntryLog(root);
    this.#dir = world.uuid();
  }

  get soundEnd(): number {
    return Math.min(this.log.durable, this.process?.damaged?.keep ?? this.log.end);
  }

  get isRunning(): boolean {
    return this.process?.isRunning === true && this.process.damaged === undefined;
  }

  /** A new process: recovery is done, it registers (B-1, B-4). */
  start(): void {
    if (this.process !== undefined) return;
    const world = this.#world;
    const partition = world.partitionIn(world.image);
    const isLossy = this.ended !== undefined && !this.isRetained(partition);
    const reply = world.command({
      kind: "registerBroker",
      brokerId: this.id,
      incarnationId: world.uuid(),
      endpoints: [],
      dirs: [this.#dir],
      // A directory that is gone needs no word.
      lossy: isLossy && this.ended !== "wipe" ? "all" : [],
    });
    // With another directory it has to wait until the session of the former process is over.
    if ("refusal" in reply) return;
    world.oracle.afterRegistration(this, isLossy);
    this.ended = undefined;
    this.#isDamaged = false;
    const { brokerEpoch } = reply;
    // What it had of the metadata before; the rest comes.
    const metadataAt = Math.max(0, world.history.length - 8);
    this.process = {
      brokerEpoch,
      metadataAt,
      isRunning: false,
      seen: undefined,
      following: undefined,
      damaged: undefined,
    };
  }

  /** B-4, `retained`: the process died and the machine did not; or all that counted was on a disk that is still there. */
  isRetained(partition: Partition | undefined): boolean {
    if (this.ended === "wipe" || this.#isDamaged) return false;
    return this.ended === "crash" || (partition?.flush === "sync" && this.isJournaled);
  }

  crash(kind: "crash" | "power" | "wipe", pick: number): void {
    const { oracle } = this.#world;
    if (this.process === undefined) return;
    const before = this.ended;
    this.ended = kind;
    const isLossless = kind === "crash" || (kind === "power" && this.isRetained(this.#world.partition));
    if (!isLossless && !oracle.mayLose(this)) {
      this.ended = before;
      return;
    }
    this.#world.coverage.count(`fault ${kind}${isLossless ? "" : " lossy"}`);
    const { damaged } = this.process;
    this.#isDamaged = damaged !== undefined;
    this.process = undefined;
    this.leadership = undefined;
    this.waiting = [];
    if (kind === "wipe") {
      this.log = new EntryLog(this.#root);
      this.#dir = this.#world.uuid();
      this.isJournaled = false;
    } else {
      const { end, durable } = this.log;
      const keep = kind === "crash" ? end : durable + (pick % (end - durable + 1));
      // Recovery finds the damage too, and gives up what is behind it.
      this.log.restart(Math.min(keep, damaged?.keep ?? end));
    }
  }

  /** F-9: damage below what had counted is found. It is reported at once; the log is cut when that is seen as committed. */
  damage(pick: number): void {
    const world = this.#world;
    const { process } = this;
    if (process === undefined || !this.isRunning || this.log.end === 0 || !world.oracle.mayLose(this)) return;
    if (brokerOf(world.image, this.id)?.brokerEpoch !== process.brokerEpoch) return;
    world.coverage.count("fault damage");
    const partitions = [{ topicId: world.topicId, partition: 0 }];
    world.command({ kind: "reportLossy", brokerId: this.id, brokerEpoch: process.brokerEpoch, partitions });
    world.oracle.afterRegistration(this, true);
    process.damaged = { until: world.history.length - 1, keep: pick % this.log.end };
    process.following = undefined;
    this.leadership = undefined;
    this.waiting = [];
  }

  /** What it has, when it is asked; nothing of it is damaged. */
  report(): ReplicaReport | undefined {
    if (this.process === undefined || !this.isRunning) return undefined;
    const { logEnd, lastBatchEpoch: lastEpoch } = this.log.view;
    const { highWatermark } = this.log;
    return { brokerId: this.id, brokerEpoch: this.process.brokerEpoch, lastEpoch, logEnd, highWatermark };
  }

  heartbeat(): void {
    const { process } = this;
    if (process?.isRunning !== true) return;
    const { brokerEpoch, metadataAt } = process;
    const { offset } = this.#imageAt(metadataAt);
    this.#world.command({ kind: "unfenceBroker", brokerId: this.id, brokerEpoch, metadataOffset: offset });
  }

  /** Metadata arrive: up to `count` commits at once, seen as one. */
  catchUp(count: number): void {
    const { process } = this;
    if (process === undefined) return;
    process.metadataAt = Math.min(this.#world.history.length - 1, process.metadataAt + count);
    const image = this.#imageAt(process.metadataAt);
    if (image.offset >= process.brokerEpoch) process.isRunning = true;
    if (process.damaged !== undefined) this.#refill(process, process.damaged);
    if (this.isRunning) this.#act(this.#world.partitionIn(image));
  }

  #refill(process: Process, { until, keep }: { readonly until: number; readonly keep: number }): void {
    if (process.metadataAt < until) return;
    process.damaged = undefined;
    process.seen = undefined;
    this.log.truncate(keep, Math.min(keep, this.log.highWatermark));
  }

  #act(partition: Partition | undefined): void {
    const { process } = this;
    if (process === undefined || partition === undefined) return;
    this.#changeFlush(partition);
    for (const action of planRoleChange(process.seen, partition, this.id)) this.#perform(process, action, partition);
    process.seen = partition;
  }

  /** On the way to `sync`, what is in memory is written first. */
  #changeFlush({ flush }: Partition): void {
    if (flush !== "os" && !this.isJournaled) this.log.durable = this.log.end;
    this.isJournaled = flush !== "os";
  }

  #perform(process: Process, action: RoleAction, partition: Partition): void {
    this.#world.line(
      () => `  ${this.id}: ${action.kind} (epoch ${partition.leaderEpoch}, version ${partition.partitionEpoch})`,
    );
    this.#world.coverage.count(`role ${action.kind}`);
    switch (action.kind) {
      case "stopFetching":
        return;
      case "endLeadership":
        this.leadership = undefined;
        this.waiting = [];
        return;
      case "beginLeadership": {
        const me = { brokerId: this.id, brokerEpoch: process.brokerEpoch };
        const { end: logEnd, highWatermark } = this.log;
        this.log.runs.add(action.leaderEpoch, logEnd);
        this.#lead(beginLeadership(partition, me, { logEnd, highWatermark, nowMs: this.#world.nowMs }));
        return;
      }
      case "refreshLeadership":
        if (this.leadership !== undefined) this.#lead(refreshLeadership(this.leadership, partition, this.log.end));
        return;
      case "tryHighWatermark":
        this.#advance();
        return;
      case "startFetching":
        process.following = beginFollowing(partition, process.brokerEpoch, process.following);
        return;
      case "setAside":
        throw new ViolationError("world", "a replica was removed, and nobody does that here");
    }
  }

  // ---- leading

  append(count: number): void {
    const { leadership, process } = this;
    if (leadership === undefined || process?.seen === undefined) return;
    const { isr, minIsr } = leadership.isr.committed;
    const admission = { topic: "a", brokerId: this.id, acks: "all" } as const;
    if (refuseProduce({ ...process.seen, isr, minIsr }, admission) !== undefined) {
      this.#world.coverage.count("append refused");
      return;
    }
    for (let added = 0; added < count; added += 1) this.log.append(leadership.leaderEpoch, this.#world.nextValue());
    const end = this.log.end;
    this.waiting.push({ leaderEpoch: leadership.leaderEpoch, end, entry: this.log.at(end - 1) as Entry });
    this.#advance();
  }

  /** Looks at its followers, and asks the controller, again when it has no answer yet. */
  tick(): void {
    if (this.leadership === undefined || this.process === undefined) return;
    this.#lead(proposeIsr(this.leadership, this.#now, this.#factsOf));
    const proposal = pendingProposal(this.leadership.isr);
    if (proposal === undefined) return;
    this.#world.send({ kind: "alter", from: this.id, brokerEpoch: this.process.brokerEpoch, proposal });
  }

  confirmFlush(): void {
    const { leadership, process } = this;
    if (leadership === undefined || process === undefined || !mayConfirmFlush(leadership, this.log.durable)) return;
    const { leaderEpoch, partitionEpoch } = leadership.isr.committed;
    this.#world.send({ kind: "confirm", from: this.id, brokerEpoch: process.brokerEpoch, leaderEpoch, partitionEpoch });
  }

  hearFetch(from: number, request: FetchRequest): void {
    const { process, leadership } = this;
    if (process?.seen === undefined || !this.isRunning) return;
    const fetch = { brokerId: from, ...request };
    const { fetchId, brokerEpoch, leaderEpoch } = request;
    const who = { fetchId, brokerEpoch, leaderEpoch };
    const refusal = refuseFetch(process.seen, this.id, fetch, this.#factsOf);
    if (refusal !== undefined || leadership === undefined) {
      this.#world.coverage.count(`fetch ${refusal}`);
      this.#world.send({ kind: "answer", to: from, answer: { ...who, kind: "refused" }, values: [] });
      return;
    }
    const { view } = this.log;
    const log = { ...view, leaderEpoch: leadership.leaderEpoch, startOffset: leadership.startOffset };
    const heard = hearFetch(leadership, fetch, log, this.#world.nowMs);
    this.#world.coverage.count(`fetch ${heard.check.kind}`);
    this.#lead(heard.leadership);
    this.#world.oracle.afterWordOf(fetch.brokerId, this);
    this.#advance();
    this.#world.send({ kind: "answer", to: from, ...this.#answer(who, request.fetchOffset, heard.check) });
  }

  #answer(
    who: Pick<FetchAnswer, "fetchId" | "brokerEpoch" | "leaderEpoch">,
    fetchOffset: number,
    check: ReturnType<typeof hearFetch>["check"],
  ): { readonly answer: FetchAnswer; readonly values: readonly number[] } {
    if (check.kind !== "match") return { answer: { ...who, ...check }, values: [] };
    const entries: Entry[] = [];
    for (let offset = fetchOffset; offset < Math.min(this.log.end, fetchOffset + 4); offset += 1) {
      entries.push(this.log.at(offset) as Entry);
    }
    const batches = entries.map(({ epoch }, index) => {
      const baseOffset = fetchOffset + index;
      return { baseOffset, endOffset: baseOffset + 1, leaderEpoch: epoch, isSound: true };
    });
    const { highWatermark } = this.leadership as Leadership;
    const answer = { ...who, kind: "records", batches, highWatermark, logStart: 0 } as const;
    return { answer, values: entries.map(({ value }) => value) };
  }

  hearSync(message: Extract<Message, { kind: "synced" }>): void {
    if (this.leadership === undefined) return;
    this.#lead(hearSync(this.leadership, { ...message, brokerId: message.from, logStart: 0 }));
    this.#world.oracle.afterWordOf(message.from, this);
    this.#advance();
  }

  hearVerdict(brokerEpoch: number, verdict: PartitionVerdict): void {
    if (this.leadership === undefined || this.process?.brokerEpoch !== brokerEpoch || verdict.kind === "refused")
      return;
    this.#lead(adoptAnswer(this.leadership, verdict.state));
    this.#advance();
  }

  /** Moves the high watermark, and answers whom that answers. */
  #advance(): void {
    if (this.leadership === undefined) return;
    this.#lead(advanceHighWatermark(this.leadership, this.#now, this.#factsOf));
    const { leadership } = this;
    const done = this.waiting.filter((append) => isAcknowledged(leadership, append));
    this.waiting = this.waiting.filter((append) => !done.includes(append));
    for (const { leaderEpoch, end, entry } of done) this.#world.oracle.afterAck(leaderEpoch, end, entry);
  }

  #lead(next: Leadership): void {
    const before = this.leadership;
    this.leadership = next;
    this.log.highWatermark = next.highWatermark;
    this.#world.oracle.afterLeaderStep(this, before, next);
  }

  get #now(): LeaderNow {
    return { logEnd: this.log.end, durableEnd: this.log.durable, logStart: 0, nowMs: this.#world.nowMs, lagMaxMs };
  }

  readonly #factsOf = (brokerId: number): BrokerFacts | undefined => {
    const broker = this.process === undefined ? undefined : brokerOf(this.#imageAt(this.process.metadataAt), brokerId);
    return broker === undefined ? undefined : { brokerEpoch: broker.brokerEpoch, isActive: isActive(broker) };
  };

  // ---- following

  get #isFollowing(): boolean {
    const { seen } = this.process ?? {};
    return this.isRunning && this.leadership === undefined && seen !== undefined && seen.leader > 0;
  }

  fetch(): void {
    const { process } = this;
    if (process?.following === undefined || !this.#isFollowing) return;
    const { following, request } = planFetch(process.following, this.log.view, this.log.durable);
    process.following = following;
    this.#world.send({ kind: "fetch", from: this.id, to: following.leader, request });
  }

  hearAnswer(answer: FetchAnswer, values: readonly number[]): void {
    const { process } = this;
    if (process?.following === undefined || process.seen === undefined || !this.#isFollowing) return;
    const planned = planFetchAnswer(process.following, this.log.view, answer, process.seen.uncleanEpoch);
    process.following = planned.following;
    const { step } = planned;
    this.#world.coverage.count(`follower ${step.kind}`);
    switch (step.kind) {
      case "ignore":
      case "retry":
        return;
      case "truncate":
        this.#world.oracle.beforeTruncation(this, step.to);
        this.log.truncate(step.to, step.highWatermark);
        return;
      case "quarantine":
        throw new ViolationError("ID12", `${this.id} should cut back to ${step.to}, below its high watermark`);
      case "startAt":
        throw new ViolationError("world", `${this.id} is out of range, and nothing is ever deleted here`);
      case "append": {
        const batches = answer.kind === "records" ? answer.batches : [];
        if (step.dropsEmptyEpochs) this.log.runs.truncateTo(this.log.end);
        for (const [index, { leaderEpoch }] of batches.slice(0, step.count).entries()) {
          this.log.append(leaderEpoch, values[index] as number);
        }
        this.log.highWatermark = step.highWatermark;
      }
    }
  }

  /** A sync ends. */
  sync(pick: number): void {
    if (!this.isRunning) return;
    const { end, durable } = this.log;
    this.log.durable = pick % 4 === 0 ? durable + (pick % (end - durable + 1)) : end;
    this.#advance();
    const { process } = this;
    if (process?.following === undefined || !this.#isFollowing) return;
    const { leader: to, leaderEpoch, brokerEpoch } = process.following;
    const durableOffset = planSyncNotice(process.following, this.log.durable);
    if (durableOffset !== undefined) {
      this.#world.send({ kind: "synced", from: this.id, to, brokerEpoch, leaderEpoch, durableOffset });
    }
  }

  #imageAt(index: number): ControllerImage {
    return this.#world.history[index] as ControllerImage;
  }
}
