// The sample that ships with Varve, through the real binary and back: byte for byte, partition by partition, and after a
// restart as before.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { newDirectory } from "./clean-up.ts";
import { earthquakeTimeMs, expectedPartitions, printedLines } from "./expected-partitions.ts";
import { VarveNode, varve, varveOk } from "./varve-process.ts";

const sample = fileURLToPath(new URL("../../../packages/cli/sample/earthquakes.csv", import.meta.url));
const partitions = 3;

describe("the excerpt", () => {
  it("comes back byte-identical per partition, before and after a restart", async () => {
    const lines = (await readFile(sample, "utf8")).trimEnd().split("\n").slice(1);
    const expected = expectedPartitions(lines, partitions, (line) => ({
      key: line.split(",").at(-1) ?? "",
      timestampMs: earthquakeTimeMs(line),
    }));
    const dataDir = await newDirectory();
    const first = await VarveNode.start({ dataDir });
    const { address } = first;
    await varveOk(["topic", "create", "quakes", "--partitions", String(partitions)], { address });
    const keyed = ["--key-field", "EventID", "--time-field", "DateTime", "--time-format", "%Y/%m/%d %H:%M:%S.%f"];
    await varveOk(["produce", "quakes", sample, "--skip-header", ...keyed], { address });

    const consumed = async (): Promise<string[]> => {
      const all: string[] = [];
      for (let partition = 0; partition < partitions; partition += 1) {
        all.push((await varveOk(["consume", "quakes", "--partition", String(partition)], { address })).toString());
      }
      return all;
    };
    const wanted = expected.map(printedLines);
    expect(await consumed()).toEqual(wanted);

    expect(await first.stop()).toBe(0);
    const second = await VarveNode.start({ dataDir, address });
    expect(await consumed()).toEqual(wanted);

    // Every record has its key, its event time and its place.
    const format = ["--partition", "1", "-f", "%o %T %k\\n"];
    const printed = (await varveOk(["consume", "quakes", ...format], { address })).toString();
    const rows = expected[1]?.map(
      ({ line, timestampMs }, offset) => `${offset} ${timestampMs} ${line.split(",").at(-1)}\n`,
    );
    expect(printed).toBe(rows?.join(""));
    await second.stop();

    // What is on the disk is sound, and said to be so.
    const inspected = await varve(["inspect", "log", dataDir]);
    expect(inspected.stderr).toBe("");
    expect(inspected.code).toBe(0);
  });
});
