/**
 * Who waits for room: in memory, for what is in no segment yet (J-2), or in the journal (J-8). In the order of asking.
 *
 *   asked for ──▶ there is room, and nobody waits: at once
 *             ──▶ memory is full      what is behind the journal is written to segments
 *             ──▶ the journal is full a checkpoint begins
 */
export interface RoomLimits {
  /** Bytes in memory that are in no segment yet. */
  readonly queuedBytes: () => number;
  readonly queuedBytesMax: number;
  readonly journalBytes: () => number;
  readonly journalBytesMax: number;
}

/** How room is made. */
export interface RoomMakers {
  /** `isShort` now: writes what is behind to segments, soon. */
  flushBehind(): void;
  /** Writes a checkpoint, unless one is under way. */
  checkpoint(): void;
  /** The store is closing, or the disk has failed: nobody waits any more. */
  isOver(): boolean;
}

export class Room {
  readonly #limits: RoomLimits;
  readonly #makers: RoomMakers;
  /** In the order in which they came. */
  readonly #waiters: { readonly bytes: number; resolve(): void }[] = [];
  #isFlushAsked = false;

  constructor(limits: RoomLimits, makers: RoomMakers) {
    this.#limits = limits;
    this.#makers = makers;
  }

  get hasWaiters(): boolean {
    return this.#waiters.length > 0;
  }

  /**
   * What is behind the journal goes to segments as soon as it counts. Not a wish that is made once: what is on its way to the journal
   * then, and what those append who get room, would stay in memory, and whoever waits would wait for the next checkpoint.
   */
  get isShort(): boolean {
    return this.#isFlushAsked || this.hasWaiters;
  }

  get isJournalFull(): boolean {
    return this.#limits.journalBytes() > this.#limits.journalBytesMax;
  }

  /** Undefined: there is room. Otherwise whoever asked appends at once when the promise resolves, without asking again. */
  admit(bytes: number): Promise<void> | undefined {
    // Once per time that half of the room is taken: asking every partition for every batch would cost more than it helps.
    if (this.#limits.queuedBytes() + bytes <= this.#limits.queuedBytesMax / 2) this.#isFlushAsked = false;
    else if (!this.#isFlushAsked) this.#flushBehind();
    if (this.#waiters.length === 0 && this.#hasRoomFor(bytes)) return undefined;
    if (this.#makers.isOver()) return undefined;
    if (this.isJournalFull) this.#makers.checkpoint();
    else this.#flushBehind();
    return new Promise((resolve) => {
      this.#waiters.push({ bytes, resolve });
    });
  }

  /** There may be more room: whoever has waited longest is first. */
  grant(): void {
    const isOver = this.#makers.isOver();
    let grantedBytes = 0;
    let count = 0;
    for (const { bytes } of this.#waiters) {
      if (!isOver && !this.#hasRoomFor(grantedBytes + bytes)) break;
      grantedBytes += bytes;
      count += 1;
    }
    for (const waiter of this.#waiters.splice(0, count)) waiter.resolve();
  }

  #flushBehind(): void {
    this.#isFlushAsked = true;
    this.#makers.flushBehind();
  }

  #hasRoomFor(bytes: number): boolean {
    if (this.isJournalFull) return false;
    const queued = this.#limits.queuedBytes();
    return queued === 0 || queued + bytes <= this.#limits.queuedBytesMax;
  }
}
