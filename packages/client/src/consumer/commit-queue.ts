// SPDX-License-Identifier: Apache-2.0
// What is to be committed, and what became of it: one request at a time, the newest of each partition in it. Pure but for the promises
// of those who wait.
//
//   offer() ─> wanted ─ next() ─> asked ─ committed ─────────────> done
//                ^                  │ NOT_ASSIGNED, moved ───────> refused
//                └── a later generation (STALE_MEMBER_EPOCH), a lost stream
//
// Invariants
// - What belongs to a claim that is gone is never sent, unless a seek passed it on.
// - A generation that was refused as stale is not used again: what was refused waits for a later one.

import { errorFromFields, VarveError, type CommitResultOutput, type MemberCommitMessage } from "@varve/api";
import { keyOf, type Claim } from "./claim.ts";

export interface CommitWish {
  readonly claim: Claim;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

/** Told once what became of a wish: undefined when it, or a later one of its partition, is committed. */
export type CommitListener = (error: VarveError | undefined) => void;

interface Wanted extends CommitWish {
  readonly listeners: CommitListener[];
  /** It was wanted before its claim began, and says nothing of how far that is. */
  readonly isOfBefore?: boolean;
}

interface Asked {
  readonly requestId: number;
  readonly generation: number;
  readonly wishes: readonly Wanted[];
}

/** What an answer asks for. */
export interface CommitAnswer {
  /** The group does not know the member any more. */
  readonly expelled: VarveError | undefined;
  /** Something was refused that may be taken later: why. */
  readonly later: VarveError | undefined;
  readonly committed: readonly Claim[];
  /** Refused for good, and nobody who asked for it was told: why. */
  readonly refused: ReadonlyMap<Claim, VarveError>;
}

export class CommitQueue {
  readonly #wanted = new Map<string, Wanted>();
  #asked: Asked | undefined;
  #nextRequestId = 1;
  /** -1: no session, or one that has not said yet what is still the member's. */
  #generation = -1;
  /** Refused as stale. */
  #staleGeneration = -1;

  /** Nothing waits for an answer, nor to be sent. */
  get isIdle(): boolean {
    return this.#asked === undefined && this.#wanted.size === 0;
  }

  /** Whether something of a claim is not answered yet. */
  has(claim: Claim): boolean {
    const isOf = (wish: Wanted): boolean => wish.claim === claim;
    return [...this.#wanted.values()].some(isOf) || (this.#asked?.wishes.some(isOf) ?? false);
  }

  /** Replaces what is wanted of the same partition and was not sent. */
  offer(wish: CommitWish, listener?: CommitListener): void {
    const { claim } = wish;
    if (claim.state === "gone") {
      listener?.(notAssigned(claim));
      return;
    }
    const before = this.#wanted.get(claim.key);
    if (before !== undefined && before.claim !== claim) this.forget(before.claim);
    const listeners = before?.claim === claim ? before.listeners : [];
    this.#wanted.set(claim.key, { ...wish, listeners: listener === undefined ? listeners : [...listeners, listener] });
    claim.offeredOffset = wish.offset;
  }

  /** Tells what becomes of what is wanted or asked of a claim already. @returns false when there is nothing */
  listen(claim: Claim, listener: CommitListener): boolean {
    const found = [...this.#wanted.values(), ...(this.#asked?.wishes ?? [])].find((wish) => wish.claim === claim);
    found?.listeners.push(listener);
    return found !== undefined;
  }

  /** Somebody sought: what was wanted before is wanted still, and goes before what will be wanted of the claim that is there now. */
  pass(before: Claim, claim: Claim): void {
    const passed = (wish: Wanted): Wanted => (wish.claim === before ? { ...wish, claim, isOfBefore: true } : wish);
    const wanted = this.#wanted.get(before.key);
    if (wanted !== undefined) this.#wanted.set(before.key, passed(wanted));
    if (this.#asked !== undefined) this.#asked = { ...this.#asked, wishes: this.#asked.wishes.map(passed) };
  }

  /** A claim is gone: nothing of it is sent any more. */
  forget(claim: Claim): void {
    const wanted = this.#wanted.get(claim.key);
    if (wanted?.claim !== claim) return;
    this.#wanted.delete(claim.key);
    tell(wanted, notAssigned(claim));
  }

  /** The member's generation; -1: none, until a session has said what is the member's. */
  setGeneration(generation: number): void {
    this.#generation = generation;
  }

  /** What was asked was lost with its stream, and may or may not be committed: it is wanted again. */
  sessionLost(): void {
    const asked = this.#asked;
    this.#asked = undefined;
    this.#generation = -1;
    this.#staleGeneration = -1;
    for (const wish of asked?.wishes ?? []) this.#again(wish);
  }

  /** The request to send now; undefined: none. */
  next(): MemberCommitMessage | undefined {
    if (this.#asked !== undefined || this.#generation < 0 || this.#generation <= this.#staleGeneration)
      return undefined;
    const wishes = [...this.#wanted.values()].filter(({ claim }) => claim.state !== "gone");
    for (const wish of this.#wanted.values()) if (wish.claim.state === "gone") tell(wish, notAssigned(wish.claim));
    this.#wanted.clear();
    if (wishes.length === 0) return undefined;
    const requestId = this.#nextRequestId++;
    this.#asked = { requestId, generation: this.#generation, wishes };
    const offsets = wishes.map(({ claim: { topic, partition }, offset, leaderEpoch, metadata }) => ({
      topic,
      partition,
      offset,
      leaderEpoch,
      metadata,
    }));
    return { requestId, generation: this.#generation, offsets };
  }

  answered(result: CommitResultOutput): CommitAnswer {
    const asked = this.#asked;
    const answer = {
      expelled: undefined as VarveError | undefined,
      later: undefined as VarveError | undefined,
      committed: [] as Claim[],
      refused: new Map<Claim, VarveError>(),
    };
    if (asked === undefined || result.requestId !== asked.requestId) return answer;
    this.#asked = undefined;
    const whole = result.error === null || result.error === undefined ? undefined : errorFromFields(result.error);
    const byKey = new Map(result.offsets.map((offset) => [keyOf(offset), offset.error]));
    for (const wish of asked.wishes) {
      const fields = byKey.get(wish.claim.key);
      const error = whole ?? (fields === null || fields === undefined ? undefined : errorFromFields(fields));
      const isMissing = whole === undefined && !byKey.has(wish.claim.key);
      if (isMissing)
        tell(wish, new VarveError("INTERNAL", `Cannot read an answer: it does not name ${wish.claim.key}`));
      else if (error === undefined) {
        answer.committed.push(wish.claim);
        this.#committed(wish);
      } else if (isOfNobody(error)) {
        answer.expelled = error;
        this.#again(wish);
      } else if (error.reason === "STALE_MEMBER_EPOCH") {
        this.#staleGeneration = Math.max(this.#staleGeneration, asked.generation);
        this.#again(wish);
      } else if (error.retriable) {
        answer.later = error;
        this.#again(wish);
      } else {
        const { claim, isOfBefore = false } = wish;
        if (!isOfBefore) claim.offeredOffset = Math.min(claim.offeredOffset, claim.committedOffset);
        if (wish.listeners.length === 0 && wish.claim.state !== "gone") answer.refused.set(wish.claim, error);
        tell(wish, error);
      }
    }
    return answer;
  }

  /** Ends: whoever waits is told so. */
  fail(error: VarveError): void {
    const open = [...(this.#asked?.wishes ?? []), ...this.#wanted.values()];
    this.#asked = undefined;
    this.#wanted.clear();
    for (const wish of open) tell(wish, error);
  }

  #committed(wish: Wanted): void {
    const { claim, offset, isOfBefore = false } = wish;
    if (!isOfBefore) claim.committedOffset = offset;
    tell(wish, undefined);
  }

  /** Wanted as before, unless something newer of its claim is. */
  #again(wish: Wanted): void {
    const { claim } = wish;
    const newer = this.#wanted.get(claim.key);
    if (claim.state === "gone" || (newer !== undefined && newer.claim !== claim)) tell(wish, notAssigned(claim));
    else
      this.#wanted.set(claim.key, { ...(newer ?? wish), listeners: [...wish.listeners, ...(newer?.listeners ?? [])] });
  }
}

/** Whether the error says that the group does not know the member any more. */
export function isOfNobody({ reason }: VarveError): boolean {
  return reason === "UNKNOWN_MEMBER_ID" || reason === "FENCED_MEMBER_EPOCH";
}

function notAssigned({ topic, partition }: Claim): VarveError {
  const why = `partition ${partition} of "${topic}" was given back, lost or moved since. Its records come again, to whoever has it now.`;
  return new VarveError("NOT_ASSIGNED", `Cannot commit: ${why}`);
}

function tell({ listeners }: Wanted, error: VarveError | undefined): void {
  for (const listener of listeners) listener(error);
}
