// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from "vitest";
import type { BootstrapAnswer } from "../runtime/ports.ts";
import { GrpcBootstrap } from "./grpc-bootstrap.ts";
import { RaftListener } from "./raft-listener.ts";
import { RaftService } from "./raft-service.ts";
import type { TransportSecurity } from "./transport-security.ts";

const answer: BootstrapAnswer = {
  nodeId: "n1",
  dirId: "0123456789abcdef0123456789abcdef",
  state: "blank",
  clusterId: null,
  peers: ["n1", "n2"],
  document: { clusterId: "c", voters: [{ id: "n1@1", address: "127.0.0.1:1" }] },
  begun: false,
  members: [],
};
const patience = (): AbortSignal => AbortSignal.timeout(10_000);
const listeners: RaftListener[] = [];

async function node(security: TransportSecurity = { kind: "plaintext" }): Promise<[GrpcBootstrap, string]> {
  const service = new RaftService({ security });
  const listener = await RaftListener.open({ port: 0, service });
  listeners.push(listener);
  return [new GrpcBootstrap({ service, limits: { connectMs: 5_000 } }), listener.address];
}

afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close();
});

describe("GrpcBootstrap", () => {
  it("asks a node who it is, and hears the newest answer (M9)", async () => {
    const [asking] = await node();
    const [answering, address] = await node();
    await expect(asking.hello(address, patience())).rejects.toThrow("does not know yet who it is");
    answering.answerWith(() => answer);
    expect(await asking.hello(address, patience())).toEqual(answer);
    answering.answerWith(() => ({ ...answer, state: "member", clusterId: "c", document: null, begun: true }));
    expect(await asking.hello(address, patience())).toMatchObject({ state: "member", begun: true, document: null });
  });

  it("says what went wrong: nobody there, no address, another secret, no time left", async () => {
    const [asking] = await node({ kind: "plaintext", secret: "one" });
    const [answering, address] = await node({ kind: "plaintext", secret: "two" });
    answering.answerWith(() => answer);
    await expect(asking.hello(address, patience())).rejects.toThrow("does not show the group's secret");
    await expect(asking.hello("127.0.0.1:1", patience())).rejects.toThrow('Cannot ask "127.0.0.1:1" who it is');
    await expect(asking.hello("", patience())).rejects.toThrow();
    await expect(asking.hello(address, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    const controller = new AbortController();
    const asked = asking.hello(address, controller.signal);
    controller.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
  });
});
