/**
 * Who waits for which offset of one partition: a binary heap with the smallest offset on top.
 *
 * Produces wait in the order of their offsets, so that adding is O(1) in practice; removing the top is O(log n). A waiter
 * that gives up (deadline, cancel) is unlinked through the index it carries, so that the heap never holds the dead.
 * Invariant: `waiter.heapIndex` is its place while it is in a heap and -1 otherwise; it is in one heap at a time.
 */
export interface OffsetWaiter {
  /** Woken when the offset watched reaches this value. */
  waitOffset: number;
  /** Owned by the heap. */
  heapIndex: number;
}

export class OffsetHeap<W extends OffsetWaiter> {
  readonly #items: W[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The smallest offset waited for, or undefined. */
  get nextOffset(): number | undefined {
    return this.#items[0]?.waitOffset;
  }

  add(waiter: W): void {
    waiter.heapIndex = this.#items.length;
    this.#items.push(waiter);
    this.#up(waiter.heapIndex);
  }

  /** Removes it, if it is here. */
  remove(waiter: W): boolean {
    const at = waiter.heapIndex;
    if (at < 0 || this.#items[at] !== waiter) return false;
    waiter.heapIndex = -1;
    const last = this.#items.pop();
    if (last !== undefined && last !== waiter) {
      this.#items[at] = last;
      last.heapIndex = at;
      this.#up(at);
      this.#down(last.heapIndex);
    }
    return true;
  }

  /** Takes the waiter with the smallest offset if `offset` has reached it. */
  takeReached(offset: number): W | undefined {
    const top = this.#items[0];
    if (top === undefined || top.waitOffset > offset) return undefined;
    this.remove(top);
    return top;
  }

  /** Takes everyone, in no particular order. */
  takeAll(): W[] {
    const all = this.#items.splice(0);
    for (const waiter of all) waiter.heapIndex = -1;
    return all;
  }

  #up(from: number): void {
    const items = this.#items;
    let at = from;
    const waiter = items[at];
    if (waiter === undefined) return;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = items[parentAt];
      if (parent === undefined || parent.waitOffset <= waiter.waitOffset) break;
      items[at] = parent;
      parent.heapIndex = at;
      at = parentAt;
    }
    items[at] = waiter;
    waiter.heapIndex = at;
  }

  #down(from: number): void {
    const items = this.#items;
    let at = from;
    const waiter = items[at];
    if (waiter === undefined) return;
    for (;;) {
      const left = 2 * at + 1;
      let childAt = left;
      let child = items[left];
      const right = items[left + 1];
      if (right !== undefined && child !== undefined && right.waitOffset < child.waitOffset) {
        childAt = left + 1;
        child = right;
      }
      if (child === undefined || child.waitOffset >= waiter.waitOffset) break;
      items[at] = child;
      child.heapIndex = at;
      at = childAt;
    }
    items[at] = waiter;
    waiter.heapIndex = at;
  }
}
