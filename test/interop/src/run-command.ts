// SPDX-License-Identifier: Apache-2.0
// Runs a foreign tool and gives back what it printed; a tool that is not there, fails or hangs is an error that says which
// and what it printed.

import { spawn } from "node:child_process";

export interface CommandResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
  timeoutMs?: number;
  /** What to do when the tool is not installed. */
  whenMissing?: string;
}

/** Resolves with whatever exit code the command had; rejects when it cannot be started or runs out of time. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: options.timeoutMs ?? 30_000,
      killSignal: "SIGKILL",
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", (error: NodeJS.ErrnoException) => {
      const missing = error.code === "ENOENT" && options.whenMissing !== undefined ? ` ${options.whenMissing}` : "";
      reject(new Error(`Cannot run "${command}": ${error.message}.${missing}`, { cause: error }));
    });
    child.on("close", (exitCode, signal) => {
      const result = { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
      if (exitCode === null) {
        reject(new Error(`"${command} ${args.join(" ")}" was ended by ${signal}:\n${result.stdout}${result.stderr}`));
      } else resolve({ ...result, exitCode });
    });
  });
}

/** As runCommand(), and a failure is an error with all that was printed. */
export async function mustRun(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(command, args, options);
  if (result.exitCode !== 0) {
    throw new Error(`"${command} ${args.join(" ")}" ended with ${result.exitCode}:\n${result.stdout}${result.stderr}`);
  }
  return result.stdout;
}
