// SPDX-License-Identifier: Apache-2.0
// Control batches: the broker's own records between the producers', one per batch (kafka-wire 4.2). Transaction markers say
// how a producer's transaction ended; Raft's own kinds (2 to 6) never appear in topics and are passed over.
//
//   key    version int16 = 0 | type int16: 0 abort, 1 commit
//   value  version int16 = 0 | coordinatorEpoch int32

import { FormatError } from "./format-error.ts";
import { buildBatch } from "./record-batch/builder.ts";
import { readInt16, readInt32, writeInt16, writeInt32 } from "./record-batch/layout.ts";

export type Control =
  | { readonly kind: "abort" | "commit"; readonly coordinatorEpoch: number }
  | { readonly kind: "other"; readonly type: number };

/** What the one record of a control batch says. FormatError MALFORMED when it is none. Newer versions may be longer. */
export function readControl(record: { key: Uint8Array | null; value: Uint8Array | null }): Control {
  const { key, value } = record;
  if (key === null || key.length < 4)
    throw new FormatError("MALFORMED", "Cannot read the control record: its key is short.");
  const type = readInt16(key, 2);
  if (type !== 0 && type !== 1) return { kind: "other", type };
  if (value === null || value.length < 6) {
    throw new FormatError("MALFORMED", "Cannot read the transaction marker: its value is short.");
  }
  return { kind: type === 1 ? "commit" : "abort", coordinatorEpoch: readInt32(value, 2) };
}

export interface MarkerOptions {
  readonly kind: "abort" | "commit";
  readonly coordinatorEpoch: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly timestampMs: number;
}

/** The batch that ends a transaction, owned; offsets and leader epoch are assigned as with any batch. */
export function buildMarker(options: MarkerOptions): Uint8Array {
  const { kind, coordinatorEpoch, producerId, producerEpoch, timestampMs } = options;
  const key = new Uint8Array(4);
  writeInt16(key, 2, kind === "commit" ? 1 : 0);
  const value = new Uint8Array(6);
  writeInt32(value, 2, coordinatorEpoch);
  return buildBatch([{ key, value, timestampMs }], { producerId, producerEpoch, transactional: true, control: true });
}
