// SPDX-License-Identifier: Apache-2.0
// One member of the measured group: its own process, durable storage, gRPC. Told what to do over IPC (member.ts).

import { LevelStorage } from "raft-ts/level";
import { GrpcTransport, RaftListener, RaftService } from "raft-ts/grpc";
import {
  peerIdOf,
  RaftNode,
  systemClock,
  type AppliedEntry,
  type ClusterDocument,
  type OpenedStorage,
  type SoftState,
  type StateMachine,
} from "raft-ts";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";

export interface MemberOptions {
  readonly nodeId: string;
  readonly directory: string;
  /** 0: any. */
  readonly port: number;
}

export interface LoadRequest {
  readonly inFlight: number;
  readonly bytes: number;
  /** Ends at this many entries or after so many seconds, whichever comes first. */
  readonly entriesMax: number;
  readonly secondsMax: number;
}

export interface LoadResult {
  readonly entries: number;
  readonly seconds: number;
  /** Of each entry, sorted, in milliseconds; none are kept for loads of more than 256. */
  readonly latenciesMs: readonly number[];
}

export interface MemberUsage {
  readonly residentPeakMiB: number;
  /** Without the database's files, which are mapped and which the kernel takes back when it wants to; looked at 5 times a second. */
  readonly anonymousPeakMiB: number;
  /** Right now: in JavaScript's heap, and in buffers outside of it. */
  readonly heapMiB: number;
  readonly buffersMiB: number;
  readonly cpuSeconds: number;
  readonly applied: number;
  readonly snapshotIndex: number;
}

export type ToMember =
  | { readonly kind: "begin"; readonly document: ClusterDocument }
  | ({ readonly kind: "load" } & LoadRequest)
  /** Takes entries of so many bytes over TCP (load-process.ts), until the connection ends. */
  | { readonly kind: "serve"; readonly bytes: number }
  | { readonly kind: "usage" }
  | { readonly kind: "stop" };

export type FromMember =
  | { readonly kind: "open"; readonly id: string; readonly address: string; readonly blank: boolean }
  | { readonly kind: "state"; readonly state: SoftState }
  | { readonly kind: "loaded"; readonly result: LoadResult }
  | { readonly kind: "serving"; readonly port: number }
  | { readonly kind: "usage"; readonly usage: MemberUsage };

/** A thousand values of the size that is proposed, the newest in place `index mod 1000`. */
class ThousandValues implements StateMachine<number> {
  #values: Uint8Array[] = [];
  #count = 0;

  apply(entries: readonly AppliedEntry[]): Promise<number[]> {
    // A copy: the entry's bytes are a view of the Append they came in.
    for (const { index, data } of entries) this.#values[index % 1000] = data.slice();
    return Promise.resolve(entries.map(() => ++this.#count));
  }

  snapshot(): AsyncIterable<Uint8Array> {
    const cut = this.#values.map((value) => value ?? new Uint8Array(0));
    return (async function* () {
      for (const value of cut) yield Buffer.concat([Buffer.from([value.length >> 8, value.length & 0xff]), value]);
    })();
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const whole = Buffer.concat(parts);
    this.#values = [];
    for (let at = 0; at < whole.length;) {
      const length = whole.readUInt16BE(at);
      this.#values.push(Uint8Array.prototype.slice.call(whole, at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
}

async function load(
  node: RaftNode<number>,
  { inFlight, bytes, entriesMax, secondsMax }: LoadRequest,
): Promise<LoadResult> {
  const data = Buffer.alloc(bytes, 97);
  const latenciesMs: number[] = [];
  const began = performance.now();
  const end = began + secondsMax * 1000;
  let started = 0;
  let entries = 0;
  const client = async (): Promise<void> => {
    while (started < entriesMax && performance.now() < end) {
      started += 1;
      const at = performance.now();
      const outcome = await node.propose(data);
      if (outcome.kind !== "success") throw new Error(`A proposal ended as ${JSON.stringify(outcome)}`);
      entries += 1;
      if (inFlight <= 256 && latenciesMs.length < 100_000) latenciesMs.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  return { entries, seconds: (performance.now() - began) / 1000, latenciesMs: latenciesMs.sort((a, b) => a - b) };
}

/** One client: entries come without gaps, and a byte goes back for each that is committed. Resolves to the port. */
function serve(node: RaftNode<number>, bytes: number): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer({ noDelay: true }, (socket) => {
      server.close();
      let rest: Buffer = Buffer.alloc(0);
      let unanswered = 0;
      const answer = (): void => {
        socket.write(Buffer.alloc(unanswered));
        unanswered = 0;
      };
      socket.on("error", () => socket.destroy());
      socket.on("data", (chunk: Buffer) => {
        const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        let at = 0;
        for (; at + bytes <= all.length; at += bytes) {
          // The node keeps it: no view of what was read from the socket.
          void node.propose(new Uint8Array(all.subarray(at, at + bytes))).then((outcome) => {
            if (outcome.kind === "success") {
              if (unanswered === 0) setImmediate(answer);
              unanswered += 1;
            } else socket.destroy(new Error(`A proposal ended as ${JSON.stringify(outcome)}`));
          });
        }
        rest = Buffer.from(all.subarray(at));
      });
    });
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

let anonymousPeakMiB = 0;

function mebibytesOf(key: "VmHWM" | "RssAnon"): number {
  const found = new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"));
  return Number(found?.[1] ?? "0") / 1024;
}

function usage(node: RaftNode<number>): MemberUsage {
  const { user, system } = process.cpuUsage();
  const { heapUsed, external } = process.memoryUsage();
  const { applied, snapshotIndex } = node.status();
  return {
    residentPeakMiB: mebibytesOf("VmHWM"),
    anonymousPeakMiB,
    heapMiB: heapUsed / 2 ** 20,
    buffersMiB: external / 2 ** 20,
    cpuSeconds: (user + system) / 1e6,
    applied,
    snapshotIndex,
  };
}

function tell(message: FromMember): void {
  process.send?.(message);
}

const { nodeId, directory, port } = JSON.parse(process.argv[2]!) as MemberOptions;
const storage = new LevelStorage({ directory, nodeId });
let opened: OpenedStorage = await storage.open();
const service = new RaftService({ security: { kind: "plaintext" } });
const listener = await RaftListener.open({ port, service });
const id = peerIdOf(opened.identity);
let node: RaftNode<number> | null = null;

async function begin(): Promise<void> {
  const transport = new GrpcTransport({
    service,
    self: id,
    clusterId: opened.identity.clusterId!,
    address: listener.address,
    clock: systemClock,
    random: Math.random,
  });
  const onEvent = (event: { type: string }): void => {
    if (event.type === "state") tell({ kind: "state", state: event as unknown as SoftState });
  };
  const onFatal = (error: Error): void => {
    console.error(error);
    process.exit(1);
  };
  node = await RaftNode.start({
    storage,
    opened,
    transport,
    stateMachine: new ThousandValues(),
    options: { onEvent, onFatal },
  });
}

async function take(message: ToMember): Promise<void> {
  if (message.kind === "begin") {
    opened = await storage.form(message.document);
    await begin();
  } else if (node === null) throw new Error(`"${message.kind}" came before "begin"`);
  else if (message.kind === "load") tell({ kind: "loaded", result: await load(node, message) });
  else if (message.kind === "serve") tell({ kind: "serving", port: await serve(node, message.bytes) });
  else if (message.kind === "usage") tell({ kind: "usage", usage: usage(node) });
  else {
    await node.stop();
    await listener.close();
    process.disconnect();
  }
}

setInterval(() => {
  anonymousPeakMiB = Math.max(anonymousPeakMiB, mebibytesOf("RssAnon"));
}, 200).unref();
process.on("message", (message: ToMember) => void take(message));
process.on("disconnect", () => process.exit(0));
tell({ kind: "open", id, address: listener.address, blank: opened.health.state === "blank" });
if (opened.health.state === "ok") await begin();
