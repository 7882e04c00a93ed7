// SPDX-License-Identifier: Apache-2.0
// One stream to one peer: opened, fed from a bounded queue, opened again when it breaks.
//
//     waiting ──timer, nudge──▶ connecting ──accepted──▶ up
//        ▲                          │ refused, late       │ broken
//        └──────────────────────────┴─────────────────────┘        any ──close──▶ closed
//
// Messages queue while connecting and up, and are dropped while waiting: a vote of two seconds ago helps nobody. What is written
// and not yet taken by the network is bounded in bytes; the rest stays in the queue, where it is merged and may be dropped.
//
// Invariant: at most one connection is open, and its callbacks do nothing once the lane has left it.

import { type Client, type ClientWritableStream, type ServiceError, status } from "@grpc/grpc-js";
import type { PeerMessage } from "../core/types.ts";
import type { Clock, Timer } from "../runtime/ports.ts";
import { Backoff } from "./backoff.ts";
import { encodeEnvelope, encodeIntroduction, type Introduction } from "./envelope.ts";
import { PeerQueue } from "./peer-queue.ts";
import { openChannel } from "./raft-channel.ts";
import { asIs, introductionKey, isRefusal, type Lane, laneMethods } from "./raft-methods.ts";
import type { TransportCounters } from "./transport-counters.ts";
import { envelopeBytesMax, fieldLimits, type TransportLimits } from "./transport-limits.ts";
import { callMetadata, type TransportSecurity } from "./transport-security.ts";

export interface LaneOptions {
  readonly lane: Lane;
  readonly introduction: Introduction;
  /** Where the peer listens. */
  readonly address: string;
  /** Where this node listens. */
  readonly ownAddress: string;
  readonly limits: TransportLimits;
  readonly security: TransportSecurity;
  readonly counters: TransportCounters;
  readonly clock: Clock;
  readonly random: () => number;
  /** The stream broke, or something was dropped. */
  readonly onUnreachable: () => void;
  /** The peer will not have us, and says why. */
  readonly onRefused: (details: string) => void;
}

interface Connection {
  readonly client: Client;
  readonly call: ClientWritableStream<Buffer>;
  /** Bytes written and not taken by the network yet. */
  unsentBytes: number;
}

type State =
  | { readonly kind: "waiting"; readonly timer: Timer }
  | { readonly kind: "connecting"; readonly connection: Connection; readonly timer: Timer }
  | { readonly kind: "up"; readonly connection: Connection; readonly sinceMs: number }
  | { readonly kind: "closed" };

export class PeerLane {
  readonly #options: LaneOptions;
  readonly #queue: PeerQueue;
  readonly #backoff: Backoff;
  #state: State = { kind: "closed" };
  /**
   * Of an attempt that was not answered in time. grpc-js goes on with a handshake that nobody waits for any more, closed or not: a
   * peer that hangs would cost another socket with each attempt.
   */
  #unanswered: Client | null = null;

  constructor(options: LaneOptions) {
    const { limits, random } = options;
    this.#options = options;
    this.#queue = new PeerQueue(
      options.lane === "control"
        ? { messages: limits.controlQueueMessages, bytes: Number.MAX_SAFE_INTEGER, full: "oldest" }
        : { messages: limits.bulkQueueMessages, bytes: limits.bulkQueueBytes, full: "new" },
    );
    this.#backoff = new Backoff({ minMs: limits.reconnectMinMs, maxMs: limits.reconnectMaxMs, random });
    this.#connect();
  }

  get isUp(): boolean {
    return this.#state.kind === "up";
  }

  /** Queues; `flush` sends. */
  push(message: PeerMessage): void {
    const { counters, onUnreachable } = this.#options;
    if (this.#state.kind === "waiting" || this.#state.kind === "closed") {
      counters.droppedUnreachable += 1;
      onUnreachable();
    } else if (this.#queue.push(message)) {
      counters.droppedFull += 1;
      onUnreachable();
    }
  }

  /** Writes what is queued, as far as the network takes it. */
  flush(): void {
    const { limits, introduction, counters, onUnreachable } = this.#options;
    if (this.#state.kind !== "up") return;
    const { connection } = this.#state;
    while (this.#queue.length > 0 && connection.unsentBytes < limits.unsentBytesMax) {
      const batch = this.#queue.take(limits.appendBytesMax, fieldLimits.messages);
      const bytes = encodeEnvelope(introduction, batch.messages, batch.bytes);
      if (bytes.byteLength > envelopeBytesMax(limits)) {
        counters.droppedTooLarge += batch.messages.length;
        onUnreachable();
        continue;
      }
      connection.unsentBytes += bytes.byteLength;
      connection.call.write(bytes, () => {
        connection.unsentBytes -= bytes.byteLength;
        // Not the connection that the lane has now: then there is nothing to go on with.
        if (this.#state.kind === "up" && this.#state.connection === connection) this.flush();
      });
      counters.sentMessages += batch.messages.length;
      counters.sentBytes += bytes.byteLength;
    }
  }

  /** The peer was heard of: no reason to wait any longer. */
  nudge(): void {
    if (this.#state.kind !== "waiting") return;
    this.#state.timer.cancel();
    this.#connect();
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: "closed" };
    this.#queue.clear();
    if (state.kind === "waiting" || state.kind === "connecting") state.timer.cancel();
    if (state.kind === "connecting" || state.kind === "up") end(state.connection);
    this.#unanswered?.close();
  }

  #connect(): void {
    const { lane, introduction, address, ownAddress, limits, security, clock } = this.#options;
    const { target } = introduction;
    const { path } = laneMethods[lane];
    let client: Client;
    try {
      client = this.#unanswered ?? openChannel({ peer: target, address }, limits, security);
      this.#unanswered = null;
    } catch (error) {
      // An address that is none: it may be put right with the next configuration.
      this.#wait(`The address "${address}" is no address: ${String(error)}`);
      return;
    }
    const metadata = callMetadata(security);
    metadata.set(introductionKey, encodeIntroduction(introduction, ownAddress));
    const call = client.makeClientStreamRequest(path, asIs, asIs, metadata, (error) => this.#ended(connection, error));
    const connection: Connection = { client, call, unsentBytes: 0 };
    // The status says the same, and comes always; an event that nobody listens to would end the process.
    call.on("error", () => undefined);
    call.once("metadata", () => this.#accepted(connection));
    const timer = clock.after(limits.connectMs, () => this.#late(connection));
    this.#state = { kind: "connecting", connection, timer };
  }

  #accepted(connection: Connection): void {
    const state = this.#state;
    if (state.kind !== "connecting" || state.connection !== connection) return;
    state.timer.cancel();
    this.#state = { kind: "up", connection, sinceMs: this.#options.clock.nowMs() };
    this.#options.counters.connects += 1;
    this.flush();
  }

  #late(connection: Connection): void {
    const state = this.#state;
    if (state.kind !== "connecting" || state.connection !== connection) return;
    connection.call.cancel();
    this.#unanswered = connection.client;
    this.#wait(null);
  }

  #ended(connection: Connection, error: ServiceError | null): void {
    const state = this.#state;
    if (state.kind !== "connecting" && state.kind !== "up") return;
    if (state.connection !== connection) return;
    const { limits, clock } = this.#options;
    if (state.kind === "connecting") state.timer.cancel();
    // A stream that is accepted and ended again at once, over and over, is no reason to hurry.
    else if (clock.nowMs() - state.sinceMs >= limits.reconnectMaxMs) this.#backoff.reset();
    end(connection);
    this.#wait(error !== null && isRefusal(error.code ?? status.UNKNOWN) ? error.details : null);
  }

  #wait(refusal: string | null): void {
    const { counters, clock, onUnreachable, onRefused } = this.#options;
    counters.disconnects += 1;
    counters.droppedUnreachable += this.#queue.clear();
    this.#state = { kind: "waiting", timer: clock.after(this.#backoff.next(), () => this.#connect()) };
    onUnreachable();
    if (refusal === null) return;
    counters.refusedByPeer += 1;
    onRefused(refusal);
  }
}

function end({ call, client }: Connection): void {
  call.cancel();
  client.close();
}
