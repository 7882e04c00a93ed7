// deploy/docker-compose.yml as users run it, under a project name and on ports of its own; everything is gone afterwards.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const file = fileURLToPath(new URL("../../../deploy/docker-compose.yml", import.meta.url));
const outputMax = 64 * 1024 * 1024;

/** Why nothing can be run here; undefined: it can. */
export async function whyNoEngine(): Promise<string | undefined> {
  return run("docker", ["info"]).then(
    () => undefined,
    (error: Error) => `No Docker engine answers: ${error.message.split("\n")[0]}`,
  );
}

export class ComposeCluster {
  readonly #command: readonly string[];
  readonly #project: string;
  readonly #environment: NodeJS.ProcessEnv;
  /** Of the nodes 1, 2 and 3, on this machine. */
  readonly addresses: readonly string[];

  private constructor(command: readonly string[], firstPort: number) {
    this.#command = command;
    this.#project = `varve-test-${process.pid}`;
    const ports = [0, 1, 2].map((at) => firstPort + at);
    this.addresses = ports.map((port) => `localhost:${port}`);
    this.#environment = { ...process.env };
    for (const [at, port] of ports.entries()) {
      this.#environment[`VARVE_PORT_${at + 1}`] = String(port);
      this.#environment[`VARVE_HTTP_PORT_${at + 1}`] = String(port + 100);
    }
  }

  /** Builds the image and starts three nodes; resolves when the containers are there. */
  static async start(): Promise<ComposeCluster> {
    const command = await run("docker", ["compose", "version"]).then(
      () => ["docker", "compose"],
      () => ["docker-compose"],
    );
    const cluster = new ComposeCluster(command, 21_000 + (process.pid % 500) * 10);
    try {
      await cluster.#compose("up", "-d", "--build");
    } catch (error) {
      await cluster.remove();
      throw error;
    }
    return cluster;
  }

  /** Whether Docker says that the node is well: registered, let in, taking calls. */
  async isHealthy(node: number): Promise<boolean> {
    const id = await this.#containerOf(node);
    const { stdout } = await run("docker", ["inspect", "--format", "{{.State.Health.Status}}", id]);
    return stdout.trim() === "healthy";
  }

  /** As a machine that fails: SIGKILL, and nobody starts it again. */
  async kill(node: number): Promise<void> {
    await run("docker", ["kill", await this.#containerOf(node)]);
  }

  async startAgain(node: number): Promise<void> {
    await run("docker", ["start", await this.#containerOf(node)]);
  }

  /** What the nodes printed. */
  async logs(): Promise<string> {
    return this.#compose("logs", "--no-color");
  }

  /** Containers, volumes and network go; the image stays, as the next build starts from it. */
  async remove(): Promise<void> {
    await this.#compose("down", "--volumes", "--timeout", "5");
  }

  async #containerOf(node: number): Promise<string> {
    return (await this.#compose("ps", "-q", `varve-${node}`)).trim();
  }

  async #compose(...args: string[]): Promise<string> {
    const [command = "", ...first] = this.#command;
    const { stdout } = await run(command, [...first, "-p", this.#project, "-f", file, ...args], {
      env: this.#environment,
      maxBuffer: outputMax,
    });
    return stdout;
  }
}
