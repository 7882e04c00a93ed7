// SPDX-License-Identifier: Apache-2.0
// Streams one snapshot to one peer, on a connection of its own, at a bounded rate (S4): the offer, then from where the receiver
// says, chunk by chunk, each when the network has taken the one before.

import { type ClientDuplexStream, type ServiceError, status } from "@grpc/grpc-js";
import type { Clock, SnapshotReader } from "../runtime/ports.ts";
import { crc32c } from "../storage/crc32c.ts";
import { encodeIntroduction, type Introduction } from "./envelope.ts";
import { PartReader } from "./part-reader.ts";
import { openChannel } from "./raft-channel.ts";
import { asIs, introductionKey, raftMethods } from "./raft-methods.ts";
import { decodeSnapshotAnswer, encodeChunk, encodeOffer, type SnapshotAnswer } from "./snapshot-codec.ts";
import type { TransportCounters } from "./transport-counters.ts";
import { fieldLimits, type TransportLimits } from "./transport-limits.ts";
import { callMetadata, type TransportSecurity } from "./transport-security.ts";

export interface SnapshotSendOptions {
  readonly introduction: Introduction;
  readonly address: string;
  readonly ownAddress: string;
  readonly term: number;
  /** Borrowed: the caller closes it. */
  readonly reader: SnapshotReader;
  readonly signal: AbortSignal;
  readonly limits: TransportLimits;
  readonly security: TransportSecurity;
  readonly counters: TransportCounters;
  readonly clock: Clock;
}

/** Resolves when the receiver has the snapshot, verified and durable. Rejects in every other case, within bounded time. */
export async function streamSnapshot(options: SnapshotSendOptions): Promise<void> {
  const { introduction, address, ownAddress, limits, security, signal } = options;
  signal.throwIfAborted();
  const client = openChannel({ peer: introduction.target, address }, limits, security);
  const metadata = callMetadata(security);
  metadata.set(introductionKey, encodeIntroduction(introduction, ownAddress));
  const call = client.makeBidiStreamRequest(raftMethods.InstallSnapshot.path, asIs, asIs, metadata);
  const abort = (): void => call.cancel();
  signal.addEventListener("abort", abort, { once: true });
  try {
    await new SnapshotStream(call, options).run();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    call.cancel();
    client.close();
  }
}

class SnapshotStream {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #options: SnapshotSendOptions;
  readonly #answers: PartReader;
  /** Resolves when the call is over, to what the peer said of it. */
  readonly #over: Promise<string>;
  /** Ends what is being waited for when the call is over. */
  #interrupt: (why: string) => void = () => undefined;
  #isOver: string | null = null;

  constructor(call: ClientDuplexStream<Buffer, Buffer>, options: SnapshotSendOptions) {
    this.#call = call;
    this.#options = options;
    this.#answers = new PartReader(call, options.clock);
    this.#over = new Promise((resolve) => {
      const end = ({ code, details }: { code: status; details: string }): void => {
        const why = `${status[code]}: ${details}`;
        resolve(why);
        // Ended in order: the verdict is there to be read, or its lack will be noticed.
        if (code === status.OK) return;
        this.#isOver ??= why;
        this.#interrupt(why);
      };
      call.once("status", end);
      // The status says the same; an event that nobody listens to would end the process.
      call.on("error", (error: ServiceError) => end(error));
    });
  }

  async run(): Promise<void> {
    const { reader, term, limits, counters } = this.#options;
    const { description } = reader;
    await this.#write(encodeOffer(term, description));
    const place = await this.#answer(limits.snapshotIdleMs);
    if (place.kind !== "offset" || place.offset > description.sizeBytes) {
      throw this.#failure("the receiver named no place in it to go on at");
    }
    await this.#sendChunks(place.offset);
    const verdict = await this.#answer(limits.snapshotFinishMs);
    if (verdict.kind !== "verified") throw this.#failure("the receiver did not verify it");
    counters.snapshotsSent += 1;
  }

  async #sendChunks(from: number): Promise<void> {
    const { reader, clock, limits } = this.#options;
    const { sizeBytes } = reader.description;
    const beganMs = clock.nowMs();
    let offset = from;
    if (from === sizeBytes) return this.#sendChunk(offset, new Uint8Array(0), true);
    const pieces = reader.chunks(from)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const piece = await this.#unlessOver(pieces.next(), limits.snapshotFinishMs, "its file gave nothing");
        if (piece.done === true) break;
        for (let at = 0; at < piece.value.byteLength; at += fieldLimits.chunkBytes) {
          const data = piece.value.subarray(at, at + fieldLimits.chunkBytes);
          await this.#sendChunk(offset, data, offset + data.byteLength === sizeBytes);
          offset += data.byteLength;
          const dueMs = beganMs + ((offset - from) * 1000) / limits.snapshotBytesPerSecond;
          if (dueMs > clock.nowMs()) await this.#pause(dueMs - clock.nowMs());
        }
      }
    } finally {
      // Not waited for: a reader that hangs must not hold up the end. It has nothing to say that matters by now.
      void pieces.return?.().then(undefined, () => undefined);
    }
    if (offset !== sizeBytes) throw this.#failure(`its file has ${offset} bytes, not ${sizeBytes}`);
  }

  async #sendChunk(offset: number, data: Uint8Array, last: boolean): Promise<void> {
    await this.#write(encodeChunk({ offset, data, crc: crc32c(data), last }));
    this.#options.counters.snapshotBytesSent += data.byteLength;
  }

  /** Resolves when the network has taken it. */
  async #write(bytes: Buffer): Promise<void> {
    const taken = new Promise<void>((resolve) => this.#call.write(bytes, () => resolve()));
    await this.#unlessOver(taken, this.#options.limits.snapshotIdleMs, "the receiver took nothing");
  }

  async #answer(withinMs: number): Promise<SnapshotAnswer> {
    const next = await this.#answers.next(withinMs);
    if (next.kind === "late") throw this.#failure(`the receiver said nothing for ${withinMs} ms`);
    if (next.kind !== "part") throw this.#failure(await this.#over);
    const answer = decodeSnapshotAnswer(next.bytes);
    if (!answer.ok) throw this.#failure(`the receiver's answer is malformed: ${answer.why}`);
    return answer.value;
  }

  #pause(ms: number): Promise<void> {
    const passed = new Promise<void>((resolve) => this.#options.clock.after(ms, resolve));
    return this.#unlessOver(passed, 2 * ms + 1000, "the clock stands");
  }

  /** What `wait` comes to; a failure as soon as the call is over, or when it takes too long. One at a time. */
  #unlessOver<Value>(wait: Promise<Value>, withinMs: number, late: string): Promise<Value> {
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.after(withinMs, () => this.#interrupt(`${late} for ${withinMs} ms`));
      this.#interrupt = (why) => {
        timer.cancel();
        reject(this.#failure(why));
      };
      if (this.#isOver !== null) this.#interrupt(this.#isOver);
      void wait.finally(() => timer.cancel()).then(resolve, reject);
    });
  }

  #failure(why: string): Error {
    const { introduction, reader } = this.#options;
    return new Error(`Cannot send snapshot "${reader.description.id}" to "${introduction.target}": ${why}`);
  }
}
