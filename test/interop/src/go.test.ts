// SPDX-License-Identifier: Apache-2.0
// Go with nothing but generated code against a real node, and against three of which it knows one that does not lead.

import { Broker } from "@varve/broker";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repository } from "./python-environment.ts";
import { mustRun } from "./run-command.ts";
import { ThreeNodes } from "./three-nodes.ts";

const example = join(repository, "examples/go");
const tools = join(repository, "node_modules/.cache/varve-interop/go-bin");
const plugins = {
  "protoc-gen-go": "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12",
  "protoc-gen-go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
};
const whenMissing = "Install Go 1.24 or later to run the interop tests.";

let directory: string;
let program: string;
let broker: Broker;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "varve-interop-go-"));
  await mkdir(tools, { recursive: true });
  for (const [name, source] of Object.entries(plugins)) {
    if (existsSync(join(tools, name))) continue;
    await mustRun("go", ["install", source], { env: { GOBIN: tools }, timeoutMs: 300_000, whenMissing });
  }
  await mustRun(join(example, "generate.sh"), [], {
    env: { OUT: directory, PATH: `${tools}${delimiter}${process.env["PATH"] ?? ""}` },
  });
  for (const file of ["main.go", "go.mod", "go.sum"]) await copyFile(join(example, file), join(directory, file));
  program = join(directory, "replay");
  await mustRun("go", ["build", "-o", program, "."], { cwd: directory, timeoutMs: 300_000, whenMissing });
  broker = await Broker.start({
    dataDir: join(directory, "data"),
    listeners: { grpc: { host: "127.0.0.1", port: 0 }, http: false },
  });
});

afterAll(async () => {
  await broker?.close();
  await rm(directory, { recursive: true, force: true });
});

describe("a generated Go client", () => {
  it("produces, replays from an offset and from a time, and prints what its README shows", async () => {
    const printed = await mustRun(program, [broker.addresses.grpc, "go-demo"]);
    const readme = await readFile(join(example, "README.md"), "utf8");
    expect(printed).toBe(/```text\n([\s\S]*?)```/.exec(readme)?.[1]);
  });

  it("does the same on three nodes through one that does not lead", async () => {
    const nodes = await ThreeNodes.start(directory);
    try {
      const printed = await mustRun(program, [await nodes.topicLedElsewhere("go-demo"), "go-demo"]);
      const readme = await readFile(join(example, "README.md"), "utf8");
      const shown = /```text\n([\s\S]*?)```/.exec(readme)?.[1];
      expect(printed).toBe(shown?.replace("on 1 disk(s)", "on 3 disk(s)"));
    } finally {
      await nodes.close();
    }
  });
});
