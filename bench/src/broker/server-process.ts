// The other side of the broker benchmarks, in a process of its own: a broker, or the same tuned transport without a log.
// Speaks over the IPC channel of fork(): {kind:"usage"} and {kind:"stop"} in, {kind:"ready"|"usage"|"stopped"} out.

import { Server, ServerCredentials, type ServerDuplexStream, type ServerWritableStream } from "@grpc/grpc-js";
import {
  type JoinRequestOutput,
  type JoinResponseMessage,
  loadServices,
  encodeConsumeBatches,
  encodeProduceStreamResponse,
  serverOptions,
  tuneServer,
} from "@varve/api";
import { Broker, type BrokerOptions, silentLogger } from "@varve/broker";

export type ServerMode = { kind: "broker"; options: BrokerOptions } | { kind: "bare"; pushBytes: number };

export interface ServerUsage {
  /** Seconds of processor time since the start. */
  cpuSeconds: number;
  rssBytes: number;
  heapBytes: number;
  externalBytes: number;
  stats: unknown;
}

const identity = (bytes: Buffer): Buffer => bytes;

/** A session that has partition 0 of its first topic, and whose commits all are well, at once. */
function bareJoin(call: ServerDuplexStream<JoinRequestOutput, JoinResponseMessage>): void {
  call.on("data", ({ join, commit, leave }: JoinRequestOutput) => {
    if (join != null) {
      const assign = [{ topic: join.topics[0] ?? "", partition: 0, offset: 0 }];
      call.write({ assignment: { memberId: "bare", generation: 1, assign } });
    }
    if (commit != null) call.write({ commit: { requestId: commit.requestId, offsets: commit.offsets } });
    if (leave != null) call.end();
  });
  call.on("error", () => undefined);
}

/** Answers every message of a produce stream and every commit at once, and pushes one message for ever on a consume stream. */
async function startBare(pushBytes: number): Promise<{ address: string; close(): Promise<void>; stats(): unknown }> {
  const server = new Server(serverOptions);
  tuneServer(server, console.error);
  const answer = encodeProduceStreamResponse([
    {
      kind: "response",
      response: {
        results: [
          {
            partition: 0,
            baseOffset: 1,
            lastOffset: 1,
            ack: { level: "all", leaderEpoch: 1, durableReplicas: 1 },
            duplicate: false,
            recordIndexes: [],
            logStartOffset: 0,
          },
        ],
      },
    },
  ]);
  const message = encodeConsumeBatches({
    partition: 0,
    batches: new Uint8Array(pushBytes),
    nextOffset: 1,
    highWatermark: 1,
    logStartOffset: 0,
  });
  const codec = {
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
  server.addService(
    {
      ProduceStream: { path: "/varve.v1.Log/ProduceStream", requestStream: true, responseStream: true, ...codec },
      Consume: { path: "/varve.v1.Log/Consume", requestStream: false, responseStream: true, ...codec },
    },
    {
      ProduceStream(call: ServerDuplexStream<Buffer, Buffer>) {
        call.on("data", () => call.write(answer));
        call.on("end", () => call.end());
        call.on("error", () => undefined);
      },
      Consume(call: ServerWritableStream<Buffer, Buffer>) {
        call.on("error", () => undefined);
        const push = (): void => {
          while (!call.cancelled) if (!call.write(message)) return;
        };
        call.on("drain", push);
        push();
      },
    },
  );
  server.addService(loadServices().groups, { Join: bareJoin });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { address: `127.0.0.1:${port}`, close: () => Promise.resolve(server.forceShutdown()), stats: () => undefined };
}

async function startBroker(
  options: BrokerOptions,
): Promise<{ address: string; close(): Promise<void>; stats(): unknown }> {
  const broker = await Broker.start({
    ...options,
    listeners: { grpc: { port: 0 }, http: false },
    logger: silentLogger(),
  });
  return { address: broker.addresses.grpc, close: () => broker.close(), stats: () => broker.stats() };
}

if (process.send !== undefined) {
  const mode = JSON.parse(process.argv[2] ?? "") as ServerMode;
  const startedMs = performance.now();
  const server = await (mode.kind === "broker" ? startBroker(mode.options) : startBare(mode.pushBytes));
  process.on("message", (message: { kind: string }) => {
    if (message.kind === "usage") {
      const { user, system } = process.cpuUsage();
      const memory = process.memoryUsage();
      process.send?.({
        kind: "usage",
        cpuSeconds: (user + system) / 1e6,
        rssBytes: memory.rss,
        heapBytes: memory.heapUsed,
        externalBytes: memory.external + memory.arrayBuffers,
        stats: server.stats(),
      });
      return;
    }
    void (async () => {
      await server.close();
      process.send?.({ kind: "stopped" }, () => process.disconnect());
    })();
  });
  process.send({ kind: "ready", address: server.address, startMs: performance.now() - startedMs });
}
