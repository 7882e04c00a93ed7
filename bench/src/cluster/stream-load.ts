// SPDX-License-Identifier: Apache-2.0
// Streams of requests that were encoded once: so many unanswered at a time, or so many a second whatever the answers do. In an open loop
// a request's time begins when it was due, not when it could be sent: a stall counts for everything that it held up.

import { Client, type ClientDuplexStream, Metadata, credentials } from "@grpc/grpc-js";
import { channelOptions, decodeProduceStreamResponse, encodeProduceStreamRequest } from "@varve/api";
import { buildBatch } from "@varve/format";
import { barePush } from "./bare-protocol.ts";
import type { LoadResult, StreamLoad, Target } from "./load-types.ts";

const batchBytes = 65_536;
/** Beside its value: lengths, and numbers relative to the batch. */
const recordOverheadBytes = 7;
const identity = (bytes: Buffer): Buffer => bytes;

interface Encoded {
  readonly bytes: Buffer;
  readonly records: number;
  /** Of the batch or the record. */
  readonly payloadBytes: number;
}

function encode({ request, protocol, recordBytes }: StreamLoad, { topic, partition }: Target): Encoded {
  const value = Buffer.alloc(recordBytes, 97);
  if (request === "single records") {
    const fields = { topic, partition, records: [{ value }] };
    return { bytes: encodeProduceStreamRequest(fields), records: 1, payloadBytes: recordBytes };
  }
  const records = Math.floor((batchBytes - 100) / (recordBytes + recordOverheadBytes));
  const batch = buildBatch(Array.from({ length: records }, () => ({ value, timestampMs: 1_700_000_000_000 })));
  const bytes = protocol === "bare" ? Buffer.from(batch) : encodeProduceStreamRequest({ topic, partition, batch });
  return { bytes, records, payloadBytes: batch.length };
}

/** One stream. Answers come in the order of requests. */
class Lane {
  readonly encoded: Encoded;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  /** When each unanswered request was sent, or due; answered up to the head. */
  #sinceMs: number[] = [];
  #head = 0;

  constructor(
    load: StreamLoad,
    target: Target,
    tell: (lane: Lane, sinceMs: number) => void,
    fail: (error: Error) => void,
  ) {
    this.encoded = encode(load, target);
    this.#client = new Client(target.address, credentials.createInsecure(), channelOptions);
    const path = load.protocol === "bare" ? barePush : "/varve.v1.Log/ProduceStream";
    this.#call = this.#client.makeBidiStreamRequest(path, identity, identity, new Metadata(), {});
    this.#call.on("data", (bytes: Buffer) => {
      for (let count = answersIn(bytes, load.protocol, fail); count > 0; count--) {
        const sinceMs = this.#sinceMs[this.#head++] ?? 0;
        if (this.#head > 4_096 && this.#head * 2 > this.#sinceMs.length) {
          this.#sinceMs = this.#sinceMs.slice(this.#head);
          this.#head = 0;
        }
        tell(this, sinceMs);
      }
    });
    this.#call.on("error", fail);
  }

  get unanswered(): number {
    return this.#sinceMs.length - this.#head;
  }

  send(sinceMs: number): void {
    this.#sinceMs.push(sinceMs);
    this.#call.write(this.encoded.bytes);
  }

  async end(): Promise<void> {
    const over = new Promise((resolve) => {
      this.#call.once("end", resolve);
      this.#call.once("error", resolve);
    });
    this.#call.end();
    await over;
    this.#client.close();
  }
}

function answersIn(bytes: Buffer, protocol: StreamLoad["protocol"], fail: (error: Error) => void): number {
  if (protocol === "bare") return bytes.readUInt32LE(0);
  const outcomes = decodeProduceStreamResponse(bytes);
  const refused = outcomes.find(
    (outcome) => outcome.kind === "error" || outcome.response.results[0]?.error !== undefined,
  );
  if (refused !== undefined) fail(new Error(`Refused: ${JSON.stringify(refused)}`));
  return outcomes.length;
}

export function streamLoad(load: StreamLoad): Promise<LoadResult> {
  const { seconds, warmUpSeconds, inFlight, perSecond } = load;
  const fromMs = performance.now() + warmUpSeconds * 1_000;
  const untilMs = fromMs + seconds * 1_000;
  const latencies: number[] = [];
  const done = { requests: 0, records: 0, bytes: 0 };
  let cpuFrom = process.cpuUsage();
  const warm = setTimeout(() => (cpuFrom = process.cpuUsage()), warmUpSeconds * 1_000);
  return new Promise((resolve, reject) => {
    let isFinishing = false;
    const finish = async (): Promise<void> => {
      if (isFinishing) return;
      isFinishing = true;
      const cpu = process.cpuUsage(cpuFrom);
      await Promise.all(lanes.map((lane) => lane.end()));
      const sorted = Float64Array.from(latencies).sort();
      const at = (share: number): number =>
        sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
      resolve({
        ...done,
        seconds,
        p50Ms: at(0.5),
        p99Ms: at(0.99),
        p999Ms: at(0.999),
        maxMs: at(1),
        cpuSeconds: (cpu.user + cpu.system) / 1e6,
      });
    };
    const fail = (error: Error): void => {
      clearTimeout(warm);
      reject(error);
    };
    const answered = (lane: Lane, sinceMs: number): void => {
      const nowMs = performance.now();
      if (nowMs >= fromMs && nowMs < untilMs) {
        done.requests++;
        done.records += lane.encoded.records;
        done.bytes += lane.encoded.payloadBytes;
        latencies.push(nowMs - sinceMs);
      }
      if (nowMs < untilMs && perSecond === undefined) lane.send(nowMs);
      if (nowMs >= untilMs && lanes.every(({ unanswered }) => unanswered === 0)) void finish();
    };
    const lanes = load.targets.map((target) => new Lane(load, target, answered, fail));
    if (perSecond === undefined) {
      for (const lane of lanes) for (let count = 0; count < inFlight; count++) lane.send(performance.now());
      return;
    }
    const startedMs = performance.now();
    let sent = 0;
    const pace = (): void => {
      const nowMs = performance.now();
      if (nowMs >= untilMs) {
        if (lanes.every(({ unanswered }) => unanswered === 0)) void finish();
        return;
      }
      for (const wanted = ((nowMs - startedMs) / 1_000) * perSecond; sent < wanted; sent++) {
        const lane = lanes[sent % lanes.length] as Lane;
        // What grpc-js would rather not be given yet (16 messages) is nothing here: `inFlight` bounds what waits in this process.
        if (lane.unanswered >= inFlight) break;
        lane.send(startedMs + (sent / perSecond) * 1_000);
      }
      setTimeout(pace, 1);
    };
    pace();
  });
}
