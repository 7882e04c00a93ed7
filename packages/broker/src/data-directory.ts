/**
 * The data directory of one node, and who it belongs to.
 *
 *     <dataDir>/meta.json    cluster id, node id, directory id, format version: written once, atomically
 *               lock/        one process at a time, boot id          (drivers/directory-lock.ts)
 *               raft/        the metadata log                        (drivers/raft-group.ts)
 *               topics/ journal/ checkpoint clean-shutdown           (@varve/log)
 *
 * Invariant: meta.json is complete or absent; a directory that belongs to another node or cluster is refused, never adopted.
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, readdir, rename, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { BrokerError } from "./errors.ts";

/** Rises when an older broker could misread the directory. */
export const dataFormatVersion = 2;

const metaSchema = z.object({
  formatVersion: z.number().int().positive(),
  /** Null until a cluster of several nodes has been formed. */
  clusterId: z.string().min(1).nullable(),
  nodeId: z.number().int().min(0),
  directoryId: z.string().min(1),
});

export type DirectoryMeta = z.infer<typeof metaSchema>;

export interface DataDirectoryOptions {
  dataDir: string;
  /** Undefined: what meta.json says, else 0. */
  nodeId: number | undefined;
  /** Undefined: what meta.json says, else a new random one, or that of the cluster that is formed. */
  clusterId: string | undefined;
  /** One of several nodes, which form their cluster, and name it, together. */
  hasPeers: boolean;
}

/** Creates the directory when it is not there. Called before the lock is taken: changes nothing that exists. */
export async function prepareDataDirectory(dataDir: string, options: { allowTmpfs: boolean }): Promise<void> {
  try {
    await makeDirectory(resolve(dataDir));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BrokerError("DATA_DIRECTORY", `Cannot create the data directory "${dataDir}": ${why}; choose another`, {
      cause: error,
    });
  }
  if (options.allowTmpfs) return;
  const kind = memoryFileSystem((await statfs(dataDir)).type);
  if (kind === undefined) return;
  throw new BrokerError(
    "DATA_DIRECTORY",
    `Cannot start: the data directory "${dataDir}" is on ${kind}, which forgets everything when the machine stops; ` +
      `choose a directory on a disk, or allow this: --allow-tmpfs, VARVE_ALLOW_TMPFS=true, or allowTmpfs of Broker.start`,
  );
}

/** Reads meta.json or writes it for the first time. Needs the lock. */
export async function openMeta(options: DataDirectoryOptions): Promise<DirectoryMeta> {
  const path = join(options.dataDir, "meta.json");
  const found = await readMeta(path);
  if (found === undefined) {
    const rest = await firstWithEntries(options.dataDir, ["raft", "metadata", "topics"]);
    // A new identity would fit none of what is there.
    if (rest !== undefined) {
      throw wrong(path, `is missing, and "${rest}" holds data of a node; restore it from a backup of this directory`);
    }
    if (options.hasPeers && options.clusterId !== undefined) {
      throw new BrokerError(
        "CONFIGURATION",
        `Cannot start: a cluster of several nodes gets its id when it is formed, and "${options.dataDir}" belongs to none yet; ` +
          `leave cluster-id away until it does`,
      );
    }
    const meta: DirectoryMeta = {
      formatVersion: dataFormatVersion,
      clusterId: options.hasPeers ? null : (options.clusterId ?? randomId()),
      nodeId: options.nodeId ?? 0,
      directoryId: randomBytes(16).toString("hex"),
    };
    await writeMeta(path, meta);
    return meta;
  }
  if (found.formatVersion === 1) {
    throw wrong(
      path,
      `is of the first format, whose metadata this release does not read; copy the records with the release that wrote it, or start ` +
        `with an empty directory`,
    );
  }
  if (found.formatVersion !== dataFormatVersion) {
    throw wrong(
      path,
      `has format version ${found.formatVersion} and this broker knows ${dataFormatVersion}; use the release that wrote it`,
    );
  }
  if (options.nodeId !== undefined && options.nodeId !== found.nodeId) {
    throw wrong(
      path,
      `belongs to node ${found.nodeId}, not to node ${options.nodeId}; give each node a data directory of its own, or correct the node id`,
    );
  }
  if (options.clusterId !== undefined && options.clusterId !== found.clusterId) {
    throw wrong(
      path,
      `belongs to ${named(found.clusterId)}, not to "${options.clusterId}"; leave cluster-id away, or give the directory of that cluster`,
    );
  }
  if (found.clusterId === null && !options.hasPeers) {
    throw wrong(
      path,
      `was made for a cluster of several nodes, which was not formed yet; start it with their addresses (--peers), or start alone with an ` +
        `empty directory`,
    );
  }
  return found;
}

/** The cluster was formed: the directory belongs to it for good. */
export async function adoptCluster(dataDir: string, meta: DirectoryMeta, clusterId: string): Promise<DirectoryMeta> {
  if (meta.clusterId === clusterId) return meta;
  const adopted = { ...meta, clusterId };
  await writeMeta(join(dataDir, "meta.json"), adopted);
  return adopted;
}

function named(clusterId: string | null): string {
  return clusterId === null ? "no cluster yet" : `cluster "${clusterId}"`;
}

/**
 * Where records are, there was a metadata log that knows their topics: without it every partition would be a stray.
 * @throws BrokerError DATA_DIRECTORY when it is gone
 */
export async function checkMetadataIsThere(dataDir: string): Promise<void> {
  if ((await firstWithEntries(dataDir, ["raft"])) !== undefined) return;
  const topics = await firstWithEntries(dataDir, ["topics"]);
  if (topics === undefined) return;
  const gone = join(dataDir, "raft");
  throw wrong(gone, `is missing, and "${topics}" holds partitions that only it knows; restore it from a backup`);
}

/** @throws BrokerError DATA_DIRECTORY when the directory is that of a controller, whose votes must not be forgotten */
export async function checkIsNoController(dataDir: string): Promise<void> {
  const raft = await firstWithEntries(dataDir, ["raft"]);
  if (raft === undefined) return;
  throw wrong(raft, `is that of a controller, and this node is to be a broker alone; start it as both, as before`);
}

/** Path of the first of these directories that has something in it. */
async function firstWithEntries(dataDir: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    try {
      if ((await readdir(join(dataDir, name))).length > 0) return join(dataDir, name);
    } catch (error) {
      // Not there: nothing in it. Anything else is found out, with a better message, by what opens it.
      if (codeOf(error) !== "ENOENT") return undefined;
    }
  }
  return undefined;
}

function wrong(path: string, what: string): BrokerError {
  return new BrokerError("DATA_DIRECTORY", `Cannot start: "${path}" ${what}`);
}

async function readMeta(path: string): Promise<DirectoryMeta | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new BrokerError("DATA_DIRECTORY", `Cannot read "${path}": ${why}`, { cause: error });
  }
  const parsed = metaSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const wrongKeys = parsed.error.issues.map((issue) => issue.path.join(".")).filter((key) => key !== "");
  const why = wrongKeys.length === 0 ? "it is no JSON object" : `no valid value for ${wrongKeys.join(", ")}`;
  throw wrong(path, `is damaged (${why}); restore it from a backup of this directory`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // What is no JSON does not fit the schema either.
    return undefined;
  }
}

/**
 * Makes the directory and what is missing above it, each name durable. Not with Node's recursive mkdir: that one syncs
 * nothing, and never ends where the kernel refuses new names with ENOENT, as below /proc.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (codeOf(error) !== "ENOENT" || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path);
  }
  await syncPath(dirname(path));
}

/** Complete or not there: a temporary file, synced, renamed, and the directory synced. */
async function writeMeta(path: string, meta: DirectoryMeta): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, "w");
  try {
    await file.writeFile(`${JSON.stringify(meta, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncPath(dirname(path));
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** 128 random bits, 32 hexadecimal digits: as a cluster of several nodes gets when it is formed. */
function randomId(): string {
  return randomBytes(16).toString("hex");
}

/** Linux super-block magics of file systems that live in memory. */
function memoryFileSystem(type: number): string | undefined {
  if (type === 0x01021994) return "tmpfs";
  if (type === 0x858458f6) return "ramfs";
  return undefined;
}
