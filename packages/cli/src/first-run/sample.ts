// SPDX-License-Identifier: Apache-2.0
// The sample that ships with the package: lines of the earthquake catalogue, with the key and the time of each.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { CliError } from "../exit-code.ts";
import { readLines, tooLong } from "../input/lines.ts";
import { compileLineReader } from "../input/record-from-line.ts";

export const samplePath = fileURLToPath(new URL("../../sample/earthquakes.csv", import.meta.url));

/** How `varve produce` would be told to read the sample; the summary prints the same. */
export const sampleOptions = {
  keyField: "EventID",
  timeField: "DateTime",
  timeFormat: "%Y/%m/%d %H:%M:%S.%f",
} as const;

export interface SampleRecord {
  key: Uint8Array;
  value: Uint8Array;
  timestampMs: number;
}

/** The sample in input order, the header left out. */
export async function readSample(path = samplePath): Promise<SampleRecord[]> {
  const lines: Uint8Array[] = [];
  for await (const some of readLines([await readFile(path)], { lineBytesMax: 1 << 16 })) {
    for (const line of some) {
      if (line === tooLong) throw new CliError("failed", `Cannot read the sample "${path}": a line is too long`);
      lines.push(line);
    }
  }
  const [headerLine, ...rest] = lines;
  const compiled = compileLineReader({
    format: "lines",
    ...sampleOptions,
    ...(headerLine === undefined ? {} : { headerLine }),
  });
  if (compiled.kind === "bad-options") throw new CliError("failed", compiled.message);
  return rest.map((line) => {
    const outcome = compiled.read(line);
    if (outcome.kind === "bad-line") throw new CliError("failed", `Cannot read the sample: ${outcome.message}`);
    const { key, value, timestampMs } = outcome.record;
    if (key === null || value === null || timestampMs === undefined) {
      throw new CliError("failed", `Cannot use the sample: a line of "${path}" has no key or no time`);
    }
    return { key, value, timestampMs };
  });
}
