// The log of a broker in a test: silent while the test passes, printed when it fails, so that a broker that gave up in the
// middle says why.

import type { Logger } from "@varve/broker";
import { onTestFailed } from "vitest";

/** Keeps warnings and errors of one broker until the test ends; to be called inside a test. */
export function loggerShownOnFailure(): Logger {
  const lines: string[] = [];
  const keep = (fields: object, event: string): void => {
    lines.push(`${event} ${JSON.stringify(fields)}`);
  };
  onTestFailed(() => {
    for (const line of lines) process.stderr.write(`broker: ${line}\n`);
  });
  return { debug: () => undefined, info: () => undefined, warn: keep, error: keep };
}
