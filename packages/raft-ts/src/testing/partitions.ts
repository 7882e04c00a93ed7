// SPDX-License-Identifier: Apache-2.0
/**
 * The shapes in which networks break, as lists of directed links to cut. Pure.
 *
 *   isolate   one node alone              ring     each node sees its two neighbours
 *   halves    two groups                  bridge   two groups that see each other through one node only
 *   mute      one node cannot be heard    deaf     one node hears nothing          link   one direction of one link
 */
import type { RandomStream } from "./random-stream.ts";

export const partitionKinds = ["isolate", "halves", "ring", "bridge", "mute", "deaf", "link"] as const;
export type PartitionKind = (typeof partitionKinds)[number];

/** A directed link: what `from` sends to `to`. */
export type DirectedLink = readonly [from: string, to: string];

/** The links that a partition of this kind cuts; none when there are too few nodes for it. */
export function planPartition(kind: PartitionKind, nodes: readonly string[], random: RandomStream): DirectedLink[] {
  const shuffled = random.shuffle(nodes);
  const [first, ...rest] = shuffled;
  if (first === undefined || rest.length === 0) return [];
  switch (kind) {
    case "isolate":
      return between([first], rest);
    case "halves": {
      const size = random.between(1, shuffled.length - 1);
      return between(shuffled.slice(0, size), shuffled.slice(size));
    }
    case "ring":
      return linksWhere(shuffled, (from, to) => {
        const distance = Math.abs(from - to);
        return distance > 1 && distance < shuffled.length - 1;
      });
    case "bridge": {
      const middle = 1 + (rest.length >> 1);
      return between(shuffled.slice(1, middle), shuffled.slice(middle));
    }
    case "mute":
      return rest.map((to): DirectedLink => [first, to]);
    case "deaf":
      return rest.map((from): DirectedLink => [from, first]);
    case "link":
      return [[first, random.pick(rest)]];
  }
}

function between(left: readonly string[], right: readonly string[]): DirectedLink[] {
  return left.flatMap((a) =>
    right.flatMap((b): DirectedLink[] => [
      [a, b],
      [b, a],
    ]),
  );
}

function linksWhere(nodes: readonly string[], isCut: (from: number, to: number) => boolean): DirectedLink[] {
  return nodes.flatMap((a, from) =>
    nodes.flatMap((b, to): DirectedLink[] => (from !== to && isCut(from, to) ? [[a, b]] : [])),
  );
}
