// SPDX-License-Identifier: Apache-2.0
// Looks at the free space of the disk now and then (D-9). A node that is short of it proposes nothing and does not lead, until
// there is a tenth more than the reserve again.

import type { NodeOptions } from "./node-options.ts";
import type { Clock, Storage, Timer } from "./ports.ts";

export class SpaceWatch {
  /** As last seen; -1 before. */
  freeBytes = -1;
  isLow = false;
  readonly #storage: Pick<Storage, "freeBytes">;
  readonly #clock: Clock;
  readonly #options: Pick<NodeOptions, "reserveBytes" | "spaceCheckMs" | "onEvent">;
  readonly #onChange: (low: boolean) => void;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(
    storage: Pick<Storage, "freeBytes">,
    clock: Clock,
    options: Pick<NodeOptions, "reserveBytes" | "spaceCheckMs" | "onEvent">,
    onChange: (low: boolean) => void,
  ) {
    this.#storage = storage;
    this.#clock = clock;
    this.#options = options;
    this.#onChange = onChange;
  }

  /** Resolves when it has looked once. */
  async start(): Promise<void> {
    try {
      this.#saw(await this.#storage.freeBytes());
    } catch {
      // A disk that cannot tell is not a disk without space: what fails will fail at a write.
    }
    if (this.#isStopped) return;
    this.#timer = this.#clock.after(this.#options.spaceCheckMs, () => void this.start());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #saw(freeBytes: number): void {
    if (this.#isStopped) return;
    const { reserveBytes, onEvent } = this.#options;
    this.freeBytes = freeBytes;
    const isLow = freeBytes < (this.isLow ? reserveBytes * 1.1 : reserveBytes);
    if (isLow === this.isLow) return;
    this.isLow = isLow;
    onEvent({ type: "space", low: isLow, freeBytes });
    this.#onChange(isLow);
  }
}
