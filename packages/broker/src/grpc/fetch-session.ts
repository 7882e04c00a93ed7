/**
 * One `Fetch` call: reads one partition once, waiting for `minBytes` up to `maxWaitMs` (kafka-wire 6.3).
 *
 * What was read stays read while it waits, so that a long poll on a busy partition reads every byte once. It wakes when the
 * high watermark moves, not on a timer; its deadline lies in the node's timing wheel.
 */
import type { ReadResult } from "@varve/log";
import type { LocalPartition, ReadWaiter } from "../drivers/partition.ts";
import { readFailure, readRefusal } from "../drivers/read-refusal.ts";
import type { TimingWheel, WheelEntry } from "../drivers/timing-wheel.ts";
import type { Refusal } from "../refusal.ts";

export interface FetchPlan {
  leader: LocalPartition;
  offset: number;
  maxBytes: number;
  minBytes: number;
  maxWaitMs: number;
}

/** Whole batches from `offset` on (perhaps none), and the offset behind them. */
export interface FetchedBatches {
  bytes: Uint8Array;
  nextOffset: number;
}

export class FetchSession implements ReadWaiter {
  waitOffset = -1;
  heapIndex = -1;
  readonly #plan: FetchPlan;
  readonly #done: (result: FetchedBatches | Refusal) => void;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #position: number;
  #deadline: WheelEntry | undefined;
  #late: boolean;
  #reading = false;
  #over = false;

  /** `done` is called once, unless the session is cancelled before. */
  constructor(plan: FetchPlan, wheel: TimingWheel, done: (result: FetchedBatches | Refusal) => void) {
    this.#plan = plan;
    this.#done = done;
    this.#position = plan.offset;
    this.#late = plan.maxWaitMs <= 0;
    if (!this.#late) this.#deadline = wheel.schedule(plan.maxWaitMs, () => this.#timeIsUp());
    this.#read();
  }

  wake(): void {
    this.#read();
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline?.cancel();
    this.#plan.leader.stopWaiting(this);
  }

  /** Answers now with what there is, waiting time left or not. */
  hurry(): void {
    if (!this.#over && !this.#late) this.#timeIsUp();
  }

  #timeIsUp(): void {
    this.#late = true;
    this.#plan.leader.stopWaiting(this);
    if (!this.#reading) this.#answer();
  }

  #read(): void {
    const { leader, maxBytes } = this.#plan;
    if (this.#over || this.#reading) return;
    if (leader.closedBy !== undefined) {
      this.#finish(leader.closedBy);
      return;
    }
    const options = { offset: this.#position, maxBytes: maxBytes - this.#bytes, limit: leader.log.highWatermark };
    const cached = leader.log.readCached(options);
    if (cached !== undefined) {
      this.#taken(cached);
      return;
    }
    this.#reading = true;
    leader.log.read(options).then(
      (result) => {
        this.#reading = false;
        if (!this.#over) this.#taken(result);
      },
      (error: unknown) => {
        this.#finish(readFailure([leader], error));
      },
    );
  }

  #taken(result: ReadResult): void {
    const { leader, minBytes } = this.#plan;
    if (result.kind === "batches") {
      this.#pieces.push(result.bytes);
      this.#bytes += result.bytes.byteLength;
      this.#position = result.nextOffset;
      // A read ends at the edge of a segment or of the cache; what is committed beyond it belongs to this answer too.
      if (this.#bytes < minBytes && this.#bytes < this.#plan.maxBytes && this.#position < leader.log.highWatermark) {
        this.#read();
        return;
      }
    } else if (result.kind !== "empty") {
      // What was read before the trouble is delivered; the next Fetch meets the trouble first.
      if (this.#bytes > 0) this.#answer();
      else this.#finish(readRefusal(leader, this.#position, result));
      return;
    }
    if (this.#late || this.#bytes >= Math.max(1, minBytes) || this.#bytes >= this.#plan.maxBytes) {
      this.#answer();
      return;
    }
    this.waitOffset = Math.max(this.#position, leader.log.highWatermark) + 1;
    leader.waitForRecords(this);
  }

  #answer(): void {
    const [only] = this.#pieces;
    const bytes = this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces);
    this.#finish({ bytes, nextOffset: this.#position });
  }

  #finish(result: FetchedBatches | Refusal): void {
    if (this.#over) return;
    this.cancel();
    this.#done(result);
  }
}
