// What must hold in a world of groups, whoever crashes, stalls or takes over.
//
//   G-I1  one owner: a partition is one member's at most, in every committed state
//   G-I2  a committed offset goes back by a reset only
//   G-I3  nothing acknowledged is lost: a committed offset lies at or above every acknowledged one, until a reset moves it
//   G-I4  at least once: below a committed offset every record was finished by a client that knew of the newest reset
//
// An *era* of a partition in a group is the time between two resets; `movedEpoch` names it. A group that is deleted or forgotten takes
// its eras with it.

import { holds } from "raft-ts/testing";
import { pairsOf } from "../group/assignment.ts";
import { offsetsOf } from "../group/state.ts";
import type { CommittedOffset, Group } from "../group/state.ts";
import type { HeldPartition } from "./group-client.ts";
import type { CommitShadow } from "./group-shard.ts";

interface Era {
  readonly movedEpoch: number;
  /** Where it begins. */
  readonly base: number;
  committed: number;
  acknowledged: number;
}

export class GroupOracle {
  /** By group, then `topicId/partition`. */
  readonly #eras = new Map<string, Map<string, Era>>();
  /** Finished records, by `group topicId/partition movedEpoch`. Kept: a zombie's work counts too. */
  readonly #finished = new Map<string, Set<number>>();

  finished(groupId: string, { topicId, partition, movedEpoch }: HeldPartition, from: number, to: number): void {
    const key = `${groupId} ${topicId}/${partition} ${movedEpoch}`;
    const known = this.#finished.get(key) ?? new Set<number>();
    for (let offset = from; offset < to; offset += 1) known.add(offset);
    this.#finished.set(key, known);
  }

  /** G-I3: whatever is acknowledged was committed before. */
  acknowledged(groupId: string, offsets: readonly CommitShadow[]): void {
    for (const { topicId, partition, offset, movedEpoch } of offsets) {
      const era = this.#eras.get(groupId)?.get(`${topicId}/${partition}`);
      if (era?.movedEpoch === movedEpoch) era.acknowledged = Math.max(era.acknowledged, offset);
    }
  }

  /** Of a group as it is committed now; undefined: there is none. */
  committed(groupId: string, group: Group | undefined): void {
    if (group !== undefined) this.#oneOwner(group);
    const before = this.#eras.get(groupId);
    const after = new Map<string, Era>();
    for (const [topicId, partition, committed] of group === undefined ? [] : offsetsOf(group)) {
      const key = `${topicId}/${partition}`;
      after.set(key, this.#next(groupId, key, before?.get(key), committed));
    }
    this.#eras.set(groupId, after);
  }

  #oneOwner({ groupId, members }: Group): void {
    const owners = new Map<string, string>();
    for (const { memberId, assigned, revoking } of members.values()) {
      for (const share of [assigned, revoking]) {
        for (const [topicId, partition] of pairsOf(share)) {
          const key = `${topicId}/${partition}`;
          const other = owners.get(key);
          holds(other === undefined, "G-I1", () => `${key} of ${groupId} is ${other}'s and ${memberId}'s`);
          owners.set(key, memberId);
        }
      }
    }
  }

  #next(groupId: string, key: string, era: Era | undefined, { offset, movedEpoch }: CommittedOffset): Era {
    if (era === undefined || era.movedEpoch < movedEpoch) {
      return { movedEpoch, base: offset, committed: offset, acknowledged: offset };
    }
    const where = `${groupId} ${key}`;
    holds(era.movedEpoch === movedEpoch, "G-I2", () => `${where} went back to an older reset, ${movedEpoch}`);
    holds(offset >= era.acknowledged, "G-I3", () => `${where} is at ${offset}, ${era.acknowledged} was acknowledged`);
    holds(offset >= era.committed, "G-I2", () => `${where} went from ${era.committed} back to ${offset}`);
    const finished = this.#finished.get(`${where} ${movedEpoch}`);
    for (let at = era.committed; at < offset; at += 1) {
      holds(finished?.has(at) === true, "G-I4", () => `${where} is at ${offset}, nobody has finished ${at}`);
    }
    era.committed = offset;
    return era;
  }
}
