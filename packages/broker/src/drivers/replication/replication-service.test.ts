import { Client, Server, ServerCredentials, credentials } from "@grpc/grpc-js";
import { type ReplicateRequest, encodeReplicateResponse, loadServices } from "@varve/api";
import { afterEach, expect, test } from "vitest";
import { TimingWheel } from "../timing-wheel.ts";
import { systemClock } from "@varve/log";
import { FollowerSession } from "./follower-session.ts";
import { LeaderLink } from "./leader-link.ts";
import type { ReplicaFetcher } from "./replica-fetcher.ts";
import { ReplicationService } from "./replication-service.ts";
import type { ReplicaReports } from "./replica-reports.ts";
import type { Replication } from "./replication.ts";
import { onEnd, type PeerStream } from "./peer-stream.ts";

const clock = systemClock();
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Accept = (nodeId: number, stream: PeerStream<ReplicateRequest, Uint8Array>) => void;

/** A leader's listener without partitions, and a connection to it. */
async function open(own?: Accept): Promise<{ service: ReplicationService; client: Client; ended: string[] }> {
  const service = new ReplicationService(loadServices());
  const ended: string[] = [];
  const session: Accept = (nodeId, stream) => {
    void new FollowerSession(nodeId, stream, {
      partition: () => undefined,
      monotonicMs: () => clock.monotonicMs(),
      nextTurn: (run) => clock.nextTurn(run),
      wheel: new TimingWheel(clock),
      handlesMax: 1,
      roomChanged: () => undefined,
      sent: () => undefined,
      ended: (_, why) => ended.push(why),
    });
  };
  const server = new Server();
  const accept = own ?? session;
  const served = service.served({ accept } as unknown as Replication, {} as ReplicaReports);
  server.addService(
    served.definition,
    served.implementation(() => ({ nodeId: 2, brokerEpoch: 1 })),
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  closers.push(
    () => server.forceShutdown(),
    () => client.close(),
  );
  return { service, client, ended };
}

const nothing = { highWatermark: 0, logStart: 0, logEnd: 0, divergingEpoch: 0, divergingEnd: 0, reason: "" };
const fetch = {
  handle: 1,
  topicId: "a".repeat(32),
  partition: 0,
  fetchId: 0,
  brokerEpoch: 1,
  leaderEpoch: 0,
  fetchOffset: 0,
  durableOffset: 0,
  lastFetchedEpoch: -1,
  logStart: 0,
};

test("a stream that the follower ends is over on both sides: none is left behind on the connection", async () => {
  const { service, client, ended } = await open();
  const stream = service.open(client);
  const over: string[] = [];
  onEnd(stream, (why) => over.push(why));
  stream.on("data", () => stream.end());
  stream.write({ fetches: [fetch], syncs: [], closedHandles: [], withoutRoom: false });
  await expect.poll(() => ended).toEqual(["the other side ended it"]);
  await expect.poll(() => over).toEqual(["the other side ended it"]);
});

test("a follower that names what it may not is told so, and does not wait for ever", async () => {
  const { service, client, ended } = await open();
  const stream = service.open(client);
  const over: string[] = [];
  onEnd(stream, (why) => over.push(why));
  stream.on("data", () => undefined);
  stream.write({ fetches: [fetch, { ...fetch, handle: 2 }], syncs: [], closedHandles: [], withoutRoom: false });
  await expect.poll(() => ended).toEqual(["handle 2 is not known, or one too many"]);
  await expect.poll(() => over).toHaveLength(1);
});

test("a link that nobody follows any more leaves no stream behind, with unread messages on it either", async () => {
  const answer = { ...fetch, ...nothing, kind: "records", batches: new Uint8Array(1 << 20) } as const;
  let isOver = false;
  const { service, client } = await open((_, stream) => {
    stream.on("data", () => undefined);
    onEnd(stream, () => stream.end());
    for (let count = 0; count < 8; count++) stream.write(encodeReplicateResponse([answer]));
  });
  const fetcher = { log: { id: { topicId: fetch.topicId, partition: 0 } }, plan: () => fetch, lost: () => undefined };
  let admitted = 0;
  const link = new LeaderLink(1, {
    open: () => {
      const stream = service.open(client);
      onEnd(stream, () => {
        isOver = true;
      });
      return stream;
    },
    clock,
    wheel: new TimingWheel(clock),
    random: () => 0.5,
    // The log has no room, for ever.
    admit: () => {
      admitted++;
      return new Promise(() => undefined);
    },
    isShortOfRoom: () => false,
    tell: () => undefined,
  });
  link.add(fetcher as unknown as ReplicaFetcher);
  await expect.poll(() => admitted).toBe(1);
  link.remove(fetcher as unknown as ReplicaFetcher);
  await expect.poll(() => isOver).toBe(true);
});
