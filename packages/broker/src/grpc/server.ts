/**
 * The gRPC listener: our two services, the standard health service and server reflection.
 *
 * Closing: streams stop taking requests and answer what is under way, the rest gets a bounded time, then connections are cut,
 * whether or not their other end is there to agree.
 */
import type { Socket } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { type Services, serverOptions, tuneServer } from "@varve/api";
import { BrokerError } from "../errors.ts";
import type { FileBudget } from "../file-budget.ts";
import type { Address } from "../http/server.ts";
import type { BrokerNode } from "../node.ts";
import { createAdminService, hostPort } from "./admin-service.ts";
import { connectionGuard } from "./connection-guard.ts";
import { type GroupsService, createGroupsService } from "./groups-service.ts";
import { Health } from "./health.ts";
import { type LogService, createLogService } from "./log-service.ts";

const serviceNames = ["", "varve.v1.Log", "varve.v1.Groups", "varve.v1.Admin"];

export class GrpcServer {
  readonly address: Address;
  readonly #server: Server;
  readonly #health: Health;
  readonly #log: LogService;
  readonly #groups: GroupsService;
  readonly #sockets: ReadonlySet<Socket>;
  #closing: Promise<void> | undefined;

  private constructor(
    address: Address,
    parts: { server: Server; health: Health; log: LogService; groups: GroupsService; sockets: ReadonlySet<Socket> },
  ) {
    this.#server = parts.server;
    this.#health = parts.health;
    this.#log = parts.log;
    this.#groups = parts.groups;
    this.#sockets = parts.sockets;
    this.address = address;
  }

  static async open(
    options: { host: string; port: number; files: FileBudget; services: Services },
    node: BrokerNode,
  ): Promise<GrpcServer> {
    const { services } = options;
    const server = new Server({
      ...serverOptions,
      "grpc.max_receive_message_length": node.limits.messageBytesMax,
      "grpc.max_concurrent_streams": node.limits.streamsPerConnectionMax,
    });
    const sockets = new Set<Socket>();
    const guard = connectionGuard(node, { files: options.files, sockets });
    tuneServer(server, (message) => node.logger.warn({}, message), guard);
    const log = createLogService(node, services);
    server.addService(log.definition, log.implementation);
    const groups = createGroupsService(node, services);
    server.addService(groups.definition, groups.implementation);
    server.addService(services.admin, createAdminService(node));
    const health = new Health(serviceNames, node.limits.healthWatchesMax);
    server.addService(health.definition, health.implementation);
    new ReflectionService(services.reflection).addToServer(server);
    const target = hostPort(options.host, options.port);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(target, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else {
          server.forceShutdown();
          reject(new BrokerError("LISTEN", `Cannot listen for gRPC on ${target}: ${error.message}`, { cause: error }));
        }
      });
    });
    return new GrpcServer({ host: options.host, port }, { server, health, log, groups, sockets });
  }

  /** Bytes held for consume streams beyond what the network has taken. */
  get heldBytes(): number {
    return this.#log.heldBytes;
  }

  /** Tells health checks that requests are taken. */
  serve(): void {
    this.#health.serve();
  }

  /** Ends within `patienceMs`, or a little later. Idempotent. */
  close(patienceMs: number): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#health.stop();
      this.#log.stop();
      this.#groups.stop();
      const cut = setTimeout(() => {
        this.#server.forceShutdown();
        // A session that was closing in order waits for the other end, even when it is destroyed.
        for (const socket of this.#sockets) socket.destroy();
      }, patienceMs);
      this.#server.tryShutdown(() => {
        clearTimeout(cut);
        resolve();
      });
    });
    return this.#closing;
  }
}
