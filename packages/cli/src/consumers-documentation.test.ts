// SPDX-License-Identifier: Apache-2.0
// The commands that docs/consumers.md shows under "From the command line" do what it says: each is run, in order, against a node.

import { readFile } from "node:fs/promises";
import { connect } from "@varve/client";
import { afterEach, describe, expect, it, vi } from "vitest";
import { run } from "./program.ts";
import { silentTerminal } from "./testing/silent-terminal.ts";
import { TestNode } from "./testing/spawn-varve.ts";

const page = new URL("../../../docs/consumers.md", import.meta.url);

afterEach(() => vi.unstubAllEnvs());

describe("docs/consumers.md", () => {
  it("shows commands that work as they are written", { timeout: 60_000 }, async () => {
    const text = await readFile(page, "utf8");
    const section = text.slice(text.indexOf("\n## From the command line\n"));
    const blocks = [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
    const commands = blocks.flatMap((block) => block.split("\n").filter((line) => line !== ""));
    expect(commands.length).toBeGreaterThan(10);
    await using node = await TestNode.start();
    const client = await connect({ address: node.address });
    try {
      await client.admin.createTopic({ topic: "orders", partitions: 3 });
      const producer = client.producer();
      for (let n = 0; n < 60; n += 1) void producer.send({ topic: "orders", partition: n % 3, value: `order ${n}` });
      await producer.close();
    } finally {
      await client.close();
    }
    vi.stubEnv("VARVE_ADDRESS", node.address);
    for (const command of commands) {
      expect(command).toMatch(/^varve /);
      const { terminal, notes } = silentTerminal();
      expect([command, await run(command.split(" ").slice(1), terminal), notes]).toEqual([
        command,
        0,
        expect.any(Array),
      ]);
    }
  });
});
