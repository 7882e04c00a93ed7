/** Work that is done every so often, one run at a time: the next one is due so long after the last one ended. */
import type { Clock, Timer } from "@varve/log";

/** `work` never rejects. @returns what stops it: resolves once a run that is under way has ended. */
export function startPeriodic(work: () => Promise<void>, clock: Clock, intervalMs: number): () => Promise<void> {
  let running: Promise<void> | undefined;
  let timer: Timer | undefined;
  let stopped = false;
  const schedule = (): void => {
    if (!stopped) timer = clock.setTimer(intervalMs, run);
  };
  const run = (): void => {
    running = work().finally(schedule);
  };
  schedule();
  return async () => {
    stopped = true;
    timer?.cancel();
    await running;
  };
}
