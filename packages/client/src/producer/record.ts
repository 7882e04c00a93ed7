// SPDX-License-Identifier: Apache-2.0
// What a producer is given, and what it gives back.

import type { Ack } from "@varve/api";

/** Bytes, or text that is sent as UTF-8. */
export type Bytes = Uint8Array | string;

/** A record to be sent. Its bytes are copied by send(). */
export interface SendRecord {
  readonly topic: string;
  /** null, the default: none, which differs from empty. */
  readonly key?: Bytes | null | undefined;
  /** null, the default: none (a tombstone in a compacted topic), which differs from empty. */
  readonly value?: Bytes | null | undefined;
  /** In order; names may repeat. */
  readonly headers?: readonly { readonly key: string; readonly value: Bytes | null }[] | undefined;
  /** Milliseconds since 1970. @default now */
  readonly timestampMs?: number | undefined;
  /** @default by the key's murmur2 as Kafka's clients; without a key, one partition for a batch at a time */
  readonly partition?: number | undefined;
}

/** Where a record went, and what had happened when the broker answered. */
export interface RecordAck {
  readonly partition: number;
  /** -1 when unknown (acks none). */
  readonly offset: number;
  readonly timestampMs: number;
  /** Level reached, leader epoch, replicas that have it on disk. Shared by the records of a batch. */
  readonly ack: Ack;
}

/** The bytes of a key or value. */
export function toBytes(value: Bytes | null | undefined): Uint8Array | null {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? Buffer.from(value) : value;
}
