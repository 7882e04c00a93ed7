import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { adoptCluster, checkMetadataIsThere, openMeta, prepareDataDirectory } from "./data-directory.ts";
import { lockDirectory } from "./drivers/directory-lock.ts";

let dataDir = "";
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "varve-data-"));
});
afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

const options = (): Parameters<typeof openMeta>[0] => ({
  dataDir,
  nodeId: undefined,
  clusterId: undefined,
  hasPeers: false,
});

test("openMeta writes an identity once and finds it again", async () => {
  const first = await openMeta({ ...options(), nodeId: 7 });
  expect(first.nodeId).toBe(7);
  expect(first.clusterId).toMatch(/^[0-9a-f]{32}$/);
  expect(await openMeta(options())).toEqual(first);
});

test("openMeta refuses a directory of another node, another cluster or another format, and damage", async () => {
  const meta = await openMeta({ ...options(), nodeId: 7, clusterId: "c-1" });
  await expect(openMeta({ ...options(), nodeId: 8 })).rejects.toThrow("belongs to node 7, not to node 8");
  await expect(openMeta({ ...options(), clusterId: "c-2" })).rejects.toThrow('belongs to cluster "c-1", not to "c-2"');
  const path = join(dataDir, "meta.json");
  await writeFile(path, JSON.stringify({ ...meta, formatVersion: 3 }));
  await expect(openMeta(options())).rejects.toThrow("format version 3");
  await writeFile(path, JSON.stringify({ ...meta, formatVersion: 1 }));
  await expect(openMeta(options())).rejects.toThrow("start with an empty directory");
  await writeFile(path, (await readFile(path, "utf8")).slice(0, 20));
  await expect(openMeta(options())).rejects.toMatchObject({ code: "DATA_DIRECTORY" });
  await expect(openMeta(options())).rejects.toThrow("is damaged (it is no JSON object)");
  await writeFile(path, JSON.stringify({ ...meta, clusterId: "", directoryId: 7 }));
  await expect(openMeta(options())).rejects.toThrow("is damaged (no valid value for clusterId, directoryId)");
});

test("openMeta makes no new identity for what belongs to another, and checkMetadataIsThere misses a lost metadata log", async () => {
  await checkMetadataIsThere(dataDir);
  await mkdir(join(dataDir, "topics", "orders-0"), { recursive: true });
  await expect(openMeta(options())).rejects.toThrow(`is missing, and "${join(dataDir, "topics")}" holds data`);
  await expect(checkMetadataIsThere(dataDir)).rejects.toThrow("is missing, and");
  await mkdir(join(dataDir, "raft", "db"), { recursive: true });
  await checkMetadataIsThere(dataDir);
  await expect(openMeta(options())).rejects.toThrow(`is missing, and "${join(dataDir, "raft")}" holds data`);
});

test("a directory of several nodes belongs to no cluster until that is formed, and to that one for good (M9)", async () => {
  const several = { ...options(), nodeId: 2, hasPeers: true };
  await expect(openMeta({ ...several, clusterId: "mine" })).rejects.toThrow("leave cluster-id away");
  const meta = await openMeta(several);
  expect(meta.clusterId).toBeNull();
  expect(await openMeta(several)).toEqual(meta);
  await expect(openMeta({ ...several, clusterId: "mine" })).rejects.toThrow('belongs to no cluster yet, not to "mine"');
  await expect(openMeta(options())).rejects.toThrow("start it with their addresses (--peers)");
  const adopted = await adoptCluster(dataDir, meta, "formed");
  expect(adopted).toEqual({ ...meta, clusterId: "formed" });
  expect(await openMeta({ ...several, clusterId: "formed" })).toEqual(adopted);
});

test("prepareDataDirectory creates what is missing and refuses memory file systems", async () => {
  await prepareDataDirectory(join(dataDir, "a", "b"), { allowTmpfs: false });
  const file = join(dataDir, "file");
  await writeFile(file, "");
  const create = "Cannot create the data directory";
  await expect(prepareDataDirectory(file, { allowTmpfs: false })).rejects.toThrow(create);
  await expect(prepareDataDirectory(join(file, "below"), { allowTmpfs: false })).rejects.toThrow(create);
  if (process.platform !== "linux") return;
  // Node's own recursive mkdir never ends there.
  await expect(prepareDataDirectory("/proc/varve", { allowTmpfs: false })).rejects.toThrow(create);
  await expect(prepareDataDirectory("/dev/shm", { allowTmpfs: false })).rejects.toThrow("tmpfs");
  await prepareDataDirectory("/dev/shm", { allowTmpfs: true });
});

test("lockDirectory lets one broker in, says so to the second, and remembers the boot id", async () => {
  const path = join(dataDir, "lock");
  const first = await lockDirectory(dataDir, path);
  expect(first.previousBootId).toBeUndefined();
  await expect(lockDirectory(dataDir, path)).rejects.toMatchObject({
    code: "DATA_DIRECTORY_LOCKED",
    message: expect.stringContaining("in use by another broker"),
  });
  await first.release();
  const second = await lockDirectory(dataDir, path);
  if (process.platform === "linux") expect(second.previousBootId).toBe(second.bootId);
  await second.release();
});

test("lockDirectory says why a damaged lock cannot be opened, and what helps", async () => {
  const path = join(dataDir, "lock");
  await (await lockDirectory(dataDir, path)).release();
  for (const name of await readdir(path)) if (/^(MANIFEST|CURRENT)/.test(name)) await writeFile(join(path, name), "x");
  await expect(lockDirectory(dataDir, path)).rejects.toMatchObject({
    code: "DATA_DIRECTORY",
    message: expect.stringMatching(/: (Corruption|IO error).*remove ".*lock"/) as string,
  });
  await rm(path, { recursive: true });
  await (await lockDirectory(dataDir, path)).release();
});
