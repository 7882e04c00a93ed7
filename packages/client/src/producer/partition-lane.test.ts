import { VarveError, type ProduceOutcome } from "@varve/api";
import { expect, test } from "vitest";
import { Batch } from "./batch.ts";
import { PartitionLane } from "./partition-lane.ts";

const kept: ProduceOutcome = {
  kind: "response",
  response: {
    results: [
      {
        partition: 0,
        baseOffset: 0,
        lastOffset: 0,
        timestampMs: undefined,
        ack: { level: "all", leaderEpoch: 0, durableReplicas: 1 },
        duplicate: false,
        recordIndexes: [],
        error: undefined,
        leader: undefined,
        logStartOffset: 0,
      },
    ],
  },
};

/** One record that came at `sinceMs`, ready to be sent. */
function batchAt(lane: PartitionLane, sinceMs: number): Batch {
  const batch = new Batch(sinceMs, 100);
  batch.append({ key: null, value: null, timestampMs: 0 }).catch(() => undefined);
  batch.close("none", () => undefined);
  lane.queue.push(batch);
  return batch;
}

function sendNext(lane: PartitionLane): Batch | undefined {
  const batch = lane.nextToSend();
  if (batch !== undefined) lane.sent(batch, 0);
  return batch;
}

test("PartitionLane sends one batch under a new producer id until that one is taken, whatever the id before it comes to", () => {
  const lane = new PartitionLane("t", 0, { idempotent: true, inFlightMax: 5 });
  lane.producer = { producerId: 1, producerEpoch: 0 };
  const first = batchAt(lane, 0);
  sendNext(lane);
  lane.answered(first, kept);
  const second = batchAt(lane, 0);
  const third = batchAt(lane, 0);
  expect([sendNext(lane), sendNext(lane)]).toEqual([second, third]);
  for (const batch of [second, third]) lane.lost(batch, new VarveError("UNREACHABLE", "gone", { retriable: true }));
  expect(sendNext(lane)).toBe(second);
  const [fourth] = [batchAt(lane, 9), batchAt(lane, 9)];
  // Too old: `second` is under way still, and the sequence of `third` will never come.
  if (lane.expire(5) === "producer-id") lane.producer = { producerId: 2, producerEpoch: 0 };
  lane.answered(second, kept);
  if (lane.needsProducerId) lane.producer = { producerId: 2, producerEpoch: 0 };
  // The broker takes any sequence of an id that it does not know: the next one could pass the first, were that refused for now.
  expect([sendNext(lane), sendNext(lane)]).toEqual([fourth, undefined]);
});
