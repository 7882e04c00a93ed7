// SPDX-License-Identifier: Apache-2.0
// Asks nodes who they are, and answers them (M9): one unary call, before and after a node belongs to a group.

import { type Client, type ServiceError, status } from "@grpc/grpc-js";
import type { BootstrapAnswer, BootstrapTransport } from "../runtime/ports.ts";
import { decodeAnswer } from "./hello-codec.ts";
import { openChannel } from "./raft-channel.ts";
import { asIs, raftMethods } from "./raft-methods.ts";
import type { RaftService } from "./raft-service.ts";
import { type TransportLimits, transportLimits } from "./transport-limits.ts";
import { callMetadata } from "./transport-security.ts";

export class GrpcBootstrap implements BootstrapTransport {
  readonly #service: RaftService;
  readonly #limits: TransportLimits;

  /** The service is on a server already, or will be. */
  constructor(options: { readonly service: RaftService; readonly limits?: Partial<TransportLimits> }) {
    this.#service = options.service;
    this.#limits = transportLimits(options.limits);
  }

  answerWith(answer: () => BootstrapAnswer): void {
    this.#service.answerWith(answer);
  }

  async hello(address: string, signal: AbortSignal): Promise<BootstrapAnswer> {
    signal.throwIfAborted();
    const { security } = this.#service;
    const client = openChannel({ peer: null, address }, this.#limits, security);
    try {
      const answer = decodeAnswer(await this.#ask(client, address, signal));
      if (answer.ok) return answer.value;
      throw new Error(`Cannot ask "${address}" who it is: its answer is malformed: ${answer.why}`);
    } finally {
      client.close();
    }
  }

  #ask(client: Client, address: string, signal: AbortSignal): Promise<Buffer> {
    const { path } = raftMethods.Hello;
    const metadata = callMetadata(this.#service.security);
    return new Promise((resolve, reject) => {
      const abort = (): void => call.cancel();
      const call = client.makeUnaryRequest(
        path,
        asIs,
        asIs,
        Buffer.alloc(0),
        metadata,
        { deadline: Date.now() + this.#limits.connectMs },
        (error: ServiceError | null, answer?: Buffer) => {
          signal.removeEventListener("abort", abort);
          if (signal.aborted) reject(signal.reason as Error);
          else if (error === null && answer !== undefined) resolve(answer);
          else reject(new Error(`Cannot ask "${address}" who it is: ${whyNot(error)}`, { cause: error }));
        },
      );
      signal.addEventListener("abort", abort, { once: true });
    });
  }
}

function whyNot(error: ServiceError | null): string {
  return error === null ? "it gave no answer" : `${status[error.code]}: ${error.details}`;
}
