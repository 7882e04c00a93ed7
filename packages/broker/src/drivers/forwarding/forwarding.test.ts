import { type AddressInfo, type Socket, createServer } from "node:net";
import { Client, Server, ServerCredentials, type ServerDuplexStream, credentials } from "@grpc/grpc-js";
import { type ProduceOutcome, type ProduceRequest, loadServices } from "@varve/api";
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

/** A leader that answers each stream in order, and `stuck` partitions not before it is told to. */
async function leaderThatWaits(): Promise<{
  client: Client;
  streams: () => number;
  goOn: () => void;
  stop: () => void;
}> {
  const { ProduceStream } = loadServices().log;
  let streams = 0;
  let goOn = (): void => undefined;
  const committed = new Promise<void>((resolve) => (goOn = resolve));
  const server = new Server();
  server.addService({ ProduceStream } as never, {
    ProduceStream: (call: ServerDuplexStream<ProduceRequest, readonly ProduceOutcome[]>) => {
      streams++;
      let before = Promise.resolve();
      call.on("data", ({ partition = -1 }: ProduceRequest) => {
        before = before
          .then(() => (partition === 0 ? committed : undefined))
          .then(() => void call.write([{ kind: "response", response: { results: [resultOf(partition)] } }]));
      });
      call.on("end", () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const stop = (): void => {
    client.close();
    server.forceShutdown();
  };
  return { client, streams: () => streams, goOn, stop };
}

function resultOf(partition: number) {
  return {
    partition,
    baseOffset: 0,
    lastOffset: 0,
    timestampMs: undefined,
    ack: { level: "all" as const, leaderEpoch: 0, durableReplicas: 1 },
    duplicate: false,
    recordIndexes: [],
    error: undefined,
    leader: undefined,
    logStartOffset: 0,
  };
}

test("Forwarding.produce() lets a partition that waits for its replicas hold up no other one, and keeps the order of each", async () => {
  const leader = await leaderThatWaits();
  const forwarding = forwardingBy(leader.client);
  const order: number[] = [];
  let sent = 0;
  const produce = (partition: number): Promise<PendingProduce> => {
    const nth = sent++;
    return new Promise((resolve) => {
      const sink = {
        produceSettled: (pending: PendingProduce): void => {
          order.push(nth);
          resolve(pending);
        },
      };
      const pending = new PendingProduce(sink, partition, "all", 0, undefined);
      forwarding.produce(2, { topic: "t", partition, acks: "all", batch: new Uint8Array(9) }, pending, 60_000);
    });
  };
  const waiting = [produce(0), produce(0)];
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all([1, 2, 3, 4].map(produce));
    expect(answers.map(({ refusal, baseOffset }) => [refusal, baseOffset])).toEqual(answers.map(() => [undefined, 0]));
  }
  expect(order).not.toContain(0);
  leader.goOn();
  await Promise.all(waiting);
  expect(order.slice(-2)).toEqual([0, 1]);
  expect(leader.streams()).toBeLessThanOrEqual(5);
  // However many partitions there are, they share a few streams.
  await Promise.all(Array.from({ length: 100 }, (_, partition) => produce(partition)));
  expect(leader.streams()).toBeLessThanOrEqual(8);
  forwarding.close();
  leader.stop();
});
