// The traces of testdata/partition: what can go wrong between replicas, told step by step, with the rule that stands in its way.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runDialogue } from "./dialogue.ts";
import { PartitionStage } from "./partition-stage.ts";

const directory = fileURLToPath(new URL("../../testdata/partition/", import.meta.url));

describe("traces of one partition", () => {
  it.each(readdirSync(directory).filter((name) => name.endsWith(".txt")))("%s", async (name) => {
    const stage = new PartitionStage();
    const update = process.env["UPDATE"] === "1";
    const { expected, actual } = await runDialogue(`${directory}${name}`, (line) => stage.answer(line), update);
    expect(actual).toBe(expected);
  });
});
