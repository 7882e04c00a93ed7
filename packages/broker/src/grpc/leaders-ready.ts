/**
 * "Any node will do" for what was only just made: a topic is usable once its leaders lead, and each of them hears of it by itself. Whoever
 * created it is answered then, so that the next call, through whatever node, does not come too early.
 */
import type { BrokerNode } from "../node.ts";
import { isRefusal } from "../refusal.ts";
import { describePartitions } from "./partition-admin.ts";

/** The topic is there whether they answer or not: so long its maker waits at most, in ms. */
const patienceMs = 3_000;
const pauseMs = 20;

/** Resolves when every partition of the topic is led, or it takes too long. */
export async function leadersReady(node: BrokerNode, topic: string): Promise<void> {
  // Alone it leads what it has made.
  if (node.forwarding === undefined) return;
  const endMs = node.clock.monotonicMs() + patienceMs;
  while (node.clock.monotonicMs() < endMs && node.stoppedBy() === undefined) {
    const described = await describePartitions(node, { topic, partitions: [] });
    // It may be gone again.
    if (isRefusal(described)) return;
    const isReady = described.partitions?.every(({ state, error }) => state === "PARTITION_STATE_ONLINE" && !error);
    if (isReady === true) return;
    await new Promise<void>((resolve) => node.clock.setTimer(pauseMs, resolve));
  }
}
