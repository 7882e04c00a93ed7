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

function sendAll(address: string, requests: readonly Target[], batch: Uint8Array): Promise<void> {
  const client = new Client(address, credentials.createInsecure(), channelOptions);
  const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
    "/varve.v1.Log/ProduceStream",
    identity,
    identity,
    new Metadata(),
    {},
  );
  let sent = 0;
  let answered = 0;
  return new Promise<void>((resolve, reject) => {
    const send = (): void => {
      for (; sent < requests.length && sent - answered < inFlight; sent++) {
        const { topic, partition } = requests[sent] as Target;
        call.write(encodeProduceStreamRequest({ topic, partition, batch }));
      }
      if (answered === requests.length) call.end();
    };
    call.on("data", (bytes: Buffer) => {
      for (const outcome of decodeProduceStreamResponse(bytes)) {
        answered++;
        const error = outcome.kind === "error" ? outcome.error : outcome.response.results[0]?.error;
        if (error !== undefined) reject(new Error(`Refused: ${error.message}`));
      }
      send();
    });
    call.on("error", reject);
    call.on("end", resolve);
    send();
  }).finally(() => client.close());
}
