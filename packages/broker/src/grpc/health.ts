/**
 * The standard health service, for `""` (the node) and each of our services. Not the implementation of grpc-health-check: that
 * one keeps every name that a stranger ever watched, quotes names of any length in a trailer, which stalls the connection,
 * and never ends a Watch, which holds every shutdown for as long as it may take.
 *
 * Invariant: at most `watchesMax` calls are held, and none after `stop`.
 */
import {
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServerWritableStream,
  type UntypedServiceImplementation,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { service } from "grpc-health-check";

type Serving = "SERVING" | "NOT_SERVING";
interface HealthRequest {
  readonly service: string;
}
interface HealthResponse {
  readonly status: Serving | "SERVICE_UNKNOWN";
}

export class Health {
  readonly definition: ServiceDefinition = service;
  readonly #names: readonly string[];
  readonly #watchesMax: number;
  readonly #watches = new Map<ServerWritableStream<HealthRequest, HealthResponse>, HealthResponse["status"]>();
  #status: Serving = "NOT_SERVING";
  #isStopped = false;

  constructor(names: readonly string[], watchesMax: number) {
    this.#names = names;
    this.#watchesMax = watchesMax;
  }

  get implementation(): UntypedServiceImplementation {
    return {
      check: (call: ServerUnaryCall<HealthRequest, HealthResponse>, callback: sendUnaryData<HealthResponse>) => {
        const found = this.#statusOf(call.request.service);
        if (found !== "SERVICE_UNKNOWN") callback(null, { status: found });
        else callback({ code: status.NOT_FOUND, details: `Unknown service; known are ${this.#names.join(", ")}` });
      },
      watch: (call: ServerWritableStream<HealthRequest, HealthResponse>) => this.#watch(call),
      list: (_call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => {
        const statuses = Object.fromEntries(this.#names.map((name) => [name, { status: this.#status }]));
        callback(null, { statuses });
      },
    };
  }

  /** Says that requests are taken. */
  serve(): void {
    this.#status = "SERVING";
    for (const [call, told] of this.#watches) if (told !== "SERVICE_UNKNOWN") call.write({ status: this.#status });
  }

  /** Says that none are taken any more, and ends the watches. */
  stop(): void {
    this.#status = "NOT_SERVING";
    this.#isStopped = true;
    for (const [call, told] of this.#watches) {
      if (told !== "SERVICE_UNKNOWN") call.write({ status: this.#status });
      call.end();
    }
    this.#watches.clear();
  }

  #statusOf(name: string): HealthResponse["status"] {
    return this.#names.includes(name) ? this.#status : "SERVICE_UNKNOWN";
  }

  #watch(call: ServerWritableStream<HealthRequest, HealthResponse>): void {
    call.on("error", () => undefined);
    if (this.#watches.size >= this.#watchesMax) {
      const details = `Cannot watch now: ${this.#watchesMax} watches are open, which is the limit`;
      call.emit("error", { code: status.RESOURCE_EXHAUSTED, details });
      return;
    }
    const told = this.#statusOf(call.request.service);
    call.write({ status: told });
    if (this.#isStopped) {
      call.end();
      return;
    }
    this.#watches.set(call, told);
    call.on("cancelled", () => this.#watches.delete(call));
    call.on("close", () => this.#watches.delete(call));
  }
}
