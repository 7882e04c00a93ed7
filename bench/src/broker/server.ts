// A server process of the broker benchmarks, seen from the measuring side.

import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Metadata, credentials } from "@grpc/grpc-js";
import { type AdminClient, type LogClient, channelOptions, loadServices } from "@varve/api";
import type { BrokerOptions } from "@varve/broker";
import type { ServerMode, ServerUsage } from "./server-process.ts";

const services = loadServices();
const here = fileURLToPath(import.meta.url);

/** As the launcher of `varve` has it; for the bare transport too. */
const launcherOptions = ["--heap-growing-percent=200"];

/** Where data directories of benchmarks are made; a real disk is wanted. */
const root = process.env["VARVE_BENCH_DIR"] ?? "/var/tmp";

export class ServerProcess {
  readonly address: string;
  readonly startMs: number;
  readonly log: LogClient;
  readonly admin: AdminClient;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: string, startMs: number) {
    this.#child = child;
    this.address = address;
    this.startMs = startMs;
    this.log = services.openLogClient(address, credentials.createInsecure(), channelOptions);
    this.admin = services.openAdminClient(address, credentials.createInsecure(), channelOptions);
  }

  /** `compiled`: without the TypeScript loader, which is resident too; `npx tsc -b` comes first. */
  static async start(
    mode: ServerMode,
    environment: Record<string, string> = {},
    { compiled = false } = {},
  ): Promise<ServerProcess> {
    const isSource = here.endsWith(".ts");
    const beside = join(here, "..", isSource ? "server-process.ts" : "server-process.js");
    const file = isSource && compiled ? join(here, "../../../dist/broker/server-process.js") : beside;
    const child = fork(file, [JSON.stringify(mode)], {
      env: { ...process.env, UV_THREADPOOL_SIZE: "16", ...environment },
      execArgv: [
        ...(compiled ? [] : process.execArgv),
        ...launcherOptions,
        ...(process.env["VARVE_BENCH_NODE_OPTIONS"]?.split(" ") ?? []),
      ],
    });
    const ready = await next(child, "ready");
    return new ServerProcess(child, String(ready["address"]), Number(ready["startMs"]));
  }

  static bare(pushBytes = 65_536): Promise<ServerProcess> {
    return ServerProcess.start({ kind: "bare", pushBytes });
  }

  static broker(dataDir: string, options: Partial<BrokerOptions> = {}): Promise<ServerProcess> {
    return ServerProcess.start({ kind: "broker", options: { dataDir, ...options } });
  }

  async createTopic(topic: string, configs: Record<string, string> = {}, partitions = 1): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.admin.CreateTopic({ topic, partitions, configs }, new Metadata(), {}, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  async usage(): Promise<ServerUsage> {
    const answer = next(this.#child, "usage");
    this.#child.send({ kind: "usage" });
    return (await answer) as unknown as ServerUsage;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#disconnect();
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await exited;
  }

  async stop(): Promise<void> {
    this.#disconnect();
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.send({ kind: "stop" });
    await exited;
  }

  #disconnect(): void {
    this.log.close();
    this.admin.close();
  }
}

/** Runs `measure` in a new directory on the disk and removes it. */
export async function withDirectory<T>(measure: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(root, "varve-bench-"));
  try {
    return await measure(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function next(child: ChildProcess, kind: string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const listen = (message: Record<string, unknown>): void => {
      if (message["kind"] !== kind) return;
      child.off("message", listen);
      child.off("exit", failed);
      resolve(message);
    };
    const failed = (): void => reject(new Error(`The server process ended before it was ${kind}`));
    child.on("message", listen);
    child.once("exit", failed);
  });
}
