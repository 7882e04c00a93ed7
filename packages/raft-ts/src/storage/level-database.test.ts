// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LevelDatabase } from "./level-database.ts";
import { entryKey } from "./records.ts";

test("D-7: LevelDatabase syncs its directory before a write into a new log file is done", async () => {
  const root = await mkdtemp(join(tmpdir(), "raft-database-"));
  const path = join(root, "db");
  const logFiles = async (): Promise<string[]> => (await readdir(path)).filter((name) => name.endsWith(".log")).sort();
  try {
    await LevelDatabase.create(path, [{ type: "put", key: entryKey(0), value: Buffer.from("first") }]);
    let named: string[] = [];
    const database = await LevelDatabase.open(path, async () => {
      named = await logFiles();
    });
    const seen = new Set<string>();
    let sizes = 0;
    // 14 MiB in values of all sizes: a new log file after each 4 MiB or so.
    for (let index = 1; sizes < 14 << 20; index += 1) {
      const bytes = 1 << (index % 18);
      const few = Array.from({ length: bytes < 64 ? 2000 : 1 }, (_, at) => at);
      sizes += few.length * (bytes + 100);
      await database.writeDurably(
        few.map((at) => ({ type: "put", key: entryKey(index * 10_000 + at), value: Buffer.alloc(bytes, index) })),
      );
      if (index % 50 === 0) await database.clear(entryKey(0), entryKey(index * 9_000));
      for (const name of await logFiles()) {
        expect(named, `batch ${index} is in a file that may have no name after a power cut`).toContain(name);
        seen.add(name);
      }
    }
    await database.close();
    expect(seen.size).toBeGreaterThan(2);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
