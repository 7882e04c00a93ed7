// SPDX-License-Identifier: Apache-2.0
// The dialogues of testdata/, one test each.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runDialogue } from "../testing/dialogue.ts";
import { Stage } from "../testing/stage.ts";

const directory = join(import.meta.dirname, "../../testdata");
const update = process.env["UPDATE"] === "1";

describe("dialogues", () => {
  for (const name of readdirSync(directory)
    .filter((file) => file.endsWith(".txt"))
    .sort()) {
    it(name, async () => {
      const stage = new Stage();
      const { expected, actual } = await runDialogue(join(directory, name), (command) => stage.run(command), update);
      expect(actual).toBe(expected);
    });
  }
});
