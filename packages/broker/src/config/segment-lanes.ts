// SPDX-License-Identifier: Apache-2.0
/**
 * How many writes and syncs of segments may be in libuv's thread pool together (J-4, ADR 0006). With the default pool of
 * four: two, so that the journal and a read have a thread each. From eight on: four, since syncs of different files that are
 * under way together share what the file system does for them.
 */

/** `poolSize` is the value of `UV_THREADPOOL_SIZE`, as libuv reads it: not a number means the default of 4. */
export function segmentLanesFor(poolSize: string | undefined): number {
  const threads = Number.parseInt(poolSize ?? "", 10);
  return threads >= 8 ? 4 : 2;
}
