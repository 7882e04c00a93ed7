// SPDX-License-Identifier: Apache-2.0
// The service raft.v1.Raft, apart from any listener: `server.addService(service.definition, service.implementation)` puts it on
// a server of the host's own; `RaftListener` is one for those who have none.
//
// It answers Hello as soon as it knows what to say, and takes streams while a transport is attached: a node without a group can
// be asked who it is. No call costs more than its headers before its secret and its introduction were checked.

import {
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { BootstrapAnswer } from "../runtime/ports.ts";
import type { Fault } from "./envelope.ts";
import { encodeAnswer } from "./hello-codec.ts";
import { type Lane, raftMethods, statusOf } from "./raft-methods.ts";
import { TransportCounters } from "./transport-counters.ts";
import { secretFault, type TransportSecurity } from "./transport-security.ts";

export type LaneCall = ServerReadableStream<Buffer, Buffer>;
export type SnapshotCall = ServerDuplexStream<Buffer, Buffer>;
/** Null: ended in order. */
export type EndCall = (fault: Fault | null) => void;

/** What takes the streams. */
export interface StreamTaker {
  takeLane(lane: Lane, call: LaneCall, end: EndCall): void;
  takeSnapshot(call: SnapshotCall, end: EndCall): void;
}

const notReady: Fault = { reason: "closed", why: "this node takes no messages yet, or no longer" };

const unnamed: Fault = { reason: "closed", why: "this node does not know yet who it is" };

export class RaftService {
  readonly definition: ServiceDefinition = raftMethods;
  readonly implementation: UntypedServiceImplementation;
  readonly counters = new TransportCounters();
  readonly security: TransportSecurity;
  #taker: StreamTaker | null = null;
  #answer: (() => BootstrapAnswer) | null = null;
  /** Called with the remote `address:port` of each call that showed the secret and, on streams, a proper introduction. */
  onProven: (remote: string) => void = () => undefined;

  constructor(options: { readonly security: TransportSecurity }) {
    this.security = options.security;
    this.implementation = {
      Control: (call: LaneCall, callback: sendUnaryData<Buffer>) => this.#lane("control", call, callback),
      Bulk: (call: LaneCall, callback: sendUnaryData<Buffer>) => this.#lane("bulk", call, callback),
      InstallSnapshot: (call: SnapshotCall) => this.#snapshot(call),
      Hello: (call: LaneCall, callback: sendUnaryData<Buffer>) => this.#hello(call, callback),
    };
  }

  /** What Hello answers from now on; replaces what was set before. */
  answerWith(answer: () => BootstrapAnswer): void {
    this.#answer = answer;
  }

  /** From now on streams go there; null: they are refused. */
  attach(taker: StreamTaker | null): void {
    this.#taker = taker;
  }

  #lane(lane: Lane, call: LaneCall, callback: sendUnaryData<Buffer>): void {
    const end = this.#once((fault) => {
      if (fault === null) callback(null, Buffer.alloc(0));
      else callback(statusOf(fault));
    });
    call.on("error", () => undefined); // "cancelled" follows, and says the same
    const fault = this.#taker === null ? notReady : secretFault(this.security, call.metadata);
    if (fault === null) this.#taker?.takeLane(lane, call, end);
    else end(fault);
  }

  #snapshot(call: SnapshotCall): void {
    const end = this.#once((fault) => {
      if (fault === null) call.end();
      else call.emit("error", statusOf(fault));
    });
    const fault = this.#taker === null ? notReady : secretFault(this.security, call.metadata);
    if (fault === null) this.#taker?.takeSnapshot(call, end);
    else end(fault);
  }

  /** The question has nothing in it, so it is not read. */
  #hello(call: LaneCall, callback: sendUnaryData<Buffer>): void {
    call.on("error", () => undefined); // "cancelled" follows, and says the same
    const fault = this.#answer === null ? unnamed : secretFault(this.security, call.metadata);
    if (fault !== null) {
      this.counters.refused[fault.reason] += 1;
      callback(statusOf(fault));
    } else if (this.#answer !== null) {
      this.onProven(call.getPeer());
      callback(null, encodeAnswer(this.#answer()));
    }
  }

  /** A call ends once; what is refused is counted. */
  #once(end: EndCall): EndCall {
    let ended = false;
    return (fault) => {
      if (ended) return;
      ended = true;
      if (fault !== null) this.counters.refused[fault.reason] += 1;
      end(fault);
    };
  }
}
