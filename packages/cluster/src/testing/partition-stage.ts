// A stage for the abstract world, on which traces are told by hand (testdata/partition/*.txt). Nothing happens by itself: every
// message waits until it is delivered, every broker sees the metadata that it is shown. The oracle looks on after every line.
// Several commands stand on one line with ";" between them.
//
//   world brokers=3 minIsr=2 [flush=os] [reckless=yes]   three brokers that lead and follow, ISR whole
//   append 1 count=2     the leader takes records          tick 1        it looks at its followers, and asks the controller
//   fetch 2              asks, is answered, takes it        send 2        asks, and the message waits
//   replicate 2,3        … until they have all of it        ask 1         tick, and the controller's answer arrives
//   sync 2               what it has is on disk             confirm 1     the leader confirms flush=sync
//   deliver m3 | repeat m3 | drop m3                       pass ms=11000
//   metadata 2 [commits=1]                                 fence 3       heartbeat 3 (lets it in when it may)
//   crash 1 | power 1 keep=4 | wipe 1, then start 1        damage 1 keep=4
//   set min.insync.replicas=1                              prefer | unclean | recover [mode=aggressive]
//   show                                                   what everybody knows

import { Coverage, Trace } from "raft-ts/testing";
import { noLeader } from "../controller/state.ts";
import type { IsrState } from "../partition/isr.ts";
import { World } from "./partition-world.ts";
import type { WorldBroker } from "./world-broker.ts";
import type { Message } from "./world-messages.ts";

export class PartitionStage {
  #world: World | undefined;
  readonly #names = new Map<string, Message>();
  readonly #known = new WeakSet<Message>();
  #count = 0;
  #commits = 0;

  answer(lines: string): string[] {
    return lines.split(";").flatMap((line) => this.#answerOne(line.trim()));
  }

  #answerOne(line: string): string[] {
    const [command = "", ...words] = line.split(/\s+/);
    const fields = new Map(
      words.filter((word) => word.includes("=")).map((word) => word.split("=") as [string, string]),
    );
    const [subject = ""] = words.filter((word) => !word.includes("="));
    if (command === "world") return this.#begin(fields);
    const world = this.#world;
    if (world === undefined) return ["There is no world yet."];
    const said = this.#perform(world, { command, subject, fields });
    world.oracle.afterStep();
    return [...said, ...this.#newCommits(world), ...this.#newMessages(world)];
  }

  #begin(fields: ReadonlyMap<string, string>): string[] {
    this.#world = new World(
      {
        brokers: Number(fields.get("brokers")),
        minIsr: Number(fields.get("minIsr")),
        flush: fields.get("flush") === "os" ? "os" : "sync",
        isReckless: fields.has("reckless"),
      },
      { coverage: new Coverage(), trace: new Trace() },
    );
    this.#commits = this.#world.history.length;
    return [describePartition(this.#world)];
  }

  #perform(
    world: World,
    { command, subject, fields }: { command: string; subject: string; fields: ReadonlyMap<string, string> },
  ): string[] {
    const broker = world.brokers[Number(subject) - 1] as WorldBroker;
    const number = (name: string, otherwise: number): number => Number(fields.get(name) ?? otherwise);
    switch (command) {
      case "show":
        return [describePartition(world), ...world.brokers.map(describeBroker)];
      case "append": {
        const { end } = broker.log;
        broker.append(number("count", 1));
        return broker.log.end === end ? ["refused"] : [describeLog(broker)];
      }
      case "fetch":
        return this.#fetch(world, broker);
      case "replicate":
        return subject.split(",").map((id) => this.#replicate(world, world.broker(Number(id))));
      case "ask":
        return this.#ask(world, broker);
      case "send":
        broker.fetch();
        return [];
      case "sync":
        broker.sync(1);
        return [`${subject} is durable to ${broker.log.durable}`];
      case "tick":
        broker.tick();
        return [describeIsr(broker)];
      case "confirm":
        broker.confirmFlush();
        return [];
      case "deliver":
      case "repeat":
      case "drop":
        return this.#message(world, command, subject);
      case "pass":
        world.nowMs += number("ms", 0);
        return [];
      case "metadata":
        broker.catchUp(number("commits", Number.POSITIVE_INFINITY));
        return [describeBroker(broker)];
      case "fence":
        world.fence(broker);
        return [];
      case "heartbeat":
        broker.heartbeat();
        return [];
      case "crash":
      case "wipe":
        broker.crash(command, 0);
        return [];
      case "power":
        broker.crash("power", number("keep", broker.log.durable) - broker.log.durable);
        return [`${subject} has ${broker.log.end} left`];
      case "start":
        broker.start();
        return [];
      case "damage":
        broker.damage(number("keep", 0));
        return [];
      case "set":
        for (const [key, value] of fields) world.alterConfig(key, value);
        return [];
      case "prefer":
        world.elect("preferred");
        return [];
      case "unclean":
        world.elect("unclean");
        return [];
      case "recover": {
        const plan = world.recover(fields.get("mode") === "aggressive" ? "aggressive" : "balanced");
        return [plan.kind === "wait" ? `waits for ${plan.for.join()}` : JSON.stringify(plan)];
      }
      default:
        return [`There is no "${command}" here.`];
    }
  }

  /** There and back again. */
  #fetch(world: World, broker: WorldBroker): string[] {
    const before = new Set(world.messages);
    const fresh = (kind: Message["kind"]): Message | undefined =>
      world.messages.find((message) => message.kind === kind && !before.has(message));
    broker.fetch();
    const asked = fresh("fetch");
    if (asked === undefined) return [`${broker.id} follows nobody`];
    take(world, asked);
    world.deliver(asked);
    const answered = fresh("answer");
    if (answered === undefined) return ["no answer"];
    take(world, answered);
    world.deliver(answered);
    return [describeMessage(answered), describeLog(broker)];
  }

  /** Everything that its leader has, on disk, and told to it. */
  #replicate(world: World, broker: WorldBroker): string {
    for (let round = 0; round < 6; round += 1) {
      this.#fetch(world, broker);
      for (const { id } of world.brokers) world.broker(id).sync(1);
      for (const message of world.messages.filter(({ kind }) => kind === "synced")) {
        take(world, message);
        world.deliver(message);
      }
    }
    return describeLog(broker);
  }

  /** The leader asks the controller, and hears what came of it. */
  #ask(world: World, broker: WorldBroker): string[] {
    broker.tick();
    const asked = world.messages.findLast(({ kind }) => kind === "alter");
    if (asked === undefined) return [describeIsr(broker)];
    take(world, asked);
    world.deliver(asked);
    const answered = world.messages.findLast(({ kind }) => kind === "altered");
    if (answered !== undefined) {
      take(world, answered);
      world.deliver(answered);
    }
    return [describeMessage(asked), ...(answered === undefined ? [] : [describeMessage(answered)])];
  }

  #message(world: World, how: "deliver" | "repeat" | "drop", name: string): string[] {
    const message = this.#names.get(name);
    if (message === undefined) return [`There is no message "${name}".`];
    if (how !== "repeat") take(world, message);
    if (how === "drop") return [];
    world.deliver(message);
    const to = message.kind === "alter" || message.kind === "confirm" ? undefined : world.broker(message.to);
    return to === undefined ? [] : [describeBroker(to)];
  }

  #newCommits(world: World): string[] {
    const isNew = world.history.length > this.#commits;
    const before = world.history[this.#commits - 1];
    this.#commits = world.history.length;
    const isChanged = before !== undefined && world.partitionIn(before) !== world.partition;
    return isNew && isChanged ? [`committed: ${describePartition(world)}`] : [];
  }

  #newMessages(world: World): string[] {
    const fresh = world.messages.filter((message) => !this.#known.has(message));
    return fresh.map((message) => {
      this.#known.add(message);
      this.#count += 1;
      this.#names.set(`m${this.#count}`, message);
      return `m${this.#count}: ${describeMessage(message)}`;
    });
  }
}

function take(world: World, message: Message): void {
  const at = world.messages.indexOf(message);
  if (at >= 0) world.messages.splice(at, 1);
}

function describePartition({ partition }: World): string {
  const { leader, leaderEpoch, partitionEpoch, isr, elr, minIsr, flush, lastKnownElr, uncleanEpoch } = partition;
  const extra = [
    ...(elr.length > 0 ? [`ELR ${elr.join()}`] : []),
    ...(lastKnownElr.length > 0 ? [`last known ${lastKnownElr.join()}`] : []),
    ...(uncleanEpoch >= 0 ? [`unclean since epoch ${uncleanEpoch}`] : []),
  ];
  const who = leader === noLeader ? "nobody leads" : `${leader} leads`;
  return [`${who}, epoch ${leaderEpoch}, version ${partitionEpoch}, ISR ${isr.join() || "empty"}`, ...extra]
    .concat(`minIsr ${minIsr}, ${flush}`)
    .join(", ");
}

function describeBroker(broker: WorldBroker): string {
  const { process, leadership } = broker;
  if (process === undefined) return `${broker.id} is down, ${describeLog(broker)}`;
  if (leadership !== undefined) return `${describeLog(broker)}, ${describeIsr(broker)}`;
  const { seen } = process;
  const follows =
    seen === undefined ? "waits" : seen.leader === noLeader ? "nobody to follow" : `follows ${seen.leader}`;
  return `${describeLog(broker)}, ${follows}${seen === undefined ? "" : `, epoch ${seen.leaderEpoch}`}`;
}

/** Log end, high watermark, and where its epochs begin. */
function describeLog({ id, log }: WorldBroker): string {
  const runs = log.runs.runs.map(({ epoch, start }) => `e${epoch}@${start}`).join(" ");
  return `${id}: L${log.end} H${log.highWatermark}${runs === "" ? "" : ` ${runs}`}`;
}

function describeIsr({ leadership }: WorldBroker): string {
  if (leadership === undefined) return "does not lead";
  const { isr, leaderEpoch, startOffset } = leadership;
  return `leads epoch ${leaderEpoch} from ${startOffset}, ${describeState(isr)}`;
}

function describeState(state: IsrState): string {
  const committed = `ISR ${state.committed.isr.join()} of version ${state.committed.partitionEpoch}`;
  switch (state.kind) {
    case "committed":
      return committed;
    case "pendingExpand":
      return `${committed}, wants ${state.add.join()} in`;
    case "pendingShrink":
      return `${committed}, wants ${state.drop.join()} out`;
    case "pendingRecovery":
      return `${committed}, says that it has recovered`;
  }
}

function describeMessage(message: Message): string {
  switch (message.kind) {
    case "fetch": {
      const { fetchOffset, durableOffset, lastFetchedEpoch, leaderEpoch, brokerEpoch } = message.request;
      return `${message.from}@${brokerEpoch} fetches from ${message.to} in epoch ${leaderEpoch} at ${fetchOffset}, durable ${durableOffset}, last epoch ${lastFetchedEpoch}`;
    }
    case "answer":
      return `answer to ${message.to}: ${describeAnswer(message)}`;
    case "synced":
      return `${message.from} is durable to ${message.durableOffset}, epoch ${message.leaderEpoch}`;
    case "alter": {
      const members = message.proposal.newIsr.map(({ brokerId, brokerEpoch }) => `${brokerId}@${brokerEpoch}`);
      return `${message.from} proposes ISR ${members.join()} on version ${message.proposal.partitionEpoch}`;
    }
    case "altered": {
      const { verdict } = message;
      return verdict.kind === "refused"
        ? `answer to ${message.to}: ${verdict.refusal.reason}`
        : `answer to ${message.to}: ${verdict.kind}, ISR ${verdict.state.isr.join()} of version ${verdict.state.partitionEpoch}`;
    }
    case "confirm":
      return `${message.from} confirms flush=sync for version ${message.partitionEpoch}`;
  }
}

function describeAnswer({ answer, values }: Extract<Message, { kind: "answer" }>): string {
  if (answer.kind === "records") return `${values.length} records, high watermark ${answer.highWatermark}`;
  return answer.kind === "diverged" ? `diverged, epoch ${answer.epoch} ends at ${answer.end}` : answer.kind;
}
