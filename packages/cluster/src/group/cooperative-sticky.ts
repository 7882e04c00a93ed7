// Cooperative sticky: as even as the subscriptions allow, and of all such ways one that moves few partitions.
//
//   keep    every member keeps what it has and still wants
//   deal    what nobody has goes to whoever has least of those who want it, hard-to-place topics first
//   level   while somebody has two more than another to whom a chain of hand-overs leads, one partition goes along the chain
//
// Levelling until no such chain is left makes the loads as even as they can be (a shortest chain in the graph of who has and who wants
// a topic, as in optimal semi-matchings: Harvey, Ladner, Lovász, Tamir, 2003). Where all want the same, a chain is one hand-over,
// and nothing moves that need not: only the most loaded give, only the least loaded take.

import type { AssignorInput, AssignorMember, Target } from "./assignor.ts";
import { assignmentOf, pairsOf } from "./assignment.ts";
import { compare, inOrder, wantedTopics } from "./assignor.ts";

/** What a member has while shares are being levelled. */
interface Hand {
  readonly member: AssignorMember;
  readonly byTopic: Map<string, number[]>;
  load: number;
}

export function assignCooperativeSticky(input: AssignorInput): Target {
  const hands = inOrder(input.members).map((member): Hand => ({ member, byTopic: new Map(), load: 0 }));
  const wantedBy = new Map<string, Hand[]>();
  const topics = wantedTopics(input);
  for (const topicId of topics) {
    wantedBy.set(
      topicId,
      hands.filter(({ member }) => member.topicIds.has(topicId)),
    );
  }
  keep(hands, input.partitions);
  const takers = (topicId: string): number => (wantedBy.get(topicId) as Hand[]).length;
  for (const topicId of [...topics].sort((a, b) => takers(a) - takers(b) || compare(a, b))) {
    deal(topicId, input.partitions.get(topicId) as number, hands, wantedBy.get(topicId) as Hand[]);
  }
  while (level(hands, wantedBy)) continue;
  return new Map(hands.map(({ member, byTopic }) => [member.memberId, assignmentOf(pairsOf(byTopic))]));
}

function keep(hands: readonly Hand[], partitions: ReadonlyMap<string, number>): void {
  for (const hand of hands) {
    for (const [topicId, partition] of pairsOf(hand.member.owned)) {
      if (hand.member.topicIds.has(topicId) && partition < (partitions.get(topicId) ?? 0))
        give(hand, topicId, partition);
    }
  }
}

function deal(topicId: string, count: number, hands: readonly Hand[], takers: readonly Hand[]): void {
  const owned = new Set(hands.flatMap(({ byTopic }) => byTopic.get(topicId) ?? []));
  for (let partition = 0; partition < count; partition += 1) {
    if (!owned.has(partition)) give(leastLoaded(takers), topicId, partition);
  }
}

function leastLoaded(takers: readonly Hand[]): Hand {
  return takers.reduce((least, hand) => (hand.load < least.load ? hand : least));
}

function give(hand: Hand, topicId: string, partition: number): void {
  const held = hand.byTopic.get(topicId);
  if (held === undefined) hand.byTopic.set(topicId, [partition]);
  else held.push(partition);
  hand.load += 1;
}

/** How a chain came to a hand: it would take a partition of `topicId` from `from`. */
interface Step {
  readonly from: Hand;
  readonly topicId: string;
}

/** Moves one partition along a shortest chain from the most loaded to somebody who has at least two less. False when there is none. */
function level(hands: readonly Hand[], wantedBy: ReadonlyMap<string, readonly Hand[]>): boolean {
  const leastOfAll = hands.reduce((least, { load }) => Math.min(least, load), Infinity);
  const givers = hands.filter(({ load }) => load >= leastOfAll + 2).sort((a, b) => b.load - a.load);
  // Whom a chain from a giver reaches, and from whom none went on, has no more than that giver, and nobody else to give to either.
  const hopeless = new Set<Hand>();
  for (const giver of givers) {
    if (hopeless.has(giver)) continue;
    const chain = shortestChain(giver, wantedBy, hopeless);
    if (chain === undefined) continue;
    for (const { from, topicId, to } of chain) handOver(from, to, topicId);
    return true;
  }
  return false;
}

/**
 * From `giver`, breadth first over topics that a hand has and hands that want them, to the least loaded hand that is near. When there is
 * none, whoever was reached is `hopeless`.
 */
function shortestChain(
  giver: Hand,
  wantedBy: ReadonlyMap<string, readonly Hand[]>,
  hopeless: Set<Hand>,
): { from: Hand; to: Hand; topicId: string }[] | undefined {
  const cameBy = new Map<Hand, Step>();
  const seenTopics = new Set<string>();
  let edge = [giver];
  while (edge.length > 0) {
    const next: Hand[] = [];
    for (const from of edge) {
      for (const [topicId, held] of from.byTopic) {
        if (held.length === 0 || seenTopics.has(topicId)) continue;
        seenTopics.add(topicId);
        for (const hand of wantedBy.get(topicId) ?? []) {
          if (hand === giver || cameBy.has(hand)) continue;
          cameBy.set(hand, { from, topicId });
          next.push(hand);
        }
      }
    }
    const least = next.length === 0 ? undefined : leastLoaded(next);
    if (least !== undefined && least.load <= giver.load - 2) return traceBack(least, giver, cameBy);
    edge = next;
  }
  for (const hand of cameBy.keys()) hopeless.add(hand);
  return undefined;
}

function traceBack(
  last: Hand,
  giver: Hand,
  cameBy: ReadonlyMap<Hand, Step>,
): { from: Hand; to: Hand; topicId: string }[] {
  const chain = [];
  for (let to = last; to !== giver;) {
    const { from, topicId } = cameBy.get(to) as Step;
    chain.push({ from, to, topicId });
    to = from;
  }
  return chain;
}

/** What came last goes first: what a member owned before stays, if it can. */
function handOver(from: Hand, to: Hand, topicId: string): void {
  const partition = from.byTopic.get(topicId)?.pop() as number;
  from.load -= 1;
  give(to, topicId, partition);
}
