// SPDX-License-Identifier: Apache-2.0
// How long to wait before another try: twice as long each time up to a limit, spread so that clients do not come back together.

export interface BackoffOptions {
  /** First wait, in ms. @default 50 */
  readonly initialMs?: number | undefined;
  /** Longest wait, in ms. @default 2000 */
  readonly maxMs?: number | undefined;
}

/** The wait before try `attempt` (1 is the first retry), between half and all of the doubled one. */
export function backoffMs(attempt: number, random: number, options: BackoffOptions = {}): number {
  const { initialMs = 50, maxMs = 2000 } = options;
  const full = Math.min(maxMs, initialMs * 2 ** Math.min(attempt - 1, 30));
  return full / 2 + (full / 2) * random;
}
