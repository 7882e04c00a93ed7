/**
 * J-21: by which batches the producers that are still known are recognised, as of the end of what is compacted.
 *
 * A run begins with what the one before knew, so that it need not read the clean part of the log for their sake; the first one of a process,
 * and one after a cut, reads it all.
 */
import { isControl } from "@varve/format";
import type { BatchHeader } from "@varve/format";
import { ProducerState } from "../producer-state.ts";
import type { ProducerEntry } from "../producer-state.ts";
import type { ProducersBelow } from "./partition-compaction.ts";

export class KnownProducers {
  /** Of the producers that the partition knows now. */
  readonly known: ReadonlySet<number>;
  /** Batches below are known. */
  readonly from: number;
  readonly #state: ProducerState;

  constructor(live: ProducerState, before: ProducersBelow | undefined) {
    this.known = new Set(live.entries().map(({ producerId }) => producerId));
    this.from = before?.end ?? 0;
    const entries = before?.entries.filter(({ producerId }) => this.known.has(producerId));
    const options = { expiryMs: Number.MAX_SAFE_INTEGER, producersMax: Number.MAX_SAFE_INTEGER };
    this.#state = new ProducerState(options, entries);
  }

  /** Takes in the header of a batch; in the order of the log. */
  take(header: BatchHeader): void {
    if (header.baseOffset < this.from || !this.known.has(header.producerId) || isControl(header.attributes)) return;
    this.#state.append(header, 0);
  }

  /** First offsets of the last batches of each. */
  remembered(): number[] {
    return this.#state.entries().flatMap(({ batches }) => batches.map(({ firstOffset }) => firstOffset));
  }

  /** For the next run; owned copies. */
  entries(): ProducerEntry[] {
    return this.#state.entries();
  }
}
