// SPDX-License-Identifier: Apache-2.0
/**
 * What has been true anywhere, for all time: the one book that nodes cannot change, and that each fact is held against.
 *
 * O(1) per fact, because a chain stands for a whole prefix.
 */
import type { PeerId } from "../core/types.ts";
import { holds } from "./violation.ts";

/** Terms of a run stay below this, so that (index, term) is one safe integer. */
const termsMax = 2 ** 20;

export interface Commit {
  readonly index: number;
  readonly term: number;
  readonly chain: number;
}

export class Ledger {
  /** Highest index that a leader ever called committed. */
  committed = 0;
  readonly #leaders = new Map<number, string>();
  readonly #votes = new Map<string, PeerId>();
  readonly #chains = new Map<number, number>();
  /** The highest commit of each term's leader, ascending by term. */
  readonly #commits: Commit[] = [];
  readonly #committedChains: (number | undefined)[] = [];
  readonly #appliedChains: number[] = [];
  readonly #appliedTerms: number[] = [];
  readonly #appliedDigests: number[] = [];

  /** IR1: one leader per term, ever. `who` is an incarnation, so that a restarted leader is found too (E13). */
  leads(term: number, who: string): void {
    const other = this.#leaders.get(term);
    holds(other === undefined, "IR1", () => `${who} becomes leader of term ${term}, which ${other} was before`);
    this.#leaders.set(term, who);
  }

  /** IR8: the votes that leave `peer` for `term` all name one candidate, whatever its disk went through. */
  votes(peer: PeerId, term: number, candidate: PeerId): void {
    const key = `${peer} ${term}`;
    const other = this.#votes.get(key);
    holds(
      other === undefined || other === candidate,
      "IR8",
      () => `${peer} votes for ${candidate} in term ${term}, after it voted for ${other}`,
    );
    if (other === undefined) this.#votes.set(key, candidate);
  }

  /** IR2: the same (index, term) has the same chain on every node, for all time. */
  entry(index: number, term: number, chain: number, where: string): void {
    holds(term < termsMax, "IR2", () => `term ${term} is beyond what a run can have`);
    const key = index * termsMax + term;
    const other = this.#chains.get(key);
    if (other === undefined) this.#chains.set(key, chain);
    else
      holds(other === chain, "IR2", () => `entry ${index} of term ${term} differs on ${where} from what it was before`);
  }

  /** The chain of an entry that somebody showed or wrote; undefined when nobody did. */
  chainOf(index: number, term: number): number | undefined {
    return index === 0 ? 0 : this.#chains.get(index * termsMax + term);
  }

  /** A leader of `term` calls everything up to `index` committed. */
  commit(commit: Commit): void {
    this.committed = Math.max(this.committed, commit.index);
    let at = this.#commits.length;
    while (at > 0 && (this.#commits[at - 1] as Commit).term > commit.term) at--;
    if (at > 0 && (this.#commits[at - 1] as Commit).term === commit.term) this.#commits[at - 1] = commit;
    else this.#commits.splice(at, 0, commit);
  }

  /** What is committed at an index, for all time; undefined when nobody could tell. */
  commits(index: number, chain: number | undefined): void {
    const other = this.#committedChains[index];
    holds(
      other === undefined || chain === undefined || other === chain,
      "IR4",
      () => `another entry ${index} is committed than was before`,
    );
    this.#committedChains[index] = other ?? chain;
  }

  committedChain(index: number): number | undefined {
    return this.#committedChains[index];
  }

  /** The highest commit of leaders with a term below `term`: what a leader of `term` must have (IR3). */
  commitBelow(term: number): Commit | undefined {
    let highest: Commit | undefined;
    for (const commit of this.#commits) {
      if (commit.term >= term) break;
      if (highest === undefined || commit.index > highest.index) highest = commit;
    }
    return highest;
  }

  /** IR4: what is applied at an index, and what comes of it, is the same everywhere. True when nobody had applied it yet. */
  applies(entry: { index: number; term: number; chain: number; digest: number }, where: string): boolean {
    const { index, term, chain, digest } = entry;
    holds(
      index <= this.committed,
      "C6",
      () => `${where} applies entry ${index}, but only ${this.committed} is committed`,
    );
    const other = this.#appliedChains[index];
    if (other === undefined) {
      this.#appliedChains[index] = chain;
      this.#appliedTerms[index] = term;
      this.#appliedDigests[index] = digest;
      return true;
    }
    holds(other === chain, "IR4", () => `${where} applies another entry ${index} than was applied before`);
    holds(this.#appliedDigests[index] === digest, "IR4", () => `${where} has another state at ${index} than others`);
    return false;
  }

  /** IR14: a snapshot at an index agrees with what was applied up to there. */
  snapshot(index: number, chain: number, digest: number, where: string): void {
    const known = this.#appliedChains[index];
    holds(
      known === undefined || known === chain,
      "IR14",
      () => `the snapshot at ${index} of ${where} comes from another log than was applied`,
    );
    holds(
      known === undefined || this.#appliedDigests[index] === digest,
      "IR14",
      () => `the snapshot at ${index} of ${where} holds another state than others had`,
    );
  }

  /** Term of the entry that was applied at `index`, somewhere; undefined when nobody has. */
  appliedTerm(index: number): number | undefined {
    return this.#appliedTerms[index];
  }
}
