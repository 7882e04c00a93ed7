/**
 * A bounded number of bytes (or of anything countable) that requests hold while they are under way. A place that is full refuses or stops
 * reading; nothing queues here.
 */
export class Budget {
  readonly max: number;
  #used = 0;
  #peak = 0;

  constructor(max: number) {
    this.max = max;
  }

  get used(): number {
    return this.#used;
  }

  /** The most that was ever used at once. */
  get peak(): number {
    return this.#peak;
  }

  /** Takes `amount` when it fits, or when nothing is held (so that one large request can always pass). */
  tryTake(amount: number): boolean {
    if (this.#used > 0 && this.#used + amount > this.max) return false;
    this.take(amount);
    return true;
  }

  /** Takes `amount`, room or not: for what is here already and cannot be sent back. */
  take(amount: number): void {
    this.#used += amount;
    if (this.#used > this.#peak) this.#peak = this.#used;
  }

  give(amount: number): void {
    this.#used -= amount;
  }
}
