/**
 * The files of the journal, as their writer sees them: `journal/<slot>.wal`.
 *
 *   00000000.wal   [ 17 ][ 18 ][ 19 ]··      free: all rounds ≤ the R of both checkpoint slots (J-8)
 *   00000001.wal   [ 20 ][ 21 ]······        live
 *   00000002.wal   [ 22 ][ 23 ][ 12 ][ 13 ]  current; what lies behind round 23 is of an earlier life of the file
 *
 * A file has its full size before it is used, as a hole; its list says so (journal-list.ts). It is filled with zeros, in front
 * of the writer, the first time that a process uses it, and recycled in place afterwards: a sync of a round then changes no
 * metadata, and a full disk cannot stop one (J-15). Zeros are written beside rounds, one piece at a time, and no round waits for
 * them that has zeros to lie on. Rounds are told apart by their numbers, never by the name of the file. A failed write or sync
 * is final (J-14): the caller ends the node.
 */
import type { Clock } from "./clock.ts";
import { isShortage } from "./file-system.ts";
import type { FileHandle, FileSystem } from "./file-system.ts";
import type { RoundWriter } from "./group-commit.ts";
import { writeJournalList } from "./journal-list.ts";
import type { JournalList } from "./journal-list.ts";
import { RoundScratch, encodeRound } from "./journal-round.ts";
import type { JournalRecord, RoundLink, SyncPromise } from "./journal-round.ts";
import { syncNames, syncOrFail } from "./small-files.ts";

const fileNamePattern = /^(\d{8})\.wal$/;
/** Zeros that are kept in front of the writer, or an eighth of a file. */
const reserveBytesMax = 4 * 1024 * 1024;
/** Zeros that are written beside one round, or twice as much as the round has: more would hold up its sync. */
const fillBytesMin = 256 * 1024;
const zeros = new Uint8Array(256 * 1024);
/** One round is at most so long, so that it does not hold up the next for long. */
export const roundBytesCeiling = 16 * 1024 * 1024;
/** How long a round waits before it asks again for room, or for a descriptor (J-15). */
const spaceRetryMs = 250;

export function journalFileName(slot: number): string {
  return `${String(slot).padStart(8, "0")}.wal`;
}

/** Slot of a journal file, or undefined for any other name. */
export function parseJournalFileName(name: string): number | undefined {
  const match = fileNamePattern.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export interface JournalOptions {
  readonly directory: string;
  readonly fileBytes: number;
  readonly journalId: Uint8Array;
  /** Above every number ever seen in a header (J-10 f). */
  readonly nextRound: number;
  readonly previous: RoundLink;
  /** Files that there are, or were, from slot 0 on; all of them may be recycled. */
  readonly fileCount: number;
}

interface JournalFile {
  readonly slot: number;
  readonly handle: FileHandle;
  /** Bytes that this process has written, with rounds or zeros; behind them there may be holes. */
  filledBytes: number;
  positionBytes: number;
  lastRound: number;
}

export class Journal implements RoundWriter {
  nextRound: number;
  readonly roundBytesMax: number;
  readonly #options: JournalOptions;
  readonly #fs: FileSystem;
  readonly #clock: Clock;
  readonly #scratch = new RoundScratch();
  #previous: RoundLink;
  #current: JournalFile | undefined;
  /** Full files whose rounds are still needed, oldest first. */
  readonly #live: JournalFile[] = [];
  /** Slots that may be used again, and their files as far as they are open. */
  readonly #free: { slot: number; file: JournalFile | undefined }[];
  /** Sizes that the list says, by slot. */
  readonly #sizes: number[];
  #writtenBytes = 0;
  /** Zeros on their way to the current file. Never rejects. */
  #filling: Promise<void> | undefined;
  /** Why they did not get there; final (J-14). */
  #fillError: Error | undefined;
  #isClosed = false;

  constructor(options: JournalOptions, dependencies: { fs: FileSystem; clock: Clock }) {
    this.#options = options;
    this.#fs = dependencies.fs;
    this.#clock = dependencies.clock;
    this.nextRound = options.nextRound;
    this.#previous = options.previous;
    this.roundBytesMax = Math.min(options.fileBytes, roundBytesCeiling);
    this.#sizes = Array.from({ length: options.fileCount }, () => options.fileBytes);
    this.#free = this.#sizes.map((_, slot) => ({ slot, file: undefined }));
  }

  /**
   * Makes every file whole that is missing or too short, and then the list. `found` are the sizes that there are, by slot, and
   * `listed` those that there must be. Only when no slot of the checkpoint needs these files any more: what they lack is the
   * proof that something was lost. Durable on return.
   */
  async mend(found: ReadonlyMap<number, number>, listed: JournalList): Promise<void> {
    const { directory, fileBytes } = this.#options;
    let isChanged = !listed.isWhole || listed.sizes?.length !== this.#sizes.length;
    for (const slot of this.#sizes.keys()) {
      isChanged ||= listed.sizes?.[slot] !== fileBytes;
      const sizeBytes = found.get(slot);
      const isWhole = sizeBytes !== undefined && sizeBytes >= fileBytes;
      isChanged ||= !isWhole;
      const path = `${directory}/${journalFileName(slot)}`;
      const handle = await this.#fs.open(path, sizeBytes === undefined ? "create" : "write");
      try {
        if (!isWhole) await handle.truncate(fileBytes);
        // F-12: also when nothing was made here: of a process that was killed the cache may show sizes, and below names, that a
        // power cut takes away.
        await syncOrFail(path, () => handle.sync());
      } finally {
        await handle.close();
      }
    }
    await syncNames(this.#fs, directory);
    if (isChanged) await writeJournalList(this.#fs, directory, this.#sizes);
  }

  /** The last round that is durable, for a checkpoint. */
  get last(): RoundLink & { number: number } {
    return { ...this.#previous, number: this.nextRound - 1 };
  }

  /** Bytes of the files that hold rounds which are still needed. */
  get liveBytes(): number {
    return (this.#live.length + (this.#current === undefined ? 0 : 1)) * this.#options.fileBytes;
  }

  /** Bytes of all rounds that were made durable through this object. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** One write and one sync (J-4). Durable on return. Errors: whatever the disk says; none may be retried (J-14). */
  async write(promises: readonly SyncPromise[], records: readonly JournalRecord[]): Promise<void> {
    const number = this.nextRound;
    const { journalId } = this.#options;
    // One round at a time (J-4), so one scratch is enough.
    const round = encodeRound({ journalId, number, previous: this.#previous, promises, records }, this.#scratch);
    const file = await this.#fileFor(round.lengthBytes);
    const at = file.positionBytes;
    const written = file.handle.write(round.chunks, at);
    this.#fillAhead(file, at + round.lengthBytes, round.lengthBytes);
    await written;
    await file.handle.sync();
    file.positionBytes = at + round.lengthBytes;
    file.lastRound = number;
    this.#writtenBytes += round.lengthBytes;
    this.#previous = { slot: file.slot, endBytes: file.positionBytes, crc: round.crc };
    this.nextRound = number + 1;
  }

  /** Rounds up to `round` are not needed any more: neither slot of the checkpoint would read them (J-8). */
  release(round: number): void {
    while ((this.#live[0]?.lastRound ?? Number.MAX_SAFE_INTEGER) <= round) {
      const file = this.#live.shift();
      if (file === undefined) return;
      file.positionBytes = 0;
      this.#free.push({ slot: file.slot, file });
    }
  }

  /** Nothing is written any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#filling;
    const files = [this.#current, ...this.#live, ...this.#free.map(({ file }) => file)];
    for (const file of files) await file?.handle.close();
  }

  async #fileFor(lengthBytes: number): Promise<JournalFile> {
    let file = this.#current;
    if (file === undefined || file.positionBytes + lengthBytes > this.#options.fileBytes) {
      if (file !== undefined) this.#live.push(file);
      this.#current = undefined;
      file = await this.#nextFile();
      this.#current = file;
    }
    await this.#fillNeeded(file, file.positionBytes + lengthBytes);
    return file;
  }

  async #nextFile(): Promise<JournalFile> {
    const free = this.#free.shift();
    if (free?.file !== undefined) return free.file;
    if (free === undefined) return this.#patiently(() => this.#newFile());
    const { slot } = free;
    const path = `${this.#options.directory}/${journalFileName(slot)}`;
    const handle = await this.#patiently(() => this.#fs.open(path, "write"));
    return { slot, handle, filledBytes: 0, positionBytes: 0, lastRound: 0 };
  }

  /** J-6, F-12: size, name and place in the list are durable before a round in it counts. */
  async #newFile(): Promise<JournalFile> {
    const { directory, fileBytes } = this.#options;
    const slot = this.#sizes.length;
    const path = `${directory}/${journalFileName(slot)}`;
    // What an attempt left that was cut off has no round in it. It stays: one copy of the list may name it already, and a crash
    // without it would look like a loss.
    const isLeft = (await this.#fs.stat(path)) !== undefined;
    const handle = await this.#fs.open(path, isLeft ? "write" : "create");
    try {
      await handle.truncate(fileBytes);
      await syncOrFail(path, () => handle.sync());
      // A power cut may keep one new name and not another: the list's must not be the one.
      await syncNames(this.#fs, directory);
      await writeJournalList(this.#fs, directory, [...this.#sizes, fileBytes]);
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.#sizes.push(fileBytes);
    return { slot, handle, filledBytes: 0, positionBytes: 0, lastRound: 0 };
  }

  /** What the next round lies on is there before it is written; a full disk is waited for (J-15). */
  async #fillNeeded(file: JournalFile, neededBytes: number): Promise<void> {
    // Two at the same time could write zeros over a round.
    while (this.#filling !== undefined && file.filledBytes < neededBytes) await this.#filling;
    if (this.#fillError !== undefined) throw this.#fillError;
    while (file.filledBytes < neededBytes) {
      await this.#patiently(() => this.#fill(file, Math.min(zeros.length, neededBytes - file.filledBytes)));
    }
  }

  /**
   * Keeps zeros in front of the writer, for the next rounds and for the records that free a full disk (J-15). Nobody waits: a round
   * behind 16 MiB of zeros took 100 ms.
   */
  #fillAhead(file: JournalFile, endBytes: number, roundBytes: number): void {
    if (this.#filling !== undefined || this.#isClosed) return;
    const { fileBytes } = this.#options;
    const reserveBytes = Math.min(reserveBytesMax, fileBytes / 8);
    const missingBytes = Math.min(fileBytes, endBytes + reserveBytes) - file.filledBytes;
    const pieceBytes = Math.min(missingBytes, Math.max(fillBytesMin, 2 * roundBytes));
    const isLast = file.filledBytes + missingBytes === fileBytes;
    if (pieceBytes <= 0 || (!isLast && missingBytes < Math.min(fillBytesMin, reserveBytes / 4))) return;
    this.#filling = this.#fill(file, pieceBytes)
      .catch((error: unknown) => {
        // No room for more than is needed now: the next round asks again.
        if (!isShortage(error)) this.#fillError = error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        this.#filling = undefined;
      });
  }

  async #fill(file: JournalFile, bytes: number): Promise<void> {
    const pieces: Uint8Array[] = [];
    for (let left = bytes; left > 0; left -= zeros.length) pieces.push(zeros.subarray(0, Math.min(left, zeros.length)));
    await file.handle.write(pieces, file.filledBytes);
    file.filledBytes += bytes;
  }

  /** J-15: a full disk is waited for, and a descriptor; any other error is final. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (this.#isClosed || !isShortage(error)) throw error;
      }
      await new Promise<void>((resolve) => {
        this.#clock.setTimer(spaceRetryMs, resolve);
      });
    }
  }
}
