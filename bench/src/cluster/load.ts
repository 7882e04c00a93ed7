// SPDX-License-Identifier: Apache-2.0
// A load process (load-process.ts) as the benchmark sees it.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type {
  Fill,
  LoadRequest,
  LoadResult,
  Probe,
  ProbeReport,
  SdkLoad,
  StopProbe,
  StreamLoad,
} from "./load-types.ts";

/** Compiled, as a client would be; `npx tsc -b` comes first. */
const program = fileURLToPath(new URL("../../dist/cluster/load-process.js", import.meta.url));

export class Load {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(): Promise<Load> {
    const nodeOptions = process.env["VARVE_BENCH_NODE_OPTIONS"]?.split(" ") ?? [];
    const child = fork(program, [], { stdio: ["ignore", "inherit", "inherit", "ipc"], execArgv: nodeOptions });
    const load = new Load(child);
    await once(child, "message");
    return load;
  }

  run(request: StreamLoad | SdkLoad): Promise<LoadResult> {
    return this.#ask<LoadResult>(request);
  }

  async fillAll(request: Omit<Fill, "kind">): Promise<void> {
    await this.#ask({ kind: "fill", ...request });
  }

  async startProbe(request: Omit<Probe, "kind">): Promise<void> {
    await this.#ask({ kind: "probe", ...request });
  }

  stopProbe(request: Omit<StopProbe, "kind">): Promise<ProbeReport> {
    return this.#ask<ProbeReport>({ kind: "stop-probe", ...request });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.disconnect();
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    await gone;
    clearTimeout(late);
  }

  #ask<T>(request: LoadRequest): Promise<T> {
    return new Promise((resolve, reject) => {
      const exited = (code: number | null): void => reject(new Error(`The load process ended with ${code}`));
      this.#child.once("message", (message: { kind: string; result: T; why: string }) => {
        this.#child.off("exit", exited);
        if (message.kind === "done") resolve(message.result);
        else reject(new Error(`The load failed: ${message.why}`));
      });
      this.#child.once("exit", exited);
      this.#child.send(request);
    });
  }
}
