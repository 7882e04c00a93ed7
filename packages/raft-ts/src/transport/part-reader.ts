// SPDX-License-Identifier: Apache-2.0
// Reads a stream of messages one at a time, each within a time. Nothing is read before it is asked for.

import type { Readable } from "node:stream";
import type { Clock } from "../runtime/ports.ts";
import { ReadGate } from "./read-gate.ts";

export type NextPart =
  | { readonly kind: "part"; readonly bytes: Buffer }
  /** The other end has nothing more to say. */
  | { readonly kind: "end" }
  /** The call is over. */
  | { readonly kind: "gone" }
  | { readonly kind: "late" };

export class PartReader {
  readonly #stream: Readable;
  readonly #clock: Clock;
  readonly #gate: ReadGate;

  constructor(stream: Readable, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
    this.#gate = new ReadGate(stream);
    this.#gate.close();
  }

  /** One call at a time. */
  next(withinMs: number): Promise<NextPart> {
    const stream = this.#stream;
    return new Promise((resolve) => {
      const settle = (part: NextPart): void => {
        timer.cancel();
        this.#gate.close();
        stream.off("readable", attempt);
        stream.off("end", onEnd);
        stream.off("close", onGone);
        stream.off("cancelled", onGone);
        resolve(part);
      };
      const attempt = (): void => {
        const bytes = stream.read() as Buffer | null;
        if (bytes !== null) settle({ kind: "part", bytes });
      };
      const onEnd = (): void => settle({ kind: "end" });
      const onGone = (): void => settle({ kind: "gone" });
      const timer = this.#clock.after(withinMs, () => settle({ kind: "late" }));
      if (stream.destroyed) return onGone();
      if (stream.readableEnded) return onEnd();
      stream.on("readable", attempt);
      stream.on("end", onEnd);
      stream.on("close", onGone);
      stream.on("cancelled", onGone);
      this.#gate.open();
      attempt();
    });
  }
}
