// SPDX-License-Identifier: Apache-2.0
// Data for many partitions, by as few streams as there are leaders.

import { Client, type ClientDuplexStream, Metadata, credentials } from "@grpc/grpc-js";
import { channelOptions, decodeProduceStreamResponse, encodeProduceStreamRequest } from "@varve/api";
import { buildBatch } from "@varve/format";
import type { Fill, Target } from "./load-types.ts";

const valueBytes = 1_000;
const batchBytesMax = 65_536;
/** Unanswered on one stream. */
const inFlight = 32;
const identity = (bytes: Buffer): Buffer => bytes;

export async function fill({ targets, bytesEach }: Fill): Promise<void> {
  const records = Math.max(1, Math.floor(Math.min(bytesEach, batchBytesMax) / (valueBytes + 12)));
  const value = Buffer.alloc(valueBytes, 97);
  const batch = buildBatch(Array.from({ length: records }, () => ({ value, timestampMs: 1_700_000_000_000 })));
  const each = Math.ceil(bytesEach / batch.length);
  const addresses = [...new Set(targets.map(({ address }) => address))];
  await Promise.all(
    addresses.map((address) => {
      const here = targets.filter((target) => target.address === address);
      const requests = Array.from({ length: each * here.length }, (_, index) => here[index % here.length] as Target);
      return sendAll(address, requests, batch);
    }),
  );
}

/** What is refused because a leader has just changed goes out again: the node forwards it by then. */
function sendAll(address: string, requests: readonly Target[], batch: Uint8Array): Promise<void> {
  const client = new Client(address, credentials.createInsecure(), channelOptions);
  const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
    "/varve.v1.Log/ProduceStream",
    identity,
    identity,
    new Metadata(),
    {},
  );
  const waiting = requests.toReversed();
  const sent: Target[] = [];
  let answered = 0;
  return new Promise<void>((resolve, reject) => {
    const send = (): void => {
      for (let target = waiting.at(-1); target !== undefined && sent.length - answered < inFlight;) {
        waiting.pop();
        sent.push(target);
        call.write(encodeProduceStreamRequest({ topic: target.topic, partition: target.partition, batch }));
        target = waiting.at(-1);
      }
      if (answered === sent.length) call.end();
    };
    call.on("data", (bytes: Buffer) => {
      for (const outcome of decodeProduceStreamResponse(bytes)) {
        const target = sent[answered++] as Target;
        const error = outcome.kind === "error" ? outcome.error : outcome.response.results[0]?.error;
        if (error?.retriable === true) waiting.unshift(target);
        else if (error !== undefined) reject(new Error(`Refused: ${error.message}`));
      }
      send();
    });
    call.on("error", reject);
    call.on("end", resolve);
    send();
  }).finally(() => client.close());
}
