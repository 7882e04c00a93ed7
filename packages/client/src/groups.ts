// SPDX-License-Identifier: Apache-2.0
// Consumer groups from outside: who is in them, how far they are, and ways to move them.
//
// As in admin.ts, calls that only look are repeated when a broker does not answer; calls that change something are not. Every call
// rejects with VarveError.

import {
  endToMessage,
  errorFromFields,
  positionToMessage,
  VarveError,
  type CommittedOffsetOutput,
  type DescribeGroupResponseOutput,
  type End,
  type ForkedPartitionOutput,
  type GroupRateOutput,
  type GroupStateOutput,
  type OffsetMoveOutput,
  type Position,
} from "@varve/api";
import type { CallControl } from "./call.ts";
import type { Connection } from "./connection.ts";
import type { TopicPartition } from "./consumer/claim.ts";
import type { PartitionOffset } from "./consumer/consumer-options.ts";
import { checkOffset, checkPlace } from "./places.ts";

export type GroupState = "unspecified" | "empty" | "rebalancing" | "stable" | "finished";

export interface GroupListing {
  readonly group: string;
  readonly state: GroupState;
  readonly memberCount: number;
}

export interface GroupList {
  /** By name. */
  readonly groups: readonly GroupListing[];
  /** Coordinators that could not be asked: groups of theirs are missing. */
  readonly errors: readonly VarveError[];
}

/** How far behind a group is in a partition. */
export interface GroupLag extends TopicPartition {
  /** -1: nothing is committed. */
  readonly committedOffset: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** -1: not known. */
  readonly lag: number;
  /** How long ago the next record was appended, in ms; 0: there is none; -1: not known. */
  readonly lagMs: number;
  /** Empty: nobody has it. */
  readonly memberId: string;
  readonly endOffset: number | undefined;
  readonly error: VarveError | undefined;
}

/** How fast a group may read, all its members together. 0: as fast as it can. */
export interface GroupRate {
  readonly recordsPerSecond: number;
  readonly bytesPerSecond: number;
}

export interface GroupDescription extends Omit<DescribeGroupResponseOutput, "state" | "lags" | "rate"> {
  readonly state: GroupState;
  readonly lags: readonly GroupLag[];
  readonly rate: GroupRate;
}

/** What a group has committed in a partition. */
export interface GroupOffset extends PartitionOffset {
  /** -1: not known. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  /** By the broker's clock; 0: nothing is committed. */
  readonly committedAtMs: number;
}

export interface ResetOptions {
  readonly group: string;
  /** @default every topic of which the group has offsets */
  readonly topic?: string | undefined;
  /** @default all */
  readonly partitions?: readonly number[] | undefined;
  readonly position: Position;
  /** Tell what would happen, change nothing. @default false */
  readonly validateOnly?: boolean | undefined;
}

export interface ForkOptions {
  /** The group to copy. */
  readonly group: string;
  /** Must not exist. */
  readonly newGroup: string;
  /** @default where the old one is */
  readonly position?: Position | undefined;
  /** Where it ends by itself; not after a count. @default nowhere */
  readonly end?: End | undefined;
  /** @default as fast as it can */
  readonly rate?: Partial<GroupRate> | undefined;
  /** @default all of which the old group has offsets */
  readonly topics?: readonly string[] | undefined;
  /** Tell where it would begin and end, make nothing. @default false */
  readonly validateOnly?: boolean | undefined;
}

/** Groups in one answer of ListGroups; pages are gathered here. */
const groupsPerPage = 1000;

export class Groups {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** All groups, by name. */
  async list(options: { prefix?: string | undefined } = {}, control?: CallControl): Promise<GroupList> {
    const listed: GroupListing[] = [];
    const errors: VarveError[] = [];
    let pageToken = "";
    do {
      const request = { prefix: options.prefix ?? "", pageSize: groupsPerPage, pageToken };
      const page = await this.#connection.retrying(({ groups }) => groups.ListGroups.bind(groups, request), control);
      for (const { group, state, memberCount } of page.groups)
        listed.push({ group, state: stateOf(state), memberCount });
      errors.push(...page.errors.map((fields) => errorFromFields(fields)));
      if (page.nextPageToken === pageToken && pageToken !== "") {
        throw new VarveError("INTERNAL", "Cannot list groups: the broker sent the same page twice");
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return { groups: listed, errors };
  }

  /** Members, assignments, offsets and lag of a group. */
  async describe(options: { group: string }, control?: CallControl): Promise<GroupDescription> {
    const request = { group: options.group };
    const found = await this.#connection.retrying(({ groups }) => groups.DescribeGroup.bind(groups, request), control);
    const { state, lags, rate, ...rest } = found;
    return {
      ...rest,
      state: stateOf(state),
      rate: rateOf(rate),
      lags: lags.map(({ error, endOffset, ...lag }) => ({ ...lag, endOffset, error: errorIn(error) })),
    };
  }

  /** What the group has committed: of the partitions named, or of all. Rejects when one of them cannot be told. */
  async committedOffsets(
    options: { group: string; partitions?: readonly TopicPartition[] | undefined },
    control?: CallControl,
  ): Promise<GroupOffset[]> {
    const request = { group: options.group, partitions: named(options.partitions ?? []) };
    const answer = await this.#connection.retrying(
      ({ groups }) => groups.FetchOffsets.bind(groups, request),
      control,
      ({ offsets }) => firstError(offsets),
    );
    return answer.offsets.map(({ topic, partition, offset, leaderEpoch, metadata, committedAtMs }) => {
      return { topic, partition, offset, leaderEpoch, metadata, committedAtMs };
    });
  }

  /** Commits offsets of a group that has no members. Rejects when one of them was refused; the others are committed all the same. */
  async commitOffsets(
    options: { group: string; offsets: readonly (PartitionOffset & { readonly metadata?: string | undefined })[] },
    control?: CallControl,
  ): Promise<void> {
    const { group } = options;
    const offsets = options.offsets.map(({ topic, partition, offset, metadata = "" }) => {
      checkOffset(`commit in group "${group}"`, offset);
      return { topic, partition, offset, leaderEpoch: -1, metadata };
    });
    const request = { group, offsets };
    const answer = await this.#connection.once(({ groups }) => groups.CommitOffsets.bind(groups, request), control);
    const error = firstError(answer.offsets);
    if (error !== undefined) throw error;
  }

  /**
   * Moves a group, also while its members run: they go on from there, and nothing that they did before is committed. All or nothing: when
   * a partition cannot be moved, its `error` says why, and none is.
   */
  async reset(options: ResetOptions, control?: CallControl): Promise<OffsetMoveOutput[]> {
    const { group, topic = "", partitions = [], position, validateOnly = false } = options;
    checkPlace(`move group "${group}"`, position);
    const request = { group, topic, partitions: [...partitions], position: positionToMessage(position), validateOnly };
    const answer = await this.#connection.once(({ groups }) => groups.ResetOffsets.bind(groups, request), control);
    return answer.moves;
  }

  /** Makes a new group at a position, to replay beside another one. Resolves with where it begins and ends. */
  async fork(options: ForkOptions, control?: CallControl): Promise<ForkedPartitionOutput[]> {
    const { group, newGroup, position, end, rate, topics = [], validateOnly = false } = options;
    for (const place of [position, end]) checkPlace(`make group "${newGroup}"`, place);
    const request = {
      group,
      newGroup,
      topics: [...topics],
      validateOnly,
      ...(position === undefined ? {} : { position: positionToMessage(position) }),
      ...(end === undefined ? {} : { end: endToMessage(end) }),
      ...(rate === undefined ? {} : { rate: rateOf(rate) }),
    };
    const answer = await this.#connection.once(({ groups }) => groups.ForkGroup.bind(groups, request), control);
    return answer.partitions;
  }

  /** Limits how fast a group reads, also while it does; resolves with what holds then. Without `rate`: as it is. */
  async configure(
    options: { group: string; rate?: Partial<GroupRate> | undefined },
    control?: CallControl,
  ): Promise<GroupRate> {
    const { group, rate } = options;
    const request = { group, ...(rate === undefined ? {} : { rate: rateOf(rate) }) };
    const answer = await this.#connection.once(({ groups }) => groups.ConfigureGroup.bind(groups, request), control);
    return rateOf(answer.rate);
  }

  /** Deletes a group without members, and its offsets. */
  async delete(options: { group: string; validateOnly?: boolean | undefined }, control?: CallControl): Promise<void> {
    const request = { group: options.group, validateOnly: options.validateOnly ?? false };
    await this.#connection.once(({ groups }) => groups.DeleteGroup.bind(groups, request), control);
  }
}

const states = {
  GROUP_STATE_UNSPECIFIED: "unspecified",
  GROUP_STATE_EMPTY: "empty",
  GROUP_STATE_REBALANCING: "rebalancing",
  GROUP_STATE_STABLE: "stable",
  GROUP_STATE_FINISHED: "finished",
} as const satisfies Record<GroupStateOutput, GroupState>;

/** A state that is not known here, of a newer broker, is none. */
function stateOf(state: GroupStateOutput): GroupState {
  return Object.hasOwn(states, state) ? states[state] : "unspecified";
}

function rateOf(rate: Partial<GroupRate> | GroupRateOutput | null): GroupRate {
  return { recordsPerSecond: rate?.recordsPerSecond ?? 0, bytesPerSecond: rate?.bytesPerSecond ?? 0 };
}

function errorIn(error: CommittedOffsetOutput["error"]): VarveError | undefined {
  return error === null ? undefined : errorFromFields(error);
}

/** What no retry mends is said first. */
function firstError(offsets: readonly Pick<CommittedOffsetOutput, "error">[]): VarveError | undefined {
  const errors = offsets.flatMap(({ error }) => errorIn(error) ?? []);
  return errors.find(({ retriable }) => !retriable) ?? errors[0];
}

function named(partitions: readonly TopicPartition[]): TopicPartition[] {
  return partitions.map(({ topic, partition }) => ({ topic, partition }));
}
