import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Broker } from "./broker.ts";
import { warnWhenExposed } from "./listeners.ts";
import { silentLogger } from "./logger.ts";
import { TestBroker, bytes, text, until } from "./testing/test-broker.ts";

test("Broker takes records and gives them back, on the same directory again after a restart", async () => {
  await using server = await TestBroker.start();
  await server.createTopic("quakes");
  const produced = await server.produce({
    topic: "quakes",
    partition: 0,
    records: [
      { key: bytes("k"), value: bytes("v"), headers: [{ key: "h", value: bytes("x") }], timestampMs: 1_000 },
      { value: bytes("second"), timestampMs: 2_000 },
    ],
  });
  expect(produced.results).toMatchObject([
    { partition: 0, baseOffset: 0, lastOffset: 1, ack: { level: "all", durableReplicas: 1 }, duplicate: false },
  ]);
  const read = async (): Promise<unknown[]> => {
    const messages = await server.consumeAll({ topic: "quakes", end: { kind: "latest-at-start" } });
    return messages.flatMap((message) =>
      message.records.map((record) => [record.offset, text(record.key), text(record.value), record.timestampMs]),
    );
  };
  const expected = [
    [0, "k", "v", 1_000],
    [1, null, "second", 2_000],
  ];
  expect(await read()).toEqual(expected);
  await server.restart();
  expect(await read()).toEqual(expected);
  const again = await server.produce({ topic: "quakes", partition: 0, records: [{ value: bytes("third") }] });
  expect(again.results[0]?.baseOffset).toBe(2);
  // Every start begins a new leader epoch (J-3).
  expect(again.results[0]?.ack?.leaderEpoch).toBeGreaterThan(produced.results[0]?.ack?.leaderEpoch ?? Infinity);
});

test("Broker keeps a second one out of its directory, and a failed start leaves nothing open", async () => {
  await using server = await TestBroker.start();
  const second = Broker.start({
    dataDir: server.dataDir,
    listeners: { grpc: { port: 0 }, http: false },
    logger: silentLogger(),
  });
  await expect(second).rejects.toMatchObject({ code: "DATA_DIRECTORY_LOCKED" });
  const port = Number(server.broker.addresses.grpc.split(":")[1]);
  const other = await mkdtemp(join(tmpdir(), "varve-broker-"));
  const options = { dataDir: other, listeners: { grpc: { port }, http: false as const }, logger: silentLogger() };
  await expect(Broker.start(options)).rejects.toMatchObject({ code: "LISTEN" });
  // The directory is free again.
  const third = await Broker.start({ ...options, listeners: { grpc: { port: 0 }, http: false } });
  await third.close();
  await rm(other, { recursive: true });
});

test("Broker serves metrics, liveness and readiness over HTTP", async () => {
  await using server = await TestBroker.start();
  await server.createTopic("m");
  await server.produce({ topic: "m", partition: 0, records: [{ value: bytes("v") }] });
  await server.produce({ topic: "nowhere", partition: 0, records: [{ value: bytes("v") }] }).catch(() => undefined);
  await server.consumeAll({ topic: "m", end: { kind: "latest-at-start" } });
  const get = async (path: string): Promise<string> =>
    (await globalThis.fetch(`http://${server.broker.addresses.http}${path}`)).text();
  expect(await get("/healthz")).toBe("ok\n");
  expect(await get("/readyz")).toBe("ready\n");
  const metrics = await get("/metrics");
  for (const line of [
    'varve_produce_records_total{topic="m"} 1',
    'varve_fetch_records_total{topic="m"} 1',
    'varve_produce_latency_seconds_count{topic="m"} 1',
    'varve_errors_total{reason="UNKNOWN_TOPIC"} 1',
    'varve_partitions{state="open"} 1',
    "varve_event_loop_delay_seconds",
    "varve_open_consume_streams 0",
    "varve_journal_bytes ",
    "varve_journal_rounds_total ",
    'varve_group_commit_seconds_bucket{le="0.0001"}',
    'varve_group_commit_bytes_bucket{le="256"}',
  ]) {
    expect(metrics).toContain(line);
  }
  const of = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(metrics)?.[1]);
  // A new partition, the epoch it begins with, and one batch: rounds that only seal are not among them.
  expect(of("varve_group_commit_seconds_count")).toBeGreaterThanOrEqual(2);
  expect(of("varve_group_commit_seconds_count")).toBeLessThanOrEqual(3);
  expect(of("varve_group_commit_seconds_sum")).toBeGreaterThan(0);
  expect(of("varve_group_commit_bytes_sum")).toBeGreaterThanOrEqual(61);
  expect(of("varve_group_commit_bytes_sum")).toBeLessThan(256);
  expect(await server.broker.metrics.getMetricsAsJSON()).toContainEqual(
    expect.objectContaining({ name: "varve_produce_latency_seconds" }),
  );
  const lines = metrics.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(
    lines.filter((line) => !/^varve_[a-z_]+(\{[^}]*\})? -?[0-9.e+-]+$/.test(line) && !line.endsWith(" Nan")),
  ).toEqual([]);
});

test("docs/metrics.md has every metric with its help, and no other", async () => {
  await using server = await TestBroker.start();
  const text = await readFile(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `(varve_[a-z_]+)` +\| (\w+) +\| (.*?) +\|/gm)].map((row) =>
    row.slice(1, 4).join(" | "),
  );
  const metrics = await server.broker.metrics.getMetricsAsJSON();
  expect(rows).toEqual(metrics.map(({ name, type, help }) => `${name} | ${String(type)} | ${help}`));
});

test("Broker.close() answers what is under way, ends readers with SHUTTING_DOWN, and takes nothing more", async () => {
  await using server = await TestBroker.start();
  await server.createTopic("t");
  const reading = server.consumeAll({ topic: "t" }).catch((error: unknown) => error);
  const parked = server.fetch({ topic: "t", partition: 0, maxWaitMs: 60_000 });
  await until("both wait", () => server.broker.stats().fetch.waitingReaders === 2);
  const produced = Array.from({ length: 20 }, (_, n) =>
    server.produce({ topic: "t", partition: 0, records: [{ value: bytes(String(n)) }] }).then(
      () => true,
      () => false,
    ),
  );
  await until("some have arrived", () => server.broker.stats().produce.records > 0);
  const started = performance.now();
  await server.broker.close();
  // Long before the parked call would have ended by itself.
  expect(performance.now() - started).toBeLessThan(30_000);
  const acknowledged = (await Promise.all(produced)).filter(Boolean).length;
  expect(await reading).toMatchObject({ reason: "SHUTTING_DOWN" });
  await parked.catch(() => undefined);
  await server.restart();
  const messages = await server.consumeAll({ topic: "t", end: { kind: "latest-at-start" } });
  const kept = messages.reduce((sum, message) => sum + message.records.length, 0);
  expect(kept).toBeGreaterThanOrEqual(acknowledged);
  expect(acknowledged).toBeGreaterThan(0);
});

test("Broker warns when it listens beyond this machine, unless that is meant", () => {
  const warnings: string[] = [];
  const logger = { ...silentLogger(), warn: (_: object, event: string) => warnings.push(event) };
  const listeners = { grpc: { host: "0.0.0.0" }, http: { host: "127.0.0.1" } };
  const emitted: unknown[] = [];
  const listen = (warning: Error): unknown => emitted.push(warning);
  process.on("warning", listen);
  warnWhenExposed({ listeners, insecure: true }, logger);
  warnWhenExposed({ listeners: { grpc: { host: "localhost" }, http: { host: "::1" } } }, logger);
  expect(warnings).toEqual([]);
  warnWhenExposed({ listeners }, logger);
  expect(warnings).toEqual([expect.stringContaining("grpc on 0.0.0.0")]);
  process.off("warning", listen);
});

test("Broker.close() leaves no listener in the process, however often it is started", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "varve-broker-"));
  const listeners = (): number => process.getActiveResourcesInfo().filter((name) => name === "TCPServerWrap").length;
  const before = listeners();
  for (let round = 0; round < 2; round++) {
    const broker = await Broker.start({
      dataDir,
      listeners: { grpc: { port: 0 }, http: { port: 0 } },
      logger: silentLogger(),
    });
    expect(listeners()).toBe(before + 2);
    // Twice is the same promise.
    expect(broker.close()).toBe(broker.close());
    await broker.close();
    await until("the listeners are gone", () => listeners() === before);
  }
  await rm(dataDir, { recursive: true });
});
