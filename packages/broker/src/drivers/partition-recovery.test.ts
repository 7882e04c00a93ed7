import { type Command, type ControllerImage, brokerOf, decide, emptyImage, replayAll } from "@varve/cluster";
import { SimulatedClock, SimulatedTime } from "@varve/log/testing";
import { expect, test } from "vitest";
import { silentLogger } from "../logger.ts";
import type { Controller } from "./controller.ts";
import { PartitionRecovery } from "./partition-recovery.ts";
import { reportsMax } from "./replication/replica-reports.ts";

/** What the commands lead to. */
function imageOf(commands: readonly Command[]): ControllerImage {
  let ids = 0;
  const newUuid = (): string => (++ids).toString(16).padStart(32, "0");
  return commands.reduce((image, command) => {
    const decision = decide(image, command, { nowMs: 0, newUuid });
    if ("refusal" in decision) throw new Error(decision.refusal.message);
    return replayAll(image, decision.records);
  }, emptyImage);
}

test("partitions that wait for an operator, however many, keep nobody from asking about the others (6.11)", async () => {
  const dirs = ["d".repeat(32)];
  const register = { kind: "registerBroker", brokerId: 1, endpoints: [], dirs } as const;
  const topic = { kind: "createTopic", replicationFactor: 1, partitions: reportsMax + 100 } as const;
  const image = imageOf([
    { ...register, incarnationId: "a".repeat(32) },
    { kind: "unfenceBroker", brokerId: 1, brokerEpoch: 1, metadataOffset: 1 },
    { ...topic, name: "a", configs: { "unclean.recovery.strategy": "manual" } },
    { ...topic, name: "b", partitions: 1 },
    { ...register, incarnationId: "b".repeat(32), lossy: "all" },
  ]);
  const brokerEpoch = image.offset;
  const active = replayAll(image, [{ type: "BrokerChange", brokerId: 1, brokerEpoch, fenced: 0 }]);
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  const asked = new Set<string>();
  const recovery = new PartitionRecovery({
    controller: {
      image: active,
      role: { kind: "leader", term: 1 },
      watchRole: () => () => undefined,
    } as unknown as Controller,
    ask: (_, replicas) => {
      for (const { topicId, partition } of replicas) asked.add(`${topicId}/${partition}`);
      return Promise.resolve([]);
    },
    clock,
    logger: silentLogger(),
    tickMs: 500,
  });
  await time.pass(2_000);
  expect(asked.size).toBe(reportsMax + 101);
  recovery.close();
  clock.stop();
});

test("a controller that lost and won counts the wait for a replica from its new leadership (6.11)", async () => {
  const dirs = ["d".repeat(32)];
  const register = { kind: "registerBroker", endpoints: [], dirs } as const;
  const image = imageOf([
    { ...register, brokerId: 1, incarnationId: "a".repeat(32) },
    { kind: "unfenceBroker", brokerId: 1, brokerEpoch: 1, metadataOffset: 1 },
    { ...register, brokerId: 2, incarnationId: "c".repeat(32) },
    { kind: "unfenceBroker", brokerId: 2, brokerEpoch: 3, metadataOffset: 3 },
    {
      kind: "createTopic",
      replicationFactor: 2,
      partitions: 1,
      name: "a",
      configs: { "unclean.recovery.strategy": "aggressive" },
    },
    { ...register, brokerId: 1, incarnationId: "b".repeat(32), lossy: "all" },
    { ...register, brokerId: 2, incarnationId: "e".repeat(32), lossy: "all" },
  ]);
  const brokerEpoch = brokerOf(image, 1)?.brokerEpoch ?? -1;
  const active = replayAll(image, [{ type: "BrokerChange", brokerId: 1, brokerEpoch, fenced: 0 }]);
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  const elected: Command[] = [];
  let tellRole: (role: unknown) => void = () => undefined;
  const recovery = new PartitionRecovery({
    controller: {
      image: active,
      role: { kind: "leader", term: 1 },
      watchRole: (tell: (role: unknown) => void) => {
        tellRole = tell;
        return () => undefined;
      },
      submit: (command: Command) => {
        elected.push(command);
        return Promise.resolve({ kind: "done", reply: { partitions: 1 } });
      },
    } as unknown as Controller,
    ask: (brokerId, replicas) =>
      Promise.resolve(
        replicas.map((name) => ({ ...name, brokerId, brokerEpoch, lastEpoch: 0, logEnd: 5, highWatermark: 5 })),
      ),
    clock,
    logger: silentLogger(),
    tickMs: 500,
  });
  await time.pass(9_000);
  expect(elected).toEqual([]);
  // Between two ticks: no tick has seen it without its leadership.
  tellRole({ kind: "follower", term: 2, leaderId: undefined });
  tellRole({ kind: "leader", term: 3 });
  await time.pass(9_000);
  expect(elected).toEqual([]);
  await time.pass(3_000);
  expect(elected[0]?.kind).toBe("recoverPartition");
  recovery.close();
  clock.stop();
});
