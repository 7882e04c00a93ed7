/**
 * What goes wrong in a cluster world, and what people ask of it meanwhile. Each kind is counted by its name; one that cannot
 * happen now, or that the promise does not cover, does nothing.
 */
import { type Command, type Partition, noLeader, partitionOf } from "@varve/cluster";
import { FileSystemError, LogError } from "@varve/log";
import { BrokerError } from "../../errors.ts";
import { whyMayComeBack } from "../../drivers/replication/deletion.ts";
import { isRefusal } from "../../refusal.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import { isCovered, isWithinPromise, lossesOf, mayLower, takeFrom } from "./fault-budget.ts";
import { type Machine, closedSegments } from "./machine.ts";
import { type Lane, lanes } from "./network.ts";
import { keyOf } from "./replica-shadow.ts";

type Action = (world: ClusterWorld, machine: Machine) => boolean;

const topicNames = ["t1", "t2", "t3", "t4", "t5"];

const actions: Readonly<Record<string, { readonly weight: number; readonly run: Action }>> = {
  "fault kill": { weight: 8, run: (world, machine) => crash(world, machine, "kill") },
  "fault power cut": { weight: 6, run: (world, machine) => crash(world, machine, "power") },
  "fault kill of the controller": { weight: 3, run: killController },
  "fault everybody killed": { weight: 1, run: (world) => crashAll(world, "kill") },
  "fault everybody loses power": { weight: 1, run: (world) => crashAll(world, "power") },
  "fault wiped disk": { weight: 2, run: wipe },
  "fault flipped bit": { weight: 3, run: flip },
  "fault full disk": { weight: 2, run: fill },
  "fault hung disk": { weight: 2, run: hangDisk },
  "fault pause": { weight: 4, run: pause },
  "fault streams broken": { weight: 3, run: breakStreams },
  "fault isolated": { weight: 3, run: isolate },
  "fault deaf": { weight: 3, run: deafen },
  "fault pair cut": { weight: 3, run: cutPair },
  "fault healed": { weight: 8, run: heal },
  "fault slow node": { weight: 2, run: slow },
  "fault metadata held back": { weight: 4, run: hold },
  "operator fence": { weight: 6, run: fence },
  "operator create topic": { weight: 3, run: (world) => createTopic(world) },
  "operator delete topic": { weight: 1, run: deleteTopic },
  "operator minIsr": { weight: 4, run: changeMinIsr },
  "operator flush": { weight: 4, run: changeFlush },
  "operator preferred election": { weight: 6, run: electPreferred },
  "operator add partitions": { weight: 1, run: addPartitions },
  "operator controlled shutdown": { weight: 3, run: shutDown },
  "operator replace controller": { weight: 2, run: replaceController },
  "operator delete records": { weight: 3, run: (world) => deleteRecords(world) },
  "operator accept loss": { weight: 2, run: (world) => acceptLoss(world) },
  "operator election with loss": { weight: 2, run: (world) => electWithLoss(world) },
};

const weighted = Object.entries(actions).flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name));

/** One thing goes wrong, or is asked for. */
export function disturb(world: ClusterWorld): void {
  const name = world.random.pick(weighted);
  const machine = world.random.pick(world.machines);
  world.trace.text(name);
  if (actions[name]?.run(world, machine) !== true) return;
  world.count(name);
  world.tell(machine.id, name, {});
}

function crash(world: ClusterWorld, machine: Machine, kind: "kill" | "power"): boolean {
  if (machine.process === undefined) return false;
  if (kind === "power" && !losePower(world, machine)) return false;
  machine.crash(kind);
  startSoon(world, machine);
  return true;
}

/** What the disk does not have is gone; false when the promise does not cover that. */
function losePower(world: ClusterWorld, machine: Machine): boolean {
  const losses = lossesOf(world, machine, "power");
  if (!isCovered(world, machine, losses)) return false;
  takeFrom(world, machine, losses);
  // What a log in `sync` has counted is on the disk, whatever the metadata say meanwhile. One that is on its way there may have
  // said so in its journal already: what is on the disk then, its recovery knows.
  const { shadows, controller } = machine.process ?? {};
  const isInMemory = ({ topicId, partition }: Partition): boolean =>
    shadows?.get(keyOf(topicId, partition))?.log.mode === "os" &&
    partitionOf(controller?.image ?? world.metadata.image, topicId, partition)?.flush === "os";
  lost(world, machine, losses.filter(isInMemory));
  return true;
}

function lost(world: ClusterWorld, machine: Machine, losses: readonly Partition[]): void {
  world.metadata.lost(
    machine.id,
    losses.map(({ topicId, partition }) => keyOf(topicId, partition)),
  );
}

/** Now faster than any session ends, now slower. */
function startSoon(world: ClusterWorld, machine: Machine): void {
  const { random, time } = world;
  const ms = random.chance(0.4) ? random.next() * 60 : random.next() * 3_000;
  time.after(ms, () => machine.start());
}

function killController(world: ClusterWorld): boolean {
  const active = world.machines.find(({ process }) => process?.controller?.role.kind === "leader");
  return active !== undefined && crash(world, active, "kill");
}

function crashAll(world: ClusterWorld, kind: "kill" | "power"): boolean {
  if (kind === "power" && world.machines.some((machine) => lossesOf(world, machine, "power").length > 0)) return false;
  for (const machine of world.machines) crash(world, machine, kind);
  return true;
}

function wipe(world: ClusterWorld, machine: Machine): boolean {
  const losses = lossesOf(world, machine, "wipe");
  if (!isCovered(world, machine, losses)) return false;
  takeFrom(world, machine, losses);
  lost(world, machine, losses);
  machine.crash("power");
  machine.wipe();
  for (const name of world.damaged) if (name.startsWith(`${machine.id} `)) world.damaged.delete(name);
  startSoon(world, machine);
  return true;
}

/**
 * M11: a controller loses its part of the metadata group, and somebody gives its place to what it has now. One at a time: while it lasts
 * the group has a member less.
 */
function replaceController(world: ClusterWorld, machine: Machine): boolean {
  if (!machine.isVoter || machine.process === undefined || world.replacing !== undefined) return false;
  world.replacing = machine.id;
  machine.crash("kill");
  machine.loseGroup();
  startSoon(world, machine);
  let inARow = 0;
  const ask = (): void => {
    // A leader may say so of what is not committed yet, and lose it: nobody leads for that long without a majority.
    if (inARow >= 3) {
      world.replacing = undefined;
      return world.count("operator replace controller done");
    }
    world.time.after(600, ask);
    const active = world.machines.find(({ process }) => process?.controller?.role.kind === "leader")?.process;
    const raft = active?.raft;
    active?.gate.enter(() => {
      raft?.replaceDirectory(machine.id, false).then(
        (replaced) => {
          world.tell(machine.id, "is given its place again", replaced);
          inARow = isRefusal(replaced) ? 0 : inARow + 1;
        },
        (error: unknown) => world.fail(error),
      );
    });
  };
  ask();
  return true;
}

function flip(world: ClusterWorld, machine: Machine): boolean {
  const { random, image, profile } = world;
  const held = [...image.topics.values()].flatMap(({ name, partitions }) =>
    partitions
      .filter(({ replicas }) => replicas.includes(machine.id))
      .map((partition) => ({ partition, segments: closedSegments(machine.disk, name, partition.partition) })),
  );
  const damageable = held.filter(({ segments }) => segments.length > 0);
  if (damageable.length === 0) return false;
  const { partition, segments } = random.pick(damageable);
  const { topicId, partition: number, replicas } = partition;
  if (!profile.isReckless && (replicas.length === 1 || !isWithinPromise(world, machine, [partition], true)))
    return false;
  takeFrom(world, machine, [partition], true);
  // Whatever becomes of it, nobody else has it.
  if (replicas.length === 1) world.oracle(topicId, number).lostWithoutElection(partition);
  const path = random.pick(segments);
  const size = machine.disk.files().find((file) => file.path === path)?.sizeBytes ?? 1;
  machine.disk.flipBit(path, random.below(size), random.below(8));
  const key = keyOf(topicId, number);
  world.damaged.add(`${machine.id} ${key}`);
  const shadow = machine.process?.shadows.get(key);
  if (shadow !== undefined) shadow.isDamaged = true;
  return true;
}

function fill(world: ClusterWorld, { disk }: Machine): boolean {
  disk.limitFreeBytes(world.random.below(100_000));
  world.time.after(world.random.next() * 2_000, () => {
    disk.quotaBytes = Infinity;
  });
  return true;
}

/** Shorter and longer than a session (B-10). The disk of the metadata group is another. */
function hangDisk(world: ClusterWorld, { process }: Machine): boolean {
  if (process === undefined) return false;
  process.gate.hangDisk();
  world.time.after(world.random.pick([100, 900, 1_500, 4_000]) * (0.5 + world.random.next()), () =>
    process.gate.answerDisk(),
  );
  return true;
}

/** Shorter and longer than a session. */
function pause(world: ClusterWorld, { process }: Machine): boolean {
  if (process === undefined || process.gate.isPaused) return false;
  process.gate.pause();
  world.time.after(world.random.pick([50, 400, 1_500, 2_500]) * (0.5 + world.random.next()), () =>
    process.gate.resume(),
  );
  return true;
}

function breakStreams(world: ClusterWorld, machine: Machine): boolean {
  world.peers.break(machine.id);
  for (const other of world.machines) {
    world.network.cut("bulk", machine.id, other.id);
  }
  world.breakStreams();
  world.time.after(world.random.next() * 100, () => {
    for (const other of world.machines) world.network.mend("bulk", machine.id, other.id);
  });
  return true;
}

function isolate(world: ClusterWorld, machine: Machine): boolean {
  for (const other of world.machines) if (other !== machine) cut(world, machine, other, lanes);
  return true;
}

/** From the controllers, not from its followers: it goes on as a leader that may be none any more. */
function deafen(world: ClusterWorld, machine: Machine): boolean {
  const deafTo: readonly Lane[] = world.random.pick([["raft", "control"], ["raft"], ["control"]] as const);
  for (const other of world.machines) if (other !== machine) cut(world, machine, other, deafTo);
  return true;
}

function cutPair(world: ClusterWorld, machine: Machine): boolean {
  const other = world.random.pick(world.machines);
  if (other === machine) return false;
  cut(world, machine, other, world.random.pick([lanes, ["bulk"], ["bulk", "raft"]] as const));
  return true;
}

function cut(world: ClusterWorld, a: Machine, b: Machine, which: readonly Lane[]): void {
  const isOneWay = world.random.chance(0.2);
  for (const lane of which) {
    world.network.cut(lane, a.id, b.id);
    if (!isOneWay) world.network.cut(lane, b.id, a.id);
  }
  // Most cuts end by themselves: what comes afterwards is where things go wrong.
  if (world.random.chance(0.8)) {
    world.time.after(world.random.next() * 1_500, () => {
      for (const lane of which) world.network.mend(lane, a.id, b.id);
    });
  }
  if (which.includes("control")) world.peers.break(a.id, b.id);
  if (which.includes("bulk") && world.random.chance(0.7)) world.breakStreams();
}

function heal(world: ClusterWorld): boolean {
  world.network.heal();
  return true;
}

function slow(world: ClusterWorld, machine: Machine): boolean {
  world.network.slow(machine.id, world.random.pick([5, 20, 100]));
  return true;
}

function hold(world: ClusterWorld, machine: Machine): boolean {
  const { process } = machine;
  if (process?.isReady !== true || process.isHeld) return false;
  process.isHeld = true;
  world.time.after(world.random.next() * 1_500, () => {
    if (machine.process === process) machine.release();
  });
  return true;
}

/** Somebody who is alive and well. */
function fence(world: ClusterWorld, machine: Machine): boolean {
  const broker = world.image.brokers.get(String(machine.id));
  if (broker === undefined) return false;
  return ask(world, { kind: "fenceBroker", brokerId: machine.id, brokerEpoch: broker.brokerEpoch });
}

export function createTopic(world: ClusterWorld): boolean {
  const { random, profile, image, machines } = world;
  const free = topicNames.slice(0, profile.topics).filter((name) => !image.topicIds.has(name));
  if (free.length === 0) return false;
  const replicationFactor = random.pick([1, 2, 3, 3, 3, machines.length]);
  const flush = profile.flush === "mixed" ? random.pick(["sync", "os"]) : profile.flush;
  return ask(world, {
    kind: "createTopic",
    name: random.pick(free),
    partitions: random.between(1, profile.partitionsMax),
    replicationFactor: Math.min(replicationFactor, machines.length),
    configs: {
      flush,
      "min.insync.replicas": String(random.between(1, Math.min(replicationFactor, 3))),
      "segment.bytes": String(profile.segmentBytes),
      ...(random.chance(0.4) ? { "retention.bytes": String(3 * profile.segmentBytes) } : {}),
    },
  });
}

function deleteTopic(world: ClusterWorld): boolean {
  const topics = [...world.image.topics.values()];
  return topics.length > 1 && ask(world, { kind: "deleteTopic", topic: world.random.pick(topics).name });
}

function changeMinIsr(world: ClusterWorld): boolean {
  const topics = [...world.image.topics.values()];
  if (topics.length === 0) return false;
  const { name: topic, partitions } = world.random.pick(topics);
  const minIsr = world.random.between(1, 3);
  if (!mayLower(world, partitions, minIsr)) return false;
  const changes = [{ key: "min.insync.replicas", value: String(minIsr) }];
  return ask(world, { kind: "alterTopicConfig", topic, changes });
}

function changeFlush(world: ClusterWorld): boolean {
  const topics = [...world.image.topics.values()];
  if (world.profile.flush !== "mixed" || topics.length === 0) return false;
  const changes = [{ key: "flush", value: world.random.pick(["sync", "os"]) }];
  return ask(world, { kind: "alterTopicConfig", topic: world.random.pick(topics).name, changes });
}

function addPartitions(world: ClusterWorld): boolean {
  const small = [...world.image.topics.values()].filter(({ partitions }) => partitions.length < 4);
  if (small.length === 0) return false;
  const { name, partitions } = world.random.pick(small);
  return ask(world, { kind: "addPartitions", topic: name, partitions: partitions.length + 1 });
}

function electPreferred(world: ClusterWorld): boolean {
  const partitions = namesOf(allPartitions(world));
  return partitions.length > 0 && ask(world, { kind: "electLeaders", mode: "preferred", partitions });
}

/** What an operator does with partitions that nobody can lead any more. Only where more was lost than is promised. */
export function electWithLoss(world: ClusterWorld): boolean {
  const { isReckless } = world.profile;
  // A topic may be made on a disk that is gone already: nothing was lost then, and nobody can know.
  const lost = allPartitions(world).filter(
    ({ leader, isr, elr, topicId, partition }) =>
      leader === noLeader &&
      isr.length === 0 &&
      elr.length === 0 &&
      (isReckless || world.oracle(topicId, partition).end === 0),
  );
  if (lost.length === 0) return false;
  const candidates = lost.map((partition) => mostOf(world, partition));
  return ask(world, { kind: "electLeaders", mode: "unclean", partitions: namesOf(lost), candidates });
}

/** Somebody deletes what lies before an offset, in the middle of a batch perhaps, and is told when it stays deleted (H-14). */
function deleteRecords(world: ClusterWorld): boolean {
  const led = allPartitions(world).filter(({ leader }) => leader !== noLeader);
  if (led.length === 0) return false;
  const { topicId, partition, leader } = world.random.pick(led);
  const share = world.random.next();
  const { process } = world.machine(leader);
  const local = process?.topics?.partition(topicId, partition);
  if (process === undefined || local?.leading === undefined) return false;
  process.gate.enter(() => {
    const { log, leading } = local;
    if (leading === undefined) return;
    const { leaderEpoch } = leading.state;
    const offset = log.logStartOffset + Math.floor(share * (log.highWatermark - log.logStartOffset));
    log
      .deleteRecordsBefore(offset)
      .then(() => whyMayComeBack(local, offset, { wheel: process.wheel, waitMs: 1_000 }))
      .then(
        (doubt) => {
          world.count(doubt === undefined ? "operator delete records done" : "operator delete records in doubt");
          if (doubt === undefined) world.check(() => world.oracle(topicId, partition).deleted(offset, leaderEpoch));
        },
        (error: unknown) => {
          if (error instanceof LogError || error instanceof FileSystemError)
            world.count("operator delete records refused");
          else if (world.machine(leader).process === process) world.fail(error);
        },
      );
  });
  return true;
}

/** J-12: leaders that nobody could take the place of say what is damaged; somebody decides to go on without it. */
export function acceptLoss(world: ClusterWorld): boolean {
  let isAny = false;
  for (const { topicId, partition, leader } of allPartitions(world)) {
    if (leader === noLeader || !world.oracle(topicId, partition).isLossy) continue;
    const { process } = world.machine(leader);
    const local = process?.topics?.partition(topicId, partition);
    if (process === undefined || local?.log.state.kind !== "quarantined") continue;
    isAny = true;
    process.gate.enter(() => {
      local.acceptLoss().then(
        () => world.count("operator accept loss done"),
        (error: unknown) => {
          const isExpected = [LogError, FileSystemError, BrokerError].some((kind) => error instanceof kind);
          if (isExpected || world.machine(leader).process !== process) world.count("operator accept loss refused");
          else world.fail(error);
        },
      );
    });
  }
  return isAny;
}

/** As far as the operator sees: who runs, is not damaged and has most. */
function mostOf(world: ClusterWorld, { topicId, partition, replicas }: Partition): number {
  let most = { id: replicas[0] as number, end: -1 };
  for (const id of replicas) {
    const log = world.machine(id).local(topicId, partition)?.log;
    if (log !== undefined && log.state.kind !== "quarantined" && log.logEndOffset > most.end) {
      most = { id, end: log.logEndOffset };
    }
  }
  return most.id;
}

function shutDown(world: ClusterWorld, machine: Machine): boolean {
  if (machine.process?.isReady !== true || machine.process.isShuttingDown) return false;
  machine.shutDown().then(
    () => startSoon(world, machine),
    (error: unknown) => world.fail(error),
  );
  return true;
}

export function allPartitions({ image }: ClusterWorld): Partition[] {
  return [...image.topics.values()].flatMap(({ partitions }) => partitions);
}

function namesOf(partitions: readonly Partition[]): { topicId: string; partition: number }[] {
  return partitions.map(({ topicId, partition }) => ({ topicId, partition }));
}

/** A person at some node. */
function ask(world: ClusterWorld, command: Command): boolean {
  const ready = world.machines.filter(({ process }) => process?.isReady === true && !process.gate.isPaused);
  if (ready.length === 0) return false;
  const { process } = world.random.pick(ready);
  void process?.control?.submit(command).then((outcome) => {
    const result = outcome.kind === "done" ? "done" : outcome.refusal.reason;
    world.count(`controller ${command.kind} ${result}`);
  });
  return true;
}
