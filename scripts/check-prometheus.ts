// SPDX-License-Identifier: Apache-2.0
// A real Prometheus and three nodes: deploy/prometheus as it is, but for the addresses and a shorter interval, scrapes them under a
// load. Every query of the dashboard has to give numbers, every rule has to be evaluated, every metric they name has to be there;
// and when a node is gone, the alerts that should say so do.
//
//   node --import tsx scripts/check-prometheus.ts /usr/bin/prometheus

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Metadata, credentials } from "@grpc/grpc-js";
import { type LogClient, channelOptions, loadServices } from "@varve/api";
import { Broker, silentLogger } from "@varve/broker";
import { type Client, connect } from "@varve/client";
import { freePort } from "@varve/test-e2e/free-port";

const deploy = fileURLToPath(new URL("../deploy/", import.meta.url));
const topic = "load";
const patienceMs = 90_000;

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface Rule {
  readonly name: string;
  readonly query: string;
  readonly state: "inactive" | "pending" | "firing";
  readonly health: string;
  readonly lastError?: string;
}

/** Prometheus as a child of this process. */
class Prometheus {
  readonly #child: ChildProcess;
  readonly #address: string;
  readonly #ended: Promise<unknown>;
  #output = "";

  constructor(binary: string, directory: string, port: number) {
    this.#address = `127.0.0.1:${port}`;
    this.#child = spawn(
      binary,
      [
        `--config.file=${join(directory, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(directory, "prometheus-data")}`,
        `--web.listen-address=${this.#address}`,
        "--log.level=warn",
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const take = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-10_000);
    };
    this.#child.stdout?.on("data", take);
    this.#child.stderr?.on("data", take);
    this.#ended = once(this.#child, "close");
    this.#ended.catch((error: unknown) => take(Buffer.from(String(error))));
  }

  get output(): string {
    return this.#output;
  }

  async ask<Answer>(path: string): Promise<Answer> {
    const response = await fetch(`http://${this.#address}/api/v1/${path}`, { signal: AbortSignal.timeout(5_000) });
    const { status, data, error } = (await response.json()) as { status: string; data: Answer; error?: string };
    if (status !== "success") throw new Error(`Prometheus refuses "${path}": ${error}`);
    return data;
  }

  async query(expression: string): Promise<readonly Sample[]> {
    const { result } = await this.ask<{ result: readonly Sample[] }>(`query?query=${encodeURIComponent(expression)}`);
    return result;
  }

  async rules(): Promise<readonly Rule[]> {
    const { groups } = await this.ask<{ groups: readonly { readonly rules: readonly Rule[] }[] }>("rules");
    return groups.flatMap(({ rules }) => rules);
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended.catch(() => undefined);
  }
}

async function startNodes(directory: string): Promise<Broker[]> {
  const peers: { nodeId: number; host: string; port: number }[] = [];
  for (const nodeId of [1, 2, 3]) peers.push({ nodeId, host: "127.0.0.1", port: await freePort() });
  return Promise.all(
    peers.map(({ nodeId }) =>
      Broker.start({
        dataDir: join(directory, `data-${nodeId}`),
        allowTmpfs: true,
        nodeId,
        listeners: { grpc: { port: 0 }, http: { port: 0 } },
        cluster: { peers, reserveBytes: 0, ballastBytes: 0 },
        logger: silentLogger(),
      }),
    ),
  );
}

/** What the panels are to show: records in and out through one node, wherever they are led, and a refusal now and then. */
async function keepBusy(client: Client, log: LogClient, isOver: () => boolean): Promise<void> {
  const value = Buffer.alloc(200, "x");
  while (!isOver()) {
    for (let partition = 0; partition < 3; partition++) {
      // Not through the client, which would go to the leader.
      await new Promise<void>((resolve, reject) => {
        log.Produce({ topic, partition, acks: "all", records: [{ value }] }, new Metadata(), {}, (error) =>
          error === null ? resolve() : reject(error),
        );
      });
    }
    await client.admin.describeTopic({ topic: "nobody-made-this" }).catch(() => undefined);
    const reader = client.reader({ topic, to: { kind: "latest-at-start" } });
    for await (const _ of reader) if (isOver()) break;
    await reader.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function until<Answer>(what: string, look: () => Promise<Answer | undefined>): Promise<Answer> {
  const endMs = performance.now() + patienceMs;
  let last: unknown = "no answer";
  while (performance.now() < endMs) {
    try {
      const found = await look();
      if (found !== undefined) return found;
      last = "not yet";
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`Waited ${patienceMs / 1000} s in vain until ${what}: ${String(last)}`);
}

/** deploy/prometheus with these targets, and everything every second. */
async function writeConfiguration(directory: string, targets: readonly string[]): Promise<void> {
  const text = await readFile(join(deploy, "prometheus/prometheus.yml"), "utf8");
  const mine = text
    .replace(/targets: \[.*\]/, `targets: ${JSON.stringify(targets)}`)
    .replaceAll(/_interval: 5s/g, "_interval: 1s");
  if (mine === text || !mine.includes(targets[0] ?? ""))
    throw new Error("deploy/prometheus/prometheus.yml has changed");
  await writeFile(join(directory, "prometheus.yml"), mine);
  await copyFile(join(deploy, "prometheus/alerts.yml"), join(directory, "alerts.yml"));
}

async function dashboardQueries(): Promise<string[]> {
  const text = await readFile(join(deploy, "grafana/dashboards/varve.json"), "utf8");
  const { panels } = JSON.parse(text) as { panels: { targets?: { expr: string }[] }[] };
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

async function check(prometheus: Prometheus, nodes: readonly Broker[]): Promise<void> {
  await until("all three nodes are scraped", async () => {
    const up = await prometheus.query('up{job="varve"} == 1');
    return up.length === nodes.length ? up : undefined;
  });
  console.log(`${nodes.length} nodes are scraped`);

  const queries = await dashboardQueries();
  for (const query of queries) {
    await until(`"${query}" gives numbers`, async () => {
      const samples = await prometheus.query(query);
      return samples.some(({ value }) => Number.isFinite(Number(value[1]))) ? samples : undefined;
    });
  }
  console.log(`${queries.length} queries of the dashboard give numbers`);

  const alerts = await readFile(join(deploy, "prometheus/alerts.yml"), "utf8");
  const written = alerts.match(/^\s*- alert:/gm)?.length ?? 0;
  const rules = await until("all rules are evaluated", async () => {
    const found = await prometheus.rules();
    return found.length === written && found.every(({ health }) => health === "ok") ? found : undefined;
  });
  const names = new Set(rules.flatMap(({ query }) => query.match(/varve_\w+/g) ?? []));
  for (const name of names) {
    await until(`there is a metric "${name}", which a rule names`, async () => {
      const found = await prometheus.query(name);
      return found.length > 0 ? found : undefined;
    });
  }
  console.log(`${rules.length} rules are evaluated, and the ${names.size} metrics that they name are there`);
  const wrong = rules.filter(({ name, state }) => state !== "inactive" && downAlerts.includes(name));
  if (wrong.length > 0) throw new Error(`Nothing is wrong, and still: ${wrong.map(({ name }) => name).join(", ")}`);
}

/** What has to be told when a node is gone. */
const downAlerts = ["VarveNodeDown", "VarveBrokerFenced", "VarvePartitionsUnderReplicated"];

async function checkDown(prometheus: Prometheus, node: Broker): Promise<void> {
  await node.close();
  await until(`a node that is gone sets off ${downAlerts.join(", ")}`, async () => {
    const on = (await prometheus.rules()).filter(({ state }) => state !== "inactive").map(({ name }) => name);
    return downAlerts.every((name) => on.includes(name)) ? on : undefined;
  });
  console.log(`a node is gone: ${downAlerts.join(", ")}`);
}

async function main(binary: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "varve-prometheus-"));
  const closers: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    const nodes = await startNodes(directory);
    closers.push(() => Promise.all(nodes.map((node) => node.close())));
    const address = nodes[0]?.addresses.grpc ?? "";
    const client = await connect({ addresses: [address] });
    closers.push(() => client.close());
    const log = loadServices().openLogClient(address, credentials.createInsecure(), channelOptions);
    closers.push(async () => log.close());
    await client.admin.createTopic({ topic, partitions: 3, replicationFactor: 3 });
    const configuration = join(directory, "configuration");
    await mkdir(configuration);
    await writeConfiguration(
      configuration,
      nodes.map(({ addresses }) => addresses.http ?? ""),
    );
    const prometheus = new Prometheus(binary, configuration, await freePort());
    closers.push(() => prometheus.stop());
    let isOver = false;
    const consumer = client.consumer({ group: "readers", topics: [topic], start: { kind: "earliest" } });
    const load = Promise.all([keepBusy(client, log, () => isOver), consumer.run(async () => undefined)]);
    load.catch(() => undefined);
    try {
      await check(prometheus, nodes);
      isOver = true;
      await consumer.close();
      await load;
      await checkDown(prometheus, nodes[2] as Broker);
    } catch (error) {
      throw new Error(`${String(error)}\n${prometheus.output}`, { cause: error });
    } finally {
      isOver = true;
    }
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

await main(process.argv[2] ?? "prometheus");
