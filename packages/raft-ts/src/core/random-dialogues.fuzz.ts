// SPDX-License-Identifier: Apache-2.0
// Dialogues that nobody wrote: random commands on the stage, under its checks. The same seed tells the same story, word for
// word (the core's promise of being a pure function); and whatever happened before, a healed group elects and commits.
//
//   VARVE_FUZZ=5000 npx vitest run packages/raft-ts/src/core/random-dialogues.fuzz.ts

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Stage } from "../testing/stage.ts";
import { Prng } from "./prng.ts";

const seeds = Number(process.env["VARVE_FUZZ"] ?? 25);
const ids = ["a", "b", "c", "d", "e"];

class Story {
  readonly stage = new Stage();
  readonly #prng: Prng;
  readonly #digest = createHash("sha256");
  readonly #members: readonly string[];
  readonly #down = new Set<string>();
  #words = 0;
  commands: string[] = [];

  constructor(seed: number) {
    this.#prng = new Prng(BigInt(seed), "story");
    this.#members = ids.slice(0, 1 + this.#prng.below(5));
    const tight =
      this.#prng.below(2) === 0 ? " maxInflightMsgs=2 maxAppendBytes=100 tailCacheBytes=100 maxApplyBytes=80" : "";
    this.tell(`nodes ${this.#members.join(" ")}${tight}`);
  }

  get digest(): string {
    return this.#digest.copy().digest("hex");
  }

  tell(command: string): readonly string[] {
    this.commands.push(command);
    const lines = this.stage.run(command);
    this.#digest.update(lines.join("\n"));
    return lines;
  }

  /** One more random command. */
  go(): void {
    const command = this.#choose();
    if (command !== null) this.tell(command);
  }

  #pick(of: readonly string[]): string {
    return of[this.#prng.below(of.length)]!;
  }

  #choose(): string | null {
    const who = this.#pick(this.#members);
    const other = this.#pick(this.#members);
    const dice = this.#prng.below(100);
    if (dice < 45)
      return other === who
        ? null
        : `deliver ${who}->${other} ${this.#pick(["first", "first", "last", "dup", "drop", ""])}`;
    if (dice < 62) return `persist ${who}`;
    if (dice < 72) {
      this.#words += 1;
      return `propose ${who} w${this.#words}`;
    }
    if (dice < 82) return `tick ${who} ${1 + this.#prng.below(6)}`;
    if (dice < 85) return `timeout ${who}`;
    if (dice < 87) return `read ${who} ${this.#prng.below(4)}`;
    if (dice < 88) return `transfer ${who} ${other}`;
    if (dice < 90) return `config ${who} ${this.#pick(["addLearner", "promote", "demote", "remove"])} ${other}`;
    if (dice < 92) return `snapshot ${who} ${this.#prng.below(3)}`;
    if (dice < 93) return `unreachable ${who} ${other}`;
    if (dice < 94) return this.#prng.below(2) === 0 ? `cut ${who} ${other}` : "heal";
    if (dice < 95) return this.#prng.below(4) === 0 ? `stabilize` : null;
    if (dice < 98) {
      if (this.#down.delete(who)) return `restart ${who}`;
      if (this.#down.size > 0) return null;
      this.#down.add(who);
      return `crash ${who}`;
    }
    return `${this.#pick(["hold", "release"])} ${who}`;
  }

  /** Everybody is there again, nothing is lost: how many applied what is proposed now. */
  recover(): number {
    this.tell("heal");
    for (const id of this.#members) {
      if (this.#down.delete(id)) this.tell(`restart ${id}`);
      this.tell(`release ${id}`);
    }
    for (let round = 0; round < 100; round += 1) {
      this.tell("stabilize");
      for (const id of this.#members) {
        this.tell(`tick ${id}`);
        const status = this.stage.node(id).core.status();
        if (status.role === "leader" && status.transferTarget === null) this.tell(`propose ${id} end${round}`);
      }
    }
    this.tell("stabilize");
    return this.#members.filter((id) => this.stage.node(id).words.some((word) => word.startsWith("end"))).length;
  }

  /** Voters of the newest configuration that anybody has committed. */
  voters(): number {
    let newest = { index: -1, voters: 0 };
    for (const id of this.#members) {
      const { configIndex, config } = this.stage.node(id).core.status();
      if (configIndex > newest.index) newest = { index: configIndex, voters: config.voters.length };
    }
    return newest.voters;
  }
}

function tell(seed: number): Story {
  const story = new Story(seed);
  try {
    for (let step = 0; step < 400; step += 1) story.go();
    expect(story.recover()).toBeGreaterThanOrEqual(story.voters());
  } catch (error) {
    throw new Error(`Story of seed ${seed} failed after ${story.commands.length} commands`, { cause: error });
  }
  return story;
}

describe("random dialogues", () => {
  it(`break no rule and end with a group that works (${seeds} stories)`, () => {
    for (let seed = 1; seed <= seeds; seed += 1) tell(seed);
  });

  it("of one seed are the same, word for word", () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const [first, second] = [tell(seed), tell(seed)];
      expect(second.digest).toBe(first.digest);
    }
    expect(tell(1).digest).not.toBe(tell(2).digest);
  });
});
