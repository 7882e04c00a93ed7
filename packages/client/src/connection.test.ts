// SPDX-License-Identifier: Apache-2.0
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { backoffMs } from "./backoff.ts";
import { Client } from "./client.ts";
import { MemoryBroker } from "./testing/memory-broker.ts";

let broker: MemoryBroker;

beforeEach(async () => {
  broker = await MemoryBroker.start();
  broker.createTopic("t", 1);
});

afterEach(() => broker.stop());

/** Something that accepts connections and never says anything. */
async function silentServer(): Promise<{ address: string; server: Server; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, server, sockets };
}

describe("calls", () => {
  it("go to the next address when one does not answer, and stay there", async () => {
    const client = new Client({ addresses: ["127.0.0.1:1", broker.address] });
    expect((await client.admin.describeTopic({ topic: "t" })).partitions).toHaveLength(1);
    expect((await client.producer().send({ topic: "t", value: "v" })).offset).toBe(0);
    await client.close();
  });

  it("end with REQUEST_TIMED_OUT when a broker says nothing", async () => {
    const { address, server, sockets } = await silentServer();
    const client = new Client({ address });
    const call = client.admin.describeTopic({ topic: "t" }, { timeoutMs: 80 });
    await expect(call).rejects.toMatchObject({ reason: expect.stringMatching(/REQUEST_TIMED_OUT|UNREACHABLE/) });
    client.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it("end with CANCELLED by their signal, before and while they run", async () => {
    const client = new Client({ address: "127.0.0.1:1" });
    const abort = new AbortController();
    const call = client.admin.describeTopic({ topic: "t" }, { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(call).rejects.toMatchObject({ reason: "CANCELLED", cause: { message: "enough" } });
    await expect(client.admin.listTopics({}, { signal: abort.signal })).rejects.toMatchObject({ reason: "CANCELLED" });
    client.destroy();
  });

  it("end with CLIENT_CLOSED when the client is closed", async () => {
    const client = new Client({ address: "127.0.0.1:1" });
    const call = client.admin.describeTopic({ topic: "t" });
    client.destroy();
    await expect(call).rejects.toMatchObject({ reason: "CLIENT_CLOSED" });
    await expect(client.admin.listTopics()).rejects.toMatchObject({ reason: "CLIENT_CLOSED" });
    expect(() => client.producer()).toThrow(/closed/);
  });

  it("that change something are made once", async () => {
    const client = new Client({ addresses: ["127.0.0.1:1", broker.address] });
    await expect(client.admin.deleteTopic({ topic: "t" })).rejects.toMatchObject({ reason: "UNREACHABLE" });
    await client.close();
  });
});

describe("Client", () => {
  it("refuses addresses that are none", () => {
    expect(() => new Client({ address: "localhost" })).toThrow(/host:port/);
    expect(() => new Client({})).toThrow(/no address/);
  });
});

describe("backoffMs()", () => {
  it("doubles up to the limit, and spreads between half and all of it", () => {
    expect([1, 2, 3].map((attempt) => backoffMs(attempt, 1))).toEqual([50, 100, 200]);
    expect(backoffMs(3, 0)).toBe(100);
    expect(backoffMs(1000, 1)).toBe(2000);
  });
});
