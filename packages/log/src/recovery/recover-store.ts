/**
 * Recovery of the whole store, in the order of J-10. Crashing anywhere in it and doing it again gives the same.
 *
 *   (a) checkpoint, then the journal above R            nothing is written
 *   (b) the end of the journal again, and sync          what guides the next steps must not vanish in a power loss
 *   (c)-(e) each partition: cut, take, judge, sync
 *   (f) both slots, then the boot id; the journal goes on above every number seen
 */
import { mapAtOnce } from "../at-once.ts";
import { LogError } from "../errors.ts";
import type { Checkpoint, CheckpointPartition } from "../checkpoint-file.ts";
import type { CheckpointSlots } from "../checkpoint-slots.ts";
import type { FileSystem } from "../file-system.ts";
import { journalFileName } from "../journal.ts";
import type { RoundLink } from "../journal-round.ts";
import type { OpenFiles } from "../open-files.ts";
import { decodePartitionFile, encodePartitionFile, partitionFileName } from "../partition-file.ts";
import type { PartitionId } from "../partition-id.ts";
import type { ProducerState } from "../producer-state.ts";
import type { SegmentLimits } from "../segmented-log.ts";
import { readSmallFile, replaceFile } from "../small-files.ts";
import { readJournal } from "./read-journal.ts";
import type { FoundRound, ReadJournal } from "./read-journal.ts";
import { createdInLostRound, partitionKey, replayJournal } from "./replay.ts";
import type { ReplayedPartition } from "./replay.ts";
import { recoverPartition } from "./recover-partition.ts";
import { recoverProducers } from "./recover-producers.ts";
import type { RecoveredFiles, RecoveryContext } from "./recover-partition.ts";

export interface RecoverOptions {
  readonly fs: FileSystem;
  readonly files: OpenFiles;
  readonly slots: CheckpointSlots;
  /** Undefined: a new store. */
  readonly checkpoint: Checkpoint | undefined;
  readonly journalId: Uint8Array;
  readonly journalDirectory: string;
  readonly topicsDirectory: string;
  readonly isSameBoot: boolean;
  readonly nowMs: number;
  readonly limits: SegmentLimits;
  readonly producerExpiryMs: number;
  readonly onProgress: ((done: number, total: number, what: string) => void) | undefined;
}

export interface RecoveredPartition {
  readonly id: PartitionId;
  readonly recovered: RecoveredFiles;
  readonly replayed: ReplayedPartition;
  /** Of what is in files. */
  readonly highWatermark: number;
  readonly producers: ProducerState;
}

export interface RecoveredStore {
  readonly partitions: readonly RecoveredPartition[];
  readonly setAside: readonly string[];
  readonly journal: ReadJournal;
  /** Where the journal stands: the next round follows it. */
  readonly last: RoundLink & { readonly number: number };
}

/** Partitions that are looked at, or recovered, at the same time: each may hold a piece of a segment. */
const recoveriesAtOnce = 16;
/** Directories that are going away, and such as belong to nobody. */
const leftoverPattern = /\.(stray|deleted)$/;
/** Of those, the ones that a removal has named: with the topic's id. What a recovery sets aside may be a copy. */
const removedPattern = /\.[0-9a-f]{32}\.\d+\.(stray|deleted)$/;

export async function recoverStore(options: RecoverOptions): Promise<RecoveredStore> {
  const { fs, checkpoint, journalDirectory, topicsDirectory } = options;
  const above = checkpoint?.round.number ?? 0;
  // (a)
  const slotOfAbove = above > 0 ? checkpoint?.round.slot : undefined;
  const journal = await readJournal(fs, journalDirectory, { journalId: options.journalId, above, slotOfAbove });
  const isClean = checkpoint?.isClean === true && journal.rounds.length === 0;
  const lastRound = journal.rounds.at(-1);
  // (b)
  if (lastRound !== undefined) await rewriteEnd(fs, journalDirectory, lastRound);
  // (c)
  // After a clean end no file of the journal is needed.
  const short = isClean ? [] : journal.short;
  const replay = replayJournal(checkpoint?.partitions ?? [], journal.rounds, above, short);
  const { deleted } = replay;
  const replayed = new Map(replay.partitions);
  const setAside: string[] = [];
  const directories = await withoutCopies(await findDirectories(fs, topicsDirectory, replayed), async (name) => {
    setAside.push(await setDirectoryAside(fs, topicsDirectory, name));
  });
  /** A name that means "to be removed" is given after the record of the deletion is durable, whatever became of that. */
  const removed = new Set<string>();
  for (const { name, id } of directories) {
    if (leftoverPattern.test(name)) {
      if (id !== undefined && removedPattern.test(name)) removed.add(partitionKey(id.topicId, id.partition));
      if (name.endsWith(".deleted")) await fs.removeTree(`${topicsDirectory}/${name}`);
      continue;
    }
    const key = id === undefined ? undefined : partitionKey(id.topicId, id.partition);
    if (key !== undefined && replayed.has(key)) continue;
    if (key !== undefined && deleted.has(key)) {
      // J-7: the deletion was durable before the directory went.
      await fs.rename(`${topicsDirectory}/${name}`, `${topicsDirectory}/${name}.deleted`);
      await fs.syncDirectory(topicsDirectory);
      await fs.removeTree(`${topicsDirectory}/${name}.deleted`);
      continue;
    }
    if (replay.lostBytes > 0 && key !== undefined && id !== undefined) {
      // J-12: nobody knows that it is nobody's.
      replayed.set(key, createdInLostRound(id, `${topicsDirectory}/${name}`, replay.lostBytes));
      continue;
    }
    // A creation that was cut off before anybody could append leaves nothing that is worth keeping.
    if (await isEmpty(fs, `${topicsDirectory}/${name}`)) await fs.removeTree(`${topicsDirectory}/${name}`);
    else setAside.push(await setDirectoryAside(fs, topicsDirectory, name));
  }
  await fs.syncDirectory(topicsDirectory);
  const context: RecoveryContext = {
    fs,
    files: options.files,
    nowMs: options.nowMs,
    limits: options.limits,
    journalDirectory,
    isSameBoot: options.isSameBoot,
    isClean,
  };
  const byId = new Map<string, FoundDirectory>();
  const byName = new Map<string, FoundDirectory>();
  for (const directory of directories) {
    const { name, id } = directory;
    byName.set(name, directory);
    if (id !== undefined && !leftoverPattern.test(name)) byId.set(partitionKey(id.topicId, id.partition), directory);
  }
  let begun = 0;
  const recover = async (partition: ReplayedPartition): Promise<RecoveredPartition | undefined> => {
    const key = partitionKey(partition.topicId, partition.partition);
    const found = byId.get(key);
    if (found === undefined && removed.has(key)) return undefined;
    const id = found?.id ?? idFromCheckpoint(partition);
    if (id === undefined) return undefined;
    const ownName = nameOf(id);
    options.onProgress?.(begun, replayed.size, ownName);
    begun += 1;
    const other = found === undefined ? byName.get(ownName) : undefined;
    // Another partition has got the name, which was free only once this one was deleted durably.
    if (other?.id !== undefined && nameOf(other.id) === ownName) return undefined;
    // Or somebody has put another one's directory here: that one is where it is, and this one is lost.
    const name = found?.name ?? (other === undefined ? ownName : `${ownName}.${id.topicId}`);
    const directory = `${topicsDirectory}/${name}`;
    if (found === undefined) await makeDirectoryOfLost(fs, topicsDirectory, directory, id, partition);
    const files = await recoverPartition(id, directory, partition, context);
    return { id, replayed: partition, recovered: files, ...(await withProducers(files, partition, options)) };
  };
  const recovered = await mapAtOnce(replayed.values(), recoveriesAtOnce, recover);
  const partitions = recovered.filter((partition) => partition !== undefined);
  const number = Math.max(above, journal.largestNumber);
  const last = {
    number,
    slot: lastRound?.slot ?? checkpoint?.round.slot ?? 0,
    endBytes:
      lastRound === undefined ? (checkpoint?.round.endBytes ?? 0) : lastRound.positionBytes + lastRound.lengthBytes,
    crc: lastRound?.header.crc ?? checkpoint?.round.crc ?? 0,
  };
  return { partitions, setAside, journal, last };
}

async function withProducers(
  { files, epochs, names }: RecoveredFiles,
  replayed: ReplayedPartition,
  { fs, nowMs, producerExpiryMs: expiryMs }: RecoverOptions,
): Promise<Pick<RecoveredPartition, "highWatermark" | "producers">> {
  const highWatermark = Math.min(replayed.highWatermark, files.endOffset);
  const { logStartOffset } = replayed;
  const source = { files, epochs, logStartOffset, highWatermark, expiryMs, nowMs };
  return { highWatermark, producers: await recoverProducers(fs, source, names) };
}

/**
 * J-10 b: the last round again, as it was read, torn or not: at most one round was not synced when the last process ended,
 * since the next one begins after the sync of the one before. And its file's name.
 */
async function rewriteEnd(fs: FileSystem, directory: string, last: FoundRound): Promise<void> {
  const handle = await fs.open(`${directory}/${journalFileName(last.slot)}`, "write");
  try {
    const bytes = new Uint8Array(last.lengthBytes);
    const length = await handle.read(bytes, last.positionBytes);
    await handle.write([bytes.subarray(0, length)], last.positionBytes);
    await handle.sync();
  } catch (error) {
    throw new LogError("DISK_FAILED", `Cannot write the end of the journal in "${directory}" again.`, {
      path: directory,
      cause: error,
    });
  } finally {
    await handle.close();
  }
  await fs.syncDirectory(directory);
}

interface FoundDirectory {
  readonly name: string;
  readonly id: PartitionId | undefined;
}

/**
 * Every directory of the topics and whose it is. One whose `partition.json` is bad belongs to the partition that has no
 * other directory and fits its name; if that is no single one, to nobody.
 */
async function findDirectories(
  fs: FileSystem,
  topicsDirectory: string,
  replayed: ReadonlyMap<string, ReplayedPartition>,
): Promise<FoundDirectory[]> {
  const found: FoundDirectory[] = [];
  const unknown: string[] = [];
  const looked = await mapAtOnce(await fs.readdir(topicsDirectory), recoveriesAtOnce, async (name) => {
    const directory = `${topicsDirectory}/${name}`;
    if ((await fs.stat(directory))?.isDirectory !== true) return undefined;
    const bytes = await readSmallFile(fs, `${directory}/${partitionFileName}`, 65_536);
    const decoded = bytes === undefined ? undefined : decodePartitionFile(bytes);
    return { name, id: decoded?.kind === "ok" ? decoded.id : undefined };
  });
  for (const directory of looked) {
    if (directory?.id !== undefined) found.push(directory);
    else if (directory !== undefined) unknown.push(directory.name);
  }
  for (const name of unknown) {
    const id = leftoverPattern.test(name) ? undefined : idByName(name, found, replayed);
    if (id !== undefined) {
      const directory = `${topicsDirectory}/${name}`;
      await replaceFile(fs, directory, partitionFileName, encodePartitionFile(id));
      await fs.syncDirectory(directory);
    }
    found.push({ name, id });
  }
  return found;
}

/** One directory for each partition: of several the one under its own name, else the first. The others are copies. */
async function withoutCopies(
  found: readonly FoundDirectory[],
  setAside: (name: string) => Promise<void>,
): Promise<FoundDirectory[]> {
  const chosen = new Map<string, FoundDirectory>();
  for (const directory of found) {
    const { name, id } = directory;
    if (id === undefined || leftoverPattern.test(name)) continue;
    const key = partitionKey(id.topicId, id.partition);
    if (!chosen.has(key) || name === nameOf(id)) chosen.set(key, directory);
  }
  const kept: FoundDirectory[] = [];
  for (const directory of found) {
    const { name, id } = directory;
    const isCopy =
      id !== undefined &&
      !leftoverPattern.test(name) &&
      chosen.get(partitionKey(id.topicId, id.partition)) !== directory;
    if (isCopy) await setAside(name);
    else kept.push(directory);
  }
  return kept;
}

/** The name under which a partition's directory is made. */
function nameOf(id: PartitionId): string {
  return `${id.topic}-${id.partition}`;
}

function idByName(
  name: string,
  found: readonly FoundDirectory[],
  replayed: ReadonlyMap<string, ReplayedPartition>,
): PartitionId | undefined {
  const match = /^(.+)-(\d+)$/.exec(name);
  if (match === null) return undefined;
  const topic = match[1] ?? "";
  const partition = Number(match[2]);
  const candidates = [...replayed.values()].filter((candidate) => {
    const known = candidate.checkpoint?.topic;
    const isFound = found.some(({ id }) => id !== undefined && isOf(id, candidate));
    return candidate.partition === partition && (known === undefined || known === topic) && !isFound;
  });
  const [only] = candidates;
  return only === undefined || candidates.length > 1 ? undefined : { topicId: only.topicId, topic, partition };
}

function idFromCheckpoint(partition: ReplayedPartition): PartitionId | undefined {
  const known: CheckpointPartition | undefined = partition.checkpoint;
  if (known === undefined) return undefined;
  return { topicId: known.topicId, topic: known.topic, partition: known.partition };
}

/** A partition of the checkpoint without a directory is damage (J-12): it gets an empty one, and says so. */
async function makeDirectoryOfLost(
  fs: FileSystem,
  topicsDirectory: string,
  directory: string,
  id: PartitionId,
  partition: ReplayedPartition,
): Promise<void> {
  await fs.mkdir(directory);
  await replaceFile(fs, directory, partitionFileName, encodePartitionFile(id));
  await fs.syncDirectory(directory);
  await fs.syncDirectory(topicsDirectory);
  const offset = partition.logStartOffset;
  const why = "the directory of the partition is missing";
  partition.quarantine ??= { file: directory, offset, end: offset, why };
}

/** Whether a directory holds nothing but, at most, the file that says whose it is, whole or not. */
async function isEmpty(fs: FileSystem, directory: string): Promise<boolean> {
  const names = await fs.readdir(directory);
  return names.every((name) => name === partitionFileName || name === `${partitionFileName}.new`);
}

async function setDirectoryAside(fs: FileSystem, topicsDirectory: string, name: string): Promise<string> {
  for (let number = 0; ; number += 1) {
    const aside = `${name}.${number}.stray`;
    if ((await fs.stat(`${topicsDirectory}/${aside}`)) !== undefined) continue;
    await fs.rename(`${topicsDirectory}/${name}`, `${topicsDirectory}/${aside}`);
    return name;
  }
}

function isOf(id: PartitionId, partition: ReplayedPartition): boolean {
  return id.topicId === partition.topicId && id.partition === partition.partition;
}
