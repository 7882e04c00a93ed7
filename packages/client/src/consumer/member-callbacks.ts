// SPDX-License-Identifier: Apache-2.0
// What a consumer's owner is told of its partitions. A callback that fails ends the consumer: what it was to do is not done.

import { VarveError } from "@varve/api";
import type { Claim, TopicPartition } from "./claim.ts";
import type { Conditions } from "./conditions.ts";
import type { ConsumerSettings, PartitionOffset } from "./consumer-options.ts";

export class MemberCallbacks {
  readonly #settings: ConsumerSettings;
  readonly #conditions: Conditions;
  readonly #onFailed: (error: VarveError) => void;

  constructor(settings: ConsumerSettings, conditions: Conditions, onFailed: (error: VarveError) => void) {
    this.#settings = settings;
    this.#conditions = conditions;
    this.#onFailed = onFailed;
  }

  assigned(claims: readonly Claim[]): void {
    if (claims.length > 0) this.#tell(() => this.#settings.onAssigned?.(claims.map(placeOf)));
  }

  moved(claims: readonly Claim[]): void {
    if (claims.length > 0) this.#tell(() => this.#settings.onMoved?.(claims.map(placeOf)));
  }

  lost(claims: readonly Claim[]): void {
    if (claims.length > 0) this.#tell(() => this.#settings.onLost?.(claims.map(partitionOf)));
  }

  /** Resolves when the callback is done, when it is over anyway, or when time is up. */
  async revoke(
    claims: readonly Claim[],
    { timeoutMs, isOver }: { timeoutMs: number; isOver: () => boolean },
  ): Promise<void> {
    const { onRevoke } = this.#settings;
    if (onRevoke === undefined) return;
    let isDone = false;
    const attempt = async (): Promise<void> => {
      try {
        await onRevoke(claims.map(partitionOf));
      } catch (error) {
        this.#failed(error);
      }
      isDone = true;
      this.#conditions.check();
    };
    void attempt();
    await this.#conditions.until(() => isDone || isOver(), timeoutMs);
  }

  #tell(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const why = `a callback of the consumer of group "${this.#settings.group}" failed: ${String(error)}`;
    this.#onFailed(new VarveError("INVALID_REQUEST", `Cannot go on: ${why}`, { cause: error }));
  }
}

function partitionOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}

function placeOf({ topic, partition, progress }: Claim): PartitionOffset {
  return { topic, partition, offset: progress.position };
}
