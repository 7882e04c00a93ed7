// What is kept of groups: records of the compacted topic `__consumer_offsets`, one key for each fact and the newest value of it. Decisions
// make records, replay alone makes state of them (state.ts), and a key without value takes the fact back. Ids and the meaning of fields
// are for ever; a new field goes into a new version, tagged and with a default.
//
//   id 1 Group (group)   2 Member (group, member)   3 Target (group, member)   4 Current (group, member)   5 Offset (group, topic, partition)
//   id 6 End (group, topic, partition)

import { array, field, int32, int64, message, recordTable, string, struct, uuid } from "@varve/format";
import type { RecordInputOf, RecordOf } from "@varve/format";
import { assignmentOf, pairsOf } from "./assignment.ts";
import type { Assignment } from "./assignment.ts";

const first = { versions: "0", flexible: "0+" } as const;

const shares = (about: string) =>
  field(array(struct({ topicId: field(uuid), partitions: field(array(int32)) })), { about });

const memberKey = { groupId: field(string), memberId: field(string) };

const keys = {
  Group: { id: 1, message: message("GroupKey", first, { groupId: field(string) }) },
  Member: { id: 2, message: message("MemberKey", first, memberKey) },
  Target: { id: 3, message: message("TargetKey", first, memberKey) },
  Current: { id: 4, message: message("CurrentKey", first, memberKey) },
  Offset: {
    id: 5,
    message: message("OffsetKey", first, {
      groupId: field(string),
      topicId: field(uuid),
      partition: field(int32),
    }),
  },
  End: {
    id: 6,
    message: message("EndKey", first, { groupId: field(string), topicId: field(uuid), partition: field(int32) }),
  },
} as const;

const values = {
  Group: {
    id: 1,
    message: message("Group", first, {
      epoch: field(int32, {
        about: "Grows with every change of who is in the group, what they want or what there is.",
      }),
      targetEpoch: field(int32, { about: "The epoch that the targets were made for." }),
      assignor: field(string, { about: "Who made them: range, round-robin or cooperative-sticky." }),
      emptySinceMs: field(int64, { about: "When the last member left; -1: there are some." }),
    }),
  },
  Member: {
    id: 2,
    message: message("Member", first, {
      instanceId: field(string, { about: "Of a static member; empty: none." }),
      clientId: field(string),
      clientHost: field(string),
      topics: field(array(string), { about: "Names that it subscribes to, whether they exist or not." }),
      pattern: field(string, { about: "Topics whose whole name it matches; empty: none." }),
      assignor: field(string, { about: "What it would like." }),
      sessionTimeoutMs: field(int32),
      rebalanceTimeoutMs: field(int32, { about: "How long it may take to give something back." }),
    }),
  },
  Target: { id: 3, message: message("Target", first, { partitions: shares("What it shall have.") }) },
  Current: {
    id: 4,
    message: message("Current", first, {
      epoch: field(int32, { about: "Its commits carry it; -2: a static member that is away." }),
      previousEpoch: field(int32, { about: "It may not have heard of the present one." }),
      assigned: shares("What it has, and nobody else."),
      revoking: shares("What it is asked to give back, and has still."),
    }),
  },
  Offset: {
    id: 5,
    message: message("Offset", first, {
      offset: field(int64, { about: "Of the next record that the group wants." }),
      leaderEpoch: field(int32, { about: "Of the record before it, as the committer saw it; -1: it did not say." }),
      metadata: field(string, { about: "The committer's own." }),
      committedAtMs: field(int64),
      movedEpoch: field(int32, { about: "The group's epoch when a reset moved it; -1: none did." }),
    }),
  },
  End: {
    id: 6,
    message: message("End", first, { endOffset: field(int64, { about: "The group stops there, exclusive." }) }),
  },
} as const;

const keyTable = recordTable(keys);
const valueTable = recordTable(values);

type Key<Type extends keyof typeof keys> = Omit<Extract<RecordInputOf<typeof keys>, { readonly type: Type }>, "type">;
type Value<Type extends keyof typeof values> = Omit<Extract<RecordOf<typeof values>, { type: Type }>, "type">;
type Fact<Type extends keyof typeof keys> = {
  readonly type: Type;
  readonly key: Key<Type>;
  /** Null: the fact is taken back. */
  readonly value: Value<Type> | null;
};

/** A fact about a group, as it is stored: the newest one of its key holds. */
export type GroupRecord = { [Type in keyof typeof keys]: Fact<Type> }[keyof typeof keys];

/** The key and the value of a record of the internal topic. */
export interface StoredGroupRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

export function encodeGroupRecord({ type, key, value }: GroupRecord): StoredGroupRecord {
  return {
    key: keyTable.encode({ type, ...key } as RecordInputOf<typeof keys>),
    value: value === null ? null : valueTable.encode({ type, ...value } as RecordInputOf<typeof values>),
  };
}

/** FormatError: UNSUPPORTED for what a newer release wrote, MALFORMED for what is none of ours. */
export function decodeGroupRecord({ key, value }: StoredGroupRecord): GroupRecord {
  const { type, ...named } = keyTable.decode(key);
  if (value === null) return { type, key: named, value } as GroupRecord;
  const { type: _, ...told } = valueTable.decode(value);
  return { type, key: named, value: told } as GroupRecord;
}

/** As records carry it. */
export type StoredShares = Value<"Target">["partitions"];

export function sharesOf(assignment: Assignment): StoredShares {
  return [...assignment].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] }));
}

export function assignmentOfShares(stored: StoredShares): Assignment {
  return new Map(stored.map(({ topicId, partitions }) => [topicId, partitions]));
}

/** Only for what came from outside: shares in any order, a topic perhaps twice. */
export function assignmentOfAny(stored: StoredShares): Assignment {
  return assignmentOf(stored.flatMap(({ topicId, partitions }) => [...pairsOf(new Map([[topicId, partitions]]))]));
}
