/**
 * Which offset is the latest of each key, in bounded memory: an open-addressing table over typed arrays, 24 bytes a slot.
 *
 *   slot   0 identity, 4 × i32 (key-identity.ts) · 16 offset + 1, 0: the slot is free
 *
 * Nobody can make two long keys that share an identity to have somebody else's record removed, or many keys that share a place to have a
 * search take for ever. When it is full it says so, and what was entered stays right: a key that is missing only keeps its records. Whether it
 * is full goes by the number of keys alone: the outcome is the same for every secret.
 */
import { KeyIdentity } from "./key-identity.ts";

const slotBytes = 24;
const wordsPerSlot = 4;
/** Beyond, chains of taken slots become long. */
const fullShare = 0.75;
const slotsMin = 16;

export class KeyMap {
  /** Slots that were looked at, of all searches. */
  probes = 0;
  readonly #key = new KeyIdentity();
  readonly #identities: Int32Array;
  /** Offset + 1; doubles hold every offset exactly. */
  readonly #offsets: Float64Array;
  readonly #mask: number;
  readonly #countMax: number;
  #count = 0;

  /** Room for `keys` of them, or for as many as `bytesMax` of memory hold. */
  constructor(options: { readonly keys: number; readonly bytesMax: number }) {
    const wanted = Math.min(options.keys / fullShare + 1, options.bytesMax / slotBytes);
    // A power of two: the first that holds all keys, but never more than the memory allows.
    let slots = slotsMin;
    while (slots < wanted && slots * 2 * slotBytes <= options.bytesMax) slots *= 2;
    this.#identities = new Int32Array(slots * wordsPerSlot);
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
      this.#identities.set(this.#key.words, slot * wordsPerSlot);
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
    const key = this.#key;
    key.take(bytes, start, length);
    const { words } = key;
    // Not destructured: an iterator for each key costs more than the rest.
    const a = words[0] ?? 0;
    const b = words[1] ?? 0;
    const c = words[2] ?? 0;
    const d = words[3] ?? 0;
    const identities = this.#identities;
    let slot = key.place & this.#mask;
    for (;;) {
      this.probes += 1;
      if (this.#offsets[slot] === 0) return slot;
      const at = slot * wordsPerSlot;
      if (identities[at] === a && identities[at + 1] === b && identities[at + 2] === c && identities[at + 3] === d) {
        return slot;
      }
      slot = (slot + 1) & this.#mask;
    }
  }
}
