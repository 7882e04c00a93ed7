// SPDX-License-Identifier: Apache-2.0
// A member of a consumer group in Python with nothing but generated code: examples/python/member.py against a real node.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Broker, silentLogger } from "@varve/broker";
import { connect, type Client } from "@varve/client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { generatePythonClient, pythonExample, pythonWithGrpc } from "./python-environment.ts";
import { mustRun } from "./run-command.ts";

let directory: string;
let python: string;
let broker: Broker;
let client: Client;
const members: Member[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "varve-interop-"));
  python = await pythonWithGrpc();
  await generatePythonClient(python, directory);
  broker = await Broker.start({
    dataDir: join(directory, "data"),
    listeners: { grpc: { host: "127.0.0.1", port: 0 }, http: false },
    logger: silentLogger(),
  });
  client = await connect({ address: broker.addresses.grpc });
});

afterEach(async () => {
  for (const member of members.splice(0)) await member.kill("SIGKILL");
});

afterAll(async () => {
  await client?.close();
  await broker?.close();
  await rm(directory, { recursive: true, force: true });
});

/** member.py as a process, and what it has printed. */
class Member {
  stderr = "";
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #stdout = "";
  #exitCode: number | null | undefined;
  #wake = (): void => undefined;

  constructor(group: string, topic: string) {
    const script = join(pythonExample, "member.py");
    this.#child = spawn(python, [script, broker.addresses.grpc, group, topic], {
      env: { ...process.env, PYTHONPATH: directory },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 50_000,
      killSignal: "SIGKILL",
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#wake();
    });
    this.#child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#closed = once(this.#child, "close").then(([exitCode]) => {
      this.#exitCode = exitCode as number | null;
      this.#wake();
    });
    members.push(this);
  }

  get lines(): string[] {
    return this.#stdout.split("\n").slice(0, -1);
  }

  get hasEnded(): boolean {
    return this.#exitCode !== undefined;
  }

  /** Rejects when it ends before, and after a minute. */
  async until(isSo: (lines: readonly string[]) => boolean): Promise<void> {
    const endMs = performance.now() + 60_000;
    const timer = setTimeout(() => this.#wake(), 60_001);
    try {
      while (!isSo(this.lines)) {
        const said = `${this.lines.join("\n")}\n${this.stderr}`;
        if (this.hasEnded) throw new Error(`It ended with ${this.#exitCode}:\n${said}`);
        if (performance.now() > endMs)
          throw new Error(`Waited 60 s in vain for: ${isSo.toString()}. It said:\n${said}`);
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** @returns its exit code */
  async ended(): Promise<number | null | undefined> {
    await this.#closed;
    return this.#exitCode;
  }

  async kill(signal: NodeJS.Signals): Promise<number | null | undefined> {
    this.#child.kill(signal);
    return this.ended();
  }
}

const patience = { timeout: 20_000, interval: 50 };

async function committed(group: string): Promise<number[]> {
  const offsets = await client.groups.committedOffsets({ group });
  return offsets.sort((a, b) => a.partition - b.partition).map(({ offset }) => offset);
}

async function untilCommitted(group: string, wanted: readonly number[]): Promise<void> {
  await expect.poll(() => committed(group), patience).toEqual(wanted);
}

describe("examples/python/member.py", () => {
  it("prints what its README shows, commits, is moved by a reset while it runs, and leaves on Ctrl-C", async () => {
    await mustRun(python, [join(pythonExample, "replay.py"), broker.addresses.grpc, "python-demo"], {
      env: { PYTHONPATH: directory },
    });
    const readme = await readFile(join(pythonExample, "README.md"), "utf8");
    const shown = [...readme.matchAll(/```text\n([\s\S]*?)```/g)][1]?.[1] ?? "";
    const member = new Member("python-readers", "python-demo");
    await member.until((lines) => lines.length >= 10);
    expect(`${member.lines.join("\n")}\n`).toBe(shown);
    await untilCommitted("python-readers", [10]);

    const [move] = await client.groups.reset({ group: "python-readers", position: { kind: "offset", offset: 7 } });
    expect(move).toMatchObject({ fromOffset: 10, toOffset: 7, seenAgain: 3 });
    await member.until((lines) => lines.length >= 13);
    expect(member.lines.slice(10)).toEqual(shown.split("\n").slice(7, 10));
    await untilCommitted("python-readers", [10]);

    expect(await member.kill("SIGINT")).toBe(0);
    expect(member.stderr).toBe("");
    const { state, members: left } = await client.groups.describe({ group: "python-readers" });
    expect([state, left]).toEqual(["empty", []]);
  });

  it("shares partitions with another one, which gets them all when it leaves", async () => {
    await client.admin.createTopic({ topic: "shared", partitions: 4 });
    const first = new Member("sharing", "shared");
    const second = new Member("sharing", "shared");
    const shares = async (): Promise<number[]> => {
      const { members: all } = await client.groups.describe({ group: "sharing" });
      return all.map(({ partitions }) => partitions.length).sort((a, b) => a - b);
    };
    await expect.poll(() => shares().catch(() => []), patience).toEqual([2, 2]);
    await produce(0);
    await untilCommitted("sharing", [5, 5, 5, 5]);
    await expect.poll(() => [...first.lines, ...second.lines].sort(), patience).toEqual(linesFrom(0));
    expect(first.lines).toHaveLength(10);

    expect(await first.kill("SIGINT")).toBe(0);
    await produce(5);
    await untilCommitted("sharing", [10, 10, 10, 10]);
    await expect.poll(() => second.lines.slice(10).sort(), patience).toEqual(linesFrom(5));
  });

  it("reads a group with an end up to there, and ends by itself", async () => {
    await client.groups.fork({
      group: "sharing",
      newGroup: "again",
      position: { kind: "offset", offset: 2 },
      end: { kind: "offset", offset: 5 },
    });
    const member = new Member("again", "shared");
    expect([await member.ended(), member.stderr]).toEqual([0, ""]);
    expect(member.lines.sort()).toEqual(linesFrom(0).filter((line) => Number(line.split(" ")[2]) >= 2));
    expect((await client.groups.describe({ group: "again" })).state).toBe("finished");
  });

  const linesFrom = (first: number): string[] =>
    [0, 1, 2, 3].flatMap((partition) =>
      Array.from({ length: 5 }, (_, n) => `shared ${partition} ${first + n} r${first + n}`),
    );

  /** Five records in each partition. */
  async function produce(first: number): Promise<void> {
    const producer = client.producer();
    for (let n = first; n < first + 5; n += 1) {
      for (let partition = 0; partition < 4; partition += 1) {
        void producer.send({ topic: "shared", partition, value: `r${n}` });
      }
    }
    await producer.close();
  }
});
