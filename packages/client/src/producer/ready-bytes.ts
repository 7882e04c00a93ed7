// SPDX-License-Identifier: Apache-2.0
// From how many unacknowledged bytes on ready() asks for a pause.

/**
 * What waits longer outlives the garbage collector's young generation: with 32 MiB of small records under way it took half of the time,
 * with 8 MiB a tenth. The rest takes bursts.
 */
const share = 1 / 4;
/** Of many partitions each has little of that, and a batch costs a node the same whether it has 8 records or 300. */
const manyPartitions = 100;
const bytesEach = 80 * 1024;
const shareMax = 3 / 4;

/** `partitions`: to which records were sent. */
export function readyBytesOf(bufferBytes: number, partitions: number): number {
  const bytes = partitions > manyPartitions ? partitions * bytesEach : 0;
  return Math.min(bufferBytes * shareMax, Math.max(bufferBytes * share, bytes));
}
