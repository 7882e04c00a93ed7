// SPDX-License-Identifier: Apache-2.0
// Three processes of the bare pipeline (bare-process.ts), each a leader of one partition and a follower of the other two.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BareOptions, ToBare } from "./bare-protocol.ts";
import type { Target } from "./load-types.ts";
import { cpuSecondsOf } from "./serve-process.ts";

/** Compiled, as the nodes are. */
const program = fileURLToPath(new URL("../../dist/cluster/bare-process.js", import.meta.url));

export class BarePipeline {
  readonly targets: readonly Target[];
  readonly #children: readonly ChildProcess[];

  private constructor(children: readonly ChildProcess[], addresses: readonly string[]) {
    this.#children = children;
    this.targets = addresses.map((address, partition) => ({ address, topic: "bare", partition }));
  }

  static async start(directory: string, { sync }: { readonly sync: boolean }): Promise<BarePipeline> {
    mkdirSync(directory, { recursive: true });
    const started = await Promise.all(
      [1, 2, 3].map(async (nodeId) => {
        const options: BareOptions = { nodeId, directory, sync };
        const child = fork(program, [JSON.stringify(options)], {
          stdio: ["ignore", "inherit", "inherit", "ipc"],
          // As the launcher of `varve` has it.
          execArgv: ["--heap-growing-percent=200"],
          env: { ...process.env, UV_THREADPOOL_SIZE: "16" },
        });
        const [ready] = (await once(child, "message")) as [{ address: string }];
        return { child, address: ready.address };
      }),
    );
    const addresses = started.map(({ address }) => address);
    for (const { child, address } of started) {
      const follows = once(child, "message");
      child.send({ kind: "follow", followers: addresses.filter((other) => other !== address) } satisfies ToBare);
      await follows;
    }
    return new BarePipeline(
      started.map(({ child }) => child),
      addresses,
    );
  }

  /** Of all three. */
  get cpuSeconds(): number {
    return this.#children.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0);
  }

  async end(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        const gone = once(child, "exit");
        child.send({ kind: "stop" } satisfies ToBare);
        await gone;
      }),
    );
  }
}
