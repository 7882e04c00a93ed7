// SPDX-License-Identifier: Apache-2.0
// The way to a broker. Any node will do: calls go to one of the known addresses, and to the next one when that does not answer.
//
//   addresses  a ─ b ─ c      current: a; unreachable(a) → b → c → a …
//
// A node's channel is opened with its first call and stays open until close(): grpc-js reconnects it by itself.

import { setMaxListeners } from "node:events";
import { credentials, type ChannelCredentials } from "@grpc/grpc-js";
import { channelOptions, loadServices, VarveError, type AdminClient, type LogClient, type Services } from "@varve/api";
import { backoffMs } from "./backoff.ts";
import { sleep, unaryCall, type CallControl } from "./call.ts";
import type { Clock } from "./clock.ts";

export interface ConnectionOptions {
  /** `host:port` of one or more nodes of the same cluster. */
  readonly addresses: readonly string[];
  readonly credentials?: ChannelCredentials | undefined;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
}

/** The clients of one node. */
export interface Node {
  readonly address: string;
  readonly log: LogClient;
  readonly admin: AdminClient;
}

export class Connection {
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly #addresses: readonly string[];
  readonly #credentials: ChannelCredentials;
  readonly #services: Services = loadServices();
  readonly #nodes = new Map<string, Node>();
  readonly #closing = new AbortController();
  #current = 0;

  constructor(options: ConnectionOptions) {
    if (options.addresses.length === 0) throw new VarveError("INVALID_REQUEST", "Cannot connect: no address was given");
    for (const address of options.addresses) {
      const port = /^[^\s/]+:(\d{1,5})$/.exec(address)?.[1];
      if (port === undefined || Number(port) > 65_535) {
        throw new VarveError(
          "INVALID_REQUEST",
          `Cannot connect to "${address}": write host:port, such as 127.0.0.1:9094`,
        );
      }
    }
    this.#addresses = options.addresses;
    this.#credentials = options.credentials ?? credentials.createInsecure();
    this.clock = options.clock;
    this.requestTimeoutMs = options.requestTimeoutMs;
    // One listener for each call under way: many are no leak.
    setMaxListeners(0, this.#closing.signal);
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Aborted by close(). */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** The node that calls go to now. Throws CLIENT_CLOSED after close(). */
  node(): Node {
    if (this.closed) throw new VarveError("CLIENT_CLOSED", "Cannot call a broker: the client is closed");
    const address = this.#addresses[this.#current]!;
    let node = this.#nodes.get(address);
    if (node === undefined) {
      const log = this.#services.openLogClient(address, this.#credentials, channelOptions);
      const admin = this.#services.openAdminClient(address, this.#credentials, {
        ...channelOptions,
        // Both services over one connection.
        channelOverride: log.getChannel(),
      });
      node = { address, log, admin };
      this.#nodes.set(address, node);
    }
    return node;
  }

  /** Says that a node did not answer: the next calls go elsewhere, where there is an elsewhere. */
  unreachable(node: Node): void {
    if (this.#addresses[this.#current] === node.address) this.#current = (this.#current + 1) % this.#addresses.length;
  }

  /**
   * Makes a call that may be repeated, until it succeeds, its error is not retriable, or time is up. Rejects with VarveError.
   */
  async retrying<Response>(
    invoke: (node: Node) => Parameters<typeof unaryCall<Response>>[0],
    control: CallControl = {},
  ): Promise<Response> {
    const endMs = this.clock.monotonicMs() + (control.timeoutMs ?? this.requestTimeoutMs);
    const signals = this.#signalsFor(control.signal);
    for (let attempt = 1; ; attempt++) {
      const leftMs = Math.max(1, endMs - this.clock.monotonicMs());
      try {
        return await this.#once(invoke, leftMs, signals);
      } catch (error) {
        const delayMs = backoffMs(attempt, this.clock.random());
        const retry = error instanceof VarveError && error.retriable && this.clock.monotonicMs() + delayMs < endMs;
        if (!retry || error.reason === "REQUEST_TIMED_OUT") throw this.#explain(error);
        await sleep(delayMs, this.clock, signals).catch((reason: unknown) => {
          throw this.#explain(reason);
        });
      }
    }
  }

  /** Makes a call that must not be repeated. Rejects with VarveError. */
  async once<Response>(
    invoke: (node: Node) => Parameters<typeof unaryCall<Response>>[0],
    control: CallControl = {},
  ): Promise<Response> {
    try {
      return await this.#once(invoke, control.timeoutMs ?? this.requestTimeoutMs, this.#signalsFor(control.signal));
    } catch (error) {
      throw this.#explain(error);
    }
  }

  close(): void {
    this.#closing.abort();
    for (const node of this.#nodes.values()) {
      node.admin.close();
      node.log.close();
    }
    this.#nodes.clear();
  }

  async #once<Response>(
    invoke: (node: Node) => Parameters<typeof unaryCall<Response>>[0],
    timeoutMs: number,
    signals: readonly AbortSignal[],
  ): Promise<Response> {
    const node = this.node();
    try {
      return await unaryCall(invoke(node), timeoutMs, signals);
    } catch (error) {
      if (error instanceof VarveError && error.reason === "UNREACHABLE") this.unreachable(node);
      throw error;
    }
  }

  #signalsFor(signal: AbortSignal | undefined): AbortSignal[] {
    return signal === undefined ? [this.closing] : [signal, this.closing];
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof VarveError)) return error;
    if (error.reason === "CANCELLED" && this.closed) {
      return new VarveError("CLIENT_CLOSED", "The client was closed before the call was done", { cause: error });
    }
    if (error.reason === "UNREACHABLE") {
      const addresses = this.#addresses.map((address) => `"${address}"`).join(", ");
      return new VarveError("UNREACHABLE", `Cannot reach a broker at ${addresses}: ${error.message}`, { cause: error });
    }
    return error;
  }
}
