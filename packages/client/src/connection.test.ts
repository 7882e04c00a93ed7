// SPDX-License-Identifier: Apache-2.0
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { backoffMs } from "./backoff.ts";
import { Client } from "./client.ts";
import { MemoryBroker } from "./testing/memory-broker.ts";
import { TestClock } from "./testing/test-clock.ts";
import { until } from "./testing/until.ts";

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

/** Says whether it is over. */
function settled<T>(result: Promise<T>): { readonly result: Promise<T>; readonly isOver: boolean } {
  const watched = { result, isOver: false };
  const end = (): void => void (watched.isOver = true);
  result.then(end, end);
  return watched;
}

describe("calls", () => {
  it("go to the next address when one does not answer, and stay there", async () => {
    const client = new Client({ addresses: ["127.0.0.1:1", broker.address] });
    expect((await client.admin.describeTopic({ topic: "t" })).partitions).toHaveLength(1);
    expect((await client.producer().send({ topic: "t", value: "v" })).offset).toBe(0);
    await client.close();
  });

  it("leave a node that takes connections and says nothing before the time of the attempt is up", async () => {
    const { address, server, sockets } = await silentServer();
    const clock = new TestClock();
    const client = new Client({ addresses: [address, broker.address], clock });
    const described = settled(client.admin.describeTopic({ topic: "t" }));
    // It never comes to the three seconds that an attempt has.
    let leftMs = 2_900;
    await until(() => described.isOver || leftMs === 0 || (clock.advance(10), (leftMs -= 10), false));
    expect((await described.result).partitions).toHaveLength(1);
    client.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it("stay with a node that takes its time and is there", async () => {
    const other = await MemoryBroker.start({ nodeId: 1, cluster: broker.cluster });
    const clock = new TestClock();
    const client = new Client({ addresses: [broker.address, other.address], clock });
    broker.slowTopics = true;
    const described = settled(client.admin.describeTopic({ topic: "t" }));
    await until(() => broker.describeClusterCalls >= 2 || (clock.advance(10), false));
    await until(() => broker.describeTopicCalls >= 2 || (clock.advance(10), false));
    broker.slowTopics = false;
    await until(() => described.isOver || (clock.advance(10), false));
    expect((await described.result).partitions).toHaveLength(1);
    expect([other.describeClusterCalls, other.describeTopicCalls]).toEqual([0, 0]);
    client.destroy();
    other.stop();
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
