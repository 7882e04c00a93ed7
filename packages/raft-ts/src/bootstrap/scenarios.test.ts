// SPDX-License-Identifier: Apache-2.0
// The dialogues of testdata/bootstrap/, one test each.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BootstrapStage } from "../testing/bootstrap-stage.ts";
import { runDialogue } from "../testing/dialogue.ts";

const directory = join(import.meta.dirname, "../../testdata/bootstrap");
const update = process.env["UPDATE"] === "1";

describe("dialogues of forming a cluster", () => {
  for (const name of readdirSync(directory).sort()) {
    it(name, async () => {
      const stage = new BootstrapStage();
      const { expected, actual } = await runDialogue(join(directory, name), (command) => stage.run(command), update);
      expect(actual).toBe(expected);
    });
  }
});
