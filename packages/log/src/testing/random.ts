/**
 * Randomness that is a function of a seed: the same seed gives the same run on every machine and Node version.
 *
 * The generator is sfc32 seeded through splitmix32. Not for secrets.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    let state = seed >>> 0;
    const mix = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = state ^ (state >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      return (z ^ (z >>> 15)) | 0;
    };
    this.#a = mix();
    this.#b = mix();
    this.#c = mix() ^ Math.floor(seed / 2 ** 32);
    for (let round = 0; round < 12; round++) this.#bits();
  }

  /** A number in [0, 1). */
  next(): number {
    return this.#bits() / 2 ** 32;
  }

  /** An integer in [0, bound); 0 when the bound is not positive. */
  below(bound: number): number {
    return bound <= 0 ? 0 : Math.floor(this.next() * bound);
  }

  /** An integer in [from, to], both included. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the choices; there must be at least one. */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("Cannot pick from no choices");
    return choices[this.below(choices.length)] as T;
  }

  /** A seed for a generator of its own, so that one part's appetite does not shift another's numbers. */
  seed(): number {
    return this.#bits();
  }

  #bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}
