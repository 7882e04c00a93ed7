import { expect, test } from "vitest";
import { SimulatedClock, SimulatedTime, SimulationStuckError } from "./simulated-clock.ts";

test("SimulatedTime.step() runs what is due first, and ties in order of arrival", async () => {
  const time = new SimulatedTime();
  const seen: string[] = [];
  time.after(5, () => seen.push("five"));
  time.after(1, () => seen.push("one"));
  time.after(1, () => seen.push("also one"));
  time.after(0, () => seen.push("zero"));
  while (await time.step());
  expect(seen).toEqual(["zero", "one", "also one", "five"]);
  expect(time.nowMs).toBe(5);
});

test("SimulatedTime.step() lets long chains of promises settle before the next event", async () => {
  const time = new SimulatedTime();
  const seen: string[] = [];
  time.after(1, () => {
    void (async () => {
      for (let depth = 0; depth < 100; depth++) await Promise.resolve();
      seen.push("chain");
    })();
  });
  time.after(1, () => seen.push("next"));
  while (await time.step());
  expect(seen).toEqual(["chain", "next"]);
});

test("SimulatedTime.until() says what it waited for when nothing is left", async () => {
  const time = new SimulatedTime();
  await expect(time.until(() => false, "a sign")).rejects.toThrow(SimulationStuckError);
  await expect(time.result(new Promise(() => {}), "an answer")).rejects.toThrow("not yet: an answer");
});

test("SimulatedTime.result() hands through values and errors", async () => {
  const time = new SimulatedTime();
  const later = new Promise<number>((resolve) => time.after(3, () => resolve(7)));
  expect(await time.result(later, "seven")).toBe(7);
  const broken = new Promise<number>((_, reject) => time.after(3, () => reject(new Error("no"))));
  await expect(time.result(broken, "an error")).rejects.toThrow("no");
});

test("SimulatedTime.pass() runs exactly what is due in that time", async () => {
  const time = new SimulatedTime();
  const seen: number[] = [];
  for (const delay of [10, 20, 30]) time.after(delay, () => seen.push(delay));
  await time.pass(20);
  expect(seen).toEqual([10, 20]);
  expect(time.nowMs).toBe(20);
  expect(time.pendingCount).toBe(1);
});

test("SimulatedClock keeps turns in order, cancels timers, and is silent once stopped", async () => {
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  const seen: string[] = [];
  clock.nextTurn(() => seen.push("turn 1"));
  clock.nextTurn(() => seen.push("turn 2"));
  clock.setTimer(2, () => seen.push("cancelled")).cancel();
  clock.setTimer(3, () => {
    seen.push("timer");
    clock.setTimer(1, () => seen.push("after the end"));
    clock.stop();
    clock.nextTurn(() => seen.push("after the end"));
  });
  while (await time.step());
  expect(seen).toEqual(["turn 1", "turn 2", "timer"]);
});
