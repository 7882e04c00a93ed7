/**
 * A key as 16 bytes that stand for it in a table, and where it belongs there; nobody who chooses keys can foresee either for long ones.
 *
 *   up to 15 bytes    length, then the key itself, zeros behind: two keys never share one
 *   up to 126 bytes   254, then 15 bytes of a keyed hash: two given keys share one with a chance of 2^-120
 *   longer            255, then 15 bytes of the SHA-256 of a secret and the key
 *
 * **The keyed hash** is eight multilinear hashes, each with a secret of its own: the key's length and the key, zeros behind, are words
 * w_1 … w_64 of 16 bits, and a hash is the upper half of `a_0 + a_1·w_1 + … + a_64·w_64` modulo 2^32, the a_i random. Say two keys differ in w_i
 * by d; 2^t is the largest power of two in d, and t < 16. Then a_i·d is uniform over the multiples of 2^t, so the difference D of both sums is
 * uniform over a coset of them; with a_0 random, the upper halves agree with a chance of max(0, 1 - |D| / 2^16), and these add up to
 * 2^-16 (Lemire and Kaser, _Strongly universal string hashing is fast_, 2014). The eight are independent, and 8 bits give way to the mark:
 * 2^-120. Of 10^9 keys any two share an identity with a chance below 4·10^-19.
 *
 * **The place** is simple tabulation: 16 tables of 256 random words, one for each byte, combined by XOR. With linear probing a lookup takes
 * constant time, whatever the keys are (Pătraşcu and Thorup, _The power of simple tabulation hashing_, 2012). A multiplicative mixer with a
 * random seed would not do: keys exist that it sends to one place for every seed.
 *
 * The secret is drawn when the object is made, after the keys were written, and is shown to nobody: that is what the two bounds ask for.
 * No result may depend on it but time.
 */
// oxlint-disable-next-line no-restricted-imports -- a digest touches nothing; of the random bytes nothing depends but how long a search takes.
import { hash, randomFillSync } from "node:crypto";

const ownBytesMax = 15;
const keyedMark = 254;
const digestMark = 255;
const lanes = 8;
/** Of the length and the key, 16 bits each. */
const wordsMax = 64;
const keyedBytesMax = 2 * (wordsMax - 1);
const valuesPerByte = 256;
/** In front of a key that is digested. */
const saltBytes = 32;

export class KeyIdentity {
  /** The identity of the key that was last looked at; borrowed until the next. */
  readonly words = new Int32Array(4);
  readonly #bytes = new Uint8Array(this.words.buffer);
  readonly #places: Int32Array;
  /** The a_i of all lanes, lane by lane for each i. */
  readonly #factors: Int32Array;
  /** The salt, and room for the key behind it: the longest so far. */
  #salted = new Uint8Array(2 * saltBytes);

  constructor(random: (into: Int32Array) => unknown = randomFillSync) {
    this.#places = new Int32Array(this.#bytes.length * valuesPerByte);
    this.#factors = new Int32Array((wordsMax + 1) * lanes);
    random(this.#places);
    random(this.#factors);
    random(new Int32Array(this.#salted.buffer, 0, saltBytes / 4));
  }

  /** Puts the identity of the key in `bytes[start, start + length)` into `words`. */
  take(bytes: Uint8Array, start: number, length: number): void {
    const own = this.#bytes;
    if (length > ownBytesMax) {
      if (length > keyedBytesMax) this.#takeDigest(bytes, start, length);
      else this.#takeKeyed(bytes, start, length);
      return;
    }
    this.words[0] = 0;
    this.words[1] = 0;
    this.words[2] = 0;
    this.words[3] = 0;
    own[0] = length;
    for (let index = 0; index < length; index++) own[index + 1] = bytes[start + index] ?? 0;
  }

  /** Where the identity belongs, 32 bits. */
  get place(): number {
    const own = this.#bytes;
    const places = this.#places;
    let place = 0;
    for (let index = 0; index < 16; index++) place ^= places[(index << 8) | (own[index] ?? 0)] ?? 0;
    return place;
  }

  #takeKeyed(bytes: Uint8Array, start: number, length: number): void {
    const factors = this.#factors;
    // Not an array: each is a register.
    let a = add(factors, 0, lanes, length);
    let b = add(factors, 1, lanes + 1, length);
    let c = add(factors, 2, lanes + 2, length);
    let d = add(factors, 3, lanes + 3, length);
    let e = add(factors, 4, lanes + 4, length);
    let f = add(factors, 5, lanes + 5, length);
    let g = add(factors, 6, lanes + 6, length);
    let h = add(factors, 7, lanes + 7, length);
    const end = start + length;
    let at = 2 * lanes;
    for (let index = start; index < end; index += 2) {
      const word = (bytes[index] ?? 0) | ((index + 1 < end ? (bytes[index + 1] ?? 0) : 0) << 8);
      a = (a + Math.imul(factors[at] ?? 0, word)) | 0;
      b = (b + Math.imul(factors[at + 1] ?? 0, word)) | 0;
      c = (c + Math.imul(factors[at + 2] ?? 0, word)) | 0;
      d = (d + Math.imul(factors[at + 3] ?? 0, word)) | 0;
      e = (e + Math.imul(factors[at + 4] ?? 0, word)) | 0;
      f = (f + Math.imul(factors[at + 5] ?? 0, word)) | 0;
      g = (g + Math.imul(factors[at + 6] ?? 0, word)) | 0;
      h = (h + Math.imul(factors[at + 7] ?? 0, word)) | 0;
      at += lanes;
    }
    this.words[0] = (a >>> 16) | (b & ~0xffff);
    this.words[1] = (c >>> 16) | (d & ~0xffff);
    this.words[2] = (e >>> 16) | (f & ~0xffff);
    this.words[3] = (g >>> 16) | (h & ~0xffff);
    this.#bytes[0] = keyedMark;
  }

  #takeDigest(bytes: Uint8Array, start: number, length: number): void {
    const saltedBytes = saltBytes + length;
    if (this.#salted.length < saltedBytes) {
      const before = this.#salted;
      this.#salted = new Uint8Array(2 * saltedBytes);
      this.#salted.set(before);
    }
    this.#salted.set(bytes.subarray(start, start + length), saltBytes);
    const digest = hash("sha256", this.#salted.subarray(0, saltedBytes), "buffer");
    this.#bytes.set(digest.subarray(0, this.#bytes.length));
    this.#bytes[0] = digestMark;
  }
}

/** a_0 + a_1·word of a lane. */
function add(factors: Int32Array, offsetAt: number, factorAt: number, word: number): number {
  return ((factors[offsetAt] ?? 0) + Math.imul(factors[factorAt] ?? 0, word)) | 0;
}
