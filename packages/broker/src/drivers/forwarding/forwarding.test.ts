import { type AddressInfo, type Socket, createServer } from "node:net";
import { Client, Server, ServerCredentials, credentials } from "@grpc/grpc-js";
import { loadServices } from "@varve/api";
import { systemClock } from "@varve/log";
import { expect, test } from "vitest";
import { PendingProduce } from "../pending-produce.ts";
import { TimingWheel } from "../timing-wheel.ts";
import { Forwarding } from "./forwarding.ts";

/** Every other node is at the end of `client`. */
function forwardingBy(client: Client): Forwarding {
  const clock = systemClock();
  return new Forwarding({
    peers: { client: () => client },
    services: loadServices(),
    wheel: new TimingWheel(clock),
    clock,
    countRefusal: () => undefined,
  });
}

test("Forwarding.unary() takes a leader that listens and does not serve yet for one to be tried again", async () => {
  const server = new Server();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const forwarding = forwardingBy(client);
  const answer = await forwarding.unary(2, "ListOffsets", { topic: "t" }, { timeoutMs: 10_000 });
  expect(answer).toMatchObject({ reason: "LEADER_NOT_AVAILABLE", message: expect.stringContaining("try again") });
  forwarding.close();
  client.close();
  server.forceShutdown();
});

/** A process that is stopped: the kernel takes connections for it, and nobody ever says anything. */
async function stoppedNode(): Promise<{ port: number; stop: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, stop };
}

test("Forwarding.giveUp() answers for a node that takes connections and says nothing, once the cluster has fenced it", async () => {
  const { port, stop } = await stoppedNode();
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const forwarding = forwardingBy(client);
  const hour = 3_600_000;
  const produce = (): Promise<PendingProduce> =>
    new Promise((resolve) => {
      const pending = new PendingProduce({ produceSettled: resolve }, 0, "all", 0, undefined);
      forwarding.produce(2, { topic: "t", partition: 0, acks: "all", batch: new Uint8Array(9) }, pending, hour);
    });
  const produced = produce();
  const asked = forwarding.unary(2, "Fetch", { topic: "t" }, { timeoutMs: hour });
  forwarding.giveUp((nodeId) => nodeId === 3);
  const first = await Promise.race([produced, asked, new Promise((resolve) => setImmediate(() => resolve("nothing")))]);
  expect(first).toBe("nothing");
  forwarding.giveUp((nodeId) => nodeId === 2);
  // Whether it was written nobody knows; a question may be asked again.
  expect((await produced).refusal).toMatchObject({ reason: "REQUEST_TIMED_OUT" });
  expect(await asked).toMatchObject({ reason: "LEADER_NOT_AVAILABLE" });
  const later = produce();
  forwarding.close();
  expect((await later).refusal?.message).toContain("this broker is stopping");
  client.close();
  stop();
});
