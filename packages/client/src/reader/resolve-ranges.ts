// SPDX-License-Identifier: Apache-2.0
// From what a caller wants to read to offsets: one ListOffsets for each different position, so that every partition starts
// and ends where it stood at one moment.

import { printPosition, VarveError, type End, type PartitionOffsetsOutput, type Position } from "@varve/api";
import type { Admin } from "../admin.ts";
import type { CallControl } from "../call.ts";
import { PartitionProgress } from "./partition-progress.ts";

/** A partition to read, perhaps with bounds of its own. */
export type ReaderPartition =
  | number
  | { readonly partition: number; readonly from?: Position | undefined; readonly to?: End | undefined };

interface Wish {
  readonly topic: string;
  readonly partitions?: readonly ReaderPartition[] | undefined;
  readonly from?: Position | undefined;
  readonly to?: End | undefined;
}

/** Rejects with VarveError, when a partition is named twice or does not exist. */
export async function resolveRanges(admin: Admin, wish: Wish, control: CallControl): Promise<PartitionProgress[]> {
  const { topic, from = { kind: "earliest" }, to = { kind: "none" } } = wish;
  const asked = new Map<string, Promise<Map<number, PartitionOffsetsOutput>>>();
  const ask = (position: Position, partitions: readonly number[]): Promise<Map<number, PartitionOffsetsOutput>> => {
    const key = printPosition(position);
    let answer = asked.get(key);
    if (answer === undefined) {
      answer = admin
        .listOffsets({ topic, partitions, position }, control)
        .then((rows) => new Map(rows.map((row) => [row.partition, row])));
      asked.set(key, answer);
    }
    return answer;
  };
  const named = wish.partitions?.map((range) => (typeof range === "number" ? { partition: range } : range));
  const numbers = named?.map((range) => range.partition) ?? [];
  if (new Set(numbers).size !== numbers.length) {
    throw new VarveError("INVALID_REQUEST", `Cannot read "${topic}": a partition is named twice`);
  }
  // Also tells which partitions there are, and stops at topics that are not.
  const ends = await ask({ kind: "latest" }, numbers);
  const ranges = named ?? [...ends.keys()].map((partition) => ({ partition, from: undefined, to: undefined }));
  return Promise.all(
    ranges.map(async (range) => {
      const { partition } = range;
      const start = await startOf(range.from ?? from, partition, (position) => ask(position, numbers));
      const end = await endOf(range.to ?? to, partition, (position) => ask(position, numbers));
      return new PartitionProgress(partition, start, end);
    }),
  );
}

type Ask = (position: Position) => Promise<Map<number, PartitionOffsetsOutput>>;

async function startOf(position: Position, partition: number, ask: Ask): Promise<number> {
  return position.kind === "offset" ? position.offset : offsetIn(await ask(position), partition);
}

async function endOf(end: End, partition: number, ask: Ask): Promise<End> {
  switch (end.kind) {
    case "none":
    case "offset":
    case "count":
      return end;
    case "latest-at-start":
      return { kind: "offset", offset: offsetIn(await ask({ kind: "latest" }), partition) };
    case "time":
      return { kind: "offset", offset: offsetIn(await ask({ kind: "time", timeMs: end.timeMs }), partition) };
  }
}

function offsetIn(rows: Map<number, PartitionOffsetsOutput>, partition: number): number {
  const row = rows.get(partition);
  if (row === undefined) {
    throw new VarveError("UNKNOWN_PARTITION", `Cannot read partition ${partition}: the broker says nothing of it`);
  }
  return row.offset;
}
