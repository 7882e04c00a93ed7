// SPDX-License-Identifier: Apache-2.0
/**
 * Is there an order of these operations that a single copy could have executed, each between its call and its return?
 *
 * Depth-first search over the list of calls and returns (Wing and Gong, with the memory of Lowe and Porcupine): among the
 * operations that were called before the first return that is still in the list, try one as the next in the order; take it
 * out, go on; when a return is reached whose operation was not placed, undo. A set of placed operations that led to the same
 * state before is not tried again. Where nothing is pending the set collapses to a number, so a long history costs as
 * little as its quiet pieces.
 *
 * An operation whose outcome nobody knows never returns: it may take effect at any later time, or not at all.
 *
 * The budget is in steps and not in seconds, so the verdict is a function of the history.
 */
import { holds } from "./violation.ts";

/** What one client did. Times are any numbers that order events; calls and returns at one time count as concurrent. */
export interface Operation<Input, Output> {
  readonly input: Input;
  readonly calledAt: number;
  /** `Infinity` when the outcome is unknown. */
  readonly returnedAt: number;
  /** Undefined when the outcome is unknown. */
  readonly output: Output | undefined;
}

/** What a single copy does. `state` is never changed in place. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State;
  /**
   * The state after `input`, or undefined if it cannot have had this output in `state`. An undefined output is unknown and
   * goes with everything.
   */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
  /** Equal for equal states, different for different ones. */
  fingerprint(state: State): string | number;
}

export type LinearizabilityVerdict =
  | { readonly kind: "linearizable"; readonly steps: number }
  /** `longest` operations (positions in the history) could be placed, in this order, before it got stuck. */
  | { readonly kind: "violation"; readonly longest: readonly number[]; readonly steps: number }
  | { readonly kind: "undecided"; readonly steps: number };

/** A call or a return in the list. The return of an operation with unknown outcome is not in it. */
interface Mark {
  /** Position of the operation in the history. */
  readonly operation: number;
  readonly time: number;
  readonly isCall: boolean;
  /** The return that belongs to a call. */
  match: Mark | undefined;
  previous: Mark | undefined;
  next: Mark | undefined;
}

/** Checks one key's history. Operations of different keys do not concern each other: group them with `byKey`. */
export function checkLinearizable<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  model: SequentialModel<State, Input, Output>,
  stepsMax = 1_000_000,
): LinearizabilityVerdict {
  const head = makeList(history);
  let remaining = history.filter(({ returnedAt }) => returnedAt !== Infinity).length;
  const placed = new PlacedSet(history.length);
  const seen = new Set<string>();
  const undo: { mark: Mark; state: State }[] = [];
  let longest: number[] = [];
  let { initial: state } = model;
  let steps = 0;
  let mark = head.next;
  while (remaining > 0) {
    if (++steps > stepsMax) return { kind: "undecided", steps };
    holds(mark !== undefined, "linearizability", () => "a return is missing from the list");
    if (mark.isCall) {
      const operation = history[mark.operation] as Operation<Input, Output>;
      const next = model.step(state, operation.input, operation.output);
      if (next !== undefined) {
        placed.add(mark.operation);
        const memory = `${placed.fingerprint()}|${model.fingerprint(next)}`;
        if (!seen.has(memory)) {
          seen.add(memory);
          undo.push({ mark, state });
          state = next;
          if (mark.match !== undefined) remaining--;
          lift(mark);
          mark = head.next;
          continue;
        }
        placed.delete(mark.operation);
      }
      mark = mark.next;
      continue;
    }
    // The return of an operation that is not placed: something before was placed wrongly.
    if (undo.length > longest.length) longest = undo.map((entry) => entry.mark.operation);
    const last = undo.pop();
    if (last === undefined) return { kind: "violation", longest, steps };
    ({ state } = last);
    placed.delete(last.mark.operation);
    if (last.mark.match !== undefined) remaining++;
    unlift(last.mark);
    mark = last.mark.next;
  }
  return { kind: "linearizable", steps };
}

/** The histories of each key, each in the order of calls. */
export function byKey<Key, Input, Output>(
  history: readonly Operation<Input, Output>[],
  keyOf: (input: Input) => Key,
): Map<Key, Operation<Input, Output>[]> {
  const histories = new Map<Key, Operation<Input, Output>[]>();
  for (const operation of history) {
    const key = keyOf(operation.input);
    const operations = histories.get(key);
    if (operations === undefined) histories.set(key, [operation]);
    else operations.push(operation);
  }
  for (const operations of histories.values()) operations.sort((a, b) => a.calledAt - b.calledAt);
  return histories;
}

/** The head of a doubly linked list of all calls and returns by time; calls first at the same time. */
function makeList(history: readonly Operation<unknown, unknown>[]): Mark {
  const marks: Mark[] = [];
  history.forEach(({ calledAt, returnedAt }, operation) => {
    const blank = { operation, match: undefined, previous: undefined, next: undefined };
    const call: Mark = { ...blank, time: calledAt, isCall: true };
    marks.push(call);
    if (returnedAt === Infinity) return;
    call.match = { ...blank, time: returnedAt, isCall: false };
    marks.push(call.match);
  });
  marks.sort((a, b) => a.time - b.time || Number(b.isCall) - Number(a.isCall) || a.operation - b.operation);
  const head: Mark = {
    operation: -1,
    time: -Infinity,
    isCall: true,
    match: undefined,
    previous: undefined,
    next: undefined,
  };
  let last = head;
  for (const mark of marks) {
    last.next = mark;
    mark.previous = last;
    last = mark;
  }
  return head;
}

/** Takes a call and its return out of the list. */
function lift(call: Mark): void {
  unlink(call);
  if (call.match !== undefined) unlink(call.match);
}

/** The exact reverse of `lift`, in reverse order. */
function unlift(call: Mark): void {
  if (call.match !== undefined) link(call.match);
  link(call);
}

function unlink(mark: Mark): void {
  if (mark.previous !== undefined) mark.previous.next = mark.next;
  if (mark.next !== undefined) mark.next.previous = mark.previous;
}

function link(mark: Mark): void {
  if (mark.previous !== undefined) mark.previous.next = mark;
  if (mark.next !== undefined) mark.next.previous = mark;
}

/** A set of positions that is named shortly: everything below its first gap is a number, the rest are words up to the last. */
class PlacedSet {
  readonly #words: Int32Array;
  #firstGap = 0;
  #lastUsed = -1;

  constructor(size: number) {
    this.#words = new Int32Array((size >> 5) + 1);
  }

  add(at: number): void {
    const word = at >> 5;
    this.#words[word] = (this.#words[word] as number) | (1 << (at & 31));
    if (word > this.#lastUsed) this.#lastUsed = word;
    while (this.#words[this.#firstGap] === -1) this.#firstGap++;
  }

  delete(at: number): void {
    const word = at >> 5;
    this.#words[word] = (this.#words[word] as number) & ~(1 << (at & 31));
    if (word < this.#firstGap) this.#firstGap = word;
    while (this.#lastUsed >= 0 && this.#words[this.#lastUsed] === 0) this.#lastUsed--;
  }

  fingerprint(): string {
    let text = String(this.#firstGap);
    for (let word = this.#firstGap; word <= this.#lastUsed; word++) text += `,${this.#words[word]}`;
    return text;
  }
}
