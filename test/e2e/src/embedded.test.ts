// `await Broker.start({ dataDir })` in somebody else's process.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { afterThisTest, newDirectory } from "./clean-up.ts";

describe("Broker.start", () => {
  it("runs twice in a process, again in the same directory, and leaves no handle open", async () => {
    const script = fileURLToPath(new URL("./embedded-script.ts", import.meta.url));
    const args = ["--conditions=source", "--import", "tsx", script, await newDirectory(), await newDirectory()];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    afterThisTest(async () => child.kill("SIGKILL"));
    const lines: string[] = [];
    let errors = "";
    child.stdout.on("data", (chunk: Buffer) => {
      lines.push(
        ...chunk
          .toString()
          .split("\n")
          .filter((line) => !/^$|^\{/.test(line)),
      );
    });
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    expect(code, errors).toBe(0);
    expect(lines).toEqual([
      "one at 0",
      "two at 0",
      "refused DATA_DIRECTORY_LOCKED",
      "still at 1",
      "again at 2",
      // Nothing keeps the process, which then ended by itself: nobody called process.exit.
      "closed, left open: nothing",
    ]);
  });
});
