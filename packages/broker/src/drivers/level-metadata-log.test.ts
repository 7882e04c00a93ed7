import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, readdir, rm, stat, truncate, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { LevelMetadataLog } from "./level-metadata-log.ts";
import { MetadataLogError } from "../ports/metadata-log.ts";
import type { MetadataLogErrorCode, MetadataRole } from "../ports/metadata-log.ts";

const cleanUp: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "varve-metadata-"));
  cleanUp.push(() => rm(directory, { recursive: true, force: true }));
  return join(directory, "metadata");
}

interface Opened {
  readonly log: LevelMetadataLog;
  readonly entries: string[];
  readonly fatal: Error[];
  readonly roles: MetadataRole[];
  readonly snapshot: () => string | undefined;
}

async function open(directory: string, identity = "test"): Promise<Opened> {
  const log = new LevelMetadataLog({ directory, identity });
  cleanUp.push(() => log.close());
  const entries: string[] = [];
  const fatal: Error[] = [];
  const roles: MetadataRole[] = [];
  let snapshot: string | undefined;
  await log.start({
    onSnapshot: ({ bytes }) => (snapshot = Buffer.from(bytes).toString()),
    onCommitted: (batch) =>
      entries.push(...batch.map(({ index, bytes }) => `${index}:${Buffer.from(bytes).toString()}`)),
    onRole: (role) => roles.push(role),
    onFatal: (error) => fatal.push(error),
  });
  return { log, entries, fatal, roles, snapshot: () => snapshot };
}

async function write(directory: string, ...texts: string[]): Promise<void> {
  const { log } = await open(directory);
  for (const text of texts) await log.propose(Buffer.from(text));
  await log.close();
}

async function failureOf(directory: string, identity?: string): Promise<MetadataLogError> {
  try {
    const { log } = await open(directory, identity);
    await log.close();
  } catch (error) {
    if (error instanceof MetadataLogError) return error;
    throw error;
  }
  throw new Error("The log was opened");
}

async function filesOf(directory: string): Promise<string[]> {
  const names = await readdir(join(directory, "level"));
  return [join(directory, "fence"), ...names.map((name) => join(directory, "level", name))];
}

describe("LevelMetadataLog", () => {
  it("delivers what was written, in order, before it answers; again after a restart", async () => {
    const directory = await newDirectory();
    const first = await open(directory);
    expect(first.roles).toEqual([{ kind: "leader", term: 1 }]);
    const indexes = await Promise.all(["a", "b", "c"].map((text) => first.log.propose(Buffer.from(text))));
    expect(indexes).toEqual([1, 2, 3]);
    expect(first.entries).toEqual(["1:a", "2:b", "3:c"]);
    await first.log.close();
    const second = await open(directory);
    expect(second.entries).toEqual(["1:a", "2:b", "3:c"]);
    expect(await second.log.propose(Buffer.from("d"))).toBe(4);
    expect(second.log.tail.entries).toBe(4);
  });

  it("starts from a snapshot and what came after it; older entries are gone", async () => {
    const directory = await newDirectory();
    const first = await open(directory);
    for (const text of ["a", "b", "c"]) await first.log.propose(Buffer.from(text));
    await first.log.saveSnapshot(2, Buffer.alloc(2_500_000, "x"));
    expect(first.log.tail.entries).toBe(1);
    await first.log.propose(Buffer.from("d"));
    await first.log.close();
    const second = await open(directory);
    expect(second.snapshot()).toBe("x".repeat(2_500_000));
    expect(second.entries).toEqual(["3:c", "4:d"]);
    await second.log.saveSnapshot(4, Buffer.from("small"));
    await second.log.close();
    const third = await open(directory);
    expect(third.snapshot()).toBe("small");
    expect(third.entries).toEqual([]);
    expect(third.log.tail).toEqual({ entries: 0, bytes: 0 });
  });

  it("refuses a directory that another one has open, and says so", async () => {
    const directory = await newDirectory();
    const first = await open(directory);
    const failure = await failureOf(directory);
    expect(failure.code).toBe("LOCKED");
    expect(failure.message).toContain("another process has it open");
    await first.log.close();
    await open(directory);
  });

  it("refuses the log of another node (P7)", async () => {
    const directory = await newDirectory();
    await write(directory, "a");
    const failure = await failureOf(directory, "somebody else");
    expect(failure.code).toBe("FORMAT");
    expect(failure.message).toContain('belongs to "test"');
  });

  it("refuses proposals that are too large, and all of them once closed", async () => {
    const { log } = await open(await newDirectory());
    const code = (promise: Promise<unknown>): Promise<MetadataLogErrorCode | undefined> =>
      promise.then(
        () => undefined,
        (error: unknown) => (error as MetadataLogError).code,
      );
    expect(await code(log.propose(new Uint8Array(9 * 1024 * 1024)))).toBe("TOO_LARGE");
    await log.close();
    expect(await code(log.propose(new Uint8Array(1)))).toBe("CLOSED");
    expect(await code(log.saveSnapshot(1, new Uint8Array(1)))).toBe("CLOSED");
  });

  it("passes on as FORMAT what its listener cannot replay (C-2)", async () => {
    const directory = await newDirectory();
    await write(directory, "a");
    const log = new LevelMetadataLog({ directory, identity: "test" });
    const started = log.start({
      onSnapshot: () => undefined,
      onCommitted: () => {
        throw new Error("No such record type.");
      },
      onRole: () => undefined,
      onFatal: () => undefined,
    });
    await expect(started).rejects.toMatchObject({ code: "FORMAT" });
    await (await open(directory)).log.close();
  });

  it("refuses to start when LevelDB has lost the last acknowledged write (D-3)", async () => {
    const directory = await newDirectory();
    await write(directory, "a", "b", "c");
    const wal = (await filesOf(directory)).find((file) => file.endsWith(".log")) ?? "";
    await truncate(wal, (await stat(wal)).size - 10);
    const failure = await failureOf(directory);
    expect(failure.code).toBe("DAMAGED");
    expect(failure.message).toContain("was acknowledged");
    expect(failure.message).toContain("backup");
  });

  it("accepts a write whose fence was not written yet: it was promised to nobody (D-3)", async () => {
    const directory = await newDirectory();
    await write(directory, "a");
    const fence = await readFile(join(directory, "fence"));
    await write(directory, "b");
    await writeFile(join(directory, "fence"), fence);
    const { entries } = await open(directory);
    expect(entries).toEqual(["1:a", "2:b"]);
  });

  it("refuses to start with an older copy of the database, or without its fence", async () => {
    const directory = await newDirectory();
    await write(directory, "a");
    const copy = `${directory}-copy`;
    await cp(directory, copy, { recursive: true });
    await write(directory, "b", "c");
    await rm(join(directory, "level"), { recursive: true });
    await cp(join(copy, "level"), join(directory, "level"), { recursive: true });
    expect((await failureOf(directory)).message).toContain("ends with write 2, but write 4 was acknowledged");
    await unlink(join(directory, "fence"));
    expect((await failureOf(directory)).message).toContain("fence file is missing");
    await rm(join(copy, "level"), { recursive: true });
    expect((await failureOf(copy)).message).toContain("head is missing");
  });

  it("never opens with other entries after a flipped bit anywhere in its files (D-1 to D-4)", async () => {
    const directory = await newDirectory();
    await write(directory, "first", "second", "third");
    // Opening once more moves the write-ahead log into a table, so both kinds of file hold entries.
    await write(directory, "fourth");
    const original = (await open(directory)).log;
    await original.close();
    const wanted = ["1:first", "2:second", "3:third", "4:fourth"];
    const work = `${directory}-work`;
    let refused = 0;
    let harmless = 0;
    for (const file of await filesOf(directory)) {
      const { size } = await stat(file);
      const name = file.slice(directory.length);
      if (!/fence|\.log|\.ldb|MANIFEST|CURRENT/.test(name)) continue;
      const step = Math.max(1, Math.floor(size / 25));
      for (let at = 0; at < size; at += step) {
        await rm(work, { recursive: true, force: true });
        await cp(directory, work, { recursive: true });
        const bytes = await readFile(join(work, name));
        bytes[at] = (bytes[at] ?? 0) ^ 0x10;
        await writeFile(join(work, name), bytes);
        try {
          const { log, entries } = await open(work);
          await log.close();
          expect(entries, `${name} byte ${at}`).toEqual(wanted);
          harmless += 1;
        } catch (error) {
          if (!(error instanceof MetadataLogError)) throw error;
          expect(["DAMAGED", "IO", "FORMAT"]).toContain(error.code);
          refused += 1;
        }
      }
    }
    expect(refused).toBeGreaterThan(20);
    expect(harmless).toBeGreaterThan(0);
  });

  it("names the table that was changed, before LevelDB reads it", async () => {
    const directory = await newDirectory();
    for (const text of ["a", "b", "c"]) await write(directory, text);
    const table = (await filesOf(directory)).find((file) => file.endsWith(".ldb")) ?? "";
    const bytes = await readFile(table);
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    await writeFile(table, bytes);
    expect((await failureOf(directory)).message).toMatch(/its table "\d+\.ldb" does not fit its checksum/);
  });

  it("has everything it acknowledged after kill -9, whenever that comes", async () => {
    const directory = await newDirectory();
    const script = fileURLToPath(new URL("../testing/metadata-log-writer.ts", import.meta.url));
    let acknowledged = 0;
    for (const lines of [1, 7, 30, 45]) {
      const child = spawn(process.execPath, ["--conditions=source", "--import", "tsx", script, directory], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const exited = once(child, "exit");
      const wanted = acknowledged + lines;
      for await (const line of createInterface({ input: child.stdout })) {
        expect(Number(line)).toBe(acknowledged + 1);
        acknowledged = Number(line);
        if (acknowledged === wanted) child.kill("SIGKILL");
      }
      await exited;
      const { log, entries, snapshot } = await open(directory);
      const last = Number(entries.at(-1)?.split(":")[0] ?? /\d+/.exec(snapshot() ?? "")?.[0]);
      expect(last).toBeGreaterThanOrEqual(acknowledged);
      acknowledged = last;
      const start = log.tail.entries === 0 ? last : last - log.tail.entries;
      expect(entries).toEqual(
        Array.from({ length: last - start }, (_, i) => `${start + i + 1}:entry ${start + i + 1}`),
      );
      await log.close();
    }
  });
});
