// Three `varve serve --peers …` as processes on loopback, to be killed, stopped and started again at the same place. Knows nothing of
// tests: whoever starts them ends them, with close().

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { until } from "./until.ts";
import { cleanEnvironment, varveBinary } from "./varve-command.ts";

/** Short enough for tests, long enough for a busy machine. */
export const sessionMs = 2_000;
const timers = [
  ["--session-timeout", `${sessionMs}ms`],
  ["--heartbeat-interval", "200ms"],
  ["--election-timeout", "500ms"],
].flat();
const secret = "a secret of sixteen characters or more";
const readyMs = 60_000;
/** Of the output of one life; the end of it counts. */
const outputCharsMax = 100_000;

interface Life {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output: string;
  hasEnded: boolean;
}

export class ClusterProcess {
  readonly nodeId: number;
  readonly address: string;
  readonly dataDir: string;
  readonly #flags: readonly string[];
  #life: Life | undefined;
  #lastOutput = "";

  constructor(options: { nodeId: number; address: string; dataDir: string; flags: readonly string[] }) {
    this.nodeId = options.nodeId;
    this.address = options.address;
    this.dataDir = options.dataDir;
    this.#flags = options.flags;
  }

  get isRunning(): boolean {
    return this.#life !== undefined && !this.#life.hasEnded;
  }

  /** What this life, or the last one, has printed. */
  get output(): string {
    return this.#life?.output ?? this.#lastOutput;
  }

  /** Does not wait for it. */
  spawn(): void {
    if (this.isRunning) throw new Error(`Node ${this.nodeId} runs already`);
    const place = ["--node-id", String(this.nodeId), "--data-dir", this.dataDir, "--grpc", this.address];
    const child = spawn(process.execPath, [varveBinary, "serve", ...place, "--http", "off", ...this.#flags], {
      env: cleanEnvironment({ VARVE_CLUSTER_SECRET: secret }),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const life: Life = {
      child,
      output: "",
      hasEnded: false,
      ended: once(child, "close").then(([code]) => {
        life.hasEnded = true;
        return code as number | null;
      }),
    };
    const take = (chunk: Buffer): void => {
      life.output = (life.output + chunk.toString()).slice(-outputCharsMax);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    this.#life = life;
  }

  /** Until it serves. */
  async ready(): Promise<void> {
    await until(
      `node ${this.nodeId} is ready`,
      () => {
        if (!this.isRunning) throw new Error(`Node ${this.nodeId} ended before it was ready:\n${this.output}`);
        return /^\s*gRPC\s+\S+:\d+$/m.test(this.output);
      },
      readyMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.output}`);
    });
  }

  async printed(text: string): Promise<void> {
    await until(`node ${this.nodeId} prints "${text}"`, () => this.output.includes(text), readyMs);
  }

  /** Sends a signal and waits for nothing. */
  signal(signal: NodeJS.Signals): void {
    this.#life?.child.kill(signal);
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null> {
    return this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const life = this.#life;
    if (life === undefined) return null;
    life.child.kill(signal);
    const code = await life.ended;
    this.#lastOutput = life.output;
    this.#life = undefined;
    return code;
  }
}

export interface ProcessClusterOptions {
  /** Where the data directories go, in one subdirectory each. */
  readonly directory: string;
  /** In place of that, by node id. */
  readonly dataDirs?: ReadonlyMap<number, string>;
}

/** Three combined nodes. */
export class ProcessCluster {
  readonly nodes: readonly ClusterProcess[];

  private constructor(nodes: readonly ClusterProcess[]) {
    this.nodes = nodes;
  }

  /** They have formed a cluster, and serve. */
  static async start({ directory, dataDirs }: ProcessClusterOptions): Promise<ProcessCluster> {
    const ids = [1, 2, 3];
    const ports: number[] = [];
    for (const _ of ids) ports.push(await freePort());
    const peers = ids.map((nodeId, at) => `${nodeId}@127.0.0.1:${ports[at]}`).join(",");
    const nodes: ClusterProcess[] = [];
    for (const nodeId of ids) {
      const dataDir = dataDirs?.get(nodeId) ?? join(directory, `node-${nodeId}`);
      await mkdir(dataDir, { recursive: true });
      const address = `127.0.0.1:${await freePort()}`;
      nodes.push(
        new ClusterProcess({ nodeId, address, dataDir, flags: ["--peers", peers, "--allow-tmpfs", ...timers] }),
      );
    }
    const cluster = new ProcessCluster(nodes);
    for (const node of nodes) node.spawn();
    try {
      await Promise.all(nodes.map((node) => node.ready()));
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  node(nodeId: number): ClusterProcess {
    const found = this.nodes.find((node) => node.nodeId === nodeId);
    if (found === undefined) throw new Error(`There is no node ${nodeId}`);
    return found;
  }

  /** Ends all of them, now. */
  async close(): Promise<void> {
    // A stopped process dies of this too.
    await Promise.all(this.nodes.map((node) => node.kill()));
  }
}

/** What a lost disk leaves: an empty directory. */
export async function emptyDirectory(node: ClusterProcess): Promise<void> {
  // The directory itself may be a mount.
  await rm(node.dataDir, { recursive: true, force: true }).catch(() => undefined);
  await mkdir(node.dataDir, { recursive: true });
}
