import { describe, expect, it } from "vitest";
import { decide } from "./commands.ts";
import type { Command, ReplyOf } from "./commands.ts";
import type { DecisionContext, Refusal } from "./decision.ts";
import { partitionOf, topicNamed } from "./image.ts";
import { replayAll } from "./replay.ts";
import { emptyImage } from "./state.ts";
import type { ControllerImage, Partition } from "./state.ts";

/** An image that commands are run against, with ids that count upwards. */
class World {
  image: ControllerImage = emptyImage;
  nowMs = 1_000_000;
  #ids = 0;

  readonly context: DecisionContext = {
    nowMs: 0,
    newUuid: () => this.newUuid(),
  };

  newUuid(): string {
    this.#ids += 1;
    return this.#ids.toString(16).padStart(32, "0");
  }

  run<C extends Command>(command: C): ReplyOf<C> {
    const decision = decide(this.image, command, { ...this.context, nowMs: this.nowMs });
    if ("refusal" in decision) throw new Error(`Refused: ${decision.refusal.reason} ${decision.refusal.message}`);
    this.image = replayAll(this.image, decision.records);
    return decision.reply;
  }

  refused(command: Command): Refusal {
    const decision = decide(this.image, command, { ...this.context, nowMs: this.nowMs });
    if (!("refusal" in decision)) throw new Error(`Accepted: ${command.kind}`);
    return decision.refusal;
  }

  /** Registers and unfences brokers `1` … `count`; returns the epoch of the last one. */
  brokers(count: number): number {
    let epoch = -1;
    for (let brokerId = 1; brokerId <= count; brokerId += 1) {
      epoch = this.run({
        kind: "registerBroker",
        brokerId,
        incarnationId: this.newUuid(),
        endpoints: [{ name: "grpc", host: "127.0.0.1", port: 9094 }],
        dirs: [this.newUuid()],
      }).brokerEpoch;
      this.run({ kind: "unfenceBroker", brokerId, brokerEpoch: epoch, metadataOffset: this.image.offset });
    }
    return epoch;
  }

  partition(topic: string, partition = 0): Partition {
    const found = partitionOf(this.image, topicNamed(this.image, topic)?.id ?? "", partition);
    if (found === undefined) throw new Error(`No partition ${topic}/${partition}`);
    return found;
  }
}

function worldOf(brokers: number): World {
  const world = new World();
  world.brokers(brokers);
  return world;
}

describe("decide registerBroker", () => {
  const registration = (world: World, dirs: string[]) => ({
    kind: "registerBroker" as const,
    brokerId: 1,
    incarnationId: world.newUuid(),
    endpoints: [],
    dirs,
  });

  it("gives the number of its own record as broker epoch, and keeps it for the same incarnation (B-1)", () => {
    const world = new World();
    const command = registration(world, [world.newUuid()]);
    expect(world.run(command)).toEqual({ brokerEpoch: 1 });
    const offset = world.image.offset;
    expect(world.run(command)).toEqual({ brokerEpoch: 1 });
    expect(world.image.offset).toBe(offset);
  });

  it("lets a new incarnation with the same directory take over at once, fenced (B-1)", () => {
    const world = new World();
    const dirs = [world.newUuid()];
    const { brokerEpoch } = world.run(registration(world, dirs));
    world.run({ kind: "unfenceBroker", brokerId: 1, brokerEpoch, metadataOffset: brokerEpoch });
    const second = world.run(registration(world, dirs)).brokerEpoch;
    expect(second).toBeGreaterThan(brokerEpoch);
    expect(world.image.brokers.get("1")?.fenced).toBe(true);
    expect(world.refused({ kind: "allocateProducerIds", brokerId: 1, brokerEpoch }).reason).toBe("STALE_BROKER_EPOCH");
  });

  it("refuses another incarnation with other directories while the first is not fenced (B-1)", () => {
    const world = worldOf(1);
    expect(world.refused(registration(world, [world.newUuid()])).reason).toBe("DUPLICATE_BROKER");
  });

  it("refuses malformed registrations", () => {
    const world = new World();
    expect(world.refused({ ...registration(world, [world.newUuid()]), brokerId: -1 }).reason).toBe("INVALID_REQUEST");
    expect(world.refused({ ...registration(world, []) }).reason).toBe("INVALID_REQUEST");
    expect(world.refused({ ...registration(world, ["x"]) }).reason).toBe("INVALID_REQUEST");
    const dir = world.newUuid();
    const good = registration(world, [dir]);
    for (const bad of [
      { endpoints: [{ name: "grpc", host: "h", port: 70_000 }] },
      { endpoints: [{ name: "grpc", host: "\ud800", port: 1 }] },
      { rack: "\udfff" },
      { rack: "x".repeat(129) },
      { features: [{ name: "f", minLevel: 0, maxLevel: 2 ** 40 }] },
      { features: [{ name: "f", minLevel: 3, maxLevel: 2 }] },
    ]) {
      expect(world.refused({ ...good, ...bad }).reason).toBe("INVALID_REQUEST");
    }
    const pair = { rack: "ost 🚀", features: [{ name: "f", minLevel: 0, maxLevel: 2 }] };
    expect(world.run({ ...good, ...pair }).brokerEpoch).toBe(1);
  });
});

describe("decide unfenceBroker", () => {
  it("waits until the broker has seen its own registration (B-6)", () => {
    const world = new World();
    const dirs = [world.newUuid()];
    const incarnationId = world.newUuid();
    const { brokerEpoch } = world.run({ kind: "registerBroker", brokerId: 1, incarnationId, endpoints: [], dirs });
    const unfence = { kind: "unfenceBroker" as const, brokerId: 1, brokerEpoch };
    expect(world.run({ ...unfence, metadataOffset: brokerEpoch - 1 })).toEqual({ fenced: true });
    expect(world.run({ ...unfence, metadataOffset: brokerEpoch })).toEqual({ fenced: false });
    expect(world.image.brokers.get("1")?.fenced).toBe(false);
  });
});

describe("decide createTopic", () => {
  it("creates partitions that this broker leads, with minIsr bounded by the replicas (C-7)", () => {
    const world = worldOf(1);
    const reply = world.run({ kind: "createTopic", name: "a", partitions: 3, configs: { "retention.ms": "1h" } });
    expect(reply).toMatchObject({ name: "a", partitions: 3, replicationFactor: 1 });
    expect(reply.configs.find((entry) => entry.name === "retention.ms")).toMatchObject({
      value: "3600000",
      source: "topic",
    });
    expect(world.partition("a", 2)).toMatchObject({
      replicas: [1],
      isr: [1],
      leader: 1,
      leaderEpoch: 0,
      minIsr: 1,
      flush: "sync",
    });
    expect(world.image.partitionCount).toBe(3);
  });

  it("replicates three times by default and spreads leaders evenly; a larger explicit factor is refused", () => {
    const world = worldOf(4);
    expect(world.run({ kind: "createTopic", name: "a", partitions: 8 }).replicationFactor).toBe(3);
    const leaders = topicNamed(world.image, "a")?.partitions.map((partition) => partition.leader) ?? [];
    for (const broker of [1, 2, 3, 4]) expect(leaders.filter((leader) => leader === broker)).toHaveLength(2);
    expect(world.partition("a").minIsr).toBe(2);
    const refusal = world.refused({ kind: "createTopic", name: "b", replicationFactor: 5 });
    expect(refusal.reason).toBe("INVALID_REPLICATION_FACTOR");
    expect(refusal.message).toContain("needs 5 active brokers, and there are 4");
  });

  it("does not count fenced brokers (B-8)", () => {
    const world = new World();
    expect(world.refused({ kind: "createTopic", name: "a" }).reason).toBe("INVALID_REPLICATION_FACTOR");
    const incarnationId = world.newUuid();
    world.run({ kind: "registerBroker", brokerId: 1, incarnationId, endpoints: [], dirs: [world.newUuid()] });
    expect(world.refused({ kind: "createTopic", name: "a" }).message).toContain("no broker is active");
  });

  it.each(["", ".", "..", "a b", "a/b", "ä", "x".repeat(250), "a\u0000"])("refuses the name %j", (name) => {
    expect(worldOf(1).refused({ kind: "createTopic", name }).reason).toBe("INVALID_TOPIC");
  });

  it("accepts 249 legal characters", () => {
    expect(worldOf(1).run({ kind: "createTopic", name: "x".repeat(249) }).partitions).toBe(1);
  });

  it("refuses a name that exists, also when only validating, and one that collides in '.' and '_'", () => {
    const world = worldOf(1);
    world.run({ kind: "createTopic", name: "a.b_c" });
    expect(world.refused({ kind: "createTopic", name: "a.b_c", validateOnly: true }).reason).toBe(
      "TOPIC_ALREADY_EXISTS",
    );
    expect(world.refused({ kind: "createTopic", name: "a_b.c" }).metadata["collision"]).toBe("a.b_c");
  });

  it.each([0, -1, 1.5, Number.NaN, 5_001])("refuses %d partitions", (partitions) => {
    expect(worldOf(1).refused({ kind: "createTopic", name: "a", partitions }).reason).toBe("INVALID_PARTITIONS");
  });

  it("changes nothing when only validating", () => {
    const world = worldOf(1);
    const before = world.image;
    expect(world.run({ kind: "createTopic", name: "a", partitions: 2, validateOnly: true }).partitions).toBe(2);
    expect(world.image).toBe(before);
  });

  it("names the nearest config for an unknown one, and says which value is expected", () => {
    const world = worldOf(1);
    const unknown = world.refused({ kind: "createTopic", name: "a", configs: { "retention.mss": "1" } });
    expect(unknown).toMatchObject({ reason: "INVALID_CONFIG", metadata: { nearest: "retention.ms" } });
    const compact = world.refused({ kind: "createTopic", name: "a", configs: { "cleanup.policy": "compacted" } });
    expect(compact.message).toContain('expected "delete" or "compact" or "delete,compact"');
    const prototype = world.refused({ kind: "createTopic", name: "a", configs: { constructor: "1" } });
    expect(prototype.reason).toBe("INVALID_CONFIG");
  });
});

describe("decide deleteTopic", () => {
  it("deletes by name or id; a topic of the same name gets a new id and higher leader epochs", () => {
    const world = worldOf(1);
    const first = world.run({ kind: "createTopic", name: "a" });
    const epoch = world.partition("a").leaderEpoch;
    expect(world.run({ kind: "deleteTopic", topicId: first.topicId })).toEqual({ topicId: first.topicId, name: "a" });
    expect(topicNamed(world.image, "a")).toBeUndefined();
    expect(world.image.partitionCount).toBe(0);
    const second = world.run({ kind: "createTopic", name: "a" });
    expect(second.topicId).not.toBe(first.topicId);
    expect(world.partition("a").leaderEpoch).toBeGreaterThan(epoch);
    world.run({ kind: "addPartitions", topic: "a", partitions: 2 });
    expect(world.partition("a", 1).leaderEpoch).toBeGreaterThan(epoch);
  });

  it("forgets leader epochs of deleted topics after seven days", () => {
    const world = worldOf(1);
    for (const name of ["a", "b"]) {
      world.run({ kind: "createTopic", name });
      world.run({ kind: "deleteTopic", topic: name });
      world.nowMs += 8 * 86_400_000;
    }
    expect([...world.image.retiredEpochs.keys()]).toEqual(["b"]);
    expect(world.image.removedTopics.size).toBe(1);
    world.run({ kind: "createTopic", name: "b" });
    expect(world.partition("b").leaderEpoch).toBe(0);
    expect(world.image.retiredEpochs.size).toBe(0);
  });

  it("refuses what is not there, and both name and id", () => {
    const world = worldOf(1);
    expect(world.refused({ kind: "deleteTopic", topic: "a" }).reason).toBe("UNKNOWN_TOPIC");
    expect(world.refused({ kind: "deleteTopic" }).reason).toBe("INVALID_REQUEST");
    expect(world.refused({ kind: "deleteTopic", topic: "a", topicId: "b" }).reason).toBe("INVALID_REQUEST");
  });
});

describe("decide addPartitions", () => {
  it("adds the missing ones and refuses fewer or as many", () => {
    const world = worldOf(1);
    world.run({ kind: "createTopic", name: "a", partitions: 2 });
    expect(world.refused({ kind: "addPartitions", topic: "a", partitions: 2 }).reason).toBe("INVALID_PARTITIONS");
    expect(world.run({ kind: "addPartitions", topic: "a", partitions: 5 }).partitions).toBe(5);
    expect(topicNamed(world.image, "a")?.partitions.map((p) => p.partition)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe("decide alterTopicConfig", () => {
  it("writes min.insync.replicas and flush into every partition, in the same decision (C-7)", () => {
    const world = worldOf(3);
    world.run({ kind: "createTopic", name: "a", partitions: 2 });
    const changes = [
      { key: "min.insync.replicas", value: "3" },
      { key: "flush", value: "os" },
    ];
    world.run({ kind: "alterTopicConfig", topic: "a", changes });
    for (const number of [0, 1]) {
      // To `os` by a leader epoch: only who has heard of it fetches in that one.
      expect(world.partition("a", number)).toMatchObject({ minIsr: 3, flush: "os", partitionEpoch: 1, leaderEpoch: 1 });
    }
    world.run({ kind: "alterTopicConfig", topic: "a", changes: changes.map(({ key }) => ({ key, value: null })) });
    expect(world.partition("a")).toMatchObject({ minIsr: 2, flush: "syncing", partitionEpoch: 2 });
  });

  it("changes nothing when the value is the same in other words", () => {
    const world = worldOf(1);
    world.run({ kind: "createTopic", name: "a", configs: { "segment.bytes": "1MiB" } });
    const before = world.image;
    world.run({ kind: "alterTopicConfig", topic: "a", changes: [{ key: "segment.bytes", value: "1048576" }] });
    expect(world.image.offset).toBe(before.offset);
  });

  it("refuses a key that is given twice", () => {
    const world = worldOf(1);
    world.run({ kind: "createTopic", name: "a" });
    const changes = [
      { key: "flush", value: "os" },
      { key: "flush", value: null },
    ];
    expect(world.refused({ kind: "alterTopicConfig", topic: "a", changes }).message).toContain("given twice");
  });
});

describe("decide alterClusterConfig", () => {
  it("changes the defaults of topics that do not override them, their partitions included (C-7)", () => {
    const world = worldOf(3);
    world.run({ kind: "createTopic", name: "own", configs: { "min.insync.replicas": "1" } });
    world.run({ kind: "createTopic", name: "shared" });
    world.run({ kind: "alterClusterConfig", changes: [{ key: "min.insync.replicas", value: "3" }] });
    expect(world.partition("own").minIsr).toBe(1);
    expect(world.partition("shared").minIsr).toBe(3);
    world.run({ kind: "createTopic", name: "later" });
    expect(world.partition("later").minIsr).toBe(3);
  });

  it("is refused as a policy error when it would need more records than one batch holds (C-5)", () => {
    const world = worldOf(1);
    for (const name of ["a", "b", "c"]) world.run({ kind: "createTopic", name, partitions: 5_000 });
    const changes = [{ key: "flush", value: "os" }];
    expect(world.refused({ kind: "alterClusterConfig", changes }).reason).toBe("POLICY_VIOLATION");
  });
});

describe("decide startEpochs, newLeaderEpoch, confirmFlush", () => {
  it("begins a new leader epoch on every partition this broker leads, and on no other (J-3)", () => {
    const world = worldOf(2);
    world.run({ kind: "createTopic", name: "a", partitions: 4, replicationFactor: 1 });
    const brokerEpoch = world.image.brokers.get("2")?.brokerEpoch ?? -1;
    expect(world.run({ kind: "startEpochs", brokerId: 2, brokerEpoch })).toEqual({ partitions: 2 });
    for (const partition of topicNamed(world.image, "a")?.partitions ?? []) {
      expect(partition.leaderEpoch).toBe(partition.leader === 2 ? 1 : 0);
    }
  });

  it("begins one for a leader that was cut back, in the epoch it says only (J-3)", () => {
    const world = worldOf(1);
    const { topicId } = world.run({ kind: "createTopic", name: "a" });
    const brokerEpoch = world.image.brokers.get("1")?.brokerEpoch ?? -1;
    const command = {
      kind: "newLeaderEpoch" as const,
      brokerId: 1,
      brokerEpoch,
      topicId,
      partition: 0,
      leaderEpoch: 0,
    };
    expect(world.run(command)).toEqual({ leaderEpoch: 1, partitionEpoch: 1 });
    expect(world.refused(command).reason).toBe("FENCED_LEADER_EPOCH");
    expect(world.refused({ ...command, leaderEpoch: 9 }).reason).toBe("NOT_CONTROLLER");
    expect(world.refused({ ...command, partition: 1 }).reason).toBe("UNKNOWN_TOPIC");
  });

  it("hands over to whom the full leader names, if that one is in sync and the epoch is still this one (H-13)", () => {
    const world = worldOf(3);
    const configs = { "min.insync.replicas": "1" };
    const { topicId } = world.run({ kind: "createTopic", name: "a", replicationFactor: 3, configs });
    const epochOf = (brokerId: number): number => world.image.brokers.get(String(brokerId))?.brokerEpoch ?? -1;
    const { leader, replicas } = world.partition("a");
    const [, second = -1, third = -1] = replicas;
    const me = { brokerId: leader, brokerEpoch: epochOf(leader) };
    const handOver = (to: number, leaderEpoch = 0, from = me) =>
      world.run({ kind: "handOver", ...from, partitions: [{ topicId, partition: 0, leaderEpoch, to }] });
    const before = world.partition("a");
    // Itself, a stranger, another epoch, somebody else's partition: nothing happens.
    for (const to of [leader, 9]) expect(handOver(to)).toEqual({ partitions: 0 });
    expect(handOver(third, 1)).toEqual({ partitions: 0 });
    expect(handOver(third, 0, { brokerId: second, brokerEpoch: epochOf(second) })).toEqual({ partitions: 0 });
    world.run({ kind: "fenceBroker", brokerId: second, brokerEpoch: epochOf(second) });
    expect(handOver(second)).toEqual({ partitions: 0 });
    const metadataOffset = world.image.offset;
    world.run({ kind: "unfenceBroker", brokerId: second, brokerEpoch: epochOf(second), metadataOffset });
    // Active, and not in sync.
    expect(handOver(second)).toEqual({ partitions: 0 });
    expect(world.partition("a")).toMatchObject({ leader, leaderEpoch: before.leaderEpoch });
    expect(handOver(third)).toEqual({ partitions: 1 });
    // The full one stays in sync: it has everything.
    expect(world.partition("a")).toMatchObject({ leader: third, leaderEpoch: 1, isr: [leader, third] });
    expect(handOver(leader)).toEqual({ partitions: 0 });
    const many = Array.from({ length: 1_001 }, () => ({ topicId, partition: 0, leaderEpoch: 0, to: 1 }));
    expect(world.refused({ kind: "handOver", ...me, partitions: many }).reason).toBe("INVALID_REQUEST");
    expect(world.refused({ kind: "handOver", brokerId: leader, brokerEpoch: 0, partitions: [] }).reason).toBe(
      "STALE_BROKER_EPOCH",
    );
  });

  it("ends syncing when the leader confirms the state it saw", () => {
    const world = worldOf(1);
    const { topicId } = world.run({ kind: "createTopic", name: "a", configs: { flush: "os" } });
    world.run({ kind: "alterTopicConfig", topic: "a", changes: [{ key: "flush", value: "sync" }] });
    const brokerEpoch = world.image.brokers.get("1")?.brokerEpoch ?? -1;
    const command = { kind: "confirmFlush" as const, brokerId: 1, brokerEpoch, topicId, partition: 0, leaderEpoch: 0 };
    expect(world.refused({ ...command, partitionEpoch: 0 }).reason).toBe("INVALID_UPDATE_VERSION");
    world.run({ ...command, partitionEpoch: 1 });
    expect(world.partition("a")).toMatchObject({ flush: "sync", partitionEpoch: 2 });
    expect(world.run({ ...command, partitionEpoch: 1 })).toEqual({ leaderEpoch: 0, partitionEpoch: 2 });
  });
});

describe("decide allocateProducerIds", () => {
  it("hands out blocks of a thousand that never overlap", () => {
    const world = worldOf(2);
    const epochOf = (brokerId: number): number => world.image.brokers.get(String(brokerId))?.brokerEpoch ?? -1;
    const blocks = [1, 2, 1].map((brokerId) =>
      world.run({ kind: "allocateProducerIds", brokerId, brokerEpoch: epochOf(brokerId) }),
    );
    expect(blocks).toEqual([0, 1000, 2000].map((first) => ({ first, count: 1000 })));
  });
});
