// SPDX-License-Identifier: Apache-2.0
/**
 * A process that writes is killed on a real disk, again and again, in the middle of writing, saving, compacting, installing,
 * opening and formatting. What it was promised is there when the next one opens, of the step under way all or nothing, and a
 * plain kill never makes a storage suspect.
 *
 * The page cache outlives the process, so this proves no sync (crash-steps.test.ts and damage.test.ts look at what their
 * absence would leave); it proves recovery with real concurrency. `RAFT_CRASHES` is the number of kills.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { RandomStream } from "../testing/random-stream.ts";

const crashes = Number(process.env["RAFT_CRASHES"] ?? 20);
const seed = Number(process.env["RAFT_SEED"] ?? Date.now() % 1_000_000);
const writer = fileURLToPath(new URL("../../dist/testing/crash-writer.js", import.meta.url));

interface Known {
  /** What the storage may hold; undefined as long as it was never open. */
  allowed: Set<string> | undefined;
  opens: number;
  acks: number;
  /** The first thing that must not be. */
  problem: string | undefined;
}

test(
  `P3: LevelStorage keeps every promise through ${crashes} kills of its process (seed ${seed})`,
  { timeout: 3_600_000 },
  async () => {
    const random = new RandomStream(seed, "crash");
    const root = await mkdtemp(join(tmpdir(), "raft-crash-"));
    const known: Known = { allowed: undefined, opens: 0, acks: 0, problem: undefined };
    try {
      for (let crash = 0; crash < crashes; crash += 1) {
        await writeAndKill(join(root, "raft"), known, random);
      }
      console.log(`crash: ${crashes} kills, ${known.opens} times open, ${known.acks} steps promised`);
      expect(known.opens).toBeGreaterThan(crashes / 4);
      expect(known.acks).toBeGreaterThan(crashes);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
);

/** Some are killed a while after they are open, some a while after they began to open. */
async function writeAndKill(directory: string, known: Known, random: RandomStream): Promise<void> {
  const child = spawn(process.execPath, [writer, directory, String(random.bits())], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const opened = new Promise<void>((resolve) => {
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => {
      if (line.startsWith("open ")) resolve();
      known.problem ??= take(line, known);
    });
    lines.on("close", resolve);
  });
  if (random.chance(0.7)) await opened;
  await new Promise((resolve) => setTimeout(resolve, random.below(120)));
  child.kill("SIGKILL");
  const [code, signal] = await ended;
  await opened;
  expect(known.problem).toBeUndefined();
  expect([code, signal], "the writer ended by itself").toEqual([null, "SIGKILL"]);
}

/** @returns what is wrong with it */
function take(line: string, known: Known): string | undefined {
  const [verb = "", digest = ""] = line.split(" ");
  const { allowed } = known;
  switch (verb) {
    case "blank":
      return allowed === undefined ? undefined : "a formed directory came back blank";
    case "open":
      known.allowed = new Set([digest]);
      known.opens += 1;
      return allowed === undefined || allowed.has(digest)
        ? undefined
        : `${digest} came back, not ${[...allowed].join(" or ")}`;
    case "begin":
      allowed?.add(digest);
      return undefined;
    case "ack":
      // Of two, the one that was begun last.
      known.allowed = new Set([...allowed!].slice(-1));
      known.acks += 1;
      return undefined;
    default:
      return `the writer says: ${line}`;
  }
}
