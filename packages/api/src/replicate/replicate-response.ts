// SPDX-License-Identifier: Apache-2.0
// ReplicateResponse between its bytes and what a follower works with. Batches are written from where they lie, once, and read
// as views of the message.

import { MalformedMessageError, WireReader } from "../wire/wire-reader.ts";
import { WireWriter } from "../wire/wire-writer.ts";
import { replicateEntriesMax } from "./replicate-request.ts";

/** What became of a fetch. */
export type ReplicaAnswerKind = "records" | "diverged" | "outOfRange" | "refused";

/** Answer to a fetch. Which of the offsets mean something depends on `kind`; the others are 0. */
export interface ReplicaAnswer {
  readonly handle: number;
  readonly fetchId: number;
  readonly brokerEpoch: number;
  readonly leaderEpoch: number;
  readonly kind: ReplicaAnswerKind;
  /** Whole batches, borrowed: until the message is encoded, or from the message that was decoded. */
  readonly batches: Uint8Array;
  readonly highWatermark: number;
  readonly logStart: number;
  readonly logEnd: number;
  readonly divergingEpoch: number;
  readonly divergingEnd: number;
  readonly reason: string;
}

const kinds: readonly ReplicaAnswerKind[] = ["refused", "records", "diverged", "outOfRange", "refused"];
const numberOfKind: Readonly<Record<ReplicaAnswerKind, number>> = {
  records: 1,
  diverged: 2,
  outOfRange: 3,
  refused: 4,
};
const noBytes = new Uint8Array(0);

export function encodeReplicateResponse(answers: readonly ReplicaAnswer[]): Buffer {
  let room = 64 * answers.length + 64;
  for (const { batches } of answers) room += batches.length;
  const writer = new WireWriter(room);
  for (const answer of answers) {
    const start = writer.begin(0x0a);
    writer.uint32Field(0x08, answer.handle);
    if (answer.fetchId !== 0) writer.intField(0x10, answer.fetchId);
    writer.intField(0x18, answer.brokerEpoch);
    writer.intField(0x20, answer.leaderEpoch);
    writer.uint32Field(0x28, numberOfKind[answer.kind]);
    if (answer.highWatermark !== 0) writer.intField(0x38, answer.highWatermark);
    if (answer.logStart !== 0) writer.intField(0x40, answer.logStart);
    if (answer.logEnd !== 0) writer.intField(0x48, answer.logEnd);
    if (answer.divergingEpoch !== 0) writer.intField(0x50, answer.divergingEpoch);
    if (answer.divergingEnd !== 0) writer.intField(0x58, answer.divergingEnd);
    if (answer.reason !== "") writer.stringField(0x62, answer.reason);
    if (answer.batches.length > 0) writer.endWithBytes(start, 0x32, answer.batches);
    else writer.end(start);
  }
  return writer.finish();
}

/** Throws MalformedMessageError when the bytes are none, or more than `replicateEntriesMax` answers. */
export function decodeReplicateResponse(bytes: Uint8Array): ReplicaAnswer[] {
  const reader = new WireReader(bytes);
  const answers: ReplicaAnswer[] = [];
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag !== 0x0a) reader.skip(tag);
    else if (answers.length < replicateEntriesMax) answers.push(readAnswer(reader.nested()));
    else throw new MalformedMessageError(`Cannot read a message of more than ${replicateEntriesMax} answers`);
  }
  return answers;
}

function readAnswer(reader: WireReader): ReplicaAnswer {
  let handle = 0;
  let fetchId = 0;
  let brokerEpoch = 0;
  let leaderEpoch = 0;
  let kind: ReplicaAnswerKind = "refused";
  let batches: Uint8Array = noBytes;
  let highWatermark = 0;
  let logStart = 0;
  let logEnd = 0;
  let divergingEpoch = 0;
  let divergingEnd = 0;
  let reason = "";
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x08) handle = reader.uint32();
    else if (tag === 0x10) fetchId = reader.int64();
    else if (tag === 0x18) brokerEpoch = reader.int64();
    else if (tag === 0x20) leaderEpoch = reader.int32();
    else if (tag === 0x28) kind = kinds[reader.uint32()] ?? "refused";
    else if (tag === 0x32) batches = reader.view();
    else if (tag === 0x38) highWatermark = reader.int64();
    else if (tag === 0x40) logStart = reader.int64();
    else if (tag === 0x48) logEnd = reader.int64();
    else if (tag === 0x50) divergingEpoch = reader.int32();
    else if (tag === 0x58) divergingEnd = reader.int64();
    else if (tag === 0x62) reason = reader.string();
    else reader.skip(tag);
  }
  return {
    handle,
    fetchId,
    brokerEpoch,
    leaderEpoch,
    kind,
    batches,
    highWatermark,
    logStart,
    logEnd,
    divergingEpoch,
    divergingEnd,
    reason,
  };
}
