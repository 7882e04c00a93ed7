// The load: one produce stream with a fixed number of requests in flight, or one consume stream read as fast as it comes.
// Requests are encoded once and answers are decoded only as far as they are counted, so that the server is what is measured.

import { Metadata } from "@grpc/grpc-js";
import { decodeProduceStreamResponse, encodeProduceStreamRequest, type ProduceRequestFields } from "@varve/api";
import type { ServerProcess } from "./server.ts";

export interface Drive {
  /** Acknowledged within the measured time. */
  requests: number;
  /** Acknowledged at all. */
  total: number;
  seconds: number;
  /** Milliseconds from write to acknowledgement, sorted. */
  latencies: Float64Array;
}

export interface StreamLoad {
  inFlight: number;
  seconds: number;
  /** An open loop of this rate instead of a closed one. */
  perSecond?: number;
  /** Ends after so many requests, whatever the time. */
  requestsMax?: number;
}

const identity = (bytes: Buffer): Buffer => bytes;

/** Keeps `inFlight` requests under way for `seconds`, after a warm-up of a fifth of that. */
export function driveStream(
  server: ServerProcess,
  fields: ProduceRequestFields,
  { inFlight, seconds, perSecond = Infinity, requestsMax }: StreamLoad,
): Promise<Drive> {
  const request = encodeProduceStreamRequest(fields);
  const call = server.log.makeBidiStreamRequest(
    "/varve.v1.Log/ProduceStream",
    identity,
    decodeProduceStreamResponse,
    new Metadata(),
    {},
  );
  const sent: number[] = [];
  let head = 0;
  const latencies: number[] = [];
  const warmUntil = performance.now() + seconds * 200;
  let until = requestsMax === undefined ? warmUntil + seconds * 1_000 : Infinity;
  let paced = performance.now();
  let ended = false;
  return new Promise((resolve, reject) => {
    const send = (): void => {
      sent.push(performance.now());
      call.write(request);
    };
    const pace = (): void => {
      const now = performance.now();
      if (now >= until) return;
      while (paced <= now && sent.length - head < inFlight) {
        send();
        paced += 1_000 / perSecond;
      }
      if (paced < now - 100) paced = now;
      setTimeout(pace, 1);
    };
    call.on("data", (outcomes: readonly { kind: string }[]) => {
      const now = performance.now();
      for (const outcome of outcomes) {
        if (outcome.kind === "error") {
          reject(new Error(`Refused: ${JSON.stringify(outcome)}`));
          call.cancel();
          return;
        }
        const started = sent[head++] ?? now;
        if (now >= warmUntil && now < until) {
          latencies.push(now - started);
        }
        if (sent.length === requestsMax) until = now;
        if (now < until && perSecond === Infinity) send();
      }
      if (now >= until && head === sent.length && !ended) {
        ended = true;
        call.end();
      }
    });
    call.on("error", reject);
    call.on("end", () => {
      const sorted = Float64Array.from(latencies).sort();
      resolve({ requests: latencies.length, total: head, seconds, latencies: sorted });
    });
    if (perSecond === Infinity) for (let n = 0; n < Math.min(inFlight, requestsMax ?? inFlight); n++) send();
    else pace();
  });
}

/** Keeps `inFlight` unary produce calls under way. */
export function driveUnary(
  server: ServerProcess,
  fields: ProduceRequestFields,
  { inFlight, seconds }: { inFlight: number; seconds: number },
): Promise<Drive> {
  const latencies: number[] = [];
  const warmUntil = performance.now() + seconds * 200;
  const until = warmUntil + seconds * 1_000;
  let open = 0;
  let done = 0;
  return new Promise((resolve, reject) => {
    const send = (): void => {
      const started = performance.now();
      open++;
      server.log.Produce(fields, new Metadata(), {}, (error) => {
        const now = performance.now();
        open--;
        done++;
        if (error !== null) {
          reject(error);
          return;
        }
        if (now >= warmUntil && now < until) latencies.push(now - started);
        if (now < until) send();
        else if (open === 0) {
          const sorted = Float64Array.from(latencies).sort();
          resolve({ requests: latencies.length, total: done, seconds, latencies: sorted });
        }
      });
    };
    for (let n = 0; n < inFlight; n++) send();
  });
}

/** Reads one consume stream; counts the bytes of its messages until there are `bytes` or it ends. */
export function driveConsume(
  server: ServerProcess,
  request: Buffer,
  bytes: number,
): Promise<{ bytes: number; messages: number; seconds: number }> {
  const call = server.log.makeServerStreamRequest(
    "/varve.v1.Log/Consume",
    identity,
    identity,
    request,
    new Metadata(),
    {},
  );
  const started = performance.now();
  let received = 0;
  let messages = 0;
  return new Promise((resolve, reject) => {
    let done = false;
    const finish = (): void => {
      if (done) return;
      done = true;
      resolve({ bytes: received, messages, seconds: (performance.now() - started) / 1_000 });
    };
    call.on("data", (message: Buffer) => {
      received += message.length;
      messages++;
      if (received >= bytes && !done) {
        finish();
        call.cancel();
      }
    });
    call.on("end", finish);
    call.on("error", (error) => (done ? undefined : reject(error)));
  });
}

export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
