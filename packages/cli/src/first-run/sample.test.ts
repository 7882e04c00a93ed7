// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSample, samplePath } from "./sample.ts";

describe("readSample()", () => {
  it("reads at most 500 lines, each with an id of its own and a time, in order of time", async () => {
    const records = await readSample();
    expect(records).toHaveLength(465);
    expect(new Set(records.map((record) => Buffer.from(record.key).toString())).size).toBe(465);
    const times = records.map((record) => record.timestampMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Date(times[0] ?? 0).toISOString()).toBe("2016-01-01T02:00:39.950Z");
    expect(Buffer.from(records[0]?.value ?? []).toString()).toBe(
      "2016/01/01 02:00:39.95,-50.5575,139.4489,10.00,6.30,Mw,,19,9,0.88,us,201601012004",
    );
  });

  it("holds every event of magnitude 5.4 and more, as the catalogue has them", (context) => {
    const full = join(process.env["VARVE_TEST_DATA"] ?? "/nonexistent", "earthquakes.txt");
    if (!existsSync(full)) return context.skip("VARVE_TEST_DATA does not lead to earthquakes.txt");
    const lines = readFileSync(full, "utf8").split("\n");
    const chosen = lines.filter((line, index) => index === 0 || Number(line.split(",")[4]) >= 5.4);
    expect(readFileSync(samplePath, "utf8")).toBe(`${chosen.join("\n")}\n`);
  });
});
