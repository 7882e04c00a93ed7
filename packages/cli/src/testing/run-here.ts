// SPDX-License-Identifier: Apache-2.0
// Runs a command line inside the test, where the process is not what is tried: starting one costs more than most
// commands. For tests only.

import { run } from "../program.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface Ran {
  readonly exitCode: number;
  readonly stdout: Buffer;
  /** Notes; what commander says of wrong usage goes to the test's own stderr. */
  readonly stderr: string;
}

/** Against the node at `address`. One at a time: environment and exit code are the process's. */
export async function runHere(args: readonly string[], address: string): Promise<Ran> {
  const chunks: Buffer[] = [];
  let stderr = "";
  const terminal: Terminal = {
    canAsk: false,
    canDraw: false,
    canRedraw: false,
    out: async (data) => {
      // Bytes are the command's again once this has resolved.
      chunks.push(Buffer.from(data));
      return true;
    },
    note: (line) => (stderr += `${line}\n`),
    ask: async () => undefined,
  };
  const { VARVE_ADDRESS: address0, npm_command: command0 } = process.env;
  const exitCode0 = process.exitCode;
  process.env["VARVE_ADDRESS"] = address;
  delete process.env["npm_command"];
  process.exitCode = undefined;
  try {
    return { exitCode: await run(args, terminal), stdout: Buffer.concat(chunks), stderr };
  } finally {
    process.exitCode = exitCode0;
    restore("VARVE_ADDRESS", address0);
    restore("npm_command", command0);
  }
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
