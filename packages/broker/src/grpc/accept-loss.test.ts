import { expect, test } from "vitest";
import type { LocalTopic } from "../drivers/topics.ts";
import type { BrokerNode } from "../node.ts";
import { refuse } from "../refusal.ts";
import { acceptLoss } from "./partition-admin.ts";

test("nothing is given up of a damaged leader while another replica is to lead: that one has it", async () => {
  const givingWay = refuse("LEADER_NOT_AVAILABLE", "Another replica is to lead");
  let accepted = 0;
  const leader = {
    givingWay,
    log: { state: { kind: "quarantined", offset: 4, end: 9 }, logEndOffset: 9 },
    acceptLoss: () => {
      accepted++;
      return Promise.resolve({ from: 4, to: 9 });
    },
  };
  const topic = {
    name: "t",
    placements: [],
    leaderElsewhere: () => undefined,
    led: () => leader,
  } as unknown as LocalTopic;
  const node = { topics: { get: () => topic }, forwarding: undefined } as unknown as BrokerNode;
  for (const validateOnly of [true, false]) {
    expect(await acceptLoss(node, { topic: "t", partition: 0, validateOnly })).toBe(givingWay);
  }
  expect(accepted).toBe(0);
});
