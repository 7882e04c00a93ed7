// SPDX-License-Identifier: Apache-2.0
// Defaults of the core, and what values make sense.

import type { CoreConfig, PeerId } from "./types.ts";

const mebibyte = 1 << 20;

/** Everything but who and which seed. */
export const coreDefaults: Omit<CoreConfig, "self" | "seed"> = {
  electionTicks: 10,
  heartbeatTicks: 1,
  maxEntryBytes: 8 * mebibyte,
  maxAppendBytes: mebibyte,
  maxInflightMsgs: 128,
  maxInflightBytes: 8 * mebibyte,
  maxUncommittedBytes: 32 * mebibyte,
  maxApplyBytes: 8 * mebibyte,
  persistStallTicks: 30,
  tailCacheBytes: 8 * mebibyte,
  maxSnapshotStreams: 2,
  maxPendingReads: 10_000,
  trace: null,
};

export type CoreOptions = Partial<CoreConfig> & { readonly self: PeerId; readonly seed: bigint };

/** Fills in the defaults. Throws `RangeError` when a number makes no sense. */
export function coreConfig(options: CoreOptions): CoreConfig {
  const electionTicks = options.electionTicks ?? coreDefaults.electionTicks;
  const config: CoreConfig = { ...coreDefaults, persistStallTicks: 3 * electionTicks, ...options };
  for (const [name, value] of Object.entries(config)) {
    if (typeof value === "number" && !(Number.isSafeInteger(value) && value > 0)) {
      throw new RangeError(`Cannot make a Raft core: ${name} is ${value}, it must be a positive integer`);
    }
  }
  if (config.heartbeatTicks >= config.electionTicks) {
    throw new RangeError(
      `Cannot make a Raft core: heartbeatTicks is ${config.heartbeatTicks}, it must be below electionTicks, which is ${config.electionTicks}`,
    );
  }
  if (config.self === "") throw new RangeError('Cannot make a Raft core: self is "", it must name this peer');
  return config;
}
