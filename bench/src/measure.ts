// SPDX-License-Identifier: Apache-2.0
// Times one piece of work: repeats it until a round is long enough to trust, takes the best of several rounds (the others
// had company on the machine), and says what it cost in CPU.

export interface Measured {
  /** Calls of the work per second. */
  readonly callsPerSecond: number;
  /** User and system time of the whole process per second of wall time: above 1 when the thread pool helped. */
  readonly cpuShare: number;
}

export interface MeasureOptions {
  readonly roundMs?: number;
  readonly rounds?: number;
}

/** Measures `work`; awaits it when it returns a promise. The first round only warms up. */
export async function measure(work: () => unknown, options: MeasureOptions = {}): Promise<Measured> {
  const { roundMs = 250, rounds = 5 } = options;
  let calls = 1;
  let best: Measured = { callsPerSecond: 0, cpuShare: 0 };
  for (let round = 0; round <= rounds;) {
    const cpuBefore = process.cpuUsage();
    const before = performance.now();
    for (let call = 0; call < calls; call++) {
      const result = work();
      if (result instanceof Promise) await result;
    }
    const elapsedMs = performance.now() - before;
    const cpu = process.cpuUsage(cpuBefore);
    if (elapsedMs < roundMs / 2) {
      calls = Math.ceil(calls * Math.min(10, (roundMs / Math.max(elapsedMs, 0.01)) * 1.1));
      continue;
    }
    const found = {
      callsPerSecond: (calls / elapsedMs) * 1000,
      cpuShare: (cpu.user + cpu.system) / 1000 / elapsedMs,
    };
    if (round > 0 && found.callsPerSecond > best.callsPerSecond) best = found;
    round++;
  }
  return best;
}

/** CPU seconds per GiB that work on `bytesPerCall` bytes takes. */
export function cpuSecondsPerGiB(measured: Measured, bytesPerCall: number): number {
  return (measured.cpuShare / (measured.callsPerSecond * bytesPerCall)) * 2 ** 30;
}
