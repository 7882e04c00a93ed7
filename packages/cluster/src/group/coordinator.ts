// The groups of one partition of the internal topic, at the node that leads it: which state decisions see, what is appended together,
// and when an answer may be given.
//
//   load ──> loaded ──> submit … submit ──> endTurn ──┬─ appended(end) ──> committed(high watermark) ──> answers, changed groups
//                         │ decided on `#groups`      └─ notAppended ──> the turn is undone, its answers are refusals
//                         └─ waits                    resigned ──> everything is refused, and this object is done with
//
// O-1  Everything up to LESO is loaded before the first decision; the driver says when the high watermark has passed that.
// O-3  A decision runs on the state that includes what is appended and not yet committed, in the order of the log.
//
// Invariants
// - An answer is given only once everything that its decision saw is committed, an answer without records and a refusal too: what a
//   later leader does not have nobody was told.
// - `visible` is the state of the log below the high watermark. Whoever reads, reads there.
// - The records of one decision lie in one batch (O-2), and a decision that no batch can hold is refused by itself.

import { FormatError } from "@varve/format";
import { refuse } from "../controller/decision.ts";
import type { Refusal } from "../controller/decision.ts";
import type { GroupContext, GroupLimits } from "./decision.ts";
import { decideGroup } from "./group-command.ts";
import type { GroupCommand, GroupOutcome } from "./group-command.ts";
import { encodeGroupRecord } from "./records.ts";
import type { GroupRecord, StoredGroupRecord } from "./records.ts";
import { credited, due, followGroup, heard, restored } from "./sessions.ts";
import type { GroupClocks, MemberClock } from "./sessions.ts";
import type { TopicsView } from "./settle.ts";
import { emptyGroup, isBlank, replayGroup } from "./state.ts";
import type { Group, OwnMaps } from "./state.ts";

export interface CoordinatorOptions {
  readonly limits: GroupLimits & {
    /** Groups of this partition; whoever would make another one is refused. */
    readonly groupsMax: number;
    /** Answers that wait; commands beyond are refused. */
    readonly waitingMax: number;
    /** Of a batch of the internal topic. */
    readonly batchBytesMax: number;
  };
  readonly newUuid: () => string;
  readonly topics: TopicsView;
  /** Told of each decision that shares partitions out anew, before it is committed. */
  readonly onRebalance?: (kind: GroupCommand["kind"]) => void;
}

/** An answer that may be given now. `Waiter` is whatever the driver knows the asker by; undefined: nobody asked. */
export interface GroupAnswer<Waiter> {
  readonly waiter: Waiter;
  readonly outcome: GroupOutcome;
}

export interface CommittedGroups<Waiter> {
  readonly answers: readonly GroupAnswer<Waiter>[];
  /** Groups of which `visible` has another state now. */
  readonly changed: readonly string[];
}

/** What came together, and is kept or lost together. */
interface Turn<Waiter> {
  readonly records: StoredGroupRecord[];
  /** About what they take in a batch, and not less. */
  bytes: number;
  readonly answers: GroupAnswer<Waiter>[];
  /** The groups that it changed, as they were before. */
  readonly before: Map<string, { readonly group: Group; readonly clocks: GroupClocks }>;
  /** And as it left them. */
  after: ReadonlyMap<string, Group>;
  /** The log offset after its batch; known once it is appended. */
  end: number;
  /** Whoever waited for it was told this: nobody knows when it will be committed. */
  givenUp: Refusal | undefined;
}

/** Decisions share a batch until it has so many records: a batch is bounded, and many groups may change at once. */
const batchRecords = 1_000;
/** Of a batch beside its records, and of a record beside its key and value, at most. */
const batchOverheadBytes = 128;
const recordOverheadBytes = 32;

export class GroupCoordinator<Waiter> {
  readonly #options: CoordinatorOptions;
  /** With everything that is decided here. */
  readonly #groups = new Map<string, Group>();
  readonly #visible = new Map<string, Group>();
  /** Until all is loaded nobody else has the groups. */
  readonly #loading: OwnMaps = new Set();
  /** Of groups that have members. */
  readonly #clocks = new Map<string, Map<string, MemberClock>>();
  /** Members whose connection is their sign of life, by group. */
  readonly #connected = new Map<string, Set<string>>();
  /** Of the members that are due so many are removed together, by group; without: all of them. */
  readonly #atOnce = new Map<string, number>();
  /** Appended, in the order of the log. */
  readonly #underWay: Turn<Waiter>[] = [];
  #turn: Turn<Waiter> = newTurn();
  /** Decided before it, and not appended yet: one batch each. */
  readonly #full: Turn<Waiter>[] = [];
  #isEnded = false;
  #waiting = 0;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
  }

  /** O-1: a record below LESO, in the order of the log. */
  load(record: GroupRecord): void {
    const { groupId } = record.key;
    this.#keep(replayGroup(this.#groups.get(groupId) ?? emptyGroup(groupId), record, this.#loading));
  }

  /** O-1: that was all. Everybody has a whole session from now on. */
  loaded(nowMs: number): void {
    this.#loading.clear();
    for (const [groupId, group] of this.#groups) {
      this.#visible.set(groupId, group);
      this.#followClocks(group, nowMs);
    }
  }

  /** Committed groups. Their values never change; the map does. */
  get visible(): ReadonlyMap<string, Group> {
    return this.#visible;
  }

  /** Answers that are not given yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether any group has members: their clocks have to be looked at (`removeDue`). */
  get hasMembers(): boolean {
    return this.#clocks.size > 0;
  }

  /** Decides; the answer comes from `endTurn`, `committed`, `notAppended`, `gaveUp` or `resigned`. */
  submit(groupId: string, command: GroupCommand, waiter: Waiter, nowMs: number): void {
    this.#answer(waiter, this.#decide(groupId, command, nowMs));
  }

  /** A member spoke, or its connection was there until now. */
  heard(groupId: string, memberId: string, nowMs: number): void {
    const clocks = this.#clocks.get(groupId);
    const clock = clocks?.get(memberId);
    const member = this.#groups.get(groupId)?.members.get(memberId);
    if (clock !== undefined && member !== undefined) clocks?.set(memberId, heard(clock, member, nowMs));
  }

  /** From now on the connection is the member's sign of life. */
  connected(groupId: string, memberId: string): void {
    const known = this.#connected.get(groupId);
    if (known === undefined) this.#connected.set(groupId, new Set([memberId]));
    else known.add(memberId);
  }

  /** The connection broke: the member has a whole session to come back. */
  disconnected(groupId: string, memberId: string, nowMs: number): void {
    const known = this.#connected.get(groupId);
    if (known?.delete(memberId) !== true) return;
    if (known.size === 0) this.#connected.delete(groupId);
    this.heard(groupId, memberId, nowMs);
  }

  /** This node stood still for so long, and heard nobody: that is nobody's silence. */
  stalled(ms: number): void {
    for (const clocks of this.#clocks.values()) {
      for (const [memberId, clock] of clocks) clocks.set(memberId, credited(clock, ms));
    }
  }

  /**
   * Whoever was silent for too long, or did not give back what it was asked for, is removed: all of a group together, or as many as a batch
   * holds. @returns who, and why
   */
  removeDue(
    nowMs: number,
  ): { readonly groupId: string; readonly memberId: string; readonly why: "session" | "revocation" }[] {
    const removed = [];
    for (const [groupId, clocks] of this.#clocks) {
      const late = due(clocks, nowMs, this.#connected.get(groupId));
      if (late.length === 0) {
        this.#atOnce.delete(groupId);
        continue;
      }
      const now = late.slice(0, this.#atOnce.get(groupId));
      const memberIds = now.map(({ memberId }) => memberId);
      const outcome = this.#decide(groupId, { kind: "remove", memberIds }, nowMs);
      if ("reply" in outcome) removed.push(...now.map(({ memberId, why }) => ({ groupId, memberId, why })));
      // No batch holds that; the next look tries with half of them.
      else if (outcome.refusal.reason === "POLICY_VIOLATION") this.#atOnce.set(groupId, Math.ceil(now.length / 2));
    }
    return removed;
  }

  /** Topics came, went or grew. O-4: nothing is left committed of one that is gone. @returns the groups that did not take it in, and why */
  topicsChanged(nowMs: number): { readonly groupId: string; readonly refusal: Refusal }[] {
    const { topics } = this.#options;
    const refused: { readonly groupId: string; readonly refusal: Refusal }[] = [];
    for (const [groupId, group] of this.#groups) {
      const known = new Set([...group.offsets.keys(), ...group.ends.keys()]);
      const gone = [...known].filter((topicId) => topics.isGone(topicId));
      for (const topicId of gone) {
        while (knowsTopic(this.#group(groupId), topicId)) {
          const outcome = this.#decide(groupId, { kind: "forget", topicId }, nowMs);
          if (!("refusal" in outcome)) continue;
          refused.push({ groupId, ...outcome });
          break;
        }
      }
      if (group.members.size === 0) continue;
      const outcome = this.#decide(groupId, { kind: "topics" }, nowMs);
      if ("refusal" in outcome) refused.push({ groupId, ...outcome });
    }
    return refused;
  }

  /** Forgets what nobody has used for so long. */
  expire(retentionMs: number, nowMs: number): void {
    for (const [groupId, { members }] of this.#groups) {
      if (members.size === 0) this.#decide(groupId, { kind: "expire", retentionMs }, nowMs);
    }
  }

  /**
   * What was decided since the last turn is to be appended as one batch, at once: say `appended` or `notAppended` before anything else, and
   * then ask again: there may be another batch. No records: nothing is to be appended. Answers that saw nothing uncommitted are given, and
   * refusals of those that saw what nobody could commit in time.
   */
  endTurn(): { readonly records: readonly StoredGroupRecord[]; readonly answers: readonly GroupAnswer<Waiter>[] } {
    const { records, answers } = this.#full[0] ?? this.#turn;
    if (records.length > 0) return { records, answers: [] };
    this.#turn = newTurn();
    const last = this.#underWay.at(-1);
    if (last === undefined) return { records, answers: this.#given(answers) };
    const { givenUp: refusal } = last;
    if (refusal !== undefined)
      return { records, answers: this.#given(answers.map(({ waiter }) => ({ waiter, outcome: { refusal } }))) };
    last.answers.push(...answers);
    return { records, answers: [] };
  }

  /** The turn's batch is in the log, below `end`. */
  appended(end: number): void {
    if (this.#full.length === 0) this.#endBatch();
    const turn = this.#full.shift() as Turn<Waiter>;
    turn.end = end;
    this.#underWay.push(turn);
  }

  /** The turn's batch was not taken: it is as if nothing of it had been decided, nor of what came after. */
  notAppended(refusal: Refusal, nowMs: number): readonly GroupAnswer<Waiter>[] {
    const undone = [...this.#full.splice(0), this.#turn];
    this.#turn = newTurn();
    for (const { before } of undone.toReversed()) {
      for (const [groupId, { group, clocks }] of before) {
        this.#keep(group);
        this.#followClocks(group, nowMs, restored(clocks, this.#clocksOf(groupId)));
      }
    }
    const answers = undone.flatMap((turn) => turn.answers);
    const told = answers.length > 1 ? toAll(refusal) : refusal;
    return this.#given(answers.map(({ waiter }) => ({ waiter, outcome: { refusal: told } })));
  }

  /** Everything below `highWatermark` is committed. */
  committed(highWatermark: number): CommittedGroups<Waiter> {
    const answers: GroupAnswer<Waiter>[] = [];
    const changed = new Set<string>();
    for (let turn = this.#underWay[0]; turn !== undefined && turn.end <= highWatermark; turn = this.#underWay[0]) {
      this.#underWay.shift();
      answers.push(...turn.answers);
      for (const [groupId, group] of turn.after) {
        changed.add(groupId);
        if (isBlank(group)) this.#visible.delete(groupId);
        else this.#visible.set(groupId, group);
      }
    }
    return { answers: this.#given(answers), changed: [...changed] };
  }

  /** Whoever waits for what lies below `end` is told that nobody knows; it may be committed still. */
  gaveUp(end: number, refusal: Refusal): readonly GroupAnswer<Waiter>[] {
    const given: GroupAnswer<Waiter>[] = [];
    for (const turn of this.#underWay) {
      if (turn.end > end) break;
      turn.givenUp = refusal;
      given.push(...turn.answers.splice(0).map(({ waiter }) => ({ waiter, outcome: { refusal } })));
    }
    return this.#given(given);
  }

  /** Another one coordinates from now on, or this node after it has loaded anew. Nothing may be asked of this object any more. */
  resigned(refusal: Refusal): readonly GroupAnswer<Waiter>[] {
    this.#isEnded = true;
    const all = [...this.#underWay, ...this.#full.splice(0), this.#turn].flatMap(({ answers }) => answers);
    this.#underWay.length = 0;
    this.#turn = newTurn();
    return this.#given(all.map(({ waiter }) => ({ waiter, outcome: { refusal } })));
  }

  #decide(groupId: string, command: GroupCommand, nowMs: number): GroupOutcome {
    const group = this.#group(groupId);
    const refusal = this.#whyNot(groupId, group);
    if (refusal !== undefined) return { refusal };
    const decision = decideGroup(group, command, this.#context(nowMs));
    if ("refusal" in decision) return decision;
    const { records, group: after, reply } = decision;
    if (records.length === 0) return { reply };
    const stored = storedOf(groupId, records, this.#options.limits.batchBytesMax - batchOverheadBytes);
    if ("refusal" in stored) return stored;
    const isFull = this.#turn.bytes + stored.bytes > this.#options.limits.batchBytesMax - batchOverheadBytes;
    if (this.#turn.records.length >= batchRecords || (isFull && this.#turn.records.length > 0)) this.#endBatch();
    if (!this.#turn.before.has(groupId)) this.#turn.before.set(groupId, { group, clocks: this.#clocksOf(groupId) });
    for (const record of stored.records) this.#turn.records.push(record);
    this.#turn.bytes += stored.bytes;
    this.#keep(after);
    if (after.epoch > group.epoch && command.kind !== "reset") this.#options.onRebalance?.(command.kind);
    if (after.members !== group.members) this.#followClocks(after, nowMs);
    return { reply };
  }

  /** What comes now lies in another batch. */
  #endBatch(): void {
    const turn = this.#turn;
    turn.after = new Map([...turn.before.keys()].map((groupId) => [groupId, this.#group(groupId)]));
    this.#full.push(turn);
    this.#turn = newTurn();
  }

  #whyNot(groupId: string, group: Group): Refusal | undefined {
    const { groupsMax, waitingMax } = this.#options.limits;
    const what = `Cannot do that in group "${groupId}" now`;
    if (this.#isEnded)
      return refuse("NOT_COORDINATOR", `${what}: this broker does not coordinate it any more; try again`).refusal;
    if (this.#waiting >= waitingMax) {
      return refuse("BUSY", `${what}: ${this.#waiting} answers wait for the disk; slow down and try again`).refusal;
    }
    if (isBlank(group) && this.#groups.size >= groupsMax) {
      const why = `there are ${this.#groups.size} groups on this coordinator, and may not be more; delete some`;
      return refuse("POLICY_VIOLATION", `${what}: ${why}`, { group: groupId }).refusal;
    }
    return undefined;
  }

  #group(groupId: string): Group {
    return this.#groups.get(groupId) ?? emptyGroup(groupId);
  }

  #keep(group: Group): void {
    if (isBlank(group)) this.#groups.delete(group.groupId);
    else this.#groups.set(group.groupId, group);
  }

  #clocksOf(groupId: string): GroupClocks {
    return this.#clocks.get(groupId) ?? new Map();
  }

  #followClocks(group: Group, nowMs: number, before = this.#clocksOf(group.groupId)): void {
    const { groupId, members } = group;
    if (members.size > 0) this.#clocks.set(groupId, followGroup(before, group, nowMs));
    else {
      this.#clocks.delete(groupId);
      this.#atOnce.delete(groupId);
    }
  }

  #context(nowMs: number): GroupContext {
    return { nowMs, ...this.#options };
  }

  #answer(waiter: Waiter, outcome: GroupOutcome): void {
    this.#waiting++;
    this.#turn.answers.push({ waiter, outcome });
  }

  #given(answers: readonly GroupAnswer<Waiter>[]): readonly GroupAnswer<Waiter>[] {
    this.#waiting -= answers.length;
    return answers;
  }
}

function newTurn<Waiter>(): Turn<Waiter> {
  return { records: [], bytes: 0, answers: [], before: new Map(), after: new Map(), end: -1, givenUp: undefined };
}

function knowsTopic({ offsets, ends }: Group, topicId: string): boolean {
  return offsets.has(topicId) || ends.has(topicId);
}

/** As they are kept; or why they never will be: trying again would come to the same. */
function storedOf(
  groupId: string,
  records: readonly GroupRecord[],
  bytesMax: number,
): { readonly records: readonly StoredGroupRecord[]; readonly bytes: number } | { readonly refusal: Refusal } {
  const what = `Cannot do that in group "${groupId}"`;
  const about = { group: groupId };
  const stored: StoredGroupRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    try {
      stored.push(encodeGroupRecord(record));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return refuse("INVALID_REQUEST", `${what}: it cannot be kept (${error.message})`, about);
    }
    const { key, value } = stored.at(-1) as StoredGroupRecord;
    bytes += recordOverheadBytes + key.length + (value?.length ?? 0);
  }
  if (bytes <= bytesMax) return { records: stored, bytes };
  const why = `it changes ${records.length} things, which take ${bytes} bytes; at most ${bytesMax} are kept at once`;
  const instead = "Use fewer partitions at a time, shorter notes, or groups with fewer members and topics.";
  return refuse("POLICY_VIOLATION", `${what}: ${why}. ${instead}`, about);
}

/** What is wrong with one decision is no reason to turn the others away for good; whose it is nobody can tell while they share a batch. */
function toAll(refusal: Refusal): Refusal {
  if (refusal.reason !== "MESSAGE_TOO_LARGE" && refusal.reason !== "INVALID_REQUEST") return refusal;
  const why = `what was decided together with it could not be kept (${refusal.message})`;
  return refuse("BUSY", `Cannot do that in this group now: ${why}; try again`).refusal;
}
