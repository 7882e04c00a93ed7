// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { calmWeather, SimulatedNetwork, type Weather } from "./network.ts";
import { RandomStream } from "./random-stream.ts";
import { Scheduler } from "./scheduler.ts";

function makeNetwork(weather: Partial<Weather> = {}): {
  scheduler: Scheduler;
  network: SimulatedNetwork<number>;
  arrived: { to: string; message: number; at: number }[];
} {
  const scheduler = new Scheduler();
  const arrived: { to: string; message: number; at: number }[] = [];
  const network = new SimulatedNetwork<number>({
    scheduler,
    random: new RandomStream(1, "network"),
    weather: { ...calmWeather, ...weather },
    deliver: (to, message) => arrived.push({ to, message, at: scheduler.now }),
  });
  return { scheduler, network, arrived };
}

function sendMany(network: SimulatedNetwork<number>, count = 500): void {
  for (let message = 0; message < count; message++) network.send("a", "b", message);
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

test("SimulatedNetwork delivers in order, later, when the weather is calm", () => {
  const { scheduler, network, arrived } = makeNetwork();
  sendMany(network);
  expect(arrived).toEqual([]);
  scheduler.runUntil(1_000_000);
  expect(arrived.map(({ message }) => message)).toEqual(upTo(500));
  expect(Math.min(...arrived.map(({ at }) => at))).toBeGreaterThanOrEqual(500);
});

test("SimulatedNetwork drops, duplicates, reorders and replays as often as told, and invents nothing", () => {
  const { scheduler, network, arrived } = makeNetwork({
    dropChance: 0.1,
    duplicateChance: 0.1,
    reorderChance: 0.5,
    replayChance: 0.05,
    replayDelayMax: 60_000_000,
    delayTail: 10_000,
  });
  sendMany(network);
  scheduler.runUntil(1_000_000);
  const early = arrived.length;
  scheduler.runUntil(100_000_000);
  const { counts } = network;
  for (const count of [counts.dropped, counts.duplicated, counts.reordered, counts.replayed]) {
    expect(count).toBeGreaterThan(5);
  }
  expect(arrived.length).toBe(500 - counts.dropped + counts.duplicated + counts.replayed);
  expect(arrived.length).toBeGreaterThan(early);
  expect(new Set(arrived.map(({ message }) => message)).size).toBe(500 - counts.dropped);
  expect(arrived.map(({ message }) => message)).not.toEqual(
    arrived.map(({ message }) => message).sort((a, b) => a - b),
  );
});

test("SimulatedNetwork cuts one direction only, and what is under way with it", () => {
  const { scheduler, network, arrived } = makeNetwork();
  network.send("a", "b", 1);
  network.cut("a", "b");
  expect(network.send("a", "b", 2)).toBe(false);
  expect(network.send("b", "a", 3)).toBe(true);
  scheduler.runUntil(100_000);
  expect(arrived.map(({ message }) => message)).toEqual([3]);
  network.mendAll();
  network.send("a", "b", 4);
  scheduler.runUntil(200_000);
  expect(arrived.map(({ message }) => message)).toEqual([3, 4]);
});

test("SimulatedNetwork.loseAll() loses what is under way, and nothing that is sent later", () => {
  const { scheduler, network, arrived } = makeNetwork();
  network.send("a", "b", 1);
  network.loseAll();
  network.send("a", "b", 2);
  scheduler.runUntil(100_000);
  expect(arrived.map(({ message }) => message)).toEqual([2]);
});

test("SimulatedNetwork lets cuts overlap: a link is whole when the last is mended", () => {
  const { network } = makeNetwork();
  network.cut("a", "b");
  network.cut("a", "b");
  network.mend("a", "b");
  expect(network.isCut("a", "b")).toBe(true);
  network.mend("a", "b");
  network.mend("a", "b");
  expect(network.isCut("a", "b")).toBe(false);
});

test("SimulatedNetwork holds back a clogged link, and bounds its queue", () => {
  const { scheduler, network, arrived } = makeNetwork({ queueMax: 10 });
  network.clog("a", "b", 1_000_000);
  sendMany(network, 25);
  scheduler.runUntil(999_999);
  expect(arrived).toEqual([]);
  expect(network.counts.overflowed).toBe(15);
  scheduler.runUntil(1_000_000);
  expect(arrived.map(({ message }) => message)).toEqual(upTo(10));
});
