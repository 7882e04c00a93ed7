import { expect, test } from "vitest";
import { decodeJournalList, encodeJournalList } from "./journal-list.ts";

test("encodeJournalList() and decodeJournalList() keep the sizes by slot", () => {
  for (const sizes of [[], [65_536], [67_108_864, 4096, 2 ** 40]]) {
    expect(decodeJournalList(encodeJournalList(sizes), "files")).toEqual(sizes);
  }
});

test("decodeJournalList() finds every flipped bit, and says nothing then", () => {
  const bytes = encodeJournalList([65_536, 65_536]);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(decodeJournalList(flipped, "files"), `bit ${bit}`).toBeUndefined();
  }
});
