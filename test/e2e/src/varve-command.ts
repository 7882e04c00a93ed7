// Single commands of the real binary, packages/cli/bin/varve.cjs on the built packages, with their output: as users run it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const varveBinary = fileURLToPath(new URL("../../../packages/cli/bin/varve.cjs", import.meta.url));

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
  const { env = {}, address, input = "" } = options;
  const child = spawn(process.execPath, [varveBinary, ...args], {
    env: cleanEnvironment({ ...env, ...(address === undefined ? {} : { VARVE_ADDRESS: address }) }),
    stdio: "pipe",
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // A command that refuses its arguments closes its input early.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
}

/** As `varve`, for commands that must succeed: their standard output. */
export async function varveOk(args: readonly string[], options: CommandOptions = {}): Promise<Buffer> {
  const result = await varve(args, options);
  if (result.code === 0) return result.stdout;
  throw new Error(`varve ${args.join(" ")} ended with ${result.code}: ${result.stderr}`);
}

/** Nothing of the outside's configuration, and nothing of vitest's. */
export function cleanEnvironment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(VARVE_|VITEST|NODE_ENV|NODE_OPTIONS)/.test(name));
  return { ...Object.fromEntries(kept), ...more };
}
