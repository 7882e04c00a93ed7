/**
 * Subscriptions by pattern, in RE2's syntax and in time linear in the name, whatever a stranger sends: no backtracking, bounded patterns,
 * and a name is looked at once per pattern.
 */
import { RE2JS, RE2JSException } from "re2js";
import { type Refusal, refuse } from "../../refusal.ts";

/** Patterns are as long as topic names may be, about. */
const patternCharactersMax = 255;
/** Instructions of the automaton: the work for each character of a name. */
const programSizeMax = 500;
/** Patterns that are remembered; the one that was used longest ago goes. */
const patternsMax = 256;

interface Known {
  readonly automaton: RE2JS;
  readonly verdicts: Map<string, boolean>;
}

export class TopicPatterns {
  readonly #known = new Map<string, Known>();

  /** Why nobody may subscribe to it. */
  fault(pattern: string): Refusal | undefined {
    if (pattern.length > patternCharactersMax) {
      return patternRefusal(`it has ${pattern.length} characters, at most ${patternCharactersMax} are allowed`);
    }
    try {
      const size = this.#of(pattern).automaton.programSize();
      return size <= programSizeMax ? undefined : patternRefusal("it repeats too much");
    } catch (error) {
      if (!(error instanceof RE2JSException)) throw error;
      return patternRefusal(error.message);
    }
  }

  /** Which of these names match as a whole. The pattern has no fault. */
  matching(pattern: string, names: Iterable<string>): string[] {
    const { automaton, verdicts } = this.#of(pattern);
    const before = new Map(verdicts);
    verdicts.clear();
    const found: string[] = [];
    for (const name of names) {
      const verdict = before.get(name) ?? automaton.matches(name);
      verdicts.set(name, verdict);
      if (verdict) found.push(name);
    }
    return found;
  }

  #of(pattern: string): Known {
    const known = this.#known.get(pattern) ?? { automaton: RE2JS.compile(pattern), verdicts: new Map() };
    this.#known.delete(pattern);
    this.#known.set(pattern, known);
    if (this.#known.size > patternsMax) this.#known.delete(this.#known.keys().next().value as string);
    return known;
  }
}

function patternRefusal(why: string): Refusal {
  return refuse("INVALID_REQUEST", `Cannot subscribe to topics by that pattern: ${why}`);
}
