/** Looks for segments that are too old or too many, every so often, one run at a time. */
import type { Clock, LogStore } from "@varve/log";
import type { Logger } from "./logger.ts";
import { startPeriodic } from "./periodic.ts";

/** @returns what stops it: resolves once a run that is under way has ended. */
export function startRetention(store: LogStore, clock: Clock, logger: Logger, intervalMs: number): () => Promise<void> {
  const work = async (): Promise<void> => {
    try {
      const report = await store.runRetention();
      if (report.segments > 0) logger.info({ ...report }, "old segments were removed");
    } catch (error) {
      logger.error({ error: String(error) }, "retention failed; it is tried again");
    }
  };
  return startPeriodic(work, clock, intervalMs);
}
