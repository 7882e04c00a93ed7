// SPDX-License-Identifier: Apache-2.0
import type { RecordAck, SendRecord } from "@varve/client";
import { describe, expect, it } from "vitest";
import { sendLines, type SendOptions } from "./send-lines.ts";

/** Acknowledges when told to, and remembers what it was given. */
class HeldProducer {
  readonly sent: SendRecord[] = [];
  readonly waiting: (() => void)[] = [];
  mostWaiting = 0;
  failAt: number | undefined;
  private readonly holds: boolean;

  constructor(holds: boolean) {
    this.holds = holds;
  }

  async send(record: SendRecord): Promise<RecordAck> {
    const offset = this.sent.push(record) - 1;
    if (this.holds) {
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
        this.mostWaiting = Math.max(this.mostWaiting, this.waiting.length);
        // The oldest is acknowledged on the next turn: there is always an end.
        setImmediate(() => this.waiting.shift()?.());
      });
    }
    if (offset === this.failAt) throw new Error(`Refused number ${offset}`);
    return { partition: offset % 2, offset, timestampMs: 0, ack: { level: "all", leaderEpoch: 0, durableReplicas: 1 } };
  }

  async flush(): Promise<void> {
    for (const wake of this.waiting.splice(0)) wake();
  }
}

const options = (change: Partial<SendOptions> = {}): SendOptions => ({
  topic: "t",
  reader: { format: "lines" },
  skipHeader: false,
  skipBadLines: false,
  lineBytesMax: 1000,
  inFlightBytesMax: 1 << 20,
  signal: new AbortController().signal,
  ...change,
});

async function* input(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

const nothing = { onAcknowledged: (): void => undefined, onStalled: (): void => undefined };
const values = (producer: HeldProducer): string[] =>
  producer.sent.map((record) => Buffer.from(record.value ?? "null").toString());

describe("sendLines()", () => {
  it("tells when nothing is acknowledged of what is under way, and goes on", async () => {
    const held: (() => void)[] = [];
    const producer = {
      send: async (): Promise<RecordAck> => {
        await new Promise<void>((resolve) => held.push(resolve));
        return { partition: 0, offset: 0, timestampMs: 0, ack: { level: "all", leaderEpoch: 0, durableReplicas: 1 } };
      },
      flush: () => Promise.resolve(),
    };
    const stalled: number[] = [];
    const summary = await sendLines(input("a\nb\n"), producer, options({ stalledMs: 1 }), {
      ...nothing,
      onStalled(records) {
        stalled.push(records);
        for (const acknowledge of held.splice(0)) acknowledge();
      },
    });
    expect(stalled).toEqual([2]);
    expect(summary.records).toBe(2);
  });

  it("sends each line once, in order, and sums up by partition", async () => {
    const producer = new HeldProducer(true);
    let acknowledged = 0;
    const summary = await sendLines(input("a\nb\nc\n"), producer, options(), {
      ...nothing,
      onAcknowledged: (records) => (acknowledged += records),
    });
    expect(values(producer)).toEqual(["a", "b", "c"]);
    expect(acknowledged).toBe(3);
    expect(summary).toMatchObject({
      records: 3,
      bytes: 3,
      badLines: 0,
      interrupted: false,
      partitions: [
        { partition: 0, records: 2, firstOffset: 0, lastOffset: 2 },
        { partition: 1, records: 1, firstOffset: 1, lastOffset: 1 },
      ],
    });
  });

  it("holds no more unacknowledged bytes than it may, and one record", async () => {
    const producer = new HeldProducer(true);
    const lines = Array.from({ length: 50 }, (_, index) => `${index}\n`).join("");
    await sendLines(input(lines), producer, options({ inFlightBytesMax: 1000 }), nothing);
    expect(producer.sent).toHaveLength(50);
    // Each counts 256 bytes and its own one or two.
    expect(producer.mostWaiting).toBeLessThanOrEqual(4);
    expect(producer.mostWaiting).toBeGreaterThan(1);
  });

  it("skips the header and takes names of fields from it", async () => {
    const producer = new HeldProducer(false);
    const reader = { format: "lines", keyField: "id" } as const;
    await sendLines(input("id,x\nk,1\n"), producer, options({ skipHeader: true, reader }), nothing);
    expect(producer.sent.map((record) => String(record.key))).toEqual(["k"]);
    expect(values(producer)).toEqual(["k,1"]);
  });

  it("stops at a bad line and names it, or skips and counts it", async () => {
    const reader = { format: "lines", keyField: "2" } as const;
    const stopping = new HeldProducer(false);
    await expect(sendLines(input("a,1\nb\nc,3\n"), stopping, options({ reader }), nothing)).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining("line 2"),
    });
    expect(values(stopping)).toEqual(["a,1"]);
    const skipping = new HeldProducer(false);
    const summary = await sendLines(input("a,1\nb\nc,3\n"), skipping, options({ reader, skipBadLines: true }), nothing);
    expect(values(skipping)).toEqual(["a,1", "c,3"]);
    expect(summary).toMatchObject({ badLines: 1, complaints: [expect.stringContaining("line 2")] });
  });

  it("takes a line that is too long for a bad one: what is before it is sent, and what is behind it when told so", async () => {
    const text = `a\n${"x".repeat(2000)}\nc\n`;
    const stopping = new HeldProducer(false);
    await expect(sendLines(input(text), stopping, options(), nothing)).rejects.toMatchObject({
      message: expect.stringMatching(/^Cannot send line 2: it is longer than 1000 bytes; raise --max-line-bytes/),
    });
    expect(values(stopping)).toEqual(["a"]);
    const skipping = new HeldProducer(false);
    const summary = await sendLines(input(text), skipping, options({ skipBadLines: true }), nothing);
    expect(values(skipping)).toEqual(["a", "c"]);
    expect(summary).toMatchObject({ records: 2, badLines: 1, complaints: [expect.stringContaining("line 2")] });
    const header = sendLines(
      input(`${"x".repeat(2000)}\n1\n`),
      new HeldProducer(false),
      options({ skipHeader: true, skipBadLines: true }),
      nothing,
    );
    await expect(header).rejects.toMatchObject({ message: expect.stringContaining("line 1") });
  });

  it("fails with the error of the first record that failed", async () => {
    const producer = new HeldProducer(false);
    producer.failAt = 1;
    await expect(sendLines(input("a\nb\nc\n"), producer, options(), nothing)).rejects.toThrow("Refused number 1");
  });

  it("reads no further once interrupted, and says so", async () => {
    const controller = new AbortController();
    const producer = new HeldProducer(false);
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let line = 0; ; line += 1) {
        if (line === 3) controller.abort();
        yield Buffer.from(`${line}\n`);
      }
    }
    const summary = await sendLines(endless(), producer, options({ signal: controller.signal }), nothing);
    expect(summary).toMatchObject({ interrupted: true, records: 3 });
  });
});
