// SPDX-License-Identifier: Apache-2.0
import { createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { normalEntry } from "../core/entries.ts";
import type { Append, Heartbeat, PeerMessage, Vote } from "../core/types.ts";
import { LoopbackMember, type MemberOptions, until } from "../testing/loopback-member.ts";

const members: LoopbackMember[] = [];

async function member(id: string, options: Omit<MemberOptions, "id"> = {}): Promise<LoopbackMember> {
  const started = await LoopbackMember.start({ id, ...options });
  members.push(started);
  return started;
}

/** Two members that know each other, with all four streams up. */
async function pair(options: Omit<MemberOptions, "id"> = {}): Promise<[LoopbackMember, LoopbackMember]> {
  const [a, b] = [await member("a@1", options), await member("b@1", options)];
  a.transport.setPeers([b.address]);
  b.transport.setPeers([a.address]);
  await until(() => a.count("outboundStreams") === 2 && b.count("outboundStreams") === 2, "the streams are up");
  return [a, b];
}

function heartbeat(commit: number, to = "b@1", from = "a@1"): Heartbeat {
  return { type: "Heartbeat", from, to, term: 1, commit, readPos: 0 };
}

function append(prevIndex: number, sizes: readonly number[], to = "b@1"): Append {
  const entries = sizes.map((size, at) => normalEntry(prevIndex + 1 + at, 1, new Uint8Array(size).fill(at + 1)));
  return { type: "Append", from: "a@1", to, term: 1, prevIndex, prevTerm: prevIndex === 0 ? 0 : 1, entries, commit: 0 };
}

const vote: Vote = { type: "Vote", from: "a@1", to: "b@1", term: 2, lastIndex: 1, lastTerm: 1, transfer: false };

afterEach(async () => {
  for (const started of members.splice(0)) await started.stop();
});

describe("GrpcTransport", () => {
  it("keeps the order of each stream, and sends Appends on another one (F10)", async () => {
    const [a, b] = await pair();
    const sent: PeerMessage[] = [];
    for (let at = 1; at <= 300; at++) {
      const messages = [heartbeat(at), append(at, at % 3 === 0 ? [] : [at, 10])];
      sent.push(...messages);
      a.transport.send(messages);
    }
    await until(() => b.received.length === sent.length, "everything is there");
    for (const type of ["Heartbeat", "Append"] as const) {
      expect(b.received.filter((message) => message.type === type)).toEqual(
        sent.filter((message) => message.type === type),
      );
    }
    expect(a.unreachable).toEqual([]);
  });

  it("carries an Append with one entry of 8 MiB", async () => {
    const [a, b] = await pair();
    const message = append(0, [8 << 20]);
    a.transport.send([message]);
    await until(() => b.received.length === 1, "it is there");
    expect(
      Buffer.from(b.received[0]!.type === "Append" ? b.received[0]!.entries[0]!.data : []).equals(
        message.entries[0]!.data,
      ),
    ).toBe(true);
  });

  it("connects again after the peer restarted, at once when the peer calls first", async () => {
    const [a, b] = await pair({ limits: { reconnectMinMs: 60_000, reconnectMaxMs: 60_000 } });
    const { port } = b.listener;
    await b.stop();
    await until(() => a.count("outboundStreams") === 0, "the streams broke");
    expect(a.unreachable).toContain("b@1");
    a.transport.send([heartbeat(1)]);
    await until(() => a.count("droppedUnreachable") === 1, "a message while down is dropped");
    const again = await member("b@1", { port });
    again.transport.setPeers([a.address]);
    await until(() => a.count("outboundStreams") === 2, "the streams are up again long before the timer");
    a.transport.send([heartbeat(2)]);
    await until(() => again.received.length === 1, "a message comes through");
    expect(again.received).toEqual([heartbeat(2)]);
  });

  it("connects again by itself, with a growing wait", async () => {
    const [a, b] = await pair({ limits: { reconnectMinMs: 5, reconnectMaxMs: 20 } });
    const { port } = b.listener;
    await b.stop();
    await until(() => a.count("disconnects") > 6, "it tries again and again");
    const again = await member("b@1", { port });
    await until(() => a.count("outboundStreams") === 2, "the streams are up again");
    expect(again.count("inboundStreams")).toBe(2);
  });

  it("bounds what waits for a peer that does not read, drops Appends and says so (F9)", async () => {
    const limits = { bulkQueueMessages: 10, bulkQueueBytes: 1 << 20, unsentBytesMax: 1 << 16 };
    const [a, b] = await pair({ limits });
    let release = (): void => undefined;
    b.onMessage = (message) => (message.type === "Append" ? new Promise((resolve) => (release = resolve)) : undefined);
    for (let at = 0; at < 200; at++) a.transport.send([append(at, [100_000])]);
    await until(() => a.count("droppedFull") > 0, "the queue is full");
    await until(() => a.unreachable.includes("b@1"), "that is said");
    // Votes go by another stream.
    a.transport.send([vote]);
    await until(() => b.received.some(({ type }) => type === "Vote"), "the vote is there");
    await until(() => b.received.some(({ type }) => type === "Append"), "one Append is there");
    expect(b.received.length).toBe(2);
    b.onMessage = () => undefined;
    release();
    const expected = 200 - a.count("droppedFull");
    await until(() => b.received.filter(({ type }) => type === "Append").length === expected, "the rest comes");
    const indexes = b.received.flatMap((message) => (message.type === "Append" ? [message.prevIndex] : []));
    expect(indexes).toEqual([...indexes].sort((x, y) => x - y));
    expect(indexes.slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("reads no further while onMessage's promise is open, and goes on where it was", async () => {
    const [a, b] = await pair();
    const releases: (() => void)[] = [];
    b.onMessage = () => new Promise((resolve) => releases.push(resolve));
    a.transport.send([1, 2, 3].map((commit) => heartbeat(commit)));
    a.transport.send([heartbeat(4)]);
    for (const count of [1, 2, 3, 4]) {
      await until(() => releases.length === count, `message ${count} is there`);
      expect(b.received.length).toBe(count);
      releases.at(-1)!();
    }
    expect(b.received).toEqual([1, 2, 3, 4].map((commit) => heartbeat(commit)));
  });

  it("answers a sender that nobody announced, as long as its streams last (X2)", async () => {
    const [a, b] = [await member("a@1"), await member("b@1")];
    a.transport.setPeers([b.address]);
    await until(() => b.count("inboundStreams") === 2, "b hears a");
    await until(() => b.count("outboundStreams") === 2, "b calls back");
    b.transport.send([heartbeat(1, "a@1", "b@1")]);
    await until(() => a.received.length === 1, "the answer is there");
    a.transport.setPeers([]);
    await until(() => b.count("outboundStreams") === 0, "b hangs up");
    b.transport.send([heartbeat(2, "a@1", "b@1")]);
    expect(b.count("droppedUnknown")).toBe(1);
  });

  it("answers a sender that is no longer announced, too (X2)", async () => {
    const [a, b] = await pair();
    b.transport.setPeers([]);
    await until(() => b.count("outboundStreams") === 2, "b calls back");
    b.transport.send([heartbeat(1, "a@1", "b@1")]);
    await until(() => a.received.length === 1, "the answer is there");
  });

  it.each([
    ["cluster", { clusterId: "other" }, "b@1"],
    ["target", {}, "b@2"],
    ["secret", { security: { kind: "plaintext", secret: "no" } }, "b@1"],
  ] as const)("refuses a stream with a wrong %s, and counts it (X1, X5)", async (reason, options, target) => {
    const security = { kind: "plaintext", secret: "yes" } as const;
    const b = await member("b@1", { security });
    const a = await member("a@1", { security, limits: { reconnectMinMs: 5 }, ...options });
    a.transport.setPeers([{ id: target, address: b.listener.address }]);
    await until(() => a.refusals.length > 1, "it is refused, and tried again");
    expect(a.refusals[0]).toContain(`Refused (${reason})`);
    expect(b.count(`refused${reason[0]!.toUpperCase()}${reason.slice(1)}`)).toBeGreaterThan(0);
    expect(b.received).toEqual([]);
    expect(b.count("inboundStreams")).toBe(0);
  });

  it("takes a few senders that nobody announced, and no more (X2)", async () => {
    const b = await member("b@1", { limits: { unknownSendersMax: 2 } });
    const others = await Promise.all(["c@1", "d@1", "e@1"].map((id) => member(id)));
    for (const other of others) other.transport.setPeers([b.address]);
    await until(() => others.some(({ refusals }) => refusals.length > 0), "one is refused");
    expect(others.flatMap(({ refusals }) => refusals)[0]).toContain("too many senders");
    expect(b.count("inboundStreams")).toBeLessThanOrEqual(4);
  });

  it("costs one socket for each stream to a peer that hangs, however often it tries", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => {
      socket.on("error", () => undefined);
      sockets.push(socket.resume());
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const a = await member("a@1", { limits: { connectMs: 20, reconnectMinMs: 1, reconnectMaxMs: 1 } });
    const { port } = silent.address() as AddressInfo;
    a.transport.setPeers([{ id: "b@1", address: `127.0.0.1:${port}` }]);
    await until(() => a.count("disconnects") >= 20, "it tries again and again");
    expect(sockets.length).toBe(2);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
    const b = await member("b@1", { port });
    await until(() => a.count("outboundStreams") === 2, "the streams are up when the peer is back");
    expect(b.count("inboundStreams")).toBe(2);
  });

  it("ends its streams when it is stopped, while the peers go on (T4)", async () => {
    const [a, b] = await pair();
    await until(() => b.count("inboundStreams") === 2, "the streams are up");
    await a.transport.stop();
    await until(() => b.count("inboundStreams") === 0, "they are gone");
  });

  it("leaves nothing open after stop, whatever was under way", async () => {
    const [a, b] = await pair();
    b.onMessage = () => new Promise(() => undefined);
    for (let at = 0; at < 50; at++) a.transport.send([append(at, [1 << 20]), heartbeat(at)]);
    await until(() => b.received.length > 0, "something is under way");
    await Promise.all([a.stop(), b.stop()]);
    expect([a.count("outboundStreams"), b.count("inboundStreams")]).toEqual([0, 0]);
    const open = (): string[] => process.getActiveResourcesInfo().filter((name) => /TCP|HTTP2/i.test(name));
    await until(() => open().length === 0, `no handle is left: ${open().join(", ")}`);
  });
});
