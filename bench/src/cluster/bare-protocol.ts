// SPDX-License-Identifier: Apache-2.0
// The bare pipeline's way of talking: opaque messages one way, and the other way how many of them are done since the last word.

/** From a client to a leader. */
export const barePush = "/bench.Bare/Push";
/** From a leader to a follower; `barePartition` in the metadata says whose. */
export const bareCopy = "/bench.Bare/Copy";
export const barePartition = "partition";

export interface BareOptions {
  readonly nodeId: number;
  readonly directory: string;
  /** `fdatasync` before a message counts. */
  readonly sync: boolean;
}

export type ToBare = { readonly kind: "follow"; readonly followers: readonly string[] } | { readonly kind: "stop" };
