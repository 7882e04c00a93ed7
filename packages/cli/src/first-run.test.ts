// SPDX-License-Identifier: Apache-2.0
// The first run as a newcomer does it: in an empty directory, twice, then the commands that it printed.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { launcher, RunningVarve, TestNode, varve } from "./testing/spawn-varve.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "varve-first-run-"));
});

afterEach(async () => rm(directory, { recursive: true, force: true }));

describe("varve first-run", () => {
  it("sends, replays twice, checks; again it checks what is there; what it printed works", async () => {
    const first = await varve(["first-run"], { cwd: directory });
    expect([first.exitCode, first.stderr]).toEqual([0, ""]);
    const printed = first.stdout.toString();
    expect(printed).toContain("465 of 465 acknowledged (level all, on 1 disk)");
    expect(printed).toMatch(/replay from offset 100 of each partition: 165 records/);
    expect(printed).toMatch(/replay from 2016-07-01T00:00:00Z: \d{3} records/);

    const second = await varve(["first-run"], { cwd: directory });
    expect([second.exitCode, second.stderr]).toEqual([0, ""]);
    expect(second.stdout.toString()).toContain("found from an earlier run");
    expect(second.stdout.toString()).toMatch(/replay from offset 100 of each partition: 165 records/);

    const commands = [...printed.matchAll(/^ {2}(varve .*)$/gm)].map((match) => match[1] ?? "");
    expect(commands.map((command) => command.split(" ")[1])).toEqual([
      "serve",
      "topic",
      "consume",
      "consume",
      "offsets",
      "topic",
      "produce",
    ]);
    const [serve = "", ...rest] = commands;
    const node = new RunningVarve([...serve.split(" ").slice(1), "--grpc", "127.0.0.1:0", "--http", "off"], {
      cwd: directory,
    });
    try {
      const [, address = ""] = await node.waitFor(/gRPC {2}(\S+)/);
      for (const command of rest) {
        const { exitCode, output } = await shell(command, directory, address);
        expect([command, exitCode, output]).toEqual([command, 0, expect.not.stringContaining("varve: ")]);
        expect(output).not.toBe("");
      }
    } finally {
      node.kill("SIGTERM");
      expect((await node.finished).exitCode).toBe(0);
    }
  });

  it("takes another topic when the name holds something else, and a node that runs already", async () => {
    await using node = await TestNode.start();
    await node.varve(["topic", "create", "earthquakes", "--partitions", "3"]);
    await node.varve(["produce", "earthquakes"], { input: "mine\n" });
    const run = await varve(["first-run", "--address", node.address], { cwd: directory });
    expect([run.exitCode, run.stderr]).toEqual([0, ""]);
    expect(run.stdout.toString()).toContain("earthquakes-2, 3 partitions, created");
    expect((await node.varve(["consume", "earthquakes"])).stdout.toString()).toBe("mine\n");
  });
});

describe("varve first-run on a directory in use", () => {
  it("goes to the node that runs on it, or says how to get there", async () => {
    await using node = await TestNode.start();
    const args = ["first-run", "--data-dir", node.dataDir];
    const found = await varve(args, { cwd: directory, env: { VARVE_ADDRESS: node.address } });
    expect([found.exitCode, found.stderr]).toEqual([0, ""]);
    expect(found.stdout.toString()).toContain(`${node.address}, which runs on ${node.dataDir}`);
    expect(found.stdout.toString()).toContain(`varve topic describe earthquakes --address ${node.address}`);
    expect(found.stdout.toString()).not.toContain("varve serve");

    // Another node, of another cluster: not the one that was meant.
    await using other = await TestNode.start();
    const lost = await varve(args, { cwd: directory, env: { VARVE_ADDRESS: other.address } });
    expect([lost.exitCode, lost.stdout.toString()]).toEqual([1, ""]);
    expect(lost.stderr).toContain(`A node runs on "${node.dataDir}", and not at ${other.address}`);
    expect(lost.stderr).toContain("varve first-run --address HOST:PORT");
    expect((await other.varve(["topic", "list"])).stdout.toString()).toBe("");
  });
});

/** Runs a printed line as it stands, in a shell where `varve` is ours. */
async function shell(line: string, cwd: string, address: string): Promise<{ exitCode: number | null; output: string }> {
  const script = `varve() { "${process.execPath}" "${launcher}" "$@"; }\n${line}\n`;
  const child = spawn("bash", ["-c", script], {
    cwd,
    env: { ...process.env, VARVE_ADDRESS: address },
    timeout: 30_000,
  });
  child.stdin.end();
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, output }));
  });
}
