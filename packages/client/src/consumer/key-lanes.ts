// SPDX-License-Identifier: Apache-2.0
// In which order things are done side by side: of one lane one at a time, in the order in which they came; of different lanes as many as
// are allowed; a lane that waits longest goes first.
//
//   lane a   ● ○ ○        ● under way
//   lane b   ●            ○ waiting
//   lane c   ○ ○          (waits for a free hand)

export interface KeyLanesOptions {
  /** At most so many under way. */
  readonly concurrency: number;
  /** From so many waiting on, `hasRoom` is false. */
  readonly waitingMax: number;
}

interface Lane<Item> {
  readonly waiting: Item[];
  isBusy: boolean;
}

export class KeyLanes<Item> {
  readonly #options: KeyLanesOptions;
  readonly #lanes = new Map<string, Lane<Item>>();
  /** Lanes with something to do and nobody at it, in the order in which they became so. */
  readonly #ready = new Set<string>();
  #underWay = 0;
  #waiting = 0;

  constructor(options: KeyLanesOptions) {
    this.#options = options;
  }

  get hasRoom(): boolean {
    return this.#waiting < this.#options.waitingMax;
  }

  get underWay(): number {
    return this.#underWay;
  }

  get waiting(): number {
    return this.#waiting;
  }

  add(name: string, item: Item): void {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { waiting: [], isBusy: false };
      this.#lanes.set(name, lane);
    }
    lane.waiting.push(item);
    this.#waiting += 1;
    if (!lane.isBusy) this.#ready.add(name);
  }

  /** What to begin now; its lane is busy until done() is called with its name. Undefined: nothing, or no hand is free. */
  next(): { readonly lane: string; readonly item: Item } | undefined {
    if (this.#underWay >= this.#options.concurrency) return undefined;
    for (const name of this.#ready) {
      this.#ready.delete(name);
      const lane = this.#lanes.get(name);
      const item = lane?.waiting.shift();
      if (lane === undefined || item === undefined) continue;
      lane.isBusy = true;
      this.#underWay += 1;
      this.#waiting -= 1;
      return { lane: name, item };
    }
    return undefined;
  }

  done(name: string): void {
    const lane = this.#lanes.get(name);
    if (lane === undefined || !lane.isBusy) return;
    lane.isBusy = false;
    this.#underWay -= 1;
    if (lane.waiting.length > 0) this.#ready.add(name);
    else this.#lanes.delete(name);
  }

  /** Forgets what waits and is not wanted any more. @returns it */
  drop(isUnwanted: (item: Item) => boolean): Item[] {
    const dropped: Item[] = [];
    for (const [name, lane] of this.#lanes) {
      const kept: Item[] = [];
      for (const item of lane.waiting) (isUnwanted(item) ? dropped : kept).push(item);
      if (kept.length === lane.waiting.length) continue;
      this.#waiting -= lane.waiting.length - kept.length;
      lane.waiting.splice(0, lane.waiting.length, ...kept);
      if (kept.length === 0) this.#ready.delete(name);
      if (kept.length === 0 && !lane.isBusy) this.#lanes.delete(name);
    }
    return dropped;
  }
}
