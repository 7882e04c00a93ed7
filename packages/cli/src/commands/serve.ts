// SPDX-License-Identifier: Apache-2.0
// varve serve: one node in this process, until it is asked to stop.
//
//   flags, VARVE_*, file, defaults ──> Broker.start ──> ready line ──> SIGTERM or SIGINT ──> close, exit 0
//                                                                       └── a second one ──> exit now
//   a failed disk ──> exit 1: whoever watches the process restarts it or moves its work

import { Broker, type BrokerOptions, type NodeConfig } from "@varve/broker";
import { Command } from "commander";
import { readFile } from "node:fs/promises";
import { defaultAddress } from "../connection.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { collectWhenIdle } from "../idle-collection.ts";
import { printDuration } from "../input/duration.ts";
import { invocation, version, withInvocation } from "../invocation.ts";
import { loadNodeConfig, withNodeConfig, type NodeConfigOptions } from "../node-config.ts";
import { serveLogger } from "../terminal/serve-logger.ts";
import type { Terminal } from "../terminal/terminal.ts";

export function serveCommand(terminal: Terminal): Command {
  return withNodeConfig(new Command("serve"))
    .addHelpText(
      "after",
      `
Stops in order on Ctrl-C or SIGTERM and exits with 0; a second one ends it at once. Every flag is also a VARVE_* variable
(--data-dir: VARVE_DATA_DIR) and a key of the file (data-dir); "varve config" prints what holds.

Examples:
  $ varve serve
  $ varve serve --dev
  $ VARVE_CLUSTER_SECRET=… varve serve --node-id 1 --peers 1@varve-1:9093,2@varve-2:9093,3@varve-3:9093 --peer 0.0.0.0:9093
  $ varve serve --roles broker --node-id 4 --peers 1@varve-1:9093,2@varve-2:9093,3@varve-3:9093 --peer 0.0.0.0:9093
  $ varve serve --data-dir /var/lib/varve --grpc 0.0.0.0:9094 --http off --config /etc/varve.yaml`,
    )
    .action(async (options: NodeConfigOptions) => {
      const { config } = await loadNodeConfig(options);
      await serve(terminal, config);
    });
}

async function serve(terminal: Terminal, config: NodeConfig): Promise<void> {
  const startedMs = performance.now();
  // Whoever asked for JSON reads the output with a program: nothing else is printed then.
  const isForPeople = config.logFormat !== "json";
  const stop = stopSignals(config.shutdownTimeoutMs + 5000);
  let tellFatal: (error: Error) => void = () => undefined;
  const fatal = new Promise<Error>((resolve) => (tellFatal = resolve));
  const clusterSecret = await readClusterSecret(config);
  const broker = await startBroker(stop, {
    ...brokerOptions(config, clusterSecret),
    version: version(),
    logger: serveLogger(config.logLevel, config.dev && config.logFormat === "auto" ? "pretty" : config.logFormat),
    onFatal: (error) => tellFatal(error),
  });
  if (broker === undefined) {
    stop.dispose();
    terminal.note("Stopped before it was ready.");
    return;
  }
  const stopCollecting = collectWhenIdle(broker.nodeId, () => broker.calmMs);
  try {
    if (isForPeople) await terminal.out(readyText(broker, config, performance.now() - startedMs));
    const ended = await Promise.race([stop.asked, fatal]);
    if (ended instanceof Error) {
      throw new CliError("failed", `The node stopped: ${ended.message}`, {
        advice: ["Nothing that was acknowledged is gone. Look at the disk, then start the node again."],
        cause: ended,
      });
    }
    if (isForPeople) terminal.note(`Stopping (${ended}): finishing what is under way. Once more ends it now.`);
  } finally {
    stopCollecting();
    await broker.close();
    stop.dispose();
  }
  if (isForPeople) terminal.note("Stopped.");
}

/** Undefined: it was asked to stop while it waited, for the other nodes of its cluster perhaps. */
async function startBroker(stop: { asked: Promise<string> }, options: BrokerOptions): Promise<Broker | undefined> {
  const starting = new AbortController();
  void stop.asked.then((signal) => starting.abort(new Error(signal)));
  try {
    return await Broker.start({ ...options, signal: starting.signal });
  } catch (error) {
    if (starting.signal.aborted) return undefined;
    throw error;
  }
}

async function readClusterSecret({ clusterSecret, clusterSecretFile }: NodeConfig): Promise<string | undefined> {
  if (clusterSecretFile === undefined) return clusterSecret;
  let text: string;
  try {
    text = (await readFile(clusterSecretFile, "utf8")).trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError("notFound", `Cannot read the cluster secret in "${clusterSecretFile}": ${why}`, {
      cause: error,
    });
  }
  if (text.length >= 16 && text.length <= 1024) return text;
  throw new CliError(
    "usage",
    `Cannot use the cluster secret in "${clusterSecretFile}": it has ${text.length} characters`,
    {
      advice: ["It takes 16 to 1024 characters, the same on every node: openssl rand -hex 32"],
    },
  );
}

function readyText(broker: Broker, config: NodeConfig, startMs: number): string {
  const { grpc, http, peer } = broker.addresses;
  const reached = reachableAddress(grpc, config.advertised);
  const at = reached === defaultAddress ? "" : ` --address ${reached}`;
  const text = `Varve ${version()}, node ${broker.nodeId} of cluster ${broker.clusterId}, ready in ${printDuration(startMs)}
  gRPC  ${grpc}
  HTTP  ${http === undefined ? "off" : `http://${http}/metrics`}
${peer === undefined ? "" : `  peer  ${peer}\n`}  data  ${config.dataDir}

Try, in another terminal:
  varve topic create orders --partitions 3${at}
  echo 'k1:hello' | varve produce orders --key-delimiter :${at}
  varve consume orders --from earliest${at}

`;
  return withInvocation(text, invocation(process.env));
}

/** What a client calls: a listener that binds every address is none. */
function reachableAddress(grpc: string, advertised: NodeConfig["advertised"]): string {
  const port = grpc.slice(grpc.lastIndexOf(":") + 1);
  if (advertised !== undefined) return `${advertised.host}:${advertised.port ?? port}`;
  return /^(0\.0\.0\.0|\[?::\]?):\d+$/.test(grpc) ? `localhost:${port}` : grpc;
}

function brokerOptions(config: NodeConfig, secret: string | undefined): BrokerOptions {
  const { dataDir, nodeId, clusterId, grpc, http, peer, peers, advertised, peerAdvertised, rack } = config;
  return {
    dataDir,
    listeners: { grpc, http, ...(peer === undefined ? {} : { peer }) },
    insecure: config.insecure,
    autoCreateTopics: config.dev,
    allowTmpfs: config.allowTmpfs,
    topicDefaults: config.topicDefaults,
    storage: {
      tailCacheBytes: config.tailCacheBytes,
      queuedBytesMax: config.queuedBytesMax,
      compactionBytesPerSecond: config.compactionBytesPerSecond,
      openFilesMax: config.openFilesMax,
    },
    retentionIntervalMs: config.retentionIntervalMs,
    producerExpiryMs: config.producerExpiryMs,
    groups: { partitions: config.offsetsPartitions, offsetsRetentionMs: config.offsetsRetentionMs },
    shutdownTimeoutMs: config.shutdownTimeoutMs,
    ...(peers === undefined
      ? {}
      : {
          cluster: {
            peers,
            brokerOnly: config.roles === "broker",
            sessionMs: config.sessionTimeoutMs,
            heartbeatMs: config.heartbeatIntervalMs,
            electionMs: config.electionTimeoutMs,
            ...(secret === undefined ? {} : { secret }),
          },
        }),
    ...(nodeId === undefined ? {} : { nodeId }),
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(advertised === undefined ? {} : { advertised }),
    ...(peerAdvertised === undefined ? {} : { peerAdvertised }),
    ...(rack === undefined ? {} : { rack }),
  };
}

/** The first signal is an answer to wait for, the second ends the process now, whatever it is doing. */
function stopSignals(stopMsMax: number): { asked: Promise<string>; dispose(): void } {
  let tell: (signal: string) => void = () => undefined;
  let count = 0;
  const asked = new Promise<string>((resolve) => (tell = resolve));
  const onSignal = (signal: NodeJS.Signals): void => {
    count += 1;
    if (count > 1) process.exit(exitCodes.interrupted.code);
    // Also a start or a shutdown that hangs comes to an end.
    setTimeout(() => process.exit(exitCodes.failed.code), stopMsMax).unref();
    tell(signal);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return {
    asked,
    dispose() {
      process.off("SIGTERM", onSignal);
      process.off("SIGINT", onSignal);
    },
  };
}
