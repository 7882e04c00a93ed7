// The real binary in real processes: `varve serve` to be talked to and killed, and single commands with their output. What
// runs is packages/cli/bin/varve.cjs on the built packages, as users run it.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterThisTest, until } from "./clean-up.ts";
import { freePort } from "./free-port.ts";

const binary = fileURLToPath(new URL("../../../packages/cli/bin/varve.cjs", import.meta.url));
const startMs = 30_000;

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface CommandOptions {
  /** The node to talk to, as VARVE_ADDRESS. */
  readonly address?: string;
  readonly input?: Uint8Array;
  /** More of the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs one command to its end. */
export async function varve(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const child = spawn(process.execPath, [binary, ...args], {
    env: environment({ ...options.env, ...(options.address === undefined ? {} : { VARVE_ADDRESS: options.address }) }),
    stdio: "pipe",
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // A command that refuses its arguments closes its input early.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
}

/** As `varve`, for commands that must succeed: their standard output. */
export async function varveOk(args: readonly string[], options: CommandOptions = {}): Promise<Buffer> {
  const result = await varve(args, options);
  if (result.code === 0) return result.stdout;
  throw new Error(`varve ${args.join(" ")} ended with ${result.code}: ${result.stderr}`);
}

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
    const args = [binary, "serve", "--data-dir", dataDir, "--grpc", address, "--http", "off", ...flags];
    const logFile = logTo === undefined ? undefined : await open(logTo, "a");
    const child = spawn(process.execPath, args, {
      env: environment(env),
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

/** Nothing of the outside's configuration, and nothing of vitest's. */
function environment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(VARVE_|VITEST|NODE_ENV|NODE_OPTIONS)/.test(name));
  return { ...Object.fromEntries(kept), ...more };
}

function timeout(ms: number, message: () => string): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(message())), ms).unref();
  });
}
