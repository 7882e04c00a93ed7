// SPDX-License-Identifier: Apache-2.0
// A member of `npm run chaos:raft` as its parent sees it: a directory and a port that outlive its processes.

import { fork, type ChildProcess } from "node:child_process";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { InitialPeer, PeerId } from "raft-ts";
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
  /** The identity of its disk, once it is known. */
  peer: PeerId | undefined;
  isUp = false;
  isPaused = false;
  /** Somebody is at work on it: leave it alone. */
  isBusy = false;
  readonly #peers: readonly InitialPeer[];
  readonly #onFailed: (why: string) => void;
  #child: ChildProcess | undefined;
  #exited: Promise<number | null> = Promise.resolve(null);
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #nextId = 1;

  constructor(self: InitialPeer, directory: string, peers: readonly InitialPeer[], onFailed: (why: string) => void) {
    this.nodeId = self.nodeId;
    this.address = self.address;
    this.directory = directory;
    this.#peers = peers;
    this.#onFailed = onFailed;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  start(intent: MemberStart["intent"]): void {
    const { nodeId, directory } = this;
    const start: MemberStart = { nodeId, directory, peers: this.#peers, intent };
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
    this.peer = undefined;
  }

  #hear(child: ChildProcess, message: MemberMessage): void {
    if (this.#child !== child) return;
    switch (message.event) {
      case "identity":
        this.peer = message.peer;
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
