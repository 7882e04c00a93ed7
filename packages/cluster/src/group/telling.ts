// What a member in a session has to hear: the difference between what it was told and what its group is. Partitions that it need not
// hear of go on as they are.
//
//                 ┌──> known position ──> assign                ┌──> moved by a reset ──> assign again, from there
//   assigned, new ┴──> none ──> start is looked up, later       assigned, told; hearsay of what has none ──> lost
//   revoking, told ──> revoke, once        revoking, not told ──> given back for it: it never had it
//   told, and neither ──> lost             revoking, and its topic is gone, or a reset moved it ──> lost, and given back for it

import type { Assignment } from "./assignment.ts";
import { assignmentOf, pairsOf } from "./assignment.ts";
import { endOf, offsetOf } from "./state.ts";
import type { CommittedOffset, Group, Member } from "./state.ts";

export interface Place {
  readonly topicId: string;
  readonly partition: number;
}

/** What a member was told of one partition, and has not given back. */
export interface Told extends Place {
  /** It knows of every reset up to this epoch. */
  readonly movedEpoch: number;
  /** Under which epoch it was asked to give it back; undefined: it was not. */
  readonly revokedEpoch: number | undefined;
  /** It says so itself; where it goes on nobody here has told it. */
  readonly isHearsay: boolean;
}

/** By `topicId/partition`. */
export type ToldPlaces = ReadonlyMap<string, Told>;

export interface Telling {
  readonly assign: readonly (Place & { readonly committed: CommittedOffset })[];
  readonly revoke: readonly Place[];
  readonly lost: readonly Place[];
  /** The member has it, and nothing is committed yet: where it starts has to be found out. */
  readonly startless: readonly Place[];
  /** The member is asked for something that it does not have, or cannot give: `owned` says what it has instead. Undefined: it is not. */
  readonly owned: Assignment | undefined;
  /** What it has been told after this. */
  readonly told: ToldPlaces;
}

export function keyOf({ topicId, partition }: Place): string {
  return `${topicId}/${partition}`;
}

export function planTelling(
  told: ToldPlaces,
  group: Group,
  { assigned, revoking, epoch }: Pick<Member, "assigned" | "revoking" | "epoch">,
  isGone: (topicId: string) => boolean,
): Telling {
  const next = new Map<string, Told>();
  const assign: (Place & { readonly committed: CommittedOffset })[] = [];
  const revoke: Place[] = [];
  const lost: Place[] = [];
  const startless: Place[] = [];
  let isGivingBack = false;
  for (const [topicId, partition] of pairsOf(assigned)) {
    const place = { topicId, partition };
    // A group with an end reads what has one, and no partitions that came since.
    if (group.ends.size > 0 && endOf(group, topicId, partition) === undefined) continue;
    const committed = offsetOf(group, topicId, partition);
    const before = told.get(keyOf(place));
    if (committed === undefined || isGone(topicId)) {
      // Of what it was given something is committed: what it says to have was a topic of the same name, and is lost.
      const isFormer = before?.isHearsay === true && committed === undefined;
      if (before !== undefined && !isFormer) next.set(keyOf(place), before);
      if (before?.isHearsay !== false && !isGone(topicId)) startless.push(place);
      continue;
    }
    const isNews = before === undefined || before.isHearsay || before.movedEpoch < committed.movedEpoch;
    if (isNews) assign.push({ ...place, committed });
    const movedEpoch = isNews ? committed.movedEpoch : before.movedEpoch;
    next.set(keyOf(place), { ...place, movedEpoch, revokedEpoch: undefined, isHearsay: false });
  }
  for (const [topicId, partition] of pairsOf(revoking)) {
    const place = { topicId, partition };
    const before = told.get(keyOf(place));
    const movedEpoch = offsetOf(group, topicId, partition)?.movedEpoch ?? -1;
    // What was moved under its hands it must not commit any more.
    if (before === undefined || isGone(topicId) || before.movedEpoch < movedEpoch) isGivingBack = true;
    else {
      if (before.revokedEpoch === undefined) revoke.push(place);
      next.set(keyOf(place), { ...before, revokedEpoch: before.revokedEpoch ?? epoch });
    }
  }
  for (const [key, { topicId, partition }] of told) if (!next.has(key)) lost.push({ topicId, partition });
  return { assign, revoke, lost, startless, owned: isGivingBack ? ownedOf(next) : undefined, told: next };
}

/**
 * The member says that it has stopped reading `places`, as one that has taken in `epoch`. An answer to an older question is none: it was
 * asked, told to forget it, given the partition again and asked again, and reads it still.
 */
export function givenBack(told: ToldPlaces, places: readonly Place[], epoch: number): ToldPlaces {
  const given = new Set(places.map(keyOf));
  return new Map(
    [...told].filter(
      ([key, { revokedEpoch }]) => revokedEpoch === undefined || epoch < revokedEpoch || !given.has(key),
    ),
  );
}

/** What a member that was told this has. */
export function ownedOf(told: ToldPlaces): Assignment {
  return assignmentOf([...told.values()].map(({ topicId, partition }) => [topicId, partition] as const));
}

/**
 * The member was told in this session where to go on, and not since that it is lost. What it says of any other partition is of before: it
 * may be somebody else's by now, or have been moved.
 */
export function isTold(told: ToldPlaces, place: Place): boolean {
  return told.get(keyOf(place))?.isHearsay === false;
}

/** What somebody says to have, as clients say it; an empty id: of the topic that has the name now. */
export interface NamedPlace {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

/**
 * Which partitions a client means. By id, if it knows that, and else by name: a topic that was made again is another one, and where its
 * readers were in the former one means nothing in it. Names that nobody has any more are left out.
 */
export function placesNamed(
  named: readonly NamedPlace[],
  idOf: (topic: string) => string | undefined,
): (Place & { readonly topic: string })[] {
  return named.flatMap(({ topic, topicId: said, partition }) => {
    const topicId = said === "" ? idOf(topic) : said;
    return topicId === undefined ? [] : [{ topic, topicId, partition }];
  });
}

/** Of a member that comes back: it says that it has this, and hears again where to go on in each. */
export function toldBefore(owned: Assignment): ToldPlaces {
  const places = [...pairsOf(owned)].map(([topicId, partition]) => ({ topicId, partition }));
  return new Map(
    places.map((place) => [keyOf(place), { ...place, movedEpoch: -1, revokedEpoch: undefined, isHearsay: true }]),
  );
}
