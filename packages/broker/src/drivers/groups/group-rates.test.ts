import { type ControllerImage, emptyImage } from "@varve/cluster";
import { expect, test } from "vitest";
import { type GroupPlaces, GroupRates } from "./group-rates.ts";

const topicId = "a".repeat(32);

/** Partitions of one topic by their leaders, and what group "g" may read in a second. */
function imageWith(leaders: readonly number[], recordsPerSecond: number, bytesPerSecond = 0): ControllerImage {
  const partitions = leaders.map((leader, partition) => ({ partition, leader }));
  const topic = { id: topicId, name: "t", partitions } as unknown as Parameters<ControllerImage["topics"]["set"]>[1];
  const config = { "records.per.second": String(recordsPerSecond), "bytes.per.second": String(bytesPerSecond) };
  return {
    ...emptyImage,
    topics: emptyImage.topics.set(topicId, topic),
    configs: emptyImage.configs.set("group/g", config),
  };
}

class World {
  nowMs = 0;
  image: ControllerImage;
  places: GroupPlaces | undefined;
  asked = 0;
  readonly rates: GroupRates;

  constructor(image: ControllerImage) {
    this.image = image;
    this.rates = new GroupRates({
      nodeId: 1,
      image: () => this.image,
      monotonicMs: () => this.nowMs,
      placesOf: () => {
        this.asked++;
        return Promise.resolve(this.places);
      },
    });
  }

  /** Reads one record after the other for so long. */
  readFor(durationMs: number, bytes = 100): number {
    const endMs = this.nowMs + durationMs;
    let records = 0;
    while (this.nowMs < endMs) {
      const { waitMs = 0 } = this.rates.allowance({ group: "g", topicId }) ?? {};
      if (waitMs > 0) this.nowMs += waitMs;
      else {
        this.rates.took("g", 1, bytes);
        records++;
      }
    }
    return records;
  }
}

test("a group reads as fast as its rate, over any while, and no more than a burst beyond", () => {
  const world = new World(imageWith([1], 100));
  const read = world.readFor(10_000);
  expect(read).toBeGreaterThanOrEqual(990);
  expect(read).toBeLessThanOrEqual(1_030);
  // Whoever was away does not make up for it.
  world.nowMs += 60_000;
  expect(world.readFor(1_000)).toBeLessThanOrEqual(100 + 25 + 2);
});

test("a leader gives its share of what the group reads", async () => {
  const world = new World(imageWith([1, 2, 2, 2], 100));
  expect(world.readFor(10_000)).toBeLessThanOrEqual(260);
  // The coordinator knows that the group has two partitions alone, of which one is led here.
  world.places = new Map([[topicId, [0, 1]]]);
  world.readFor(5_000);
  await Promise.resolve();
  const read = world.readFor(4_000);
  expect(read).toBeGreaterThan(190);
  expect(read).toBeLessThanOrEqual(215);
  expect(world.asked).toBeLessThanOrEqual(5);
});

test("bytes hold back as records do, and the stricter of both counts", () => {
  const world = new World(imageWith([1], 1_000, 1_000));
  const read = world.readFor(10_000, 100);
  expect(read).toBeGreaterThanOrEqual(95);
  expect(read).toBeLessThanOrEqual(105);
});

test("a large batch is paid off before the next, and another rate is in effect at once", () => {
  const world = new World(imageWith([1], 10));
  world.rates.allowance({ group: "g", topicId });
  world.rates.took("g", 1_000, 100_000);
  expect(world.rates.allowance({ group: "g", topicId })?.waitMs).toBe(100);
  world.nowMs += 50_000;
  expect(world.rates.allowance({ group: "g", topicId })?.waitMs).toBe(100);
  world.image = imageWith([1], 100_000);
  expect(world.rates.allowance({ group: "g", topicId })?.waitMs).toBe(5);
  world.image = emptyImage;
  expect(world.rates.allowance({ group: "g", topicId })).toBeUndefined();
});

test("whoever has no rate, or names no group, is not held back", () => {
  const world = new World(imageWith([1], 1));
  expect(world.rates.allowance({ group: "", topicId })).toBeUndefined();
  expect(world.rates.allowance({ group: "other", topicId })).toBeUndefined();
  expect(world.asked).toBe(0);
});

test("a rate that is lowered does not stop the group for what it read at the higher one", () => {
  const world = new World(imageWith([1], 100_000));
  world.rates.allowance({ group: "g", topicId });
  world.rates.took("g", 20_000, 2_000_000);
  // 200 ms at the higher rate are 200 ms at the lower one, not 20,000 s.
  world.image = imageWith([1], 1);
  expect(world.rates.allowance({ group: "g", topicId })?.waitMs).toBe(100);
  world.nowMs += 201;
  expect(world.rates.allowance({ group: "g", topicId })?.waitMs).toBe(0);
  // What is read now is paid off at the lower one.
  world.rates.took("g", 10, 1_000);
  world.nowMs += 9_000;
  expect(world.rates.allowance({ group: "g", topicId })?.waitMs).toBe(100);
});
