import { expect, test } from "vitest";
import type { FileSystem } from "./file-system.ts";
import { FreeSpace } from "./free-space.ts";
import { MemoryFiles } from "./testing/memory-files.ts";
import { SimulatedClock, SimulatedTime } from "./testing/simulated-clock.ts";

/** A disk that says how much is free when it is let. */
class Disk extends MemoryFiles {
  free = 0;
  looks = 0;
  #answers: (() => void)[] = [];

  override freeBytes(): Promise<number> {
    this.looks += 1;
    return new Promise((resolve) => {
      this.#answers.push(() => resolve(this.free));
    });
  }

  async answer(): Promise<void> {
    for (const answer of this.#answers.splice(0)) answer();
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  }
}

async function make(free: number): Promise<{ disk: Disk; space: FreeSpace; time: SimulatedTime }> {
  const time = new SimulatedTime();
  const disk = new Disk();
  disk.free = free;
  const fs: FileSystem = disk;
  const options = { fs, clock: new SimulatedClock(time), directory: "/data", neededBytes: () => 1000 };
  const space = new FreeSpace(options);
  const first = space.check();
  await disk.answer();
  await first;
  return { disk, space, time };
}

test("FreeSpace J-15: what is appended between two looks counts", async () => {
  const { space } = await make(1600);
  space.spend(300);
  expect(space.refusal()).toBeUndefined();
  space.spend(301);
  expect(space.refusal()).toEqual({ freeBytes: 999, neededBytes: 1000 });
});

test("FreeSpace J-15: half of what was spare is spent: it looks at once, and what came meanwhile still counts", async () => {
  const { disk, space } = await make(2000);
  space.spend(500);
  expect(disk.looks).toBe(1);
  space.spend(1);
  expect(disk.looks).toBe(2);
  space.spend(400);
  space.spend(400);
  expect(disk.looks).toBe(2);
  expect(space.refusal()).toEqual({ freeBytes: 699, neededBytes: 1000 });
  disk.free = 1900;
  await disk.answer();
  // 1900 less the 800 that came while it looked.
  expect(space.refusal()).toBeUndefined();
  space.spend(101);
  expect(space.refusal()).toEqual({ freeBytes: 999, neededBytes: 1000 });
});

test("FreeSpace J-15: after a refusal it looks once a second until there is room, then never", async () => {
  const { disk, space, time } = await make(900);
  expect(space.refusal()).toBeDefined();
  for (let second = 2; second < 5; second += 1) {
    await time.pass(1000);
    expect(disk.looks).toBe(second);
    if (second === 4) disk.free = 5000;
    await disk.answer();
  }
  expect(space.refusal()).toBeUndefined();
  await time.pass(10_000);
  expect(disk.looks).toBe(4);
});
