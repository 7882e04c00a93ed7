// SPDX-License-Identifier: Apache-2.0
/**
 * D-4: one thing goes wrong with the files of a storage that promised everything in them: a bit flips, a file is cut off,
 * emptied, deleted, or replaced by an older version of itself. Then either nothing is missing, or the storage says "suspect".
 * A third outcome, such as an older state, wrong bytes or the end of the process, is what these tests are for.
 *
 * Every byte of small files, some bytes of larger ones. `RAFT_DAMAGE` is how many bytes of a file are tried; "all" tries each.
 */
import { cp, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  batchOf,
  entriesFrom,
  readContents,
  sessionConfig,
  sessionDocument,
  stateOf,
} from "../testing/storage-session.ts";
import type { StorageContents } from "../testing/storage-session.ts";
import { LevelDatabase } from "./level-database.ts";
import { LevelStorage } from "./level-storage.ts";
import {
  decodeEntry,
  decodeHead,
  decodeIdentity,
  decodeSnapshot,
  encodeEntry,
  encodeHead,
  encodeIdentity,
  encodeSnapshot,
  entriesEndKey,
  entryKeyIndex,
  headKey,
  identityKey,
} from "./records.ts";

const perFile =
  process.env["RAFT_DAMAGE"] === "all" ? Number.POSITIVE_INFINITY : Number(process.env["RAFT_DAMAGE"] ?? 4);

interface Fixture {
  readonly name: string;
  readonly make: (directory: string) => Promise<void>;
}

const fixtures: readonly Fixture[] = [
  {
    name: "a log that lies in LevelDB's log file",
    make: async (directory) => {
      const storage = await openFormed(directory);
      await storage.write(batchOf({ term: 2, vote: null, commit: 1 }, { entries: entriesFrom(2, 5, 2, 40) }));
      await storage.write(batchOf({ term: 3, vote: "n1@x", commit: 3 }));
      await storage.write(
        batchOf({ term: 3, vote: "n1@x", commit: 3 }, { truncateFrom: 5, entries: entriesFrom(5, 4, 3, 30) }),
      );
      await storage.close();
    },
  },
  {
    name: "a log of many blocks, of which LevelDB may skip one",
    make: async (directory) => {
      const storage = await openFormed(directory);
      for (let index = 2; index < 20; index += 3) {
        await storage.write(
          batchOf({ term: 2, vote: null, commit: index - 1 }, { entries: entriesFrom(index, 3, 2, 9000) }),
        );
      }
      await storage.write(batchOf({ term: 4, vote: "n1@x", commit: 19 }));
      await storage.close();
    },
  },
  {
    name: "a log in tables, compacted behind a snapshot, after restarts",
    make: async (directory) => {
      const storage = await openFormed(directory);
      await storage.write(batchOf({ term: 2, vote: null, commit: 1 }, { entries: entriesFrom(2, 30, 2, 300) }));
      await storage.snapshots.save({ index: 25, term: 2, config: sessionConfig }, stateOf(1, 70_000));
      await storage.close();
      const second = await reopen(directory);
      await second.compact(20);
      await second.write(batchOf({ term: 2, vote: null, commit: 31 }, { entries: entriesFrom(32, 10, 2, 300) }));
      await second.close();
      const third = await reopen(directory);
      await third.write(
        batchOf({ term: 3, vote: "n1@x", commit: 31 }, { truncateFrom: 40, entries: entriesFrom(40, 2, 3, 50) }),
      );
      await third.close();
    },
  },
];

describe.each(fixtures)("D-4: LevelStorage with $name", ({ make }) => {
  let root: string;
  let whole: StorageContents;
  const original = (): string => join(root, "original");

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "raft-damage-"));
    await make(original());
    whole = await contentsOfCopy(root, async () => {});
    expect(whole.opened.health).toEqual({ state: "ok" });
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  test("finds or survives a flipped bit", async () => {
    const outcomes = new Map<string, number>();
    for (const file of await filesIn(original())) {
      const bytes = await readFile(join(original(), file));
      for (const at of positionsIn(file, bytes.length)) {
        const outcome = await outcomeOf(root, whole, async (copy) => {
          const changed = Buffer.from(bytes);
          changed[at]! ^= 1 << (at % 8);
          await writeFile(join(copy, file), changed);
        });
        expect(outcome, `bit ${at % 8} of byte ${at} in "${file}"`).toMatch(/^(harmless|suspect)$/);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
    expect(outcomes.get("suspect")).toBeGreaterThan(0);
  });

  test("finds or survives a file that is cut off", async () => {
    for (const file of await filesIn(original())) {
      const { size } = await stat(join(original(), file));
      for (const length of positionsIn(file, size)) {
        const outcome = await outcomeOf(root, whole, (copy) => truncate(join(copy, file), length));
        expect(outcome, `"${file}" cut to ${length} of ${size} bytes`).toMatch(/^(harmless|suspect)$/);
      }
    }
  });

  test("finds or survives a file that is gone", async () => {
    for (const file of await filesIn(original())) {
      const outcome = await outcomeOf(root, whole, (copy) => rm(join(copy, file)));
      expect(outcome, `"${file}" gone`).toMatch(/^(harmless|suspect)$/);
    }
  });
});

test("D-3: LevelStorage finds a database or a fence that is older than the other", async () => {
  const root = await mkdtemp(join(tmpdir(), "raft-older-"));
  try {
    const original = join(root, "original");
    const storage = await openFormed(original);
    const whole: StorageContents[] = [];
    const stages = 5;
    for (let stage = 0; stage < stages; stage += 1) {
      await storage.write(
        batchOf({ term: 2 + stage, vote: null, commit: 1 }, { entries: entriesFrom(2 + stage, 1, 2 + stage, 9) }),
      );
      await cp(original, join(root, `stage-${stage}`), { recursive: true });
      whole.push(await contentsOfCopy(root, async () => {}));
    }
    await storage.close();
    for (let database = 0; database < stages; database += 1) {
      for (let fence = 0; fence < stages; fence += 1) {
        const outcome = await outcomeOf(root, whole[database]!, async (copy) => {
          await rm(copy, { recursive: true });
          await cp(join(root, `stage-${database}`), copy, { recursive: true });
          await cp(join(root, `stage-${fence}`, "fence"), join(copy, "fence"));
        });
        // One ahead is what a crash between the two leaves.
        const fits = database === fence || database === fence + 1;
        expect(outcome, `database of batch ${database}, fence of batch ${fence}`).toBe(fits ? "harmless" : "suspect");
      }
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test("D-3, P7: LevelStorage finds a fence that is gone, or of another directory", async () => {
  const root = await mkdtemp(join(tmpdir(), "raft-fences-"));
  try {
    const write = async (directory: string, entries: number): Promise<void> => {
      const storage = await openFormed(directory);
      for (let index = 2; index < 2 + entries; index += 1) {
        await storage.write(batchOf({ term: 1, vote: null, commit: 1 }, { entries: entriesFrom(index, 1, 1, 9) }));
      }
      await storage.close();
    };
    await write(join(root, "original"), 3);
    // One batch behind, as after a crash, but of somebody else.
    await write(join(root, "other"), 2);
    const whole = await contentsOfCopy(root, async () => {});
    expect(await outcomeOf(root, whole, (copy) => rm(join(copy, "fence")))).toBe("suspect");
    const exchange = (copy: string): Promise<void> => cp(join(root, "other", "fence"), join(copy, "fence"));
    expect(await outcomeOf(root, whole, exchange)).toBe("suspect");
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test("D-14: LevelStorage does not format a directory that only its snapshots are left of", async () => {
  const root = await mkdtemp(join(tmpdir(), "raft-left-"));
  try {
    await fixtures[0]!.make(join(root, "original"));
    const whole = await contentsOfCopy(root, async () => {});
    const outcome = await outcomeOf(root, whole, async (copy) => {
      await rm(join(copy, "db"), { recursive: true });
      await rm(join(copy, "fence"));
    });
    expect(outcome).toBe("suspect");
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test("D-3: a fence that was torn while it was written leaves LevelStorage whole", async () => {
  const root = await mkdtemp(join(tmpdir(), "raft-torn-"));
  try {
    const directory = join(root, "original");
    const storage = await openFormed(directory);
    for (let index = 2; index < 5; index += 1) {
      const before = await readFile(join(directory, "fence"));
      await storage.write(batchOf({ term: 1, vote: null, commit: 1 }, { entries: entriesFrom(index, 1, 1, 9) }));
      const whole = await contentsOfCopy(root, async () => {});
      const outcome = await outcomeOf(root, whole, async (copy) => {
        const fence = await readFile(join(copy, "fence"));
        // What this write changed, half of it as it was.
        let changed = 0;
        for (let at = 0; at < fence.length; at += 1) {
          if (fence[at] !== before[at] && (changed += 1) > 3) fence[at] = before[at]!;
        }
        expect(changed).toBeGreaterThan(3);
        await writeFile(join(copy, "fence"), fence);
      });
      expect(outcome).toBe("harmless");
    }
    await storage.close();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test("D-1, D-2: LevelStorage finds a record that is gone, or that another sound one took the place of", async () => {
  const root = await mkdtemp(join(tmpdir(), "raft-records-"));
  try {
    await fixtures[0]!.make(join(root, "original"));
    const whole = await contentsOfCopy(root, async () => {});
    const database = await LevelDatabase.open(join(root, "copy", "db"));
    const records: [Uint8Array, Uint8Array][] = [];
    for await (const page of database.pages(Uint8Array.of(0), entriesEndKey)) records.push(...page);
    await database.close();
    expect(records.length).toBe(3 + whole.entries.length);
    for (const [key, value] of records) {
      for (const operation of [
        { type: "del", key },
        { type: "put", key, value: anotherSound(key, value) },
      ] as const) {
        const outcome = await outcomeOf(root, whole, async (copy) => {
          const damaged = await LevelDatabase.open(join(copy, "db"));
          await damaged.writeDurably([operation]);
          await damaged.close();
        });
        expect(outcome, `${operation.type} of key ${Buffer.from(key).toString("hex")}`).toBe("suspect");
      }
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

/** With its own checksums right, and, for an entry, behind the same entry: what a batch that LevelDB lost had overwritten. */
function anotherSound(key: Uint8Array, value: Uint8Array): Uint8Array {
  const index = entryKeyIndex(key);
  if (index !== undefined) {
    const { entry, before } = decodeEntry(value, index, undefined);
    return encodeEntry({ ...entry, type: "normal", config: null, data: Buffer.from("another") }, before).value;
  }
  if (key[0] === headKey[0]) return encodeHead({ ...decodeHead(value), vote: "n9@z" });
  if (key[0] === identityKey[0]) return encodeIdentity({ ...decodeIdentity(value), clusterId: "another" });
  const record = decodeSnapshot(value);
  return encodeSnapshot({ ...record, description: { ...record.description, id: "another" } });
}

async function outcomeOf(
  root: string,
  whole: StorageContents,
  damage: (copy: string) => Promise<void>,
): Promise<string> {
  let found: StorageContents;
  try {
    found = await contentsOfCopy(root, damage);
  } catch (error) {
    return `rejected: ${String(error)}`;
  }
  if (found.opened.health.state === "suspect") return "suspect";
  return JSON.stringify(found) === JSON.stringify(whole) ? "harmless" : `other contents: ${JSON.stringify(found)}`;
}

async function contentsOfCopy(root: string, damage: (copy: string) => Promise<void>): Promise<StorageContents> {
  const copy = join(root, "copy");
  await rm(copy, { recursive: true, force: true });
  await cp(join(root, "original"), copy, { recursive: true });
  await damage(copy);
  return readContents(new LevelStorage({ directory: copy, nodeId: "n1", ballastBytes: 0 }));
}

async function openFormed(directory: string): Promise<LevelStorage> {
  const storage = new LevelStorage({ directory, nodeId: "n1", ballastBytes: 0 });
  await storage.open();
  await storage.form(sessionDocument);
  return storage;
}

async function reopen(directory: string): Promise<LevelStorage> {
  const storage = new LevelStorage({ directory, nodeId: "n1", ballastBytes: 0 });
  expect((await storage.open()).health).toEqual({ state: "ok" });
  return storage;
}

/** Relative paths. What LevelDB writes for people is left out: it reads none of it. */
async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !/^(LOG|LOG\.old|LOCK)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

/** Spread over the file, its first and last bytes among them. */
function positionsIn(file: string, length: number): number[] {
  // Two slots of 128 bytes, and nothing between them.
  const used = file === "fence" ? 256 : length;
  const count = Math.min(used, perFile);
  const positions = new Set<number>();
  for (let at = 0; at < count; at += 1) positions.add(Math.floor((at * (used - 1)) / Math.max(1, count - 1)));
  return [...positions].map((at) => (file === "fence" && at >= 128 ? at - 128 + 4096 : at));
}
