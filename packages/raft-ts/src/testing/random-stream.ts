// SPDX-License-Identifier: Apache-2.0
/**
 * Randomness that is a function of a master seed and a name.
 *
 * Every part of a world draws from a stream of its own ("network", "disk:a", "workload"), so that a change of one part's
 * appetite does not shift another's numbers, and a plan from which an action was removed meets the same weather.
 *
 * The generator is sfc32, seeded by hashing. Integers only inside, so the numbers are the same on every machine and
 * engine. Not for secrets.
 */
export class RandomStream {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, name: string) {
    this.#a = hashName(name, (seed >>> 0) ^ 0x9e3779b9);
    this.#b = hashName(name, Math.floor(seed / 2 ** 32) ^ 0x21f0aaad);
    this.#c = hashName(name, Math.imul(seed >>> 0, 0x735a2d97));
    for (let round = 0; round < 12; round++) this.bits();
  }

  /** 32 random bits as an unsigned integer. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number in [0, 1). */
  next(): number {
    return this.bits() / 2 ** 32;
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
    return probability > 0 && this.next() < probability;
  }

  /** One of the choices; there must be at least one. */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("Cannot pick from no choices");
    return choices[this.below(choices.length)] as T;
  }

  /** The choices in random order, in a new array. */
  shuffle<T>(choices: readonly T[]): T[] {
    const shuffled = [...choices];
    for (let at = shuffled.length - 1; at > 0; at--) {
      const other = this.below(at + 1);
      [shuffled[at], shuffled[other]] = [shuffled[other] as T, shuffled[at] as T];
    }
    return shuffled;
  }

  /**
   * An integer that is about exponentially distributed around `mean`: every further 0.7 means are half as likely.
   * Built from bits and not from `Math.log`, whose last digit engines may choose.
   */
  exponential(mean: number): number {
    const halvings = Math.clz32(this.bits());
    return Math.floor((halvings + this.next()) * 0.6667 * mean);
  }

  /** A seed for something that draws its own numbers: 32 bits. */
  seed(): number {
    return this.bits();
  }
}

/** The streams of one run, by name: `streams("disk:a")`. Each name has one stream, which goes on where it stood. */
export function randomStreams(seed: number): (name: string) => RandomStream {
  const streams = new Map<string, RandomStream>();
  return (name) => {
    let stream = streams.get(name);
    if (stream === undefined) {
      stream = new RandomStream(seed, name);
      streams.set(name, stream);
    }
    return stream;
  };
}

/** FNV-1a of the UTF-16 units, then mixed (murmur3's finalizer). */
function hashName(name: string, seed: number): number {
  let hash = seed | 0;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}
