/**
 * What the broker tells its operator: one event plus fields. pino by default (one JSON object per line); anything with
 * these four methods can be injected.
 */
import { pino } from "pino";

export interface Logger {
  debug(fields: object, event: string): void;
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
}

export function defaultLogger(level = "info"): Logger {
  return pino({ name: "varve", level });
}

/** For embedded brokers in tests: says nothing. */
export function silentLogger(): Logger {
  const nothing = (): void => undefined;
  return { debug: nothing, info: nothing, warn: nothing, error: nothing };
}
