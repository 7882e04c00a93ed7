/**
 * May this batch enter this partition? Pure checks in front of the log, in the order of kafka-wire 4.6, and the translation of
 * the log's own answers into refusals.
 *
 * Compressed batches are checked by header and CRC only: the broker never decompresses on the produce path (one core serves
 * all partitions, and a bomb would cost everybody). A record section that does not decompress is the producer's own loss;
 * readers get a typed error for exactly that batch (`grpc/consume.ts`).
 */
import {
  type BatchFault,
  batchHeaderBytes,
  checkProducedBatch,
  checkRecords,
  codecOf,
  readBatchHeader,
  stampAppendTime,
} from "@varve/format";
import type { AppendOutcome, PartitionLog } from "@varve/log";
import { type Refusal, refuse } from "../refusal.ts";
import { damageRefusal } from "./damage.ts";

/** What a topic's configuration asks of a batch. */
export interface TopicRules {
  readonly maxBatchBytes: number;
  /** `message.timestamp.type` is LogAppendTime. */
  readonly logAppendTime: boolean;
  /** `message.timestamp.after.max.ms` and `message.timestamp.before.max.ms`, around the broker's clock. */
  readonly timestampAfterMsMax: number;
  readonly timestampBeforeMsMax: number;
  /** `cleanup.policy` has compact: a record without a key would stand for nothing and never go. */
  readonly keysNeeded: boolean;
}

interface Target {
  readonly topic: string;
  readonly partition: number;
  readonly rules: TopicRules;
}

/** Checks one produced batch and stamps it when the topic keeps append times. @returns why it is refused. */
export function checkBatchForTopic(target: Target, batch: Uint8Array, nowMs: number): Refusal | undefined {
  const { topic, partition, rules } = target;
  if (batch.byteLength > rules.maxBatchBytes) {
    return refuse(
      "MESSAGE_TOO_LARGE",
      `Cannot append to "${topic}" ${partition}: the batch has ${batch.byteLength} bytes and max.message.bytes of the topic is ${rules.maxBatchBytes}; ` +
        `send smaller batches, or raise max.message.bytes`,
      { sizeBytes: batch.byteLength, maxBytes: rules.maxBatchBytes },
    );
  }
  const fault = checkProducedBatch(batch, { maxBatchBytes: rules.maxBatchBytes });
  if (fault !== undefined) return faultRefusal(target, fault);
  const header = readBatchHeader(batch);
  if (codecOf(header.attributes) === "none") {
    const recordFault = checkRecords(batch.subarray(batchHeaderBytes), header);
    if (recordFault !== undefined) return faultRefusal(target, recordFault);
  }
  if (rules.logAppendTime) {
    stampAppendTime(batch, 0, nowMs);
    return undefined;
  }
  return timestampRefusal(target, header.maxTimestampMs, nowMs);
}

/** A batch without timestamps (-1) is taken, as in Kafka. */
function timestampRefusal(
  { topic, partition, rules }: Target,
  timestampMs: number,
  nowMs: number,
): Refusal | undefined {
  const ahead = timestampMs - nowMs;
  if (timestampMs < 0 || (ahead <= rules.timestampAfterMsMax && -ahead <= rules.timestampBeforeMsMax)) return undefined;
  const [word, max, key] =
    ahead > 0
      ? ["ahead of", rules.timestampAfterMsMax, "message.timestamp.after.max.ms"]
      : ["behind", rules.timestampBeforeMsMax, "message.timestamp.before.max.ms"];
  return refuse(
    "INVALID_TIMESTAMP",
    `Cannot append to "${topic}" ${partition}: the largest timestamp ${timestampMs} is more than ${max} ms ${word} the broker's clock (${nowMs}); ` +
      `correct the producer's clock or its unit (milliseconds), or change ${key}`,
    { timestampMs, nowMs, maxMs: max },
  );
}

/** Why the log takes nothing now, by its state; undefined when it does. */
export function stateRefusal(log: PartitionLog): Refusal | undefined {
  const { topic, partition } = log.id;
  const { state } = log;
  switch (state.kind) {
    case "open":
      return undefined;
    case "needs-epoch":
      return refuse(
        "NOT_LEADER",
        `Cannot append to "${topic}" ${partition}: ${state.why}; the partition waits for a new leader epoch, try again`,
        { partition },
      );
    case "quarantined":
      return damageRefusal(`Cannot append to "${topic}" ${partition}`, log.id, state);
    case "failed":
      return refuse(
        "STORAGE_FAILED",
        `Cannot use "${topic}" ${partition}: its files failed (${state.error.message}); check the disk and restart the broker`,
        { partition },
      );
    case "closed":
      return refuse("SHUTTING_DOWN", `Cannot use "${topic}" ${partition}: the broker is shutting down`, { partition });
  }
}

/** What the log found against a batch that it may have taken: sequences (kafka-wire 4.7), expected offset (H-12). */
export function appendRefusal(target: Target, outcome: Extract<AppendOutcome, { kind: "refused" }>): Refusal {
  const { kind: _, reason, ...facts } = outcome;
  return refuse(reason, `Cannot append to "${target.topic}" ${target.partition}: ${outcome.message}`, facts);
}

function faultRefusal(target: Target, fault: BatchFault): Refusal {
  return refuse(fault.reason, `Cannot append to "${target.topic}" ${target.partition}: ${fault.message}`, {
    fault: fault.code,
  });
}
