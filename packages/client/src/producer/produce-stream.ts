// SPDX-License-Identifier: Apache-2.0
// One ProduceStream call: requests out, answers in, in the same order. Knows nothing of partitions; when it ends, whatever has
// no answer yet is handed back as lost.

import { Metadata, type ClientDuplexStream, type ServiceError } from "@grpc/grpc-js";
import { errorFromStatus, VarveError, type ProduceOutcome, type ProduceRequestFields } from "@varve/api";
import type { Node } from "../connection.ts";

export interface ProduceStreamEvents<Tag> {
  /** The answer to the oldest request without one. */
  answered(tag: Tag, outcome: ProduceOutcome): void;
  /** A message with answers has been worked off. */
  answeredAll(): void;
  /** write() works again. */
  writable(): void;
  /** The stream is over; `pending` were never answered, in the order sent. Called once, also after end(). */
  over(pending: readonly Tag[], error: VarveError | undefined): void;
}

export class ProduceStream<Tag> {
  readonly node: Node;
  readonly #call: ClientDuplexStream<ProduceRequestFields, readonly ProduceOutcome[]>;
  readonly #events: ProduceStreamEvents<Tag>;
  #pending: Tag[] = [];
  #answered = 0;
  #writable = true;
  #over = false;

  constructor(node: Node, events: ProduceStreamEvents<Tag>) {
    this.node = node;
    this.#events = events;
    this.#call = node.log.ProduceStream(new Metadata(), {});
    this.#call.on("data", (outcomes: readonly ProduceOutcome[]) => this.#take(outcomes));
    this.#call.on("drain", () => {
      this.#writable = true;
      events.writable();
    });
    this.#call.on("error", (error: ServiceError) => this.#finish(errorFromStatus(error)));
    this.#call.on("end", () => this.#finish(undefined));
  }

  /** False while the network is behind: what is sent now waits in memory. */
  get writable(): boolean {
    return this.#writable && !this.#over;
  }

  send(tag: Tag, request: ProduceRequestFields): void {
    this.#pending.push(tag);
    if (!this.#call.write(request)) this.#writable = false;
  }

  /** No more requests; the stream is over when the last answer is in. */
  end(): void {
    if (!this.#over) this.#call.end();
  }

  /** The oldest request without an answer. */
  get oldest(): Tag | undefined {
    return this.#pending[this.#answered];
  }

  /** How many requests have no answer. */
  get underWay(): number {
    return this.#pending.length - this.#answered;
  }

  /** The requests without an answer, in the order sent. */
  get pending(): readonly Tag[] {
    return this.#pending.slice(this.#answered);
  }

  /** Over now. */
  cancel(): void {
    if (!this.#over) this.#call.cancel();
  }

  /** Over now, for this reason. What is still sent back by then is not looked at. */
  giveUp(error: VarveError): void {
    if (this.#over) return;
    this.#finish(error);
    this.#call.cancel();
  }

  #take(outcomes: readonly ProduceOutcome[]): void {
    if (this.#over) return;
    for (const outcome of outcomes) {
      const tag = this.#pending[this.#answered];
      if (tag === undefined) {
        this.#call.cancel();
        return;
      }
      this.#answered += 1;
      this.#events.answered(tag, outcome);
    }
    if (this.#answered > 1024 || this.#answered === this.#pending.length) {
      this.#pending = this.#pending.slice(this.#answered);
      this.#answered = 0;
    }
    this.#events.answeredAll();
  }

  #finish(error: VarveError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.over(this.#pending.slice(this.#answered), error);
  }
}
