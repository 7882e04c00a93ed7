// SPDX-License-Identifier: Apache-2.0
// The command line as processes, without a node: help, version, usage errors, nobody there.

import { describe, expect, it } from "vitest";
import { buildProgram } from "./program.ts";
import { processTerminal } from "./terminal/terminal.ts";
import { varve } from "./testing/spawn-varve.ts";

describe("varve", () => {
  it("--version prints the version", async () => {
    const { exitCode, stdout } = await varve(["--version"]);
    expect([exitCode, stdout.toString()]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });

  it("help, with and without a command, is --help of it", async () => {
    const [all, one] = [await varve(["help"]), await varve(["help", "topic", "create"])];
    expect([all.exitCode, all.stdout.toString()]).toEqual([0, expect.stringContaining("Start here:")]);
    expect([one.exitCode, one.stdout.toString()]).toEqual([0, expect.stringContaining("Usage: varve topic create")]);
  });

  it.each([
    [["frobnicate"], "unknown command"],
    [["topic", "create"], "missing required argument"],
    [["topic", "create", "x", "--partitions", "0"], "1 or more"],
    [["consume", "x", "--from", "yesterday"], "yesterday"],
    [["consume", "x", "-f", "%q"], '"%q" is not known'],
    [["consume", "x", "--follow", "--to", "5"], "--follow or --to"],
    [["produce", "x", "--key", "a", "--key-field", "1"], "Cannot take the key from two places"],
    [["topic", "alter", "x"], "Nothing to change"],
  ])("%j is a usage error, exit 2", async (args, message) => {
    const { exitCode, stdout, stderr } = await varve(args);
    expect(stderr).toContain(message);
    expect([exitCode, stdout.toString()]).toEqual([2, ""]);
  });

  it("says how to start a node when nobody answers, exit 3", async () => {
    // Port 1 of loopback: nobody listens there.
    const { exitCode, stderr } = await varve(["topic", "list", "--address", "127.0.0.1:1"], { timeoutMs: 60_000 });
    expect(exitCode).toBe(3);
    expect(stderr).toContain('No node answers at "127.0.0.1:1": connect ECONNREFUSED 127.0.0.1:1\n');
    expect(stderr).toContain("varve serve");
    expect(stderr).not.toContain("    at ");
  }, 70_000);

  it("shows each command's help with examples", async () => {
    for (const command of (await buildProgram(processTerminal())).commands) {
      for (const leaf of command.commands.length === 0 ? [command] : command.commands) {
        let text = "";
        leaf.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
        expect(text, leaf.name()).toMatch(/Examples?:\n {2}\$ /);
      }
    }
  });
});
