// SPDX-License-Identifier: Apache-2.0
// The caller's signal and a deadline, as one signal.

import type { RequestOptions } from "./outcomes.ts";
import type { Clock } from "./ports.ts";

/** `end` it: it holds a timer and a listener. */
export class Patience {
  why: "aborted" | "deadline" = "aborted";
  readonly #controller = new AbortController();
  readonly #end: () => void;

  constructor(clock: Clock, options: RequestOptions, defaultMs: number) {
    const abort = (): void => this.#controller.abort();
    const timer = clock.after(options.deadlineMs ?? defaultMs, () => {
      this.why = "deadline";
      abort();
    });
    options.signal?.addEventListener("abort", abort, { once: true });
    if (options.signal?.aborted === true) abort();
    this.#end = () => {
      timer.cancel();
      options.signal?.removeEventListener("abort", abort);
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#end();
  }
}
