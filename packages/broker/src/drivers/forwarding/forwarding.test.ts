import { Client, Server, ServerCredentials, credentials } from "@grpc/grpc-js";
import { loadServices } from "@varve/api";
import { systemClock } from "@varve/log";
import { expect, test } from "vitest";
import { TimingWheel } from "../timing-wheel.ts";
import { Forwarding } from "./forwarding.ts";

test("Forwarding.unary() takes a leader that listens and does not serve yet for one to be tried again", async () => {
  const server = new Server();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const clock = systemClock();
  const forwarding = new Forwarding({
    peers: { client: () => client },
    services: loadServices(),
    wheel: new TimingWheel(clock),
    clock,
    countRefusal: () => undefined,
  });
  const answer = await forwarding.unary(2, "ListOffsets", { topic: "t" }, { timeoutMs: 10_000 });
  expect(answer).toMatchObject({ reason: "LEADER_NOT_AVAILABLE", message: expect.stringContaining("try again") });
  forwarding.close();
  client.close();
  server.forceShutdown();
});
