// SPDX-License-Identifier: Apache-2.0
// The streams that peers send on: who they are from, what came, and when to stop reading.
//
// A stream is taken when its introduction fits (X1), one for each sender and lane: a newer one replaces the older, which its
// sender has lost. Senders that nobody announced are taken too, a few of them (X2). Everything that does not fit ends the stream
// with a reason; nothing that comes in ends anything else (X3).

import { Metadata } from "@grpc/grpc-js";
import type { PeerId, PeerMessage } from "../core/types.ts";
import type { TransportHandlers } from "../runtime/ports.ts";
import { decodeEnvelope, decodeIntroduction, type Fault, type Introduction } from "./envelope.ts";
import { introductionKey, type Lane } from "./raft-methods.ts";
import type { EndCall, LaneCall, SnapshotCall } from "./raft-service.ts";
import { ReadGate } from "./read-gate.ts";
import type { TransportCounters } from "./transport-counters.ts";
import { speakerFault, type TransportSecurity } from "./transport-security.ts";

export interface InboundOptions {
  readonly clusterId: string;
  readonly self: PeerId;
  readonly unknownSendersMax: number;
  readonly security: TransportSecurity;
  readonly counters: TransportCounters;
  readonly handlers: Pick<TransportHandlers, "onMessage">;
  /** Whether the sender was announced by `setPeers`. */
  readonly isKnown: (peer: PeerId) => boolean;
  /** A stream was taken. */
  readonly onSender: (peer: PeerId, remote: string) => void;
  /** No stream of this sender is left. */
  readonly onGone: (peer: PeerId) => void;
}

export class InboundStreams {
  readonly #options: InboundOptions;
  readonly #senders = new Map<PeerId, Map<Lane, InboundStream>>();
  readonly #addresses = new Map<PeerId, string>();

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  get count(): number {
    let count = 0;
    for (const lanes of this.#senders.values()) count += lanes.size;
    return count;
  }

  /** Where a sender whose streams are open says that it listens; empty when it says nothing, or has none. */
  addressOf(sender: PeerId): string {
    return this.#addresses.get(sender) ?? "";
  }

  take(lane: Lane, call: LaneCall, end: EndCall): void {
    const met = this.introduction(call);
    if (!met.ok) return end(met.fault);
    const { sender } = met.introduction;
    if (!this.#hasRoomFor(sender)) {
      return end({ reason: "crowded", why: "too many senders that are no members here; try again later" });
    }
    const { counters, handlers, onSender } = this.#options;
    const lanes = this.#senders.get(sender) ?? new Map<Lane, InboundStream>();
    this.#senders.set(sender, lanes);
    const older = lanes.get(lane);
    const stream = new InboundStream(call, met.introduction, {
      counters,
      handlers,
      end: (fault) => {
        end(fault);
        if (lanes.get(lane) === stream) lanes.delete(lane);
        if (lanes.size > 0 || this.#senders.get(sender) !== lanes) return;
        this.#senders.delete(sender);
        this.#addresses.delete(sender);
        this.#options.onGone(sender);
      },
    });
    // In its place before the older one ends: a sender without streams is forgotten.
    lanes.set(lane, stream);
    this.#addresses.set(sender, met.address);
    older?.finish({ reason: "closed", why: "a newer stream of the same sender replaces this one" });
    counters.acceptedStreams += 1;
    onSender(sender, call.getPeer());
    stream.start();
  }

  /** What the call says of itself, checked. */
  introduction(call: LaneCall | SnapshotCall): ReturnType<typeof decodeIntroduction> {
    const { clusterId, self, security } = this.#options;
    const [shown] = call.metadata.get(introductionKey);
    if (!(shown instanceof Uint8Array)) {
      return { ok: false, fault: { reason: "malformed", why: "the call has no introduction" } };
    }
    const met = decodeIntroduction(shown, { clusterId, peer: self });
    if (!met.ok) return met;
    const fault = speakerFault(security, met.introduction.sender, call.getAuthContext());
    return fault === null ? met : { ok: false, fault };
  }

  close(): void {
    // Deleting while going through a Map is fine, and that is what finishing does.
    for (const lanes of this.#senders.values()) {
      for (const stream of lanes.values()) stream.finish({ reason: "closed", why: "this node stops" });
    }
  }

  #hasRoomFor(sender: PeerId): boolean {
    const { isKnown, unknownSendersMax } = this.#options;
    if (isKnown(sender) || this.#senders.has(sender)) return true;
    const unknown = [...this.#senders.keys()].filter((other) => !isKnown(other));
    return unknown.length < unknownSendersMax;
  }
}

interface StreamContext {
  readonly counters: TransportCounters;
  readonly handlers: Pick<TransportHandlers, "onMessage">;
  readonly end: EndCall;
}

class InboundStream {
  readonly #call: LaneCall;
  readonly #introduction: Introduction;
  readonly #context: StreamContext;
  readonly #gate: ReadGate;
  #finished = false;

  constructor(call: LaneCall, introduction: Introduction, context: StreamContext) {
    this.#call = call;
    this.#introduction = introduction;
    this.#context = context;
    this.#gate = new ReadGate(call);
  }

  start(): void {
    const call = this.#call;
    call.sendMetadata(new Metadata());
    call.on("data", (bytes: Buffer) => this.#take(bytes));
    call.once("end", () => this.finish(null));
    call.once("cancelled", () => this.finish(null));
  }

  /** Reads no more; the other end is told why. */
  finish(fault: Fault | null): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#gate.close();
    this.#call.pause();
    this.#context.end(fault);
  }

  #take(bytes: Buffer): void {
    if (this.#finished) return;
    const { counters } = this.#context;
    counters.receivedBytes += bytes.byteLength;
    const outcome = decodeEnvelope(bytes, this.#introduction);
    if (!outcome.ok) return this.finish(outcome.fault);
    counters.receivedMessages += outcome.messages.length;
    this.#deliver(outcome.messages, 0);
  }

  /** One by one; while the receiver wants no more, the stream is not read (TransportHandlers.onMessage). */
  #deliver(messages: readonly PeerMessage[], from: number): void {
    for (let at = from; at < messages.length; at++) {
      const busy = this.#context.handlers.onMessage(messages[at]!);
      if (busy === undefined) continue;
      this.#gate.close();
      this.#call.pause();
      void busy.then(() => this.#goOn(messages, at + 1));
      return;
    }
  }

  #goOn(messages: readonly PeerMessage[], from: number): void {
    if (this.#finished) return;
    this.#gate.open();
    this.#call.resume();
    this.#deliver(messages, from);
  }
}
