/**
 * The container of both indexes of a segment: blocks of entries, each with its own CRC, one after the other.
 *
 *   0           4          8             12          14          16                    24
 *   ├───────────┼──────────┼─────────────┼───────────┼───────────┼─────────────────────┼───────── … ───┤
 *   │ magic u32 │ CRC u32  │ first entry │ entries   │ complete  │ segment base offset │ entries       │
 *   │           │          │ number u32  │ count u16 │ 0 / 1 u16 │ u64                 │ count × size  │
 *   └───────────┴──────────┴─────────────┴───────────┴───────────┴─────────────────────┴───────── … ───┘
 *
 * All little endian. The CRC-32C covers everything from byte 8 on. Number and base offset make a block that was lost, that
 * is there twice or that belongs to another segment stand out; `complete` marks the last block of a segment that will not
 * grow any more, so that a file that lost its end at the boundary of a block stands out as well.
 *
 * An index is a convenience: nothing is lost with it. So a bad file is not damage but a reason to build it again from the
 * segment, and a block that a crash tore off is the same thing. What no CRC can tell is a whole and *old* block: one of a
 * segment that was truncated and written again. Therefore whoever truncates a segment removes its index files first, and
 * a reader takes a looked-up position for a batch only when the batch there has the offset that the entry says.
 */
import { crc32c } from "@varve/format";

export const blockHeaderBytes = 24;
/** Entries of one block; a longer run is written as several. */
export const blockEntriesMax = 8192;

/** Why an index file cannot be used from `at` on. */
export interface IndexFault {
  /** Position in the file, in bytes. */
  readonly at: number;
  readonly why: string;
}

/** The kind of an index: what its blocks start with, and how large an entry is. */
export interface BlockKind {
  readonly magic: number;
  readonly entryBytes: number;
}

/** An index read from its file: `index` holds what came before the `fault`, if there is one. */
export interface DecodedIndex<Index> {
  readonly index: Index;
  readonly fault: IndexFault | undefined;
  /** The whole index of a segment that does not grow any more; without it the end may be missing. */
  readonly complete: boolean;
}

/** How many bytes `count` entries take when they are written at once, not as the last ones. */
export function blocksBytes(kind: BlockKind, count: number): number {
  return Math.ceil(count / blockEntriesMax) * blockHeaderBytes + count * kind.entryBytes;
}

/**
 * Entries `[from, to)` as blocks, owned; `writeEntry` writes entry number `index` at `at`. With `complete` the last block
 * says so, and is there even without an entry.
 */
export function encodeBlocks(
  kind: BlockKind,
  range: { baseOffset: number; from: number; to: number; complete: boolean },
  writeEntry: (view: DataView, at: number, index: number) => void,
): Uint8Array {
  const { baseOffset, from, to, complete } = range;
  const extra = complete && from === to ? blockHeaderBytes : 0;
  const bytes = new Uint8Array(blocksBytes(kind, to - from) + extra);
  const view = new DataView(bytes.buffer);
  let at = 0;
  let first = from;
  while (at < bytes.length) {
    const count = Math.min(blockEntriesMax, to - first);
    const end = at + blockHeaderBytes + count * kind.entryBytes;
    view.setUint32(at, kind.magic, true);
    view.setUint32(at + 8, first, true);
    view.setUint16(at + 12, count, true);
    view.setUint16(at + 14, complete && first + count === to ? 1 : 0, true);
    view.setBigUint64(at + 16, BigInt(baseOffset), true);
    for (let index = 0; index < count; index++) {
      writeEntry(view, at + blockHeaderBytes + index * kind.entryBytes, first + index);
    }
    view.setUint32(at + 4, crc32c(bytes, at + 8, end), true);
    first += count;
    at = end;
  }
  return bytes;
}

/** What a file turned out to hold. `complete` is false whenever there is a fault. */
export interface DecodedBlocks {
  readonly fault: IndexFault | undefined;
  readonly complete: boolean;
}

/**
 * Hands every entry of the file to `readEntry`, in order, until a block is bad; `readEntry` returns why an entry cannot
 * be, if it cannot. Entries of a block with a bad CRC are not handed out.
 */
export function decodeBlocks(
  kind: BlockKind,
  baseOffset: number,
  bytes: Uint8Array,
  readEntry: (view: DataView, at: number) => string | undefined,
): DecodedBlocks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bad = (at: number, why: string): DecodedBlocks => ({ fault: { at, why }, complete: false });
  let at = 0;
  let number = 0;
  let complete = false;
  while (at < bytes.length) {
    if (complete) return bad(at, "there is more after the last block");
    if (bytes.length - at < blockHeaderBytes) return bad(at, "the file ends inside a block header");
    if (view.getUint32(at, true) !== kind.magic) return bad(at, "no block starts here");
    const count = view.getUint16(at + 12, true);
    const end = at + blockHeaderBytes + count * kind.entryBytes;
    if (end > bytes.length) return bad(at, "the file ends inside a block");
    if (view.getUint32(at + 4, true) !== crc32c(bytes, at + 8, end)) return bad(at, "the CRC does not match");
    const first = view.getUint32(at + 8, true);
    if (first !== number) return bad(at, `a block with entry ${first} where entry ${number} belongs`);
    const base = view.getBigUint64(at + 16, true);
    if (base !== BigInt(baseOffset)) return bad(at, `a block of the segment that starts at ${base}`);
    for (let entry = at + blockHeaderBytes; entry < end; entry += kind.entryBytes) {
      const why = readEntry(view, entry);
      if (why !== undefined) return bad(at, why);
    }
    complete = view.getUint16(at + 14, true) === 1;
    number += count;
    at = end;
  }
  return { fault: undefined, complete };
}
