// Which partitions somebody has, or shall have: an immutable set of (topic, partition), by topic. A group is full of these, so they
// are shared and never changed; partitions of a topic lie in ascending order.

/** Partitions by topic id. No topic without partitions, no partition twice, ascending. */
export type Assignment = ReadonlyMap<string, readonly number[]>;

export const nothing: Assignment = new Map();

export function assignmentOf(pairs: Iterable<readonly [topicId: string, partition: number]>): Assignment {
  const byTopic = new Map<string, Set<number>>();
  for (const [topicId, partition] of pairs) {
    const known = byTopic.get(topicId);
    if (known === undefined) byTopic.set(topicId, new Set([partition]));
    else known.add(partition);
  }
  return new Map([...byTopic].map(([topicId, partitions]) => [topicId, [...partitions].sort((a, b) => a - b)]));
}

export function* pairsOf(assignment: Assignment): Generator<readonly [topicId: string, partition: number]> {
  for (const [topicId, partitions] of assignment) for (const partition of partitions) yield [topicId, partition];
}

export function sizeOf(assignment: Assignment): number {
  let size = 0;
  for (const partitions of assignment.values()) size += partitions.length;
  return size;
}

export function has(assignment: Assignment, topicId: string, partition: number): boolean {
  return assignment.get(topicId)?.includes(partition) ?? false;
}

export function union(a: Assignment, b: Assignment): Assignment {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  const result = new Map(a);
  for (const [topicId, partitions] of b) {
    const before = a.get(topicId) ?? [];
    result.set(
      topicId,
      [...new Set([...before, ...partitions])].sort((left, right) => left - right),
    );
  }
  return result;
}

export function intersection(a: Assignment, b: Assignment): Assignment {
  return filtered(a, (topicId) => {
    const other = new Set(b.get(topicId));
    return (partition) => other.has(partition);
  });
}

export function difference(a: Assignment, b: Assignment): Assignment {
  return filtered(a, (topicId) => {
    const other = new Set(b.get(topicId));
    return (partition) => !other.has(partition);
  });
}

/** What of `assignment` passes: `of` gives the test for one topic. */
export function filtered(assignment: Assignment, of: (topicId: string) => (partition: number) => boolean): Assignment {
  const result = new Map<string, readonly number[]>();
  for (const [topicId, partitions] of assignment) {
    const kept = partitions.filter(of(topicId));
    if (kept.length > 0) result.set(topicId, kept);
  }
  return result;
}

export function isSubset(a: Assignment, b: Assignment): boolean {
  for (const [topicId, partitions] of a) {
    const other = new Set(b.get(topicId));
    if (!partitions.every((partition) => other.has(partition))) return false;
  }
  return true;
}

export function isSame(a: Assignment, b: Assignment): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others?.length !== partitions.length) return false;
    for (let at = 0; at < partitions.length; at += 1) if (partitions[at] !== others[at]) return false;
  }
  return true;
}
