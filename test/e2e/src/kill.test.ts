// kill -9 of a node while an idempotent producer waits for acks=all. The page cache survives a killed process, so this proves
// no sync; it proves that a start finds what was acknowledged, that a retry stores nothing twice, and that order is kept.

import { connect } from "@varve/client";
import type { RecordAck } from "@varve/client";
import { describe, expect, it } from "vitest";
import { afterThisTest, newDirectory, until } from "./clean-up.ts";
import { VarveNode } from "./varve-process.ts";

/** `npm run soak` asks for more. */
const kills = Number(process.env["VARVE_KILLS"] ?? 3);
const partitions = 3;

describe("kill -9 in the middle of acks=all", () => {
  it("loses nothing acknowledged, stores nothing twice, keeps the order", async () => {
    const dataDir = await newDirectory();
    let node = await VarveNode.start({ dataDir });
    const { address } = node;
    const client = await connect({ address });
    afterThisTest(() => client.close());
    await client.admin.createTopic({ topic: "ledger", partitions });
    const producer = client.producer({ acks: "all", idempotent: true, batchBytes: 4_096 });

    const acknowledged = new Map<string, RecordAck>();
    const sending: Promise<void>[] = [];
    let sent = 0;
    const stopped = new AbortController();
    const send = async (): Promise<void> => {
      while (!stopped.signal.aborted) {
        for (let burst = 0; burst < 20; burst += 1) {
          const value = `${sent}`;
          const partition = sent % partitions;
          sent += 1;
          sending.push(
            producer.send({ topic: "ledger", partition, value, key: `key-${value}` }).then((ack) => {
              acknowledged.set(value, ack);
            }),
          );
        }
        await until("fewer than 2000 records on their way", () => sent - acknowledged.size < 2_000, 60_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const pumping = send();

    for (let round = 0; round < kills; round += 1) {
      const before = acknowledged.size;
      await until("records are acknowledged", () => acknowledged.size > before + 300 * (1 + (round % 5)));
      await node.kill();
      expect(sent).toBeGreaterThan(acknowledged.size);
      node = await VarveNode.start({ dataDir, address });
    }
    const before = acknowledged.size;
    await until("records are acknowledged after the last start", () => acknowledged.size > before + 100);
    stopped.abort();
    await pumping;
    await Promise.all(sending);
    expect(acknowledged.size).toBe(sent);

    const seen = new Map<string, number>();
    for (let partition = 0; partition < partitions; partition += 1) {
      let previous = -1;
      let nextOffset = 0;
      const reader = client.reader({ topic: "ledger", partitions: [partition], to: { kind: "latest-at-start" } });
      for await (const record of reader) {
        const value = Buffer.from(record.value ?? []).toString();
        expect(record.offset).toBe(nextOffset);
        nextOffset += 1;
        expect(Number(value)).toBeGreaterThan(previous);
        previous = Number(value);
        seen.set(value, (seen.get(value) ?? 0) + 1);
        expect(acknowledged.get(value)).toMatchObject({ partition, offset: record.offset });
      }
    }
    expect(seen.size).toBe(sent);
    expect([...seen.values()].every((count) => count === 1)).toBe(true);
    expect(await node.stop()).toBe(0);
  });
});
