import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { FormatError } from "@varve/format";
import { afterEach, describe, expect, it } from "vitest";
import { MetadataLogError } from "../ports/metadata-log.ts";
import type { MetadataLogErrorCode, MetadataRole } from "../ports/metadata-log.ts";
import { openRaftGroup } from "./raft-group.ts";
import { RaftMetadataLog } from "./raft-metadata-log.ts";

const cleanUp: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "varve-metadata-"));
  cleanUp.push(() => rm(directory, { recursive: true, force: true }));
  return join(directory, "raft");
}

interface Opened {
  readonly log: RaftMetadataLog;
  /** Texts of the entries that were delivered. */
  readonly entries: string[];
  readonly fatal: Error[];
  readonly roles: MetadataRole[];
  readonly snapshot: () => string | undefined;
  /** Resolves with the number of entries delivered by then. */
  readonly write: (text: string) => Promise<number>;
}

interface OpenOptions {
  readonly nodeId?: number;
  readonly clusterId?: string | null;
  readonly everyEntries?: number;
}

/** A snapshot is a text, too: "up to" the last entry. */
async function open(directory: string, options: OpenOptions = {}): Promise<Opened> {
  const { nodeId = 1, clusterId = "test", everyEntries = 1_000 } = options;
  const group = await openRaftGroup({ directory, nodeId, clusterId, several: undefined, ballastBytes: 0 });
  const snapshots = { everyEntries, minIntervalMs: 0, trailingEntries: 0 };
  const log = new RaftMetadataLog({ group, transport: undefined, raft: { snapshots } });
  cleanUp.push(() => log.close());
  const entries: string[] = [];
  const fatal: Error[] = [];
  const roles: MetadataRole[] = [];
  let snapshot: string | undefined;
  await log.start({
    onSnapshot: (bytes) => (snapshot = Buffer.from(bytes).toString()),
    onCommitted: (batch) => entries.push(...batch.map(({ bytes }) => Buffer.from(bytes).toString())),
    onRole: (role) => roles.push(role),
    onFatal: (error) => fatal.push(error),
    takeSnapshot: () => Buffer.from(`up to ${entries.at(-1) ?? ""}`.padEnd(200_000)),
  });
  const write = async (text: string): Promise<number> => {
    await log.propose(Buffer.from(text), roles.at(-1)?.term ?? 0);
    return entries.length;
  };
  return { log, entries, fatal, roles, snapshot: () => snapshot?.trimEnd(), write };
}

async function failureOf(opening: Promise<unknown>): Promise<MetadataLogError> {
  try {
    await opening;
  } catch (error) {
    if (error instanceof MetadataLogError) return error;
    throw error;
  }
  throw new Error("It did not fail");
}

describe("RaftMetadataLog of a node that is alone", () => {
  it("leads when it has started, and delivers what was written before it answers; again after a restart", async () => {
    const directory = await newDirectory();
    const first = await open(directory);
    expect(first.roles.at(-1)).toEqual({ kind: "leader", term: 2 });
    expect(await Promise.all(["a", "b", "c"].map(first.write))).toEqual([3, 3, 3]);
    expect(first.entries).toEqual(["a", "b", "c"]);
    await first.log.close();
    const second = await open(directory);
    expect(second.entries).toEqual(["a", "b", "c"]);
    expect(second.roles.at(-1)).toEqual({ kind: "leader", term: 3 });
    expect(await second.write("d")).toBe(4);
  });

  it("takes a batch of another leadership into no log (C-3)", async () => {
    const { log, entries } = await open(await newDirectory());
    expect((await failureOf(log.propose(Buffer.from("old"), 1))).code).toBe("NOT_LEADER");
    expect(entries).toEqual([]);
  });

  it("starts from a snapshot and what came after it; older entries are gone", async () => {
    const directory = await newDirectory();
    const first = await open(directory, { everyEntries: 3 });
    for (const text of ["a", "b", "c", "d"]) await first.write(text);
    await expect.poll(() => first.log.metrics()?.snapshotsSavedTotal ?? 0).toBeGreaterThan(0);
    await first.log.close();
    const second = await open(directory);
    const from = second.snapshot();
    expect(from).toMatch(/^up to [b-d]$/);
    expect(second.entries).toEqual(["a", "b", "c", "d"].slice("abcd".indexOf(from?.at(-1) ?? "") + 1));
  });

  it("refuses a directory that another one has open, one of another node, and one of another cluster (P7, D-10)", async () => {
    const directory = await newDirectory();
    const first = await open(directory);
    const locked = await failureOf(open(directory));
    expect(locked.code).toBe("LOCKED");
    await first.log.close();
    const foreign = await failureOf(open(directory, { nodeId: 2 }));
    expect(foreign).toMatchObject({ code: "FORMAT", message: expect.stringContaining('belongs to node "1"') });
    const other = await failureOf(open(directory, { clusterId: "other" }));
    expect(other).toMatchObject({ code: "FORMAT", message: expect.stringContaining('belongs to cluster "test"') });
    await open(directory);
  });

  it("refuses proposals that are too large, and all of them once closed", async () => {
    const { log, roles } = await open(await newDirectory());
    const { term } = roles.at(-1) as MetadataRole;
    const code = async (bytes: number): Promise<MetadataLogErrorCode> =>
      (await failureOf(log.propose(new Uint8Array(bytes), term))).code;
    expect(await code(9 * 1024 * 1024)).toBe("TOO_LARGE");
    await log.close();
    expect(await code(1)).toBe("CLOSED");
  });

  it("passes on as FORMAT what its listener cannot replay, and leaves the log as it is (C-2)", async () => {
    const directory = await newDirectory();
    const written = await open(directory);
    await written.write("a");
    await written.log.close();
    const group = await openRaftGroup({ directory, nodeId: 1, clusterId: "test", several: undefined, ballastBytes: 0 });
    const log = new RaftMetadataLog({ group, transport: undefined });
    const started = log.start({
      onSnapshot: () => undefined,
      onCommitted: () => {
        throw new FormatError("UNSUPPORTED", "No such record type.");
      },
      onRole: () => undefined,
      onFatal: () => undefined,
      takeSnapshot: () => new Uint8Array(0),
    });
    expect(await failureOf(started)).toMatchObject({
      code: "FORMAT",
      message: expect.stringContaining("Start the release that wrote it"),
    });
    await log.close();
    expect((await open(directory)).entries).toEqual(["a"]);
  });

  it("refuses to start when LevelDB has lost an acknowledged write, or all of them, and changes nothing (D-3, D-4)", async () => {
    const directory = await newDirectory();
    const written = await open(directory);
    for (const text of ["a", "b", "c"]) await written.write(text);
    await written.log.close();
    const copy = `${directory}-copy`;
    await cp(directory, copy, { recursive: true });
    const database = join(directory, "db");
    const wal = (await readdir(database)).find((name) => name.endsWith(".log")) ?? "";
    await truncate(join(database, wal), (await stat(join(database, wal))).size - 10);
    const failure = await failureOf(open(directory));
    expect(failure.code).toBe("DAMAGED");
    expect(failure.message).toContain("from a backup");
    // It has not become a log of its own meanwhile.
    expect((await failureOf(open(directory))).code).toBe("DAMAGED");
    await rm(join(copy, "db"), { recursive: true });
    expect((await failureOf(open(copy))).code).toBe("DAMAGED");
  });

  it("has everything it acknowledged after kill -9, whenever that comes", async () => {
    const directory = await newDirectory();
    const script = fileURLToPath(new URL("../testing/metadata-log-writer.ts", import.meta.url));
    let acknowledged = 0;
    for (const lines of [1, 30, 45]) {
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
      const before = Number(snapshot() ?? 0);
      expect(entries).toEqual(Array.from({ length: entries.length }, (_, at) => `entry ${before + at + 1}`));
      expect(before + entries.length).toBeGreaterThanOrEqual(acknowledged);
      acknowledged = before + entries.length;
      await log.close();
    }
  });
});
