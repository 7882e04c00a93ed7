/** When the record that a group wants next was appended, by its own time: what tells a backlog in time from one in records. */
import { type ConsumeResponse, type FetchRequestFields, decodeConsumeResponse } from "@varve/api";
import { FormatError, batchesIn } from "@varve/format";
import { isRefusal } from "../../refusal.ts";
import type { Forwarding } from "../forwarding/forwarding.ts";
import type { LocalTopic } from "../topics.ts";

const askMs = 5_000;

/** First time of the batch that has the record at `offset`; undefined when there is none, or nobody could be asked. Never rejects. */
export async function recordTimeAt(
  topic: LocalTopic,
  partition: number,
  offset: number,
  forwarding: Forwarding | undefined,
): Promise<number | undefined> {
  const leader = topic.leaderElsewhere(partition);
  const bytes =
    leader === undefined || forwarding === undefined
      ? await batchHere(topic, partition, offset)
      : await batchThere(topic, partition, offset, { forwarding, leader });
  return bytes && timeIn(bytes);
}

async function batchHere(topic: LocalTopic, partition: number, offset: number): Promise<Uint8Array | undefined> {
  const led = topic.led(partition);
  if (isRefusal(led)) return undefined;
  const { log } = led;
  const from = Math.max(offset, log.logStartOffset);
  const result = await log.read({ offset: from, maxBytes: 1, limit: log.highWatermark });
  return result.kind === "batches" ? result.bytes : undefined;
}

async function batchThere(
  { name, id }: LocalTopic,
  partition: number,
  offset: number,
  { forwarding, leader }: { readonly forwarding: Forwarding; readonly leader: number },
): Promise<Uint8Array | undefined> {
  const start = { kind: "offset", offset } as const;
  const request: FetchRequestFields = { topic: name, topicId: id, partition, start, format: "batches", maxBytes: 1 };
  const answer = await forwarding.unary<ConsumeResponse>(leader, "Fetch", request, {
    timeoutMs: askMs,
    answer: decodeConsumeResponse,
  });
  return isRefusal(answer) ? undefined : answer.batches;
}

function timeIn(bytes: Uint8Array): number | undefined {
  try {
    for (const { header } of batchesIn(bytes)) {
      const timeMs = header.baseTimestampMs < 0 ? header.maxTimestampMs : header.baseTimestampMs;
      return timeMs < 0 ? undefined : timeMs;
    }
    return undefined;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
