import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { FileHandle, FileSystem } from "../file-system.ts";
import { Random } from "./random.ts";
import { SimulatedTime } from "./simulated-clock.ts";
import { SimulatedDisk } from "./simulated-disk.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function world(seed = 1, options: { quotaBytes?: number; pageBytes?: number } = {}) {
  const time = new SimulatedTime();
  const disk = new SimulatedDisk({ time, seed, ...options });
  const run = <T>(promise: Promise<T>): Promise<T> => time.result(promise, "a disk operation");
  return { time, disk, run };
}

/** Makes `/d/f` with this content; nothing is synced. */
async function makeFile(fs: FileSystem, content: string): Promise<FileHandle> {
  await fs.mkdir("/d");
  const file = await fs.open("/d/f", "create");
  await file.write([bytesOf(content)], 0);
  return file;
}

async function makeDurable(fs: FileSystem, content: string): Promise<FileHandle> {
  const file = await makeFile(fs, content);
  await file.sync();
  await fs.syncDirectory("/d");
  await fs.syncDirectory("/");
  return file;
}

const seeds = Array.from({ length: 200 }, (_, seed) => seed);

/** What is at `/d/f` after a power cut, over many seeds: each different outcome once. */
async function outcomes(prepare: (fs: FileSystem, disk: SimulatedDisk) => Promise<unknown>): Promise<Set<string>> {
  const found = new Set<string>();
  for (const seed of seeds) {
    const { disk, run } = world(seed);
    await run(prepare(disk.fileSystem(), disk));
    disk.powerCut(seed);
    const names = disk.files().map(({ path }) => `${path}=${textOf(disk.peek(path)).replaceAll("\0", "0")}`);
    found.add(names.join(" "));
  }
  return found;
}

test("SimulatedDisk shows what is written before any sync", async () => {
  const { disk, run } = world();
  const fs = disk.fileSystem();
  const file = await run(makeFile(fs, "hello"));
  const into = new Uint8Array(10);
  expect(await run(file.read(into, 1))).toBe(4);
  expect(textOf(into.subarray(0, 4))).toBe("ello");
  expect(await run(file.size())).toBe(5);
  expect(await run(fs.readdir("/d"))).toEqual(["f"]);
});

test("SimulatedDisk.powerCut() keeps what was synced, whatever the seed", async () => {
  expect(await outcomes((fs) => makeDurable(fs, "hello"))).toEqual(new Set(["/d/f=hello"]));
});

test("SimulatedDisk.powerCut() loses, keeps or tears what was not synced", async () => {
  const found = await outcomes(async (fs) => {
    const file = await makeDurable(fs, "a".repeat(1024));
    await file.write([bytesOf("b".repeat(1024))], 0);
  });
  const page = (first: string, second: string): string => `/d/f=${first.repeat(512)}${second.repeat(512)}`;
  for (const [first, second] of ["aa", "bb", "ab", "ba"])
    expect(found).toContain(page(first as string, second as string));
});

test("SimulatedDisk.powerCut() may keep a size without its bytes", async () => {
  const found = await outcomes(async (fs) => {
    const file = await makeDurable(fs, "x");
    await file.write([bytesOf("yz")], 1);
  });
  for (const content of ["x", "x00", "xyz"]) expect(found).toContain(`/d/f=${content}`);
});

test("SimulatedDisk.powerCut() loses names whose directory was not synced, though the file was", async () => {
  const found = await outcomes(async (fs) => {
    await fs.mkdir("/d");
    await fs.syncDirectory("/");
    const file = await fs.open("/d/f", "create");
    await file.write([bytesOf("x")], 0);
    await file.sync();
  });
  expect(found).toEqual(new Set(["", "/d/f=x"]));
});

test("SimulatedDisk.powerCut() never leaves a rename half done, and reorders changes of different names", async () => {
  const found = await outcomes(async (fs) => {
    await makeDurable(fs, "x");
    await fs.rename("/d/f", "/d/g");
    await fs.open("/d/h", "create");
    await fs.unlink("/d/g");
  });
  expect(found).toEqual(new Set(["/d/f=x", "/d/g=x", "", "/d/f=x /d/h=", "/d/g=x /d/h=", "/d/h="]));
});

test("SimulatedDisk.powerCut() brings an unlinked file back unless the directory was synced", async () => {
  expect(
    await outcomes(async (fs) => {
      await makeDurable(fs, "x");
      await fs.unlink("/d/f");
    }),
  ).toEqual(new Set(["", "/d/f=x"]));
  expect(
    await outcomes(async (fs) => {
      await makeDurable(fs, "x");
      await fs.unlink("/d/f");
      await fs.syncDirectory("/d");
    }),
  ).toEqual(new Set([""]));
});

test("SimulatedDisk: a truncation counts once synced; before, the old end may be back", async () => {
  expect(
    await outcomes(async (fs) => {
      const file = await makeDurable(fs, "abcdef");
      await file.truncate(2);
    }),
    // The zeroed rest of the last page may have been written back before the size was.
  ).toEqual(new Set(["/d/f=abcdef", "/d/f=ab0000", "/d/f=ab"]));
  expect(
    await outcomes(async (fs) => {
      const file = await makeDurable(fs, "abcdef");
      await file.truncate(2);
      await file.truncate(4);
      await file.sync();
    }),
  ).toEqual(new Set(["/d/f=ab00"]));
});

test("SimulatedDisk: a sync covers what was written when it began; what comes later is in doubt", async () => {
  const found = await outcomes(async (fs) => {
    const file = await makeDurable(fs, "a");
    await file.write([bytesOf("b")], 0);
    const sync = file.sync();
    await file.write([bytesOf("c")], 0);
    await sync;
  });
  expect(found).toContain("/d/f=b");
  expect(found).toContain("/d/f=c");
});

test("SimulatedDisk.kill() keeps the cache", async () => {
  for (const seed of seeds) {
    const { disk, run } = world(seed);
    await run(makeFile(disk.fileSystem(), "hello"));
    disk.kill(seed);
    expect(textOf(disk.peek("/d/f"))).toBe("hello");
  }
});

test("SimulatedDisk.kill() may leave a part of a write that was under way", async () => {
  const found = new Set<string>();
  for (const seed of seeds) {
    const { disk, run } = world(seed);
    const file = await run(makeFile(disk.fileSystem(), ""));
    void file.write([bytesOf("abc"), bytesOf("de")], 0);
    disk.kill(seed);
    found.add(textOf(disk.peek("/d/f")));
  }
  expect([...found].sort()).toEqual(["", "a", "ab", "abc", "abcd", "abcde"]);
});

test("SimulatedDisk: operations of a process that is gone never end, and change nothing", async () => {
  const { disk, run, time } = world();
  const file = await run(makeDurable(disk.fileSystem(), "x"));
  disk.powerCut(1);
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  file.write([bytesOf("y")], 0).then(end, end);
  while (await time.step());
  expect(ended).toBe(false);
  expect(textOf(disk.peek("/d/f"))).toBe("x");
});

test("SimulatedDisk.haltAfter() stops right after an effect, before anybody hears of it", async () => {
  const { disk, run, time } = world();
  const fs = disk.fileSystem();
  await run(fs.mkdir("/d"));
  disk.haltAfter(disk.effects + 1);
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  fs.open("/d/f", "create").then(end, end);
  while (await time.step());
  expect(ended).toBe(false);
  expect(disk.isHalted).toBe(true);
  expect(disk.files().map(({ path }) => path)).toEqual(["/d/f"]);
});

test("SimulatedDisk: after a failed sync a later one that succeeds proves nothing (J-14)", async () => {
  const found = await outcomes(async (fs, disk) => {
    const file = await makeDurable(fs, "a");
    await file.write([bytesOf("b")], 0);
    disk.inject({ operation: "sync", effect: "fail" });
    await expect(file.sync()).rejects.toMatchObject({ code: "IO" });
    await file.sync();
  });
  expect(found).toEqual(new Set(["/d/f=a", "/d/f=b"]));
});

test("SimulatedDisk: a failed directory sync may have lost the names for good", async () => {
  const found = await outcomes(async (fs, disk) => {
    await makeDurable(fs, "a");
    await fs.unlink("/d/f");
    disk.inject({ operation: "syncDirectory", effect: "fail", path: "/d" });
    await expect(fs.syncDirectory("/d")).rejects.toMatchObject({ code: "IO" });
    await fs.syncDirectory("/d");
  });
  expect(found).toEqual(new Set(["/d/f=a", ""]));
});

test("SimulatedDisk: a failing write may leave a part", async () => {
  const found = new Set<string>();
  for (const seed of seeds) {
    const { disk, run } = world(seed);
    const file = await run(makeFile(disk.fileSystem(), ""));
    disk.inject({ operation: "write", effect: "fail", path: /f$/ });
    await expect(run(file.write([bytesOf("abc")], 0))).rejects.toMatchObject({ code: "IO", path: "/d/f" });
    found.add(textOf(disk.peek("/d/f")));
  }
  expect([...found].sort()).toEqual(["", "a", "ab"]);
});

test("SimulatedDisk: a hanging sync never ends, others go on", async () => {
  const { disk, run, time } = world();
  const fs = disk.fileSystem();
  const file = await run(makeFile(fs, "x"));
  disk.inject({ operation: "sync", effect: "hang" });
  let ended = false;
  file.sync().then(
    () => (ended = true),
    () => (ended = true),
  );
  await run(fs.readdir("/d"));
  while (await time.step());
  expect(ended).toBe(false);
});

test("SimulatedDisk: a full disk writes what fits, refuses, and lets overwrites and removals through", async () => {
  const { disk, run } = world(3, { quotaBytes: 6 });
  const fs = disk.fileSystem();
  const file = await run(makeFile(fs, "abcd"));
  expect(await run(fs.freeBytes("/d"))).toBe(2);
  await expect(run(file.write([bytesOf("wxyz")], 4))).rejects.toMatchObject({ code: "NO_SPACE" });
  expect(textOf(disk.peek("/d/f"))).toBe("abcdwx");
  await run(file.write([bytesOf("ABCDEF")], 0));
  await expect(run(file.truncate(7))).rejects.toMatchObject({ code: "NO_SPACE" });
  await run(file.truncate(1));
  expect(await run(fs.freeBytes("/d"))).toBe(5);
});

test("SimulatedDisk.flipBit() damages what is durable", async () => {
  const { disk, run } = world();
  await run(makeDurable(disk.fileSystem(), "a"));
  disk.flipBit("/d/f", 0, 1);
  disk.powerCut(1);
  expect(textOf(disk.peek("/d/f"))).toBe("c");
});

test("SimulatedDisk.removeTree() can be cut in the middle", async () => {
  const counts = new Set<number>();
  for (const seed of seeds) {
    const { disk, run, time } = world(seed);
    const fs = disk.fileSystem();
    await run(makeFile(fs, "x"));
    await run(fs.mkdir("/d/e"));
    for (const name of ["1", "2", "3"]) await run(fs.open(`/d/e/${name}`, "create"));
    disk.haltAfter(disk.effects + 1 + (seed % 6));
    void fs.removeTree("/d");
    while (await time.step());
    counts.add(disk.files().length);
    disk.kill(seed);
  }
  expect([...counts].sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
});

test("SimulatedDisk.clone() is a disk of its own", async () => {
  const { disk, run, time } = world();
  const file = await run(makeDurable(disk.fileSystem(), "a"));
  await run(file.write([bytesOf("b")], 0));
  const copy = disk.clone({ time, seed: 9 });
  await run(file.write([bytesOf("c")], 0));
  expect(textOf(copy.peek("/d/f"))).toBe("b");
  expect(copy.isSynced).toBe(false);
  await run(file.sync());
  copy.powerCut(1);
  expect(["a", "b"]).toContain(textOf(copy.peek("/d/f")));
});

test("SimulatedDisk is a function of its seed", async () => {
  const history = async (seed: number): Promise<string> => {
    const log: string[] = [];
    const { disk, run } = world(seed);
    disk.onEffect = (effect, operation, path) => log.push(`${effect} ${operation} ${path}`);
    const fs = disk.fileSystem();
    await run(fs.mkdir("/d"));
    const files = await run(Promise.all(["a", "b", "c"].map((name) => fs.open(`/d/${name}`, "create"))));
    await run(Promise.all(files.map((file) => file.write([bytesOf("content")], 0))));
    await run(Promise.all(files.map((file) => file.sync())));
    disk.powerCut(seed);
    return [...log, ...disk.files().map(({ path }) => path + textOf(disk.peek(path)))].join("\n");
  };
  const histories = new Set<string>();
  for (const seed of seeds.slice(0, 20)) {
    const first = await history(seed);
    expect(await history(seed)).toBe(first);
    histories.add(first);
  }
  expect(histories.size).toBeGreaterThan(10);
});

// The twin of a file: bytes as a plain array. Whatever the order of writes, truncations and syncs, readers see the twin;
// after a power cut, every byte that was last synced and not touched since is there.
test("SimulatedDisk agrees with a plain array, and keeps what was synced and not touched since", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("write" as const), at: fc.nat(3000), length: fc.nat(1500) }),
    fc.record({ kind: fc.constant("truncate" as const), at: fc.nat(4000) }),
    fc.record({ kind: fc.constant("sync" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.nat(), async (steps, seed) => {
      const { disk, run } = world(seed, { pageBytes: 1024 });
      const file = await run(makeDurable(disk.fileSystem(), ""));
      const random = new Random(seed);
      let twin: number[] = [];
      let synced: number[] = [];
      let isTruncated = false;
      const touched = new Set<number>();
      for (const step of steps) {
        if (step.kind === "write") {
          const bytes = Uint8Array.from({ length: step.length }, () => random.between(1, 255));
          await run(file.write([bytes], step.at));
          while (step.length > 0 && twin.length < step.at) twin.push(0);
          bytes.forEach((byte, index) => {
            twin[step.at + index] = byte;
            touched.add(Math.floor((step.at + index) / 1024));
          });
        } else if (step.kind === "truncate") {
          await run(file.truncate(step.at));
          isTruncated ||= step.at < twin.length;
          touched.add(Math.floor(step.at / 1024));
          if (step.at < twin.length) twin = twin.slice(0, step.at);
          while (twin.length < step.at) twin.push(0);
        } else {
          await run(file.sync());
          synced = [...twin];
          isTruncated = false;
          touched.clear();
        }
        expect([...disk.peek("/d/f")]).toEqual(twin);
      }
      disk.powerCut(seed);
      if (isTruncated) return;
      const after = disk.peek("/d/f");
      expect(after.length).toBeGreaterThanOrEqual(synced.length);
      synced.forEach((byte, at) => {
        if (!touched.has(Math.floor(at / 1024))) expect(after[at]).toBe(byte);
      });
    }),
    { numRuns: 100 },
  );
});
