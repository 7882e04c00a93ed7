// SPDX-License-Identifier: Apache-2.0
// Error, Ack and LeaderHint, which several answers carry.

import { WireReader } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

/** A refusal of one part of a request. */
export interface ErrorFields {
  /** One of @varve/format's reasons, or one of a newer broker. */
  readonly reason: string;
  readonly message: string;
  readonly retriable: boolean;
  readonly metadata: Readonly<Record<string, string>>;
}

export type AckLevel = "none" | "leader" | "all";

/** The level that an append had reached when it was answered. */
export interface Ack {
  readonly level: AckLevel;
  readonly leaderEpoch: number;
  /** Replicas known to have the batch on disk; 0 with flush=os. */
  readonly durableReplicas: number;
}

/** Where the leader of a partition is. */
export interface LeaderHint {
  /** -1: there is none. */
  readonly nodeId: number;
  /** `host:port`; empty when unknown. */
  readonly address: string;
  readonly leaderEpoch: number;
}

const ackLevels: readonly AckLevel[] = ["none", "none", "leader", "all"];
const ackNumbers: Readonly<Record<AckLevel, number>> = { none: 1, leader: 2, all: 3 };
/** More entries than any reason has: what a stranger sends beyond them is dropped. */
const metadataEntriesMax = 64;

export function writeError(writer: WireWriter, tag: number, error: ErrorFields): void {
  const start = writer.begin(tag);
  if (error.reason !== "") writer.stringField(0x0a, error.reason);
  if (error.message !== "") writer.stringField(0x12, error.message);
  if (error.retriable) writer.boolField(0x18, true);
  writeStringMap(writer, 0x22, error.metadata);
  writer.end(start);
}

export function readError(reader: WireReader): ErrorFields {
  let reason = "";
  let message = "";
  let retriable = false;
  const metadata: [string, string][] = [];
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x0a) reason = reader.string();
    else if (tag === 0x12) message = reader.string();
    else if (tag === 0x18) retriable = reader.uint32() !== 0;
    else if (tag === 0x22) readStringMapEntry(reader.nested(), metadata);
    else reader.skip(tag);
  }
  return { reason, message, retriable, metadata: Object.fromEntries(metadata) };
}

export function writeStringMap(writer: WireWriter, tag: number, map: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(map)) {
    const start = writer.begin(tag);
    writer.stringField(0x0a, key);
    writer.stringField(0x12, value);
    writer.end(start);
  }
}

/** Reads one entry of a map; Object.fromEntries() makes the map, in which "__proto__" is a name like any other. */
export function readStringMapEntry(reader: WireReader, into: [string, string][]): void {
  let key = "";
  let value = "";
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x0a) key = reader.string();
    else if (tag === 0x12) value = reader.string();
    else reader.skip(tag);
  }
  if (into.length < metadataEntriesMax) into.push([key, value]);
}

export function writeAck(writer: WireWriter, tag: number, ack: Ack): void {
  const start = writer.begin(tag);
  writer.uint32Field(0x08, ackNumbers[ack.level]);
  if (ack.leaderEpoch !== 0) writer.intField(0x10, ack.leaderEpoch);
  if (ack.durableReplicas !== 0) writer.intField(0x18, ack.durableReplicas);
  writer.end(start);
}

export function readAck(reader: WireReader): Ack {
  let level: AckLevel = "none";
  let leaderEpoch = 0;
  let durableReplicas = 0;
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x08) level = ackLevels[reader.uint32()] ?? "none";
    else if (tag === 0x10) leaderEpoch = reader.int32();
    else if (tag === 0x18) durableReplicas = reader.int32();
    else reader.skip(tag);
  }
  return { level, leaderEpoch, durableReplicas };
}

export function writeLeaderHint(writer: WireWriter, tag: number, hint: LeaderHint): void {
  const start = writer.begin(tag);
  if (hint.nodeId !== 0) writer.intField(0x08, hint.nodeId);
  if (hint.address !== "") writer.stringField(0x12, hint.address);
  if (hint.leaderEpoch !== 0) writer.intField(0x18, hint.leaderEpoch);
  writer.end(start);
}

export function readLeaderHint(reader: WireReader): LeaderHint {
  let nodeId = 0;
  let address = "";
  let leaderEpoch = 0;
  while (!reader.done) {
    const tag = reader.uint32();
    if (tag === 0x08) nodeId = reader.int32();
    else if (tag === 0x12) address = reader.string();
    else if (tag === 0x18) leaderEpoch = reader.int32();
    else reader.skip(tag);
  }
  return { nodeId, address, leaderEpoch };
}
