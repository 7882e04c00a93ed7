// Range: of each topic, its members get neighbouring partitions, the first members one more where it does not come out even. Topics
// with as many partitions and the same members are shared out alike, so that what belongs together by key meets at one member.

import type { AssignorInput, Target } from "./assignor.ts";
import { inOrder, wantedTopics } from "./assignor.ts";

export function assignRange(input: AssignorInput): Target {
  const members = inOrder(input.members);
  const shares = new Map(members.map(({ memberId }) => [memberId, new Map<string, readonly number[]>()]));
  for (const topicId of wantedTopics(input)) {
    const count = input.partitions.get(topicId) as number;
    const takers = members.filter(({ topicIds }) => topicIds.has(topicId));
    const [share, more] = [Math.floor(count / takers.length), count % takers.length];
    let next = 0;
    for (const [index, { memberId }] of takers.entries()) {
      const size = share + (index < more ? 1 : 0);
      if (size > 0) {
        const first = next;
        shares.get(memberId)?.set(
          topicId,
          Array.from({ length: size }, (_, at) => first + at),
        );
      }
      next += size;
    }
  }
  return shares;
}
