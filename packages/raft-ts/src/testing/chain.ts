// SPDX-License-Identifier: Apache-2.0
/**
 * A number that stands for a log up to and including one entry: `chain(i) = H(chain(i - 1), index, term, type, payload)`.
 *
 * Two logs with the same chain at an index are equal up to it (with 52 bits, by accident never), so a whole prefix is
 * compared in one step. Not the chain that storage keeps on disk (D-1): that one must find flipped bits, this one only
 * names contents.
 */
import type { Config, Entry } from "../core/types.ts";

/** The chain before the first entry. */
export const emptyChain = 0;

/** The chain at `entry`, given the one before it. A safe integer of 52 bits. */
export function nextChain(previous: number, entry: Entry): number {
  let low = (previous >>> 0) ^ entry.index;
  let high = Math.floor(previous / 2 ** 32) ^ entry.term;
  low = Math.imul(low ^ typeCodes[entry.type], 0x01000193);
  const { data } = entry;
  for (let at = 0; at < data.length; at++) {
    low = Math.imul(low ^ (data[at] as number), 0x01000193);
  }
  if (entry.config !== null) low = Math.imul(low ^ configDigest(entry.config), 0x01000193);
  high = Math.imul(high ^ (low >>> 13) ^ data.length, 0x5bd1e995);
  high ^= high >>> 15;
  low = Math.imul(low ^ (high >>> 7), 0x85ebca6b);
  low ^= low >>> 13;
  return ((high >>> 12) * 2 ** 32 + (low >>> 0)) % 2 ** 52;
}

/** A number that stands for a configuration's contents. */
export function configDigest(config: Config): number {
  let digest = 0x811c9dc5 | 0;
  const take = (text: string): void => {
    for (let at = 0; at < text.length; at++) digest = Math.imul(digest ^ text.charCodeAt(at), 0x01000193);
    digest = Math.imul(digest ^ 0xff, 0x01000193);
  };
  for (const list of [config.voters, config.votersOutgoing, config.learners, config.learnersNext]) {
    list.forEach(take);
    take("|");
  }
  config.addresses.forEach(({ id, address }) => {
    take(id);
    take(address);
  });
  return digest;
}

const typeCodes = { normal: 1, empty: 2, config: 3 } as const;
