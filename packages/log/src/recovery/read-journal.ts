/**
 * Finds the rounds in the files of the journal (J-10 a). Changes nothing.
 *
 * A file holds the rounds of its present life from its start on, and behind them whatever an earlier life left. So every
 * page is asked for a header: in front, and at the end of the page for the copy that ends a round. A round whose front was
 * destroyed is then found by its end. Rounds above R are not looked into for others: what lies inside is what somebody
 * produced. Everything is told apart by number.
 */
import type { FileSystem } from "../file-system.ts";
import { readJournalList } from "../journal-list.ts";
import type { JournalList } from "../journal-list.ts";
import { isRecordWhole, readRoundHeader, readRoundTable, roundHeaderBytes, roundPageBytes } from "../journal-round.ts";
import type { RoundHeader, RoundTable } from "../journal-round.ts";
import { journalFileName, parseJournalFileName, roundBytesCeiling } from "../journal.ts";

const chunkBytes = 256 * roundPageBytes;
/** Of a file that nobody says the size of: the default. */
const unlistedBytes = 64 * 1024 * 1024;

/** A round above R, as far as it could be read. */
export interface FoundRound {
  readonly number: number;
  readonly slot: number;
  readonly positionBytes: number;
  readonly lengthBytes: number;
  readonly header: RoundHeader;
  /** Undefined when both copies are bad: nobody can say what it held. */
  readonly table: RoundTable | undefined;
  /** For each record of the table, whether its bytes are what was written. */
  readonly isWhole: readonly boolean[];
}

/** A file that is missing or too short: whatever rounds it held may be gone without a trace (J-6). */
export interface ShortFile {
  readonly slot: number;
  readonly why: string;
  /** What it held at most. */
  readonly bytesMax: number;
}

export interface ReadJournal {
  /** Sizes of the files that there are, by slot. */
  readonly sizes: ReadonlyMap<number, number>;
  /** Which files there must be, and how long. */
  readonly listed: JournalList;
  readonly short: readonly ShortFile[];
  /** Above R, by number. */
  readonly rounds: readonly FoundRound[];
  /** The largest number in any header, 0 when there is none. */
  readonly largestNumber: number;
}

export async function readJournal(
  fs: FileSystem,
  directory: string,
  options: { journalId: Uint8Array; above: number; slotOfAbove: number | undefined },
): Promise<ReadJournal> {
  const sizes = new Map<number, number>();
  const rounds = new Map<number, FoundRound>();
  let largestNumber = 0;
  const names = (await fs.stat(directory)) === undefined ? [] : await fs.readdir(directory);
  for (const name of names) {
    const slot = parseJournalFileName(name);
    if (slot === undefined) continue;
    const handle = await fs.open(`${directory}/${name}`, "read");
    try {
      const sizeBytes = await handle.size();
      sizes.set(slot, sizeBytes);
      const found = await findHeaders((into, at) => handle.read(into, at), sizeBytes, options);
      for (const { header, positionBytes } of found) {
        largestNumber = Math.max(largestNumber, header.number);
        if (header.number <= options.above || rounds.has(header.number)) continue;
        const bytes = new Uint8Array(header.lengthBytes);
        const length = await handle.read(bytes, positionBytes);
        bytes.fill(0, length);
        const table = readRoundTable(bytes, header);
        const isWhole = table?.records.map((record) => isRecordWhole(bytes, record)) ?? [];
        const { number, lengthBytes } = header;
        rounds.set(number, { number, slot, positionBytes, lengthBytes, header, table, isWhole });
      }
    } finally {
      await handle.close();
    }
  }
  const listed = await readJournalList(fs, directory);
  const short = findShort(sizes, listed.sizes ?? [], options.slotOfAbove);
  return { sizes, listed, short, rounds: [...rounds.values()].sort((a, b) => a.number - b.number), largestNumber };
}

/** `slotOfAbove`: the checkpoint says that its round was there. */
function findShort(
  sizes: ReadonlyMap<number, number>,
  listed: readonly number[],
  slotOfAbove: number | undefined,
): ShortFile[] {
  const short: ShortFile[] = [];
  for (let slot = 0; slot < Math.max(listed.length, (slotOfAbove ?? -1) + 1); slot += 1) {
    const sizeBytes = sizes.get(slot);
    const neededBytes = listed[slot];
    const bytesMax = neededBytes ?? unlistedBytes;
    if (sizeBytes === undefined) {
      if (neededBytes !== undefined || slot === slotOfAbove) short.push({ slot, why: "the file is missing", bytesMax });
    } else if (neededBytes !== undefined && sizeBytes < neededBytes) {
      short.push({ slot, why: `the file has ${sizeBytes} bytes of ${neededBytes}`, bytesMax });
    }
  }
  return short;
}

/** The bytes of one append, read again. */
export async function readRecordBytes(
  fs: FileSystem,
  directory: string,
  place: { slot: number; positionBytes: number; lengthBytes: number },
): Promise<Uint8Array> {
  const handle = await fs.open(`${directory}/${journalFileName(place.slot)}`, "read");
  try {
    const bytes = new Uint8Array(place.lengthBytes);
    const length = await handle.read(bytes, place.positionBytes);
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}

interface FoundHeader {
  readonly header: RoundHeader;
  readonly positionBytes: number;
}

async function findHeaders(
  read: (into: Uint8Array, at: number) => Promise<number>,
  sizeBytes: number,
  options: { journalId: Uint8Array; above: number },
): Promise<FoundHeader[]> {
  const found: FoundHeader[] = [];
  const chunk = new Uint8Array(chunkBytes);
  const zeros = new Uint8Array(chunkBytes);
  let zeroBytes = 0;
  /** Pages before it belong to a round above R that was found by its front. */
  let insideUntil = 0;
  for (let start = 0; start < sizeBytes; start += chunkBytes) {
    if (start + chunkBytes <= insideUntil) continue;
    const length = await read(chunk, start);
    // A life of a file writes it from its start on, round after round: behind more zeros than a round holds there is none.
    zeroBytes = Buffer.compare(chunk.subarray(0, length), zeros.subarray(0, length)) === 0 ? zeroBytes + length : 0;
    if (zeroBytes > roundBytesCeiling) break;
    if (zeroBytes > 0) continue;
    for (let at = 0; at + roundHeaderBytes <= length; at += roundPageBytes) {
      const page = start + at;
      if (page < insideUntil) continue;
      const front = readRoundHeader(chunk, at, "front", options.journalId, sizeBytes - page);
      if (front !== undefined) {
        found.push({ header: front, positionBytes: page });
        if (front.number > options.above) insideUntil = page + front.lengthBytes;
        continue;
      }
      if (at + roundPageBytes > length) continue;
      const pageEnd = page + roundPageBytes;
      const back = readRoundHeader(chunk, at + roundPageBytes - roundHeaderBytes, "back", options.journalId, pageEnd);
      if (back !== undefined) found.push({ header: back, positionBytes: pageEnd - back.lengthBytes });
    }
  }
  return found;
}
