// What a test opened and has to be gone afterwards, whatever the outcome: processes by their pid, directories, brokers.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

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

/** Waits until the condition holds; fails after the deadline, never sleeps "to let it settle". */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Not reached within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
