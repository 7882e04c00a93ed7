/**
 * The operator's door: `/metrics`, `/healthz` (the process runs), `/readyz` (it takes requests). Later the console and REST.
 *
 * Invariant: answers are small and never read a request body; everything else is 404 or 405.
 */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Registry } from "prom-client";
import { BrokerError } from "../errors.ts";

/** Beyond, the oldest connection is closed: strangers that ask for nothing must not keep a probe of the node's health out. */
const connectionsMax = 64;

export interface HttpOptions {
  host: string;
  /** 0: any free port. */
  port: number;
}

export interface HttpDependencies {
  registry: Registry;
  /** Undefined when requests are taken, else why not. */
  whyNotReady(): string | undefined;
}

export interface Address {
  host: string;
  port: number;
}

export class HttpServer {
  readonly address: Address;
  readonly #server: Server;
  #closing: Promise<void> | undefined;

  private constructor(server: Server, address: Address) {
    this.#server = server;
    this.address = address;
  }

  static async open(options: HttpOptions, dependencies: HttpDependencies): Promise<HttpServer> {
    const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 5_000 });
    dropOldest(server, connectionsMax);
    server.on("request", (request, response) => {
      request.resume();
      // Not `new URL`: it throws on what a stranger may send, such as "//".
      const [path = "/"] = (request.url ?? "/").split("?", 1);
      answer(request.method ?? "", path, response, dependencies);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        reject(
          new BrokerError("LISTEN", `Cannot listen for HTTP on ${options.host}:${options.port}: ${error.message}`, {
            cause: error,
          }),
        );
      });
      server.listen(options.port, options.host, resolve);
    });
    const { port } = server.address() as AddressInfo;
    return new HttpServer(server, { host: options.host, port });
  }

  /** Ends idle connections at once and waits for the answers that are under way. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
      // A scraper that does not read its answer must not hold the shutdown.
      const patience = setTimeout(() => this.#server.closeAllConnections(), 1_000);
      this.#server.once("close", () => clearTimeout(patience));
    });
    return this.#closing;
  }
}

function dropOldest(server: Server, most: number): void {
  /** In the order in which they came. */
  const open = new Set<Socket>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    const [oldest] = open;
    if (open.size <= most || oldest === undefined) return;
    open.delete(oldest);
    oldest.destroy();
  });
}

function answer(method: string, path: string, response: ServerResponse, dependencies: HttpDependencies): void {
  if (method !== "GET" && method !== "HEAD") {
    send(response, 405, `Cannot ${method} here: only GET and HEAD are known\n`);
    return;
  }
  switch (path) {
    case "/healthz":
      send(response, 200, "ok\n");
      return;
    case "/readyz": {
      const why = dependencies.whyNotReady();
      send(response, why === undefined ? 200 : 503, `${why ?? "ready"}\n`);
      return;
    }
    case "/metrics":
      dependencies.registry.metrics().then(
        (text) => send(response, 200, text, dependencies.registry.contentType),
        (error: unknown) => send(response, 500, `Cannot collect metrics: ${String(error)}\n`),
      );
      return;
    default:
      send(response, 404, `Nothing at "${path}": there are /metrics, /healthz and /readyz\n`);
  }
}

function send(response: ServerResponse, status: number, body: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  // Node drops the body of an answer to HEAD by itself.
  response.end(body);
}
