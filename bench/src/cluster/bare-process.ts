// SPDX-License-Identifier: Apache-2.0
// What three nodes do for acks=all, and nothing else: a message from a client goes to two followers and into a file here and there,
// and is answered when all three have it. The same transport with the same settings, one write at a time for each file with all that came
// meanwhile, files of 64 MiB of which four are kept. No log, no checks, no offsets, nothing that survives.
//
//   client ══ Push ══> leader ─┬─ Copy ══> follower: file ── count ──┐
//                              ├─ Copy ══> follower: file ── count ──┼──> lowest count ──> client
//                              └─ file ── count ─────────────────────┘

import { closeSync, fdatasync, openSync, unlinkSync, writev } from "node:fs";
import { join } from "node:path";
import {
  Client,
  type ClientDuplexStream,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  credentials,
} from "@grpc/grpc-js";
import { channelOptions, serverOptions, tuneServer } from "@varve/api";
import { type BareOptions, type ToBare, bareCopy, barePartition, barePush } from "./bare-protocol.ts";

const segmentBytes = 64 * 1024 * 1024;
const segmentsKept = 4;
const buffersPerWrite = 64;

/** Counts a message once it is written, or synced. */
class BareLog {
  readonly #directory: string;
  readonly #name: string;
  readonly #sync: boolean;
  readonly #counted: (messages: number) => void;
  #queue: Buffer[] = [];
  #isWriting = false;
  #isScheduled = false;
  #fd = -1;
  #at = 0;
  #segment = 0;

  constructor(directory: string, name: string, sync: boolean, counted: (messages: number) => void) {
    this.#directory = directory;
    this.#name = name;
    this.#sync = sync;
    this.#counted = counted;
    this.#roll();
  }

  append(message: Buffer): void {
    this.#queue.push(message);
    if (this.#isWriting || this.#isScheduled) return;
    this.#isScheduled = true;
    // What a turn brings goes in one write.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#write();
    });
  }

  #write(): void {
    if (this.#isWriting || this.#queue.length === 0) return;
    this.#isWriting = true;
    const messages = this.#queue.splice(0, buffersPerWrite);
    const bytes = messages.reduce((sum, { length }) => sum + length, 0);
    writev(this.#fd, messages, this.#at, (error) => {
      if (error !== null) throw error;
      this.#at += bytes;
      if (!this.#sync) return this.#ended(messages.length);
      fdatasync(this.#fd, (failed) => {
        if (failed !== null) throw failed;
        this.#ended(messages.length);
      });
    });
  }

  #ended(messages: number): void {
    this.#isWriting = false;
    if (this.#at >= segmentBytes) this.#roll();
    this.#write();
    this.#counted(messages);
  }

  #roll(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = openSync(this.#path(this.#segment), "w");
    this.#at = 0;
    if (this.#segment >= segmentsKept) unlinkSync(this.#path(this.#segment - segmentsKept));
    this.#segment++;
  }

  #path(segment: number): string {
    return join(this.#directory, `${this.#name}.${segment}`);
  }
}

const options = JSON.parse(process.argv[2] ?? "") as BareOptions;
const identity = (bytes: Buffer): Buffer => bytes;
const codec = {
  requestStream: true,
  responseStream: true,
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
} as const;
let followers: readonly Client[] = [];

type Call = ServerDuplexStream<Buffer, Buffer>;

function countOf(messages: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(messages, 0);
  return bytes;
}

let pushes = 0;

function lead(call: Call): void {
  const partition = `${options.nodeId}-${pushes++}`;
  const counts = [0, 0, 0];
  let told = 0;
  let isTelling = false;
  const counted = (place: number, messages: number): void => {
    counts[place] = (counts[place] ?? 0) + messages;
    if (isTelling || Math.min(...counts) === told) return;
    isTelling = true;
    queueMicrotask(() => {
      isTelling = false;
      const all = Math.min(...counts);
      if (all > told) call.write(countOf(all - told));
      told = all;
    });
  };
  const log = new BareLog(options.directory, partition, options.sync, (messages) => counted(0, messages));
  const metadata = new Metadata();
  metadata.set(barePartition, partition);
  const copies: ClientDuplexStream<Buffer, Buffer>[] = followers.map((client, index) => {
    const copy = client.makeBidiStreamRequest(bareCopy, identity, identity, metadata, {});
    copy.on("data", (bytes: Buffer) => counted(index + 1, bytes.readUInt32LE(0)));
    copy.on("error", () => call.end());
    return copy;
  });
  call.on("data", (message: Buffer) => {
    for (const copy of copies) copy.write(message);
    log.append(message);
  });
  call.on("end", () => {
    for (const copy of copies) copy.end();
    call.end();
  });
  call.on("error", () => undefined);
}

function follow(call: Call): void {
  const partition = String(call.metadata.get(barePartition)[0]);
  const name = `${partition}-copy-${options.nodeId}`;
  const log = new BareLog(options.directory, name, options.sync, (messages) => call.write(countOf(messages)));
  call.on("data", (message: Buffer) => log.append(message));
  call.on("end", () => call.end());
  call.on("error", () => undefined);
}

const server = new Server(serverOptions);
tuneServer(server, console.error);
server.addService(
  { Push: { path: barePush, ...codec }, Copy: { path: bareCopy, ...codec } },
  { Push: lead, Copy: follow },
);
process.on("message", (message: ToBare) => {
  if (message.kind === "stop") process.exit(0);
  followers = message.followers.map((address) => new Client(address, credentials.createInsecure(), channelOptions));
  process.send?.({ kind: "follows" });
});
process.on("disconnect", () => process.exit(0));
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send?.({ kind: "ready", address: `127.0.0.1:${port}` });
});
