import type { ProduceRequest } from "@varve/api";
import { expect, test } from "vitest";
import type { Refusal } from "../refusal.ts";
import type { PendingProduce } from "./pending-produce.ts";
import { ProduceIntake, ProduceJob } from "./produce-intake.ts";
import type { LocalTopic } from "./topics.ts";

test("requests that wait for their topic to be made are not passed by those that come when it is there already", async () => {
  const offered: number[] = [];
  const topic = {
    name: "t",
    partitionCount: 1,
    leaderElsewhere: () => undefined,
    partitions: [
      {
        produce: (pending: PendingProduce, batch: Uint8Array) => {
          offered.push(batch[0] ?? -1);
          pending.sink.produceSettled(pending);
        },
      },
    ],
  } as unknown as LocalTopic;
  let made: LocalTopic | undefined;
  let tell: (refusal: Refusal | undefined) => void = () => undefined;
  const creating = new Promise<Refusal | undefined>((resolve) => (tell = resolve));
  const intake = new ProduceIntake({
    topic: () => made,
    nowMs: () => 0,
    countRefusal: () => undefined,
    createTopic: () => creating,
    forward: undefined,
    defaultTimeoutMs: 1_000,
    timeoutMsMax: 1_000,
  });
  const start = (number: number): Promise<void> =>
    new Promise((resolve) => {
      const fields = { topic: "t", partition: 0, acks: "all", timeoutMs: 0, batch: Uint8Array.of(number) };
      const request = fields as unknown as ProduceRequest;
      intake.start(request, new ProduceJob({ request, sizeBytes: 1 }, 0, () => resolve()));
    });
  const first = start(0);
  // Its partitions are there; whoever made it has not heard so yet.
  made = topic;
  const second = start(1);
  tell(undefined);
  await Promise.all([first, second]);
  await start(2);
  expect(offered).toEqual([0, 1, 2]);
});
