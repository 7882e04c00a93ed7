// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { RandomStream } from "./random-stream.ts";
import { Scheduler } from "./scheduler.ts";

test("Scheduler runs by time, and at the same time in the order of scheduling", () => {
  const scheduler = new Scheduler();
  const seen: string[] = [];
  scheduler.at(20, () => seen.push("late"));
  scheduler.at(10, () => {
    seen.push("first");
    scheduler.at(10, () => seen.push("third"));
  });
  scheduler.at(10, () => seen.push("second"));
  while (scheduler.step()) continue;
  expect(seen).toEqual(["first", "second", "third", "late"]);
  expect(scheduler.now).toBe(20);
  expect(scheduler.events).toBe(4);
});

test("Scheduler never goes back in time and never fires what was cancelled", () => {
  const scheduler = new Scheduler();
  const seen: number[] = [];
  const cancelled = scheduler.at(5, () => seen.push(5));
  scheduler.at(7, () => scheduler.at(1, () => seen.push(scheduler.now)));
  cancelled.cancel();
  expect(scheduler.nextTime()).toBe(7);
  while (scheduler.step()) continue;
  expect(seen).toEqual([7]);
});

test("Scheduler.runUntil() stops at the time, or after the bound of events", () => {
  const scheduler = new Scheduler();
  let count = 0;
  const again = (): void => {
    count++;
    scheduler.after(10, again);
  };
  scheduler.after(10, again);
  expect(scheduler.runUntil(95)).toBe(true);
  expect(count).toBe(9);
  expect(scheduler.now).toBe(95);
  expect(scheduler.runUntil(1_000, 5)).toBe(false);
  expect(count).toBe(14);
});

test("Scheduler agrees with a sorted list on random input", () => {
  const random = new RandomStream(1, "scheduler");
  const scheduler = new Scheduler();
  const seen: number[] = [];
  const times = Array.from({ length: 2_000 }, () => random.below(500));
  times.forEach((time, order) => scheduler.at(time, () => seen.push(time * 10_000 + order)));
  while (scheduler.step()) continue;
  expect(seen).toEqual(times.map((time, order) => time * 10_000 + order).sort((a, b) => a - b));
});
