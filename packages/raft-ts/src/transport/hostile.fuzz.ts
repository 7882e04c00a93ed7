// SPDX-License-Identifier: Apache-2.0
// What strangers and broken peers may do to a member's listener (X3). Whatever it is, the member goes on, keeps its bounds and
// counts it; and a proper peer is served beside it.
//
//   RAFT_FUZZ=2000 npx vitest run packages/raft-ts/src/transport/hostile.fuzz.ts

import { Client, credentials, Metadata, status, type ClientWritableStream, type ServiceError } from "@grpc/grpc-js";
import { once } from "node:events";
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { normalEntry } from "../core/entries.ts";
import { Prng } from "../core/prng.ts";
import type { Append, Heartbeat } from "../core/types.ts";
import { LoopbackMember, until } from "../testing/loopback-member.ts";
import { encodeEnvelope, encodeIntroduction } from "./envelope.ts";
import { asIs, introductionKey, raftMethods } from "./raft-methods.ts";
import { encodeChunk, encodeOffer } from "./snapshot-codec.ts";

const runs = Number(process.env["RAFT_FUZZ"] ?? 60);
const introduction = { clusterId: "cluster", sender: "a@1", target: "b@1" };
const config = { voters: ["a@1"], votersOutgoing: [], learners: [], learnersNext: [], addresses: [] };
const meta = { index: 7, term: 2, config };
const offer = encodeOffer(3, { meta, id: "s", chain: 1, sizeBytes: 100, crc: 1 });

let b: LoopbackMember;
const closers: (() => void)[] = [];

beforeEach(async () => {
  b = await LoopbackMember.start({
    id: "b@1",
    connectionsMax: 8,
    // Silent connections are not to end by themselves: only who has to go goes.
    limits: { appendBytesMax: 1 << 16, entryBytesMax: 1 << 16, snapshotIdleMs: 200, keepaliveTimeoutMs: 60_000 },
  });
});

afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await b.stop();
});

function client(): Client {
  const made = new Client(b.listener.address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_send_message_length": -1,
    "grpc.per_rpc_retry_buffer_size": 0,
  });
  closers.push(() => made.close());
  return made;
}

function introduced(bytes: Buffer | null): Metadata {
  const metadata = new Metadata();
  if (bytes !== null) metadata.set(introductionKey, bytes);
  return metadata;
}

interface RawStream {
  readonly call: ClientWritableStream<Buffer>;
  readonly ended: Promise<ServiceError | null>;
}

function control(over: Client, intro: Buffer | null = encodeIntroduction(introduction, "")): RawStream {
  let end: (error: ServiceError | null) => void = () => undefined;
  const ended = new Promise<ServiceError | null>((resolve) => (end = resolve));
  const call = over.makeClientStreamRequest(raftMethods.Control.path, asIs, asIs, introduced(intro), (error) =>
    end(error),
  );
  call.on("error", () => undefined);
  return { call, ended };
}

function heartbeat(commit: number): Heartbeat {
  return { type: "Heartbeat", from: "a@1", to: "b@1", term: 1, commit, readPos: 0 };
}

/** A proper peer gets through. */
async function serves(): Promise<void> {
  const before = b.received.length;
  const { call } = control(client());
  call.write(encodeEnvelope(introduction, [heartbeat(before)], 0));
  await until(() => b.received.length > before, "a proper message comes through");
  expect(b.received.at(-1)).toEqual(heartbeat(before));
  call.end();
}

function session(): ClientHttp2Session {
  const opened = connectHttp2(`http://${b.listener.address}`);
  opened.on("error", () => undefined);
  closers.push(() => opened.destroy());
  return opened;
}

function request(over: ClientHttp2Session, path: string, more: Record<string, string> = {}): ClientHttp2Stream {
  const stream = over.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  });
  stream.on("error", () => undefined);
  stream.resume();
  return stream;
}

function framed(bytes: Uint8Array, announced = bytes.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(announced, 1);
  return Buffer.concat([prefix, bytes]);
}

describe("RaftService", () => {
  it("ends a stream at the first envelope that does not fit, and says why (X1, X3)", async () => {
    const wrong: [Buffer, string, status][] = [
      [encodeEnvelope({ ...introduction, clusterId: "x" }, [heartbeat(1)], 0), "cluster", status.FAILED_PRECONDITION],
      [encodeEnvelope({ ...introduction, target: "x" }, [heartbeat(1)], 0), "target", status.FAILED_PRECONDITION],
      [encodeEnvelope({ ...introduction, sender: "x" }, [heartbeat(1)], 0), "sender", status.FAILED_PRECONDITION],
      [Buffer.from([0x08, 0x63]), "version", status.UNIMPLEMENTED],
      [Buffer.from("nonsense"), "malformed", status.INVALID_ARGUMENT],
      [encodeEnvelope(introduction, [{ ...heartbeat(1), term: 0 }], 0), "malformed", status.INVALID_ARGUMENT],
    ];
    for (const [bytes, reason, code] of wrong) {
      const { call, ended } = control(client());
      call.write(encodeEnvelope(introduction, [heartbeat(1)], 0));
      call.write(bytes);
      call.write(encodeEnvelope(introduction, [heartbeat(2)], 0));
      expect(await ended).toMatchObject({ code, details: expect.stringContaining(`Refused (${reason})`) as string });
    }
    expect(b.received).toEqual(wrong.map(() => heartbeat(1)));
    expect(b.count("refusedMalformed")).toBe(2);
    await serves();
  });

  it("reads nothing of a stream whose introduction does not fit (X3)", async () => {
    for (const intro of [null, Buffer.from("nonsense"), encodeIntroduction({ ...introduction, clusterId: "x" }, "")]) {
      const { call, ended } = control(client(), intro);
      call.write(encodeEnvelope(introduction, [heartbeat(1)], 0));
      expect(await ended).toMatchObject({ details: expect.stringContaining("Refused") as string });
    }
    expect([b.received.length, b.count("receivedBytes")]).toEqual([0, 0]);
  });

  it("refuses a message above its limit, announced or sent", async () => {
    const { call, ended } = control(client());
    call.write(Buffer.alloc((1 << 17) + 1));
    expect(await ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    const intro = encodeIntroduction(introduction, "").toString("base64");
    const stream = request(session(), raftMethods.Bulk.path, { [introductionKey]: intro });
    stream.write(framed(Buffer.alloc(10), 0xff_ff_ff_ff));
    await until(() => stream.readableEnded, "the stream is ended");
    expect(b.count("receivedMessages")).toBe(0);
    await serves();
  });

  it("replaces a stream by a newer one of the same sender", async () => {
    const first = control(client());
    await until(() => b.count("inboundStreams") === 1, "it is taken");
    control(client());
    expect(await first.ended).toMatchObject({ code: status.UNAVAILABLE });
    expect(b.count("inboundStreams")).toBe(1);
  });

  it("reads a paused stream no further, however large its messages are", async () => {
    b.onMessage = () => new Promise(() => undefined);
    const { call } = control(client());
    const data = new Uint8Array(60_000);
    const append = (prevIndex: number): Append => ({
      type: "Append",
      from: "a@1",
      to: "b@1",
      term: 1,
      prevIndex,
      prevTerm: prevIndex === 0 ? 0 : 1,
      commit: 0,
      entries: [normalEntry(prevIndex + 1, 1, data)],
    });
    let taken = 0;
    for (let at = 0; at < 40; at++) {
      call.write(encodeEnvelope(introduction, [append(at)], 0), () => (taken += 1));
    }
    await until(() => b.received.length === 1, "the first is there");
    // What another stream brings meanwhile takes longer than reading on would.
    const over = client();
    for (let at = 0; at < 20; at++) {
      const other = control(over, encodeIntroduction({ ...introduction, sender: "c@1" }, ""));
      await once(other.call, "metadata");
      other.call.cancel();
    }
    expect(b.received.length).toBe(1);
    // Bytes that grpc-js holds: what the windows let through, one whole message or two, and none of the sixteen.
    expect(taken).toBeLessThan(6);
  });

  it("answers Hello without reading the question, which may be of any length", async () => {
    const answer = { nodeId: "b", dirId: "1", clusterId: null, peers: [], document: null, begun: false, members: [] };
    b.service.answerWith(() => ({ ...answer, state: "blank" }));
    const stream = request(session(), raftMethods.Hello.path);
    let answered = 0;
    stream.on("data", (bytes: Buffer) => (answered += bytes.length));
    stream.write(framed(Buffer.alloc(10), 100_000));
    await until(() => stream.readableEnded, "it is answered");
    expect(answered).toBeGreaterThan(5);
  });

  it("survives snapshots that make no sense (S5)", async () => {
    b.onSnapshot = () =>
      Promise.resolve({
        offsetBytes: 0,
        write: () => Promise.resolve(),
        finish: () => Promise.resolve("s"),
        close: () => Promise.resolve(),
      });
    const chunk = (change: object): Buffer => {
      const data = new Uint8Array(50);
      return encodeChunk({ offset: 0, data, crc: 0x1234, last: false, ...change });
    };
    const dialogues: [Buffer[], string][] = [
      [[chunk({})], "before the offer"],
      [[offer, offer], "second offer"],
      [[offer, chunk({})], "checksum"],
      [[offer, chunk({ offset: 7 })], "begins at byte 7"],
      [[offer, chunk({ data: new Uint8Array(101) })], "longer than"],
      [[offer, chunk({ last: true })], "said to be the end"],
      [[offer, chunk({ data: new Uint8Array(300_000) })], "larger than max"],
      [[offer, Buffer.from("nonsense")], "malformed"],
      [[offer], "nothing came"],
    ];
    for (const [parts, why] of dialogues) {
      const over = client();
      const call = over.makeBidiStreamRequest(
        raftMethods.InstallSnapshot.path,
        asIs,
        asIs,
        introduced(encodeIntroduction(introduction, "")),
      );
      call.on("data", () => undefined);
      for (const part of parts) call.write(part);
      const [error] = (await once(call, "error").catch((caught: unknown) => [caught])) as [ServiceError];
      expect(error.details).toContain(why);
      over.close();
    }
    expect(b.count("snapshotsReceived")).toBe(0);
    await serves();
  });

  it("cuts connections that proved nothing when there are too many, and keeps those of peers", async () => {
    const { call } = control(client());
    await until(() => b.count("inboundStreams") === 1, "the peer is there");
    const sockets: Socket[] = [];
    for (let at = 0; at < 30; at++) {
      const socket = connectTcp(b.listener.port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.resume();
      closers.push(() => socket.destroy());
      sockets.push(socket);
      await once(socket, "connect");
    }
    await until(() => sockets.filter((socket) => socket.closed).length >= 22, "the oldest are cut");
    call.write(encodeEnvelope(introduction, [heartbeat(5)], 0));
    await until(() => b.received.length === 1, "the peer was not");
  });

  it(`goes on whatever bytes come, ${runs} times`, async () => {
    const random = new Prng(BigInt(process.env["RAFT_FUZZ_SEED"] ?? 1), "hostile");
    const noise = (most: number): Buffer =>
      Buffer.from(Array.from({ length: random.below(most) }, () => random.below(256)));
    const paths = [...Object.values(raftMethods).map(({ path }) => path), "/raft.v1.Raft/None", "/"];
    const parts = [offer, encodeEnvelope(introduction, [heartbeat(1)], 0), encodeIntroduction(introduction, "x")];
    const damaged = (): Buffer => {
      const bytes = Buffer.from(parts[random.below(parts.length)]!);
      for (let edits = random.below(4); edits > 0; edits--) bytes[random.below(bytes.length)] = random.below(256);
      return bytes;
    };
    for (let run = 0; run < runs; run++) {
      if (random.below(5) === 0) {
        const socket = connectTcp(b.listener.port, "127.0.0.1");
        socket.on("error", () => undefined);
        const closed = once(socket, "close");
        socket.end(random.below(2) === 0 ? noise(2_000) : Buffer.concat([http2Preface, noise(500)]));
        socket.resume();
        await closed;
        continue;
      }
      const over = session();
      const intro = random.below(3) === 0 ? noise(200) : encodeIntroduction(introduction, "127.0.0.1:1");
      const path = paths[random.below(paths.length)]!;
      const stream = request(over, path, { [introductionKey]: intro.toString("base64") });
      for (let count = random.below(6); count > 0; count--) {
        stream.write(random.below(4) === 0 ? noise(400) : framed(random.below(3) === 0 ? noise(400) : damaged()));
      }
      stream.end();
      await until(() => stream.closed || over.destroyed, "the stream is over");
      over.destroy();
    }
    await serves();
    await until(() => b.count("inboundStreams") <= 1, "no stream is left");
  });
});

const http2Preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
