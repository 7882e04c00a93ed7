// What a test opened and has to be gone afterwards, whatever the outcome: processes by their pid, directories, brokers.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

export { until } from "./until.ts";

const tasks: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const task of tasks.splice(0).reverse()) await task();
});

/** Runs after the test, the last one first. */
export function afterThisTest(task: () => Promise<unknown>): void {
  tasks.push(task);
}

/** A directory that is gone after the test. */
export async function newDirectory(parent = tmpdir()): Promise<string> {
  const directory = await mkdtemp(join(parent, "varve-e2e-"));
  afterThisTest(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}
