// SPDX-License-Identifier: Apache-2.0
// Bugs are thrown, refusals are returned. An `InvariantError` says that our own code broke its own promise; nobody catches
// it, the process logs it and ends. Never use it for what a peer, a file or a user may do.

/** A broken promise of our own code. Not caught, except by the process's last handler. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws `InvariantError` unless `condition` holds. Keep `message` free of work: it is built on every call. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(`Invariant broken: ${message}`);
}

/** For the arm of a `switch` or union that cannot be reached: the compiler proves it, this reports the bug otherwise. */
export function unreachable(value: never): never {
  throw new InvariantError(`Invariant broken: unexpected ${JSON.stringify(value)}`);
}
