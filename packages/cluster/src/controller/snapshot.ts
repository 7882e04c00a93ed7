// The image as records: what a node needs instead of the log before it. The records are the same as in the log, so there is one
// format and one way to build an image; the digest proves that the way led back to the same image.
//
//   [version u8][offset i64][digest u32, u32][count uvarint] count × ([size uvarint][record])

import { ByteReader, ByteWriter, FormatError } from "@varve/format";
import { readRecords, writeRecords } from "./batch.ts";
import { sameDigest } from "./digest.ts";
import { topicsByName } from "./image.ts";
import type { MetadataRecord } from "./records.ts";
import { restoreAll } from "./replay.ts";
import { emptyImage } from "./state.ts";
import type { ControllerImage } from "./state.ts";

const snapshotVersion = 1;

/** The records that `restoreImage` needs, in a fixed order: equal images give equal lists. */
export function snapshotRecords(image: ControllerImage): MetadataRecord[] {
  return [...brokerRecords(image), ...topicRecords(image), ...configRecordsOf(image), ...otherRecords(image)];
}

/** Owned bytes of a snapshot of `image`. */
export function encodeSnapshot(image: ControllerImage): Uint8Array {
  const writer = new ByteWriter();
  writer.int8(snapshotVersion);
  writer.int64(image.offset);
  writer.uint32(image.digest.high);
  writer.uint32(image.digest.low);
  writeRecords(writer, snapshotRecords(image));
  return writer.finish();
}

/** The image in `bytes`, which are only borrowed. Throws `FormatError` when they are damaged or from a newer version. */
export function decodeSnapshot(bytes: Uint8Array): ControllerImage {
  const reader = new ByteReader(bytes);
  const version = reader.int8();
  if (version !== snapshotVersion) {
    throw new FormatError("UNSUPPORTED", `Cannot read a metadata snapshot of version ${version}, only 1 is known.`);
  }
  const offset = reader.int64();
  const digest = { high: reader.uint32(), low: reader.uint32() };
  const image = { ...restoreAll(emptyImage, readRecords(reader)), offset };
  if (reader.remaining === 0 && sameDigest(image.digest, digest)) return image;
  throw new FormatError("MALFORMED", `Cannot use the metadata snapshot of record ${offset}: its digest differs.`);
}

function* brokerRecords(image: ControllerImage): Generator<MetadataRecord> {
  const brokers = [...image.brokers.values()].sort((a, b) => a.brokerId - b.brokerId);
  for (const { fenced, inControlledShutdown, ...broker } of brokers) {
    yield { type: "RegisterBroker", ...broker, fenced: true };
    const { brokerId, brokerEpoch } = broker;
    if (!fenced || inControlledShutdown) {
      const flags = { fenced: Number(fenced), inControlledShutdown: Number(inControlledShutdown) };
      yield { type: "BrokerChange", brokerId, brokerEpoch, ...flags };
    }
  }
}

function* topicRecords(image: ControllerImage): Generator<MetadataRecord> {
  for (const topic of topicsByName(image)) {
    yield { type: "Topic", topicId: topic.id, name: topic.name };
    for (const partition of topic.partitions) yield { type: "Partition", ...partition };
  }
}

function* configRecordsOf(image: ControllerImage): Generator<MetadataRecord> {
  for (const [scopeKey, overrides] of inKeyOrder(image.configs)) {
    const slash = scopeKey.indexOf("/");
    const scope = scopeKey.slice(0, slash);
    for (const [key, value] of inKeyOrder(Object.entries(overrides))) {
      yield { type: "Config", scope, name: scopeKey.slice(slash + 1), key, value };
    }
  }
}

function* otherRecords(image: ControllerImage): Generator<MetadataRecord> {
  const blocks = [...image.producerIdBlocks.values()].sort((a, b) => a.next - b.next);
  for (const block of blocks) yield { type: "ProducerIdBlock", ...block };
  for (const [, retired] of inKeyOrder(image.retiredEpochs)) yield { type: "RetiredEpoch", ...retired };
  for (const [topicId, removedAtMs] of inKeyOrder(image.removedTopics)) {
    yield { type: "RemovedTopic", topicId, removedAtMs };
  }
}

function inKeyOrder<V>(entries: Iterable<readonly [string, V]>): (readonly [string, V])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}
