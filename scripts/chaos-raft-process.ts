// SPDX-License-Identifier: Apache-2.0
// A member of `npm run chaos:raft` and `npm run forming:raft` as its parent sees it: a directory and a port that outlive its
// processes.

import { fork, type ChildProcess } from "node:child_process";
import { rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { BootstrapReport, InitialPeer, PeerId } from "raft-ts";
import type { MemberAnswer, MemberMessage, MemberRequest, MemberStart } from "./chaos-raft-member.ts";

const program = fileURLToPath(new URL("./chaos-raft-member.ts", import.meta.url));
/** Longer than a member takes for any answer but a replacement. */
const patienceMs = 6_000;

/** `gone`: nobody will answer. What was asked may have happened. */
export type Answer = MemberAnswer | { readonly kind: "gone" };

export class MemberProcess {
  readonly nodeId: string;
  readonly address: string;
  readonly directory: string;
  /** The identity of its disk, once its newest process told it. */
  peer: PeerId | undefined;
  /** Why its process runs no core; undefined while it did not say. */
  report: BootstrapReport | undefined;
  isUp = false;
  isPaused = false;
  /** Somebody is at work on it: leave it alone. */
  isBusy = false;
  readonly #peers: readonly InitialPeer[];
  readonly #onFailed: (why: string) => void;
  readonly #onStarts: (peer: PeerId, clusterId: string) => void;
  #child: ChildProcess | undefined;
  #exited: Promise<number | null> = Promise.resolve(null);
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #nextId = 1;

  /** `onStarts`: a core may run on this disk, in this cluster. */
  constructor(
    self: InitialPeer,
    directory: string,
    peers: readonly InitialPeer[],
    onFailed: (why: string) => void,
    onStarts: (peer: PeerId, clusterId: string) => void = () => undefined,
  ) {
    this.nodeId = self.nodeId;
    this.address = self.address;
    this.directory = directory;
    this.#peers = peers;
    this.#onFailed = onFailed;
    this.#onStarts = onStarts;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** `lastMoment`: see `MemberStart`. */
  start(intent: MemberStart["intent"], lastMoment = 0): void {
    const { nodeId, directory } = this;
    this.peer = undefined;
    const start: MemberStart = { nodeId, directory, peers: this.#peers, intent, lastMoment };
    // The flags of this process: sources, not what was built last.
    const child = fork(program, [JSON.stringify(start)], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    let complaints = "";
    child.stderr!.on("data", (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-4_000)));
    child.on("message", (message) => this.#hear(child, message as MemberMessage));
    child.on("error", () => undefined); // what was not sent is answered below
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        if (this.#child === child) this.#child = undefined;
        this.isUp = false;
        this.isPaused = false;
        this.report = undefined;
        for (const tell of this.#asked.values()) tell({ kind: "gone" });
        this.#asked.clear();
        if (code !== 0 && signal !== "SIGKILL") this.#onFailed(`${nodeId} ended with ${code ?? signal}: ${complaints}`);
        resolve(code);
      });
    });
  }

  /** Asks the process; `gone` when it ends or takes too long. */
  async ask(request: MemberRequest, withinMs = patienceMs): Promise<Answer> {
    const child = this.#child;
    if (child === undefined || !this.isUp) return { kind: "gone" };
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => tell({ kind: "gone" }), withinMs);
      const tell = (answer: Answer): void => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve(answer);
      };
      this.#asked.set(id, tell);
      child.send({ id, request }, () => undefined);
    });
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Its process has ended, by whatever. */
  async gone(): Promise<void> {
    await this.#exited;
  }

  pause(): void {
    this.isPaused = this.#child?.kill("SIGSTOP") ?? false;
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
    this.isPaused = false;
  }

  /** In order; killed when it takes too long. Whether it ended by itself. */
  async stop(withinMs = 10_000): Promise<boolean> {
    void this.ask({ ask: "stop" }, withinMs);
    const timer = setTimeout(() => void this.#child?.kill("SIGKILL"), withinMs);
    const code = await this.#exited;
    clearTimeout(timer);
    return code === 0;
  }

  /** The disk is gone, and with it its identity (M11). The process must be dead. */
  async wipe(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  #hear(child: ChildProcess, message: MemberMessage): void {
    if (this.#child !== child) return;
    switch (message.event) {
      case "identity":
        this.peer = message.peer;
        return;
      case "waits":
        this.report = message.report;
        return;
      case "starts":
        this.report = undefined;
        this.#onStarts(this.peer!, message.clusterId);
        return;
      case "up":
        this.isUp = true;
        return;
      case "failed":
        this.#onFailed(`${this.nodeId}: ${message.why}`);
        return;
      case "answer":
        this.#asked.get(message.id)?.(message.answer);
    }
  }
}

/** What it says of itself, in the values of the first `keys` registers too. */
export async function stateOf(member: MemberProcess, keys: number): Promise<(Answer & { kind: "state" }) | undefined> {
  const answer = await member.ask({ ask: "state", keys }, 1_000);
  return answer.kind === "state" ? answer : undefined;
}

/** Who says that it leads; nobody is asked that is stopped. */
export async function leaderOf(members: readonly MemberProcess[]): Promise<MemberProcess | undefined> {
  const states = await Promise.all(
    members.filter(({ isPaused }) => !isPaused).map(async (member) => [member, await stateOf(member, 0)] as const),
  );
  return states.find(([, state]) => state?.isActive === true)?.[0];
}

/** Free a moment ago. */
export async function freePorts(wanted: number): Promise<number[]> {
  const servers = Array.from({ length: wanted }, () => createServer());
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()))),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
