/**
 * The file `partition.json`: whose directory this is. The directory's name has the topic's name in it, but names come
 * back: what counts is the topic id (F-7).
 *
 *   { "format": 1, "topicId": "9f…", "topic": "orders", "partition": 3, "crc": "5d7a01c2" }
 *
 * Written once, when the partition is created. `crc` covers the rest, so a flipped bit does not turn the directory into
 * one of another partition; people may read the file, and must not edit it.
 */
import { crc32c, isUuid } from "@varve/format";
import type { FileFault } from "./checked-file.ts";
import type { PartitionId } from "./partition-id.ts";

export const partitionFileName = "partition.json";

const format = 1;
/** A topic's name is far shorter than this; more is not ours. */
const fileBytesMax = 4096;

/** The file's bytes, owned. */
export function encodePartitionFile(id: PartitionId): Uint8Array {
  const fields = { format, topicId: id.topicId, topic: id.topic, partition: id.partition };
  const crc = crc32c(new TextEncoder().encode(JSON.stringify(fields)))
    .toString(16)
    .padStart(8, "0");
  return new TextEncoder().encode(`${JSON.stringify({ ...fields, crc })}\n`);
}

/** The id, or what is wrong. Only what `encodePartitionFile` would write for it is accepted. Never throws. */
export function decodePartitionFile(bytes: Uint8Array): { kind: "ok"; id: PartitionId } | FileFault {
  if (bytes.length > fileBytesMax) return { kind: "bad", why: `${bytes.length} bytes are too many` };
  const fields = parseObject(bytes);
  if (fields === undefined) return { kind: "bad", why: "not a JSON object" };
  const { topicId, topic, partition } = fields;
  if (Number.isSafeInteger(fields["format"]) && fields["format"] !== format) {
    return { kind: "unknown-version", why: `format ${String(fields["format"])}, this Varve reads ${format}` };
  }
  if (typeof topicId !== "string" || !isUuid(topicId)) return { kind: "bad", why: "topicId is not an id" };
  if (typeof topic !== "string" || topic === "") return { kind: "bad", why: "topic is not a name" };
  if (typeof partition !== "number" || !Number.isSafeInteger(partition) || partition < 0) {
    return { kind: "bad", why: "partition is not a number" };
  }
  const id: PartitionId = { topicId, topic, partition };
  if (!Buffer.from(bytes).equals(encodePartitionFile(id))) return { kind: "bad", why: "the CRC does not match" };
  return { kind: "ok", id };
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Not UTF-8 or not JSON: the caller says so.
    return undefined;
  }
}
