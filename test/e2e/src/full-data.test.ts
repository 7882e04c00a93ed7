// The sample files in full, where VARVE_TEST_DATA names their directory: by offset and by event time. The catalogue is in
// order of time, so a range of times is a range of offsets; the access log is not, so times select by filter.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { newDirectory } from "./clean-up.ts";
import { accessTimeMs, earthquakeTimeMs, expectedPartitions, printedLines } from "./expected-partitions.ts";
import { VarveNode, varveOk } from "./varve-process.ts";

const data = process.env["VARVE_TEST_DATA"];
const name = data === undefined ? "the full files (skipped: set VARVE_TEST_DATA to their directory)" : "the full files";

describe.skipIf(data === undefined)(name, () => {
  it("access.log comes back per partition, by offset and by a filter of event time", async () => {
    const path = join(data ?? "", "access.log");
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    const expected = expectedPartitions(lines, 4, (line) => ({
      key: line.slice(0, line.indexOf(" ")),
      timestampMs: accessTimeMs(line),
    }));
    const { address } = await VarveNode.start({ dataDir: await newDirectory() });
    await varveOk(["topic", "create", "visits", "--partitions", "4"], { address });
    const keyed = [
      "--delimiter",
      " ",
      "--key-field",
      "1",
      "--time-pattern",
      "\\[([^\\]]+)\\]",
      "--time-format",
      "apache",
    ];
    await varveOk(["produce", "visits", path, ...keyed, "--codec", "zstd"], { address });
    const consume = async (...args: string[]): Promise<string> =>
      (await varveOk(["consume", "visits", ...args], { address })).toString();

    for (const [partition, wanted] of expected.entries()) {
      expect(await consume("--partition", String(partition))).toBe(printedLines(wanted));
    }
    const range = await consume("--partition", "2", "--from", "100", "-n", "50");
    expect(range).toBe(printedLines(expected[2]?.slice(100, 150) ?? []));
    const [from, to] = ["2015-05-18T00:00:00Z", "2015-05-18T06:00:00Z"];
    const filtered = await consume("--partition", "1", "--filter-from", from, "--filter-to", to);
    const within = expected[1]?.filter(
      ({ timestampMs }) => timestampMs >= Date.parse(from) && timestampMs < Date.parse(to),
    );
    expect(within?.length).toBeGreaterThan(10);
    expect(filtered).toBe(printedLines(within ?? []));
  });

  it("earthquakes.txt comes back per partition, by offset and by event time as position", async () => {
    const path = join(data ?? "", "earthquakes.txt");
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n").slice(1);
    // By network: unlike the event id, every line of the full file has one.
    const expected = expectedPartitions(lines, 3, (line) => ({
      key: line.split(",")[10] ?? "",
      timestampMs: earthquakeTimeMs(line),
    }));
    const { address } = await VarveNode.start({ dataDir: await newDirectory() });
    await varveOk(["topic", "create", "quakes", "--partitions", "3"], { address });
    const keyed = ["--key-field", "Source", "--time-field", "DateTime", "--time-format", "%Y/%m/%d %H:%M:%S.%f"];
    await varveOk(["produce", "quakes", path, "--skip-header", ...keyed], { address });
    const consume = async (...args: string[]): Promise<string> =>
      (await varveOk(["consume", "quakes", ...args], { address })).toString();

    const [from, to] = ["2016-02-01T00:00:00Z", "2016-03-01T00:00:00Z"];
    for (const [partition, wanted] of expected.entries()) {
      const one = ["--partition", String(partition)];
      expect(await consume(...one)).toBe(printedLines(wanted));
      const february = wanted.filter(
        ({ timestampMs }) => timestampMs >= Date.parse(from) && timestampMs < Date.parse(to),
      );
      expect(await consume(...one, "--from", `time:${from}`, "--to", `time:${to}`)).toBe(printedLines(february));
      const middle = Math.floor(wanted.length / 2);
      expect(await consume(...one, "--from", String(middle), "--to", String(middle + 100))).toBe(
        printedLines(wanted.slice(middle, middle + 100)),
      );
      expect(await consume(...one, "--from", "last:5")).toBe(printedLines(wanted.slice(-5)));
    }
  });
});
