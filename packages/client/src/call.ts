// SPDX-License-Identifier: Apache-2.0
// One gRPC call as a promise, with the caller's signal and deadline, and every failure as a VarveError.

import { Metadata, type CallOptions, type ClientUnaryCall, type ServiceError } from "@grpc/grpc-js";
import { errorFromStatus, VarveError } from "@varve/api";
import type { Clock } from "./clock.ts";

export interface CallControl {
  /** Gives the call up: it rejects with CANCELLED. What was sent may still be carried out. */
  readonly signal?: AbortSignal | undefined;
  /** Longest wait for the answer, in ms. @default the client's requestTimeoutMs */
  readonly timeoutMs?: number | undefined;
}

type Invoke<Response> = (
  metadata: Metadata,
  options: CallOptions,
  callback: (error: ServiceError | null, response?: Response) => void,
) => ClientUnaryCall;

/**
 * Makes a unary call. Any of `signals` gives it up, and so does `clock`, which is monotonic: gRPC's own deadlines are moments of the wall
 * clock, and that may jump.
 */
export function unaryCall<Response>(
  invoke: Invoke<Response>,
  { timeoutMs, signals, clock }: { timeoutMs: number; signals: readonly AbortSignal[]; clock: Pick<Clock, "setTimer"> },
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const before = firstAborted(signals);
    if (before !== undefined) {
      reject(cancelled(before));
      return;
    }
    let isLate = false;
    const call = invoke(new Metadata(), {}, (error, response) => {
      forget();
      timer.cancel();
      const aborted = firstAborted(signals);
      if (aborted !== undefined) reject(cancelled(aborted));
      else if (error !== null && isLate) {
        reject(new VarveError("REQUEST_TIMED_OUT", `No answer came within ${timeoutMs} ms`, { cause: error }));
      } else if (error !== null) reject(errorFromStatus(error));
      else if (response === undefined)
        reject(new VarveError("INTERNAL", "Cannot read the answer: the broker sent none"));
      else resolve(response);
    });
    const forget = onAbort(signals, () => call.cancel());
    const timer = clock.setTimer(timeoutMs, () => {
      isLate = true;
      call.cancel();
    });
  });
}

/** The error of a call that its caller gave up. */
export function cancelled(signal: AbortSignal): VarveError {
  return new VarveError("CANCELLED", "The call was given up by its signal", { cause: signal.reason });
}

/** Resolves after `delayMs`, or rejects with CANCELLED when one of the signals is aborted before. */
export function sleep(delayMs: number, clock: Clock, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const before = firstAborted(signals);
    if (before !== undefined) {
      reject(cancelled(before));
      return;
    }
    const timer = clock.setTimer(delayMs, () => {
      forget();
      resolve();
    });
    const forget = onAbort(signals, (signal) => {
      timer.cancel();
      forget();
      reject(cancelled(signal));
    });
  });
}

/**
 * Calls `run` when one of the signals is aborted; the result takes that back. By hand, since AbortSignal.any() keeps what it made
 * for as long as the longest-lived signal lives.
 */
export function onAbort(signals: readonly AbortSignal[], run: (signal: AbortSignal) => void): () => void {
  const listeners = signals.map((signal) => {
    const listener = (): void => run(signal);
    signal.addEventListener("abort", listener, { once: true });
    return { signal, listener };
  });
  return () => {
    for (const { signal, listener } of listeners) signal.removeEventListener("abort", listener);
  };
}

function firstAborted(signals: readonly AbortSignal[]): AbortSignal | undefined {
  return signals.find((signal) => signal.aborted);
}
