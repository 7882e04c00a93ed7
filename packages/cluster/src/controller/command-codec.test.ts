import { FormatError } from "@varve/format";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Outcome } from "./batch-plan.ts";
import { decodeCommand, decodeOutcome, encodeCommand, encodeOutcome } from "./command-codec.ts";
import type { Command, CommandKind, CommandReplies } from "./commands.ts";
import { describeTopicConfig } from "./topic-config.ts";

const id = "0123456789abcdef0123456789abcdef";
const me = { brokerId: 3, brokerEpoch: 41 };
const where = { topicId: id, partition: 2 };

/** One of each kind, with everything set; `all` is checked to have them all by its type. */
const all: { readonly [K in CommandKind]: CommandReplies[K]["command"] } = {
  registerBroker: {
    kind: "registerBroker",
    brokerId: 3,
    incarnationId: id,
    endpoints: [{ name: "grpc", host: "h", port: 1 }],
    rack: "r",
    dirs: [id],
    features: [{ name: "f", minLevel: 1, maxLevel: 2 }],
    lossy: [where],
  },
  unfenceBroker: { kind: "unfenceBroker", ...me, metadataOffset: 2 ** 40 },
  fenceBroker: { kind: "fenceBroker", ...me },
  shutDownBroker: { kind: "shutDownBroker", ...me },
  reportLossy: { kind: "reportLossy", ...me, partitions: [where] },
  startEpochs: { kind: "startEpochs", ...me },
  allocateProducerIds: { kind: "allocateProducerIds", ...me },
  createTopic: {
    kind: "createTopic",
    name: "t",
    partitions: 3,
    replicationFactor: 0,
    configs: { flush: "os" },
    validateOnly: true,
  },
  addPartitions: { kind: "addPartitions", topic: "t", partitions: 5, validateOnly: false },
  deleteTopic: { kind: "deleteTopic", topic: "", topicId: id, validateOnly: true },
  alterTopicConfig: {
    kind: "alterTopicConfig",
    topic: "t",
    changes: [
      { key: "a", value: null },
      { key: "b", value: "" },
    ],
    validateOnly: true,
  },
  alterClusterConfig: { kind: "alterClusterConfig", changes: [{ key: "a", value: "1" }], validateOnly: false },
  newLeaderEpoch: { kind: "newLeaderEpoch", ...me, ...where, leaderEpoch: 7 },
  alterPartition: {
    kind: "alterPartition",
    ...me,
    partitions: [{ ...where, leaderEpoch: 7, partitionEpoch: 8, newIsr: [me], recovering: true }],
  },
  electLeaders: { kind: "electLeaders", mode: "unclean", partitions: [where], candidates: [3] },
  recoverPartition: { kind: "recoverPartition", ...where, leader: 1, brokerEpoch: 2 },
  repairPartitions: { kind: "repairPartitions" },
  confirmFlush: { kind: "confirmFlush", ...me, ...where, leaderEpoch: 7, partitionEpoch: 8 },
  handOver: { kind: "handOver", ...me, partitions: [{ ...where, leaderEpoch: 7, to: 3 }] },
  configureGroup: { kind: "configureGroup", group: "g", recordsPerSecond: 10, bytesPerSecond: 0 },
};
const commands: readonly Command[] = Object.values(all);

const configs = describeTopicConfig({ flush: "os" }, {});
const replies: { readonly [K in CommandKind]: CommandReplies[K]["reply"] } = {
  registerBroker: { brokerEpoch: 2 ** 40 },
  unfenceBroker: { fenced: true },
  fenceBroker: { partitions: 1 },
  shutDownBroker: { partitions: 1 },
  reportLossy: { partitions: 2 },
  startEpochs: { partitions: 3 },
  allocateProducerIds: { first: 2 ** 40, count: 1_000 },
  createTopic: { topicId: id, name: "t", partitions: 3, replicationFactor: 1, configs },
  addPartitions: { topicId: "", name: "t", partitions: 3, replicationFactor: 1, configs },
  deleteTopic: { topicId: id, name: "t" },
  alterTopicConfig: { configs },
  alterClusterConfig: { configs },
  newLeaderEpoch: { leaderEpoch: 8, partitionEpoch: 9 },
  alterPartition: {
    partitions: [
      {
        ...where,
        kind: "changed",
        state: { leader: 3, leaderEpoch: 7, partitionEpoch: 9, isr: [3, 1], minIsr: 2, recovering: false },
      },
      { ...where, kind: "refused", refusal: { reason: "NOT_CONTROLLER", message: "m", metadata: { leader: "1" } } },
    ],
  },
  electLeaders: { partitions: 0 },
  recoverPartition: { partitions: 1 },
  repairPartitions: { partitions: 4 },
  confirmFlush: { leaderEpoch: 8, partitionEpoch: 9 },
  handOver: { partitions: 2 },
  configureGroup: { recordsPerSecond: 10, bytesPerSecond: 0 },
};

describe("commands on the wire", () => {
  it.each(commands.map((command) => [command.kind, command] as const))("%s comes back as it was", (_, command) => {
    expect(decodeCommand(encodeCommand(command))).toEqual(command);
  });

  it("what was left out is decided in the same way as what is not there", () => {
    expect(decodeCommand(encodeCommand({ kind: "createTopic", name: "t" }))).toEqual({
      kind: "createTopic",
      name: "t",
      configs: {},
      validateOnly: false,
    });
    const { rack: _rack, features: _features, lossy: _lossy, ...least } = all.registerBroker;
    expect(decodeCommand(encodeCommand(least))).toEqual({ ...least, rack: "", features: [], lossy: [] });
    expect(decodeCommand(encodeCommand({ ...least, lossy: "all" }))).toMatchObject({ lossy: "all" });
  });

  it.each(Object.keys(replies) as CommandKind[])("the answer to %s comes back as it was, also a refusal", (kind) => {
    const outcomes: Outcome<CommandReplies[CommandKind]["reply"]>[] = [
      { kind: "done", reply: replies[kind] },
      { kind: "refused", refusal: { reason: "BUSY", message: "Later.", metadata: { waiting: "3" } } },
    ];
    for (const outcome of outcomes) {
      expect(decodeOutcome(all[kind], encodeOutcome(kind, outcome))).toEqual(outcome);
    }
  });

  it("refuses the answer to another command, and reasons of a newer release become INTERNAL", () => {
    const other = encodeOutcome("fenceBroker", { kind: "done", reply: { partitions: 1 } });
    expect(() => decodeOutcome(all.createTopic, other)).toThrow(FormatError);
    const refusal = { reason: "OF_TOMORROW" as "BUSY", message: "?", metadata: {} };
    expect(decodeOutcome(all.createTopic, encodeOutcome("createTopic", { kind: "refused", refusal }))).toMatchObject({
      refusal: { reason: "INTERNAL", message: "?" },
    });
  });

  it("damaged bytes are other values or a FormatError, and nothing else", () => {
    const sources = [
      ...commands.map((command) => ({ bytes: encodeCommand(command), decode: (b: Uint8Array) => decodeCommand(b) })),
      ...commands.map((command) => ({
        bytes: encodeOutcome(command.kind, { kind: "done", reply: replies[command.kind] }),
        decode: (b: Uint8Array) => decodeOutcome(command, b),
      })),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...sources), fc.nat(), fc.nat(255), fc.nat(), ({ bytes, decode }, at, by, cut) => {
        const damaged = bytes.slice(0, cut % 4 === 0 ? at % bytes.length : undefined);
        if (damaged.length > 0) damaged[at % damaged.length] = (damaged[at % damaged.length] ?? 0) ^ by;
        try {
          decode(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
