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

/** More addresses than anybody forms a group with. */
const unansweredMax = 16;

export class GrpcBootstrap implements BootstrapTransport {
  readonly #service: RaftService;
  readonly #limits: TransportLimits;
  /**
   * Of questions that were not answered in time, by address. grpc-js goes on with a handshake that nobody waits for any more,
   * closed or not: a node that hangs would cost another socket with each question.
   */
  readonly #unanswered = new Map<string, Client>();

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
    const client = this.#unanswered.get(address) ?? openChannel({ peer: null, address }, this.#limits, security);
    this.#unanswered.delete(address);
    let bytes: Buffer;
    try {
      bytes = await this.#ask(client, address, signal);
      client.close();
    } catch (error) {
      const isLate = signal.aborted || (error instanceof Error && isDeadline(error.cause));
      if (isLate && this.#unanswered.size < unansweredMax && !this.#unanswered.has(address)) {
        this.#unanswered.set(address, client);
      } else client.close();
      throw error;
    }
    const answer = decodeAnswer(bytes);
    if (answer.ok) return answer.value;
    throw new Error(`Cannot ask "${address}" who it is: its answer is malformed: ${answer.why}`);
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

function isDeadline(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === status.DEADLINE_EXCEEDED;
}

function whyNot(error: ServiceError | null): string {
  return error === null ? "it gave no answer" : `${status[error.code]}: ${error.details}`;
}
