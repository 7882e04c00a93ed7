// SPDX-License-Identifier: Apache-2.0
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { systemClock } from "../runtime/clock.ts";
import { LoopbackMember, until } from "../testing/loopback-member.ts";
import { GrpcTransport } from "./grpc-transport.ts";
import { RaftListener } from "./raft-listener.ts";
import { RaftService } from "./raft-service.ts";

describe("RaftService", () => {
  it("works on a server of the host's own", async () => {
    const service = new RaftService({ security: { kind: "plaintext" } });
    const server = new Server();
    server.addService(service.definition, service.implementation);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    const address = `127.0.0.1:${port}`;
    const options = { service, self: "a@1", clusterId: "cluster", address, clock: systemClock, random: () => 0 };
    const transport = new GrpcTransport(options);
    const received: string[] = [];
    const b = await LoopbackMember.start({ id: "b@1", limits: { reconnectMinMs: 5 } });
    try {
      b.transport.setPeers([{ id: "a@1", address }]);
      await until(() => b.refusals.length > 0 || b.count("disconnects") > 0, "no transport is attached yet");
      await transport.start({
        onMessage: ({ type }) => void received.push(type),
        onUnreachable: () => undefined,
        onSnapshot: () => Promise.resolve(null),
      });
      await until(() => b.count("outboundStreams") === 2, "the streams are up");
      b.transport.send([{ type: "TimeoutNow", from: "b@1", to: "a@1", term: 1 }]);
      await until(() => received.length === 1, "a message is there");
      await transport.stop();
      await until(() => b.count("outboundStreams") === 0, "the streams are down");
      await expect(transport.start({} as Parameters<GrpcTransport["start"]>[0])).rejects.toThrow("make another one");
    } finally {
      await b.stop();
      server.forceShutdown();
    }
  });
});

describe("RaftListener", () => {
  it("says where nobody can listen, and leaves nothing behind", async () => {
    const service = new RaftService({ security: { kind: "plaintext" } });
    const first = await RaftListener.open({ port: 0, service });
    await expect(RaftListener.open({ port: first.port, service })).rejects.toThrow("Cannot listen for Raft peers on");
    await Promise.all([first.close(), first.close()]);
    const again = await RaftListener.open({ port: first.port, service });
    expect(again.address).toBe(`127.0.0.1:${first.port}`);
    await again.close();
  });
});
