/** The number that tells the journal of this store from bytes that somebody produced to look like it. */
import { crc32c } from "@varve/format";

/**
 * 16 hexadecimal digits, drawn once per store. Nobody who only sends records can know them: a boot id is 122 random bits,
 * and its halves are hashed with the moment of creation.
 */
export function makeJournalId(bootId: string, nowMs: number): string {
  const text = new TextEncoder();
  const half = Math.ceil(bootId.length / 2);
  return [bootId.slice(0, half), bootId.slice(half)]
    .map((part) =>
      crc32c(text.encode(`${part} ${nowMs}`))
        .toString(16)
        .padStart(8, "0"),
    )
    .join("");
}

/** The 8 bytes in a round's header. */
export function journalIdBytes(journalId: string): Uint8Array {
  return Uint8Array.from({ length: 8 }, (_, index) => Number.parseInt(journalId.slice(2 * index, 2 * index + 2), 16));
}
