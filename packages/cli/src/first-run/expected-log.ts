// SPDX-License-Identifier: Apache-2.0
// What the log must hold after the sample was sent, worked out from the input alone, and the comparison of a replay with
// it. Pure.
//
//   input lines in order ──> partition by key ──> offset = place among the lines of its partition

import { kafkaPartition } from "./kafka-partition.ts";

/** One record as it must come back. */
export interface ExpectedRecord {
  partition: number;
  offset: number;
  key: Uint8Array;
  value: Uint8Array;
  timestampMs: number;
  /** From 1, the header not counted: for messages. */
  line: number;
}

export interface ReplayedRecord {
  partition: number;
  offset: number;
  key: Uint8Array | null;
  value: Uint8Array | null;
  timestampMs: number;
}

/** The expected records by partition, in offset order. */
export function expectedLog(
  input: readonly { key: Uint8Array; value: Uint8Array; timestampMs: number }[],
  partitionCount: number,
): ExpectedRecord[][] {
  const log: ExpectedRecord[][] = Array.from({ length: partitionCount }, () => []);
  for (const [index, record] of input.entries()) {
    const partition = kafkaPartition(record.key, partitionCount);
    const records = log[partition] ?? [];
    records.push({ ...record, partition, offset: records.length, line: index + 1 });
  }
  return log;
}

/** The part of a partition from the first record at or after a time, as a position by time means it. */
export function fromTime(records: readonly ExpectedRecord[], timeMs: number): readonly ExpectedRecord[] {
  const first = records.findIndex((record) => record.timestampMs >= timeMs);
  return first < 0 ? [] : records.slice(first);
}

/**
 * Compares what one partition replayed with what it must be, byte for byte; the first difference as a sentence, or
 * undefined when there is none.
 */
export function firstDifference(
  expected: readonly ExpectedRecord[],
  replayed: readonly ReplayedRecord[],
): string | undefined {
  for (const [index, want] of expected.entries()) {
    const got = replayed[index];
    const where = `line ${want.line} of the sample (partition ${want.partition}, offset ${want.offset})`;
    if (got === undefined)
      return `${where} is missing: the replay ended after ${replayed.length} of ${expected.length} records`;
    if (got.partition !== want.partition || got.offset !== want.offset) {
      return `${where} came back as partition ${got.partition}, offset ${got.offset}`;
    }
    if (!sameBytes(got.value, want.value))
      return `${where} came back with other bytes: ${quote(got.value)} instead of ${quote(want.value)}`;
    if (!sameBytes(got.key, want.key))
      return `${where} came back with key ${quote(got.key)} instead of ${quote(want.key)}`;
    if (got.timestampMs !== want.timestampMs) {
      return `${where} came back with time ${got.timestampMs} instead of ${want.timestampMs}`;
    }
  }
  const extra = replayed[expected.length];
  if (extra !== undefined)
    return `partition ${extra.partition} has a record that the sample does not: offset ${extra.offset}, ${quote(extra.value)}`;
  return undefined;
}

function sameBytes(one: Uint8Array | null, other: Uint8Array): boolean {
  return one !== null && Buffer.compare(one, other) === 0;
}

function quote(bytes: Uint8Array | null): string {
  return bytes === null ? "null" : JSON.stringify(Buffer.from(bytes).toString("utf8"));
}
