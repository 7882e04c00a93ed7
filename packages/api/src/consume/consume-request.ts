// SPDX-License-Identifier: Apache-2.0
// ConsumeRequest and FetchRequest between their messages and what a broker or client works with. They come once a stream or
// once a poll, so proto-loader does the bytes.

import type {
  ConsumeRequest as ConsumeRequestMessage,
  ConsumeRequest__Output as ConsumeRequestOutput,
} from "../gen/varve/v1/ConsumeRequest.ts";
import type {
  FetchRequest as FetchRequestMessage,
  FetchRequest__Output as FetchRequestOutput,
} from "../gen/varve/v1/FetchRequest.ts";
import {
  endFromMessage,
  endToMessage,
  PositionError,
  positionFromMessage,
  positionToMessage,
  type End,
  type Position,
} from "../positions.ts";
import type { RequestFault } from "../request-fault.ts";

/** How records are delivered: as records, or as the batches that were stored. */
export type Format = "records" | "batches";

/** What to read of one partition. */
export interface PartitionRange {
  readonly partition: number;
  readonly start: Position;
  readonly end: End;
  /** Absent: do not check. */
  readonly currentLeaderEpoch: number | undefined;
}

export interface ConsumeRequest {
  readonly topic: string;
  /** Empty: all partitions, from `start` to `end`. */
  readonly partitions: readonly PartitionRange[];
  readonly start: Position;
  readonly end: End;
  /** Only records at or after this time. */
  readonly fromTimeMs: number | undefined;
  /** Only records before this time. */
  readonly toTimeMs: number | undefined;
  readonly format: Format;
  /** 0: the broker's default. */
  readonly maxBufferBytes: number;
  /** Group whose rate holds. Empty: none. */
  readonly group: string;
  /** Why the request has to be refused. */
  readonly fault: RequestFault | undefined;
}

export interface FetchRequest {
  readonly topic: string;
  /** The topic that is meant, whatever has its name now. Empty: not said. */
  readonly topicId: string;
  readonly partition: number;
  readonly start: Position;
  readonly fromTimeMs: number | undefined;
  readonly toTimeMs: number | undefined;
  readonly format: Format;
  /** 0: the default. */
  readonly maxBytes: number;
  readonly minBytes: number;
  readonly maxWaitMs: number;
  readonly currentLeaderEpoch: number | undefined;
  /** Group whose rate holds. Empty: none. */
  readonly group: string;
  readonly fault: RequestFault | undefined;
}

/** A ConsumeRequest to be sent. What is absent has the default of the message. */
export interface ConsumeRequestFields {
  readonly topic: string;
  readonly partitions?: readonly {
    readonly partition: number;
    readonly start?: Position | undefined;
    readonly end?: End | undefined;
    readonly currentLeaderEpoch?: number | undefined;
  }[];
  readonly start?: Position | undefined;
  readonly end?: End | undefined;
  readonly fromTimeMs?: number | undefined;
  readonly toTimeMs?: number | undefined;
  readonly format?: Format | undefined;
  readonly maxBufferBytes?: number | undefined;
  /** Group that the records are for: its rate holds. */
  readonly group?: string | undefined;
}

/** A FetchRequest to be sent. What is absent has the default of the message. */
export interface FetchRequestFields {
  readonly topic: string;
  /** Refused when another topic has that name by now. */
  readonly topicId?: string | undefined;
  readonly partition: number;
  readonly start?: Position | undefined;
  readonly fromTimeMs?: number | undefined;
  readonly toTimeMs?: number | undefined;
  readonly format?: Format | undefined;
  readonly maxBytes?: number | undefined;
  readonly minBytes?: number | undefined;
  readonly maxWaitMs?: number | undefined;
  readonly currentLeaderEpoch?: number | undefined;
  /** Group that the records are for: its rate holds. */
  readonly group?: string | undefined;
}

export function consumeRequestFromMessage(message: ConsumeRequestOutput): ConsumeRequest {
  const parts = readParts(message, () => {
    const start = positionFromMessage(message.start, { kind: "earliest" });
    const end = endFromMessage(message.end, { kind: "none" });
    const partitions = message.partitions.map((range) => ({
      partition: range.partition,
      start: positionFromMessage(range.start, start),
      end: endFromMessage(range.end, end),
      currentLeaderEpoch: range.currentLeaderEpoch,
    }));
    const twice = partitions.length !== new Set(partitions.map((range) => range.partition)).size;
    if (twice) throw new PositionError("Cannot read: the request names a partition twice");
    if (partitions.some((range) => range.partition < 0))
      throw new PositionError("Cannot read: a partition is negative");
    return { start, end, partitions };
  });
  return {
    topic: message.topic,
    partitions: parts.value?.partitions ?? [],
    start: parts.value?.start ?? { kind: "earliest" },
    end: parts.value?.end ?? { kind: "none" },
    fromTimeMs: message.fromTimeMs,
    toTimeMs: message.toTimeMs,
    format: message.format === "FORMAT_BATCHES" ? "batches" : "records",
    maxBufferBytes: message.maxBufferBytes,
    group: message.group,
    fault: parts.fault,
  };
}

export function fetchRequestFromMessage(message: FetchRequestOutput): FetchRequest {
  const start = readParts(message, () => {
    if (message.partition < 0) throw new PositionError(`Cannot read: the partition is ${message.partition}`);
    return positionFromMessage(message.start, { kind: "earliest" });
  });
  return {
    topic: message.topic,
    topicId: message.topicId,
    partition: message.partition,
    start: start.value ?? { kind: "earliest" },
    fromTimeMs: message.fromTimeMs,
    toTimeMs: message.toTimeMs,
    format: message.format === "FORMAT_BATCHES" ? "batches" : "records",
    maxBytes: message.maxBytes,
    minBytes: message.minBytes,
    maxWaitMs: message.maxWaitMs,
    currentLeaderEpoch: message.currentLeaderEpoch,
    group: message.group,
    fault: start.fault,
  };
}

export function consumeRequestToMessage(request: ConsumeRequestFields): ConsumeRequestMessage {
  const { topic, partitions = [], start, end, fromTimeMs, toTimeMs, format, maxBufferBytes, group } = request;
  return {
    topic,
    partitions: partitions.map((range) => ({
      partition: range.partition,
      ...(range.start === undefined ? {} : { start: positionToMessage(range.start) }),
      ...(range.end === undefined ? {} : { end: endToMessage(range.end) }),
      ...(range.currentLeaderEpoch === undefined ? {} : { currentLeaderEpoch: range.currentLeaderEpoch }),
    })),
    ...(start === undefined ? {} : { start: positionToMessage(start) }),
    ...(end === undefined ? {} : { end: endToMessage(end) }),
    ...(fromTimeMs === undefined ? {} : { fromTimeMs }),
    ...(toTimeMs === undefined ? {} : { toTimeMs }),
    format: format === "batches" ? "FORMAT_BATCHES" : "FORMAT_RECORDS",
    ...(maxBufferBytes === undefined ? {} : { maxBufferBytes }),
    ...(group === undefined ? {} : { group }),
  };
}

export function fetchRequestToMessage(request: FetchRequestFields): FetchRequestMessage {
  const { start, format, fromTimeMs, toTimeMs, currentLeaderEpoch, ...rest } = request;
  return {
    topic: rest.topic,
    partition: rest.partition,
    maxBytes: rest.maxBytes ?? 0,
    minBytes: rest.minBytes ?? 0,
    maxWaitMs: rest.maxWaitMs ?? 0,
    ...(rest.group === undefined ? {} : { group: rest.group }),
    ...(rest.topicId === undefined ? {} : { topicId: rest.topicId }),
    ...(start === undefined ? {} : { start: positionToMessage(start) }),
    ...(fromTimeMs === undefined ? {} : { fromTimeMs }),
    ...(toTimeMs === undefined ? {} : { toTimeMs }),
    ...(currentLeaderEpoch === undefined ? {} : { currentLeaderEpoch }),
    format: format === "batches" ? "FORMAT_BATCHES" : "FORMAT_RECORDS",
  };
}

interface ReadableMessage {
  readonly topic: string;
  readonly format: string | number;
  readonly fromTimeMs?: number;
  readonly toTimeMs?: number;
}

function readParts<T>(message: ReadableMessage, read: () => T): { value?: T; fault: RequestFault | undefined } {
  const fault = (why: string): { fault: RequestFault } => ({ fault: { reason: "INVALID_REQUEST", message: why } });
  if (message.topic === "") return fault("Cannot read: the request names no topic");
  // proto-loader leaves a number where it knows no name.
  if (typeof message.format === "number")
    return fault(`Cannot read: format is ${message.format}, none of the known values`);
  for (const timeMs of [message.fromTimeMs, message.toTimeMs]) {
    if (timeMs !== undefined && !Number.isSafeInteger(timeMs))
      return fault(`Cannot read: the time filter is ${timeMs}`);
  }
  try {
    return { value: read(), fault: undefined };
  } catch (error) {
    if (error instanceof PositionError) return fault(error.message);
    throw error;
  }
}
