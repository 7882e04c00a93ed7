// SPDX-License-Identifier: Apache-2.0
// Python with nothing but generated code against a real node, and against three of which it knows one that does not lead: what the
// README promises to any language with gRPC.

import { Broker } from "@varve/broker";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generatePythonClient, pythonExample, pythonWithGrpc, repository } from "./python-environment.ts";
import { mustRun } from "./run-command.ts";
import { ThreeNodes } from "./three-nodes.ts";

let directory: string;
let python: string;
let broker: Broker;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "varve-interop-"));
  python = await pythonWithGrpc();
  await generatePythonClient(python, directory);
  broker = await Broker.start({
    dataDir: join(directory, "data"),
    listeners: { grpc: { host: "127.0.0.1", port: 0 }, http: false },
  });
});

afterAll(async () => {
  await broker?.close();
  await rm(directory, { recursive: true, force: true });
});

async function runPython(script: string, ...args: string[]): Promise<string> {
  return runPythonAt(broker.addresses.grpc, script, ...args);
}

async function runPythonAt(address: string, script: string, ...args: string[]): Promise<string> {
  return mustRun(python, [script, address, ...args], { env: { PYTHONPATH: directory } });
}

describe("a generated Python client", () => {
  it("produces, replays from an offset and from a time, and prints what its README shows", async () => {
    const printed = await runPython(join(pythonExample, "replay.py"), "python-demo");
    const readme = await readFile(join(pythonExample, "README.md"), "utf8");
    const shown = /```text\n([\s\S]*?)```/.exec(readme)?.[1];
    expect(printed).toBe(shown);
  });

  it("goes on at the next offsets when the example runs again", async () => {
    const printed = await runPython(join(pythonExample, "replay.py"), "python-demo");
    expect(printed).toContain("produced offsets 10 to 19");
    const fromOffset = printed.split("from 12:06")[0] ?? "";
    expect(fromOffset.match(/^ {2}\d+ /gm)).toEqual(["  17 ", "  18 ", "  19 "]);
  });

  it("does the same on three nodes through one that does not lead", async () => {
    const nodes = await ThreeNodes.start(directory);
    try {
      const address = await nodes.topicLedElsewhere("python-demo");
      const printed = await runPythonAt(address, join(pythonExample, "replay.py"), "python-demo");
      const readme = await readFile(join(pythonExample, "README.md"), "utf8");
      const shown = /```text\n([\s\S]*?)```/.exec(readme)?.[1];
      expect(printed).toBe(shown?.replace("on 1 disk(s)", "on 3 disk(s)"));
    } finally {
      await nodes.close();
    }
  });

  it("replays three days of the earthquakes exactly, by time, and out of a shuffled copy by the filter", async () => {
    const whole = join(process.env["VARVE_TEST_DATA"] ?? "/nonexistent", "earthquakes.txt");
    const path = existsSync(whole) ? whole : join(repository, "packages/cli/sample/earthquakes.csv");
    const lines = (await readFile(path, "utf8")).split("\n").slice(1, -1);
    const wanted = lines.filter((line) => /^2016\/04\/1[456] /.test(line));
    const [fromMs, toMs] = [Date.parse("2016-04-14"), Date.parse("2016-04-17")];
    const script = fileURLToPath(new URL("../python/quakes.py", import.meta.url));
    const rows = (await runPython(script, path, String(fromMs), String(toMs))).trimEnd().split("\n");
    for (const name of ["time", "filter"]) {
      const own = rows.filter((row) => row.startsWith(`${name} `));
      const leftOut = name === "time" ? 0 : lines.length - wanted.length;
      expect(own.pop()).toBe(`${name} records ${wanted.length} left out ${leftOut}`);
      const received = own.map((row) => ({ partition: row.split(" ")[1], line: row.split(" ").slice(2).join(" ") }));
      expect(received.map(({ line }) => line).sort()).toEqual([...wanted].sort());
      // The catalogue is in order of time, and so is each partition of what was not shuffled.
      const areInOrder = ["0", "1", "2"].map((partition) => {
        const times = received.filter((row) => row.partition === partition).map(({ line }) => line.slice(0, 22));
        return times.join() === [...times].sort().join();
      });
      if (name === "time") expect(areInOrder).toEqual([true, true, true]);
      else expect(areInOrder).toContain(false);
    }
  });

  it("decodes refusals, pipelines a stream, and tells null from empty", async () => {
    const printed = await runPython(fileURLToPath(new URL("../python/refusals.py", import.meta.url)));
    const [unknown, exists, range, name, ...rest] = printed.trimEnd().split("\n");
    expect(unknown).toContain("NOT_FOUND UNKNOWN_TOPIC varve.v1");
    expect(exists).toContain("ALREADY_EXISTS TOPIC_ALREADY_EXISTS varve.v1");
    expect(range).toContain("OUT_OF_RANGE OFFSET_OUT_OF_RANGE varve.v1");
    expect(range).not.toContain("[]");
    expect(name).toContain("INVALID_ARGUMENT INVALID_TOPIC varve.v1");
    expect(rest).toEqual([
      "stream True",
      "read back True",
      "null and empty [False, True, []]",
      "null and empty [True, False, [False]]",
    ]);
  });
});
