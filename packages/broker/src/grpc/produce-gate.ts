/**
 * How much produce traffic one node holds at once: bytes and requests, counted from their arrival to their answer.
 *
 * Three answers to "full": a unary call is refused with BUSY; a stream stops reading (and the client's window closes); and whoever
 * was let in waits while the log itself has no room (J-2, J-8). So memory is bounded by `bytesMax` plus one message per stream.
 */
import { Budget } from "../drivers/byte-budget.ts";

export interface RoomWaiter {
  /** There is room again: go on reading. */
  roomAgain(): void;
}

export class ProduceGate {
  readonly bytes: Budget;
  readonly requests: Budget;
  readonly #admit: (bytes: number) => Promise<void> | undefined;
  readonly #waiting = new Set<RoomWaiter>();

  constructor(
    limits: { bytesMax: number; requestsMax: number },
    /** The log's word: undefined when there is room now, else there is when the promise resolves. */
    admit: (bytes: number) => Promise<void> | undefined,
  ) {
    this.bytes = new Budget(limits.bytesMax);
    this.requests = new Budget(limits.requestsMax);
    this.#admit = admit;
  }

  get full(): boolean {
    return this.bytes.used >= this.bytes.max || this.requests.used >= this.requests.max;
  }

  /** Streams that stopped reading because the node is full. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Counts a request that is here already. Pair with `leave`. */
  enter(bytes: number): void {
    this.bytes.take(bytes);
    this.requests.take(1);
  }

  leave(bytes: number): void {
    this.bytes.give(bytes);
    this.requests.give(1);
    if (this.#waiting.size === 0 || this.full) return;
    // A quarter free before anybody goes on, so that streams do not stop and go with every batch.
    if (this.bytes.used > this.bytes.max * 0.75 || this.requests.used > this.requests.max * 0.75) return;
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const waiter of woken) waiter.roomAgain();
  }

  /** Calls `waiter.roomAgain()` once there is room. */
  wait(waiter: RoomWaiter): void {
    this.#waiting.add(waiter);
  }

  stopWaiting(waiter: RoomWaiter): void {
    this.#waiting.delete(waiter);
  }

  /** Undefined: the log takes `bytes` now. A promise: it does when that resolves, in the order of asking. */
  logRoom(bytes: number): Promise<void> | undefined {
    return this.#admit(bytes);
  }
}
