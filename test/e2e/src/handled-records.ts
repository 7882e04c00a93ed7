// What the members of a group have handled, by the journals that they keep (group-member.ts), and what was wrong with it: a record that
// nobody handled, one that was handled before an earlier one of its key, one that came again with no fault to explain it.

import { readFileSync } from "node:fs";

interface Handling {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  /** Among the records of its key, from 0. */
  readonly number: number;
  readonly atNs: bigint;
}

/** A commit may be this old when a fault meets it: the interval, and a busy machine. */
const uncommittedNs = 10_000_000_000n;

export class HandledRecords {
  readonly #journals = new Map<string, { readBytes: number; rest: string }>();
  readonly #handlings: Handling[] = [];
  readonly #seen = new Set<string>();

  /** A new member's journal. */
  follow(journal: string): void {
    this.#journals.set(journal, { readBytes: 0, rest: "" });
  }

  /** How many different records were handled by now. */
  count(): number {
    for (const [path, journal] of this.#journals) {
      const text = journal.rest + readFileSync(path).subarray(journal.readBytes).toString();
      journal.readBytes += text.length - journal.rest.length;
      const lines = text.split("\n");
      // A kill may come in the middle of a line; what follows it would be another member's file.
      journal.rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    }
    return this.#seen.size;
  }

  #take(line: string): void {
    const [partition, offset, key = "", number, at = "0"] = line.split(" ");
    this.#seen.add(`${partition}/${offset}`);
    const handling = { partition: Number(partition), offset: Number(offset), key, number: Number(number) };
    this.#handlings.push({ ...handling, atNs: BigInt(at) });
  }

  /** Records that were handled more than once: how often in all. */
  get repeated(): number {
    return this.#handlings.length - this.#seen.size;
  }

  /** What should not be. `numbers`: how many records each key has. */
  violations(numbers: ReadonlyMap<string, number>, faultsNs: readonly bigint[]): string[] {
    const found: string[] = [];
    const inOrder = [...this.#handlings].sort((a, b) => (a.atNs < b.atNs ? -1 : 1));
    const next = new Map<string, number>();
    const lastNs = new Map<string, bigint>();
    for (const { partition, offset, key, number, atNs } of inOrder) {
      const expected = next.get(key) ?? 0;
      if (number > expected) found.push(`record ${number} of key "${key}" was handled before record ${expected}`);
      next.set(key, Math.max(expected, number + 1));
      const place = `${partition}/${offset}`;
      const before = lastNs.get(place);
      lastNs.set(place, atNs);
      if (before === undefined) continue;
      const isExplained = faultsNs.some((faultNs) => before - uncommittedNs < faultNs && faultNs < atNs);
      if (!isExplained) found.push(`record ${place} came again, and nothing had happened`);
    }
    for (const [key, count] of numbers) {
      const handled = next.get(key) ?? 0;
      if (handled < count) found.push(`${count - handled} records of key "${key}" were handled by nobody`);
    }
    return found;
  }
}
