// SPDX-License-Identifier: Apache-2.0
// A group of member processes (member-process.ts) as the benchmark sees it: form it, find its leader, kill one, load it.

import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ClusterDocument, SoftState } from "raft-ts";
import type { LoadProcessOptions } from "./load-process.ts";
import type { FromMember, LoadRequest, LoadResult, MemberUsage, ToMember } from "./member-process.ts";

/** Compiled, since the TypeScript loader is resident too; `npx tsc -b` comes first. */
const program = fileURLToPath(new URL("../../dist/raft/member-process.js", import.meta.url));
const loadProgram = fileURLToPath(new URL("../../dist/raft/load-process.js", import.meta.url));

export class Member {
  readonly nodeId: string;
  readonly #directory: string;
  #child: ChildProcess | null = null;
  id = "";
  address = "";
  state: SoftState = { role: "follower", leader: null, term: 0, active: false };
  /** By performance.now() of this process. */
  activeSinceMs = 0;

  constructor(nodeId: string, directory: string) {
    this.nodeId = nodeId;
    this.#directory = directory;
  }

  /** Resolves when its storage is open and its port taken. */
  async start(): Promise<void> {
    const port = this.address === "" ? 0 : Number(this.address.split(":").at(-1));
    const options = { nodeId: this.nodeId, directory: join(this.#directory, this.nodeId), port };
    const child = fork(program, [JSON.stringify(options)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      execArgv: process.env["VARVE_BENCH_NODE_OPTIONS"]?.split(" ") ?? [],
    });
    this.#child = child;
    child.on("message", (message: FromMember) => {
      if (message.kind !== "state" || this.#child !== child) return;
      if (message.state.active && !this.state.active) this.activeSinceMs = performance.now();
      this.state = message.state;
    });
    const { id, address } = await this.#next("open");
    this.id = id;
    this.address = address;
  }

  begin(document: ClusterDocument): void {
    this.#tell({ kind: "begin", document });
  }

  async load(request: LoadRequest): Promise<LoadResult> {
    const answer = this.#next("loaded");
    this.#tell({ kind: "load", ...request });
    return (await answer).result;
  }

  /** As `load`, from a process of its own, without latencies. */
  async loadFromOutside(request: LoadRequest): Promise<LoadResult> {
    const serving = this.#next("serving");
    this.#tell({ kind: "serve", bytes: request.bytes });
    const { port } = await serving;
    const options: LoadProcessOptions = { ...request, port };
    const child = fork(loadProgram, [JSON.stringify(options)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    return new Promise((resolve, reject) => {
      child.once("message", (result: LoadResult) => resolve(result));
      child.once("exit", (code) => reject(new Error(`The load ended with ${code} before it had a result`)));
    });
  }

  async usage(): Promise<MemberUsage> {
    const answer = this.#next("usage");
    this.#tell({ kind: "usage" });
    return (await answer).usage;
  }

  /** As by kill -9, or in order. */
  async end(how: "SIGKILL" | "stop"): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    this.state = { ...this.state, role: "follower", active: false };
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (how === "stop") child.send({ kind: "stop" } satisfies ToMember);
    else child.kill("SIGKILL");
    const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(late);
  }

  #tell(message: ToMember): void {
    this.#child?.send(message);
  }

  #next<Kind extends FromMember["kind"]>(kind: Kind): Promise<Extract<FromMember, { kind: Kind }>> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      if (child === null) return reject(new Error(`Member ${this.nodeId} does not run`));
      const listen = (message: FromMember): void => {
        if (message.kind !== kind) return;
        child.off("message", listen);
        child.off("exit", failed);
        resolve(message as Extract<FromMember, { kind: Kind }>);
      };
      const failed = (): void => reject(new Error(`Member ${this.nodeId} ended before it said "${kind}"`));
      child.on("message", listen);
      child.once("exit", failed);
    });
  }
}

export class Group {
  readonly members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.members = members;
  }

  /** So many fresh members, one of them leading. */
  static async form(directory: string, size: number): Promise<Group> {
    const members = Array.from({ length: size }, (_, at) => new Member(`n${at + 1}`, directory));
    const group = new Group(members);
    try {
      for (const member of members) await member.start();
      const voters = members.map(({ id, address }) => ({ id, address })).sort((a, b) => (a.id < b.id ? -1 : 1));
      for (const member of members) member.begin({ clusterId: "bench", voters });
      await group.leader();
      return group;
    } catch (error) {
      await group.end();
      throw error;
    }
  }

  /** The member that may act as leader; waits until there is one. */
  async leader(): Promise<Member> {
    const deadlineMs = performance.now() + 30_000;
    for (;;) {
      const leader = this.members.find(({ state }) => state.active);
      if (leader !== undefined) return leader;
      if (performance.now() > deadlineMs) throw new Error("The group has had no leader for 30 s");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end("stop")));
  }
}
