import {
  type Client,
  Client as GrpcClient,
  Metadata,
  type ServiceDefinition,
  credentials,
  status,
} from "@grpc/grpc-js";
import { type Timer, systemClock } from "@varve/log";
import http2, { type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import { RaftService } from "raft-ts/grpc";
import { afterEach, expect, test, vi } from "vitest";
import { silentLogger } from "../logger.ts";
import type { PeerService } from "../ports/peers.ts";
import { PeerConnections } from "./peer-clients.ts";
import { type PeerIdentity, callerIn, credentialFault, showCredentials } from "./peer-credentials.ts";
import { PeerServer } from "./peer-server.ts";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const self: PeerIdentity = { clusterId: "c", nodeId: 1, secret: "the secret of this cluster" };
const other: PeerIdentity = { ...self, nodeId: 2 };

function shown(identity: PeerIdentity, changes: Readonly<Record<string, string | undefined>> = {}): Metadata {
  const metadata = new Metadata();
  showCredentials(metadata, identity, { targetId: 1, brokerEpoch: 7 });
  for (const [key, value] of Object.entries(changes)) {
    metadata.remove(key);
    if (value !== undefined) metadata.set(key, value);
  }
  return metadata;
}

test("a call that shows everything is taken, and its caller is known", () => {
  expect(credentialFault(shown(other), self)).toBeUndefined();
  expect(callerIn(shown(other))).toEqual({ nodeId: 2, brokerEpoch: 7 });
  const open = { ...self, secret: undefined };
  expect(credentialFault(shown({ ...other, secret: undefined }), open)).toBeUndefined();
});

test.each([
  ["no secret", shown({ ...other, secret: undefined }), "does not show the secret"],
  ["another secret", shown({ ...other, secret: "a guess of the same length" }), "does not show the secret"],
  ["another version", shown(other, { "varve-peer-version": "2" }), 'speaks version "2"'],
  ["another cluster", shown({ ...other, clusterId: "d" }), 'belongs to cluster "d", this node to "c"'],
  ["another target", shown(other, { "varve-target-id": "3" }), 'is for node "3", this is node 1'],
  ["this very node", shown({ ...other, nodeId: 1 }), "give each node an id of its own"],
  ["no node", shown(other, { "varve-node-id": "x" }), "is no node id"],
  ["no epoch", shown(other, { "varve-broker-epoch": "1e9" }), "is no number"],
  ["nothing", new Metadata(), "does not show the secret"],
])("a call that shows %s is refused, with what to do", (_, metadata, why) => {
  expect(credentialFault(metadata, self)?.details).toContain(why);
});

const asIs = (bytes: Buffer): Buffer => bytes;
const definition: ServiceDefinition = {
  Echo: {
    path: "/test.Echo/Echo",
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

function call(client: Client, metadata = new Metadata()): Promise<string> {
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + 10_000 };
    client.makeUnaryRequest("/test.Echo/Echo", asIs, asIs, Buffer.from("hello"), metadata, options, (error, answer) =>
      resolve(error === null ? String(answer) : (status[error.code] ?? "")),
    );
  });
}

test("the server lets nobody through to a handler who is not proved, and nobody at all before it has a cluster", async () => {
  let identity: PeerIdentity | undefined;
  const callers: number[] = [];
  const server = await PeerServer.open({
    host: "127.0.0.1",
    port: 0,
    raft: new RaftService({ security: { kind: "plaintext" } }),
    identity: () => identity,
    logger: silentLogger(),
    clock: systemClock(),
  });
  closers.push(() => server.close());
  const service: PeerService = {
    definition,
    implementation: (callerOf) => ({
      Echo: (unary: { request: Buffer; metadata: Metadata }, callback: (error: null, answer: Buffer) => void) => {
        callers.push(callerOf(unary).nodeId);
        callback(null, unary.request);
      },
    }),
  };
  server.add(service);
  const address = `127.0.0.1:${server.address.port}`;
  const connect = (as: PeerIdentity): Client => {
    const connections = new PeerConnections({ identity: as, addressOf: () => address, brokerEpoch: () => 7 });
    closers.push(() => connections.close());
    expect(connections.client(as.nodeId, "control")).toBeUndefined();
    expect(connections.client(1, "bulk")).not.toBe(connections.client(1, "control"));
    return connections.client(1, "control") as Client;
  };
  const proved = connect(other);
  expect(await call(proved)).toBe("UNAVAILABLE");
  identity = self;
  expect(await call(proved)).toBe("hello");
  expect(await call(connect({ ...other, secret: "a guess of the same length" }))).toBe("UNAUTHENTICATED");
  expect(await call(connect({ ...other, clusterId: "d" }))).toBe("FAILED_PRECONDITION");
  const stranger = new GrpcClient(address, credentials.createInsecure());
  closers.push(() => stranger.close());
  expect(await call(stranger)).toBe("UNAUTHENTICATED");
  expect(callers).toEqual([2]);
});

test("the server keeps no connection of who proves nothing: who says nothing has some time, who is refused has none", async () => {
  const timers = new Set<() => void>();
  const setTimer = (_: number, run: () => void): Timer => {
    timers.add(run);
    return { cancel: () => void timers.delete(run) };
  };
  const server = await PeerServer.open({
    host: "127.0.0.1",
    port: 0,
    raft: new RaftService({ security: { kind: "plaintext" } }),
    identity: () => self,
    logger: silentLogger(),
    clock: { setTimer },
  });
  closers.push(() => server.close());
  server.add({
    definition,
    implementation: () => ({
      Echo: (unary: { request: Buffer }, callback: (error: null, answer: Buffer) => void) =>
        callback(null, unary.request),
    }),
  });
  const address = `http://127.0.0.1:${server.address.port}`;
  const open = (): { session: ClientHttp2Session; closed: Promise<unknown> } => {
    const session = http2.connect(address);
    session.on("error", () => undefined);
    closers.push(() => session.destroy());
    return { session, closed: new Promise((resolve) => session.once("close", resolve)) };
  };
  const send = async (session: ClientHttp2Session, metadata: Metadata): Promise<string> => {
    const headers = {
      ":method": "POST",
      ":path": "/test.Echo/Echo",
      "content-type": "application/grpc",
      te: "trailers",
    };
    const stream = session.request({ ...headers, ...metadata.toHttp2Headers() });
    let code = "";
    const note = (sent: IncomingHttpHeaders): void => void (code = sent["grpc-status"]?.toString() ?? code);
    stream.on("response", note).on("trailers", note).resume();
    stream.end(Buffer.from([0, 0, 0, 0, 2, 104, 105]));
    await new Promise((resolve) => stream.once("close", resolve));
    return code;
  };
  const peer = open();
  expect(await send(peer.session, shown(other))).toBe("0");
  const guessing = open();
  expect(await send(guessing.session, shown({ ...other, secret: undefined }))).toBe(String(status.UNAUTHENTICATED));
  await guessing.closed;
  const silent = open();
  await new Promise((resolve) => silent.session.once("connect", resolve));
  await vi.waitFor(() => expect(timers.size).toBe(2));
  for (const isLate of timers) isLate();
  await silent.closed;
  expect(await send(peer.session, shown(other))).toBe("0");
  expect(peer.session.closed).toBe(false);
});
