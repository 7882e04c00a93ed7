// SPDX-License-Identifier: Apache-2.0
// One progress line on stderr: a bar when the total is known and somebody watches, otherwise silence until the end.
// Redraws are limited to a few per second, so that progress costs nothing at any rate.

import { Presets, SingleBar } from "cli-progress";
import { printRates, type Throughput } from "../output/throughput.ts";
import type { Terminal } from "./terminal.ts";

const redrawEveryMs = 100;

export interface Progress {
  /** Tells how far the work is, in units of the total. */
  at(done: number): void;
  /** Leaves the line in its last state and moves on to the next. Idempotent. */
  stop(): void;
}

/** @param total bytes or records; undefined when nobody knows (stdin), then there is a count without a bar */
export function startProgress(
  terminal: Terminal,
  options: { label: string; total: number | undefined; meter: Throughput; quiet?: boolean },
): Progress {
  if (options.quiet === true || !terminal.canDraw) return { at: () => undefined, stop: () => undefined };
  const format =
    options.total === undefined ? `${options.label} {rates}` : `${options.label} {bar} {percentage}%  {rates}`;
  const bar = new SingleBar(
    { format, hideCursor: true, clearOnComplete: false, stream: process.stderr, barsize: 30 },
    Presets.shades_classic,
  );
  bar.start(Math.max(options.total ?? 1, 1), 0, { rates: "" });
  let drawnMs = 0;
  let done = 0;
  let stopped = false;
  const draw = (nowMs: number): void => {
    drawnMs = nowMs;
    bar.update(Math.min(done, options.total ?? 0), { rates: printRates(options.meter.recent(nowMs)) });
  };
  return {
    at(now) {
      done = now;
      const nowMs = performance.now();
      if (nowMs - drawnMs >= redrawEveryMs) draw(nowMs);
    },
    stop() {
      if (stopped) return;
      stopped = true;
      draw(performance.now());
      bar.stop();
    },
  };
}
