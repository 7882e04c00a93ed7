import { expect, test } from "vitest";
import { decodePartitionFile, encodePartitionFile } from "./partition-file.ts";

const id = { topicId: "00112233445566778899aabbccddeeff", topic: "orders", partition: 3 };

function decodeText(text: string): string {
  const read = decodePartitionFile(new TextEncoder().encode(text));
  return read.kind === "ok" ? "ok" : `${read.kind}: ${read.why}`;
}

test("decodePartitionFile() reads what encodePartitionFile() wrote", () => {
  expect(decodePartitionFile(encodePartitionFile(id))).toEqual({ kind: "ok", id });
});

test("decodePartitionFile() refuses the format of a newer Varve instead of calling it damaged", () => {
  expect(decodeText('{"format":2,"whatever":true}')).toBe("unknown-version: format 2, this Varve reads 1");
});

test("decodePartitionFile() F-7: every flipped bit is found, so no directory turns into another partition's", () => {
  const file = encodePartitionFile(id);
  for (let bit = 0; bit < file.length * 8; bit++) {
    const flipped = Uint8Array.from(file);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(decodePartitionFile(flipped).kind, `bit ${bit}`).not.toBe("ok");
  }
});

test("decodePartitionFile() says what is wrong with other files", () => {
  expect(decodeText("")).toBe("bad: not a JSON object");
  expect(decodeText("null")).toBe("bad: not a JSON object");
  expect(decodeText("[1]")).toBe("bad: topicId is not an id");
  expect(decodeText('{"format":1,"topicId":"x"}')).toBe("bad: topicId is not an id");
  const fields = { format: 1, topicId: id.topicId, topic: "", partition: 3 };
  expect(decodeText(JSON.stringify(fields))).toBe("bad: topic is not a name");
  expect(decodeText(JSON.stringify({ ...fields, topic: "a", partition: -1 }))).toBe("bad: partition is not a number");
  expect(decodeText(JSON.stringify({ ...fields, topic: "a", crc: "00000000" }))).toBe("bad: the CRC does not match");
  expect(decodeText("x".repeat(5000))).toBe("bad: 5000 bytes are too many");
  expect(decodePartitionFile(Uint8Array.of(0xff, 0xfe)).kind).toBe("bad");
});
