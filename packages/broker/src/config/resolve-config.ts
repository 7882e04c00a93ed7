// One configuration out of four sources: flags over environment over file over defaults. Pure: values in, values or errors out.
// Every effective value keeps its origin, every error names its key and where it was written, an unknown key names the nearest
// valid one, and all errors come at once.

import { nearestName } from "@varve/cluster";
import { configKeys, environmentName, flagName, topicKeyPrefix } from "./keys.ts";
import type { ConfigKey, NodeValues } from "./keys.ts";
import type { ClusterPeer } from "../options.ts";
import type { Listener } from "./parsers.ts";

export interface ConfigSources {
  /** By key name ("data-dir") or as commander names it ("dataDir"); undefined values are as good as absent. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** The whole environment; only names with VARVE_ in front are looked at. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The parsed file, if there is one; maps may be nested or keys dotted. */
  readonly file?: { readonly path: string; readonly content: unknown };
  /** VARVE_* names that mean something to others than the node, such as VARVE_ADDRESS. */
  readonly otherEnvironmentNames?: readonly string[];
}

export type ConfigSource = "flag" | "environment" | "file" | "default";

/** Where an effective value came from; `varve config` prints the list. */
export interface ConfigOrigin {
  readonly key: string;
  /** As it was written, or the default; undefined where nothing is set. */
  readonly value: string | undefined;
  readonly source: ConfigSource;
  /** "--data-dir", "VARVE_DATA_DIR", "varve.yaml", "default" or what an unset key comes to. */
  readonly where: string;
  readonly about: string;
}

/** The effective configuration of a node. Times in ms, sizes in bytes. */
export interface NodeConfig {
  readonly dataDir: string;
  readonly nodeId: number | undefined;
  readonly clusterId: string | undefined;
  readonly grpc: Listener;
  readonly http: Listener | false;
  readonly advertised: { readonly host: string; readonly port?: number } | undefined;
  readonly roles: "broker,controller" | "controller,broker" | "broker";
  readonly peers: readonly ClusterPeer[] | undefined;
  readonly peer: Listener | undefined;
  readonly peerAdvertised: { readonly host: string; readonly port?: number } | undefined;
  readonly clusterSecret: string | undefined;
  readonly clusterSecretFile: string | undefined;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly electionTimeoutMs: number;
  readonly rack: string | undefined;
  readonly dev: boolean;
  readonly insecure: boolean;
  readonly allowTmpfs: boolean;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly logFormat: "auto" | "json" | "pretty";
  readonly retentionIntervalMs: number;
  readonly producerExpiryMs: number;
  readonly offsetsRetentionMs: number;
  readonly offsetsPartitions: number;
  readonly shutdownTimeoutMs: number;
  readonly tailCacheBytes: number;
  readonly queuedBytesMax: number;
  readonly compactionBytesPerSecond: number;
  readonly openFilesMax: number;
  /** By topic config name, canonical values; only those that were set. */
  readonly topicDefaults: Readonly<Record<string, string>>;
}

export interface ConfigError {
  readonly key: string;
  readonly source: ConfigSource;
  readonly where: string;
  readonly message: string;
  readonly nearest?: string;
}

export type ResolvedConfig =
  | { readonly config: NodeConfig; readonly origins: readonly ConfigOrigin[] }
  | { readonly errors: readonly ConfigError[] };

/** What is printed of a secret. */
const hidden = "(hidden)";

/** One value as it was found, before it is parsed. */
interface Found {
  readonly raw: unknown;
  readonly source: ConfigSource;
  readonly where: string;
}

/** The effective configuration with the origin of each value, or everything that is wrong with the sources. */
export function resolveConfig(sources: ConfigSources): ResolvedConfig {
  const errors: ConfigError[] = [];
  // Later layers win.
  const layers = [fromFile(sources, errors), fromEnvironment(sources, errors), fromFlags(sources, errors)];
  const values = new Map<string, unknown>();
  const origins: ConfigOrigin[] = [];
  for (const key of configKeys) {
    // What is overridden has to be legal too: the next start may not override it.
    const found = layers.map((layer) => layer.get(key.name)).filter((value) => value !== undefined);
    for (const value of found) values.set(key.name, parseValue(key, value, errors));
    const last = found.at(-1);
    if (last === undefined && key.default !== undefined) {
      values.set(key.name, parseValue(key, { raw: key.default, source: "default", where: "default" }, errors));
    }
    origins.push(originOf(key, last));
  }
  if (errors.length > 0) return { errors };
  const config = nodeConfigOf(values);
  const contradictions = contradictionsIn(config, origins);
  return contradictions.length > 0 ? { errors: contradictions } : { config, origins };
}

function fromFlags({ flags }: ConfigSources, errors: ConfigError[]): Map<string, Found> {
  const found = new Map<string, Found>();
  for (const [written, raw] of Object.entries(flags)) {
    if (raw === undefined) continue;
    const name = written.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const value: Found = { raw, source: "flag", where: flagName(name) };
    if (configKeys.some((key) => key.name === name && key.secret === true)) {
      const message = `${flagName(name)} cannot be a flag, which everybody on the machine can read: use ${environmentName(name)}, or --${name}-file.`;
      errors.push({ key: name, ...placeOf(value), message });
    } else take(found, errors, name, value);
  }
  return found;
}

function fromEnvironment(sources: ConfigSources, errors: ConfigError[]): Map<string, Found> {
  const found = new Map<string, Found>();
  const names = new Map(configKeys.map((key) => [environmentName(key.name), key.name]));
  const others = sources.otherEnvironmentNames ?? [];
  for (const [written, raw] of Object.entries(sources.env)) {
    if (!written.startsWith("VARVE_") || raw === undefined || others.includes(written)) continue;
    const name = names.get(written);
    const value: Found = { raw, source: "environment", where: written };
    if (name !== undefined) found.set(name, value);
    else errors.push(unknownKey(written, value, [...names.keys(), ...others]));
  }
  return found;
}

function fromFile({ file }: ConfigSources, errors: ConfigError[]): Map<string, Found> {
  const found = new Map<string, Found>();
  if (file === undefined || file.content === null || file.content === undefined) return found;
  if (typeof file.content !== "object" || Array.isArray(file.content)) {
    const message = `Cannot read "${file.path}": expected keys and values at the top.`;
    errors.push({ key: "", source: "file", where: file.path, message });
    return found;
  }
  for (const [name, raw] of flatten(file.content as Record<string, unknown>, "", 0)) {
    take(found, errors, name, { raw, source: "file", where: file.path });
  }
  return found;
}

/** Nested maps become dotted keys; deeper than any key goes, it is left to the parser of the key to refuse it. */
function* flatten(content: Record<string, unknown>, prefix: string, depth: number): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(content)) {
    const nested = typeof value === "object" && value !== null && !Array.isArray(value) && depth < 4;
    if (nested) yield* flatten(value as Record<string, unknown>, `${prefix}${name}.`, depth + 1);
    else yield [`${prefix}${name}`, value];
  }
}

function take(found: Map<string, Found>, errors: ConfigError[], name: string, value: Found): void {
  const names = configKeys.map((key) => key.name);
  if (!names.includes(name)) errors.push(unknownKey(name, value, names));
  else if (found.has(name))
    errors.push({ key: name, ...placeOf(value), message: `${label(name, value)} is given twice.` });
  else found.set(name, value);
}

function unknownKey(name: string, value: Found, names: readonly string[]): ConfigError {
  const near = name.length > 100 ? undefined : nearestName(name, names);
  const shown = name.slice(0, 100);
  const advice = near === undefined ? "`varve config` lists every key." : `Did you mean "${near}"?`;
  const where = value.source === "file" ? ` in "${value.where}"` : "";
  const message = `There is no configuration key "${shown}"${where}. ${advice}`;
  return { key: shown, ...placeOf(value), message, ...(near === undefined ? {} : { nearest: near }) };
}

function parseValue(key: ConfigKey, found: Found, errors: ConfigError[]): unknown {
  const parsed = key.schema.safeParse(found.raw);
  if (parsed.success) return parsed.data;
  const fault = parsed.error.issues[0]?.message ?? "it is not valid";
  errors.push({
    key: key.name,
    ...placeOf(found),
    message: `${label(key.name, found)} cannot be "${key.secret === true ? hidden : printRaw(found.raw)}": ${fault}.`,
  });
  return undefined;
}

function originOf(key: ConfigKey, found: Found | undefined): ConfigOrigin {
  const { name, about } = key;
  if (found !== undefined) {
    return { key: name, about, value: key.secret === true ? hidden : printRaw(found.raw), ...placeOf(found) };
  }
  const where = key.default === undefined ? (key.unset ?? "unset") : "default";
  return { key: name, about, value: key.default, source: "default", where };
}

function nodeConfigOf(values: ReadonlyMap<string, unknown>): NodeConfig {
  // Each value was made by the schema of its key, which is what NodeValues says.
  const value = <Name extends keyof NodeValues>(name: Name): NodeValues[Name] => values.get(name) as NodeValues[Name];
  const topicDefaults: Record<string, string> = {};
  for (const [name, set] of values) {
    if (name.startsWith(topicKeyPrefix)) topicDefaults[name.slice(topicKeyPrefix.length)] = String(set);
  }
  return {
    dataDir: required(value("data-dir")),
    nodeId: value("node-id"),
    clusterId: value("cluster-id"),
    grpc: required(value("grpc")),
    http: required(value("http")),
    advertised: value("advertised"),
    roles: required(value("roles")),
    peers: value("peers"),
    peer: value("peer"),
    peerAdvertised: value("peer-advertised"),
    clusterSecret: value("cluster-secret"),
    clusterSecretFile: value("cluster-secret-file"),
    sessionTimeoutMs: required(value("session-timeout")),
    heartbeatIntervalMs: required(value("heartbeat-interval")),
    electionTimeoutMs: required(value("election-timeout")),
    rack: value("rack"),
    dev: required(value("dev")),
    insecure: required(value("insecure")),
    allowTmpfs: required(value("allow-tmpfs")),
    logLevel: required(value("log-level")),
    logFormat: required(value("log-format")),
    retentionIntervalMs: required(value("retention-interval")),
    producerExpiryMs: required(value("producer-expiry")),
    offsetsRetentionMs: required(value("offsets-retention")),
    offsetsPartitions: required(value("offsets-partitions")),
    shutdownTimeoutMs: required(value("shutdown-timeout")),
    tailCacheBytes: required(value("tail-cache-bytes")),
    queuedBytesMax: required(value("queued-bytes-max")),
    compactionBytesPerSecond: required(value("compaction-bytes-per-second")),
    openFilesMax: required(value("open-files-max")),
    topicDefaults,
  };
}

function contradictionsIn(config: NodeConfig, origins: readonly ConfigOrigin[]): ConfigError[] {
  const errors: ConfigError[] = [];
  const contradict = (key: string, message: string): void => {
    const { source, where } = origins.find((origin) => origin.key === key) ?? { source: "default", where: "default" };
    errors.push({ key, source, where, message });
  };
  const { grpc, http } = config;
  if (http !== false && grpc.port !== 0 && grpc.port === http.port && grpc.host === http.host) {
    contradict(
      "http",
      `"grpc" and "http" cannot both listen at ${grpc.host}:${grpc.port}. Give "http" another port, or off.`,
    );
  }
  if (config.peers === undefined) {
    for (const key of ["peer", "peer-advertised", "cluster-secret", "cluster-secret-file"] as const) {
      const isSet = origins.some((origin) => origin.key === key && origin.source !== "default");
      if (isSet)
        contradict(key, `"${key}" is of no use without "peers": name the nodes of the cluster, or leave it away.`);
    }
  }
  if (config.roles === "broker") {
    if (config.peers === undefined)
      contradict("roles", '"roles" is "broker", and "peers" names no controllers to join.');
    if (config.nodeId === undefined) contradict("roles", '"roles" is "broker", which needs a "node-id" of its own.');
  }
  if (config.clusterSecret !== undefined && config.clusterSecretFile !== undefined) {
    contradict(
      "cluster-secret-file",
      '"cluster-secret" and "cluster-secret-file" cannot both be set. Keep one of them.',
    );
  }
  if (3 * config.heartbeatIntervalMs > config.sessionTimeoutMs) {
    contradict(
      "heartbeat-interval",
      `"heartbeat-interval" (${config.heartbeatIntervalMs} ms) has to fit into "session-timeout" (${config.sessionTimeoutMs} ms) three times.`,
    );
  }
  if (config.queuedBytesMax > config.tailCacheBytes) {
    contradict(
      "queued-bytes-max",
      `"queued-bytes-max" (${config.queuedBytesMax}) cannot exceed "tail-cache-bytes" (${config.tailCacheBytes}), of which it is a part.`,
    );
  }
  return errors;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("A key with a default has a value");
  return value;
}

function placeOf({ source, where }: Found): Pick<ConfigOrigin, "source" | "where"> {
  return { source, where };
}

/** The name under which the user knows the key, where it was written. */
function label(name: string, { source, where }: Found): string {
  return source === "file" ? `"${name}" in "${where}"` : source === "default" ? `Default of "${name}"` : where;
}

function printRaw(raw: unknown): string {
  if (typeof raw === "string") return raw.slice(0, 200);
  if (typeof raw === "number" || typeof raw === "boolean") return String(raw);
  if (Array.isArray(raw)) return "a list";
  return raw === null ? "nothing" : `a ${typeof raw === "object" ? "map" : typeof raw}`;
}
