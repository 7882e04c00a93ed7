// Round robin: the partitions of all topics in one row, dealt to the members one after the other; who does not want a topic is passed
// over.

import type { AssignorInput, Target } from "./assignor.ts";
import { assignmentOf } from "./assignment.ts";
import { inOrder, wantedTopics } from "./assignor.ts";

export function assignRoundRobin(input: AssignorInput): Target {
  const members = inOrder(input.members);
  const hands = new Map<string, [string, number][]>(members.map(({ memberId }) => [memberId, []]));
  let next = 0;
  for (const topicId of wantedTopics(input)) {
    for (let partition = 0; partition < (input.partitions.get(topicId) as number); partition += 1) {
      while (members[next % members.length]?.topicIds.has(topicId) !== true) next += 1;
      hands.get((members[next % members.length] as { memberId: string }).memberId)?.push([topicId, partition]);
      next += 1;
    }
  }
  return new Map([...hands].map(([memberId, pairs]) => [memberId, assignmentOf(pairs)]));
}
