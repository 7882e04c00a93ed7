// SPDX-License-Identifier: Apache-2.0
// Runs the built command line as a process of its own, as a user does: bin/varve.cjs from dist. For tests only.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const launcher = fileURLToPath(new URL("../../bin/varve.cjs", import.meta.url));

export interface Finished {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
}

export interface SpawnOptions {
  cwd?: string;
  input?: Uint8Array | string;
  env?: Record<string, string>;
  /** Kills the process by then: a test that waits for it fails instead of hanging. @default 30,000 */
  timeoutMs?: number;
}

/** A process that runs, its output so far, and how it will have ended. */
export class RunningVarve {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  private readonly out: Buffer[] = [];
  private readonly err: Buffer[] = [];
  private onOutput: () => void = () => undefined;

  constructor(args: readonly string[], options: SpawnOptions = {}) {
    const { npm_command: _ignored, VARVE_ADDRESS: _alsoIgnored, ...environment } = process.env;
    this.child = spawn(process.execPath, [launcher, ...args], {
      cwd: options.cwd,
      env: { ...environment, ...options.env },
      stdio: "pipe",
      timeout: options.timeoutMs ?? 30_000,
      killSignal: "SIGKILL",
    });
    this.child.stdout?.on("data", (chunk: Buffer) => this.take(this.out, chunk));
    this.child.stderr?.on("data", (chunk: Buffer) => this.take(this.err, chunk));
    this.finished = new Promise((resolve, reject) => {
      this.child.on("error", reject);
      this.child.on("close", (exitCode, signal) => {
        resolve({ exitCode, signal, stdout: Buffer.concat(this.out), stderr: Buffer.concat(this.err).toString() });
        this.onOutput();
      });
    });
    // A process that ends without reading its input is not the test's failure.
    this.child.stdin?.on("error", () => undefined);
    if (options.input !== undefined) this.child.stdin?.end(options.input);
  }

  get stdoutText(): string {
    return Buffer.concat(this.out).toString();
  }

  /** Resolves with the match as soon as stdout has it; rejects when the process ends without. */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    return this.waitIn(this.out, pattern);
  }

  /** The same of stderr. */
  async waitForNote(pattern: RegExp): Promise<RegExpExecArray> {
    return this.waitIn(this.err, pattern);
  }

  private async waitIn(chunks: readonly Buffer[], pattern: RegExp): Promise<RegExpExecArray> {
    let ended: Finished | undefined;
    void this.finished.then((finished) => (ended = finished));
    for (;;) {
      const match = pattern.exec(Buffer.concat(chunks).toString());
      if (match !== null) return match;
      if (ended !== undefined) {
        throw new Error(
          `The process ended with ${ended.exitCode ?? ended.signal} before it printed ${pattern}:\n${ended.stderr}`,
        );
      }
      await new Promise<void>((resolve) => (this.onOutput = resolve));
      // Lets `ended` be set, when it was the end that woke us.
      await new Promise(setImmediate);
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  private take(chunks: Buffer[], chunk: Buffer): void {
    chunks.push(chunk);
    this.onOutput();
  }
}

/** Runs one command to its end. stdin is empty unless `input` is given. */
export async function varve(args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
  return new RunningVarve(args, { input: "", ...options }).finished;
}

/** A node in a directory of its own, on free ports. */
export class TestNode implements AsyncDisposable {
  readonly directory: string;
  readonly dataDir: string;
  readonly address: string;
  readonly process: RunningVarve;

  private constructor(directory: string, dataDir: string, address: string, running: RunningVarve) {
    this.directory = directory;
    this.dataDir = dataDir;
    this.address = address;
    this.process = running;
  }

  static async start(options: { directory?: string; args?: readonly string[] } = {}): Promise<TestNode> {
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "varve-cli-")));
    const dataDir = join(directory, "data");
    const running = new RunningVarve(
      ["serve", "--data-dir", dataDir, "--grpc", "127.0.0.1:0", "--http", "off", ...(options.args ?? [])],
      { cwd: directory, timeoutMs: 300_000 },
    );
    const [, address = ""] = await running.waitFor(/gRPC {2}(\S+)/);
    return new TestNode(directory, dataDir, address, running);
  }

  /** Runs a command against this node. */
  async varve(args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
    return varve(args, { cwd: this.directory, env: { VARVE_ADDRESS: this.address }, ...options });
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Finished> {
    this.process.kill(signal);
    return this.process.finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await rm(this.directory, { recursive: true, force: true });
  }
}
