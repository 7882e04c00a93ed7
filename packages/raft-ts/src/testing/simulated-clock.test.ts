// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { Scheduler } from "./scheduler.ts";
import { SimulatedClock } from "./simulated-clock.ts";

function makeClock(ratePercent = 100, waitingMax = 100): { scheduler: Scheduler; clock: SimulatedClock } {
  const scheduler = new Scheduler();
  return { scheduler, clock: new SimulatedClock({ scheduler, ratePercent, waitingMax }) };
}

test("SimulatedClock runs at its own rate", () => {
  const { scheduler, clock } = makeClock(200);
  const seen: number[] = [];
  clock.after(100, () => seen.push(scheduler.now));
  clock.every(50, () => seen.push(scheduler.now));
  scheduler.runUntil(300);
  expect(seen).toEqual([100, 200, 200, 300]);
  expect(clock.now()).toBe(150);
});

test("SimulatedClock.setRate() changes the pace, not the time", () => {
  const { scheduler, clock } = makeClock(200);
  const seen: number[] = [];
  clock.every(50, () => seen.push(clock.now()));
  scheduler.runUntil(100);
  clock.setRate(50);
  expect(clock.now()).toBe(50);
  scheduler.runUntil(250);
  expect(seen).toEqual([50, 250, 300, 350]);
});

test("SimulatedClock.resume() lets everything run that waited, in order, and an interval only once", () => {
  const { scheduler, clock } = makeClock();
  const seen: string[] = [];
  clock.every(10, () => seen.push(`tick ${scheduler.now}`));
  scheduler.runUntil(10);
  clock.pause();
  scheduler.at(15, () => clock.enter(() => seen.push("message")));
  scheduler.runUntil(45);
  expect(seen).toEqual(["tick 10"]);
  clock.resume();
  scheduler.runUntil(50);
  expect(seen).toEqual(["tick 10", "message", "tick 45", "tick 50"]);
});

test("SimulatedClock bounds what waits at the gate of a paused node", () => {
  const { clock } = makeClock(100, 2);
  let ran = 0;
  clock.pause();
  for (let round = 0; round < 5; round++) clock.enter(() => ran++);
  clock.resume();
  expect(ran).toBe(2);
  expect(clock.dropped).toBe(3);
});

test("SimulatedClock.stop() is the end of the process: no timer, no message", () => {
  const { scheduler, clock } = makeClock();
  let ran = 0;
  clock.after(10, () => ran++);
  const interval = clock.every(10, () => ran++);
  clock.pause();
  clock.enter(() => ran++);
  clock.stop();
  clock.resume();
  clock.enter(() => ran++);
  scheduler.runUntil(100);
  interval.cancel();
  expect(ran).toBe(0);
  expect(scheduler.waiting).toBe(0);
});
