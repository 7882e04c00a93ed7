import { type Command, type ControllerImage, decide, emptyImage, replayAll } from "@varve/cluster";
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
    controller: { image: active, role: { kind: "leader", term: 1 } } as Controller,
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
