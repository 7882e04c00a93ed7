import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configKeys, environmentName } from "./keys.ts";
import { resolveConfig } from "./resolve-config.ts";
import type { ConfigError, ConfigSources, NodeConfig } from "./resolve-config.ts";

const none: ConfigSources = { flags: {}, env: {} };

function configOf(sources: Partial<ConfigSources>): NodeConfig {
  const resolved = resolveConfig({ ...none, ...sources });
  if ("errors" in resolved) throw new Error(resolved.errors.map((error) => error.message).join("\n"));
  return resolved.config;
}

function errorsOf(sources: Partial<ConfigSources>): readonly ConfigError[] {
  const resolved = resolveConfig({ ...none, ...sources });
  return "errors" in resolved ? resolved.errors : [];
}

const file = (content: unknown): Pick<ConfigSources, "file"> => ({ file: { path: "varve.yaml", content } });

describe("resolveConfig", () => {
  it("is a complete single node without any source", () => {
    expect(configOf({})).toMatchObject({
      dataDir: "./varve-data",
      nodeId: undefined,
      grpc: { host: "127.0.0.1", port: 9094 },
      http: { host: "127.0.0.1", port: 8080 },
      retentionIntervalMs: 60_000,
      queuedBytesMax: 32 * 1024 * 1024,
      compactionBytesPerSecond: 32 * 1024 * 1024,
      topicDefaults: {},
    });
  });

  it("takes flags over environment over file over defaults, and says where each value came from", () => {
    const sources = {
      flags: { dataDir: "/flag", http: undefined },
      env: { VARVE_DATA_DIR: "/env", VARVE_NODE_ID: "7", PATH: "/bin" },
      ...file({ "data-dir": "/file", "node-id": 3, grpc: 1234 }),
    };
    const resolved = resolveConfig(sources);
    if ("errors" in resolved) throw new Error("Refused");
    expect(resolved.config).toMatchObject({ dataDir: "/flag", nodeId: 7, grpc: { host: "127.0.0.1", port: 1234 } });
    const origin = (key: string) => resolved.origins.find((candidate) => candidate.key === key);
    expect(origin("data-dir")).toMatchObject({ value: "/flag", source: "flag", where: "--data-dir" });
    expect(origin("node-id")).toMatchObject({ value: "7", source: "environment", where: "VARVE_NODE_ID" });
    expect(origin("grpc")).toMatchObject({ value: "1234", source: "file", where: "varve.yaml" });
    expect(origin("http")).toMatchObject({ value: "127.0.0.1:8080", source: "default" });
    expect(origin("rack")).toMatchObject({ value: undefined, where: "none" });
    expect(resolved.origins.map(({ key }) => key)).toEqual(configKeys.map(({ name }) => name));
  });

  it.each([
    [{ flags: { "data-dri": "x" } }, "data-dir"],
    [{ env: { VARVE_DATADIR: "x" } }, "VARVE_DATA_DIR"],
    [{ env: { VARVE_NODE_IDD: "1" } }, "VARVE_NODE_ID"],
    [file({ dataDir: "x" }), "data-dir"],
    [file({ topic: { "retention.mss": "1d" } }), "topic.retention.ms"],
    [file({ log: { level: "info" } }), "log-level"],
  ])("names the nearest key for an unknown one: %j", (sources, nearest) => {
    const errors = errorsOf(sources);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ nearest });
    expect(errors[0]?.message).toContain(`Did you mean "${nearest}"?`);
  });

  it("does not look at variables that belong to others", () => {
    expect(errorsOf({ env: { VARVE_ADDRESS: "x" }, otherEnvironmentNames: ["VARVE_ADDRESS"] })).toEqual([]);
    expect(errorsOf({ env: { VARVE_ADDRESS: "x" } })).toHaveLength(1);
  });

  it.each([
    [{ flags: { grpc: "nowhere:x" } }, "--grpc cannot be"],
    [{ flags: { nodeId: "-1" } }, "--node-id cannot be"],
    [{ env: { VARVE_LOG_LEVEL: "loud" } }, 'VARVE_LOG_LEVEL cannot be "loud": expected debug or info or warn or error'],
    [file({ "node-id": [1] }), '"node-id" in "varve.yaml" cannot be'],
    [file({ "tail-cache-bytes": "1kB" }), "expected a number of bytes"],
    [file({ topic: { "cleanup.policy": "compacted" } }), 'expected "delete" or "compact"'],
    [file(["a"]), "expected keys and values"],
    [file("text"), "expected keys and values"],
  ])("refuses an illegal value with where it is and what is expected: %j", (sources, message) => {
    expect(
      errorsOf(sources)
        .map((error) => error.message)
        .join("\n"),
    ).toContain(message);
  });

  it("refuses an illegal value also where another source overrides it", () => {
    expect(errorsOf({ flags: { grpc: "9094" }, env: { VARVE_GRPC: "x" } })).toHaveLength(1);
  });

  it("reports all errors at once", () => {
    expect(errorsOf({ flags: { grpc: "x", http: "y" }, env: { VARVE_WHAT: "1" } })).toHaveLength(3);
  });

  it("refuses what contradicts itself", () => {
    expect(errorsOf({ flags: { grpc: "8080" } })[0]).toMatchObject({ key: "http" });
    expect(errorsOf({ flags: { grpc: "0", http: "0" } })).toEqual([]);
    expect(errorsOf({ flags: { queuedBytesMax: "1GiB" } })[0]).toMatchObject({
      key: "queued-bytes-max",
      source: "flag",
    });
  });

  it("reads listeners, durations, sizes and topic defaults in every form", () => {
    const config = configOf({
      flags: { grpc: "[::1]:0", http: "off", insecure: true, "shutdown-timeout": "1m" },
      env: { VARVE_TOPIC_FLUSH: "OS", VARVE_ADVERTISED: "broker-1:9000" },
      ...file({ topic: { "retention.ms": "2h", segment: { bytes: 65_536 } }, "queued-bytes-max": "32MiB" }),
    });
    expect(config).toMatchObject({
      grpc: { host: "::1", port: 0 },
      http: false,
      insecure: true,
      shutdownTimeoutMs: 60_000,
      advertised: { host: "broker-1", port: 9000 },
      queuedBytesMax: 32 * 1024 * 1024,
      topicDefaults: { flush: "os", "retention.ms": "7200000", "segment.bytes": "65536" },
    });
  });

  it("reads the nodes of a cluster, and refuses what makes none", () => {
    const secret = "0123456789abcdef";
    const config = configOf({
      flags: {
        peers: "1@a:9093, 2@[::1]:9093",
        peer: "0.0.0.0:9093",
        nodeId: "1",
        "peer-advertised": "a.example:7000",
      },
      env: { VARVE_CLUSTER_SECRET: secret },
    });
    expect(config).toMatchObject({
      peers: [
        { nodeId: 1, host: "a", port: 9093 },
        { nodeId: 2, host: "::1", port: 9093 },
      ],
      peerAdvertised: { host: "a.example", port: 7_000 },
      clusterSecret: secret,
      sessionTimeoutMs: 3_000,
    });
    expect(configOf(file({ peers: ["7@h:1"] })).peers).toEqual([{ nodeId: 7, host: "h", port: 1 }]);
    expect(errorsOf({ flags: { peers: "a:9093" } })[0]?.message).toContain('such as 1@varve-1:9093, not "a:9093"');
    expect(errorsOf({ env: { VARVE_CLUSTER_SECRET: secret } })[0]?.message).toContain('of no use without "peers"');
    expect(errorsOf({ flags: { peerAdvertised: "a" } })[0]?.message).toContain('of no use without "peers"');
    expect(errorsOf({ flags: { peers: "1@a:1", heartbeatInterval: "2s" } })[0]?.message).toContain("three times");
    expect(
      errorsOf({ flags: { peers: "1@a:1", clusterSecretFile: "x" }, env: { VARVE_CLUSTER_SECRET: secret } }),
    ).toMatchObject([{ key: "cluster-secret-file" }]);
  });

  it("never prints a secret, and takes none from a flag", () => {
    const env = { VARVE_CLUSTER_SECRET: "0123456789abcdef", VARVE_PEERS: "1@a:1" };
    const resolved = resolveConfig({ flags: {}, env });
    expect(JSON.stringify("origins" in resolved ? resolved.origins : "")).not.toContain("0123456789abcdef");
    const short = errorsOf({ env: { ...env, VARVE_CLUSTER_SECRET: "too-short" } });
    expect(short[0]?.message).toContain("16 to 1024 characters");
    expect(short[0]?.message).not.toContain("too-short");
    expect(errorsOf({ flags: { clusterSecret: "0123456789abcdef" } })[0]?.message).toContain("--cluster-secret-file");
  });

  it("has distinct environment names for all keys", () => {
    expect(new Set(configKeys.map((key) => environmentName(key.name))).size).toBe(configKeys.length);
  });

  it("answers whatever is in the sources, and never throws", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything()), fc.anything(), (flags, content) => {
        const resolved = resolveConfig({ flags, env: {}, file: { path: "f", content } });
        expect("errors" in resolved || "config" in resolved).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
