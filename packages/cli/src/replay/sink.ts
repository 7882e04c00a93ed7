// SPDX-License-Identifier: Apache-2.0
// Where a replay goes: a topic, a file, standard output. Each knows what it takes to go on there after a crash.

import type { ConsumedRecord } from "@varve/client";

/** What the state file has to know of the other side, besides how far the reading is. */
export type SinkState =
  | {
      readonly kind: "topic";
      /** By partition: everything that follows lands at or behind this offset. */
      readonly ends: ReadonlyMap<number, number>;
    }
  | { readonly kind: "file"; /** What of the file counts. */ readonly sizeBytes: number }
  | { readonly kind: "stdout" };

export interface ReplaySink {
  /** Takes a record; false when nothing more is wanted. Rejects when one before it failed. */
  write(record: ConsumedRecord): boolean | Promise<boolean>;
  /** Resolves when all that was taken is safe there. */
  settle(): Promise<SinkState>;
  /** Idempotent. */
  close(): Promise<void>;
}
