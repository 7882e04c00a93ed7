// SPDX-License-Identifier: Apache-2.0
// A server for the Raft service alone, for hosts that have none. It bounds what strangers cost before they have proved anything:
// connections (at the limit the oldest that proved nothing goes), streams of each, bytes of each message.
//
// The sockets are ours and are handed to grpc-js, so that they can be counted, and cut at the end.

import { Server } from "@grpc/grpc-js";
import { createServer, type AddressInfo, type Server as NetServer, type Socket } from "node:net";
import type { RaftService } from "./raft-service.ts";
import { envelopeBytesMax, type TransportLimits, transportLimits } from "./transport-limits.ts";
import { serverCredentials } from "./transport-security.ts";

export interface RaftListenerOptions {
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** 0: any free one. */
  readonly port: number;
  readonly service: RaftService;
  /** Connections at the same time; a peer has up to three. @default 64 */
  readonly connectionsMax?: number;
  /** Calls at the same time on one connection. @default 8 */
  readonly callsPerConnectionMax?: number;
  readonly limits?: Partial<TransportLimits>;
}

export class RaftListener {
  /** `host:port`, with the port that was taken. */
  readonly address: string;
  readonly port: number;
  readonly #net: NetServer;
  readonly #server: Server;
  readonly #connections: Connections;
  #closing: Promise<void> | null = null;

  private constructor(net: NetServer, server: Server, connections: Connections, host: string) {
    this.#net = net;
    this.#server = server;
    this.#connections = connections;
    this.port = (net.address() as AddressInfo).port;
    this.address = `${host.includes(":") ? `[${host}]` : host}:${this.port}`;
  }

  /** Rejects when nobody can listen there. */
  static async open(options: RaftListenerOptions): Promise<RaftListener> {
    const { host = "127.0.0.1", port, service } = options;
    const limits = transportLimits(options.limits);
    const server = new Server({
      "grpc.enable_channelz": 0,
      "grpc.max_receive_message_length": envelopeBytesMax(limits),
      "grpc.max_concurrent_streams": options.callsPerConnectionMax ?? 8,
      "grpc.keepalive_time_ms": limits.keepaliveMs,
      "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
      // A connection without a call is nobody's.
      "grpc.max_connection_idle_ms": 60_000,
    });
    server.addService(service.definition, service.implementation);
    const injector = server.createConnectionInjector(serverCredentials(service.security));
    const connections = new Connections(options.connectionsMax ?? 64);
    const net = createServer({ noDelay: true }, (socket) => {
      if (connections.admit(socket)) injector.injectConnection(socket);
    });
    service.onProven = (remote) => connections.prove(remote);
    await new Promise<void>((resolve, reject) => {
      net.once("error", (cause) => {
        server.forceShutdown();
        reject(new Error(`Cannot listen for Raft peers on ${host}:${port}: ${cause.message}`, { cause }));
      });
      net.listen(port, host, resolve);
    });
    // A connection that could not be taken, for want of descriptors: its loss, not the process's.
    net.on("error", () => undefined);
    return new RaftListener(net, server, connections, host);
  }

  /** Cuts all connections. Stop the transport first. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#net.close(() => resolve());
      this.#server.forceShutdown();
      this.#connections.destroy();
    });
    return this.#closing;
  }
}

class Connections {
  readonly #max: number;
  /** The oldest first; whether a call on it proved to know the group. */
  readonly #sockets = new Map<Socket, boolean>();

  constructor(max: number) {
    this.#max = max;
  }

  /** False: no room, and the socket is gone. */
  admit(socket: Socket): boolean {
    // What goes wrong with it ends it; the session above says so to whom it concerns.
    socket.on("error", () => socket.destroy());
    if (this.#sockets.size >= this.#max && !this.#cutOldestUnproven()) {
      socket.destroy();
      return false;
    }
    this.#sockets.set(socket, false);
    socket.once("close", () => this.#sockets.delete(socket));
    return true;
  }

  prove(remote: string): void {
    for (const socket of this.#sockets.keys()) {
      if (`${socket.remoteAddress}:${socket.remotePort}` === remote) this.#sockets.set(socket, true);
    }
  }

  destroy(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  #cutOldestUnproven(): boolean {
    for (const [socket, proven] of this.#sockets) {
      if (proven) continue;
      this.#sockets.delete(socket);
      socket.destroy();
      return true;
    }
    return false;
  }
}
