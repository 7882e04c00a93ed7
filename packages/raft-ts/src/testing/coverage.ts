// SPDX-License-Identifier: Apache-2.0
/**
 * What a run has seen: edges (role, message, role), decisions by rule, faults by kind. A night without a leader change
 * during a snapshot is a broken test, and only numbers tell.
 */
export class Coverage {
  readonly #counts = new Map<string, number>();

  count(what: string, by = 1): void {
    if (by > 0) this.#counts.set(what, (this.#counts.get(what) ?? 0) + by);
  }

  add(other: Coverage): void {
    for (const [what, count] of other.#counts) this.count(what, count);
  }

  get(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** Everything that begins with `prefix`, without it, by name. */
  list(prefix: string): [what: string, count: number][] {
    return [...this.#counts]
      .filter(([what]) => what.startsWith(prefix))
      .map(([what, count]): [string, number] => [what.slice(prefix.length), count])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
