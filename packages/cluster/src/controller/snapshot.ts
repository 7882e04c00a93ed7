// The image as records: what a node needs instead of the log before it. The records are the same as in the log, so there is one
// format and one way to build an image; the digest proves that the way led back to the same image.

import { FormatError } from "@varve/format";
import { printDigest } from "./digest.ts";
import { topicsByName } from "./image.ts";
import type { MetadataRecord } from "./records.ts";
import { restore } from "./replay.ts";
import { emptyImage } from "./state.ts";
import type { ConfigScope, ControllerImage } from "./state.ts";

export interface ImageSnapshot {
  /** Number of the last record in the image. */
  readonly offset: number;
  /** Of the image, as printed. */
  readonly digest: string;
  readonly records: readonly MetadataRecord[];
}

/** The records that `restoreImage` needs, in a fixed order: equal images give equal lists. */
export function snapshotRecords(image: ControllerImage): MetadataRecord[] {
  return [...brokerRecords(image), ...topicRecords(image), ...configRecordsOf(image), ...otherRecords(image)];
}

/** The image of a snapshot. Throws `FormatError` when the records do not add up to the digest. */
export function restoreImage(snapshot: ImageSnapshot): ControllerImage {
  const image = { ...snapshot.records.reduce(restore, emptyImage), offset: snapshot.offset };
  if (printDigest(image.digest) === snapshot.digest) return image;
  throw new FormatError(
    "MALFORMED",
    `Metadata snapshot of record ${snapshot.offset} does not add up: its digest differs.`,
  );
}

/** Owned bytes of a snapshot of `image`. */
export function encodeSnapshot(image: ControllerImage): Uint8Array {
  const snapshot: ImageSnapshot = {
    offset: image.offset,
    digest: printDigest(image.digest),
    records: snapshotRecords(image),
  };
  return new TextEncoder().encode(JSON.stringify(snapshot));
}

/** The image in `bytes`, which are only borrowed. Throws `FormatError` when they are damaged or from a newer version. */
export function decodeSnapshot(bytes: Uint8Array): ControllerImage {
  return restoreImage(JSON.parse(new TextDecoder().decode(bytes)) as ImageSnapshot);
}

function* brokerRecords(image: ControllerImage): Generator<MetadataRecord> {
  const brokers = [...image.brokers.values()].sort((a, b) => a.brokerId - b.brokerId);
  for (const { fenced, inControlledShutdown, ...broker } of brokers) {
    yield { type: "RegisterBroker", ...broker, fenced: true };
    const { brokerId, brokerEpoch } = broker;
    if (!fenced || inControlledShutdown) {
      yield { type: "BrokerChange", brokerId, brokerEpoch, fenced, inControlledShutdown };
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
    const scope = scopeKey.slice(0, slash) as ConfigScope;
    for (const [key, value] of inKeyOrder(Object.entries(overrides))) {
      yield { type: "Config", scope, name: scopeKey.slice(slash + 1), key, value };
    }
  }
}

function* otherRecords(image: ControllerImage): Generator<MetadataRecord> {
  const blocks = [...image.producerIdBlocks.values()].sort((a, b) => a.next - b.next);
  for (const block of blocks) yield { type: "ProducerIdBlock", ...block };
  for (const [, retired] of inKeyOrder(image.retiredEpochs)) yield { type: "RetiredEpoch", ...retired };
}

function inKeyOrder<V>(entries: Iterable<readonly [string, V]>): (readonly [string, V])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}
