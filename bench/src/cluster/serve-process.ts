// SPDX-License-Identifier: Apache-2.0
// One `varve serve` in a process of its own, started as a user starts it: the real binary on the built packages, its defaults, its
// log as JSON. Only a process that was started here is ever signalled, by its id.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Metadata, type ServiceError, credentials } from "@grpc/grpc-js";
import { type AdminClient, channelOptions, errorFromStatus, loadServices } from "@varve/api";

/** Or that of another build, to be compared with this one. */
const ownBinary = fileURLToPath(new URL("../../../packages/cli/bin/varve.cjs", import.meta.url));
const services = loadServices();
// Whatever ends this process ends the nodes: the default of a signal would leave them.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
/** Of /proc/PID/stat: `getconf CLK_TCK` is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
const readyMs = 120_000;
const callMs = 60_000;

export interface ServeOptions {
  readonly nodeId: number;
  readonly dataDir: string;
  /** `host:port` for clients. */
  readonly address: string;
  readonly flags: readonly string[];
}

/** One line of a node's log. */
export interface LogEvent {
  /** As `Date.now()` has it. */
  readonly time: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export class ServeProcess {
  readonly nodeId: number;
  readonly address: string;
  readonly #options: ServeOptions;
  #child: ChildProcess | undefined;
  #admin: AdminClient | undefined;
  /** Of the running process, oldest first; cleared with each start. */
  events: LogEvent[] = [];
  #watchers = new Set<() => void>();

  constructor(options: ServeOptions) {
    this.#options = options;
    this.nodeId = options.nodeId;
    this.address = options.address;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Resolves with the milliseconds until it served. */
  async start(): Promise<number> {
    const { nodeId, dataDir, address, flags } = this.#options;
    const nodeOptions = process.env["VARVE_BENCH_NODE_OPTIONS"]?.split(" ") ?? [];
    const binary = process.env["VARVE_BENCH_BINARY"] ?? ownBinary;
    const args = ["serve", "--node-id", String(nodeId), "--data-dir", dataDir, "--grpc", address, "--http", "off"];
    this.events = [];
    const startedMs = performance.now();
    const child = spawn(process.execPath, [...nodeOptions, binary, ...args, "--log-format", "json", ...flags], {
      env: environment(),
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child = child;
    const endWithParent = (): void => void child.kill("SIGKILL");
    process.once("exit", endWithParent);
    child.once("exit", () => process.off("exit", endWithParent));
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (this.#child === child) this.#take(line);
    });
    let isOver = false;
    child.once("exit", () => {
      isOver = true;
      for (const look of this.#watchers) look();
    });
    await this.until(`node ${nodeId} serves`, () => {
      if (isOver) throw new Error(`Node ${nodeId} ended before it served:\n${this.#tail()}`);
      return this.events.some(({ msg }) => msg === "broker is ready");
    });
    return performance.now() - startedMs;
  }

  /** Resolves once `check` holds of its log; looks whenever there is a new line. */
  until(what: string, check: () => boolean, patienceMs = readyMs): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(late);
        this.#watchers.delete(look);
        settle();
      };
      const look = (): void => {
        try {
          if (check()) end(resolve);
        } catch (error) {
          end(() => reject(error instanceof Error ? error : new Error(String(error))));
        }
      };
      const late = setTimeout(
        () => end(() => reject(new Error(`Waited ${patienceMs} ms until ${what}:\n${this.#tail()}`))),
        patienceMs,
      );
      this.#watchers.add(look);
      look();
    });
  }

  /** A call of the Admin service. */
  call<T>(name: "CreateTopic" | "DeleteTopic" | "DescribeTopic" | "DescribeCluster", request: object): Promise<T> {
    this.#admin ??= services.openAdminClient(this.address, credentials.createInsecure(), channelOptions);
    const invoke = this.#admin[name].bind(this.#admin) as unknown as (
      request: object,
      metadata: Metadata,
      options: object,
      callback: (error: ServiceError | null, response?: T) => void,
    ) => void;
    return new Promise((resolve, reject) => {
      invoke(request, new Metadata(), { deadline: Date.now() + callMs }, (error, response) => {
        if (error === null) resolve(response as T);
        else reject(errorFromStatus(error));
      });
    });
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(signal);
  }

  /** kill -9. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** A clean stop. Resolves with how long it took, in ms. */
  async stop(): Promise<number> {
    const startedMs = performance.now();
    await this.#end("SIGTERM");
    return performance.now() - startedMs;
  }

  /** User and system time of the process, in seconds; to a hundredth. */
  get cpuSeconds(): number {
    return cpuSecondsOf(this.#child?.pid);
  }

  /** Resident now, and the part of it that is no file. */
  get memoryMiB(): { readonly resident: number; readonly anonymous: number; readonly peak: number } {
    const status = readFileSync(`/proc/${this.#child?.pid ?? "self"}/status`, "utf8");
    const of = (key: string): number =>
      Math.round(Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024);
    return { resident: of("VmRSS"), anonymous: of("RssAnon"), peak: of("VmHWM") };
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.#admin?.close();
    this.#admin = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    // A stopped process takes no signal but this one.
    const late = setTimeout(() => child.kill("SIGKILL"), 30_000);
    await gone;
    clearTimeout(late);
  }

  #take(line: string): void {
    try {
      this.events.push(JSON.parse(line) as LogEvent);
    } catch {
      // What Node itself says is no JSON: for whoever reads a failure.
      this.events.push({ time: Date.now(), msg: line });
    }
    for (const look of this.#watchers) look();
  }

  #tail(): string {
    return this.events
      .slice(-15)
      .map((event) => JSON.stringify(event))
      .join("\n");
  }
}

/** User and system time of a process, in seconds. */
export function cpuSecondsOf(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid ?? "self"}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Nothing of the outside's configuration. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(VARVE_|NODE_OPTIONS|UV_THREADPOOL_SIZE)/.test(name));
  return Object.fromEntries(kept);
}
