/** A bug in this package, found by itself. Nobody catches it: the process says so and ends. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws when what must hold does not; `message` says what was expected, and is made only then. */
export function invariant(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new InvariantError(message());
}
