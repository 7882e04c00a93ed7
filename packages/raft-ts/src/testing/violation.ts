// SPDX-License-Identifier: Apache-2.0
/** What a checker throws: an invariant (IR1 to IR17), a rule or a promise of the simulated world that does not hold. */
export class ViolationError extends Error {
  override readonly name = "ViolationError";
  /** Such as "IR6" or "P4". */
  readonly rule: string;

  constructor(rule: string, message: string) {
    super(`${rule} is violated: ${message}`);
    this.rule = rule;
  }
}

/** Throws `ViolationError` unless `condition` holds. The message is made only then. */
export function holds(condition: boolean, rule: string, message: () => string): asserts condition {
  if (!condition) throw new ViolationError(rule, message());
}
