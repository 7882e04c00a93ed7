/**
 * Which offset is the latest of each key, in bounded memory: an open-addressing table over typed arrays, 24 bytes a slot.
 *
 *   slot     0 identity, 4 × u32 · 16 offset + 1, 0: the slot is free
 *   identity a key of up to 15 bytes     length, then the key itself, zeros behind: two keys never share one
 *            a longer one                255, then 15 bytes of its SHA-256: sharing one is out of the question
 *
 * Exact for short keys, and as good as SHA-256 cut to 120 bits for others: nobody can make two keys that share one to have somebody
 * else's record removed. When it is full it says so, and what was entered stays right: a key that is missing only keeps its records.
 */
// oxlint-disable-next-line no-restricted-imports -- a digest touches nothing and is the same every time.
import { hash } from "node:crypto";

const slotBytes = 24;
const wordsPerSlot = 4;
/** Beyond, chains of taken slots become long. */
const fullShare = 0.75;
const ownBytesMax = 15;
const hashedMark = 255;
const slotsMin = 16;

export class KeyMap {
  readonly #identities: Uint32Array;
  /** Offset + 1; doubles hold every offset exactly. */
  readonly #offsets: Float64Array;
  readonly #mask: number;
  readonly #countMax: number;
  #count = 0;
  /** Identity of the key that is looked up. */
  readonly #bytes = new Uint8Array(16);
  readonly #words = new Uint32Array(this.#bytes.buffer);

  /** Room for `keys` of them, or for as many as `bytesMax` of memory hold. */
  constructor(options: { readonly keys: number; readonly bytesMax: number }) {
    const wanted = Math.min(options.keys / fullShare + 1, options.bytesMax / slotBytes);
    // A power of two: the first that holds all keys, but never more than the memory allows.
    let slots = slotsMin;
    while (slots < wanted && slots * 2 * slotBytes <= options.bytesMax) slots *= 2;
    this.#identities = new Uint32Array(slots * wordsPerSlot);
    this.#offsets = new Float64Array(slots);
    this.#mask = slots - 1;
    this.#countMax = Math.floor(slots * fullShare);
  }

  get count(): number {
    return this.#count;
  }

  /** Notes a record of the key in `bytes[start, start + length)`; offsets rise. False: there is no room for another key. */
  put(bytes: Uint8Array, start: number, length: number, offset: number): boolean {
    const slot = this.#find(bytes, start, length);
    if (this.#offsets[slot] === 0) {
      if (this.#count >= this.#countMax) return false;
      this.#count += 1;
      this.#identities.set(this.#words, slot * wordsPerSlot);
    }
    this.#offsets[slot] = offset + 1;
    return true;
  }

  /** The latest offset of the key, -1 when it is not here. */
  latest(bytes: Uint8Array, start: number, length: number): number {
    return (this.#offsets[this.#find(bytes, start, length)] ?? 0) - 1;
  }

  /** The slot of the key, or the free one where it would be. There always is one. */
  #find(bytes: Uint8Array, start: number, length: number): number {
    this.#identify(bytes, start, length);
    const words = this.#words;
    // Not destructured: an iterator for each key costs more than the rest.
    const a = words[0] ?? 0;
    const b = words[1] ?? 0;
    const c = words[2] ?? 0;
    const d = words[3] ?? 0;
    const identities = this.#identities;
    let slot = mixed(a, b, c, d) & this.#mask;
    for (;;) {
      if (this.#offsets[slot] === 0) return slot;
      const at = slot * wordsPerSlot;
      if (identities[at] === a && identities[at + 1] === b && identities[at + 2] === c && identities[at + 3] === d) {
        return slot;
      }
      slot = (slot + 1) & this.#mask;
    }
  }

  #identify(bytes: Uint8Array, start: number, length: number): void {
    const own = this.#bytes;
    if (length <= ownBytesMax) {
      own.fill(0);
      own[0] = length;
      for (let index = 0; index < length; index++) own[index + 1] = bytes[start + index] ?? 0;
      return;
    }
    const digest = hash("sha256", bytes.subarray(start, start + length), "buffer");
    own[0] = hashedMark;
    for (let index = 0; index < ownBytesMax; index++) own[index + 1] = digest[index] ?? 0;
  }
}

/** Spreads keys that differ in a few bits over the table. */
function mixed(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a ^ 0x9e37_79b9, 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 15) ^ b, 0xc2b2_ae35);
  h = Math.imul(h ^ (h >>> 13) ^ c, 0x27d4_eb2f);
  h = Math.imul(h ^ (h >>> 16) ^ d, 0x1656_67b1);
  h ^= h >>> 15;
  h = Math.imul(h, 0x85eb_ca6b);
  return (h ^ (h >>> 13)) >>> 0;
}
