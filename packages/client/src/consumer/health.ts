// SPDX-License-Identifier: Apache-2.0
// Whether a consumer does its work: it has a session, wherever there is something to read it gets on, and that is committed.

/** A partition of a consumer, as health looks at it. */
export interface PartitionPace {
  readonly key: string;
  /** Offset up to which everything is finished. */
  readonly finishedOffset: number;
  /** First offset that cannot be read yet, or the end of what is to be read; -1: not known yet. */
  readonly target: number;
  readonly isPaused: boolean;
}

export interface Health {
  readonly isHealthy: boolean;
  /** What is wrong, for people; undefined: nothing. */
  readonly why: string | undefined;
  /** Records (offsets) that are not finished, as far as it is known; paused partitions count too. */
  readonly lag: number;
  /** How long it has been out of its group, in ms; undefined: it is in it, or has not begun. */
  readonly outMs: number | undefined;
}

interface Pace {
  finishedOffset: number;
  movedMs: number;
}

/** Remembers when each partition last moved. Pure: times are handed in. */
export class Paces {
  readonly #paces = new Map<string, Pace>();

  /** Takes in how things stand. Something that is new, paused, or has nothing to do has moved just now. */
  observe(partitions: readonly PartitionPace[], nowMs: number): void {
    const present = new Set<string>();
    for (const { key, finishedOffset, target, isPaused } of partitions) {
      present.add(key);
      const pace = this.#paces.get(key);
      const isIdle = isPaused || finishedOffset >= target;
      if (pace === undefined || isIdle || pace.finishedOffset !== finishedOffset) {
        this.#paces.set(key, { finishedOffset, movedMs: nowMs });
      }
    }
    for (const key of this.#paces.keys()) if (!present.has(key)) this.#paces.delete(key);
  }

  /** Partitions that have not moved for so long, the longest first. */
  stuck(nowMs: number, limitMs: number): { readonly key: string; readonly stillMs: number }[] {
    return [...this.#paces]
      .map(([key, { movedMs }]) => ({ key, stillMs: nowMs - movedMs }))
      .filter(({ stillMs }) => stillMs >= limitMs)
      .sort((a, b) => b.stillMs - a.stillMs);
  }
}

export interface HealthInput {
  /** Why the consumer ended; undefined: it runs. */
  readonly ended: string | undefined;
  /** How long it has been in no session; undefined: it is in one. */
  readonly outMs: number | undefined;
  readonly partitions: readonly PartitionPace[];
  readonly stuck: readonly { readonly key: string; readonly stillMs: number }[];
  /** How long nothing was committed of what should be, and what was said to that; undefined: nothing waits for it. */
  readonly uncommitted: { readonly ms: number; readonly error: Error | undefined } | undefined;
  readonly limitMs: number;
}

export function healthOf({ ended, outMs, partitions, stuck, uncommitted, limitMs }: HealthInput): Health {
  const lag = partitions.reduce((sum, { finishedOffset, target }) => sum + Math.max(0, target - finishedOffset), 0);
  const why = ((): string | undefined => {
    if (ended !== undefined) return `It has ended: ${ended}`;
    if (outMs !== undefined && outMs >= limitMs) return `It has been out of its group for ${Math.round(outMs)} ms`;
    const [first] = stuck;
    if (first === undefined) {
      if (uncommitted === undefined || uncommitted.ms < limitMs) return undefined;
      const { ms, error } = uncommitted;
      return `Nothing was committed for ${Math.round(ms)} ms, though there is something to commit${error === undefined ? "" : `: ${error.message}`}`;
    }
    const others = stuck.length === 1 ? "" : `, and ${stuck.length - 1} more`;
    return `Nothing of partition ${first.key} was finished for ${Math.round(first.stillMs)} ms, though there is something to do${others}`;
  })();
  return { isHealthy: why === undefined, why, lag, outMs };
}
