// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { confirmDestruction } from "./confirm.ts";
import type { Terminal } from "./terminal.ts";

function terminalThatAnswers(answer: string | undefined, canAsk = true): Terminal & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    canAsk,
    canDraw: false,
    canRedraw: false,
    out: async () => true,
    note: () => undefined,
    ask: async (question) => {
      asked.push(question);
      return answer;
    },
  };
}

const what = { sentence: 'Deletes topic "quakes".', typeToConfirm: "quakes" };

describe("confirmDestruction()", () => {
  it("goes on with --yes without a question, and when the name was typed", async () => {
    const terminal = terminalThatAnswers(" quakes ");
    await confirmDestruction(terminal, { yes: true }, what);
    expect(terminal.asked).toEqual([]);
    await confirmDestruction(terminal, {}, what);
    expect(terminal.asked).toHaveLength(1);
  });

  it.each([undefined, "", "y", "yes", "quake"])("does nothing when the answer is %j", async (answer) => {
    await expect(confirmDestruction(terminalThatAnswers(answer), {}, what)).rejects.toMatchObject({ code: "declined" });
  });

  it("refuses a script that said nothing, without asking, and tells how", async () => {
    const terminal = terminalThatAnswers("quakes", false);
    await expect(confirmDestruction(terminal, {}, what)).rejects.toMatchObject({
      code: "declined",
      advice: [expect.stringContaining("--yes")],
    });
    expect(terminal.asked).toEqual([]);
  });
});
