import { EventEmitter } from "node:events";
import { emptyImage } from "@varve/cluster";
import { SimulatedClock, SimulatedTime } from "@varve/log/testing";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import type { Controller } from "../drivers/controller.ts";
import { type FollowCall, MetadataFeed } from "./metadata-feed.ts";

test("a broker that takes nothing is cut off, also when signs of life are all there is to take", async () => {
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  const controller = {
    image: emptyImage,
    role: { kind: "leader", term: 1 },
    subscribe: () => () => undefined,
    watchRole: () => () => undefined,
  } as unknown as Controller;
  const feed = new MetadataFeed({ nodeId: 1, controller, clock, heartbeatMs: 500 });
  let written = 0;
  let code: status | undefined;
  const call = Object.assign(new EventEmitter(), {
    request: { metadataOffset: 0, digest: "" },
    write: () => void written++,
  });
  call.on("error", (error: { code: status }) => (code = error.code));
  feed.open(call as unknown as FollowCall);
  await time.pass(86_400_000);
  expect(code).toBe(status.RESOURCE_EXHAUSTED);
  expect(written).toBeLessThan(100_000);
  feed.close();
  clock.stop();
});
