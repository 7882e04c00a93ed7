// The ten-minute example of raft-ts, by the commands of its README: three processes, one of them killed.

import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { afterThisTest, newDirectory, until } from "./clean-up.ts";
import { freePort } from "./free-port.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const readme = readFileSync(join(root, "packages/raft-ts/examples/counter/README.md"), "utf8");

/** The commands that start a member, as the README has them. */
const commands = [...readme.matchAll(/```sh\n(.*counter\.ts.*)\n```/g)].map(([, command]) => command!);

class Terminal {
  readonly #command: string;
  #child: ChildProcess | undefined;
  output = "";

  constructor(command: string) {
    this.#command = command;
    afterThisTest(() => this.kill());
  }

  start(): void {
    const [program, ...args] = this.#command.split(" ");
    this.output = "";
    // A process group of its own: npx is not the process that matters.
    const child = spawn(program!, args, { cwd: root, stdio: "pipe", detached: true });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (this.output += chunk));
    child.stdin.on("error", () => undefined);
    this.#child = child;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("close", resolve));
    process.kill(-child.pid, "SIGKILL");
    await ended;
  }

  /** Types a line; what is printed then. */
  async type(line: string): Promise<string> {
    const before = this.output.length;
    this.#child?.stdin?.write(`${line}\n`);
    await until(`an answer to "${line}" from ${this.#command}`, () => this.output.indexOf("\n", before) >= 0);
    return this.output.slice(before, this.output.indexOf("\n", before));
  }

  async quit(): Promise<number | null> {
    const child = this.#child!;
    this.#child = undefined;
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    child.stdin?.write("quit\n");
    return ended;
  }
}

/** What the counter is, from whoever leads. */
async function valueOf(terminals: readonly Terminal[]): Promise<number> {
  let value: number | undefined;
  await until("the counter is read", async () => {
    for (const terminal of terminals) {
      const found = /^the counter is (\d+)$/.exec(await terminal.type(""));
      if (found !== null) value = Number(found[1]);
    }
    return value !== undefined;
  });
  return value!;
}

/** Adds on whoever leads. */
async function add(terminals: readonly Terminal[], number: number, expected: number): Promise<Terminal> {
  let leader: Terminal | undefined;
  await until(`${number} is added`, async () => {
    for (const terminal of terminals) {
      const answer = await terminal.type(String(number));
      // A leader that was not heard for a while, on a busy machine, does not know what became of it: the value tells.
      const isAdded = answer.startsWith("perhaps added")
        ? (await valueOf(terminals)) === expected
        : answer === `added, the counter is ${expected}`;
      if (isAdded) leader = terminal;
      else expect(answer).toMatch(/^(refused|perhaps added|not added)/);
      if (leader !== undefined) return true;
    }
    return false;
  });
  return leader!;
}

test("the README of the counter: three terminals, a number, a kill, the number is still there", async () => {
  expect(commands).toHaveLength(3);
  const ports = [await freePort(), await freePort(), await freePort()].join(",");
  const directory = await newDirectory();
  const terminals = commands.map(
    (command) => new Terminal(command.replace("7101,7102,7103", ports).replace("counter-data", directory)),
  );
  for (const terminal of terminals) terminal.start();
  await until("all are up", () => terminals.every(({ output }) => output.includes("is up")));

  const leader = await add(terminals, 5, 5);
  expect(await valueOf(terminals)).toBe(5);
  await leader.kill();
  const others = terminals.filter((terminal) => terminal !== leader);
  const next = await add(others, 2, 7);

  leader.start();
  await until("the killed one is up again", () => leader.output.includes("is up"));
  expect(await next.quit()).toBe(0);
  const rest = [leader, ...others.filter((terminal) => terminal !== next)];
  await add(rest, 1, 8);
  expect(await valueOf(rest)).toBe(8);
});
