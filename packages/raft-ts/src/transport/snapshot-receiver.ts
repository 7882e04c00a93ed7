// SPDX-License-Identifier: Apache-2.0
// Takes a snapshot in, one at a time: the offer, then the place to go on at, then chunks without gaps, each with its checksum,
// into the receiver's stage (S5). A transfer that breaks leaves what came in the stage, for the next attempt.

import type { PeerId } from "../core/types.ts";
import type { Clock, SnapshotOffer, SnapshotStaging, TransportHandlers } from "../runtime/ports.ts";
import { crc32c } from "../storage/crc32c.ts";
import type { Fault } from "./envelope.ts";
import { PartReader } from "./part-reader.ts";
import type { EndCall, SnapshotCall } from "./raft-service.ts";
import { decodePart, encodeSnapshotAnswer, type SnapshotPart } from "./snapshot-codec.ts";
import type { TransportCounters } from "./transport-counters.ts";
import type { TransportLimits } from "./transport-limits.ts";

export interface SnapshotReceiverOptions {
  readonly limits: TransportLimits;
  readonly clock: Clock;
  readonly counters: TransportCounters;
  readonly handlers: Pick<TransportHandlers, "onSnapshot">;
}

interface Transfer {
  readonly sender: PeerId;
  readonly call: SnapshotCall;
  readonly end: EndCall;
  readonly done: Promise<void>;
}

export class SnapshotReceiver {
  readonly #options: SnapshotReceiverOptions;
  #transfer: Transfer | null = null;

  constructor(options: SnapshotReceiverOptions) {
    this.#options = options;
  }

  /** The call's introduction was checked. The same sender again: it has lost the transfer before, which ends here. */
  take(sender: PeerId, call: SnapshotCall, end: EndCall): void {
    const before = this.#transfer;
    if (before !== null) {
      if (before.sender === sender) this.#cut(before, "a newer transfer of the same sender replaces this one");
      return end({ reason: "crowded", why: "another snapshot is coming in; try again later" });
    }
    const done = this.#receive(sender, call)
      .then(end, (error: unknown) => end({ reason: "closed", why: `the snapshot could not be kept: ${String(error)}` }))
      .then(() => {
        this.#transfer = null;
      });
    this.#transfer = { sender, call, end, done };
  }

  /** Resolves when no stage is open. */
  async close(): Promise<void> {
    if (this.#transfer === null) return;
    this.#cut(this.#transfer, "this node stops");
    await this.#transfer.done;
  }

  #cut({ end, call }: Transfer, why: string): void {
    end({ reason: "closed", why });
    call.destroy();
  }

  async #receive(from: PeerId, call: SnapshotCall): Promise<Fault | null> {
    const { limits, clock, counters, handlers } = this.#options;
    const parts = new PartReader(call, clock);
    const first = await nextOf(parts, limits.snapshotIdleMs);
    if ("reason" in first) return first;
    if (first.kind !== "offer") return { reason: "malformed", why: "a chunk came before the offer" };
    const offer: SnapshotOffer = { from, term: first.term, description: first.description };
    const staging = await handlers.onSnapshot(offer);
    if (staging === null) return { reason: "closed", why: "the snapshot is not wanted here" };
    let finished = false;
    try {
      const fault = await this.#takeChunks({ call, parts, staging, sizeBytes: first.description.sizeBytes });
      if (fault !== null) return fault;
      await staging.finish();
      finished = true;
    } finally {
      if (!finished) await staging.close();
    }
    counters.snapshotsReceived += 1;
    call.write(encodeSnapshotAnswer({ kind: "verified" }));
    return null;
  }

  async #takeChunks(transfer: {
    readonly call: SnapshotCall;
    readonly parts: PartReader;
    readonly staging: SnapshotStaging;
    readonly sizeBytes: number;
  }): Promise<Fault | null> {
    const { call, parts, staging, sizeBytes } = transfer;
    let offset = staging.offsetBytes;
    call.write(encodeSnapshotAnswer({ kind: "offset", offset }));
    for (;;) {
      const chunk = await nextOf(parts, this.#options.limits.snapshotIdleMs);
      if ("reason" in chunk) return chunk;
      const fault = chunkFault(chunk, offset, sizeBytes);
      if (fault !== null || chunk.kind !== "chunk") return { reason: "malformed", why: fault ?? "a second offer" };
      if (chunk.data.byteLength > 0) await staging.write(chunk.data);
      offset += chunk.data.byteLength;
      this.#options.counters.snapshotBytesReceived += chunk.data.byteLength;
      if (chunk.last) return null;
    }
  }
}

function chunkFault(part: SnapshotPart, offset: number, sizeBytes: number): string | null {
  if (part.kind !== "chunk") return null;
  const end = offset + part.data.byteLength;
  if (part.offset !== offset) return `a chunk begins at byte ${part.offset}, the one before ended at ${offset}`;
  if (end > sizeBytes) return `the chunks are longer than the ${sizeBytes} bytes that were offered`;
  if (part.last !== (end === sizeBytes))
    return `byte ${end} of ${sizeBytes} is ${part.last ? "said to be" : "not said to be"} the end`;
  if (crc32c(part.data) !== part.crc) return `the checksum of the chunk at byte ${offset} is wrong`;
  return null;
}

async function nextOf(parts: PartReader, withinMs: number): Promise<SnapshotPart | Fault> {
  const next = await parts.next(withinMs);
  switch (next.kind) {
    case "part": {
      const part = decodePart(next.bytes);
      return part.ok ? part.value : { reason: "malformed", why: part.why };
    }
    case "late":
      return { reason: "closed", why: `nothing came for ${withinMs} ms` };
    case "end":
    case "gone":
      return { reason: "closed", why: "the stream ended before the snapshot" };
  }
}
