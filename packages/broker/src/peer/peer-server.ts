/**
 * The listener for the other nodes: Raft's service, which proves its callers itself, and services of this broker, whose callers are
 * proved here. It listens before this node belongs to a cluster; services may be added while it runs.
 *
 *     stream ──> /raft.v1.Raft/… ──────────────────────────────> RaftService
 *       └──────> anything else ── secret, cluster, target ──> handler, or refused before a byte of the request is read
 */
import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";
import { Server, ServerCredentials, type ServerInterceptor, ServerInterceptingCall, status } from "@grpc/grpc-js";
import { serverOptions, tuneServer } from "@varve/api";
import type { Clock } from "@varve/log";
import type { RaftService } from "raft-ts/grpc";
import { BrokerError } from "../errors.ts";
import { hostPort } from "../grpc/admin-service.ts";
import type { Address } from "../http/server.ts";
import type { Logger } from "../logger.ts";
import type { PeerService } from "../ports/peers.ts";
import { closeStrangers } from "./stranger-guard.ts";
import { type PeerIdentity, callerIn, credentialFault } from "./peer-credentials.ts";

export interface PeerServerOptions {
  readonly host: string;
  readonly port: number;
  readonly raft: RaftService;
  /** Undefined until this node belongs to a cluster. */
  readonly identity: () => PeerIdentity | undefined;
  readonly logger: Logger;
  readonly clock: Pick<Clock, "setTimer">;
}

/** Larger than a batch, and than an entry of Raft. */
export const peerMessageBytesMax = 17 * 1024 * 1024;
/** Two for Raft and three for us from each node, and room for those that come again before the old ones are gone. */
const connectionsMax = 256;
/** Calls of clients, which came to the wrong node, may be as many as a client may make. */
const streamsPerConnectionMax = 1_024;

export class PeerServer {
  readonly address: Address;
  readonly #server: Server;
  readonly #sockets: ReadonlySet<Socket>;
  #closing: Promise<void> | undefined;

  private constructor(address: Address, server: Server, sockets: ReadonlySet<Socket>) {
    this.address = address;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** @throws BrokerError LISTEN */
  static async open(options: PeerServerOptions): Promise<PeerServer> {
    const { raft, identity, logger, clock } = options;
    const server = new Server({
      ...serverOptions,
      "grpc.max_receive_message_length": peerMessageBytesMax,
      "grpc.max_send_message_length": peerMessageBytesMax,
      "grpc.max_concurrent_streams": streamsPerConnectionMax,
      "grpc.keepalive_time_ms": 1_000,
      "grpc.keepalive_timeout_ms": 2_000,
      interceptors: [
        proveCallers(
          Object.values(raft.definition).map(({ path }) => path),
          identity,
        ),
      ],
    });
    const sockets = new Set<Socket>();
    tuneServer(
      server,
      (message) => logger.warn({}, message),
      (http2Server) => {
        keepSockets(http2Server, sockets);
        closeStrangers(http2Server, clock);
      },
    );
    server.addService(raft.definition, raft.implementation);
    const target = hostPort(options.host, options.port);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(target, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) return resolve(bound);
        server.forceShutdown();
        reject(
          new BrokerError("LISTEN", `Cannot listen for other nodes on ${target}: ${error.message}`, { cause: error }),
        );
      });
    });
    return new PeerServer({ host: options.host, port }, server, sockets);
  }

  /** Until then calls of this service are answered UNIMPLEMENTED. */
  add(service: PeerService): void {
    this.#server.addService(
      service.definition,
      service.implementation(({ metadata }) => callerIn(metadata)),
    );
  }

  /** Cuts every connection: what peers do not hear of, they ask again. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.tryShutdown(() => resolve());
      this.#server.forceShutdown();
      for (const socket of this.#sockets) socket.destroy();
    });
    return this.#closing;
  }
}

function keepSockets(http2Server: Http2Server, sockets: Set<Socket>): void {
  http2Server.maxConnections = connectionsMax;
  http2Server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
}

function proveCallers(provenElsewhere: readonly string[], identity: () => PeerIdentity | undefined): ServerInterceptor {
  const others = new Set(provenElsewhere);
  return ({ path }, call) => {
    if (others.has(path)) return new ServerInterceptingCall(call);
    return new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, proceed) => {
            const self = identity();
            const fault =
              self === undefined
                ? { code: status.UNAVAILABLE, details: "Refused: this node belongs to no cluster yet; try again" }
                : credentialFault(metadata, self);
            if (fault === undefined) proceed(metadata);
            else call.sendStatus(fault);
          },
        });
      },
    });
  };
}
