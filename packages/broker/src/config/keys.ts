// Every key of a node's configuration, once: the name under which it is a flag (--data-dir), an environment variable
// (VARVE_DATA_DIR) and a key of the file (data-dir), its type, its default and its meaning. `varve config` and the docs print
// this table. Keys "topic.<name>" are the cluster's defaults of topic configs; their rules are those of `cluster`.

import { checkTopicConfig, describeTopicConfig } from "@varve/cluster";
import { z } from "zod";
import { advertised, choice, flag, listener, listenerOrOff, number, peers, text } from "./parsers.ts";

export interface ConfigKey {
  readonly name: string;
  readonly about: string;
  readonly schema: z.ZodType;
  /** As somebody would write it; undefined: unset, and `unset` says what happens then. */
  readonly default: string | undefined;
  readonly unset?: string;
  /** It is never printed, and no flag sets it: everybody on the machine can read those. */
  readonly secret?: true;
}

const mebibyte = 1024 * 1024;
const day = 86_400_000;

const nodeKeys = {
  "data-dir": {
    about: "Where the node keeps everything. One process at a time.",
    schema: text({ max: 4_096, expected: "a path" }),
    default: "./varve-data",
  },
  "node-id": {
    about: "Number of this node in the cluster.",
    schema: number({ unit: "count", min: 0, max: 0x7fff_ffff }),
    default: undefined,
    unset: "what the data directory says, else 0",
  },
  "cluster-id": {
    about: "Identity of the cluster.",
    schema: text({ max: 64, pattern: /^[A-Za-z0-9_-]+$/, expected: "1 to 64 letters, digits, _ and -" }),
    default: undefined,
    unset: "what the data directory says, else a new random one",
  },
  grpc: {
    about: "gRPC listener: host:port; port 0 is any free one.",
    schema: listener,
    default: "127.0.0.1:9094",
  },
  http: {
    about: "Listener of metrics and health: host:port, or off.",
    schema: listenerOrOff,
    default: "127.0.0.1:8080",
  },
  advertised: {
    about: "Host, or host:port, that other machines reach this node at.",
    schema: advertised,
    default: undefined,
    unset: "where gRPC listens",
  },
  roles: {
    about:
      "What this node is in a cluster: broker,controller, or a broker alone, which joins the controllers that --peers names.",
    schema: choice(["broker,controller", "controller,broker", "broker"]),
    default: "broker,controller",
  },
  peers: {
    about:
      "All controllers of a cluster, this node among them if it is one: id@host:port of their peer listeners, with commas.",
    schema: peers,
    default: undefined,
    unset: "a cluster of one node",
  },
  peer: {
    about: "With --peers: listener for the other nodes: host:port.",
    schema: listener,
    default: undefined,
    unset: "127.0.0.1, and this node's port among the peers, or any free one",
  },
  "peer-advertised": {
    about: "With --peers: host, or host:port, that the other nodes reach this node's peer listener at.",
    schema: advertised,
    default: undefined,
    unset: "what --peers says of this node, or where its peer listener is",
  },
  "cluster-secret": {
    about: "With --peers: what only the nodes of the cluster know. From the environment or the file, never a flag.",
    schema: text({ max: 1_024, pattern: /^.{16,}$/, expected: "16 to 1024 characters" }),
    default: undefined,
    unset: "whoever reaches the peer listener is believed",
    secret: true,
  },
  "cluster-secret-file": {
    about: "With --peers: file that holds the cluster secret, and nothing else.",
    schema: text({ max: 4_096, expected: "a path" }),
    default: undefined,
    unset: "none",
  },
  "session-timeout": {
    about: "With --peers: a node that was silent for so long leads nothing any more.",
    schema: number({ unit: "ms", min: 300, max: 600_000 }),
    default: "3s",
  },
  "heartbeat-interval": {
    about: "With --peers: time between two signs of life; at most a third of the session timeout.",
    schema: number({ unit: "ms", min: 50, max: 200_000 }),
    default: "500ms",
  },
  "election-timeout": {
    about: "With --peers: a controller that was silent for so long, or up to twice as long, is replaced.",
    schema: number({ unit: "ms", min: 100, max: 600_000 }),
    default: "1s",
  },
  rack: {
    about: "Failure domain of this node; replicas are spread over racks.",
    schema: text({ max: 128, expected: "1 to 128 characters" }),
    default: undefined,
    unset: "none",
  },
  dev: {
    about: "For development: logs for people, and a first produce makes its topic.",
    schema: flag,
    default: "false",
  },
  insecure: {
    about: "No warning when the node listens beyond this machine without TLS.",
    schema: flag,
    default: "false",
  },
  "allow-tmpfs": {
    about: "Accept a data directory that is in memory, and gone when the machine stops.",
    schema: flag,
    default: "false",
  },
  "log-level": {
    about: "Least level that is logged.",
    schema: choice(["debug", "info", "warn", "error"]),
    default: "info",
  },
  "log-format": {
    about: "auto: pretty at a terminal, else one JSON event per line.",
    schema: choice(["auto", "json", "pretty"]),
    default: "auto",
  },
  "retention-interval": {
    about: "How often old segments are looked for.",
    schema: number({ unit: "ms", min: 100, max: day }),
    default: "1m",
  },
  "producer-expiry": {
    about: "How long a partition remembers a producer that does not write.",
    schema: number({ unit: "ms", min: 60_000, max: 365 * day }),
    default: "1d",
  },
  "offsets-retention": {
    about: "How long what a consumer group has committed is kept, once nobody uses the group.",
    schema: number({ unit: "ms", min: 60_000, max: 365 * day }),
    default: "7d",
  },
  "offsets-partitions": {
    about: "Partitions of the topic that keeps consumer groups, when it is made; fixed from then on.",
    schema: number({ unit: "count", min: 1, max: 1_000 }),
    default: "16",
  },
  "shutdown-timeout": {
    about: "How long a stopping node waits for what is under way.",
    schema: number({ unit: "ms", min: 0, max: 600_000 }),
    default: "10s",
  },
  "tail-cache-bytes": {
    about: "Memory for the newest batches of all partitions.",
    schema: number({ unit: "bytes", min: 16 * mebibyte, max: 64 * 1024 * mebibyte }),
    default: "48MiB",
  },
  "queued-bytes-max": {
    about: "Of the tail cache, bytes that are in no segment yet; above it, produce waits.",
    schema: number({ unit: "bytes", min: 8 * mebibyte, max: 64 * 1024 * mebibyte }),
    default: "32MiB",
  },
  "compaction-bytes-per-second": {
    about: "What compaction reads and writes at most, all partitions together; 0: as fast as it goes.",
    schema: number({ unit: "bytes", min: 0, max: 64 * 1024 * mebibyte }),
    default: "32MiB",
  },
  "open-files-max": {
    about: "Segment files that are kept open.",
    schema: number({ unit: "count", min: 16, max: 1_000_000 }),
    default: "512",
  },
} as const satisfies Record<string, Omit<ConfigKey, "name">>;

export type NodeKeyName = keyof typeof nodeKeys;

/** The typed value of each key of the node, undefined where it is unset. */
export type NodeValues = { readonly [Name in NodeKeyName]: z.output<(typeof nodeKeys)[Name]["schema"]> | undefined };

export const topicKeyPrefix = "topic.";

/** Every key, in the order in which it is listed. */
export const configKeys: readonly ConfigKey[] = [
  ...Object.entries(nodeKeys).map(([name, key]) => ({ name, ...key })),
  ...describeTopicConfig({}, {}).map((entry) => ({
    name: `${topicKeyPrefix}${entry.name}`,
    about: `Default of topics: ${entry.about}`,
    schema: topicValue(entry.name),
    default: undefined,
    unset: entry.value,
  })),
];

/** "topic.retention.ms" → "VARVE_TOPIC_RETENTION_MS". */
export function environmentName(key: string): string {
  return `VARVE_${key.replaceAll(/[.-]/g, "_").toUpperCase()}`;
}

/** "topic.retention.ms" → "--topic.retention.ms". */
export function flagName(key: string): string {
  return `--${key}`;
}

function topicValue(name: string): z.ZodType {
  return z
    .union([z.string(), z.number(), z.boolean()], { error: "expected a single value" })
    .transform((value, context) => {
      const checked = checkTopicConfig(name, String(value));
      if ("text" in checked) return checked.text;
      context.addIssue({ code: "custom", message: checked.fault.replace(/^.*?": /, "").replace(/\.$/, "") });
      return z.NEVER;
    });
}
