// SPDX-License-Identifier: Apache-2.0
/**
 * What a process leaves that dies between two steps: the directory is copied after every step that changes files, and the copy
 * is opened. It must hold all that was promised, and of the operation under way all or nothing (P3); it is never suspect.
 */
import { cp, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { OpenedStorage } from "../runtime/ports.ts";
import { StorageModel, contentsOf, type ModelContents } from "../testing/storage-model.ts";
import {
  batchOf,
  entriesFrom,
  readContents,
  sessionConfig,
  sessionDocument,
  stateOf,
} from "../testing/storage-session.ts";
import { planStep, type StorageStep } from "../testing/storage-steps.ts";
import { readFence } from "./fence.ts";
import { LevelStorage } from "./level-storage.ts";

const runs = Number(process.env["RAFT_CRASH_MODEL"] ?? 4);

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "raft-steps-"));
});

afterEach(() => rm(root, { recursive: true, force: true }));

test("M9: a crash while a directory is formatted, formed or joined leaves it blank, formed or joined, never suspect", async () => {
  const seen: string[] = [];
  const document = { ...sessionDocument, clusterId: "c" };
  const ways: readonly ((storage: LevelStorage) => Promise<OpenedStorage>)[] = [
    (storage) => storage.form(document),
    (storage) => storage.join("c"),
  ];
  for (const [way, enter] of ways.entries()) {
    const directory = join(root, `way-${way}`);
    let dirId: string | undefined;
    const storage = new LevelStorage({
      directory,
      nodeId: "n1",
      ballastBytes: 0,
      trace: async (step) => {
        const copy = await copyOf(directory);
        const { opened } = await readContents(new LevelStorage({ directory: copy, nodeId: "n1", ballastBytes: 0 }));
        seen.push(`${step}: ${opened.health.state}`);
        expect(opened.health.state).not.toBe("suspect");
        // Once the database has its name, so has the directory.
        if (step !== "database-created") expect(opened.identity.dirId).toBe((dirId ??= opened.identity.dirId));
        const again = new LevelStorage({ directory: copy, nodeId: "n1", ballastBytes: 0 });
        await again.open();
        expect((await enter(again)).health).toEqual({ state: "ok" });
        await again.close();
      },
    });
    await storage.open();
    const entered = await enter(storage);
    expect(entered.identity).toEqual({ nodeId: "n1", dirId, clusterId: "c" });
    await storage.close();
    const { opened } = await readContents(new LevelStorage({ directory, nodeId: "n1", ballastBytes: 0 }));
    expect(opened).toEqual(entered);
  }
  expect(seen).toContain("database-created: blank");
  expect(seen).toContain("snapshot-named: blank");
  expect(seen).toContain("batch-synced: ok");
});

test("M9: what a power cut may leave of a format is no obstacle to the next one", async () => {
  const directory = join(root, "raft");
  const leftovers: (() => Promise<void>)[] = [
    async () => {},
    () => mkdir(join(directory, "db.new")).then(() => undefined),
    async () => {
      await mkdir(join(directory, "db.new"));
      await writeFile(join(directory, "db.new", "MANIFEST-000001"), "half of");
      await writeFile(join(directory, "db.new", "CURRENT"), "");
    },
    async () => {
      await mkdir(join(directory, "snapshots"));
      await mkdir(join(directory, "db.new"));
      await writeFile(join(directory, "db.new", "CURRENT"), "MANIFEST-000001\n");
    },
  ];
  for (const leave of leftovers) {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
    await leave();
    const { opened } = await readContents(new LevelStorage({ directory, nodeId: "n1", ballastBytes: 0 }));
    expect(opened.health).toEqual({ state: "blank" });
  }
});

test("D-3: crash after crash between a batch and its fence is no damage", async () => {
  const first = join(root, "0");
  const storage = new LevelStorage({ directory: first, nodeId: "n1", ballastBytes: 0 });
  await storage.open();
  await storage.form(sessionDocument);
  await storage.close();
  let directory = first;
  for (let crash = 1; crash <= 4; crash += 1) {
    const next = join(root, String(crash));
    const writing = new LevelStorage({
      directory,
      nodeId: "n1",
      ballastBytes: 0,
      trace: async (step) => {
        if (step !== "batch-synced") return;
        // Never ahead of the database, which a crash right now may leave without the batch.
        expect(await readFence(join(directory, "fence"))).toMatchObject({ term: crash });
        await copyOf(directory, next);
      },
    });
    const { health, boot } = await writing.open();
    expect(health).toEqual({ state: "ok" });
    expect(boot.hard.term).toBe(crash);
    await writing.write(batchOf({ term: crash + 1, vote: null, commit: 1 }));
    await writing.close();
    directory = next;
  }
});

test("S2: a snapshot's file goes once the newer one is promised, and not before", async () => {
  const directory = join(root, "raft");
  const files: number[] = [];
  const storage = new LevelStorage({
    directory,
    nodeId: "n1",
    ballastBytes: 0,
    trace: async (step) => {
      if (step === "batch-synced") files.push((await readdir(join(directory, "snapshots"))).length);
    },
  });
  await storage.open();
  await storage.form(sessionDocument);
  await storage.write(batchOf({ term: 1, vote: null, commit: 1 }, { entries: entriesFrom(2, 3, 1, 10) }));
  await storage.snapshots.save({ index: 3, term: 1, config: sessionConfig }, stateOf(3, 10));
  expect(files).toEqual([1, 1, 2]);
  expect(await readdir(join(directory, "snapshots"))).toHaveLength(1);
  await storage.close();
});

const step: fc.Arbitrary<StorageStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      count: fc.integer({ min: 0, max: 6 }),
      bytes: fc.integer({ min: 0, max: 3000 }),
      rise: fc.nat(1),
      back: fc.nat(4),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("vote" as const), rise: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("save" as const), back: fc.nat(5), bytes: fc.nat(150_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("compact" as const), back: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("install" as const),
      ahead: fc.integer({ min: -3, max: 9 }),
      bytes: fc.nat(150_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
);

test("P3, S10: a crash at any step keeps everything promised, and all or nothing of the rest", async () => {
  let run = 0;
  let crashes = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 4, maxLength: 12 }),
      fc.infiniteStream(fc.boolean()),
      async (steps, coins) => {
        run += 1;
        const directory = join(root, `run-${run}`);
        const model = new StorageModel();
        let allowed: ModelContents[] = [];
        const crashHere = async (name: string): Promise<void> => {
          if (allowed.length === 0 || coins.next().value !== true) return;
          crashes += 1;
          const found = await readContents(
            new LevelStorage({ directory: await copyOf(directory), nodeId: "n1", ballastBytes: 0 }),
          );
          expect(found.opened.health, `after "${name}"`).toEqual({ state: "ok" });
          expect(allowed, `after "${name}"`).toContainEqual(contentsOf(found));
        };
        const open = async (): Promise<LevelStorage> => {
          const next = new LevelStorage({ directory, nodeId: "n1", ballastBytes: 0, trace: crashHere });
          await next.open();
          return next;
        };
        let storage = await open();
        await storage.form(sessionDocument);
        for (const step of steps) {
          if (step.kind === "restart") {
            await storage.close();
            allowed = [await model.contents()];
            storage = await open();
            continue;
          }
          const before = await model.contents();
          const perform = planStep(model, step);
          if (perform === undefined) continue;
          allowed = [before, await model.contents()];
          await perform(storage);
          // Promised now: only the new one will do.
          allowed = [await model.contents()];
          await crashHere(step.kind);
        }
        await storage.close();
        expect(contentsOf(await readContents(new LevelStorage({ directory, nodeId: "n1", ballastBytes: 0 })))).toEqual(
          await model.contents(),
        );
        await rm(directory, { recursive: true, force: true });
      },
    ),
    { numRuns: runs, ...(process.env["RAFT_SEED"] === undefined ? {} : { seed: Number(process.env["RAFT_SEED"]) }) },
  );
  expect(crashes).toBeGreaterThan(runs);
});

/** A copy that a process killed right now would have left. LevelDB may be at work, and delete what was listed: then once more. */
async function copyOf(directory: string, copy = join(root, "copy")): Promise<string> {
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    try {
      const before = await listing(directory);
      await rm(copy, { recursive: true, force: true });
      await cp(directory, copy, { recursive: true });
      if ((await listing(directory)) === before) return copy;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  throw new Error("Cannot copy the directory: it changed under a hundred attempts.");
}

async function listing(directory: string): Promise<string> {
  const lines: string[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    lines.push(`${path} ${entry.isFile() ? (await stat(path)).size : ""}`);
  }
  return lines.sort().join("\n");
}
