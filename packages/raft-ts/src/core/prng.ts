// SPDX-License-Identifier: Apache-2.0
// The core's only source of chance: xoshiro128**, on 32-bit integers, seeded by numbers and names. The same seed gives the
// same draws on every machine. Not for secrets.

const golden = 0x9e3779b9;

export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** `seed` is cut to 128 bits. `name` separates streams that share a seed: peers, purposes (E5). */
  constructor(seed: bigint, name: string) {
    // Every word of the state depends on every word of the seed and on every character of the name.
    let mixed = hash(name, golden);
    const word = (shift: bigint): number => {
      mixed = scramble(mixed ^ Number((seed >> shift) & 0xffffffffn));
      return mixed;
    };
    word(96n);
    word(64n);
    word(32n);
    word(0n);
    this.#a = word(0n);
    this.#b = word(32n);
    this.#c = word(64n);
    // An all-zero state would stay zero for ever.
    this.#d = word(96n) | 1;
  }

  /** The next 32 bits, unsigned. */
  next(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotate(this.#d, 11);
    return result;
  }

  /** Uniform in [0, bound), for 1 <= bound <= 2^32. */
  below(bound: number): number {
    // Draws from the incomplete last stretch would favour small results.
    const usable = 0x100000000 - (0x100000000 % bound);
    let draw = this.next();
    while (draw >= usable) draw = this.next();
    return draw % bound;
  }
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

/** A bijection of 32 bits that spreads every input bit (the finalizer of MurmurHash3, after a Weyl step). */
function scramble(x: number): number {
  let h = (x + golden) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hash(text: string, start: number): number {
  let h = start;
  for (let index = 0; index < text.length; index += 1) h = scramble(h ^ text.charCodeAt(index));
  return h;
}
