/**
 * One timer for all deadlines of a node: produce timeouts, long polls, idle streams.
 *
 *     slot:   0    1    2    3   ...   255      one slot = tickMs
 *             |    |    |    |          |
 *             e-e  .    e    .          e-e-e   doubly linked lists; an entry far away waits whole rounds
 *                       ^ hand
 *
 * Adding and cancelling cost O(1) and allocate one small object; an empty wheel has no timer at all (an idle node sleeps).
 * Invariant: an entry fires no earlier than asked and at most two ticks late, as long as the event loop turns.
 */
import type { Clock, Timer } from "@varve/log";

const slotCount = 256;

export interface WheelEntry {
  /** True until it fires or is cancelled. */
  readonly pending: boolean;
  /** Forgets the entry; harmless when it has fired. */
  cancel(): void;
}

class Entry implements WheelEntry {
  next: Entry | undefined;
  previous: Entry | undefined;
  pending = true;
  readonly wheel: TimingWheel;
  readonly dueTick: number;
  readonly fire: () => void;

  constructor(wheel: TimingWheel, dueTick: number, fire: () => void) {
    this.wheel = wheel;
    this.dueTick = dueTick;
    this.fire = fire;
  }

  cancel(): void {
    if (this.pending) this.wheel.remove(this);
  }
}

export class TimingWheel {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #startMs: number;
  readonly #slots: (Entry | undefined)[] = Array.from({ length: slotCount }, () => undefined);
  #hand = 0;
  #size = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(clock: Clock, options: { tickMs?: number } = {}) {
    this.#clock = clock;
    this.#tickMs = options.tickMs ?? 10;
    this.#startMs = clock.monotonicMs();
  }

  /** Entries that have neither fired nor been cancelled. */
  get size(): number {
    return this.#size;
  }

  /** Calls `fire` once, `delayMs` from now or up to two ticks later. Entries of a closed wheel never fire. */
  schedule(delayMs: number, fire: () => void): WheelEntry {
    const nowTick = this.#nowTick();
    if (this.#size === 0) this.#hand = nowTick;
    const ticks = Math.max(1, Math.ceil(Math.max(0, delayMs) / this.#tickMs) + 1);
    const entry = new Entry(this, nowTick + ticks, fire);
    const slot = entry.dueTick % slotCount;
    const head = this.#slots[slot];
    entry.next = head;
    if (head !== undefined) head.previous = entry;
    this.#slots[slot] = entry;
    this.#size++;
    if (this.#timer === undefined && !this.#closed) this.#arm();
    return entry;
  }

  /** Internal: unlinks an entry. Public only because entries cancel themselves. */
  remove(entry: Entry): void {
    entry.pending = false;
    this.#size--;
    if (entry.previous === undefined) this.#slots[entry.dueTick % slotCount] = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next !== undefined) entry.next.previous = entry.previous;
    entry.next = undefined;
    entry.previous = undefined;
    if (this.#size === 0) this.#disarm();
  }

  /** Stops the hand. What is still scheduled never fires: its owners answer for it when they close. */
  close(): void {
    this.#closed = true;
    this.#disarm();
  }

  #nowTick(): number {
    return Math.floor((this.#clock.monotonicMs() - this.#startMs) / this.#tickMs);
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(this.#tickMs, () => this.#turn());
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #turn(): void {
    this.#timer = undefined;
    const nowTick = this.#nowTick();
    // After a stall of more than one round every slot is visited once, not once per missed tick.
    const first = Math.max(this.#hand + 1, nowTick - slotCount + 1);
    const due: Entry[] = [];
    for (let tick = first; tick <= nowTick; tick++) {
      for (let entry = this.#slots[tick % slotCount]; entry !== undefined; entry = entry.next) {
        if (entry.dueTick <= nowTick) due.push(entry);
      }
    }
    this.#hand = nowTick;
    for (const entry of due) {
      // An earlier one of this turn may have cancelled it.
      if (!entry.pending) continue;
      this.remove(entry);
      entry.fire();
    }
    if (this.#size > 0 && this.#timer === undefined && !this.#closed) this.#arm();
  }
}
