// SPDX-License-Identifier: Apache-2.0
// What a majority of voters says. Voters are at most a handful, so counting beats sorting and allocates nothing.

export type VoteResult = "won" | "lost" | "pending";

export function majority(voters: number): number {
  return (voters >>> 1) + 1;
}

/** The largest value that a majority of `voters` has reached; 0 when there are no voters. */
export function majorityReached<T>(voters: readonly T[], valueOf: (voter: T) => number): number {
  const needed = majority(voters.length);
  let best = 0;
  for (const candidate of voters) {
    const value = valueOf(candidate);
    if (value <= best) continue;
    let reached = 0;
    for (const voter of voters) if (valueOf(voter) >= value) reached += 1;
    if (reached >= needed) best = value;
  }
  return best;
}

/** Outcome of an election in which `votes` came in. Nobody wins among no voters. */
export function voteResult<T>(voters: readonly T[], votes: ReadonlyMap<T, boolean>): VoteResult {
  let granted = 0;
  let refused = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === true) granted += 1;
    else if (vote === false) refused += 1;
  }
  const needed = majority(voters.length);
  if (granted >= needed) return "won";
  return voters.length - refused < needed ? "lost" : "pending";
}
