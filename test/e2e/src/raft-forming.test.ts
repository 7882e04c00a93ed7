// Three real processes of raft-ts with blank directories form a cluster over gRPC while they are killed: a short run of
// `npm run forming:raft`.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { afterThisTest } from "./clean-up.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
/** `npm run soak` asks for more. */
const trials = process.env["RAFT_FORMING_TRIALS"] ?? "1";
const seed = process.env["RAFT_FORMING_SEED"] ?? "1";

test(
  "M9: blank processes form one cluster while they are killed, start late and are wiped",
  { timeout: 4e6 },
  async () => {
    const script = ["--conditions=source", "--import", "tsx", "scripts/forming-raft.ts"];
    const child = spawn(process.execPath, [...script, "--trials", trials, "--seed", seed], {
      cwd: root,
      stdio: "pipe",
    });
    afterThisTest(async () => child.kill());
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(output).toContain("one cluster each time");
    expect(output).toMatch(/[1-9]\d*  (died at a moment|killed)/);
    expect(code).toBe(0);
  },
);
