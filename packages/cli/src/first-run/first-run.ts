// SPDX-License-Identifier: Apache-2.0
// The first run against a node that is there: create, send, replay twice, compare. Every statement that it makes was checked
// against the input alone (expected-log.ts), over the same gRPC API that any client uses.
//
//   topic is there and holds exactly the sample ──> nothing is sent, the replays run: what is checked has survived a restart
//   topic is there and holds something else     ──> the next free name, earthquakes-2, earthquakes-3, …

import type { Client } from "@varve/client";
import { CliError } from "../exit-code.ts";
import { expectedLog, firstDifference, fromTime, type ExpectedRecord, type ReplayedRecord } from "./expected-log.ts";
import type { SampleRecord } from "./sample.ts";

export const partitionCount = 3;
export const replayOffset = 100;
export const replayTime = "2016-07-01T00:00:00Z";

export interface FirstRunSteps {
  onTopic(topic: string, found: "created" | "holds the sample"): void;
  onAcknowledged(record: SampleRecord): void;
  onSent(): void;
}

/** What was checked, in numbers. */
export interface FirstRunResult {
  topic: string;
  sent: number;
  /** Records per partition. */
  partitions: readonly number[];
  /** What the acknowledgements said; undefined when nothing was sent. */
  ack: { level: string; durableReplicas: number } | undefined;
  fromOffset: number;
  fromTime: number;
}

/** @throws CliError with code `checkFailed` at the first difference between the sample and what came back */
export async function firstRun(
  client: Client,
  sample: readonly SampleRecord[],
  steps: FirstRunSteps,
): Promise<FirstRunResult> {
  const expected = expectedLog(sample, partitionCount);
  const { topic, fresh } = await chooseTopic(client, expected);
  steps.onTopic(topic, fresh ? "created" : "holds the sample");
  const ack = fresh ? await send(client, topic, sample, expected, steps) : undefined;
  const timeMs = Date.parse(replayTime);
  return {
    topic,
    sent: fresh ? sample.length : 0,
    partitions: expected.map((records) => records.length),
    ack,
    fromOffset: await replay(
      client,
      topic,
      { kind: "offset", offset: replayOffset },
      expected.map((r) => r.slice(replayOffset)),
    ),
    fromTime: await replay(
      client,
      topic,
      { kind: "time", timeMs },
      expected.map((r) => fromTime(r, timeMs)),
    ),
  };
}

async function chooseTopic(
  client: Client,
  expected: readonly ExpectedRecord[][],
): Promise<{ topic: string; fresh: boolean }> {
  for (let number = 1; number <= 1000; number += 1) {
    const topic = number === 1 ? "earthquakes" : `earthquakes-${number}`;
    try {
      await client.admin.createTopic({ topic, partitions: partitionCount });
      return { topic, fresh: true };
    } catch (error) {
      if (!(error instanceof Error && "reason" in error && error.reason === "TOPIC_ALREADY_EXISTS")) throw error;
    }
    const partitions = await client.admin.describePartitions({ topic });
    const same =
      partitions.length === expected.length &&
      partitions.every((p) => p.logStartOffset === 0 && p.highWatermark === expected[p.partition]?.length);
    if (same) return { topic, fresh: false };
  }
  throw new CliError("failed", "Cannot find a free topic name: earthquakes to earthquakes-1000 exist", {
    advice: ["Delete some: varve topic delete earthquakes-2"],
  });
}

async function send(
  client: Client,
  topic: string,
  sample: readonly SampleRecord[],
  expected: readonly ExpectedRecord[][],
  steps: FirstRunSteps,
): Promise<{ level: string; durableReplicas: number }> {
  const producer = client.producer({ acks: "all" });
  const places = new Map(expected.flat().map((record) => [record.line, record]));
  try {
    const acks = await Promise.all(
      sample.map(async ({ key, value, timestampMs }, index) => {
        const ack = await producer.send({ topic, key, value, timestampMs });
        const place = places.get(index + 1);
        if (place === undefined || ack.partition !== place.partition || ack.offset !== place.offset) {
          throw failed(
            `line ${index + 1} of the sample was acknowledged at partition ${ack.partition}, offset ${ack.offset}, not at partition ${place?.partition}, offset ${place?.offset}`,
          );
        }
        steps.onAcknowledged({ key, value, timestampMs });
        return ack.ack;
      }),
    );
    steps.onSent();
    const least = Math.min(...acks.map((ack) => ack.durableReplicas));
    return { level: [...new Set(acks.map((ack) => ack.level))].join(", "), durableReplicas: least };
  } finally {
    await producer.close();
  }
}

async function replay(
  client: Client,
  topic: string,
  from: { kind: "offset"; offset: number } | { kind: "time"; timeMs: number },
  expected: readonly (readonly ExpectedRecord[])[],
): Promise<number> {
  const replayed: ReplayedRecord[][] = expected.map(() => []);
  const most = expected.reduce((sum, records) => sum + records.length, 0);
  let received = 0;
  const reader = client.reader({ topic, from, to: { kind: "latest-at-start" } });
  try {
    for await (const record of reader) {
      replayed[record.partition]?.push(record);
      received += 1;
      if (received > most) break;
    }
  } finally {
    await reader.close();
  }
  for (const [partition, records] of expected.entries()) {
    const difference = firstDifference(records, replayed[partition] ?? []);
    if (difference !== undefined) throw failed(`replay from ${from.kind} of topic "${topic}": ${difference}`);
  }
  return received;
}

function failed(what: string): CliError {
  return new CliError("checkFailed", `The first run found a difference: ${what}`, {
    advice: ["This should not happen. Please report it, with the output and the data directory."],
  });
}
