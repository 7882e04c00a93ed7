/** `invariant` of `@varve/format` for hot paths: the message is made only when it is needed. */
import { InvariantError } from "@varve/format";

/** Throws `InvariantError`, which nobody catches, when what must hold does not; `message` says what was expected. */
export function invariant(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new InvariantError(`Invariant broken: ${message()}`);
}
