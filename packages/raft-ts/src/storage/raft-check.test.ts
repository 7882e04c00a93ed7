// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { batchOf, entriesFrom, sessionConfig, sessionDocument, stateOf } from "../testing/storage-session.ts";
import type { CheckReport } from "./check.ts";
import { LevelStorage } from "./level-storage.ts";
import { main } from "./raft-check.ts";

let root: string;
let directory: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "raft-check-test-"));
  directory = join(root, "raft");
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  let out = "";
  let error = "";
  const code = await main(args, {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
  });
  return { code, out, error };
}

async function makeStorage(): Promise<LevelStorage> {
  const storage = new LevelStorage({ directory, nodeId: "n1", ballastBytes: 0 });
  await storage.open();
  await storage.form(sessionDocument);
  await storage.write(batchOf({ term: 2, vote: null, commit: 1 }, { entries: entriesFrom(2, 5, 2, 10) }));
  await storage.write(batchOf({ term: 3, vote: "n1@x", commit: 5 }, { entries: entriesFrom(7, 3, 3, 10) }));
  await storage.snapshots.save({ index: 4, term: 2, config: sessionConfig }, stateOf(1, 1000));
  await storage.compact(2);
  return storage;
}

test("D-11: raft-check prints ranges, hashes, snapshot and configurations, and leaves every byte as it was", async () => {
  await (await makeStorage()).close();
  const before = await bytesOf(directory);
  const { code, out } = await run(directory);
  expect(code).toBe(0);
  expect(out).toMatch(/^OK {2}/);
  expect(out).toMatch(/term +3, vote n1@x/);
  expect(out).toMatch(/log +3 to 9/);
  expect(out).toMatch(/3 to 6 +2 +40 +[0-9a-f]{8}/);
  expect(out).toMatch(/7 to 9 +3 +20 +[0-9a-f]{8}/);
  expect(out).toMatch(/up to 4@2, 1000 bytes/);
  expect(out).toMatch(/4 +n1@1+ +-/);
  expect(await bytesOf(directory)).toEqual(before);
  const report = JSON.parse((await run("--json", directory)).out) as CheckReport;
  expect(report).toMatchObject({ verdict: "ok", firstIndex: 3, lastIndex: 9, damage: [], orphans: [] });
  expect(report.configs.map(({ index }) => index)).toEqual([4, 7]);
});

test("D-11: raft-check says what is damaged and how far the log is whole", async () => {
  await (await makeStorage()).close();
  await rm(join(directory, "fence"));
  const [snapshot] = await readdir(join(directory, "snapshots"));
  const file = join(directory, "snapshots", snapshot!);
  const bytes = await readFile(file);
  bytes[bytes.length - 100]! ^= 4;
  await writeFile(file, bytes);
  const { code, out } = await run(directory);
  expect(code).toBe(1);
  expect(out).toMatch(/^SUSPECT {2}/);
  expect(out).toMatch(/! the fence is gone, and 5 batches were written/);
  expect(out).toMatch(/! bytes 0 to 1000 of .* do not fit their checksum/);
  expect(out).toMatch(/1000 bytes, CRC [0-9a-f]{8}, DAMAGED/);
  expect(out).toMatch(/7 to 9 +3 +20 +[0-9a-f]{8}/);
});

test("raft-check cannot check what is not there, is in use, or is asked for wrongly: exit code 2", async () => {
  expect(await run(join(root, "nowhere"))).toMatchObject({ code: 2, error: expect.stringMatching(/no raft storage/) });
  const storage = await makeStorage();
  expect(await run(directory)).toMatchObject({ code: 2, error: expect.stringMatching(/another process has it open/) });
  await storage.close();
  expect((await run()).code).toBe(2);
  expect((await run("--fix", directory)).error).toMatch(/no option "--fix"/);
  expect((await run(directory, directory)).code).toBe(2);
  expect(await run("--help")).toMatchObject({ code: 0, out: expect.stringMatching(/Example:/) });
});

test("raft-check of a blank directory is content", async () => {
  const storage = new LevelStorage({ directory, nodeId: "n1", ballastBytes: 0 });
  await storage.open();
  await storage.close();
  expect((await run(directory)).out).toMatch(/^BLANK/);
});

async function bytesOf(path: string): Promise<Record<string, string>> {
  const contents: Record<string, string> = {};
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    // LevelDB's diary, which taking the lock turns over.
    if (!entry.isFile() || entry.name.startsWith("LOG")) continue;
    const file = join(entry.parentPath, entry.name);
    contents[file] = (await readFile(file)).toString("base64");
  }
  return contents;
}
