// SPDX-License-Identifier: Apache-2.0
// ReplicateRequest between its bytes and what a leader works with. Absent numbers are 0, as protobuf has it; whoever takes the
// message checks what they mean.

import { MalformedMessageError, WireReader } from "../wire/wire-reader.ts";
import { WireWriter } from "../wire/wire-writer.ts";

/** A follower's fetch of one partition. */
export interface ReplicaFetch {
  /** The follower's number for the partition on this stream. */
  readonly handle: number;
  /** Empty once the handle has been used on this stream; then `partition` says nothing either. */
  readonly topicId: string;
  readonly partition: number;
  readonly fetchId: number;
  readonly brokerEpoch: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  readonly durableOffset: number;
  readonly lastFetchedEpoch: number;
  /** Where the follower's log begins, on its disk. */
  readonly logStart: number;
}

/** Word of a sync of the follower, or of a new beginning of its log. */
export interface ReplicaSync {
  readonly handle: number;
  readonly brokerEpoch: number;
  readonly leaderEpoch: number;
  readonly durableOffset: number;
  readonly logStart: number;
}

export interface ReplicateRequest {
  readonly fetches: readonly ReplicaFetch[];
  readonly syncs: readonly ReplicaSync[];
  /** Handles that are not used any more. */
  readonly closedHandles: readonly number[];
  /** The follower's disk has no room: it fetches nothing for now. */
  readonly withoutRoom: boolean;
}

/** Entries of one message, all kinds together; a sender splits what is more. */
export const replicateEntriesMax = 10_000;

export function encodeReplicateRequest(request: ReplicateRequest): Buffer {
  const writer = new WireWriter(64 + 64 * request.fetches.length + 32 * request.syncs.length);
  for (const fetch of request.fetches) {
    const start = writer.begin(0x0a);
    writer.uint32Field(0x08, fetch.handle);
    if (fetch.topicId !== "") {
      writer.stringField(0x12, fetch.topicId);
      if (fetch.partition !== 0) writer.intField(0x18, fetch.partition);
    }
    if (fetch.fetchId !== 0) writer.intField(0x20, fetch.fetchId);
    writer.intField(0x28, fetch.brokerEpoch);
    writer.intField(0x30, fetch.leaderEpoch);
    if (fetch.fetchOffset !== 0) writer.intField(0x38, fetch.fetchOffset);
    if (fetch.durableOffset !== 0) writer.intField(0x40, fetch.durableOffset);
    if (fetch.lastFetchedEpoch !== 0) writer.intField(0x48, fetch.lastFetchedEpoch);
    if (fetch.logStart !== 0) writer.intField(0x50, fetch.logStart);
    writer.end(start);
  }
  for (const sync of request.syncs) {
    const start = writer.begin(0x12);
    writer.uint32Field(0x08, sync.handle);
    writer.intField(0x10, sync.brokerEpoch);
    writer.intField(0x18, sync.leaderEpoch);
    writer.intField(0x20, sync.durableOffset);
    if (sync.logStart !== 0) writer.intField(0x28, sync.logStart);
    writer.end(start);
  }
  for (const handle of request.closedHandles) writer.uint32Field(0x18, handle);
  if (request.withoutRoom) writer.uint32Field(0x20, 1);
  return writer.finish();
}

/** Throws MalformedMessageError when the bytes are none, or more than `replicateEntriesMax` entries. */
export function decodeReplicateRequest(bytes: Uint8Array): ReplicateRequest {
  const reader = new WireReader(bytes);
  const fetches: ReplicaFetch[] = [];
  const syncs: ReplicaSync[] = [];
  const closedHandles: number[] = [];
  let withoutRoom = false;
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x0a) fetches.push(readFetch(reader.nested()));
    else if (tag === 0x12) syncs.push(readSync(reader.nested()));
    else if (tag === 0x18) closedHandles.push(reader.uint32());
    else if (tag === 0x1a) readPacked(reader.nested(), closedHandles);
    else if (tag === 0x20) withoutRoom = reader.uint32() !== 0;
    else reader.skip(tag);
    assertFew(fetches.length + syncs.length + closedHandles.length);
  }
  return { fetches, syncs, closedHandles, withoutRoom };
}

function readPacked(reader: WireReader, into: number[]): void {
  while (!reader.done) {
    into.push(reader.uint32());
    assertFew(into.length);
  }
}

function assertFew(entries: number): void {
  if (entries <= replicateEntriesMax) return;
  throw new MalformedMessageError(`Cannot read a message of more than ${replicateEntriesMax} entries`);
}

function readFetch(reader: WireReader): ReplicaFetch {
  let topicId = "";
  let handle = 0;
  let partition = 0;
  let fetchId = 0;
  let brokerEpoch = 0;
  let leaderEpoch = 0;
  let fetchOffset = 0;
  let durableOffset = 0;
  let lastFetchedEpoch = 0;
  let logStart = 0;
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x08) handle = reader.uint32();
    else if (tag === 0x12) topicId = reader.string();
    else if (tag === 0x18) partition = reader.int32();
    else if (tag === 0x20) fetchId = reader.int64();
    else if (tag === 0x28) brokerEpoch = reader.int64();
    else if (tag === 0x30) leaderEpoch = reader.int32();
    else if (tag === 0x38) fetchOffset = reader.int64();
    else if (tag === 0x40) durableOffset = reader.int64();
    else if (tag === 0x48) lastFetchedEpoch = reader.int32();
    else if (tag === 0x50) logStart = reader.int64();
    else reader.skip(tag);
  }
  return {
    handle,
    topicId,
    partition,
    fetchId,
    brokerEpoch,
    leaderEpoch,
    fetchOffset,
    durableOffset,
    lastFetchedEpoch,
    logStart,
  };
}

function readSync(reader: WireReader): ReplicaSync {
  let handle = 0;
  let brokerEpoch = 0;
  let leaderEpoch = 0;
  let durableOffset = 0;
  let logStart = 0;
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x08) handle = reader.uint32();
    else if (tag === 0x10) brokerEpoch = reader.int64();
    else if (tag === 0x18) leaderEpoch = reader.int32();
    else if (tag === 0x20) durableOffset = reader.int64();
    else if (tag === 0x28) logStart = reader.int64();
    else reader.skip(tag);
  }
  return { handle, brokerEpoch, leaderEpoch, durableOffset, logStart };
}
