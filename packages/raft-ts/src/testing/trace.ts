// SPDX-License-Identifier: Apache-2.0
/**
 * What happened, as a hash of everything and a ring of the newest lines.
 *
 * The hash makes "the same run" checkable (IR16); the ring is what a report prints. Lines are made only while somebody
 * wants them, because making text of every event would cost more than the event.
 */
export class Trace {
  /** How many facts went into the hash. */
  count = 0;
  readonly #lines: string[] = [];
  readonly #linesMax: number;
  /** Told of every line, too. */
  readonly #onLine: ((line: string) => void) | undefined;
  #next = 0;
  #low = 0x811c9dc5 | 0;
  #high = 0x9dc5811c | 0;

  /** Keeps the newest `linesMax` lines; 0 keeps none and makes none, unless `onLine` wants them. */
  constructor(linesMax = 0, onLine?: (line: string) => void) {
    this.#linesMax = linesMax;
    this.#onLine = onLine;
  }

  /** Whether lines are wanted. */
  get isVerbose(): boolean {
    return this.#linesMax > 0 || this.#onLine !== undefined;
  }

  /** Takes a fact into the hash. Numbers are taken whole as long as they are safe integers. */
  fact(fact: number): void {
    this.count++;
    this.#mix(fact | 0);
    if (fact > 0x7fffffff) this.#mix(Math.floor(fact / 2 ** 32) | 0);
  }

  /** Takes a text into the hash. */
  text(text: string): void {
    this.count++;
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at));
  }

  /** Keeps a line. Call it only while `isVerbose`. */
  line(line: string): void {
    this.#onLine?.(line);
    if (this.#linesMax === 0) return;
    this.#lines[this.#next] = line;
    this.#next = (this.#next + 1) % this.#linesMax;
  }

  /** The newest lines, oldest first. */
  lines(): string[] {
    return [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)];
  }

  /** The hash of all facts so far, 16 hex digits. */
  hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }

  #mix(bits: number): void {
    this.#low = Math.imul(this.#low ^ bits, 0x01000193);
    this.#high = Math.imul((this.#high + (this.#low >>> 15)) ^ bits, 0x5bd1e995);
  }
}
