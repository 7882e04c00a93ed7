// SPDX-License-Identifier: Apache-2.0
// Is a partition written to? One record after the other to each, and when it was acknowledged: by way of a node that stays alive,
// which forwards to the leader that it knows, and through the SDK, which finds its own way.

import { Metadata, credentials } from "@grpc/grpc-js";
import { type LogClient, type ProduceResponse, channelOptions, errorFromStatus, loadServices } from "@varve/api";
import { Client } from "@varve/client";
import type { Probe, ProbeReport, Sample, StopProbe } from "./load-types.ts";

/** Between an acknowledgement and the next record; after a refusal; and for how long one record may be without answer. */
const paceMs = 100;
const retryMs = 10;
const patienceMs = 400;

/** Begins at once. @returns how to stop it, and to hear what was seen */
export function probe({ entries, addresses, topic, partitions }: Probe): (request: StopProbe) => Promise<ProbeReport> {
  const services = loadServices();
  const clients = entries.map((address) =>
    services.openLogClient(address, credentials.createInsecure(), channelOptions),
  );
  const sdk = new Client({ addresses });
  const producer = sdk.producer({ lingerMs: 0 });
  const report = { direct: {}, sdk: {}, refusals: {} } as {
    readonly direct: Record<number, Sample[]>;
    readonly sdk: Record<number, Sample[]>;
    readonly refusals: Record<string, number>;
  };
  const state = { isOver: false };
  const refused = (error: unknown): void => {
    const why = error instanceof Error && "reason" in error ? String(error.reason) : String(error);
    report.refusals[why] = (report.refusals[why] ?? 0) + 1;
  };
  const run = async (samples: Sample[], send: () => Promise<unknown>): Promise<void> => {
    while (!state.isOver) {
      const sentMs = Date.now();
      try {
        await send();
        samples.push({ sentMs, ackedMs: Date.now() });
        await pause(paceMs);
      } catch (error) {
        refused(error);
        await pause(retryMs);
      }
    }
  };
  const value = Buffer.alloc(100, 97);
  const running = partitions.flatMap((partition, index) => {
    const direct = (report.direct[partition] = []);
    const client = clients[index % clients.length] as LogClient;
    const request = { topic, partition, records: [{ value }], timeoutMs: patienceMs };
    const probes = [run(direct, () => produce(client, request))];
    // A quarter of them: it is one client.
    if (index % 4 === 0) {
      const bySdk = (report.sdk[partition] = []);
      probes.push(run(bySdk, () => producer.send({ topic, partition, value })));
    }
    return probes;
  });
  return async ({ afterMs, patienceMs: stopMs }) => {
    const all = [...Object.values(report.direct), ...Object.values(report.sdk)];
    const isSeen = (samples: readonly Sample[]): boolean => (samples.at(-1)?.sentMs ?? 0) >= afterMs;
    while (!all.every(isSeen) && Date.now() < afterMs + stopMs) await pause(retryMs);
    state.isOver = true;
    // Whatever the SDK still tries ends with it.
    setTimeout(() => sdk.destroy(), 1_000);
    await Promise.all(running);
    sdk.destroy();
    for (const client of clients) client.close();
    return report;
  };
}

function produce(client: LogClient, request: Parameters<LogClient["Produce"]>[0]): Promise<ProduceResponse> {
  return new Promise((resolve, reject) => {
    client.Produce(request, new Metadata(), { deadline: Date.now() + 2 * patienceMs }, (error, response) => {
      if (error !== null) reject(errorFromStatus(error));
      else if (response?.results[0]?.error !== undefined) reject(new Error(response.results[0].error.reason));
      else resolve(response as ProduceResponse);
    });
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
