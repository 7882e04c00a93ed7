/** Compacts what is due, every so often, and tells how it went. */
import type { Clock, CompactionReport, LogStore } from "@varve/log";
import type { Logger } from "./logger.ts";
import { startPeriodic } from "./periodic.ts";

/** @returns what stops it: a run that is under way ends within a slice of its work, and nothing is compacted any more. */
export function startCompaction(
  store: LogStore,
  clock: Clock,
  logger: Logger,
  intervalMs: number,
): () => Promise<void> {
  const work = async (): Promise<void> => {
    try {
      for (const report of await store.runCompaction()) tell(report, logger);
    } catch (error) {
      logger.error({ error: String(error) }, "compaction failed; it is tried again");
    }
  };
  const stop = startPeriodic(work, clock, intervalMs);
  return async () => {
    store.stopCompaction();
    await stop();
  };
}

function tell({ topic, partition, outcome }: CompactionReport, logger: Logger): void {
  const { kind, why, bytesBefore, bytesAfter } = outcome;
  const fields = { topic, partition, bytesBefore, bytesAfter };
  switch (kind) {
    case "done":
    case "partly":
      logger.info(fields, "a partition was compacted");
      break;
    case "stopped":
    case "overtaken":
      logger.debug({ ...fields, why }, "a compaction was given up; it is tried again");
      break;
    case "no-room":
    case "failed":
      logger.warn({ ...fields, why }, "a partition could not be compacted; it is tried again");
      break;
    case "damaged":
      logger.error({ ...fields, why }, "compaction met damage");
  }
}
