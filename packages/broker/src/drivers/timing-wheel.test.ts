import { expect, test } from "vitest";
import type { Clock, Timer } from "@varve/log";
import { TimingWheel } from "./timing-wheel.ts";

/** A clock moved by hand: timers fire inside `advance`, in order. */
function manualClock(): Clock & { advance(ms: number): void; timers: number } {
  let now = 0;
  const pending: { at: number; f: () => void }[] = [];
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    nextTurn: (f) => f(),
    setTimer(ms, f): Timer {
      const timer = { at: now + ms, f };
      pending.push(timer);
      return {
        cancel: () => {
          const at = pending.indexOf(timer);
          if (at >= 0) pending.splice(at, 1);
        },
      };
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        pending.sort((a, b) => a.at - b.at);
        const first = pending[0];
        if (first === undefined || first.at > end) break;
        pending.shift();
        now = Math.max(now, first.at);
        first.f();
      }
      now = end;
    },
    get timers() {
      return pending.length;
    },
  };
}

test("TimingWheel fires no earlier than asked and at most two ticks late", () => {
  const clock = manualClock();
  const wheel = new TimingWheel(clock, { tickMs: 10 });
  clock.advance(3);
  for (const delay of [0, 1, 9, 10, 11, 25, 2_559, 2_560, 2_561, 9_999]) {
    const start = clock.nowMs();
    let firedAt = -1;
    wheel.schedule(delay, () => (firedAt = clock.nowMs()));
    clock.advance(delay - 1);
    if (delay > 0) expect(firedAt).toBe(-1);
    clock.advance(21 + (delay === 0 ? 1 : 0));
    expect(firedAt - start).toBeGreaterThanOrEqual(delay);
    expect(firedAt - start).toBeLessThanOrEqual(delay + 20);
  }
});

test("TimingWheel has no timer while it is empty", () => {
  const clock = manualClock();
  const wheel = new TimingWheel(clock);
  expect(clock.timers).toBe(0);
  const first = wheel.schedule(50, () => undefined);
  const second = wheel.schedule(5_000, () => undefined);
  expect(clock.timers).toBe(1);
  first.cancel();
  first.cancel();
  second.cancel();
  expect(wheel.size).toBe(0);
  expect(clock.timers).toBe(0);
});

test("TimingWheel never fires a cancelled entry, not even one cancelled by a neighbour of its tick", () => {
  const clock = manualClock();
  const wheel = new TimingWheel(clock);
  const fired: string[] = [];
  const entries = ["a", "b", "c"].map((name) =>
    wheel.schedule(30, () => {
      fired.push(name);
      for (const other of entries) other.cancel();
    }),
  );
  clock.advance(1_000);
  expect(fired).toHaveLength(1);
  expect(wheel.size).toBe(0);
});

test("TimingWheel catches up after a stall of many rounds", () => {
  const clock = manualClock();
  const wheel = new TimingWheel(clock, { tickMs: 10 });
  let fired = 0;
  for (let i = 0; i < 1_000; i++) wheel.schedule(i * 7, () => fired++);
  const stalled = clock.nowMs();
  // One jump: the timer that is due fires late, once.
  const jump = manualJump(clock, 60_000);
  expect(jump).toBe(stalled + 60_000);
  clock.advance(20);
  expect(fired).toBe(1_000);
});

function manualJump(clock: { advance(ms: number): void; nowMs(): number }, ms: number): number {
  clock.advance(ms);
  return clock.nowMs();
}
