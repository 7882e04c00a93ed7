/** Looks for segments that are too old or too many, every so often, one run at a time. */
import type { Clock, LogStore, Timer } from "@varve/log";
import type { Logger } from "./logger.ts";

/** @returns what stops it: resolves once a run that is under way has ended. */
export function startRetention(store: LogStore, clock: Clock, logger: Logger, intervalMs: number): () => Promise<void> {
  let running: Promise<void> | undefined;
  let timer: Timer | undefined;
  let stopped = false;
  const schedule = (): void => {
    if (!stopped) timer = clock.setTimer(intervalMs, run);
  };
  const run = (): void => {
    running = store
      .runRetention()
      .then(
        (report) => {
          if (report.segments > 0) logger.info({ ...report }, "old segments were removed");
        },
        (error: unknown) => logger.error({ error: String(error) }, "retention failed; it is tried again"),
      )
      .finally(schedule);
  };
  schedule();
  return async () => {
    stopped = true;
    timer?.cancel();
    await running;
  };
}
