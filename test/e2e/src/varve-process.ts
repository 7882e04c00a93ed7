// The real binary in real processes: `varve serve` to be talked to and killed. What runs is packages/cli/bin/varve.cjs on the built
// packages, as users run it.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { afterThisTest, until } from "./clean-up.ts";
import { freePort } from "./free-port.ts";
import { cleanEnvironment, varveBinary } from "./varve-command.ts";

export { varve, varveOk } from "./varve-command.ts";

const startMs = 30_000;

export interface ServeOptions {
  readonly dataDir: string;
  /** Of an earlier node, to come back at the same place. @default any free port */
  readonly address?: string;
  readonly flags?: readonly string[];
  /** More of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** A file in place of the pipe to this process: what the node logs is not in `output` then. */
  readonly logTo?: string;
}

/** A running `varve serve`. */
export class VarveNode {
  readonly address: string;
  readonly dataDir: string;
  readonly #child: ChildProcess;
  readonly #output: { text: string };
  readonly #exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  private constructor(
    child: ChildProcess,
    address: string,
    dataDir: string,
    output: { text: string },
    exited: VarveNode["ended"],
  ) {
    this.#child = child;
    this.address = address;
    this.dataDir = dataDir;
    this.#output = output;
    this.#exited = exited;
  }

  /** Ready to serve when resolved; killed after the test when it still runs then. */
  static async start(options: ServeOptions): Promise<VarveNode> {
    const { dataDir, address = `127.0.0.1:${await freePort()}`, flags = [], env = {}, logTo } = options;
    const args = [varveBinary, "serve", "--data-dir", dataDir, "--grpc", address, "--http", "off", ...flags];
    const logFile = logTo === undefined ? undefined : await open(logTo, "a");
    const child = spawn(process.execPath, args, {
      env: cleanEnvironment(env),
      stdio: ["ignore", "pipe", logFile === undefined ? "pipe" : logFile.fd],
    });
    await logFile?.close();
    const output = { text: "" };
    // Not "exit": what it printed last may still be in the pipes then.
    const exited = once(child, "close").then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
    afterThisTest(async () => {
      child.kill("SIGKILL");
      await exited;
    });
    // Nothing is printed for people where JSON is asked for.
    const sign = flags.includes("json") ? /"grpc":"([^"]+)".*"msg":"broker is ready"/ : /^\s*gRPC\s+(\S+:\d+)$/m;
    const ready = new Promise<string>((resolve) => {
      const take = (chunk: Buffer): void => {
        output.text += chunk.toString();
        const found = sign.exec(output.text);
        if (found?.[1] !== undefined) resolve(found[1]);
      };
      child.stdout?.on("data", take);
      child.stderr?.on("data", take);
    });
    const failed = exited.then(({ code, signal }) => {
      throw new Error(`varve serve ended with ${code ?? signal} before it was ready:\n${output.text}`);
    });
    // It goes on to end some day; only an end before "ready" is an error.
    failed.catch(() => undefined);
    const at = await Promise.race([ready, failed, timeout(startMs, () => `varve serve is not ready:\n${output.text}`)]);
    return new VarveNode(child, at, dataDir, output, exited);
  }

  /** What it printed, both streams; all of it only once it has ended, for they are two pipes and one may be behind. */
  get output(): string {
    return this.#output.text;
  }

  /** Waits until it has printed this. */
  printed(text: string): Promise<void> {
    return until(`varve serve prints "${text}"`, () => this.output.includes(text));
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** When it has ended: by which code or signal. */
  get ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    return this.#exited;
  }

  /** Sends a signal and waits for nothing. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return (await this.#exited).code;
  }
}

function timeout(ms: number, message: () => string): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(message())), ms).unref();
  });
}
