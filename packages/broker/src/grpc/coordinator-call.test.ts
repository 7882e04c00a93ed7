import { expect, test } from "vitest";
import type { BrokerNode } from "../node.ts";
import { refuse } from "../refusal.ts";
import { atCoordinator } from "./coordinator-call.ts";

/** A node whose groups are kept by another one, which does not answer; it remembers how long it would have waited. */
function askingNode(): { readonly node: BrokerNode; readonly waitedMs: number[] } {
  const waitedMs: number[] = [];
  const silent = refuse("LEADER_NOT_AVAILABLE", "Broker 2 does not answer");
  const node = {
    groups: { coordinators: { find: () => ({ kind: "elsewhere", nodeId: 2 }) } },
    clock: { monotonicMs: () => 0 },
    limits: { produceTimeoutMs: 30_000 },
    stoppedBy: () => undefined,
    forwarding: {
      unary: (_node: number, _call: string, _request: object, { timeoutMs }: { readonly timeoutMs: number }) => {
        waitedMs.push(timeoutMs);
        return Promise.resolve(silent);
      },
    },
  };
  return { node: node as unknown as BrokerNode, waitedMs };
}

test("a question about a group waits some seconds for a coordinator that does not answer, a change until its fate is known", async () => {
  const { node, waitedMs } = askingNode();
  const nobody = (): never => {
    throw new Error("It is another node that keeps the group");
  };
  for (const isQuestion of [true, false]) {
    const asked = { call: "DescribeGroup", group: "g", request: {}, isMade: false, isQuestion } as const;
    expect(await atCoordinator(node, asked, nobody, nobody)).toMatchObject({ reason: "LEADER_NOT_AVAILABLE" });
  }
  const [question = 0, change = 0] = waitedMs;
  expect(question).toBeLessThan(10_000);
  expect(change).toBeGreaterThan(30_000);
});
