import type { ConsumeResponse, FetchRequestFields } from "@varve/api";
import { decodeConsumeResponse } from "@varve/api";
import { RecordBatchBuilder } from "@varve/format";
import { SimulatedClock, SimulatedTime } from "@varve/log/testing";
import { expect, test } from "vitest";
import type { Forwarding } from "../drivers/forwarding/forwarding.ts";
import { RemotePartition } from "../drivers/forwarding/remote-partition.ts";
import { TimingWheel } from "../drivers/timing-wheel.ts";
import { TopicMetrics } from "../metrics/topic-metrics.ts";
import { type Refusal, refuse } from "../refusal.ts";
import { ConsumeSession } from "./consume-session.ts";
import { ReadEncoder } from "./read-encoder.ts";

const count = 40;
const recordBytes = 100 * 1024;
const records = 6;
const maxBufferBytes = 1024 * 1024;

/** A batch of one record at `offset`. */
function batchAt(offset: number): Uint8Array {
  const builder = new RecordBatchBuilder({ initialBytes: recordBytes + 200 });
  builder.append({ key: null, value: new Uint8Array(recordBytes), timestampMs: 1 });
  const bytes = builder.finishInPlace();
  new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(0, BigInt(offset));
  return bytes;
}

/** What the leader answers for one partition, now. */
type Leader = (request: FetchRequestFields) => ConsumeResponse | Refusal | Promise<ConsumeResponse | Refusal>;

/** One reader of `count` partitions that another node leads. */
function readerOf(leader: Leader, { highWatermark = records } = {}) {
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  const wheel = new TimingWheel(clock);
  const unary = async (_leader: number, _call: string, request: FetchRequestFields): Promise<unknown> =>
    leader(request);
  const plans = Array.from({ length: count }, (_, partition) => ({
    leader: new RemotePartition(
      {
        id: { topicId: "a".repeat(32), topic: "t", partition },
        metrics: new TopicMetrics("t"),
        highWatermark,
        logStartOffset: 0,
        currentLeaderEpoch: undefined,
        readBytes: 256 * 1024,
        group: "",
      },
      {
        forwarding: { unary } as unknown as Forwarding,
        wheel,
        monotonicMs: () => clock.monotonicMs(),
        leader: () => 2,
        whyNotRemote: () => undefined,
        hint: () => ({ nodeId: 2, address: "", leaderEpoch: 0 }),
      },
    ),
    position: 0,
    endOffset: records,
    countMax: Infinity,
  }));
  const untaken: (() => void)[] = [];
  const got = new Map<number, number>();
  const seen = { ended: false, failed: undefined as Refusal | undefined };
  const budget = { heldBytes: 0, bytesMax: 64 * maxBufferBytes };
  const session = new ConsumeSession(
    plans,
    {
      sink: {
        write: (message, written) => {
          const { partition, nextOffset } = decodeConsumeResponse(Buffer.from(message));
          got.set(partition, nextOffset);
          untaken.push(written);
        },
        end: () => void (seen.ended = true),
        fail: (refusal) => void (seen.failed = refusal),
      },
      encoder: new ReadEncoder({ format: "batches", fromTimeMs: undefined, toTimeMs: undefined }, () => ({
        nodeId: 1,
        address: "",
        leaderEpoch: 0,
      })),
      budget,
      closed: () => undefined,
    },
    { maxBufferBytes, readBytes: 256 * 1024 },
  );
  session.start();
  /** The client takes what is there. */
  const take = (): boolean => {
    const taken = untaken.splice(0);
    for (const written of taken) written();
    return taken.length > 0;
  };
  return { time, clock, session, got, seen, budget, take };
}

/** Two batches, or what there is. */
const answerOf = ({ partition, start, maxBytes = 0 }: FetchRequestFields): ConsumeResponse => {
  const offset = start?.kind === "offset" ? start.offset : 0;
  const some = Math.min(records - offset, Math.max(1, Math.floor(maxBytes / recordBytes)));
  const batches = Buffer.concat(Array.from({ length: some }, (_, at) => batchAt(offset + at)));
  return {
    ...decodeConsumeResponse(Buffer.alloc(0)),
    partition,
    batches,
    nextOffset: offset + some,
    highWatermark: records,
  };
};

test("a reader that takes nothing costs one buffer, also of partitions that another node leads", async () => {
  let sentBytes = 0;
  const reader = readerOf((request) => {
    const answer = answerOf(request);
    sentBytes += answer.batches.length;
    return answer;
  });
  await reader.time.pass(5_000);
  expect(sentBytes).toBeGreaterThan(0);
  expect(sentBytes).toBeLessThan(2 * maxBufferBytes);
  while (!reader.seen.ended) {
    expect(reader.take() || reader.seen.ended).toBe(true);
    await reader.time.pass(1_000);
  }
  expect([...reader.got.values()]).toEqual(Array.from({ length: count }, () => records));
  // Nothing was fetched and thrown away.
  expect(sentBytes).toBeLessThan(count * records * (recordBytes + 200));
  reader.session.gone();
  expect(reader.budget.heldBytes).toBe(0);
  reader.clock.stop();
});

test("what arrives for a reader at the end of many partitions of other nodes is held within its buffer, too", async () => {
  let sentBytes = 0;
  const waiting: (() => void)[] = [];
  let isWritten = false;
  const reader = readerOf(
    async (request) => {
      if (!isWritten) await new Promise<void>((resolve) => waiting.push(resolve));
      const answer = answerOf(request);
      sentBytes += answer.batches.length;
      return answer;
    },
    { highWatermark: 0 },
  );
  await reader.time.pass(100);
  expect(waiting).toHaveLength(count);
  isWritten = true;
  for (const wake of waiting) wake();
  await reader.time.pass(5_000);
  // One batch each, of which most are not kept; what is fetched from then on has room.
  expect(sentBytes).toBeLessThan(count * (recordBytes + 200) + 2 * maxBufferBytes);
  while (!reader.seen.ended) {
    expect(reader.take() || reader.seen.ended).toBe(true);
    await reader.time.pass(1_000);
  }
  expect([...reader.got.values()]).toEqual(Array.from({ length: count }, () => records));
  reader.session.gone();
  expect(reader.budget.heldBytes).toBe(0);
  reader.clock.stop();
});

test("a leader that does not answer holds up nobody else's partitions", async () => {
  const silent = 8;
  const reader = readerOf((request) =>
    request.partition < silent ? refuse("LEADER_NOT_AVAILABLE", "gone") : answerOf(request),
  );
  for (let round = 0; round < 200; round++) {
    reader.take();
    await reader.time.pass(20);
  }
  expect(reader.seen.failed).toBeUndefined();
  const others = [...reader.got].filter(([partition]) => partition >= silent).map(([, offset]) => offset);
  expect(others).toEqual(Array.from({ length: count - silent }, () => records));
  reader.session.close();
  reader.session.gone();
  expect(reader.budget.heldBytes).toBe(0);
  reader.clock.stop();
});
