/**
 * The data directory of one node, and who it belongs to.
 *
 *     <dataDir>/meta.json    cluster id, node id, directory id, format version: written once, atomically
 *               lock/        one process at a time, boot id          (drivers/directory-lock.ts)
 *               metadata/    the metadata log                        (drivers/level-metadata-log.ts)
 *               topics/ journal/ checkpoint clean-shutdown           (@varve/log)
 *
 * Invariant: meta.json is complete or absent; a directory that belongs to another node or cluster is refused, never adopted.
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { BrokerError } from "./errors.ts";

/** Rises when an older broker could misread the directory. */
export const dataFormatVersion = 1;

const metaSchema = z.object({
  formatVersion: z.number().int().positive(),
  clusterId: z.string().min(1),
  nodeId: z.number().int().min(0),
  directoryId: z.string().min(1),
});

export type DirectoryMeta = z.infer<typeof metaSchema>;

export interface DataDirectoryOptions {
  dataDir: string;
  /** Undefined: what meta.json says, else 0. */
  nodeId: number | undefined;
  /** Undefined: what meta.json says, else a new random one. */
  clusterId: string | undefined;
}

/** Creates the directory when it is not there. Called before the lock is taken: changes nothing that exists. */
export async function prepareDataDirectory(dataDir: string, options: { allowTmpfs: boolean }): Promise<void> {
  try {
    const made = await mkdir(dataDir, { recursive: true });
    if (made !== undefined) await syncPath(dirname(resolve(made)));
  } catch (error) {
    throw new BrokerError("DATA_DIRECTORY", `Cannot create the data directory "${dataDir}": ${String(error)}`, {
      cause: error,
    });
  }
  if (options.allowTmpfs) return;
  const kind = memoryFileSystem((await statfs(dataDir)).type);
  if (kind === undefined) return;
  throw new BrokerError(
    "DATA_DIRECTORY",
    `Cannot start: the data directory "${dataDir}" is on ${kind}, which forgets everything when the machine stops; ` +
      `choose a directory on a disk, or allow this with allowTmpfs (VARVE_ALLOW_TMPFS=true)`,
  );
}

/** Reads meta.json or writes it for the first time. Needs the lock. */
export async function openMeta(options: DataDirectoryOptions): Promise<DirectoryMeta> {
  const path = join(options.dataDir, "meta.json");
  const found = await readMeta(path);
  if (found === undefined) {
    const meta: DirectoryMeta = {
      formatVersion: dataFormatVersion,
      clusterId: options.clusterId ?? randomId(),
      nodeId: options.nodeId ?? 0,
      directoryId: randomBytes(16).toString("hex"),
    };
    await writeMeta(path, meta);
    return meta;
  }
  if (found.formatVersion !== dataFormatVersion) {
    throw wrong(
      path,
      `has format version ${found.formatVersion} and this broker knows ${dataFormatVersion}; use the release that wrote it`,
    );
  }
  if (options.nodeId !== undefined && options.nodeId !== found.nodeId) {
    throw wrong(path, `belongs to node ${found.nodeId}, not to node ${options.nodeId}`);
  }
  if (options.clusterId !== undefined && options.clusterId !== found.clusterId) {
    throw wrong(path, `belongs to cluster "${found.clusterId}", not to "${options.clusterId}"`);
  }
  return found;
}

function wrong(path: string, what: string): BrokerError {
  return new BrokerError("DATA_DIRECTORY", `Cannot start: "${path}" ${what}`);
}

async function readMeta(path: string): Promise<DirectoryMeta | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new BrokerError("DATA_DIRECTORY", `Cannot read "${path}": ${String(error)}`, { cause: error });
  }
  try {
    return metaSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new BrokerError(
      "DATA_DIRECTORY",
      `Cannot start: "${path}" is damaged (${error instanceof Error ? error.message : String(error)}); restore it from a backup`,
      { cause: error },
    );
  }
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

/** 128 random bits, 22 characters that need no quoting anywhere (as Kafka prints its ids). */
function randomId(): string {
  return randomBytes(16).toString("base64url");
}

/** Linux super-block magics of file systems that live in memory. */
function memoryFileSystem(type: number): string | undefined {
  if (type === 0x01021994) return "tmpfs";
  if (type === 0x858458f6) return "ramfs";
  return undefined;
}
