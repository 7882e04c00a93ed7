// Three real processes of raft-ts under kill -9, SIGSTOP, lost directories and garbage: a short run of `npm run chaos:raft`.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { afterThisTest } from "./clean-up.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
/** `npm run soak` asks for more. */
const seconds = process.env["RAFT_CHAOS_SECONDS"] ?? "4";
const seed = process.env["RAFT_CHAOS_SEED"] ?? "1";

test("raft-ts keeps its promises while its processes are killed, stopped and wiped", { timeout: 4e6 }, async () => {
  const args = [
    "--conditions=source",
    "--import",
    "tsx",
    "scripts/chaos-raft.ts",
    "--seconds",
    seconds,
    "--seed",
    seed,
  ];
  const child = spawn(process.execPath, args, { cwd: root, stdio: "pipe" });
  afterThisTest(async () => child.kill());
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect(output).toContain("every promise was kept");
  // Something was done, and something came of it.
  expect(output).toMatch(/[1-9]\d*  answer success/);
  expect(output).toMatch(/[1-9]\d*  kill/);
  expect(code).toBe(0);
});
